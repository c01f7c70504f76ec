package call

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tipring/agent/fax"
	"tipring/internal/dsp"
	"tipring/lines"
	"tipring/t38"
	"tipring/t38/pages"
	"tipring/t38/t30"
)

// A relayNote is what was done in a fax and why, for the line of a page.
type relayNote struct {
	page int // which was next, or under way
	text string
}

// A tally is what a relay has seen of the pages that are over.
type tally struct {
	pages         int
	packets, lost int // of UDPTL, when the last page ended
	frames        int // of ECM
}

// note keeps what is done for the record.
func (r *relay) note(text string) {
	r.p.log.Info("fax", "call", r.c.id, "note", text)
	r.notes = append(r.notes, relayNote{r.tally.pages + 1, text})
}

// current is what passed in the fax that goes on.
func (r *relay) current() t38.Record {
	if r.net.gateway != nil {
		return r.net.gateway.Watch.Record()
	}
	return r.watch.Record()
}

// record is what passed up to now, in all faxes of the call.
func (r *relay) record() t38.Record {
	switch rec := r.current(); {
	case r.earlier == nil:
		return rec
	case rec.Local.Frames+rec.Remote.Frames == 0:
		return *r.earlier
	default:
		return following(*r.earlier, rec)
	}
}

// following is the record of a fax behind another one, with the pages of both.
func following(earlier, rec t38.Record) t38.Record {
	pages := slices.Clone(earlier.Pages)
	for _, p := range rec.Pages {
		p.Number += earlier.Passed
		pages = append(pages, p)
	}
	rec.Pages = pages
	rec.Passed += earlier.Passed
	rec.Good += earlier.Good
	rec.Rejected += earlier.Rejected
	rec.Repairs += earlier.Repairs
	rec.FramesAgain += earlier.FramesAgain
	return rec
}

// ends closes the record of a fax whose call goes on: another may follow.
func (r *relay) ends() {
	rec := r.record()
	r.judge(&rec)
	r.shown.End()
	r.earlier, r.watch, r.tally.frames = &rec, t38.Watch{Onlooker: r.shown.Behind(rec.Passed)}, 0
}

// look looks at the fax as a whole.
func (r *relay) look() {
	if rec := r.current(); rec.Over() && r.overAt == 0 {
		r.overAt, r.talk = r.now, 0
	}
	rec := r.record()
	r.seen = r.seen || rec.Local.Frames+rec.Remote.Frames > 0
	r.judge(&rec)
	r.showRecord(&rec)
}

// judge follows what the network loses.
func (r *relay) judge(rec *t38.Record) {
	if r.net.gateway != nil {
		if _, depth := r.net.gateway.Link.Depth(); depth != r.net.depth {
			if depth > r.net.depth {
				r.note(fmt.Sprintf("%d copies of each packet of a page instead of %d: packets were lost, or repairs asked for", depth, r.net.depth))
			}
			r.net.depth = depth
		}
	}
	for r.tally.pages < rec.Passed {
		r.judgePage(rec)
	}
}

func (r *relay) judgePage(rec *t38.Record) {
	c := r.net.counters()
	packets, lost := int(c.Received+c.Recovered+c.Lost), int(c.Lost)
	frames := rec.Local.ImageFrames + rec.Remote.ImageFrames
	x := pageLoss{packets: packets - r.tally.packets, lost: lost - r.tally.lost, frames: frames - r.tally.frames}
	if i := r.tally.pages; i < len(rec.Pages) {
		x.again, x.rejected = rec.Pages[i].FramesAgain, rec.Pages[i].Result == t38.PageRejected
	}
	if g := r.net.gateway; g != nil {
		if why := r.limit.page(x); why != "" {
			r.note(why)
			g.Policy.MaxBitRate = r.limit.within(r.net.most)
		}
	}
	r.tally = tally{r.tally.pages + 1, packets, lost, frames}
}

// A FaxStatus is what the outside is shown of a fax that a relay sees.
type FaxStatus struct {
	Call      string // id; empty: there is no fax
	Port      int
	Line      int
	Incoming  bool
	Peer      string
	State     string // sending receiving
	Pages     []fax.Page
	Rate      int // bit/s
	ECM       bool
	Transport string // t38 audio
	RemoteID  string
	Result    fax.CalledNumberResult
	Started   time.Time // of the call
	Seen      *pages.Monitor
}

