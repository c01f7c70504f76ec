package calls

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/baresip"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
)

// Calls with baresip, by TLS to kamailio: which of them are encrypted, with every setting of both.
// mediaenc is baresip's: srtp offers keys beside plain RTP, srtp-mand insists on them.
func TestSRTPWithBaresip(t *testing.T) {
	for _, tt := range []struct {
		setting, mediaenc string
		out, in           string // plain, encrypted or refused
	}{
		{"off", "srtp", "plain", "plain"},
		{"optional", "", "plain", "plain"},
		{"optional", "srtp", "encrypted", "encrypted"},
		{"optional", "srtp-mand", "encrypted", "encrypted"},
		{"required", "", "refused", "refused"},
		{"required", "srtp", "encrypted", "encrypted"},
		{"required", "srtp-mand", "encrypted", "encrypted"},
	} {
		t.Run(tt.setting+" "+tt.mediaenc, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, site.Options{Transport: "tls", Port: 5061, Algorithm: "MD5"})
			for n := 1; n <= 2; n++ {
				l.Config.Set(fmt.Sprintf("sip%d", n), "srtp", tt.setting)
			}
			l.Watch.KeepRTP()
			l.Run()
			o := baresip.Options{Freq: 800, Codecs: []string{"g711", "srtp"}}
			var extra []string
			if tt.mediaenc != "" {
				extra = append(extra, "mediaenc="+tt.mediaenc)
			}
			o.Accounts = []string{baresip.Account("2001", "10.9.0.1", "udp", kamailio.Password("2001"), 60, extra...)}
			b := baresip.Start(t, l.Lan.Host("baresip", 30), o)
			b.WaitRegistered(patience, 1)

			l.Dial(1, "2001")
			p := l.Phones[1]
			if tt.out == "refused" {
				if !netlab.Until(patience, func() bool { c := l.Agent.Calls(); return len(c) > 0 && c[0].Ended != nil }) {
					t.Errorf("out: %+v", l.Agent.Calls())
				}
				if c := l.Agent.Calls()[0]; c.Answered != nil {
					t.Errorf("out: %+v", c)
				}
			} else {
				b.Wait(patience, "CALL_ESTABLISHED", 1)
				p.WaitTone(patience, 800)
				p.Say(1200, -12)
				l.Hold(p.Heard, 1500*time.Millisecond)
				l.encrypted("out", tt.out)
				p.OnHook()
				b.Wait(patience, "CALL_CLOSED", 1)
				l.Recorded(b, 1200)
			}
			p.OnHook()
			l.Agent.WaitPort(patience, 1, "idle")

			b.Command("dial", "1002")
			q := l.Phones[2]
			if tt.in == "refused" {
				b.Wait(patience, "CALL_CLOSED", 1)
			} else {
				q.WaitRing(patience)
				q.OffHook()
				b.Wait(patience, "CALL_ESTABLISHED", 2)
				q.WaitTone(patience, 800)
				q.Say(1500, -12)
				l.Hold(q.Heard, 1500*time.Millisecond)
				l.encrypted("in", tt.in)
				b.Command("hangup", "")
				if !netlab.Until(patience, func() bool { return l.Agent.Port(2).Call == nil }) {
					t.Errorf("port 2 after baresip hung up: %+v", l.Agent.Port(2))
				}
				q.OnHook()
				l.Recorded(b, 1500)
			}
			l.Agent.WaitPort(patience, 2, "idle")
			l.noKeys(tt.setting != "off" || tt.mediaenc != "")
			l.Unbroken()
		})
	}
}

// encrypted checks what the device says of the running call, and what its packets are: 20 ms of
// sound, and the tag of ten octets behind. A tone in the clear is a few octets over and over.
func (l *lab) encrypted(which, want string) {
	l.T.Helper()
	for _, c := range l.Agent.Calls() {
		if c.State == "connected" && (c.Media == nil || c.Media.SRTP != (want == "encrypted")) {
			l.T.Errorf("%s: %+v, media %+v, want %s", which, c, c.Media, want)
		}
	}
	sent := l.Watch.Events(func(e wire.Event) bool {
		return e.Kind == wire.RTP && e.Src.Addr() == l.Host.Addr && e.RTP.PayloadType == 0
	})
	if len(sent) < 25 {
		l.T.Errorf("%s: %d packets of the device's", which, len(sent))
		return
	}
	for _, e := range sent[len(sent)-20:] {
		octets := map[byte]bool{}
		for _, b := range e.RTP.Payload {
			octets[b] = true
		}
		if got := len(e.RTP.Payload) == 170 && len(octets) > 60; got != (want == "encrypted") {
			l.T.Errorf("%s: %d octets, %d different ones, want %s", which, len(e.RTP.Payload), len(octets), want)
			return
		}
	}
}

// noKeys checks that what the device has written down of its calls holds none of the keys, which the
// wire between kamailio and baresip has seen in the clear.
func (l *lab) noKeys(encrypted bool) {
	l.T.Helper()
	keys := map[string]bool{}
	for _, e := range l.Watch.Events(func(e wire.Event) bool { return e.Message != nil }) {
		for _, part := range strings.Split(e.Body, "inline:")[1:] {
			key, _, _ := strings.Cut(part, "\r")
			keys[key] = true
		}
	}
	if (len(keys) > 0) != encrypted {
		l.T.Errorf("%d keys on the wire", len(keys))
	}
	var written strings.Builder
	for _, c := range l.Agent.Calls() {
		file := filepath.Join(l.T.TempDir(), "call.pcap")
		ladder, _ := l.Agent.Command("trace", c.ID)
		_, _ = l.Agent.Command("trace", c.ID, "--pcap", file)
		capture, _ := os.ReadFile(file)
		written.WriteString(ladder)
		written.Write(capture)
	}
	written.WriteString(strings.Join(l.Agent.LogLines("inline"), "\n"))
	for key := range keys {
		if strings.Contains(written.String(), key) {
			l.T.Errorf("the key %q is written down", key)
		}
	}
}
