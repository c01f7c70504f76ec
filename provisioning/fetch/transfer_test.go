package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	t0     = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	server = netip.MustParseAddrPort("192.0.2.7:69")
	tid    = netip.MustParseAddrPort("192.0.2.7:40001")
)

func dataPacket(n uint16, data []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0, opData}, n), data...)
}

func oack(words ...string) []byte {
	return append([]byte{0, opOACK}, strings.Join(words, "\x00")+"\x00"...)
}

// A peer is the other side of a transfer under test, and its clock.
type peer struct {
	*testing.T
	x    *transfer
	now  time.Time
	sent []byte // the last thing the transfer sent to its server
}

func begin(t *testing.T, options bool) *peer {
	t.Helper()
	p := &peer{T: t, now: t0}
	p.x, p.sent = newTransfer(p.now, server, "a.cfg", options, maxWire)
	return p
}

// says sends a packet as the server and wants an answer: nil stands for none.
func (p *peer) says(packet, want []byte) {
	p.Helper()
	got, to := p.x.Receive(p.now, tid, packet)
	if !bytes.Equal(got, want) || to != tid {
		p.Errorf("to %.20q: %q to %v, want %q", packet, got, to, want)
	}
	if got != nil {
		p.sent = got
	}
}

// waits lets the next deadline come and wants what is then sent.
func (p *peer) waits(d time.Duration, want []byte) {
	p.Helper()
	if got := p.x.Deadline().Sub(p.now); got != d {
		p.Errorf("waits %v, want %v", got, d)
	}
	p.now = p.x.Deadline()
	if got := p.x.Expire(p.now); !bytes.Equal(got, want) {
		p.Errorf("after %v: %q, want %q", d, got, want)
	}
}

func (p *peer) ends(want error, data []byte) {
	p.Helper()
	if !p.x.Ended() || !errors.Is(p.x.err, want) || p.x.err == nil && !bytes.Equal(p.x.data, data) {
		p.Errorf("ended %v, %v with %d octets, want %v with %d", p.x.Ended(), p.x.err, len(p.x.data), want, len(data))
	}
}

// told wants the last packet to be an ERROR.
func (p *peer) told(code uint16) {
	p.Helper()
	if len(p.sent) < 5 || p.sent[1] != opError || binary.BigEndian.Uint16(p.sent[2:]) != code || p.sent[len(p.sent)-1] != 0 {
		p.Errorf("the server was sent %q, want error %d", p.sent, code)
	}
}

// hears sends a packet as the server, whatever comes of it.
func (p *peer) hears(packet []byte) {
	if got, _ := p.x.Receive(p.now, tid, packet); got != nil {
		p.sent = got
	}
}

var block = bytes.Repeat([]byte("0123456789abcdef"), 32) // 512 octets

func TestPlainTransfer(t *testing.T) {
	p := begin(t, false)
	if want := []byte("\x00\x01a.cfg\x00octet\x00"); !bytes.Equal(p.sent, want) {
		t.Errorf("request %q, want %q", p.sent, want)
	}
	p.says(dataPacket(1, block), ackPacket(1))
	p.says(dataPacket(2, block), ackPacket(2))
	p.says(dataPacket(3, []byte("end")), ackPacket(3))
	p.waits(dallyTime, nil)
	p.ends(nil, append(append(append([]byte{}, block...), block...), "end"...))
}

// A file of whole blocks ends with an empty one (RFC 1350 section 6).
func TestWholeBlocks(t *testing.T) {
	p := begin(t, false)
	p.says(dataPacket(1, block), ackPacket(1))
	p.says(dataPacket(2, nil), ackPacket(2))
	p.waits(dallyTime, nil)
	p.ends(nil, block)
}

