package modem

// A Transmitter makes the sound of bursts, one after another. It starts silent.
type Transmitter struct {
	// TEP puts a talker echo protection tone before the bursts of V.17, V.29 and V.27ter
	// that follow: unmodulated carrier for 185 to 200 ms, then 20 to 25 ms of silence
	// (V.27ter clause 2.5.1 table 3, V.17 clause 5.3).
	TEP bool

	dBm0   float64
	active sender // nil between bursts
}

// A sender makes the samples of one burst.
type sender interface {
	// read fills out and returns how many samples it wrote: fewer than len(out) when the
	// burst has ended, and 0 from then on.
	read(out []int16) int
}

// NewTransmitter returns a transmitter whose bursts have that mean power, -43 to 0 dBm0.
func NewTransmitter(dBm0 float64) *Transmitter {
	return &Transmitter{dBm0: min(max(dBm0, -43), 0)}
}

// Read writes the next samples of the burst to out and returns their number: less than
// len(out) when the burst has ended, 0 between bursts.
func (t *Transmitter) Read(out []int16) int {
	if t.active == nil {
		return 0
	}
	n := t.active.read(out)
	if n < len(out) {
		t.active = nil
	}
	return n
}

// Busy reports whether a burst is on its way.
func (t *Transmitter) Busy() bool { return t.active != nil }
