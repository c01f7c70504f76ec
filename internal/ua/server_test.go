package ua

import (
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// RFC 3261 section 17.2.1: an INVITE whose answer takes longer gets a 100 after 200 ms.
func TestTrying(t *testing.T) {
	for _, tt := range []struct {
		method string
		after  time.Duration
		want   string
	}{
		{sipmsg.INVITE, time.Second, "100 +200ms, 486 +1s"},
		{sipmsg.INVITE, 199 * time.Millisecond, "486 +199ms"},
		{sipmsg.OPTIONS, time.Second, "486 +1s"},
	} {
		inWorld(t, nil, func(w *world) {
			w.handle = func(_ time.Time, in *Incoming) {
				time.AfterFunc(tt.after, func() {
					w.e.Post(func(now time.Time) { in.Respond(now, 486, "") })
				})
			}
			req := w.peer.request(tt.method, w.e.ContactUser(), "1")
			w.peer.calls(req)
			w.after(tt.after)
			w.want(tt.method, w.peer.heard(), tt.want)
		})
	}
}

// A repeated request gets the response again and is not told twice.
func TestRetransmittedRequest(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.handle = func(now time.Time, in *Incoming) { in.Respond(now, 200, "") }
		req := w.peer.request(sipmsg.OPTIONS, w.e.ContactUser(), "1")
		w.peer.calls(req)
		w.after(time.Second)
		w.peer.calls(req)
		w.after(time.Second)
		w.want("endpoint heard", w.heard(), "incoming OPTIONS +0s")
		w.want("peer heard", w.peer.heard(), "200 +0s, 200 +1s")
	})
}

// RFC 3261 section 8.2.2.2: a request that comes by a second way, outside a dialog, is
// refused with 482; in a dialog, or with another CSeq, it is another request.
func TestMergedRequests(t *testing.T) {
	tests := []struct {
		name   string
		change func(m *sipmsg.Message)
		want   string
	}{
		{"by another way", func(*sipmsg.Message) {}, "482 +0s"},
		{"the next request", func(m *sipmsg.Message) { m.CSeq.Seq++ }, "180 +0s"},
		{"of another caller", func(m *sipmsg.Message) { m.From = m.From.WithTag("their2") }, "180 +0s"},
		{"in a dialog", func(m *sipmsg.Message) { m.To = m.To.WithTag("ours") }, "180 +0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.handle = func(now time.Time, in *Incoming) { in.Respond(now, 180, "") }
				w.peer.calls(w.peer.request(sipmsg.INVITE, w.e.ContactUser(), "1"))
				w.after(0)
				w.peer.heard()
				other := w.peer.request(sipmsg.INVITE, w.e.ContactUser(), "2")
				tt.change(other)
				w.peer.calls(other)
				w.after(0)
				w.want("peer heard", w.peer.heard(), tt.want)
			})
		})
	}
}

// A CANCEL is answered for itself and tells the owner of the INVITE, which answers 487.
func TestIncomingCancel(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.handle = func(now time.Time, in *Incoming) {
			in.OnCancel = func(now time.Time) {
				w.note("cancelled")
				in.Respond(now, 487, "")
			}
			in.Respond(now, 180, "")
		}
		w.peer.calls(w.peer.request(sipmsg.INVITE, w.e.ContactUser(), "1"))
		w.after(time.Second)
		w.peer.calls(w.peer.request(sipmsg.CANCEL, w.e.ContactUser(), "1"))
		w.after(100 * time.Millisecond)
		w.want("endpoint heard", w.heard(), "incoming INVITE +0s, cancelled +1s")
		w.want("peer heard", w.peer.heard(), "180 +0s, 200 +1s, 487 +1s")
		tags := map[string]bool{}
		for _, m := range w.peer.msgs {
			tags[m.To.Tag()] = true
		}
		if len(tags) != 1 {
			t.Errorf("To tags %v, want one for all", tags)
		}
		w.peer.calls(w.peer.request(sipmsg.ACK, w.e.ContactUser(), "1"))
		w.peer.calls(w.peer.request(sipmsg.CANCEL, w.e.ContactUser(), "other"))
		w.after(time.Second)
		w.want("peer heard", w.peer.heard(), "481 +1.1s")
	})
}

// A CANCEL that comes after the answer changes nothing (RFC 3261 section 9.2).
func TestCancelAfterTheAnswer(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.handle = func(now time.Time, in *Incoming) {
			in.OnCancel = func(time.Time) { w.note("cancelled") }
			in.Respond(now, 200, "")
		}
		w.peer.calls(w.peer.request(sipmsg.INVITE, w.e.ContactUser(), "1"))
		w.after(0)
		w.peer.calls(w.peer.request(sipmsg.CANCEL, w.e.ContactUser(), "1"))
		w.after(0)
		w.want("endpoint heard", w.heard(), "incoming INVITE +0s")
		w.want("peer heard", w.peer.heard(), "200 +0s, 200 +0s")
	})
}