func TestOptions(t *testing.T) {
	p := begin(t, true)
	if want := []byte("\x00\x01a.cfg\x00octet\x00blksize\x001428\x00tsize\x000\x00timeout\x001\x00"); !bytes.Equal(p.sent, want) {
		t.Errorf("request %q, want %q", p.sent, want)
	}
	big := bytes.Repeat([]byte("x"), 1428)
	p.says(oack("BLKSIZE", "1428", "tsize", "1430", "Timeout", "1"), ackPacket(0))
	p.says(dataPacket(1, big), ackPacket(1))
	p.says(dataPacket(2, []byte("ab")), ackPacket(2))
	p.waits(dallyTime, nil)
	p.ends(nil, append(big, "ab"...))
}

// A server that knows no options sends block 1 (RFC 2347); one that refuses to negotiate
// says error 8, and is asked anew.
func TestOptionsIgnoredOrRefused(t *testing.T) {
	p := begin(t, true)
	p.says(dataPacket(1, []byte("short")), ackPacket(1))
	p.waits(dallyTime, nil)
	p.ends(nil, []byte("short"))

	p = begin(t, true)
	p.says(errorPacket(8, "no options here"), nil)
	p.ends(errOptions, nil)
}

func TestWrongOptions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		words []string
		code  uint16
		says  string
	}{
		{"not asked for", []string{"windowsize", "64"}, 8, `option "windowsize" was not asked for`},
		{"greater blocks", []string{"blksize", "1429"}, 8, "blksize 1429: want 8 to 1428"},
		{"greatest blocks", []string{"blksize", "65464"}, 8, "blksize 65464"},
		{"tiny blocks", []string{"blksize", "7"}, 8, "blksize 7"},
		{"no blocks", []string{"blksize", "0"}, 8, "blksize 0"},
		{"no number", []string{"blksize", "-8"}, 8, `"-8" is no number`},
		{"a huge number", []string{"tsize", "99999999999999999999"}, 8, "is no number"},
		{"another timeout", []string{"timeout", "255"}, 8, "timeout 255, asked for 1"},
		{"twice", []string{"blksize", "512", "BlkSize", "1024"}, 8, `option "blksize" twice`},
		{"no value", []string{"blksize"}, 8, "an option without a value"},
		{"endless", []string{"blksize", strings.Repeat("0", 300)}, 8, "longer than 255 octets"},
		{"10 MiB", []string{"tsize", "10485760"}, 3, "10485760 octets announced"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := begin(t, true)
			p.hears(oack(tt.words...))
			p.told(tt.code)
			if !p.x.Ended() || p.x.err == nil || !strings.Contains(p.x.err.Error(), tt.says) {
				t.Errorf("%v, want it to say %q", p.x.err, tt.says)
			}
		})
	}
	p := begin(t, true)
	p.hears([]byte("\x00\x06blksize\x00512")) // no zero octet at the end
	p.told(8)
	p = begin(t, false)
	p.hears(oack("blksize", "512"))
	p.told(8)
	if p.x.err == nil {
		t.Error("options that were not asked for are taken")
	}
}

// Silence: the request goes five times in 15 s, an ACK likewise, and each block that
// comes starts this anew.
func TestRepetition(t *testing.T) {
	p := begin(t, false)
	request := p.sent
	for _, d := range []time.Duration{1, 2, 4, 4} {
		p.waits(d*time.Second, request)
	}
	p.waits(4*time.Second, nil)
	p.ends(errSilent, nil)

	p = begin(t, false)
	p.waits(time.Second, p.sent)
	p.says(dataPacket(1, block), ackPacket(1))
	p.waits(time.Second, ackPacket(1))
	p.waits(2*time.Second, ackPacket(1))
	p.says(dataPacket(2, block), ackPacket(2))
	for _, d := range []time.Duration{1, 2, 4, 4} {
		p.waits(d*time.Second, ackPacket(2))
	}
	p.now = p.x.Deadline()
	p.sent = p.x.Expire(p.now)
	p.told(0)
	p.ends(ErrCut, nil)
}

