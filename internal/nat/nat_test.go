package nat

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

var (
	server = netip.MustParseAddrPort("192.0.2.1:3478")
	start  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

func TestRetransmissions(t *testing.T) {
	for _, tt := range []struct {
		cfg   Config
		sends []float64 // seconds
		end   float64
	}{
		{Config{}, []float64{0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5}, 39.5}, // RFC 5389 section 7.2.1
		{Config{RTOMS: 100, Sends: 3, LastN: 4}, []float64{0, 0.1, 0.3}, 0.7},
		{Config{Sends: 1, LastN: 1}, []float64{0}, 0.5},
	} {
		q := NewQuery(server, tt.cfg)
		if !q.Deadline().IsZero() {
			t.Error("a deadline before the start")
		}
		step := q.Start(start)
		var sends []float64
		var wire string
		for !q.Done() {
			now := q.Deadline()
			if step.Send != nil {
				if len(sends) > 0 && string(step.Send) != wire {
					t.Error("a retransmission differs") // RFC 5389 section 7.2.1: with the same transaction id
				}
				wire = string(step.Send)
				sends = append(sends, 0)
			}
			if early := q.Expire(now.Add(-time.Nanosecond)); early.Send != nil || early.Err != nil {
				t.Error("expires before its deadline")
			}
			step = q.Expire(now)
			if len(sends) < len(tt.sends) && now.Sub(start).Seconds() != tt.sends[len(sends)] {
				t.Errorf("%+v: send %d at %v, want %v", tt.cfg, len(sends)+1, now.Sub(start), tt.sends[len(sends)])
			}
			if step.Err != nil && now.Sub(start).Seconds() != tt.end {
				t.Errorf("%+v: gives up after %v, want %v", tt.cfg, now.Sub(start), tt.end)
			}
		}
		if len(sends) != len(tt.sends) {
			t.Errorf("%+v: %d sends, want %d", tt.cfg, len(sends), len(tt.sends))
		}
		if !errors.Is(step.Err, ErrNoAnswer) || !strings.Contains(step.Err.Error(), "192.0.2.1:3478") {
			t.Errorf("error %v", step.Err)
		}
		if !q.Deadline().IsZero() || q.Expire(start.Add(time.Hour)).Err != nil {
			t.Error("it goes on after its end")
		}
	}
}

// closing closes what a test opened.
func closing(c io.Closer) { _ = c.Close() }

// response builds an answer to q with the given attributes.
func response(t testing.TB, q *Query, kind stun.MessageType, attributes ...stun.Setter) []byte {
	t.Helper()
	m, err := stun.Build(append([]stun.Setter{kind, stun.NewTransactionIDSetter(q.id)}, attributes...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// raw is an attribute as it is.
type raw stun.RawAttribute

func (r raw) AddTo(m *stun.Message) error {
	m.Add(r.Type, r.Value)
	return nil
}

func TestAnswers(t *testing.T) {
	xor := func(s string) stun.Setter {
		a := netip.MustParseAddrPort(s)
		return &stun.XORMappedAddress{IP: a.Addr().AsSlice(), Port: int(a.Port())}
	}
	old := func(s string) stun.Setter {
		a := netip.MustParseAddrPort(s)
		return &stun.MappedAddress{IP: a.Addr().AsSlice(), Port: int(a.Port())}
	}
	for _, tt := range []struct {
		name string
		data func(q *Query) []byte
		from string // "": the server
		want string // mapped address, or part of the error; "": not ours
	}{
		{"IPv4", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, xor("203.0.113.5:61000")) }, "", "203.0.113.5:61000"},
		{"IPv6", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, xor("[2001:db8::5]:61000")) }, "", "[2001:db8::5]:61000"},
		{"an old server", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, old("203.0.113.5:61000")) }, "", "203.0.113.5:61000"},
		{"both: a NAT may have spoilt the plain one", func(q *Query) []byte {
			return response(t, q, stun.BindingSuccess, old("10.0.0.1:1"), xor("203.0.113.5:61000"))
		}, "", "203.0.113.5:61000"},
		{"an attribute not known", func(q *Query) []byte {
			return response(t, q, stun.BindingSuccess, raw{Type: 0x7abc, Value: []byte{1, 2, 3}}, xor("203.0.113.5:61000"))
		}, "", "203.0.113.5:61000"},
		{"a fingerprint", func(q *Query) []byte {
			return response(t, q, stun.BindingSuccess, xor("203.0.113.5:61000"), stun.Fingerprint)
		}, "", "203.0.113.5:61000"},
		{"the server in the other notation", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, xor("203.0.113.5:61000")) },
			"[::ffff:192.0.2.1]:3478", "203.0.113.5:61000"},
		{"a refusal", func(q *Query) []byte {
			return response(t, q, stun.BindingError, stun.ErrorCodeAttribute{Code: 500, Reason: []byte("full")})
		}, "", `STUN server 192.0.2.1:3478: refused: 500 "full"`},
		{"a refusal without a code", func(q *Query) []byte { return response(t, q, stun.BindingError) }, "", "refused: 0"},
		{"a refusal whose code is cut short", func(q *Query) []byte {
			return response(t, q, stun.BindingError, raw{Type: stun.AttrErrorCode, Value: []byte{0, 0, 5}})
		}, "", "refused: 0"},

		{"from another port of the server", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, xor("203.0.113.5:61000")) }, "192.0.2.1:3479", ""},
		{"from another host", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, xor("203.0.113.5:61000")) }, "198.51.100.1:3478", ""},
		{"of another transaction", func(q *Query) []byte {
			return response(t, NewQuery(server, Config{}), stun.BindingSuccess, xor("203.0.113.5:61000"))
		}, "", ""},
		{"our own request", func(q *Query) []byte { return q.request }, "", ""},
		{"an indication", func(q *Query) []byte {
			return response(t, q, stun.NewType(stun.MethodBinding, stun.ClassIndication), xor("203.0.113.5:61000"))
		}, "", ""},
		{"of another method", func(q *Query) []byte {
			return response(t, q, stun.NewType(stun.MethodAllocate, stun.ClassSuccessResponse), xor("203.0.113.5:61000"))
		}, "", ""},
		{"no address", func(q *Query) []byte { return response(t, q, stun.BindingSuccess) }, "", ""},
		{"an address of no length", func(q *Query) []byte {
			return response(t, q, stun.BindingSuccess, raw{Type: stun.AttrXORMappedAddress})
		}, "", ""},
		{"an address of four octets", func(q *Query) []byte {
			return response(t, q, stun.BindingSuccess, raw{Type: stun.AttrXORMappedAddress, Value: []byte{0, 1, 2, 3}})
		}, "", ""},
		{"an address shorter than its family", func(q *Query) []byte {
			return response(t, q, stun.BindingSuccess, raw{Type: stun.AttrXORMappedAddress, Value: []byte{0, 2, 2, 3, 4, 5, 6, 7}})
		}, "", ""},
		{"a plain address shorter than its family", func(q *Query) []byte {
			return response(t, q, stun.BindingSuccess, raw{Type: stun.AttrMappedAddress, Value: []byte{0, 1, 2, 3, 4}})
		}, "", ""},
		{"a family not known", func(q *Query) []byte {
			return response(t, q, stun.BindingSuccess, raw{Type: stun.AttrXORMappedAddress, Value: []byte{0, 9, 2, 3, 4, 5, 6, 7}})
		}, "", ""},
		{"port 0", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, xor("203.0.113.5:0")) }, "", ""},
		{"no address at all", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, xor("0.0.0.0:5")) }, "", ""},
		{"everybody's address", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, xor("255.255.255.255:5")) }, "", ""},
		{"a group's address", func(q *Query) []byte { return response(t, q, stun.BindingSuccess, xor("224.0.0.1:5")) }, "", ""},
		{"a wrong fingerprint", func(q *Query) []byte {
			b := response(t, q, stun.BindingSuccess, xor("203.0.113.5:61000"), stun.Fingerprint)
			b[len(b)-1] ^= 1
			return b
		}, "", ""},
		{"cut short", func(q *Query) []byte {
			b := response(t, q, stun.BindingSuccess, xor("203.0.113.5:61000"))
			return b[:len(b)-1]
		}, "", ""},
		{"with junk behind it", func(q *Query) []byte {
			return append(response(t, q, stun.BindingSuccess, xor("203.0.113.5:61000")), 0)
		}, "", ""},
		{"an attribute longer than the message", func(q *Query) []byte {
			b := response(t, q, stun.BindingSuccess, xor("203.0.113.5:61000"))
			b[23] = 200
			return b
		}, "", ""},
		{"RTP", func(*Query) []byte {
			return []byte{0x80, 0, 0, 1, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		}, "", ""},
		{"nothing", func(*Query) []byte { return nil }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := NewQuery(server, Config{})
			q.Start(start)
			from := server
			if tt.from != "" {
				from = netip.MustParseAddrPort(tt.from)
			}
			step, mine := q.Receive(from, tt.data(q))
			if mine != (tt.want != "") || q.Done() != mine {
				t.Fatalf("mine %v, done %v, %+v", mine, q.Done(), step)
			}
			switch {
			case !mine:
				if q.Deadline().IsZero() {
					t.Error("the question is forgotten")
				}
			case step.Err != nil:
				var refusal *Refusal
				if !errors.As(step.Err, &refusal) || !strings.Contains(step.Err.Error(), tt.want) {
					t.Errorf("error %v, want %s", step.Err, tt.want)
				}
			case step.Mapped.String() != tt.want:
				t.Errorf("mapped %v, want %s", step.Mapped, tt.want)
			}
			if _, again := q.Receive(from, tt.data(q)); mine && again {
				t.Error("answered twice")
			}
		})
	}
}

