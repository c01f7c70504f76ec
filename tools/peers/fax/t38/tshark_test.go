package t38

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/tools/internal/pcap"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/lockstep"
)

var (
	ourAddr   = netip.MustParseAddrPort("192.0.2.1:4000")
	theirAddr = netip.MustParseAddrPort("192.0.2.2:4002")
)

// A capture is what a network carried, both ways.
type capture struct {
	t    *testing.T
	file *os.File
	w    *pcap.Writer
	ours int // packets
}

func newCapture(t *testing.T) *capture {
	t.Helper()
	c := &capture{t: t}
	var err error
	if c.file, err = os.Create(filepath.Join(t.TempDir(), "call.pcap")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.file.Close() })
	if c.w, err = pcap.NewWriter(c.file); err != nil {
		t.Fatal(err)
	}
	return c
}

// tap is what takes the packets of one direction.
func (c *capture) tap(from, to netip.AddrPort) func(time.Duration, []byte) {
	return func(at time.Duration, octets []byte) {
		if from == ourAddr {
			c.ours++
		}
		if err := c.w.WriteUDP(time.Unix(1, 0).Add(at), from, to, octets); err != nil {
			c.t.Error(err)
		}
	}
}

// malformed counts the T.38 packets of ours that tshark decodes, and lists those it cannot.
func (c *capture) malformed(original bool) (decoded int, bad []string) {
	c.t.Helper()
	cmd := exec.Command("tshark", "-n", "-r", c.file.Name(), "-d", "udp.port==4000,t38",
		"-o", fmt.Sprintf("t38.use_pre_corrigendum_asn1_specification:%v", original),
		"-o", "t38.dissect_possible_rtpv2_packets_as_rtp:FALSE", "-Y", "ip.src == "+ourAddr.Addr().String(),
		"-T", "fields", "-E", "separator=/t", "-e", "frame.number", "-e", "t38.seq_number", "-e", "_ws.malformed", "-e", "_ws.expert.message")
	cmd.Env = append(os.Environ(), "HOME="+c.t.TempDir())
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("tshark: %v: %s", err, errs.String())
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if f[1] != "" {
			decoded++
		}
		if f[2] != "" || strings.Contains(strings.ToLower(f[3]), "malformed") {
			bad = append(bad, line)
		}
	}
	return decoded, bad
}

// TestTsharkReadsOurs has tshark decode whole calls of our terminal and of our gateway.
func TestTsharkReadsOurs(t *testing.T) {
	for _, m := range []mode{fax.ECM(t30.MMR, 14400), fax.Plain(t30.MR, 9600)} {
		for _, version := range []int{0, 3} {
			for _, span := range []int{0, 3} {
				for _, h := range chains[1:3] {
					t.Run(fmt.Sprintf("%v/version %d/span %d/%s", m, version, span, h.name), func(t *testing.T) {
						t.Parallel()
						c := newCall(t, m, fax.Text(1, 300)...)
						capture := newCapture(t)
						link := convey.LinkConfig{Version: version, Control: 5, Image: 3, Span: span, Entries: span}
						a, b := h.build(c, true, link, "--version", fmt.Sprint(version))
						c.exactOver(a, b, lockstep.Network{Tap: capture.tap(ourAddr, theirAddr)}, lockstep.Network{Tap: capture.tap(theirAddr, ourAddr)})
						if n, bad := capture.malformed(version == 0); n != capture.ours || n < 100 || len(bad) > 0 {
							t.Errorf("tshark reads %d packets of %d; malformed: %q", n, capture.ours, bad)
						}
					})
				}
			}
		}
	}
}
