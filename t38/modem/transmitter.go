package modem

// A Transmitter makes the sound of bursts, one after another. It starts silent.
type Transmitter struct {
	// TEP puts a talker echo protection tone before the bursts of V.17, V.29 and V.27ter
	// that follow: unmodulated carrier for 185 to 200 ms, then 20 to 25 ms of silence
	// (V.27ter clause 2.5.1 table 3, V.17 clause 5.3).
	TEP bool

	dBm0   float64
	active sender // nil between bursts
	v21    v21Transmitter
	qam    qamTransmitter
}

// A sender makes the samples of one burst.
type sender interface {
	// read fills out and returns how many samples it wrote: fewer than len(out) when the
	// burst has ended, and 0 from then on.
	read(out []int16) int
}

// NewTransmitter returns a transmitter whose bursts have that mean power, -43 to 0 dBm0: what
// is beyond is taken as the limit.
func NewTransmitter(dBm0 float64) *Transmitter {
	return &Transmitter{dBm0: min(max(dBm0, -43), 0)}
}

// Start begins a burst of a mode, one of Modes, whose data is src's; one that is on its way ends at once.
// With short the training of V.17 is the short one, for a receiver that has heard the long
// one of the same mode; other modes have one training only. A value that is no mode is silence.
func (t *Transmitter) Start(m Mode, short bool, src BitSource) {
	switch {
	case m == V21:
		t.v21.start(t.dBm0, src)
		t.active = &t.v21
	case m.valid():
		t.qam.start(m, short, t.TEP, t.dBm0, src)
		t.active = &t.qam
	default:
		t.active = nil
	}
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
