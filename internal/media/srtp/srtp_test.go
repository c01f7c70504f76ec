package srtp

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func hmacSHA1(key, b []byte) []byte {
	h := hmac.New(sha1.New, key)
	h.Write(b)
	return h.Sum(nil)
}

const someKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d"

func rtp(ssrc uint32, seq uint16, payload string) []byte {
	b := make([]byte, 12, 12+len(payload)+Overhead)
	b[0] = 0x80
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return append(b, payload...)
}

func report(ssrc uint32) []byte {
	b := append(make([]byte, 0, 8+Overhead), 0x80, 201, 0, 1, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(b[4:], ssrc)
	return b
}

func pair(t testing.TB, k Key) (*Sender, *Receiver) {
	t.Helper()
	s, err := NewSender(k)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReceiver(k)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func protect(t testing.TB, s *Sender, b []byte) []byte {
	t.Helper()
	b, err := s.RTP(b)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// take is what a receiver does with a packet that it wants.
func take(r *Receiver, b []byte) ([]byte, error) {
	plain, m, err := r.RTP(make([]byte, len(b)), b)
	if err == nil {
		r.Accept(m)
	}
	return plain, err
}

func takeControl(r *Receiver, b []byte) ([]byte, error) {
	plain, m, err := r.RTCP(make([]byte, len(b)), b)
	if err == nil {
		r.Accept(m)
	}
	return plain, err
}

// each runs a test for every suite, without and with an identifier of its key.
func each(t *testing.T, test func(t *testing.T, k Key)) {
	for suite := AES128SHA80; suite.valid(); suite++ {
		for _, mki := range []uint8{0, 1, 4, 8} {
			k := key(suite, someKey)
			k.MKI, k.MKISize = 0x17, mki
			t.Run(fmt.Sprint(suite, " ", mki), func(t *testing.T) { test(t, k) })
		}
	}
}

func TestThereAndBack(t *testing.T) {
	each(t, func(t *testing.T, k Key) {
		s, r := pair(t, k)
		for _, plain := range [][]byte{
			rtp(7, 1, strings.Repeat("sound ", 27)),
			rtp(7, 2, ""),
			append([]byte{0x92, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 7, 1, 1, 1, 1, 2, 2, 2, 2, 0xbe, 0xde, 0, 1, 9, 9, 9, 9}, "two sources and an extension"...),
		} {
			wire := protect(t, s, append(make([]byte, 0, 300), plain...))
			head := headerSize(plain)
			if !bytes.Equal(wire[:head], plain[:head]) {
				t.Errorf("header %x became %x", plain[:head], wire[:head])
			}
			if len(plain) > head+16 && bytes.Contains(wire, plain[head:head+8]) {
				t.Errorf("the sound can be read in %x", wire)
			}
			if n := len(wire) - len(plain); n > Overhead || n != int(suites[k.Suite].tag+k.MKISize) {
				t.Errorf("%d octets more", n)
			}
			if got, err := take(r, wire); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("got %x, %v, want %x", got, err, plain)
			}
		}
		for range 3 {
			wire, err := s.RTCP(report(7))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := takeControl(r, wire); err != nil || !bytes.Equal(got, report(7)) {
				t.Errorf("RTCP: got %x, %v", got, err)
			}
		}
	})
}

// Whatever is changed in a packet, it is no longer the peer's.
func TestTampered(t *testing.T) {
	each(t, func(t *testing.T, k Key) {
		s, r := pair(t, k)
		wire := protect(t, s, rtp(7, 100, "hello"))
		control, err := s.RTCP(report(7))
		if err != nil {
			t.Fatal(err)
		}
		for bit := range len(wire) * 8 {
			b := bytes.Clone(wire)
			b[bit/8] ^= 1 << (bit % 8)
			if plain, err := take(r, b); err == nil {
				t.Errorf("bit %d changed: %x", bit, plain)
			}
		}
		for bit := range len(control) * 8 {
			b := bytes.Clone(control)
			b[bit/8] ^= 1 << (bit % 8)
			if plain, err := takeControl(r, b); err == nil {
				t.Errorf("RTCP, bit %d changed: %x", bit, plain)
			}
		}
		for n := range wire {
			if _, err := take(r, wire[:n]); err == nil {
				t.Errorf("cut to %d octets", n)
			}
		}
		for n := range control {
			if _, err := takeControl(r, control[:n]); err == nil {
				t.Errorf("RTCP cut to %d octets", n)
			}
		}
		if _, err := take(r, wire); err != nil {
			t.Errorf("unchanged: %v", err)
		}
		if _, err := takeControl(r, control); err != nil {
			t.Errorf("RTCP unchanged: %v", err)
		}
	})
}

func TestWrongKey(t *testing.T) {
	each(t, func(t *testing.T, k Key) {
		s, _ := pair(t, k)
		k.Master[0] ^= 1
		_, r := pair(t, k)
		if _, err := take(r, protect(t, s, rtp(7, 1, "hello"))); !errors.Is(err, ErrForged) {
			t.Errorf("RTP: %v", err)
		}
		wire, _ := s.RTCP(report(7))
		if _, err := takeControl(r, wire); !errors.Is(err, ErrForged) {
			t.Errorf("RTCP: %v", err)
		}
	})
}

func TestReplay(t *testing.T) {
	s, r := pair(t, key(AES128SHA80, someKey))
	var wires [][]byte
	for seq := range uint16(windowSize + 10) {
		wires = append(wires, protect(t, s, rtp(7, 1000+seq, "x")))
	}
	last := len(wires) - 1
	for _, i := range []int{5, 4, 20, last, last - 1} {
		if _, err := take(r, wires[i]); err != nil {
			t.Errorf("packet %d: %v", i, err)
		}
	}
	for _, i := range []int{last, last - 1, 20, 5, 0, last - windowSize} {
		if _, err := take(r, wires[i]); !errors.Is(err, ErrReplayed) {
			t.Errorf("packet %d again, or too late: %v", i, err)
		}
	}
	if _, err := take(r, wires[last-windowSize+1]); err != nil {
		t.Errorf("the oldest that can be told: %v", err)
	}
	// One that was looked at and not accepted has not come.
	wire := protect(t, s, rtp(7, 2000, "x"))
	for range 2 {
		if _, _, err := r.RTP(make([]byte, 100), wire); err != nil {
			t.Errorf("not accepted: %v", err)
		}
	}
	control, _ := s.RTCP(report(7))
	if _, err := takeControl(r, control); err != nil {
		t.Error(err)
	}
	if _, err := takeControl(r, control); !errors.Is(err, ErrReplayed) {
		t.Errorf("RTCP again: %v", err)
	}
}

// Packets are lost, come late and twice, while the sequence numbers wrap again and again; each
// is taken once or is too late.
func TestRollover(t *testing.T) {
	random := rand.New(rand.NewPCG(3711, 1))
	s, r := pair(t, key(AES128SHA32, someKey))
	sent := map[string]int{}
	var air [][]byte
	newest, late := 0, 0
	for n := range 250_000 {
		payload := fmt.Sprint(n)
		wire := protect(t, s, rtp(7, uint16(40_000+n), payload))
		sent[payload] = n
		if random.IntN(10) > 0 {
			air = append(air, wire)
		}
		for len(air) > 0 && (len(air) > 8 || random.IntN(3) == 0) {
			i := random.IntN(len(air))
			plain, err := take(r, air[i])
			switch {
			case err == nil:
				n, ok := sent[string(plain[12:])]
				if !ok {
					t.Fatalf("%q came twice, or was never sent", plain[12:])
				}
				newest = max(newest, n)
				delete(sent, string(plain[12:]))
			case errors.Is(err, ErrReplayed):
				late++
			default:
				t.Fatalf("packet %d: %v", n, err)
			}
			if random.IntN(50) > 0 { // else it comes again
				air = append(air[:i], air[i+1:]...)
			}
		}
	}
	if newest < 249_900 || late == 0 || !s.Rolled() {
		t.Errorf("newest %d, %d too late or twice", newest, late)
	}
}

// A source whose number starts at 0 again is another, and sources do not disturb each other.
func TestSources(t *testing.T) {
	s, r := pair(t, key(AES128SHA80, someKey))
	for ssrc := range uint32(3 * sources) {
		first := protect(t, s, rtp(ssrc, 65535, "a"))
		second := protect(t, s, rtp(ssrc, 0, "b"))
		for _, wire := range [][]byte{first, second} {
			if _, err := take(r, wire); err != nil {
				t.Errorf("source %d: %v", ssrc, err)
			}
		}
		if _, err := take(r, second); !errors.Is(err, ErrReplayed) {
			t.Errorf("source %d again: %v", ssrc, err)
		}
	}
	// What is not authentic drives no source out.
	for ssrc := range uint32(100) {
		if _, err := take(r, rtp(1000+ssrc, 1, strings.Repeat("x", 20))); !errors.Is(err, ErrForged) {
			t.Fatal(err)
		}
	}
	if _, err := take(r, protect(t, s, rtp(3*sources-1, 1, "c"))); err != nil {
		t.Errorf("after a flood: %v", err)
	}
}

// A number is not used twice under a key: the two sounds could be told from their difference.
func TestReuse(t *testing.T) {
	s, _ := pair(t, key(AES128SHA80, someKey))
	protect(t, s, rtp(7, 10, "a"))
	for _, seq := range []uint16{10, 9, 10 + 1<<15} {
		if _, err := s.RTP(rtp(7, seq, "b")); !errors.Is(err, ErrReused) {
			t.Errorf("number %d after 10: %v", seq, err)
		}
	}
	protect(t, s, rtp(7, 11, "c"))
}

// RFC 3711 section 9.2: 2^48 packets of RTP and 2^31 of RTCP.
func TestKeyUsedUp(t *testing.T) {
	s, _ := pair(t, key(AES128SHA80, someKey))
	protect(t, s, rtp(7, 65534, "a"))
	s.index |= (1<<32 - 1) << 16
	protect(t, s, rtp(7, 65535, "b"))
	if _, err := s.RTP(rtp(7, 0, "c")); !errors.Is(err, ErrExpired) {
		t.Errorf("RTP: %v", err)
	}
	s.next = 1<<31 - 1
	if _, err := s.RTCP(report(7)); err != nil {
		t.Error(err)
	}
	if _, err := s.RTCP(report(7)); !errors.Is(err, ErrExpired) {
		t.Errorf("RTCP: %v", err)
	}
}

// Under a new key some peers go on counting rollovers, and some begin anew.
func TestNewKey(t *testing.T) {
	for _, goesOn := range []bool{false, true} {
		s, r := pair(t, key(AES128SHA80, someKey))
		for _, seq := range []uint16{65535, 0, 1} {
			if _, err := take(r, protect(t, s, rtp(7, seq, "old"))); err != nil {
				t.Fatal(err)
			}
		}
		k := s.Key()
		k.Master[3] ^= 1
		next, after := pair(t, k)
		after.Succeed(r)
		if goesOn {
			next.ssrc, next.index, next.begun = s.ssrc, s.index, true
		}
		for _, seq := range []uint16{2, 3} {
			if got, err := take(after, protect(t, next, rtp(7, seq, "new"))); err != nil || string(got[12:]) != "new" {
				t.Errorf("goes on %v: %v", goesOn, err)
			}
		}
		if _, err := take(after, protect(t, s, rtp(7, 4, "old"))); !errors.Is(err, ErrForged) {
			t.Errorf("the old key: %v", err)
		}
	}
}

// The peer's numbers wrap before its key is known here, or between two keys.
func TestWrapThatWasNotHeard(t *testing.T) {
	each(t, func(t *testing.T, k Key) {
		for _, old := range []bool{false, true} {
			s, r := pair(t, k)
			if old {
				before, was := pair(t, key(AES128SHA80, someKey))
				if _, err := take(was, protect(t, before, rtp(7, 65530, "old"))); err != nil {
					t.Fatal(err)
				}
				r.Succeed(was)
			}
			protect(t, s, rtp(7, 65535, "not heard"))
			forged := protect(t, s, rtp(7, 0, "forged"))
			forged[len(forged)-1] ^= 1
			if _, err := take(r, forged); !errors.Is(err, ErrForged) {
				t.Errorf("forged: %v", err)
			}
			for _, seq := range []uint16{3, 4} {
				if got, err := take(r, protect(t, s, rtp(7, seq, "x"))); err != nil || string(got[12:]) != "x" {
					t.Errorf("after another key %v, %d: %v", old, seq, err)
				}
			}
		}
	})
}

// RTCP that says it is not encrypted was not agreed, authentic or not.
func TestClearControl(t *testing.T) {
	s, r := pair(t, key(AES128SHA80, someKey))
	b := report(7)
	s.control.authenticate(b, 5)
	b = binary.BigEndian.AppendUint32(b, 5)
	b = append(b, s.control.sum[:10]...)
	if _, err := takeControl(r, b); !errors.Is(err, ErrForged) {
		t.Error(err)
	}
}

func TestSuites(t *testing.T) {
	for s := AES128SHA80; s.valid(); s++ {
		if got := SuiteOf(s.String()); got != s {
			t.Errorf("%s is %s", s, got)
		}
	}
	for name, want := range map[string]Suite{"AES_CM_256_HMAC_SHA1_80": AES256SHA80, "AES_CM_256_HMAC_SHA1_32": AES256SHA32, "F8_128_HMAC_SHA1_80": 0, "": 0} {
		if got := SuiteOf(name); got != want {
			t.Errorf("%q is %s", name, got)
		}
	}
	k := key(AES128SHA80, someKey)
	if s := fmt.Sprintf("%v %+v %#v %s", k, k, Keys{k, k}, &k); strings.Contains(s, "1, 2, 3") || strings.Contains(s, "0x1, 0x2") {
		t.Errorf("a key can be read in %s", s)
	}
	for _, k := range []Key{{}, {Suite: 99}, {Suite: AES128SHA80, MKISize: 9}} {
		if _, err := NewSender(k); err == nil {
			t.Errorf("%v makes a Sender", k)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	each(t, func(t *testing.T, k Key) {
		s, r := pair(t, k)
		b, dst, seq := make([]byte, 0, 512), make([]byte, 512), uint16(0)
		if n := testing.AllocsPerRun(100, func() {
			seq++
			b = append(b[:0], rtp160...)
			binary.BigEndian.PutUint16(b[2:], seq)
			wire, err := s.RTP(b)
			if err != nil {
				t.Fatal(err)
			}
			_, m, err := r.RTP(dst, wire)
			if err != nil {
				t.Fatal(err)
			}
			r.Accept(m)
			if wire, err = s.RTCP(append(b[:0], rtp160...)); err != nil {
				t.Fatal(err)
			}
			if _, m, err = r.RTCP(dst, wire); err != nil {
				t.Fatal(err)
			}
			r.Accept(m)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

var rtp160 = rtp(7, 0, strings.Repeat("s", 160))

// Whatever comes, nothing breaks, and nothing but the peer's is taken.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7}, uint8(1), uint8(0))
	f.Add(append([]byte{0x9f, 0xc8, 0, 1}, make([]byte, 80)...), uint8(5), uint8(4))
	f.Add(append([]byte{0x90, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0xff, 0xff}, make([]byte, 40)...), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, suite, mki uint8) {
		k := key(Suite(suite%6)+1, someKey)
		k.MKISize = mki % (maxMKI + 1)
		s, r := pair(t, k)
		before := bytes.Clone(b)
		if _, err := take(r, b); err == nil {
			t.Errorf("RTP %x is authentic", b)
		}
		if _, err := takeControl(r, b); err == nil {
			t.Errorf("RTCP %x is authentic", b)
		}
		if !bytes.Equal(b, before) {
			t.Error("the packet was changed")
		}
		if wire, err := s.RTP(bytes.Clone(b)); err == nil {
			if plain, err := take(r, wire); err != nil || !bytes.Equal(plain, before) {
				t.Errorf("RTP %x comes back as %x, %v", before, plain, err)
			}
		}
		if wire, err := s.RTCP(bytes.Clone(b)); err == nil {
			if plain, err := takeControl(r, wire); err != nil || !bytes.Equal(plain, before) {
				t.Errorf("RTCP %x comes back as %x, %v", before, plain, err)
			}
		}
	})
}

// A packet of 20 ms of G.711.
func BenchmarkProtect(b *testing.B) {
	for suite := AES128SHA80; suite.valid(); suite++ {
		b.Run(suite.String(), func(b *testing.B) {
			s, _ := pair(b, key(suite, someKey))
			buf, seq := make([]byte, 0, 512), uint16(0)
			b.ReportAllocs()
			for b.Loop() {
				seq++
				buf = append(buf[:0], rtp160...)
				binary.BigEndian.PutUint16(buf[2:], seq)
				if _, err := s.RTP(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUnprotect(b *testing.B) {
	for suite := AES128SHA80; suite.valid(); suite++ {
		b.Run(suite.String(), func(b *testing.B) {
			s, r := pair(b, key(suite, someKey))
			wire, dst := protect(b, s, bytes.Clone(rtp160)), make([]byte, 512)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := r.RTP(dst, wire); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
