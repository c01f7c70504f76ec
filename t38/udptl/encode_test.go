package udptl

import (
	"bytes"
	"testing"
)

func encoded(t *testing.T, e *Encoder, ifp string, p Protection) []byte {
	t.Helper()
	b, err := e.Append([]byte("before"), unhex(t, ifp), p)
	if err != nil || !bytes.HasPrefix(b, []byte("before")) {
		t.Fatalf("%s: %x, %v", ifp, b, err)
	}
	return b[len("before"):]
}

func TestAppend(t *testing.T) {
	e := NewEncoder(LimitsOf(0), 65534)
	for _, tt := range []struct {
		name string
		ifp  string
		p    Protection
		want string
	}{
		{"the first has nothing before it", "00", Protection{Secondaries: 3}, "fffe 01 00 00 00"},
		{"none is asked for", "02", Protection{}, "ffff 01 02 00 00"},
		{"numbers wrap; as many as there are", "04", Protection{Secondaries: 7}, "0000 01 04 00 02 01 02 01 00"},
		{"one", "2000", Protection{Secondaries: 1}, "0001 02 2000 00 01 01 04"},
		{"newest first", "06", Protection{Secondaries: 3}, "0002 01 06 00 03 02 2000 01 04 01 02"},
		{"parity over three", "08", Protection{Span: 3, Entries: 1}, "0003 01 08 80 01 03 01 02 2200"},
		{"two of parity, two packets each", "0a", Protection{Span: 2, Entries: 2}, "0004 01 0a 80 01 02 02 01 02 02 2800"},
		{"more parity than was sent: secondaries", "0c", Protection{Span: 3, Entries: 3}, "0005 01 0c 00 03 01 0a 01 08 01 06"},
	} {
		if got := encoded(t, e, tt.ifp, tt.p); !bytes.Equal(got, unhex(t, tt.want)) {
			t.Errorf("%s: %x, want %s", tt.name, got, tt.want)
		}
	}
	if e.Next() != 6 {
		t.Errorf("next is %d", e.Next())
	}
}

// T.38 clause 9.1: a repeated datagram keeps its number; a sender that wants copies to
// have numbers of their own appends the packet again.
func TestRepeat(t *testing.T) {
	e := NewEncoder(LimitsOf(0), 7)
	if b := e.Repeat(nil, Protection{}); len(b) != 0 {
		t.Errorf("before the first packet: %x", b)
	}
	encoded(t, e, "00", Protection{})
	first := encoded(t, e, "06", Protection{Secondaries: 1})
	if again := e.Repeat(nil, Protection{Secondaries: 1}); !bytes.Equal(again, first) {
		t.Errorf("%x, repeated %x", first, again)
	}
	if again := e.Repeat(nil, Protection{}); !bytes.Equal(again, unhex(t, "0008 01 06 00 00")) {
		t.Errorf("repeated without secondaries: %x", again)
	}
	if next := encoded(t, e, "06", Protection{Secondaries: 2}); !bytes.Equal(next, unhex(t, "0009 01 06 00 02 01 06 01 00")) {
		t.Errorf("sent under a new number: %x", next)
	}
}

// The depth is cut so that the datagram fits.
func TestDepthIsCut(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit int // of the datagram, literally
		p     Protection
		count byte // secondaries or entries
		kind  byte
	}{
		{"room for all", 400, Protection{Secondaries: 3}, 3, secondaries},
		{"room for two", 40, Protection{Secondaries: 3}, 2, secondaries},
		{"one octet less", 37, Protection{Secondaries: 3}, 1, secondaries},
		{"more than any protocol sends", 1400, Protection{Secondaries: 99}, 7, secondaries},
		{"parity", 400, Protection{Span: 3, Entries: 3}, 3, fecInfo},
		{"room for two of parity", 42, Protection{Span: 3, Entries: 3}, 2, fecInfo},
		{"more parity than is kept", 1400, Protection{Span: 9, Entries: 9}, 3, fecInfo},
		{"a longer span than is kept", 1400, Protection{Span: 99, Entries: 1}, 1, fecInfo},
	} {
		e := NewEncoder(LiteralLimits(tt.limit), 0)
		var b []byte
		for range 40 {
			b = encoded(t, e, "c001800005aaaaaaaaaaaa", tt.p)
		}
		recovery := b[2+1+11:]
		count := recovery[1]
		if recovery[0] == fecInfo {
			count = recovery[3]
		}
		if recovery[0] != tt.kind || count != tt.count || len(b) > tt.limit {
			t.Errorf("%s: %x of %d octets, want %d", tt.name, recovery, len(b), tt.count)
		}
	}
}

func TestSetLimits(t *testing.T) {
	e := NewEncoder(LimitsOf(400), 0)
	e.SetLimits(LimitsOf(72))
	if _, err := e.Append(nil, make([]byte, 73), Protection{}); err != ErrTooLong || e.Limits().IFP != 72 {
		t.Errorf("a packet over the new limit: %v", err)
	}
	if _, err := e.Append(nil, nil, Protection{}); err != ErrTooLong {
		t.Errorf("an empty packet: %v", err)
	}
	if e.Next() != 0 {
		t.Errorf("refused packets took numbers up to %d", e.Next())
	}
}

func TestEncoderAllocatesNothing(t *testing.T) {
	e := NewEncoder(LimitsOf(0), 0)
	ifp, buffer := make([]byte, 60), make([]byte, 0, MaxDatagram)
	i := 0
	send := func() {
		e.Append(buffer, ifp, []Protection{{Secondaries: 3}, {Span: 3, Entries: 3}}[i%2])
		e.Repeat(buffer, Protection{Secondaries: 1})
		i++
	}
	for range 100 {
		send()
	}
	if n := testing.AllocsPerRun(100, send); n != 0 {
		t.Errorf("%v allocations for a datagram", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	e := NewEncoder(LimitsOf(0), 0)
	ifp, buffer := make([]byte, 60), make([]byte, 0, MaxDatagram)
	b.ReportAllocs()
	for b.Loop() {
		e.Append(buffer, ifp, Protection{Secondaries: 3})
	}
}