// TestAgainstAServer asks a small server on loopback, which answers the second request.
func TestAgainstAServer(t *testing.T) {
	responder, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer closing(responder)
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer closing(socket)
	at := responder.LocalAddr().(*net.UDPAddr).AddrPort()
	q := NewQuery(at, Config{})
	send := func(step Step) {
		if _, err := socket.WriteToUDPAddrPort(step.Send, at); err != nil {
			t.Fatal(err)
		}
	}
	send(q.Start(start))
	send(q.Expire(start.Add(500 * time.Millisecond)))
	buf := make([]byte, 1500)
	deadline := time.Now().Add(10 * time.Second)
	_ = responder.SetReadDeadline(deadline)
	_ = socket.SetReadDeadline(deadline)
	for range 2 {
		n, from, err := responder.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		answer, ok := Respond(buf[:n], from)
		if !ok {
			t.Fatalf("request % x", buf[:n])
		}
		if _, err := responder.WriteToUDPAddrPort(answer, from); err != nil {
			t.Fatal(err)
		}
	}
	n, from, err := socket.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	step, mine := q.Receive(from, buf[:n])
	if want := socket.LocalAddr().(*net.UDPAddr).AddrPort(); !mine || step.Mapped != want {
		t.Errorf("%v %+v, want %v", mine, step, want)
	}
	if n, from, err = socket.ReadFromUDPAddrPort(buf); err != nil {
		t.Fatal(err)
	}
	if _, mine := q.Receive(from, buf[:n]); mine {
		t.Error("the answer to the retransmission counts too")
	}
}

