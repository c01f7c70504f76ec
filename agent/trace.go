package agent

import (
	"fmt"
	"slices"

	"tipring/internal/capture"
	"tipring/internal/config"
	"tipring/internal/ua"
	"tipring/webui/api"
)

// sighted is shown every SIP message that crosses the device's border.
func (a *Agent) sighted(s ua.Sight) {
	a.logMessage(s)
	m := capture.Message{
		At: s.At, Line: s.Owner, Out: s.Out, Transport: capture.Transport(s.Flow.Target().Proto),
		Local: s.Local, Remote: s.From, Err: s.Err,
	}
	if s.Out {
		m.Remote = s.Flow.Target().Addr
	}
	if s.Msg != nil {
		m.CallID, m.Method = s.Msg.CallID, s.Msg.CSeq.Method
	} else {
		m.CallID, m.Method = capture.Names(s.Wire)
	}
	if a.traces.Wants(m.Line, m.CallID, m.Method) {
		m.Text = s.Text()
		a.traces.Message(m)
	}
}

// captures are the configuration's words.
var captures = map[string]capture.Media{"off": capture.Off, "fax": capture.Fax, "all": capture.All}

// setCaptures puts what [sip] says about captures into force.
func (a *Agent) setCaptures(s config.SIP) {
	a.traces.Configure(s.CaptureDigits, captures[s.CaptureMedia])
}

// atOnce are the keys of [sip] that take no port down: for captures, and for calls from now on.
var atOnce = []string{"capture_digits", "capture_media", "rtp_dscp", "rtp_source", "jitter_buffer", "jitter_start_ms", "jitter_min_ms", "jitter_max_ms"}

// reopens tells whether a change of [sip] takes its ports down and up again.
func reopens(ch config.Change) bool {
	return ch.Kind != config.Changed || slices.ContainsFunc(ch.Keys, func(key string) bool { return !slices.Contains(atOnce, key) })
}

// tracing is what the HTTP interface shows of calls' and registrations' messages.
type tracing struct{ a *Agent }

// Ladder is the ladder of a call.
func (t tracing) Ladder(id string) (api.Ladder, error) {
	l, ok := t.a.traces.Ladder(id)
	if !ok {
		return api.Ladder{}, fmt.Errorf("call %s: %w: it said nothing, or what it said was not kept", id, api.ErrConflict)
	}
	shown := showLadder(l)
	shown.Call = api.Text(id)
	return shown, nil
}

// Capture is a call's capture file.
func (t tracing) Capture(id string) ([]byte, error) {
	file, ok := t.a.traces.Pcap(id)
	if !ok {
		return nil, fmt.Errorf("call %s: %w: it said nothing, or what it said was not kept", id, api.ErrConflict)
	}
	return file, nil
}

// Registrations is the ladder of a line's last registrations.
func (t tracing) Registrations(line int) api.Ladder {
	shown := showLadder(t.a.traces.Registrations(line))
	shown.Line = api.Number(line)
	return shown
}

func showLadder(l capture.Ladder) api.Ladder {
	out := api.Ladder{Dropped: l.Dropped, Participants: []api.Participant{}, Messages: []api.LadderMessage{}}
	for _, p := range l.Participants {
		shown := api.Participant{ID: p.ID, Name: p.Name}
		if p.Address.IsValid() && !p.Address.Addr().IsUnspecified() {
			shown.Address = api.Text(p.Address.String())
		}
		out.Participants = append(out.Participants, shown)
	}
	for i, s := range l.Steps {
		m := api.LadderMessage{
			N: i + 1, Time: api.At(s.At), AfterMS: int(s.At.Sub(l.Steps[0].At).Milliseconds()),
			From: api.Text(s.From), To: api.Text(s.To), Kind: s.Kind.String(), Method: api.Text(s.Method),
			Summary: s.Summary, Text: api.Text(s.Text), Retransmission: s.Retransmission,
		}
		if s.Status != 0 {
			m.Status = api.Number(s.Status)
		}
		if s.Kind != capture.Event {
			m.Transport = api.Text(s.Transport.String())
		}
		out.Messages = append(out.Messages, m)
	}
	return out
}
