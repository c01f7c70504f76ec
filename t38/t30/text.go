package t30

import (
	"fmt"
	"math/bits"
	"strings"
)

// Name is the frame's name as T.30 writes it: PPS-MPS, EOR-NULL, PRI-EOP, DCS.
func (f Frame) Name() string {
	if f.FCF != PPS && f.FCF != EOR || len(f.Info) == 0 {
		return f.FCF.String()
	}
	second := FCF(f.Info[0])
	if second == NULL {
		return f.FCF.String() + "-NULL"
	}
	return f.FCF.String() + "-" + (second &^ 1).String()
}

// String is the frame in one line of printable ASCII: its name and what it says. Passwords
// are left out.
func (f Frame) String() string {
	if s := f.details(); s != "" {
		return f.Name() + " " + s
	}
	return f.Name()
}

func (f Frame) details() string {
	switch f.FCF {
	case DIS, DTC:
		if c, ok := ParseCapabilities(f.Info); ok {
			return c.String()
		}
		return "too short"
	case DCS:
		c, err := ParseCommand(f.Info)
		if err != nil {
			return strings.TrimPrefix(err.Error(), "t30: ")
		}
		return c.String()
	case CSI, TSI, CIG, SUB, SEP:
		return fmt.Sprintf("%q", ParseIdent(f.Info))
	case NSF, NSC, NSS:
		return decodeNSF(f.Info)
	case CTC:
		m, err := ParseRate(f.Info)
		if err != nil {
			return "invalid"
		}
		return m.String()
	case PPS:
		if len(f.Info) < 4 {
			return "too short"
		}
		return fmt.Sprintf("page=%d block=%d frames=%d", f.Info[1], f.Info[2], int(f.Info[3])+1)
	case PPR:
		n := 0
		for _, octet := range f.Info[:min(len(f.Info), blockFrames/8)] {
			n += bits.OnesCount8(octet)
		}
		return fmt.Sprintf("%d frames", n)
	case FCD:
		if len(f.Info) == 0 {
			return "too short"
		}
		return fmt.Sprintf("%d: %d octets", f.Info[0], len(f.Info)-1)
	default:
		return ""
	}
}

// String is the capabilities as words, each with a meaning of its own.
func (c Capabilities) String() string {
	var w words
	w.add(c.Receives, "receives")
	w.add(c.HasDocument, "polls")
	w.add(c.Modulations&SetV17 != 0, "V.17")
	w.add(c.Modulations&SetV29 != 0, "V.29")
	w.add(c.Modulations.Has(V27ter4800), "V.27ter")
	w.add(c.Modulations == Modulations(V27ter2400), "2400")
	w.add(c.ECM, "ECM")
	w.add(c.Prefers64, "64")
	for _, coding := range [...]Coding{MR, MMR} {
		w.add(c.Codings.Has(coding), coding.String())
	}
	for _, r := range resolutionBits {
		w.add(c.Resolutions.Has(r.resolution), r.resolution.String())
	}
	w.add(c.Inch, "inch")
	w.add(c.Width != A4Width, c.Width.String()+"-width")
	w.add(c.Length != A4Length, c.Length.String()+"-length")
	w.add(true, fmt.Sprintf("%dms", c.MinScan))
	w.add(c.HalfFine, "half-fine")
	w.add(c.HalfSuper, "half-superfine")
	w.add(c.Subaddress, "SUB")
	w.add(c.Selective, "SEP")
	w.add(c.Password, "PWD")
	w.add(c.JPEG, "JPEG")
	w.add(c.JBIG, "JBIG")
	w.add(c.V8, "V.8")
	w.add(c.T37, "T.37")
	w.add(c.T38, "T.38")
	return w.String()
}

// String is the command as words, each with a meaning of its own.
func (c Command) String() string {
	var w words
	w.add(true, c.Modulation.String())
	w.add(true, c.Coding.String())
	w.add(true, c.Form.Resolution.String())
	w.add(c.Form.Inch, "inch")
	w.add(c.ECM, "ECM")
	w.add(c.Frame64, "64")
	w.add(c.Form.Width != A4Width, c.Form.Width.String()+"-width")
	w.add(c.Form.Length != A4Length, c.Form.Length.String()+"-length")
	w.add(!c.ECM, fmt.Sprintf("%dms", c.MinScan))
	w.add(c.Subaddress, "SUB")
	w.add(c.Secret, "SID")
	return w.String()
}

// words is a line of words.
type words []string

func (w *words) add(on bool, s string) {
	if on {
		*w = append(*w, s)
	}
}

func (w words) String() string { return strings.Join(w, " ") }
