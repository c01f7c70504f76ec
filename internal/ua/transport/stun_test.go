package transport

import (
	"errors"
	"net/netip"
	"runtime"
	"testing"

	"github.com/pion/stun/v3"
)

// binding is a STUN binding success response.
func binding(t testing.TB, id, mapped string) []byte {
	t.Helper()
	a := netip.MustParseAddrPort(mapped)
	m, err := stun.Build(stun.BindingSuccess, stun.NewTransactionIDSetter([12]byte([]byte(id))),
		&stun.XORMappedAddress{IP: a.Addr().AsSlice(), Port: int(a.Port())})
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestSTUNPing(t *testing.T) {
	l, r := start(t, nil)
	server, other := peer(t, "127.0.0.1:0"), peer(t, "127.0.0.1:0")
	f := flow(t, l, UDP, addrOf(server).String())
	if err := f.Ping(STUN); err != nil {
		t.Fatal(err)
	}
	first, from := read(t, server)
	request := &stun.Message{Raw: []byte(first)}
	if err := request.Decode(); err != nil || request.Type != stun.BindingRequest {
		t.Fatalf("server got %v, %v, want a binding request", request, err)
	}
	if err := f.Ping(STUN); err != nil {
		t.Fatal(err)
	}
	if again, _ := read(t, server); again != first {
		t.Error("a second ping before the answer has another transaction id; want the request repeated")
	}

	id := string(request.TransactionID[:])
	ignored := int64(0)
	for name, send := range map[string]func(){
		"answer from somebody else": func() { write(t, other, from, binding(t, id, "192.0.2.9:1")) },
		"other transaction id":      func() { write(t, server, from, binding(t, "otherotherot", "192.0.2.9:1")) },
		"binding request":           func() { write(t, server, from, []byte(first)) },
		"attribute past the end": func() {
			b := binding(t, id, "192.0.2.9:1")
			b[23] = 200
			write(t, server, from, b)
		},
		"address cut short": func() {
			b := binding(t, id, "192.0.2.9:1")
			b[3], b[23] = 4, 0
			write(t, server, from, b[:24])
		},
	} {
		ignored++
		send()
		for l.Counters().DroppedSTUN.Load() != ignored {
			if len(r) > 0 {
				e := <-r
				t.Fatalf("%s: got %s, want it dropped", name, e.kind)
			}
			runtime.Gosched()
		}
	}

	write(t, server, from, binding(t, id, "198.51.100.7:40123"))
	e := r.next(t, "pong")
	if e.flow != f || e.mapped != netip.MustParseAddrPort("198.51.100.7:40123") {
		t.Errorf("pong on %v with %s, want ours as told", e.flow, e.mapped)
	}
	if err := f.Ping(STUN); err != nil {
		t.Fatal(err)
	}
	second, _ := read(t, server)
	if second == first {
		t.Error("the ping after an answer has the old transaction id")
	}

	f.Close(errors.New("no answer"))
	if err := f.Ping(STUN); err != nil {
		t.Fatal(err)
	}
	if third, _ := read(t, server); third == second {
		t.Error("the ping after one that was given up has its transaction id")
	}
	write(t, server, from, binding(t, second[8:20], "192.0.2.9:1"))
	for l.Counters().DroppedSTUN.Load() != ignored+1 {
		runtime.Gosched()
	}
	if len(r) > 0 {
		t.Error("the late answer to a ping that was given up counts")
	}
}

func TestCRLFPingOverUDP(t *testing.T) {
	l, _ := start(t, nil)
	server := peer(t, "127.0.0.1:0")
	f := flow(t, l, UDP, addrOf(server).String())
	if err := f.Ping(CRLF); err != nil {
		t.Fatal(err)
	}
	if got, _ := read(t, server); got != "\r\n\r\n" {
		t.Errorf("got %q", got)
	}
}

func FuzzSTUN(f *testing.F) {
	f.Add(binding(f, "abcdefghijkl", "192.0.2.1:5060"))
	f.Add(binding(f, "abcdefghijkl", "[2001:db8::1]:5060"))
	f.Add([]byte("\x01\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !isSTUN(data) {
			return
		}
		if mapped, _, ok := parseBinding(data); ok && !mapped.IsValid() {
			t.Errorf("%x: taken without an address", data)
		}
	})
}
