package pnp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
	"tipring/provisioning/lan"
)

const (
	listenTime = 5 * time.Second // from the first SUBSCRIBE, and again from its acceptance
	firstPause = 500 * time.Millisecond

	maxPeers   = 4  // hosts that accepted the subscription
	maxAnswers = 50 // to requests of others; then silence
	maxHeard   = 8  // reasons that are kept for the error
)

const (
	eventPackage = "ua-profile"
	urlType      = "application/url"
)

// An inquiry is one SUBSCRIBE with what comes of it. It is a lan.Machine.
type inquiry struct {
	request *sipmsg.Message
	wire    []byte

	started, next, end time.Time
	pause              time.Duration
	peers              []peer
	declined           []netip.Addr // hosts that refused the subscription
	offer              Offer
	over               bool
	answers            int
	heard              []string // why what came was of no use
}

// A peer is who accepted the subscription: the other side of the dialog (RFC 6665
// section 4.4.1).
type peer struct {
	host netip.Addr
	tag  string
}

func newInquiry(c Config, local netip.AddrPort) (*inquiry, error) {
	q := &inquiry{request: subscribe(c, local), pause: firstPause}
	var err error
	q.wire, err = q.request.Append(nil)
	return q, err
}

// subscribe is the request (RFC 6080 section 5.1.1, and the form that servers of the
// field expect: the MAC address in the user part).
func subscribe(c Config, local netip.AddrPort) *sipmsg.Message {
	self := "sip:MAC%3a" + c.MAC.String() + "@"
	device := uri(self + Group.Addr().String())
	m := &sipmsg.Message{
		Method: sipmsg.SUBSCRIBE, RequestURI: device,
		Via:     []sipmsg.Via{{Transport: "UDP", Host: local.Addr().String(), Port: int(local.Port())}},
		From:    sipmsg.Addr{URI: device.Clone()}.WithTag(rand.Text()),
		To:      sipmsg.Addr{URI: device.Clone()},
		CallID:  rand.Text() + "@" + local.Addr().String(),
		CSeq:    sipmsg.CSeq{Seq: 1, Method: sipmsg.SUBSCRIBE},
		Contact: []sipmsg.Addr{{URI: uri(self + local.String())}},
	}
	m.Via[0].Params.Set("branch", transaction.NewBranch())
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Event", event(c))
	m.Header.Add("Expires", "0")
	m.Header.Add("Accept", urlType)
	return m
}

// uri reads what this package itself wrote.
func uri(s string) sipmsg.URI {
	u, err := sipmsg.ParseURI(s)
	if err != nil {
		panic(err)
	}
	return u
}

// event is the Event header (RFC 6080 section 6.2): the parameters are quoted.
func event(c Config) string {
	value := eventPackage + `;profile-type="device"`
	for _, p := range []struct{ name, value string }{{"vendor", c.Vendor}, {"model", c.Model}, {"version", c.Version}} {
		if p.value != "" {
			value += ";" + p.name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.value) + `"`
		}
	}
	return value
}

// Expire sends the SUBSCRIBE when it is time to: as RFC 3261 section 17.1.2.2 has timer E,
// until somebody has accepted it.
func (q *inquiry) Expire(now time.Time) []lan.Datagram {
	if q.started.IsZero() {
		q.started, q.next, q.end = now, now, now.Add(listenTime)
	}
	if q.Done() || now.Before(q.next) {
		return nil
	}
	if !now.Before(q.end) {
		q.over = true
		return nil
	}
	q.next = now.Add(q.pause)
	q.pause *= 2
	if q.end.Before(q.next) {
		q.next = q.end
	}
	return []lan.Datagram{{To: Group, Wire: q.wire}}
}

// Deadline is when the SUBSCRIBE is sent again or given up.
func (q *inquiry) Deadline() time.Time { return q.next }

// Done reports an offer, or that no more is waited for.
func (q *inquiry) Done() bool { return q.over || q.offer.URL != "" }

// Receive takes a response to the SUBSCRIBE, or a request, which it answers.
func (q *inquiry) Receive(now time.Time, from netip.AddrPort, data []byte) []lan.Datagram {
	m, err := sipmsg.Parse(data)
	switch {
	case err != nil:
		q.hear(from, "a message that cannot be read: %v", err)
		return nil
	case !m.IsRequest():
		q.response(now, from, m)
		return nil
	case m.Method == sipmsg.ACK || q.answers == maxAnswers:
		return nil
	}
	q.answers++
	return answer(from, m, q.reply(now, from, m))
}

func (q *inquiry) hear(from netip.AddrPort, format string, args ...any) {
	if len(q.heard) < maxHeard {
		q.heard = append(q.heard, from.Addr().String()+": "+fmt.Sprintf(format, args...))
	}
}

