package main

import "fmt"

// This is T.30 table 2: what the bits of DIS, DTC and DCS mean.

// number returns the bits from first on as a number, the first one the highest.
func number(info []byte, first, count int) (n int) {
	for i := range count {
		n <<= 1
		if bit(info, first+i) {
			n |= 1
		}
	}
	return n
}

// modems are those of DIS bits 11 to 14.
var modems = map[int]string{
	0b0000: "V.27ter 2400", 0b0100: "V.27ter", 0b1000: "V.29", 0b1100: "V.27ter V.29",
	0b1110: "V.27ter V.29 V.33", 0b1101: "V.27ter V.29 V.17",
}

// speeds are those of DCS bits 11 to 14.
var speeds = map[int]string{
	0b0000: "V.27ter 2400", 0b0100: "V.27ter 4800", 0b1000: "V.29 9600", 0b1100: "V.29 7200",
	0b0010: "V.33 14400", 0b0110: "V.33 12000",
	0b0001: "V.17 14400", 0b0101: "V.17 12000", 0b1001: "V.17 9600", 0b1101: "V.17 7200",
}

var (
	widths      = [4]string{"A4", "A4 B4 A3 wide", "A4 B4 wide", "invalid width"}
	usedWidths  = [4]string{"A4", "A3 wide", "B4 wide", "invalid width"}
	lengths     = [4]string{"A4 long", "any length", "A4 B4 long", "invalid length"}
	usedLengths = [4]string{"A4 long", "any length", "B4 long", "invalid length"}
	scanTimes   = [8]string{"20 ms", "40 ms", "10 ms", "10/5 ms", "5 ms", "40/20 ms", "20/10 ms", "0 ms"}
)

// A meaning is what one bit says, by T.30's number.
type meaning struct {
	bit  int
	text string
}

// resolutions, codings and others mean the same in DIS, DTC and DCS.
var (
	resolutions = []meaning{{15, "fine"}, {41, "superfine"}, {42, "300x300"}, {43, "400x400"}}
	codings     = []meaning{{16, "MR"}, {31, "MMR"}, {78, "JBIG"}, {68, "JPEG"}, {26, "uncompressed mode"}}
	others      = []meaning{{27, "ECM"}, {53, "BFT"}, {3, "T.38"}, {1, "T.37"}}
	able        = []meaning{{6, "V.8"}, {7, "frames of 64"}, {9, "has a page to be polled"}, {47, "SEP"}, {49, "SUB"}, {50, "PWD"}}
)

func meanings(info []byte, of []meaning) (words []string) {
	for _, f := range of {
		if bit(info, f.bit) {
			words = append(words, f.text)
		}
	}
	return words
}

// capabilities reads DIS or DTC.
func capabilities(info []byte) []string {
	if len(info) < 3 {
		return []string{"too short"}
	}
	n := number(info, 11, 4)
	words := []string{orReserved(modems[n], "modems", n)}
	words = append(words, meanings(info, resolutions)...)
	words = append(words, "MH")
	words = append(words, meanings(info, codings)...)
	words = append(words, meanings(info, others)...)
	words = append(words, widths[number(info, 17, 2)], lengths[number(info, 19, 2)], scanTimes[number(info, 21, 3)]+" a row")
	if !bit(info, 10) {
		words = append(words, "does not receive")
	}
	return append(words, meanings(info, able)...)
}

// command reads DCS, or CTC, which has its first two octets.
func command(info []byte) []string {
	if len(info) < 2 {
		return []string{"too short"}
	}
	n := number(info, 11, 4)
	words := []string{orReserved(speeds[n], "rate", n)}
	words = append(words, meanings(info, resolutions)...)
	if coded := meanings(info, codings); len(coded) > 0 {
		words = append(words, coded...)
	} else {
		words = append(words, "MH")
	}
	words = append(words, meanings(info, others)...)
	if bit(info, 27) {
		words = append(words, map[bool]string{false: "frames of 256", true: "frames of 64"}[bit(info, 28)])
	}
	if len(info) > 2 {
		words = append(words, usedWidths[number(info, 17, 2)], usedLengths[number(info, 19, 2)], scanTimes[number(info, 21, 3)]+" a row")
	}
	return words
}

// orReserved gives a number that table 2 reserves a text.
func orReserved(text, what string, n int) string {
	if text == "" {
		return fmt.Sprintf("reserved %s %04b", what, n)
	}
	return text
}
