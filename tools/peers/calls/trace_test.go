package calls

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/site"
	"tipring/tools/peers/tshark"
)

// The device's own capture of a call holds the messages that were on the wire, in their order
// and to the octet, but for what is secret.
func TestTrace(t *testing.T) {
	for _, tt := range []struct{ transport, dtmf string }{{"udp", "info"}, {"udp", "rfc4733"}, {"tcp", "info"}} {
		t.Run(tt.transport+" "+tt.dtmf, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, site.Options{Transport: tt.transport, Algorithm: "MD5"})
			l.Config.Set("sip1", "dtmf_type", tt.dtmf)
			far := farend.New(t, l.Far, nil)
			l.Watch.KeepRTP()
			l.Run()
			l.Dial(1, "600")
			c := far.WaitCall(patience, 1)
			l.Phones[1].WaitTone(patience, 1000)
			l.Phones[1].Dial("471")
			if tt.dtmf == "info" {
				for n := range 3 {
					if !netlab.Until(patience, func() bool { return len(c.Got("INFO")) > n }) {
						t.Fatalf("%d digits came", n)
					}
				}
			}
			if tt.dtmf == "rfc4733" && !netlab.Until(patience, func() bool { return c.Media.Digits() == "471" }) {
				t.Fatalf("the digits %q came", c.Media.Digits())
			}
			l.Phones[1].OnHook()
			c.Wait("BYE", patience)
			l.Agent.WaitPort(patience, 1, "idle")
			call := l.Agent.Calls()[0]
			if q := call.Quality; q == nil || q.MOS < 3 {
				t.Errorf("quality of the call that has ended: %+v", q)
			}
			file := filepath.Join(t.TempDir(), "call.pcap")
			if out, code := l.Agent.Command("trace", call.ID, "--pcap", file); code != 0 {
				t.Fatalf("trace --pcap: %s", out)
			}
			l.sameMessages(call.SIPCallID, file, tt.transport)
			l.sameText(call.SIPCallID, file, tt.transport)
			ladder, code := l.Agent.Command("trace", call.ID)
			for _, part := range []string{"primary", "- INVITE sip:600@", "<----", "407 ", "with credentials", "- BYE sip:", "call ended by here"} {
				if code != 0 || !strings.Contains(ladder, part) {
					t.Errorf("the ladder has no %q:\n%s", part, ladder)
				}
			}
			registration, code := l.Agent.Command("trace", "--line", "1")
			if code != 0 || !strings.Contains(registration, "REGISTER sip:") || !strings.Contains(registration, "200 OK") {
				t.Errorf("the ladder of the line:\n%s", registration)
			}
			for _, line := range strings.Split(ladder+registration, "\n") {
				if len(line) > 100 {
					t.Errorf("%d columns: %s", len(line), line)
				}
			}
			if t.Failed() {
				t.Log(ladder)
			}
			if tt.dtmf == "rfc4733" {
				l.maskedDigits(file)
			}
		})
	}
}

// messageFields name a message well enough to tell it from every other.
var messageFields = []string{"ip.src", "sip.Method", "sip.Status-Code", "sip.CSeq", "sip.Via.branch", "sip.Content-Length", "sdp.media", "sdp.connection_info"}

// sameMessages compares what tshark reads of a call on the wire with what it reads of its capture.
func (l *lab) sameMessages(callID, file, transport string) {
	l.T.Helper()
	filter := fmt.Sprintf(`sip && ip.addr == %s && sip.Call-ID == "%s"`, l.Host.Addr, callID)
	wire, ours := tshark.Of(l.T, l.Watch).Fields(filter, messageFields...), tshark.File(l.T, file).Fields(filter, messageFields...)
	if len(wire) < 8 || !slices.EqualFunc(wire, ours, slices.Equal[[]string]) {
		l.T.Errorf("on the wire %d messages:\n%s\nin the capture %d:\n%s", len(wire), table(wire), len(ours), table(ours))
	}
	if bad := tshark.File(l.T, file).Malformed(l.Host.Addr.String()); len(bad) > 0 {
		l.T.Errorf("tshark about the capture: %q", bad)
	}
}

func table(rows [][]string) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintln(&b, strings.Join(r, " | "))
	}
	return b.String()
}

// sameText compares the octets: what differs is an x in the capture, and is a secret.
func (l *lab) sameText(callID, file, transport string) {
	l.T.Helper()
	if transport != "udp" {
		return // on the wire one message may be in several segments
	}
	filter := fmt.Sprintf(`sip && ip.addr == %s && sip.Call-ID == "%s"`, l.Host.Addr, callID)
	wire, ours := tshark.Of(l.T, l.Watch).Fields(filter, "udp.payload"), tshark.File(l.T, file).Fields(filter, "udp.payload")
	hidden := 0
	for i := range min(len(wire), len(ours)) {
		a, b := octets(l.T, wire[i][0]), octets(l.T, ours[i][0])
		if len(a) != len(b) {
			l.T.Errorf("message %d has %d octets in the capture, %d on the wire", i, len(b), len(a))
			continue
		}
		for k := range a {
			if a[k] != b[k] {
				hidden++
				if b[k] != 'x' {
					l.T.Fatalf("message %d differs:\n%s\non the wire\n%s", i, b, a)
				}
			}
		}
		for _, secret := range []string{`response="`, `cnonce="`, "Signal="} {
			if _, rest, ok := bytes.Cut(b, []byte(secret)); ok && rest[0] != 'x' {
				l.T.Errorf("%s%.10s in the capture", secret, rest)
			}
		}
	}
	if hidden < 32 {
		l.T.Errorf("%d octets are hidden: a digest response alone has more", hidden)
	}
}

func octets(t netlab.T, text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return b
}

// maskedDigits: tshark finds the telephone events of the call, and in none of them a digit.
func (l *lab) maskedDigits(file string) {
	l.T.Helper()
	rows := tshark.File(l.T, file).Fields("rtpevent", "rtpevent.event_id")
	if len(rows) < 9 {
		l.T.Errorf("%d telephone events in the capture", len(rows))
	}
	for _, r := range rows {
		if r[0] != "255" {
			l.T.Errorf("event %s in the capture", r[0])
		}
	}
	if rtcp := tshark.File(l.T, file).Fields("rtcp", "frame.number"); len(rtcp) == 0 {
		l.T.Errorf("no RTCP in the capture")
	}
	if rtp := tshark.File(l.T, file).Fields("rtp && !rtpevent", "frame.number"); len(rtp) != 0 {
		l.T.Errorf("%d packets of sound in a capture that was asked for fax", len(rtp))
	}
}