// The ACK of a 2xx is a request of its own and is told; so is one that names the INVITE's
// branch, as RFC 6026 allows.
func TestAckOfASuccess(t *testing.T) {
	for _, branch := range []string{"1", "2"} {
		inWorld(t, nil, func(w *world) {
			w.handle = func(now time.Time, in *Incoming) { in.Respond(now, 200, "") }
			w.peer.calls(w.peer.request(sipmsg.INVITE, w.e.ContactUser(), "1"))
			w.after(0)
			w.peer.calls(w.peer.request(sipmsg.ACK, w.e.ContactUser(), branch))
			w.after(0)
			w.want("endpoint heard", w.heard(), "incoming INVITE +0s, acknowledged +0s")
		})
	}
}

// A refusal without an ACK is repeated, and in the end the owner hears that it was lost.
func TestRefusalWithoutAck(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.handle = func(now time.Time, in *Incoming) {
			in.OnLost = func(_ time.Time, err error) { w.note("lost") }
			in.Respond(now, 486, "")
		}
		w.peer.calls(w.peer.request(sipmsg.INVITE, w.e.ContactUser(), "1"))
		w.after(5 * time.Minute)
		w.want("endpoint heard", w.heard(), "incoming INVITE +0s, lost +32s")
		w.want("peer heard", w.peer.heard(), "486 +0s, 486 +500ms, 486 +1.5s, 486 +3.5s, 486 +7.5s, 486 +11.5s, 486 +15.5s, 486 +19.5s, 486 +23.5s, 486 +27.5s, 486 +31.5s")
	})
}

// An answer whose connection is gone goes back over a new one to the same place (RFC
// 3261 section 18.2.2).
func TestAnswerOverANewConnection(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.handle = func(_ time.Time, in *Incoming) {
			time.AfterFunc(time.Second, func() {
				w.e.Post(func(now time.Time) { in.Respond(now, 200, "") })
			})
		}
		f, err := w.peer.host.Flow(w.host.Target(transport.TCP))
		if err != nil {
			t.Fatal(err)
		}
		req := w.peer.request(sipmsg.INVITE, w.e.ContactUser(), "1")
		req.Via[0].Transport = "TCP"
		w.peer.send(f, req)
		w.after(500 * time.Millisecond)
		w.peer.host.Cut()
		w.after(time.Second)
		w.want("peer heard", w.peer.heard(), "100/tcp +200ms, 200/tcp +1s")
	})
}

// An endpoint without a taste for requests refuses them.
func TestNobodyTakesRequests(t *testing.T) {
	inWorld(t, func(c *EndpointConfig) { c.Incoming = nil }, func(w *world) {
		w.peer.calls(w.peer.request(sipmsg.OPTIONS, w.e.ContactUser(), "1"))
		w.after(0)
		w.want("peer heard", w.peer.heard(), "481 +0s")
	})
}

// A response that cannot be written leaves the bare one of its failure, or 500, and the
// transaction ends as every other.
func TestResponseThatCannotBeWritten(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method string
		code   int
		reason string
		want   string
	}{
		{"a refusal", sipmsg.INVITE, 488, "", "488 +0s"},
		{"a reason phrase", sipmsg.INVITE, 486, "Busy\x02", "486 +0s"},
		{"a redirection", sipmsg.INVITE, 302, "", "500 +0s"},
		{"a success", sipmsg.INVITE, 200, "", "500 +0s"},
		{"no SIP status", sipmsg.INVITE, 700, "", "500 +0s"},
		{"a provisional one", sipmsg.INVITE, 180, "", "100 +200ms"},
		{"to another method", sipmsg.UPDATE, 200, "", "500 +0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.handle = func(now time.Time, in *Incoming) {
					res := in.Response(tt.code, tt.reason)
					res.Header.Add("Warning", "302 tipring \"\x02\"")
					if in.RespondWith(now, res) != nil {
						t.Error("taken for sent")
					}
				}
				w.peer.calls(w.peer.request(tt.method, w.e.ContactUser(), "1"))
				w.after(time.Second / 4)
				w.want("peer heard", w.peer.heard(), tt.want)
				if tt.code < 200 || t.Failed() {
					return
				}
				if res := w.peer.msgs[0]; res.To.Tag() == "" || len(res.Header) > 0 {
					t.Errorf("response %v with To tag %q and %v, want a bare one", res, res.To.Tag(), res.Header)
				}
				w.peer.calls(w.peer.request(sipmsg.ACK, w.e.ContactUser(), "1"))
				w.after(time.Minute)
				w.wantNoServers()
			})
		})
	}
}

// A request that no response can be written to, as its Via cannot be, is dropped.
func TestRequestThatCannotBeAnswered(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.handle = func(now time.Time, in *Incoming) {
			in.Req.Via[0].Params.Set("b@d", "1")
			in.Respond(now, 486, "")
		}
		w.peer.calls(w.peer.request(sipmsg.INVITE, w.e.ContactUser(), "1"))
		w.after(time.Second)
		w.want("peer heard", w.peer.heard(), "")
		w.wantNoServers()
	})
}

// wantNoServers: no request received holds a place any more.
func (w *world) wantNoServers() {
	w.t.Helper()
	w.e.Post(func(time.Time) {})
	w.after(0)
	w.e.Post(func(time.Time) {
		if n := len(w.e.servers); n != 0 {
			w.t.Errorf("%d server transactions left", n)
		}
	})
	w.after(0)
}
