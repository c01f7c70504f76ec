package t38

import "tipring/t38/t30"

// DefaultLevel is the power of what a Machine sends, in dBm0.
const DefaultLevel = -12.0

// block is how many samples a Machine does at once: T.30's times are no finer.
const block = 80

// A Machine is a fax machine on a telephone line. Its T30 is made by the owner and started
// with Start; the owner then exchanges samples until Done, and hangs up.
type Machine struct {
	T30 *t30.Terminal

	voice voice
	ear   ear
}

// NewMachine makes a machine of a terminal. One that is under way by T.38 may be taken over: it
// goes on where it is, and what its last front end was saying is made good by T.30's
// repetition. dBm0 is the power of all that it sends: -43 to 0; DefaultLevel is usual.
func NewMachine(t *t30.Terminal, dBm0 float64) *Machine {
	m := &Machine{T30: t}
	m.voice.init(t, dBm0)
	m.ear.init(t)
	return m
}

// Start begins the facsimile, or goes on with it: the call is through.
func (m *Machine) Start() { m.T30.Start() }

// Done reports that the facsimile is over.
func (m *Machine) Done() bool { return m.T30.Done() }

// Exchange takes what the line says and fills out, which is as long, with what the machine
// says in the same time.
func (m *Machine) Exchange(in, out []int16) {
	for len(in) > 0 {
		n := min(block, len(in), len(out))
		if n == 0 {
			return
		}
		m.ear.hear(in[:n])
		m.voice.say(out[:n])
		m.T30.Advance(n)
		in, out = in[n:], out[n:]
	}
}
