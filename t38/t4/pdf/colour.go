package pdf

import (
	"io"

	"tipring/t38/t4/picture"
)

// space is a colour space: how many colours a sample has, and for one with a palette
// the grey of its entries.
type space struct {
	colours int
	indexed []byte
}

// colours returns the number of samples of a pel.
func (f *File) colours(s *stream) (int, error) {
	sp, err := f.space(s.dict["ColorSpace"], true)
	return sp.colours, err
}

// space reads a colour space of those that need no colour management: ISO 32000-1 clause 8.6.
func (f *File) space(o any, mayIndex bool) (space, error) {
	o, err := f.resolve(o)
	if err != nil {
		return space{}, err
	}
	family, args := o, array(nil)
	if a, ok := o.(array); ok && len(a) > 0 {
		if family, err = f.resolve(a[0]); err != nil {
			return space{}, err
		}
		args = a[1:]
	}
	switch family {
	case nil, name("DeviceGray"), name("CalGray"): // none: a mask
		return space{colours: 1}, nil
	case name("DeviceRGB"), name("CalRGB"):
		return space{colours: 3}, nil
	case name("ICCBased"):
		if len(args) == 1 {
			d, err := f.dict(args[0])
			if n := f.number(d, "N", 0); err == nil && (n == 1 || n == 3) {
				return space{colours: n}, nil
			}
		}
	case name("Indexed"):
		if len(args) == 3 && mayIndex {
			return f.indexed(args)
		}
	}
	return space{}, errOther
}

// indexed reads a palette: ISO 32000-1 clause 8.6.6.3.
func (f *File) indexed(args array) (space, error) {
	base, err := f.space(args[0], false)
	if err != nil {
		return space{}, err
	}
	high, err := f.resolve(args[1])
	if err != nil {
		return space{}, err
	}
	table, err := f.resolve(args[2])
	if err != nil {
		return space{}, err
	}
	var octets []byte
	switch t := table.(type) {
	case text:
		octets = []byte(t)
	case *stream:
		if octets, err = f.unpack(t, maxToken); err != nil {
			return space{}, err
		}
	}
	n, ok := whole(high)
	if !ok || n < 0 || n > 255 || len(octets) < (n+1)*base.colours {
		return space{}, io.ErrUnexpectedEOF
	}
	out := space{colours: 1, indexed: make([]byte, n+1)}
	for i := range out.indexed {
		if base.colours == 1 {
			out.indexed[i] = octets[i]
			continue
		}
		out.indexed[i] = picture.Luma(octets[3*i], octets[3*i+1], octets[3*i+2])
	}
	return out, nil
}

// palette returns the grey of each value of a sample of so many bits.
func (f *File) palette(s *stream, bits int) ([]byte, error) {
	sp, err := f.space(s.dict["ColorSpace"], true)
	if err != nil {
		return nil, err
	}
	if sp.colours != 1 {
		return nil, errOther
	}
	grey := make([]byte, 1<<bits)
	if sp.indexed != nil {
		if s.dict["Decode"] != nil {
			return nil, errOther
		}
		copy(grey, sp.indexed)
		return grey, nil
	}
	invert, err := f.inverted(s)
	if err != nil {
		return nil, err
	}
	for i := range grey {
		grey[i] = byte(i * 255 / (len(grey) - 1))
		if invert {
			grey[i] = 255 - grey[i]
		}
	}
	return grey, nil
}
