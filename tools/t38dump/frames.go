package main

import (
	"fmt"
	"math/bits"
	"strings"
)

// frameNames are the facsimile control fields of T.30 clause 5.3.6.1, as they are printed
// there, which is the order of IFP packets.
var frameNames = map[byte]string{
	0x01: "DIS", 0x02: "CSI", 0x04: "NSF",
	0x81: "DTC", 0x82: "CIG", 0x84: "NSC", 0x83: "PWD", 0x85: "SEP", 0x86: "PSA", 0x87: "CIA", 0x88: "ISP",
}

// x stands for the bit that says who sends.
const x = 0x80

// frameNamesX are those whose first bit is X: 1 from the one that received a DIS.
var frameNamesX = map[byte]string{
	0x41: "DCS", 0x42: "TSI", 0x44: "NSS", 0x43: "SUB", 0x45: "SID", 0x46: "TSA", 0x47: "IRA", 0x48: "CTC",
	0x21: "CFR", 0x22: "FTT", 0x23: "CTR", 0x24: "CSA",
	0x71: "EOM", 0x72: "MPS", 0x74: "EOP", 0x79: "PRI-EOM", 0x7A: "PRI-MPS", 0x7C: "PRI-EOP",
	0x78: "EOS", 0x7D: "PPS", 0x73: "EOR", 0x76: "RR",
	0x31: "MCF", 0x33: "RTP", 0x32: "RTN", 0x35: "PIP", 0x34: "PIN", 0x3F: "FDM", 0x3D: "PPR", 0x37: "RNR", 0x38: "ERR", 0x36: "PID",
	0x5F: "DCN", 0x58: "CRP", 0x53: "FNV", 0x57: "TNR", 0x56: "TR",
	fcd: "FCD", rcp: "RCP",
}

const (
	fcd = 0x60 // coded image data
	rcp = 0x61 // return to control
)

// nullCommand is what PPS and EOR say when nothing follows the partial page.
const nullCommand = 0x00

// isImage tells whether a frame belongs to a partial page.
func isImage(f []byte) bool {
	return len(f) >= 3 && (f[2] == fcd || f[2] == rcp)
}

func frameName(fcf byte) string {
	if name := frameNames[fcf]; name != "" {
		return name
	}
	if name := frameNamesX[fcf&^x]; name != "" {
		return name
	}
	return fmt.Sprintf("frame %02X", fcf)
}

// frameText says what a frame is, with its parameters. The octets are those of IFP
// packets: address, control, facsimile control, facsimile information.
func frameText(f []byte) string {
	if len(f) < 3 || f[0] != 0xFF {
		return fmt.Sprintf("no T.30 frame: % x", f)
	}
	name, info := frameName(f[2]), f[3:]
	text := parameters(name, info)
	if text != "" {
		text = " " + text
	}
	switch f[1] {
	case 0xC8:
		return name + text + ", final"
	case 0xC0:
		return name + text
	}
	return fmt.Sprintf("%s%s, control field %02X", name, text, f[1])
}

func parameters(name string, info []byte) string {
	switch name {
	case "DIS", "DTC":
		return strings.Join(capabilities(info), ", ")
	case "DCS":
		return strings.Join(command(info), ", ")
	case "CSI", "CIG", "TSI", "PWD", "SEP", "SUB", "SID", "PSA":
		return identity(info)
	case "NSF", "NSC", "NSS":
		return fmt.Sprintf("% x", info)
	case "PPS", "EOR":
		return partialPage(info)
	case "PPR":
		return missingFrames(info)
	case "CTC":
		return strings.Join(command(info), ", ")
	}
	if len(info) > 0 {
		return fmt.Sprintf("% x", info)
	}
	return ""
}

// identity returns the digits of an identification, whose last one is sent first
// (T.30 clause 5.3.6.2.4). What is no printable ASCII is a dot.
func identity(info []byte) string {
	var b strings.Builder
	for i := len(info) - 1; i >= 0; i-- {
		o := bits.Reverse8(info[i])
		if o < ' ' || o > '~' {
			o = '.'
		}
		b.WriteByte(o)
	}
	return `"` + strings.TrimSpace(b.String()) + `"`
}

// partialPage reads what follows PPS or EOR (T.30 annex A.4.3): the command, and the
// counts of pages, blocks and frames from 0, which have their last bit first.
func partialPage(info []byte) string {
	if len(info) == 0 {
		return "without a command"
	}
	command := "NULL"
	if info[0]&^x != nullCommand {
		command = frameName(info[0])
	}
	if len(info) < 4 {
		return command
	}
	return fmt.Sprintf("%s, page %d, block %d, %s", command, bits.Reverse8(info[1]), bits.Reverse8(info[2]),
		counted(int(bits.Reverse8(info[3]))+1, "frame"))
}

// missingFrames reads a partial page request: a bit for each of 256 frames.
func missingFrames(info []byte) string {
	n, first, last := 0, -1, 0
	for i := range 8 * len(info) {
		if bit(info, i+1) {
			n++
			last = i
			if first < 0 {
				first = i
			}
		}
	}
	if n == 0 {
		return "for no frame"
	}
	return fmt.Sprintf("for %s from %d to %d", counted(n, "frame"), first, last)
}

// bit returns a bit by T.30's numbers, which begin with 1, false behind the last.
func bit(info []byte, n int) bool {
	return n <= 8*len(info) && info[(n-1)/8]>>(7-(n-1)%8)&1 == 1
}