func TestRespondOnlyToBindingRequests(t *testing.T) {
	q := NewQuery(server, Config{})
	for name, b := range map[string][]byte{
		"a response": response(t, q, stun.BindingSuccess), "junk": {1, 2, 3}, "nothing": nil,
		"cut short": q.request[:19], "SIP": []byte("OPTIONS sip:x SIP/2.0\r\n\r\n"),
	} {
		if _, ok := Respond(b, server); ok {
			t.Errorf("%s is answered", name)
		}
	}
}

// FuzzParse: what is read as an answer has a usable address or is a refusal, and no
// response is answered.
func FuzzParse(f *testing.F) {
	q := NewQuery(server, Config{})
	q.id = [12]byte([]byte("abcdefghijkl"))
	f.Add(response(f, q, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(203, 0, 113, 5), Port: 61000}))
	f.Add(response(f, q, stun.BindingSuccess, raw{Type: stun.AttrXORMappedAddress})) // GO-2026-6163: no length at all
	f.Add(response(f, q, stun.BindingSuccess, raw{Type: stun.AttrMappedAddress, Value: []byte{0, 2, 0, 1}}))
	f.Add(response(f, q, stun.BindingError, raw{Type: stun.AttrErrorCode, Value: []byte{0, 0, 4}}))
	f.Add(response(f, q, stun.BindingSuccess, stun.Fingerprint))
	f.Add(q.request)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Parse(data)
		if err == nil && (a.Refusal == nil) != usable(a.Mapped) {
			t.Fatalf("% x: %+v", data, a)
		}
		if response, ok := Respond(data, server); ok {
			b, perr := Parse(response)
			if err == nil || perr != nil || b.Mapped != server {
				t.Fatalf("% x answered with % x: %v %+v", data, response, perr, b)
			}
		}
	})
}
