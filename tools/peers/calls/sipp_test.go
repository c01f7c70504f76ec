package calls

import (
	"testing"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/sipp"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
)

// sipp takes calls in every way that a far end may; the telephone must show it.
func TestSippAnswers(t *testing.T) {
	for _, tt := range []struct {
		scenario string
		set      func(l *lab)
		do       func(l *lab, p *phone.Phone)
	}{
		{"uas", nil, func(l *lab, p *phone.Phone) {
			p.WaitTone(patience, phone.Ringback...)
			l.echoed(p)
			p.OnHook()
		}},
		{"uas_early", nil, func(l *lab, p *phone.Phone) {
			p.Say(700, -12) // echoed before the answer
			p.WaitTone(patience, 700)
			l.connected(1)
			p.OnHook()
		}},
		{"uas_fail:486", nil, busy},
		{"uas_fail:404", nil, busy},
		{"uas_fail:403", nil, busy},
		{"uas_fail:480", nil, busy},
		{"uas_fail:603", nil, busy},
		{"uas_silent", nil, func(l *lab, p *phone.Phone) {
			p.WaitTone(patience, phone.Ringback...)
			p.OnHook()
		}},
		{"uas_100rel", nil, func(l *lab, p *phone.Phone) { l.echoed(p); p.OnHook() }},
		{"uas_hold", nil, func(l *lab, p *phone.Phone) {
			l.echoed(p)
			// Held: the echo stops. Taken back: it is there again.
			if !netlab.Until(patience, func() bool { return p.ListenFor(0, 700) != nil }) {
				l.T.Errorf("sound went on while held")
			}
			p.WaitTone(patience, 700)
			l.Crossed(2, "ACKs of re-INVITEs", func(e wire.Event) bool {
				return e.Kind == wire.Request && e.Method == "ACK" && e.Dst.Addr() == l.Host.Addr
			})
			p.OnHook()
		}},
		{"uas_update", nil, func(l *lab, p *phone.Phone) {
			l.echoed(p)
			l.Crossed(1, "200 to the UPDATE", func(e wire.Event) bool {
				return e.Kind == wire.Response && e.Method == "UPDATE" && e.Status == 200 && e.Src.Addr() == l.Host.Addr
			})
			l.echoed(p)
			p.OnHook()
		}},
		{"uas_info", func(l *lab) { l.Config.Set("sip1", "dtmf_type", "info") }, func(l *lab, p *phone.Phone) {
			l.connected(1)
			p.Dial("42")
			l.Crossed(2, "200 to the INFOs", func(e wire.Event) bool {
				return e.Kind == wire.Response && e.Method == "INFO" && e.Status == 200 && e.Dst.Addr() == l.Host.Addr
			})
			p.OnHook()
		}},
		{"uas_bye", nil, func(l *lab, p *phone.Phone) {
			l.echoed(p)
			if !netlab.Until(patience, func() bool { return l.Agent.Port(1).Call == nil }) {
				l.T.Errorf("port 1 after the far end hung up: %+v", l.Agent.Port(1))
			}
			p.OnHook()
		}},
	} {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, site.Options{})
			if tt.set != nil {
				tt.set(l)
			}
			s := sipp.Serve(t, l.Far, tt.scenario, 1)
			l.Run()
			l.Dial(1, "600")
			tt.do(l, l.Phones[1])
			s.Passed(patience)
			l.Agent.WaitPort(patience, 1, "idle")
			l.WellFormed()
		})
	}
}

func busy(l *lab, p *phone.Phone) {
	p.WaitTone(patience, phone.Busy...)
	p.OnHook()
}

// echoed says a tone and waits until the far end's echo brings it back.
func (l *lab) echoed(p *phone.Phone) {
	l.T.Helper()
	l.connected(1)
	p.Say(700, -12)
	p.WaitTone(patience, 700)
}

func (l *lab) connected(n int) {
	l.T.Helper()
	l.Agent.WaitPort(patience, n, "talking")
}

// sipp calls the device through the server and hangs up after two seconds.
func TestSippCalls(t *testing.T) {
	t.Parallel()
	l := newLab(t, site.Options{})
	l.Run()
	s := sipp.Call(t, l.Far, "uac", "10.9.0.1:5060", "1001", 1)
	p := l.Phones[1]
	p.WaitRing(patience)
	p.OffHook()
	p.Say(700, -12)
	p.WaitTone(patience, 700) // sipp echoes
	s.Passed(patience)
	p.OnHook()
	l.Agent.WaitPort(patience, 1, "idle")
	l.WellFormed()
}
