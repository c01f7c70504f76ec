// Package tshark has tshark, which shares nothing with us, decode what package
// wire captured.
package tshark

import (
	"bytes"
	"os"
	"os/exec"
	"strings"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

// A Capture is what package wire captured on a switch, or a file.
type Capture struct {
	t     netlab.T
	watch *wire.Watch // nil: a file that is complete
	file  string
}

// Of is the capture that a watch writes. Asking it anything ends the watch.
func Of(t netlab.T, w *wire.Watch) *Capture { return &Capture{t, w, w.File} }

// File is a capture that somebody else wrote.
func File(t netlab.T, name string) *Capture { return &Capture{t, nil, name} }

// close ends the watch.
func (c *Capture) close() {
	if c.watch != nil {
		c.watch.Close()
	}
}

// T.38 is read as its version 0 writes it; and what of sound is still under way when T.38 is
// agreed upon is not it.
const (
	original = "t38.use_pre_corrigendum_asn1_specification:TRUE"
	passing  = "t38.dissect_possible_rtpv2_packets_as_rtp:TRUE"
)

// forgotten is what tshark says of the rest of an HDLC frame whose beginning it has forgotten
// because a session description for the same port came in between.
const forgotten = "T30 Address must be 0xFF"

// from is the filter for packets from an address.
func from(addr string) string {
	if strings.Contains(addr, ":") {
		return "ipv6.src == " + addr
	}
	return "ip.src == " + addr
}

// Fields ends the capture and returns the named fields of every packet that a
// display filter lets through, in order.
func (c *Capture) Fields(filter string, fields ...string) [][]string {
	c.t.Helper()
	c.close()
	args := []string{"-n", "-r", c.file, "-o", original, "-o", passing, "-Y", filter, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=f"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	return c.run(args)
}

// Malformed ends the capture and lists what tshark finds wrong with packets
// from one address: malformed ones and warnings or errors about SIP and SDP.
func (c *Capture) Malformed(addr string) []string {
	c.t.Helper()
	var bad []string
	filter := from(addr) + " && (_ws.malformed || ((sip || sdp || rtcp) && _ws.expert.severity >= 6291456))"
	for _, row := range c.Fields(filter, "frame.number", "_ws.expert.message", "sip.Request-Line", "sip.Status-Line") {
		if row[1] == forgotten {
			continue
		}
		bad = append(bad, strings.Join(row, " "))
	}
	return bad
}

// T38 ends the capture, counts the T.38 packets from one address that tshark decodes where
// the session descriptions say T.38, and lists what it finds wrong with them.
func (c *Capture) T38(addr string) (decoded int, bad []string) {
	c.t.Helper()
	c.close()
	rows := c.run([]string{"-n", "-r", c.file, "-o", original, "-o", passing, "-Y", "t38 && " + from(addr),
		"-T", "fields", "-E", "separator=/t", "-E", "occurrence=f", "-e", "frame.number", "-e", "t38.seq_number", "-e", "_ws.malformed", "-e", "_ws.expert.message"})
	for _, row := range rows {
		if row[1] != "" {
			decoded++
		}
		if row[2] != "" && row[3] != forgotten || strings.Contains(strings.ToLower(row[3]), "malformed") {
			bad = append(bad, strings.Join(row, " "))
		}
	}
	return decoded, bad
}

func (c *Capture) run(args []string) [][]string {
	c.t.Helper()
	cmd := exec.Command("tshark", args...)
	cmd.Env = append(os.Environ(), "HOME=/nonexistent")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("tshark %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	return rows
}