// Fax is the fax in real time that goes on at the port. Any goroutine may ask.
func (p *Port) Fax() FaxStatus {
	if s := p.relayed.Load(); s != nil {
		return *s
	}
	return FaxStatus{}
}

// show lets the outside see the fax.
func (r *relay) show() {
	rec := r.record()
	r.showRecord(&rec)
}

func (r *relay) showRecord(rec *t38.Record) {
	if r.over || !r.heard {
		return
	}
	s := &FaxStatus{
		Call: r.c.id, Port: r.p.cfg.Number, Line: r.p.cfg.Line, Incoming: !r.attempt.Send, Peer: r.number,
		State: "sending", Pages: r.pages(rec), Rate: rate(rec), ECM: rec.Command.ECM,
		Transport: r.transport(), RemoteID: rec.Remote.Ident, Result: r.result(rec), Seen: r.shown,
	}
	if !r.sends(rec) {
		s.State = "receiving"
	}
	if r.c.call != nil {
		s.Started = r.c.call.Info().Started
	}
	r.p.relayed.Store(s)
}

// sends reports that the machine on the port sends pages: as was agreed, or as the caller does.
func (r *relay) sends(rec *t38.Record) bool {
	if rec.Agreed {
		return rec.FromLocal
	}
	return r.attempt.Send
}

func (r *relay) transport() string {
	switch {
	case !r.heard:
		return ""
	case r.byT38:
		return "t38"
	}
	return "audio"
}

// rate is the highest of the pages, bit/s.
func rate(rec *t38.Record) (highest int) {
	for _, p := range rec.Pages {
		highest = max(highest, p.BitRate)
	}
	if highest == 0 && rec.Agreed {
		highest = rec.Command.Modulation.BitRate()
	}
	return highest
}

// pageResults are the words of fax.Page for the ends of a page.
var pageResults = map[t38.PageResult]string{
	t38.PageConfirmed: "confirmed", t38.PageRetrain: "confirmed", t38.PageRejected: "rejected",
	t38.PageGivenUp: "rejected", t38.PageUnanswered: "lost", t38.PageBrokenOff: "lost",
}

// pages are the lines of the record.
func (r *relay) pages(rec *t38.Record) []fax.Page {
	list := make([]fax.Page, 0, len(rec.Pages))
	for _, p := range rec.Pages {
		list = append(list, fax.Page{
			N: p.Number, Result: pageResults[p.Result], Rate: p.BitRate,
			Resolution: resolutionName(p.Resolution), Repairs: p.Repairs, What: r.what(p.Number),
		})
	}
	return list
}

// what is what was done about a page, in a line.
func (r *relay) what(page int) string {
	var texts []string
	for _, n := range r.notes {
		if n.page == page {
			texts = append(texts, n.text)
		}
	}
	return strings.Join(texts, "; ")
}

// result is what the call tells of the called number.
func (r *relay) result(rec *t38.Record) fax.CalledNumberResult {
	switch {
	case !r.attempt.Send:
		return fax.Unknown
	case rec.OK():
		return fax.Success
	case begun(rec):
		return fax.FaxError
	case r.isVoice(rec):
		return fax.VoiceError
	}
	return fax.Unknown
}

// begun reports that the far end sent a frame, or took one.
func begun(rec *t38.Record) bool { return rec.Remote.Frames > 0 || rec.Agreed && !rec.FromLocal }

// voiceAfter is how long an answered call lasts without a sign of a fax until it was no fax machine
// that answered.
const voiceAfter = 15 * dsp.SampleRate

func (r *relay) isVoice(rec *t38.Record) bool {
	return r.up && !begun(rec) && !r.asFax && r.now-r.upAt >= voiceAfter
}

// finish closes the record.
func (r *relay) finish(reason lines.Reason) {
	r.shown.End()
	rec := r.record()
	r.judge(&rec)
	o := r.outcome(&rec, reason)
	o.Seen = r.shown
	r.p.relayed.Store(nil)
	r.log(&o)
	if r.account != nil {
		r.account.Stop(o)
	}
	if r.p.dev.FaxEnded != nil {
		r.p.dev.FaxEnded(r.p.cfg.Number, r.attempt, o)
	}
}