// RFC 1123 section 4.2.3.1: what the network doubles is not acknowledged twice; what
// the server sends again, because an ACK was lost, is.
func TestDuplicates(t *testing.T) {
	p := begin(t, true)
	p.says(oack("tsize", "1027"), ackPacket(0))
	p.says(oack("tsize", "1027"), nil)
	p.now = p.now.Add(300 * time.Millisecond)
	p.says(oack("tsize", "1027"), ackPacket(0))
	p.says(dataPacket(1, block), ackPacket(1))
	p.says(dataPacket(1, block), nil)
	p.says(oack("tsize", "1027"), nil)
	p.says(dataPacket(2, block), ackPacket(2))
	p.now = p.now.Add(time.Second / 2)
	p.says(dataPacket(2, bytes.ToUpper(block)), ackPacket(2)) // what came first holds
	p.says(dataPacket(2, block), nil)
	p.says(dataPacket(1, block), nil)
	p.says(dataPacket(4, block), nil)
	p.says(dataPacket(0, block), nil)
	p.says(dataPacket(3, []byte("end")), ackPacket(3))
	p.waits(dallyTime, nil)
	p.ends(nil, append(append(append([]byte{}, block...), block...), "end"...))
}

// The last ACK was lost: the server sends the last block again.
func TestDally(t *testing.T) {
	p := begin(t, false)
	p.says(dataPacket(1, []byte("all")), ackPacket(1))
	p.now = p.now.Add(time.Second)
	p.says(dataPacket(1, []byte("all")), ackPacket(1))
	p.says(errorPacket(0, "too late to matter"), nil)
	p.says(dataPacket(2, []byte("more")), nil)
	p.says(oack("tsize", "3"), nil)
	p.waits(dallyTime-time.Second, nil)
	p.ends(nil, []byte("all"))
}

func TestServerError(t *testing.T) {
	for _, tt := range []struct {
		name   string
		packet []byte
		says   string
		is     error
	}{
		{"no file", errorPacket(1, "File not found"), "TFTP error 1: File not found", ErrNotFound},
		{"no zero octet", []byte("\x00\x05\x00\x02Denied"), "TFTP error 2: Denied", nil},
		{"no text", []byte("\x00\x05\x00\x02"), "TFTP error 2", nil},
		{"odd text", errorPacket(0, "a\x1b[2Jb\r\nc\xff"), "TFTP error 0: a[2Jbc", nil},
		{"long text", errorPacket(0, strings.Repeat("y", 500)), "TFTP error 0: " + strings.Repeat("y", 80) + "…", nil},
	} {
		p := begin(t, true)
		p.says(tt.packet, nil)
		var e *TFTPError
		if !errors.As(p.x.err, &e) || e.Error() != tt.says || tt.is != nil && !errors.Is(e, tt.is) {
			t.Errorf("%s: %v, want %s", tt.name, p.x.err, tt.says)
		}
	}
	p := begin(t, true) // in the middle
	p.says(oack("blksize", "512"), ackPacket(0))
	p.says(dataPacket(1, block), ackPacket(1))
	p.says(errorPacket(8, "disk broke"), nil)
	if e, ok := p.x.err.(*TFTPError); !ok || e.Code != 8 {
		t.Errorf("in the middle: %v", p.x.err)
	}
}

