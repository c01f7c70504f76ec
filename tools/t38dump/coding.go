package main

import "tipring/t38/ifp"

// A reading counts what is right of a call's packets in one of the two codings. Most fields
// can be read in either, as another type: FCS-OK in the corrected coding is the end of the
// signal in the original one, so that what tells them apart is which of them makes sense.
type reading struct {
	coding ifp.Coding
	packet ifp.Packet
	open   [2]bool // a frame of V.21 has begun that way and not ended
	whole  int     // packets that are right to the last octet
	sense  int     // those of them whose fields make sense
}

func (r *reading) take(from int, octets []byte) {
	n, err := r.packet.Decode(octets, r.coding)
	if err != nil || n != len(octets) {
		return
	}
	r.whole++
	if r.makesSense(from) {
		r.sense++
	}
}

func (r *reading) makesSense(from int) bool {
	sense := true
	for _, f := range r.packet.Fields {
		switch {
		case r.packet.Data == ifp.V21Data:
			sense = r.frame(from, f) && sense
		case carriesImage(r.packet.Data) && (f.Type > ifp.NonECMSigEnd || len(f.Data) > 0 && endsFrame(f.Type)):
			sense = false
		}
	}
	return sense
}

// frame tells whether a field may come where it does on V.21: the signal does not end before the
// frame, nor carries images.
func (r *reading) frame(from int, f ifp.Field) bool {
	before := r.open[from]
	r.open[from] = f.Type == ifp.HDLCData
	return f.Type < ifp.NonECMData && !(before && f.Type == ifp.HDLCSigEnd) && !(len(f.Data) > 0 && endsFrame(f.Type))
}

func endsFrame(t ifp.FieldType) bool { return t >= ifp.HDLCFCSOK && t <= ifp.HDLCFCSBadSigEnd }
