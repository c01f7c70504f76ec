package t30

import "fmt"

// The octets every frame begins with (clause 5.3.4 and 5.3.5), and the largest frame: an
// ECM frame of 256 octets with its number and FCF.
const (
	Address      = 0xFF
	ControlMore  = 0x03 // another frame follows
	ControlFinal = 0x13 // the last frame before a response is awaited
	MaxFrame     = 3 + 1 + 256
)

// FCF is a facsimile control field (clause 5.3.6.1), its first bit on the line as the least
// significant. The X bit of commands and responses is 0 here: see ParseFrame.
type FCF byte

// The facsimile control fields. The comments give the bits as T.30 prints them.
const (
	DIS FCF = 0x80 // 0000 0001 digital identification signal: what the called side can do
	CSI FCF = 0x40 // 0000 0010 called subscriber identification
	NSF FCF = 0x20 // 0000 0100 non-standard facilities

	DTC FCF = 0x81 // 1000 0001 digital transmit command: the called side is to send
	CIG FCF = 0x41 // 1000 0010 calling subscriber identification
	NSC FCF = 0x21 // 1000 0100 non-standard facilities command
	PWD FCF = 0xC1 // 1000 0011 password, for polling
	SEP FCF = 0xA1 // 1000 0101 selective polling

	DCS FCF = 0x82 // X100 0001 digital command signal: how the page will be sent
	TSI FCF = 0x42 // X100 0010 transmitting subscriber identification
	NSS FCF = 0x22 // X100 0100 non-standard set-up
	SUB FCF = 0xC2 // X100 0011 subaddress
	SID FCF = 0xA2 // X100 0101 sender identification: a password, for sending

	CFR FCF = 0x84 // X010 0001 confirmation to receive
	FTT FCF = 0x44 // X010 0010 failure to train
	CTR FCF = 0xC4 // X010 0011 response to CTC
	CSA FCF = 0x24 // X010 0100 called subscriber internet address

	EOM FCF = 0x8E // X111 0001 end of message: back to phase B
	MPS FCF = 0x4E // X111 0010 multipage signal: another page follows
	EOP FCF = 0x2E // X111 0100 end of procedure: the last page
	EOS FCF = 0x1E // X111 1000 end of selection

	PRIEOM FCF = 0x9E // X111 1001 procedure interrupt and EOM
	PRIMPS FCF = 0x5E // X111 1010 and MPS
	PRIEOP FCF = 0x3E // X111 1100 and EOP

	PPS FCF = 0xBE // X111 1101 partial page signal (ECM)
	EOR FCF = 0xCE // X111 0011 end of retransmission (ECM)
	RR  FCF = 0x6E // X111 0110 receive ready? (ECM)
	CTC FCF = 0x12 // X100 1000 continue to correct (ECM)

	MCF FCF = 0x8C // X011 0001 message confirmation
	RTN FCF = 0x4C // X011 0010 retrain negative
	RTP FCF = 0xCC // X011 0011 retrain positive
	PIN FCF = 0x2C // X011 0100 procedure interrupt negative
	PIP FCF = 0xAC // X011 0101 procedure interrupt positive
	FDM FCF = 0xFC // X011 1111 file diagnostics message
	PPR FCF = 0xBC // X011 1101 partial page request (ECM)
	RNR FCF = 0xEC // X011 0111 receive not ready (ECM)
	ERR FCF = 0x1C // X011 1000 response to EOR (ECM)

	DCN FCF = 0xFA // X101 1111 disconnect
	CRP FCF = 0x1A // X101 1000 command repeat
	FNV FCF = 0xCA // X101 0011 field not valid
	TNR FCF = 0xEA // X101 0111 transmit not ready
	TR  FCF = 0x6A // X101 0110 transmit ready

	FCD FCF = 0x06 // 0110 0000 facsimile coded data (ECM page signal)
	RCP FCF = 0x86 // 0110 0001 return to control for partial page (ECM page signal)
)

// NULL is the second FCF of PPS and EOR within a page: more blocks of it follow.
const NULL FCF = 0

var fcfNames = map[FCF]string{
	DIS: "DIS", CSI: "CSI", NSF: "NSF", DTC: "DTC", CIG: "CIG", NSC: "NSC", PWD: "PWD", SEP: "SEP",
	DCS: "DCS", TSI: "TSI", NSS: "NSS", SUB: "SUB", SID: "SID", CFR: "CFR", FTT: "FTT", CTR: "CTR",
	CSA: "CSA", EOM: "EOM", MPS: "MPS", EOP: "EOP", EOS: "EOS", PRIEOM: "PRI-EOM", PRIMPS: "PRI-MPS",
	PRIEOP: "PRI-EOP", PPS: "PPS", EOR: "EOR", RR: "RR", CTC: "CTC", MCF: "MCF", RTN: "RTN",
	RTP: "RTP", PIN: "PIN", PIP: "PIP", FDM: "FDM", PPR: "PPR", RNR: "RNR", ERR: "ERR", DCN: "DCN",
	CRP: "CRP", FNV: "FNV", TNR: "TNR", TR: "TR", FCD: "FCD", RCP: "RCP",
}

func (f FCF) String() string {
	if s, ok := fcfNames[f]; ok {
		return s
	}
	return fmt.Sprintf("FCF %02X", byte(f))
}

// takesX tells whether the first bit of an FCF as received is the X bit: it is in all but
// those that T.30 prints as 0000, 1000 and 0110 in their first half.
func takesX(octet byte) bool {
	return octet&0x0E != 0 && octet&0x0E != byte(FCD)&0x0E
}

// A Frame is an HDLC frame of the procedure, taken apart. Info points into the octets it was
// parsed from.
type Frame struct {
	FCF   FCF
	X     bool // the sender of the frame had received a DIS
	Final bool
	Info  []byte // the facsimile information field; may be empty
}

// ParseFrame takes a frame apart, without its FCS. It is false when the octets are no frame
// of the procedure: too short, of another address, or with a wrong control field.
func ParseFrame(octets []byte) (f Frame, ok bool) {
	if len(octets) < 3 || octets[0] != Address || octets[1]|0x10 != ControlFinal {
		return f, false
	}
	f.FCF, f.Final, f.Info = FCF(octets[2]), octets[1] == ControlFinal, octets[3:]
	if takesX(octets[2]) {
		f.X = octets[2]&1 != 0
		f.FCF &^= 1
	}
	return f, true
}

// Append appends the frame's octets to dst.
func (f Frame) Append(dst []byte) []byte {
	control, fcf := byte(ControlMore), byte(f.FCF)
	if f.Final {
		control = ControlFinal
	}
	if f.X && takesX(fcf) {
		fcf |= 1
	}
	return append(append(dst, Address, control, fcf), f.Info...)
}