// Strangers are told so, at most so many, and change nothing, whatever they send.
func TestWrongTransferID(t *testing.T) {
	p := begin(t, false)
	unknown := errorPacket(codeUnknownTID, "unknown transfer ID")
	elsewhere := netip.MustParseAddrPort("198.51.100.9:69")
	other := netip.AddrPortFrom(tid.Addr(), tid.Port()+1)
	from := func(who netip.AddrPort, packet, want []byte) {
		t.Helper()
		if got, to := p.x.Receive(p.now, who, packet); !bytes.Equal(got, want) || to != who {
			t.Errorf("%q from %v: %q to %v, want %q", packet, who, got, to, want)
		}
	}
	from(elsewhere, dataPacket(1, []byte("evil")), unknown) // before the server answers
	p.says(dataPacket(1, block), ackPacket(1))
	from(elsewhere, dataPacket(2, []byte("evil")), unknown)
	from(other, dataPacket(2, []byte("evil")), unknown)
	from(other, errorPacket(0, "stop"), nil) // never an error for an error
	from(server, []byte{0}, unknown)
	for range 100 {
		p.x.Receive(p.now, other, dataPacket(2, []byte("evil")))
	}
	from(other, dataPacket(2, []byte("evil")), nil)
	if p.x.strangers != 106 {
		t.Errorf("%d packets counted, want 106", p.x.strangers)
	}
	p.says(dataPacket(2, []byte("good")), ackPacket(2))
	p.waits(dallyTime, nil)
	p.ends(nil, append(append([]byte{}, block...), "good"...))
}

// A first packet that makes no sense names nobody's port.
func TestNonsenseFirst(t *testing.T) {
	p := begin(t, false)
	odd := netip.AddrPortFrom(server.Addr(), 5)
	for _, packet := range [][]byte{nil, {0}, {0, 3, 0}, {0, 4, 0, 1}, {0, 1, 'a', 0}, dataPacket(2, block), {9, 9, 9, 9}} {
		if got, _ := p.x.Receive(p.now, odd, packet); got != nil || p.x.peer.IsValid() {
			t.Errorf("%.10q: %q, peer %v", packet, got, p.x.peer)
		}
	}
	p.says(dataPacket(1, []byte("good")), ackPacket(1))
	p.says([]byte{0, 4, 0, 1}, nil)
	p.says([]byte{0, 3}, nil)
	p.waits(dallyTime, nil)
	p.ends(nil, []byte("good"))
}

func TestTransferLimits(t *testing.T) {
	t.Run("too long a block", func(t *testing.T) {
		p := begin(t, false)
		p.hears(dataPacket(1, append(block, 'x')))
		p.told(4)
	})
	t.Run("10 MiB", func(t *testing.T) {
		p := begin(t, true)
		p.hears(oack("blksize", "1024"))
		for n := 1; n < 10<<10 && !p.x.Ended(); n++ {
			p.hears(dataPacket(uint16(n), bytes.Repeat([]byte("x"), 1024)))
		}
		p.told(3)
		p.ends(ErrTooBig, nil)
		if len(p.x.data) > maxWire {
			t.Errorf("%d octets held", len(p.x.data))
		}
	})
	t.Run("block number wraps", func(t *testing.T) {
		p := begin(t, true)
		p.x.limit = 1 << 20
		p.hears(oack("blksize", "8"))
		for n := 1; n <= 0xffff && !p.x.Ended(); n++ {
			p.hears(dataPacket(uint16(n), []byte("12345678")))
		}
		p.told(4)
		p.ends(ErrTooBig, nil)
	})
	t.Run("cut", func(t *testing.T) {
		p := begin(t, true)
		p.hears(oack("tsize", "2000"))
		p.hears(dataPacket(1, block))
		p.hears(dataPacket(2, []byte("not all")))
		p.told(0)
		p.ends(ErrCut, nil)
	})
	t.Run("longer than told", func(t *testing.T) {
		p := begin(t, true)
		p.hears(oack("tsize", "3"))
		p.hears(dataPacket(1, []byte("four")))
		p.ends(ErrCut, nil)
	})
	t.Run("size not known", func(t *testing.T) {
		p := begin(t, true)
		p.hears(oack("tsize", "0"))
		p.says(dataPacket(1, []byte("four")), ackPacket(1))
	})
	t.Run("8 octets a second", func(t *testing.T) {
		p := begin(t, true)
		p.hears(oack("blksize", "8"))
		for n := 1; n < 60 && !p.x.Ended(); n++ {
			p.now = p.now.Add(time.Second)
			p.hears(dataPacket(uint16(n), []byte("12345678")))
		}
		p.told(0)
		p.ends(ErrSlow, nil)
		if took := p.now.Sub(t0); took != paceTime {
			t.Errorf("after %v, want %v", took, paceTime)
		}
	})
	t.Run("nonsense without end", func(t *testing.T) {
		p := begin(t, false)
		p.hears(dataPacket(1, block))
		for p.now.Sub(t0) < time.Minute && !p.x.Ended() {
			p.now = p.now.Add(time.Second / 10)
			p.hears(dataPacket(7, block))
			if out := p.x.Expire(p.now); out != nil {
				p.sent = out
			}
		}
		p.ends(ErrCut, nil)
	})
}

