package media

// Came reports that the peer has sent anything to hear.
func (s *Session) Came() bool { return s.source.begun }

// Quiet is for how many samples nothing has come from the peer, neither sound nor a report: one
// that leaves silence out still reports (RFC 3550 section 6.2).
func (s *Session) Quiet() int64 { return s.clock - max(s.lastCame, s.lastControl) }