// outcome is how the call went.
func (r *relay) outcome(rec *t38.Record, reason lines.Reason) fax.Outcome {
	c := r.net.counters()
	o := fax.Outcome{
		Peer: r.number, Answered: r.up, Begun: begun(rec), Voice: r.isVoice(rec), OK: rec.OK(),
		Transport: r.transport(), RemoteID: rec.Remote.Ident, LocalID: rec.Local.Ident,
		Rate: rate(rec), ECM: rec.Command.ECM, Pages: r.pages(rec), Capabilities: capabilities(&rec.Remote),
		ECMErrors: rec.FramesAgain, V21Errors: rec.Local.BadFrames + rec.Remote.BadFrames, RTN: rec.Rejected,
		T30: code(rec), Ended: time.Now(), PacketsLost: int(c.Lost + c.Recovered), PacketsHealed: int(c.Recovered),
	}
	for _, p := range rec.Pages {
		if p.Result == t38.PageRetrain {
			o.RTP++
		}
	}
	if r.c.call != nil {
		i := r.c.call.Info()
		o.SIPCallID, o.Server, o.Started = i.SIPCallID, i.Server.String(), i.Started
	}
	if !r.up {
		o.Code, o.NoAnswer = reason.Code, reason.Code == 408 || reason.By == lines.Timer
	}
	if !o.OK {
		o.Reason = because(rec, reason, r.heard)
	}
	if o.T30 == t30.NoAnswer && !o.Voice { // too short a call to tell
		o.T30 = t30.LineLost
	}
	o.Judge(r.attempt.Send)
	return o
}

// because is why a fax did not go well, for people.
func because(rec *t38.Record, reason lines.Reason, heard bool) string {
	switch {
	case !heard:
		return reason.Text
	case reason.Text == "":
		return rec.String()
	}
	return rec.String() + "; " + reason.Text
}

// code is the code of T.30 that comes nearest to what was seen from outside.
func code(rec *t38.Record) t30.Code {
	switch {
	case rec.OK():
		return t30.OK
	case rec.Operator:
		return t30.TakenOver
	case rec.Passed > 0 && rec.Pages[len(rec.Pages)-1].Result == t38.PageRejected:
		return t30.PageRejected
	case rec.Passed > 0 && rec.Pages[len(rec.Pages)-1].Result == t38.PageGivenUp:
		return t30.TooManyRepairs
	case rec.Passed > 0 && rec.Pages[len(rec.Pages)-1].Result == t38.PageUnanswered:
		return t30.NoResponse
	case rec.Confirmed:
		return t30.LineLost
	case rec.Failures > 0:
		return t30.TrainingFailed
	case rec.Agreed:
		return t30.NoResponseToDCS
	case rec.Local.Offered || rec.Remote.Offered:
		return t30.PeerLeftEarly
	case rec.Local.Frames+rec.Remote.Frames+rec.Local.BadFrames+rec.Remote.BadFrames > 0:
		return t30.NoIdentification
	}
	return t30.NoAnswer
}

// capabilities are FB-Fax-Capabilities of a machine: 1 ECM, 2 MR, 4 MMR, 8 JBIG, 16 JPEG, 32 200x400,
// 64 300x300, 128 400x400.
func capabilities(s *t38.Side) (mask int) {
	if !s.Offered {
		return 0
	}
	c := s.Offer
	for i, has := range []bool{
		c.ECM, c.Codings.Has(t30.MR), c.Codings.Has(t30.MMR), c.JBIG, c.JPEG,
		c.Resolutions.Has(t30.Superfine), c.Resolutions.Has(t30.R300), c.Resolutions.Has(t30.Ultrafine),
	} {
		if has {
			mask |= 1 << i
		}
	}
	return mask
}

// log tells of the fax, a line a page.
func (r *relay) log(o *fax.Outcome) {
	if !r.heard {
		return
	}
	r.p.log.Info("fax ended", "call", r.c.id, "peer", o.Peer, "ok", o.OK, "pages", len(o.Pages), "rate", o.Rate, "ecm", o.ECM,
		"transport", o.Transport, "remote_id", o.RemoteID, "lost", o.PacketsLost, "healed", o.PacketsHealed, "cause", o.Reason)
	for _, p := range o.Pages {
		r.p.log.Info("fax page", "call", r.c.id, "page", p.N, "result", p.Result, "rate", p.Rate, "repairs", p.Repairs, "what", p.What)
	}
}