// One ICMP error may be anybody's; two say that nobody is there, until somebody was.
func TestUnreachable(t *testing.T) {
	p := begin(t, false)
	p.x.Unreachable(syscall.ECONNREFUSED)
	p.waits(time.Second, p.sent)
	p.x.Unreachable(syscall.ECONNREFUSED)
	p.ends(syscall.ECONNREFUSED, nil)

	p = begin(t, false)
	p.says(dataPacket(1, block), ackPacket(1))
	for range 5 {
		p.x.Unreachable(syscall.ECONNREFUSED)
	}
	p.says(dataPacket(2, nil), ackPacket(2))
	p.waits(dallyTime, nil)
	p.ends(nil, block)
}

// FuzzTransfer plays packets of the server, of strangers, and time: a transfer holds no
// more than its limit, ends by itself, and answers nobody with more than it got from it.
func FuzzTransfer(f *testing.F) {
	script := func(packets ...[]byte) []byte {
		var b []byte
		for _, p := range packets {
			b = append(b, 0, byte(len(p)))
			b = append(b, p...)
		}
		return b
	}
	f.Add(true, script(oack("blksize", "8", "tsize", "9"), dataPacket(1, []byte("12345678")), dataPacket(2, []byte("9"))))
	f.Add(false, script(dataPacket(1, []byte("short")), dataPacket(1, []byte("short"))))
	f.Add(true, script(errorPacket(8, "no"), errorPacket(1, "File not found")))
	f.Add(true, append(script(oack("tsize", "x")), 1, 4, 0, 3, 0, 1, 2, 200))
	f.Add(false, []byte{0, 4, 0, 3, 0, 1, 2, 255, 2, 255, 2, 255})
	f.Fuzz(func(t *testing.T, options bool, script []byte) {
		const limit = 64
		now := t0
		x, _ := newTransfer(now, server, "a.cfg", options, limit)
		strangers := 0
		for len(script) >= 2 {
			kind, n := script[0]%3, int(script[1])
			script = script[2:]
			from := tid
			switch kind {
			case 2:
				now = now.Add(time.Duration(n) * 20 * time.Millisecond)
				x.Expire(now)
				continue
			case 1:
				from = netip.AddrPortFrom(tid.Addr(), 1)
			}
			n = min(n, len(script))
			packet := script[:n]
			script = script[n:]
			was := x.peer
			out, to := x.Receive(now, from, packet)
			if was.IsValid() && x.peer != was {
				t.Fatalf("peer %v became %v", was, x.peer)
			}
			if out != nil && to != from {
				t.Fatalf("an answer to %v went to %v", from, to)
			}
			if out != nil && was.IsValid() && from != was {
				if strangers++; strangers > maxStrangers {
					t.Fatal("strangers are answered without end")
				}
			}
			if len(x.data) > limit {
				t.Fatalf("%d octets held", len(x.data))
			}
		}
		for range maxSends + 1 {
			now = x.Deadline()
			x.Expire(now)
		}
		if !x.Ended() {
			t.Fatalf("still in state %d", x.state)
		}
	})
}
