// Package dialog is what a user agent keeps between its requests: the dialog of RFC
// 3261 section 12 and the forks of one INVITE, who may offer media when (RFC 3261
// section 14, RFC 3311), session timers (RFC 4028), reliable provisional responses (RFC
// 3262), subscriptions (RFC 6665), REFER with its notifications (RFC 3515, 4488) and
// Replaces (RFC 3891).
//
// Every type is a pure machine or a reading of headers. Its owner passes the time in,
// calls Expire at Deadline, and sends what it builds; Via and transaction, credentials
// and media are the owner's.
package dialog

import (
	"errors"
	"slices"
	"strconv"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/digest"
)

// An ID names a dialog as one of its two sides does (RFC 3261 section 12). It is
// comparable: a map key. The dialogs of a forked INVITE share Call-ID and local tag.
type ID struct {
	CallID, LocalTag, RemoteTag string
}

// RequestID is the dialog that a request received belongs to.
func RequestID(req *sipmsg.Message) ID {
	return ID{CallID: req.CallID, LocalTag: req.To.Tag(), RemoteTag: req.From.Tag()}
}

// ResponseID is the dialog that a response received belongs to or makes.
func ResponseID(res *sipmsg.Message) ID {
	return ID{CallID: res.CallID, LocalTag: res.From.Tag(), RemoteTag: res.To.Tag()}
}

// A State is how far a dialog is.
type State uint8

// The states of RFC 3261 section 12, and the end.
const (
	Early State = iota
	Confirmed
	Ended
)

func (s State) String() string {
	if s > Ended {
		return "State(" + strconv.Itoa(int(s)) + ")"
	}
	return [...]string{"early", "confirmed", "ended"}[s]
}

// A Dialog is one side's view of a dialog (RFC 3261 section 12.1).
type Dialog struct {
	ID
	Local, Remote sipmsg.Addr   // with their tags
	Target        sipmsg.URI    // where the other side wants its requests
	Routes        []sipmsg.Addr // the way there, in the order of the Route header
	Contact       sipmsg.Addr   // ours, for requests that refresh the other side's target

	state       State
	caller      bool   // made by a request of ours
	localSeq    uint32 // of our latest request; 0: none yet
	remoteSeq   uint32 // of the other side's latest request
	remoteKnown bool
}

// ErrNoDialog reports a message that cannot make a dialog.
var ErrNoDialog = errors.New("no dialog comes of this")

// FromResponse makes the dialog of a request of ours and a 1xx or 2xx to it (RFC 3261
// section 12.1.2). Where the response lacks the Contact it owes, requests go where the
// first went.
func FromResponse(req, res *sipmsg.Message) (*Dialog, error) {
	if res.IsRequest() || res.StatusCode <= 100 || res.StatusCode >= 300 || res.IsProvisional() && res.To.Tag() == "" {
		return nil, ErrNoDialog
	}
	d := &Dialog{
		ID: ResponseID(res), Local: req.From.Clone(), Remote: res.To.Clone(),
		Target: req.RequestURI.Clone(), caller: true, localSeq: req.CSeq.Seq,
	}
	if len(req.Contact) > 0 {
		d.Contact = req.Contact[0].Clone()
	}
	d.establish(res)
	return d, nil
}

// FromRequest makes the dialog of a request received and our answer to it, which has a
// To tag and our Contact (RFC 3261 section 12.1.1).
func FromRequest(req, res *sipmsg.Message) (*Dialog, error) {
	target, ok := contact(req)
	if !ok || res.To.Tag() == "" || res.StatusCode <= 100 || res.StatusCode >= 300 {
		return nil, ErrNoDialog
	}
	d := &Dialog{
		ID:    ID{CallID: req.CallID, LocalTag: res.To.Tag(), RemoteTag: req.From.Tag()},
		Local: res.To.Clone(), Remote: req.From.Clone(),
		Target: target, Routes: cloneAddrs(req.RecordRoute),
		remoteSeq: req.CSeq.Seq, remoteKnown: true,
	}
	if len(res.Contact) > 0 {
		d.Contact = res.Contact[0].Clone()
	}
	if res.IsSuccess() {
		d.state = Confirmed
	}
	return d, nil
}

// FromNotify makes the dialog of a SUBSCRIBE or REFER of ours and the first NOTIFY for
// it, which may overtake the 2xx (RFC 6665 section 4.4.1).
func FromNotify(req, notify *sipmsg.Message) (*Dialog, error) {
	target, ok := contact(notify)
	if !ok || notify.From.Tag() == "" {
		return nil, ErrNoDialog
	}
	d := &Dialog{
		ID: RequestID(notify), Local: req.From.Clone(), Remote: notify.From.Clone(),
		Target: target, Routes: cloneAddrs(notify.RecordRoute),
		state: Confirmed, caller: true, localSeq: req.CSeq.Seq,
	}
	if len(req.Contact) > 0 {
		d.Contact = req.Contact[0].Clone()
	}
	return d, nil
}

// establish takes the route set and remote target of a response to the request that
// makes the dialog. RFC 3261 section 13.2.2.4: the route set is computed anew from the
// 2xx.
func (d *Dialog) establish(res *sipmsg.Message) {
	d.Routes = cloneAddrs(res.RecordRoute)
	slices.Reverse(d.Routes)
	if target, ok := contact(res); ok {
		d.Target = target
	}
	if res.IsSuccess() {
		d.state = Confirmed
	}
}

// contact is the one SIP contact of a message that makes or refreshes a dialog.
func contact(m *sipmsg.Message) (sipmsg.URI, bool) {
	if len(m.Contact) == 0 {
		return sipmsg.URI{}, false
	}
	u := m.Contact[0].URI
	if u.Scheme != "sip" && u.Scheme != "sips" || u.Host == "" {
		return sipmsg.URI{}, false
	}
	return u.Clone(), true
}

