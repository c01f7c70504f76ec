package modem

// A scheme is what the Recommendations fix of a modem and what follows from it. Lengths
// of segments are in symbols.
type scheme struct {
	mode      Mode
	baud      int32
	carrierHz int32
	bits      int // of data in a symbol

	alternations int // two elements in turn
	conditioning int // a known sequence of two or four elements
	bridge       int // V.17: 16 known bits, eight times
	ones         int // scrambled binary 1 as data is sent
	short        int // V.17: conditioning of the short training, which has no bridge
	quiet        int // V.29: silence that the training begins with
	flush        int // scrambled 1 after the data

	pulse sendPulse
	taps  receivePulse
}

// sendPulse and receivePulse are the tables of a symbol rate, flat.
type sendPulse struct {
	table  []int16
	taps   int
	phases int32 // rows; a sample goes step of them on
	step   int32
}

type receivePulse struct {
	table []int16
	taps  int
	bits  uint8 // the binary logarithm of the number of rows
}

var (
	send2400 = sendPulse{sendPulse2400[:], 10, 10, 3}
	send1600 = sendPulse{sendPulse1600[:], 8, 5, 1}
	send1200 = sendPulse{sendPulse1200[:], 8, 20, 3}

	receive2400 = receivePulse{receivePulse2400[:], 32, 6}
	receive1600 = receivePulse{receivePulse1600[:], 32, 5}
	receive1200 = receivePulse{receivePulse1200[:], 40, 5}
)
