package modem

// trellisCode is the encoder of V.17 figure 1: the differential code of table 1 and the
// convolutional code of eight states that makes Y0.
type trellisCode struct {
	y     uint8 // Y1 is bit 0, Y2 bit 1, of the element before
	state uint8 // Y0 of the next element is bit 0
}

// label returns the element for the bits of a symbol, Q1 the lowest.
func (c *trellisCode) label(bits uint32) uint32 {
	c.y = (c.y + uint8(bits)) & 3 // table 1, if the lower bit is the first one
	label := bits>>2<<3 | uint32(c.y)<<1 | uint32(c.state&1)
	c.state = nextTrellisState(c.state, c.y)
	return label
}

// nextTrellisState is the convolutional code. Bit 0 of the state is Y0, bit 1 the Y0
// before, bit 2 the sum that waits a symbol longer.
func nextTrellisState(state, y uint8) uint8 {
	y0, before, waiting := state&1, state>>1&1, state>>2
	y1, y2 := y&1, y>>1
	next := y2 ^ y0&y1 ^ y0&before ^ waiting
	waits := y1 ^ y2 ^ y0&y1 ^ before
	return waits<<2 | y0<<1 | next
}
