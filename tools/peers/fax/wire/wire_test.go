// Package wire has tshark, which shares nothing with us, read what our T.38 packages
// write, and compares it with what they say themselves.
package wire

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/t38/ifp"
	"tipring/t38/udptl"
	"tipring/tools/internal/pcap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// module is where the product's own module begins.
const module = "../../../.."

var ends = [2]netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("192.0.2.2:4002")}

// tshark reads a capture whose T.38 is on port 4000 and returns the named fields of every
// packet, the values of one field joined by commas.
func tshark(t *testing.T, capture string, c ifp.Coding, fields ...string) (rows [][]string) {
	t.Helper()
	args := []string{"-n", "-r", capture, "-d", "udp.port==4000,t38",
		"-o", fmt.Sprintf("t38.use_pre_corrigendum_asn1_specification:%v", c == ifp.Original),
		"-o", "t38.dissect_possible_rtpv2_packets_as_rtp:FALSE",
		"-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command("tshark", args...)
	cmd.Env = append(os.Environ(), "HOME=/nonexistent")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, errs.String())
	}
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	return rows
}

// values are tshark's names of the values of its fields: field, value, name.
func values(t *testing.T) map[string]map[string]string {
	t.Helper()
	cmd := exec.Command("tshark", "-G", "values")
	cmd.Env = append(os.Environ(), "HOME=/nonexistent")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]map[string]string{}
	for line := range strings.Lines(string(out)) {
		if c := strings.Split(strings.TrimSpace(line), "\t"); len(c) == 4 && strings.HasPrefix(c[1], "t38.") {
			if list[c[1]] == nil {
				list[c[1]] = map[string]string{}
			}
			list[c[1]][c[2]] = c[3]
		}
	}
	return list
}

// captured writes datagrams into a capture, each under a port of its own at the far end,
// so that tshark does not take them for one call.
func captured(t *testing.T, datagrams [][]byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "t38.cap")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, err := pcap.NewWriter(out)
	for i, b := range datagrams {
		if err == nil {
			err = w.WriteUDP(time.Unix(int64(i), 0), ends[0], netip.AddrPortFrom(ends[1].Addr(), uint16(20000+i)), b)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// golden returns the columns of a golden file's lines.
func golden(t *testing.T, file string) (lines [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.Split(strings.TrimRight(line, "\n"), "\t"))
		}
	}
	return lines
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The golden IFP packets say to tshark what they say to us, in both codings.
func TestIFP(t *testing.T) {
	named := values(t)
	indicators, modems, types := named["t38.t30_indicator"], named["t38.t30_data"], named["t38.field_type"]
	for name, c := range map[string]ifp.Coding{"original": ifp.Original, "corrected": ifp.Corrected} {
		var datagrams [][]byte
		var want []string
		e := udptl.NewEncoder(udptl.LimitsOf(0), 0)
		for _, line := range golden(t, "t38/ifp/testdata/golden.txt") {
			if line[0] == name || line[0] == "both" {
				b, err := e.Append(nil, unhex(t, line[1]), udptl.Protection{})
				if err != nil {
					t.Fatal(err)
				}
				datagrams = append(datagrams, b)
				want = append(want, line[2])
			}
		}
		rows := tshark(t, captured(t, datagrams), c, "t38.t30_indicator", "t38.t30_data", "t38.field_type", "t38.field_data", "_ws.unreassembled")
		if len(rows) != len(want) || len(rows) < 40 {
			t.Fatalf("%s: %d packets, want %d", name, len(rows), len(want))
		}
		for i, r := range rows {
			said := indicators[r[0]] + modems[r[1]]
			data := split(r[3])
			for _, f := range split(r[2]) {
				said += " " + types[f]
				if word := " " + types[f] + "="; len(data) > 0 && strings.Contains(want[i], word+data[0]) {
					said += "=" + data[0]
					data = data[1:]
				}
			}
			// It goes no further when a signal ends that it has not seen begin.
			if r[4] != "" && strings.HasPrefix(want[i], said) {
				continue
			}
			if said != want[i] || len(data) > 0 {
				t.Errorf("%s: %x: tshark reads %s %v, want %s", name, datagrams[i], said, data, want[i])
			}
		}
	}
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// The golden datagrams, and those that our encoder makes, hold for tshark what they
// should.
func TestUDPTL(t *testing.T) {
	lines := golden(t, "t38/udptl/testdata/golden.txt")
	var datagrams [][]byte
	for _, line := range lines {
		datagrams = append(datagrams, unhex(t, line[0]))
	}
	rows := tshark(t, captured(t, datagrams), ifp.Original, "t38.seq_number", "t38.secondary_ifp_packets", "t38.fec_npackets", "t38.fec_data", "t38.fec_data_item", "_ws.malformed")
	if len(rows) != len(lines) {
		t.Fatalf("%d packets, want %d", len(rows), len(lines))
	}
	for i, r := range rows {
		seq, count, span, entries, items := r[0], r[1], r[2], r[3], r[4]
		recovery := lines[i][3]
		want := [5]string{lines[i][1]}
		if n, parity, ok := strings.Cut(recovery, ":"); ok {
			messages := strings.Fields(parity)
			want[2], want[3], want[4] = n, fmt.Sprint(len(messages)), strings.Join(messages, ",")
		} else {
			want[1] = fmt.Sprint(len(strings.Fields(recovery)))
		}
		got := [5]string{seq, count, span, entries, items}
		if got != want {
			t.Errorf("%x: tshark reads %q, want %q", datagrams[i], got, want)
		}
		// A zero-length secondary is no IFP packet to tshark, and is to us the sender's
		// way to say that it has none.
		if zero := strings.Contains(recovery, "-"); r[5] != "" && !zero {
			t.Errorf("%x: tshark finds it malformed", datagrams[i])
		}
	}
}

// Any protection's datagrams are well formed to tshark.
func TestEncoder(t *testing.T) {
	var datagrams [][]byte
	for _, p := range []udptl.Protection{{}, {Secondaries: 1}, {Secondaries: 7}, {Span: 3, Entries: 3}, {Span: 2, Entries: 1}, {Span: 10, Entries: 3}} {
		e := udptl.NewEncoder(udptl.LimitsOf(udptl.MaxDatagram), 65520)
		for i := range 50 {
			packet, err := ifp.AppendData(nil, ifp.Original, ifp.V17Data14400, ifp.Field{Type: ifp.NonECMData, Data: make([]byte, 1+i*7%150)})
			if err != nil {
				t.Fatal(err)
			}
			b, err := e.Append(nil, packet, p)
			if err != nil {
				t.Fatal(err)
			}
			datagrams = append(datagrams, b)
		}
	}
	for i, r := range tshark(t, captured(t, datagrams), ifp.Original, "t38.seq_number", "_ws.malformed") {
		if want := fmt.Sprint(uint16(65520 + i%50)); r[0] != want || r[1] != "" {
			t.Errorf("datagram %d: %x: tshark reads number %s, %s; want %s", i, datagrams[i], r[0], r[1], want)
		}
	}
}
