package dialog

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tipring/internal/sipmsg"
)

// step plays one event, written as in a ladder: ">INVITE+" is a request of ours with a
// description, "<INVITE" one of theirs without; ">200 INVITE+" a response of ours,
// "<183r INVITE+" a reliable one of theirs. It returns the code that Received gave.
func step(t testing.TB, o *Offers, event string) int {
	sdp := strings.HasSuffix(event, "+")
	event = strings.TrimSuffix(event, "+")
	ours := event[0] == '>'
	code, method, isResponse := strings.Cut(event[1:], " ")
	if !isResponse {
		if ours {
			o.Sent(code, sdp)
			return 0
		}
		refusal, after := o.Received(code, sdp)
		if after < 0 || after > 10 {
			t.Errorf("Retry-After %d", after)
		}
		return refusal
	}
	reliable := strings.HasSuffix(code, "r")
	n := 0
	for _, c := range strings.TrimSuffix(code, "r") {
		n = 10*n + int(c-'0')
	}
	if ours {
		o.SentResponse(method, n, sdp, reliable)
	} else {
		o.ReceivedResponse(method, n, sdp, reliable)
	}
	return 0
}

func TestOffers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events string // comma separated; the last one is judged
		code   int
		may    string // afterwards: i INVITE, o UPDATE with an offer, u without
	}{
		{"nothing yet", "", 0, "iou"},
		{"our INVITE", ">INVITE+", 0, "u"},
		{"answered in a 200", ">INVITE+,<200 INVITE+", 0, "iou"},
		{"ACK", ">INVITE+,<200 INVITE+,>ACK", 0, "iou"},
		{"a description in an unreliable 183 is no answer", ">INVITE+,<183 INVITE+", 0, "u"},
		{"answered in a reliable 183", ">INVITE+,<183r INVITE+", 0, "ou"},
		{"and copied into the 200", ">INVITE+,<183r INVITE+,>PRACK,<200 PRACK,<200 INVITE+", 0, "iou"},
		{"refused", ">INVITE+,<488 INVITE", 0, "iou"},
		{"never answered, then a 200 without", ">INVITE+,<200 INVITE", 0, "iou"},
		{"our INVITE without offer", ">INVITE", 0, "u"},
		{"theirs comes in the 200", ">INVITE,<200 INVITE+", 0, "u"},
		{"and is answered in the ACK", ">INVITE,<200 INVITE+,>ACK+", 0, "iou"},
		{"theirs comes in a reliable 183", ">INVITE,<183r INVITE+", 0, "u"},
		{"and is answered in the PRACK", ">INVITE,<183r INVITE+,>PRACK+", 0, "ou"},
		{"refused after an offer in a 183", ">INVITE,<183r INVITE+,<500 INVITE", 0, "iou"},

		{"their INVITE", "<INVITE+", 0, "u"},
		{"our 200 waits for the ACK", "<INVITE+,>200 INVITE+", 0, "ou"},
		{"the ACK", "<INVITE+,>200 INVITE+,<ACK", 0, "iou"},
		{"we refuse", "<INVITE+,>488 INVITE", 0, "iou"},
		{"their INVITE without offer", "<INVITE", 0, "u"},
		{"ours in the 200", "<INVITE,>200 INVITE+", 0, "u"},
		{"theirs in the ACK", "<INVITE,>200 INVITE+,<ACK+", 0, "iou"},
		{"an ACK without answer", "<INVITE,>200 INVITE+,<ACK", 0, "iou"},
		{"our answer in a reliable 183", "<INVITE+,>183r INVITE+", 0, "ou"},
		{"their new offer in the PRACK", "<INVITE+,>183r INVITE+,<PRACK+", 0, "u"},
		{"answered in the 200 of the PRACK", "<INVITE+,>183r INVITE+,<PRACK+,>200 PRACK+", 0, "ou"},

		{"RFC 3261 14.2: a second INVITE before the final response", "<INVITE+,<INVITE+", 500, "u"},
		{"RFC 3261 14.2: their INVITE while ours runs", ">INVITE+,<INVITE+", 491, "u"},
		{"their INVITE when our 200's ACK was lost", "<INVITE+,>200 INVITE+,<INVITE+", 0, "u"},
		{"their INVITE after our offer in a 200, ACK lost", "<INVITE,>200 INVITE+,<INVITE+", 0, "u"},
		{"their INVITE across our UPDATE with an offer", ">UPDATE+,<INVITE+", 491, ""},
		{"their INVITE across our UPDATE without", ">UPDATE,<INVITE+", 0, ""},
		{"their INVITE while we answer their UPDATE", "<UPDATE+,<INVITE+", 500, "u"},

		{"UPDATE", ">UPDATE+", 0, ""},
		{"its answer", ">UPDATE+,<200 UPDATE+", 0, "iou"},
		{"its refusal", ">UPDATE+,<488 UPDATE", 0, "iou"},
		{"RFC 3311 5.2: glare of two UPDATEs", ">UPDATE+,<UPDATE+", 491, ""},
		{"RFC 3311 5.2: their offer across the one in our INVITE", ">INVITE+,<UPDATE+", 491, "u"},
		{"RFC 3311 5.2: a second UPDATE before the answer", "<UPDATE,<UPDATE", 500, "iou"},
		{"RFC 3311 5.2: a second offer before the answer to the first", "<INVITE+,<UPDATE+", 500, "u"},
		{"UPDATE without offer goes through: a session refresh", ">INVITE+,<UPDATE", 0, "u"},
		{"and its 200 settles no offer", ">INVITE+,<UPDATE,>200 UPDATE", 0, "u"},
		{"our session refresh during an INVITE settles none either", ">INVITE+,>UPDATE,<200 UPDATE", 0, "u"},
		{"early media changed by UPDATE", "<INVITE+,>183r INVITE+,<PRACK,>200 PRACK,<UPDATE+,>200 UPDATE+", 0, "ou"},
		{"a late ACK does not end the next INVITE", "<INVITE+,>200 INVITE+,<INVITE+,<ACK", 0, "u"},
		{"methods without offers", ">INFO+,<BYE,<200 INFO+", 0, "iou"},
	} {
		var o Offers
		code := 0
		if tt.events != "" {
			for _, e := range strings.Split(tt.events, ",") {
				if code != 0 {
					t.Fatalf("%s: %d before %s", tt.name, code, e)
				}
				code = step(t, &o, e)
			}
		}
		may := ""
		for _, m := range []struct {
			letter string
			may    bool
		}{{"i", o.MayInvite()}, {"o", o.MayUpdate(true)}, {"u", o.MayUpdate(false)}} {
			if m.may {
				may += m.letter
			}
		}
		if code != tt.code || may != tt.may {
			t.Errorf("%s: %d and may %q, want %d and %q", tt.name, code, may, tt.code, tt.may)
		}
	}
}

