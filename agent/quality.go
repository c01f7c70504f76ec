package agent

import (
	"tipring/internal/media"
	"tipring/webui/api"
)

// measured keeps the figures of a call whose media have ended, as long as the call is shown.
func (a *Agent) measured(id string, st media.Stats) {
	if a.calls.measured(id, st) {
		a.events.Changed(api.OnCall, id)
	}
}

// measured reports false for a call that is not remembered any more.
func (l *callList) measured(id string, st media.Stats) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[id] == nil && !l.hasEnded(id) {
		return false
	}
	if l.quality == nil {
		l.quality = map[string]media.Stats{}
	}
	before := packetCounts(l.quality[id]) // of a call that was measured before
	for i, n := range packetCounts(st) {
		l.packets[i] += int64(n) - int64(before[i])
	}
	l.quality[id] = st
	return true
}

// packetKinds are what becomes of the media packets of calls.
var packetKinds = [...]string{"sent", "received", "lost", "late", "duplicate", "reordered", "foreign", "malformed"}

func packetCounts(st media.Stats) [len(packetKinds)]uint32 {
	return [...]uint32{st.PacketsSent, st.PacketsReceived, st.Lost, st.Late, st.Duplicates, st.Reordered, st.Foreign, st.Malformed}
}

// packetTotals tells how many there were in the calls that have ended.
func (l *callList) packetTotals(emit func(float64, ...string)) {
	l.mu.Lock()
	totals := l.packets
	l.mu.Unlock()
	for i, n := range totals {
		emit(float64(n), packetKinds[i])
	}
}

func (l *callList) hasEnded(id string) bool {
	for _, i := range l.ended {
		if i.ID == id {
			return true
		}
	}
	return false
}

// figures are those that measured kept.
func (l *callList) figures(id string) (media.Stats, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	st, ok := l.quality[id]
	return st, ok
}

// quality is how a call goes, or went: nil where no sound came in.
func (a *Agent) quality(id string, port int) *api.Quality {
	st, ok := a.calls.figures(id)
	if u := a.port(port); !ok && u != nil && u.port != nil {
		st, ok = u.port.Quality(id)
	}
	if !ok || st.PacketsReceived == 0 {
		return nil
	}
	q := &api.Quality{LossPct: number(st.LossPct), JitterMS: number(st.JitterMS), MOS: number(st.MOS()), R: number(st.R()),
		Lost: api.Number(int(st.Lost)), Late: api.Number(int(st.Late)), Duplicates: api.Number(int(st.Duplicates)), BufferMS: number(st.DelayMS),
	}
	if st.RTTMS >= 0 {
		q.RTTMS = number(st.RTTMS)
	}
	if st.RemoteLossPct >= 0 {
		q.RemoteLossPct, q.RemoteJitterMS = number(st.RemoteLossPct), number(st.RemoteJitterMS)
	}
	return q
}