// State tells early from confirmed and ended.
func (d *Dialog) State() State { return d.state }

// Caller reports that a request of ours made the dialog: we own its Call-ID.
func (d *Dialog) Caller() bool { return d.caller }

// End marks the dialog ended: a BYE went or came, or it is known to be gone.
func (d *Dialog) End() { d.state = Ended }

// Gone reports a response to a request in a dialog by which the dialog itself is known
// to be gone: RFC 3261 section 12.2.1.2 names 481 and 408, which a timeout stands for.
func Gone(code int) bool { return code == 481 || code == 408 }

// Confirm takes the 2xx that the far end, or this one, sent to the request that made the
// dialog.
func (d *Dialog) Confirm(res *sipmsg.Message) {
	switch {
	case d.state != Early || !res.IsSuccess():
	case d.caller:
		d.Remote = res.To.Clone()
		d.establish(res)
	default:
		d.state = Confirmed
	}
}

// refreshes reports a method whose Contact is the sender's new remote target (RFC 3261
// section 12.2, RFC 3311, RFC 3515, RFC 6665).
func refreshes(method string) bool {
	switch method {
	case sipmsg.INVITE, sipmsg.UPDATE, sipmsg.SUBSCRIBE, sipmsg.NOTIFY, sipmsg.REFER:
		return true
	}
	return false
}

// Refresh takes the response to a request of ours in the dialog: a 2xx to a target
// refresh request brings the remote target (RFC 3261 section 12.2.1.2).
func (d *Dialog) Refresh(res *sipmsg.Message) {
	if !res.IsSuccess() || !refreshes(res.CSeq.Method) {
		return
	}
	if target, ok := contact(res); ok {
		d.Target = target
	}
}

// Receive judges a request received in the dialog (RFC 3261 section 12.2.2). 0 lets it
// pass; else it is to be refused with that code: 481 when it belongs to another dialog
// or to one that has ended, 500 when its CSeq does not grow. A target refresh request
// brings the remote target.
func (d *Dialog) Receive(req *sipmsg.Message) (code int) {
	if RequestID(req) != d.ID || d.state == Ended {
		return 481
	}
	if req.Method == sipmsg.ACK || req.Method == sipmsg.CANCEL {
		return 0 // of an INVITE that passed
	}
	if d.remoteKnown && req.CSeq.Seq <= d.remoteSeq {
		return 500
	}
	d.remoteSeq, d.remoteKnown = req.CSeq.Seq, true
	if refreshes(req.Method) {
		if target, ok := contact(req); ok {
			d.Target = target
		}
	}
	return 0
}

// Request builds the next request of ours in the dialog (RFC 3261 section 12.2.1.1),
// complete but for its Via and what its method needs.
func (d *Dialog) Request(method string) *sipmsg.Message {
	d.localSeq++
	return d.build(method, d.localSeq)
}

// Ack builds the ACK of a 2xx to an INVITE of ours: same CSeq number, same credentials
// (RFC 3261 section 13.2.2.4).
func (d *Dialog) Ack(invite *sipmsg.Message) *sipmsg.Message {
	ack := d.build(sipmsg.ACK, invite.CSeq.Seq)
	digest.CopyCredentials(ack, invite)
	return ack
}

// Again builds a request anew that was refused with a challenge or did not arrive: a
// copy with the next CSeq, the present route set and no Via.
func (d *Dialog) Again(req *sipmsg.Message) *sipmsg.Message {
	next := req.Clone()
	d.localSeq++
	next.CSeq.Seq, next.Via = d.localSeq, nil
	d.route(next)
	return next
}

func (d *Dialog) build(method string, seq uint32) *sipmsg.Message {
	m := &sipmsg.Message{
		Method: method, From: d.Local.Clone(), To: d.Remote.Clone(), CallID: d.CallID,
		CSeq:   sipmsg.CSeq{Seq: seq, Method: method},
		Header: sipmsg.Header{{Name: "Max-Forwards", Value: "70"}},
	}
	if refreshes(method) && d.Contact.URI.Scheme != "" {
		m.Contact = []sipmsg.Addr{d.Contact.Clone()}
	}
	d.route(m)
	return m
}

// route sets Request-URI and Route. RFC 3261 section 12.2.1.1: a first route without lr
// is a strict router, which wants to find itself in the Request-URI and the target last.
func (d *Dialog) route(m *sipmsg.Message) {
	target := requestURI(d.Target)
	m.Route = cloneAddrs(d.Routes)
	m.RequestURI = target
	if len(m.Route) > 0 && !loose(m.Route[0].URI) {
		m.RequestURI = requestURI(m.Route[0].URI)
		m.Route = append(m.Route[1:], sipmsg.Addr{URI: target})
	}
}

// requestURI strips what RFC 3261 section 19.1.1 does not allow in a Request-URI.
func requestURI(u sipmsg.URI) sipmsg.URI {
	u = u.Clone()
	u.Headers = ""
	u.Params.Del("method")
	return u
}

func loose(u sipmsg.URI) bool {
	_, ok := u.Params.Get("lr")
	return ok
}

// NextHop is the URI that the dialog's requests are to be sent to (RFC 3261 section
// 8.1.2): its first route, strict or loose, or its target.
func (d *Dialog) NextHop() sipmsg.URI {
	if len(d.Routes) > 0 {
		return d.Routes[0].URI
	}
	return requestURI(d.Target)
}

func cloneAddrs(list []sipmsg.Addr) []sipmsg.Addr {
	if len(list) == 0 {
		return nil
	}
	out := make([]sipmsg.Addr, len(list))
	for i, a := range list {
		out[i] = a.Clone()
	}
	return out
}