// RFC 3261 section 14.1: after a 491 the owner of the Call-ID waits 2.1 to 4 s, the other
// side 0 to 2 s, in units of 10 ms.
func TestGlareWaits(t *testing.T) {
	for _, tt := range []struct {
		owner    bool
		from, to time.Duration
	}{
		{true, 2100 * time.Millisecond, 4 * time.Second},
		{false, 0, 2 * time.Second},
	} {
		o := Offers{CallIDOwner: tt.owner}
		least, most := time.Hour, time.Duration(-1)
		for range 20000 {
			o.Glare(t0)
			d := o.Deadline().Sub(t0)
			if d%(10*time.Millisecond) != 0 {
				t.Fatalf("wait %v", d)
			}
			least, most = min(least, d), max(most, d)
		}
		if least != tt.from || most != tt.to {
			t.Errorf("owner %v: waits %v to %v, want %v to %v", tt.owner, least, most, tt.from, tt.to)
		}
	}
	var o Offers
	o.Later(t0, 7*time.Second)
	if o.Expire(t0.Add(6*time.Second)) || !o.Expire(t0.Add(7*time.Second)) || o.Expire(t0.Add(8*time.Second)) || !o.Deadline().IsZero() {
		t.Error("Later: due once, after 7 s")
	}
}