// response takes a response that is the SUBSCRIBE's (RFC 3261 section 17.1.3).
func (q *inquiry) response(now time.Time, from netip.AddrPort, m *sipmsg.Message) {
	switch {
	case m.Branch() != q.request.Branch() || len(m.Via) != 1 || m.CSeq != q.request.CSeq ||
		m.CallID != q.request.CallID || m.From.Tag() != q.request.From.Tag():
		q.hear(from, "a response to something else")
	case m.IsProvisional():
	case !m.IsSuccess():
		q.hear(from, "%d %s", m.StatusCode, lan.Show(m.Reason))
		if len(q.declined) < maxPeers {
			q.declined = append(q.declined, from.Addr())
		}
	case m.To.Tag() == "":
		q.hear(from, "%d without a tag", m.StatusCode)
	default:
		q.accept(now, peer{from.Addr(), m.To.Tag()})
	}
}

// accept remembers who has the subscription. The time for the NOTIFY begins with the first.
func (q *inquiry) accept(now time.Time, p peer) {
	if slices.Contains(q.peers, p) || len(q.peers) == maxPeers {
		return
	}
	if q.peers = append(q.peers, p); len(q.peers) == 1 {
		q.end = now.Add(listenTime)
		q.next = q.end
	}
}

// reply is the answer to a request: 200 to the NOTIFY that is waited for.
func (q *inquiry) reply(now time.Time, from netip.AddrPort, m *sipmsg.Message) *sipmsg.Message {
	p := peer{from.Addr(), m.From.Tag()}
	switch {
	case m.Method != sipmsg.NOTIFY:
		return with(m.Response(405, ""), "Allow", sipmsg.NOTIFY)
	case m.CallID != q.request.CallID || m.To.Tag() != q.request.From.Tag() || p.tag == "", !q.may(p):
		q.offer.Refused++
		q.hear(from, "a NOTIFY of no subscription")
		return m.Response(481, "")
	}
	if pkg, _, ok := m.Event(); !ok || !strings.EqualFold(pkg, eventPackage) {
		q.hear(from, "a NOTIFY of another event")
		return with(m.Response(489, ""), "Allow-Events", eventPackage)
	}
	if kind, _ := m.ContentType(); kind != urlType && len(m.Body) > 0 {
		q.hear(from, "a NOTIFY with a body that is no %s", urlType)
		return with(m.Response(415, ""), "Accept", urlType)
	}
	// RFC 6665 section 4.4.1: a NOTIFY that overtakes the response makes the dialog itself.
	q.accept(now, p)
	q.notified(from, m.Body)
	return m.Response(200, "")
}

// may reports whether a host's NOTIFY with that tag is the subscription's: that host
// accepted it; or nobody did so far, and the NOTIFY overtook the response.
func (q *inquiry) may(p peer) bool {
	if len(q.peers) > 0 {
		return slices.Contains(q.peers, p)
	}
	return !slices.Contains(q.declined, p.host)
}

// notified reads the body of a NOTIFY: one URL.
func (q *inquiry) notified(from netip.AddrPort, body []byte) {
	if len(body) == 0 {
		q.hear(from, "a NOTIFY without a URL")
		return
	}
	s := strings.Trim(string(body), " \t\r\n")
	url, err := lan.URL(s)
	if err != nil {
		q.hear(from, "a NOTIFY with %s, which is not used: %v", lan.Show(s), err)
		return
	}
	q.offer.URL, q.offer.Server = url, from.Addr().String()
}

func with(m *sipmsg.Message, name, value string) *sipmsg.Message {
	m.Header.Add(name, value)
	return m
}

// answer sends a response to where its request came from (RFC 3261 section 18.2.2, RFC
// 3581 section 4).
func answer(from netip.AddrPort, request, response *sipmsg.Message) []lan.Datagram {
	if response.To.Tag() == "" {
		response.To = response.To.WithTag(rand.Text())
	}
	via := &response.Via[0]
	port := via.Port
	if port == 0 {
		port = 5060
	}
	if _, ok := via.Params.Get("rport"); ok {
		port = int(from.Port())
		via.Params.Set("rport", strconv.Itoa(port))
		via.Params.Set("received", from.Addr().String())
	} else if via.Host != from.Addr().String() {
		via.Params.Set("received", from.Addr().String())
	}
	wire, err := response.Append(nil)
	if err != nil {
		return nil // the request had something in it that cannot be echoed
	}
	return []lan.Datagram{{To: netip.AddrPortFrom(from.Addr(), uint16(port)), Wire: wire}}
}

func (q *inquiry) result() (Offer, error) {
	if q.offer.URL != "" {
		return q.offer, nil
	}
	text := "nobody accepted the subscription"
	if len(q.declined) == 0 && len(q.heard) == 0 {
		text = "nobody answered"
	}
	if len(q.peers) > 0 {
		text = q.peers[0].host.String() + " accepted the subscription and sent no URL"
	}
	if len(q.heard) > 0 {
		text += " (" + strings.Join(q.heard, "; ") + ")"
	}
	return q.offer, errors.New(text)
}
