package sipmsg

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Every mandatory header taken away, emptied and doubled, in requests and responses of
// every method, as a datagram and from a stream: the request is refused with 400 or
// taken, what cannot be answered is dropped, and nothing is worse than that.
func TestMandatoryHeaders(t *testing.T) {
	type verdicts struct{ removed, emptied, doubled int }
	headers := []struct {
		name, value       string
		request, response verdicts
	}{
		// Without a Via there is nowhere to send an answer. Two are two hops.
		{"Via", "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK74bf9",
			verdicts{dropped, dropped, accepted}, verdicts{dropped, dropped, accepted}},
		{"From", "<sip:ann@pbx.example>;tag=9fxced76sl",
			verdicts{400, 400, 400}, verdicts{dropped, dropped, dropped}},
		{"To", "<sip:600@pbx.example>",
			verdicts{400, 400, 400}, verdicts{dropped, dropped, dropped}},
		{"Call-ID", "3848276298220188511@192.0.2.7",
			verdicts{400, 400, 400}, verdicts{dropped, dropped, dropped}},
		{"CSeq", "1 METHOD",
			verdicts{400, 400, 400}, verdicts{dropped, dropped, dropped}},
		// RFC 3261 section 16.3 has even a proxy let a request without it pass; a
		// response has none that counts.
		{"Max-Forwards", "70",
			verdicts{accepted, 400, 400}, verdicts{accepted, accepted, dropped}},
		// RFC 2543 did without (RFC 4475 section 3.4.1); a REGISTER may have many.
		{"Contact", "<sip:ann@192.0.2.7>",
			verdicts{accepted, 400, accepted}, verdicts{accepted, dropped, accepted}},
		{"Content-Length", "0",
			verdicts{accepted, 400, 400}, verdicts{accepted, dropped, dropped}},
	}
	methods := []string{INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, SUBSCRIBE, NOTIFY, MESSAGE}
	count := 0
	for _, method := range methods {
		for _, start := range []string{method + " sip:600@pbx.example SIP/2.0", "SIP/2.0 200 OK"} {
			request := start[:4] != "SIP/"
			for _, h := range headers {
				want := h.response
				if request {
					want = h.request
				}
				for _, change := range []struct {
					name  string
					lines []string
					want  int
				}{
					{"removed", nil, want.removed},
					{"emptied", []string{h.name + ":"}, want.emptied},
					{"doubled", []string{h.name + ": " + h.value, h.name + ": " + h.value}, want.doubled},
				} {
					lines := []string{start}
					for _, other := range headers {
						if other.name == h.name {
							lines = append(lines, change.lines...)
						} else {
							lines = append(lines, other.name+": "+other.value)
						}
					}
					data := strings.ReplaceAll(strings.Join(lines, "\r\n")+"\r\n\r\n", "METHOD", method)
					wantDatagram := change.want
					if method == ACK && request && wantDatagram == 400 {
						wantDatagram = dropped // RFC 3261 section 17: no response to an ACK
					}
					what := fmt.Sprintf("%s of %s %s", h.name, start, change.name)
					m, err := Parse([]byte(data))
					if got := outcome(m, err); got != wantDatagram {
						t.Errorf("%s: got %d (%v), want %d", what, got, err, wantDatagram)
					}
					checkWritable(t, m, err)
					count++

					// A stream cannot be read on past a missing or bad Content-Length.
					broken := h.name == hContentLength
					wantStream := wantDatagram
					switch {
					case broken && request && method != ACK:
						wantStream = fatal
					case broken:
						wantStream = dropped
					}
					m, err = firstOfStream([]byte(data), len(data))
					if got := outcome(m, err); got != wantStream {
						t.Errorf("%s: from a stream got %d (%v), want %d", what, got, err, wantStream)
					}
					var e *Error
					if errors.As(err, &e) && e.Fatal != broken {
						t.Errorf("%s: from a stream fatal is %v", what, e.Fatal)
					}
				}
			}
		}
	}
	if count < 480 {
		t.Errorf("%d cases, want 480 at least", count)
	}
}
