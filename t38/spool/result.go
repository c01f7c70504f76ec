package spool

import "time"

// A Result is how a call with a fax went: a delivery, or a reception.
type Result struct {
	OK        bool          // of a delivery: the other side confirmed the last page
	Busy      bool          // the number, or the port, was busy
	Permanent bool          // trying again is of no use
	NotTried  bool          // no call could be begun: no line was up, no machine was there
	Cancelled bool          // of a reception: somebody here wanted its end, and of a machine's fax that it is not sent
	Error     string        // for people; empty: it went well
	After     time.Duration // the next try comes no sooner, up to an hour; 0: the usual wait

	Pages              []Page // numbered as in the document; those told by Page before may be left out
	Rate               int    // bit/s, the highest seen
	ECM                bool
	Transport          string // t38 audio
	RemoteID           string
	CalledNumberResult string
	SIPCallID          string // empty: as it was
	Session            string // of the account; empty: as it was
}

// enter puts what a call told into the record.
func (r *Result) enter(rec *Record) {
	for _, p := range r.Pages {
		rec.setPage(p)
	}
	rec.Error = clip(r.Error, maxLong)
	if r.SIPCallID != "" {
		rec.SIPCallID = clip(r.SIPCallID, maxLong)
	}
	rec.Rate, rec.ECM = max(rec.Rate, r.Rate), rec.ECM || r.ECM
	for _, t := range []struct {
		to   *string
		from string
	}{
		{&rec.Transport, r.Transport}, {&rec.RemoteID, r.RemoteID},
		{&rec.CalledNumberResult, r.CalledNumberResult}, {&rec.Session, r.Session},
	} {
		if t.from != "" {
			*t.to = clip(t.from, maxShort)
		}
	}
}

// advance moves the next page to send behind those that are confirmed.
func (r *Record) advance() {
	for r.FirstPage < r.PageCount && r.confirmed(r.FirstPage+1) {
		r.FirstPage++
	}
}

func (r *Record) confirmed(n int) bool {
	for _, p := range r.Pages {
		if p.N == n {
			return p.Result == Confirmed
		}
	}
	return false
}