// TestOffersModel: two ends send re-INVITEs and UPDATEs whenever their rules let them,
// over wires that keep the order but not the time. Never are two offers accepted at once,
// and when the wires run dry nothing is left pending on either side.
func TestOffersModel(t *testing.T) {
	type packet struct {
		request bool
		method  string
		code    int
		sdp     bool
	}
	rapid.Check(t, func(rt *rapid.T) {
		ends := [2]*Offers{{CallIDOwner: true}, {}}
		var wire [2][]packet       // towards that end
		var unanswered [2][]packet // accepted requests that end has yet to answer
		offered := [2]string{}
		send := func(from int, p packet) {
			if p.request {
				ends[from].Sent(p.method, p.sdp)
				if p.sdp && p.method != sipmsg.ACK {
					offered[from] = p.method
				}
			} else {
				ends[from].SentResponse(p.method, p.code, p.sdp, false)
			}
			wire[1-from] = append(wire[1-from], p)
		}
		receive := func(at int) {
			p := wire[at][0]
			wire[at] = wire[at][1:]
			if !p.request {
				offerless := p.method == sipmsg.INVITE && p.sdp && offered[at] == ""
				ends[at].ReceivedResponse(p.method, p.code, p.sdp, false)
				if offered[at] == p.method {
					offered[at] = ""
				}
				if p.method == sipmsg.INVITE && p.code < 300 {
					send(at, packet{request: true, method: sipmsg.ACK, sdp: offerless})
				}
				return
			}
			code, _ := ends[at].Received(p.method, p.sdp)
			switch {
			case code != 0:
				wire[1-at] = append(wire[1-at], packet{method: p.method, code: code})
			case p.method != sipmsg.ACK:
				unanswered[at] = append(unanswered[at], p)
			}
			offers := 0
			for _, q := range unanswered[at] {
				if q.sdp {
					offers++
				}
			}
			if offers > 1 {
				rt.Fatalf("end %d has accepted %d offers at once: %+v", at, offers, unanswered[at])
			}
		}
		answer := func(at int) {
			p := unanswered[at][0]
			unanswered[at] = unanswered[at][1:]
			code := rapid.SampledFrom([]int{200, 200, 488}).Draw(rt, "code")
			send(at, packet{method: p.method, code: code, sdp: code < 300 && (p.sdp || p.method == sipmsg.INVITE)})
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			at := rapid.IntRange(0, 1).Draw(rt, "end")
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0:
				if ends[at].MayInvite() {
					send(at, packet{request: true, method: sipmsg.INVITE, sdp: rapid.Bool().Draw(rt, "sdp")})
				}
			case 1:
				if sdp := rapid.Bool().Draw(rt, "sdp"); ends[at].MayUpdate(sdp) {
					send(at, packet{request: true, method: sipmsg.UPDATE, sdp: sdp})
				}
			case 2:
				if len(unanswered[at]) > 0 {
					answer(at)
				}
			default:
				if len(wire[at]) > 0 {
					receive(at)
				}
			}
		}
		for n := 0; len(wire[0])+len(wire[1])+len(unanswered[0])+len(unanswered[1]) > 0; n++ {
			if n > 1000 {
				rt.Fatal("no end")
			}
			for at := range 2 {
				for len(wire[at]) > 0 {
					receive(at)
				}
				for len(unanswered[at]) > 0 {
					answer(at)
				}
			}
		}
		for at, o := range ends {
			if !o.MayInvite() || !o.MayUpdate(true) || !o.MayUpdate(false) {
				rt.Fatalf("end %d is stuck: %+v", at, *o)
			}
		}
	})
}
