package dhcp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"log/slog"

	"tipring/provisioning/lan"
	"tipring/provisioning/lan/lantest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	eth0   = lan.Interface{Name: "eth0", Index: 2, MAC: net.HardwareAddr{0, 0xa8, 0x59, 1, 2, 3}, Addr: netip.MustParseAddr("10.9.0.59")}
	server = netip.MustParseAddrPort("10.9.0.1:67")
	other  = netip.MustParseAddrPort("10.9.0.2:67")
)

const url66 = "\x42\x0aftp.x/a.cf"

// ack answers a question with options, after the fields are changed.
func ack(question []byte, options string, change func(b []byte)) []byte {
	b := bytes.Clone(question[:atOption])
	b[0] = opReply
	if change != nil {
		change(b)
	}
	return append(b, "\x36\x04\x0a\x09\x00\x01"+options+"\xff"...)
}

const isACK = "\x35\x01\x05"

func inform(t *testing.T, c *lantest.Conn) (Options, error) {
	t.Helper()
	return ask(t.Context(), c, newInquiry(eth0, ""), slog.New(slog.DiscardHandler))
}

// The question is RFC 2131's, table 5.
func TestQuestion(t *testing.T) {
	q := newInquiry(eth0, "")
	start := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	sent := q.Expire(start)
	if len(sent) != 1 || sent[0].To != netip.MustParseAddrPort("255.255.255.255:67") {
		t.Fatalf("sent %v", sent)
	}
	b := sent[0].Wire
	m, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 300 || b[0] != opRequest || b[1] != 1 || b[3] != 0 || binary.BigEndian.Uint16(b[10:]) != 0 {
		t.Errorf("fixed part % x", b[:12])
	}
	if m.ciaddr != eth0.Addr || !m.yiaddr.IsUnspecified() || !bytes.Equal(m.chaddr, eth0.MAC) {
		t.Errorf("addresses %+v", m)
	}
	for code, want := range map[byte]string{
		53: "\x08", 61: "\x01\x00\xa8\x59\x01\x02\x03", 60: "tipring", 57: "\x05\xdc", 55: string(Wanted()),
	} {
		if got := string(m.options[code]); got != want {
			t.Errorf("option %d is %q, want %q", code, got, want)
		}
	}
	if len(m.options) != 5 { // RFC 2131 table 5: neither a requested address nor a lease time
		t.Errorf("options %v", m.options)
	}
	if again := newInquiry(eth0, "acme").Expire(start)[0].Wire; bytes.Equal(again[atXID:atSecs], b[atXID:atSecs]) || !bytes.Contains(again, []byte("\x3c\x04acme")) {
		t.Error("another question has the same transaction id, or not its vendor class")
	}
}

// It is asked at 0, 1, 3 and 7 s, with the seconds told, and given up after 10.
func TestInformAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lantest.New()
		start := time.Now()
		_, err := inform(t, c)
		if err == nil || err.Error() != "no server answered within 10s" || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		var at []time.Duration
		for _, s := range c.Sent() {
			at = append(at, s.At.Sub(start))
			if secs := binary.BigEndian.Uint16(s.Wire[atSecs:]); time.Duration(secs)*time.Second != at[len(at)-1] {
				t.Errorf("after %v secs is %d", at[len(at)-1], secs)
			}
			if !bytes.Equal(s.Wire[atXID:atSecs], c.Sent()[0].Wire[atXID:atSecs]) {
				t.Error("the transaction id changed")
			}
		}
		want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}
		if len(at) != 4 || at[1] != want[1] || at[2] != want[2] || at[3] != want[3] {
			t.Errorf("asked at %v, want %v", at, want)
		}
	})
}

func TestInformTakesTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lantest.New()
		start := time.Now()
		c.Answer = func(wire []byte, n int) {
			if n == 2 { // the first question is lost
				c.Deliver(0, server, ack(wire, isACK+"\x42\x01a", nil))
			}
		}
		o, err := inform(t, c)
		if err != nil || string(o[66]) != "a" || time.Since(start) != time.Second {
			t.Errorf("after %v: %q, %v", time.Since(start), o, err)
		}
	})
}

// What is no answer to this question is ignored, and told when nothing better comes.
func TestInformIgnores(t *testing.T) {
	for _, tt := range []struct {
		name   string
		from   netip.AddrPort
		answer func(wire []byte) []byte
		why    string
	}{
		{"another port", netip.MustParseAddrPort("10.9.0.1:68"), func(w []byte) []byte { return ack(w, isACK+url66, nil) }, "not from a server's port"},
		{"a request", server, func(w []byte) []byte { return ack(w, isACK+url66, func(b []byte) { b[0] = opRequest }) }, "no reply"},
		{"another transaction", server, func(w []byte) []byte { return ack(w, isACK+url66, func(b []byte) { b[atXID]++ }) }, "another transaction id"},
		{"another client's address", server, func(w []byte) []byte { return ack(w, isACK+url66, func(b []byte) { b[atCHAddr+5]++ }) }, "another hardware address"},
		{"a shorter address", server, func(w []byte) []byte { return ack(w, isACK+url66, func(b []byte) { b[2] = 5 }) }, "another hardware address"},
		{"another IP address", server, func(w []byte) []byte { return ack(w, isACK+url66, func(b []byte) { b[atCIAddr+3]++ }) }, "another client's address"},
		{"a DHCPNAK", server, func(w []byte) []byte { return ack(w, "\x35\x01\x06"+url66, nil) }, "no DHCPACK"},
		{"BOOTP", server, func(w []byte) []byte { return ack(w, url66, nil) }, "no DHCPACK"},
		{"no server identifier", server, func(w []byte) []byte {
			return append(ack(w, "", nil)[:atOption], isACK+url66+"\xff"...)
		}, "no server identifier"},
		{"junk", server, func([]byte) []byte { return []byte("junk") }, "cut short"},
		{"options that lie", server, func(w []byte) []byte { return append(ack(w, isACK, nil)[:atOption], "\x42\xff"...) }, "goes beyond"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := lantest.New()
				c.Answer = func(wire []byte, n int) { c.Deliver(0, tt.from, tt.answer(wire)) }
				o, err := inform(t, c)
				if err == nil || !strings.Contains(err.Error(), "4 datagrams were no answers, the last from "+tt.from.String()) || !strings.Contains(err.Error(), tt.why) {
					t.Errorf("got %q, %v", o, err)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				c := lantest.New()
				c.Answer = func(wire []byte, n int) {
					c.Deliver(0, tt.from, tt.answer(wire))
					c.Deliver(time.Millisecond, server, ack(wire, isACK+"\x42\x01a", nil))
				}
				if o, err := inform(t, c); err != nil || string(o[66]) != "a" {
					t.Errorf("with a good answer after it: %q, %v", o, err)
				}
			})
		})
	}
}

// Of several servers the first that offers something is taken; one that offers nothing
// leaves the others a second.
func TestInformSeveralServers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		later time.Duration // the offering server's answer, after the other's at 100 ms; 0: none
		want  string
		after time.Duration
	}{
		{"the second offers", 900 * time.Millisecond, "a", time.Second},
		{"the second is late", 1100 * time.Millisecond, "", 1100 * time.Millisecond},
		{"there is no second", 0, "", 1100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := lantest.New()
				start := time.Now()
				c.Answer = func(wire []byte, n int) {
					if n > 1 {
						t.Error("asked again after an answer")
					}
					c.Deliver(100*time.Millisecond, server, ack(wire, isACK+"\x2b\x02\x01\x09", nil))
					if tt.later > 0 {
						c.Deliver(100*time.Millisecond+tt.later, other, ack(wire, isACK+"\x42\x01a", nil))
					}
				}
				o, err := inform(t, c)
				if err != nil || string(o[66]) != tt.want || time.Since(start) != tt.after {
					t.Errorf("after %v: %q, %v; want %q after %v", time.Since(start), o, err, tt.want, tt.after)
				}
				synctest.Wait()
			})
		})
	}
}

func TestInformEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		c := lantest.New()
		start := time.Now()
		_, err := ask(ctx, c, newInquiry(eth0, ""), slog.New(slog.DiscardHandler))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 1500*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestInformCannotSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lantest.New()
		c.Fault = errors.New("network is unreachable")
		if _, err := inform(t, c); !errors.Is(err, c.Fault) {
			t.Errorf("got %v", err)
		}
	})
}

// There is no asking through what has no Ethernet address, and none through nothing.
func TestInformNeedsAnInterface(t *testing.T) {
	for name, want := range map[string]string{"lo": "no Ethernet address", "none-such0": "none-such0"} {
		if _, err := Inform(t.Context(), Config{Interface: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("interface %s: %v", name, err)
		}
	}
	if _, err := Inform(t.Context(), Config{Interface: "lo", Address: netip.MustParseAddr("192.0.2.1")}); err == nil || !strings.Contains(err.Error(), "does not have the address") {
		t.Errorf("address: %v", err)
	}
}
