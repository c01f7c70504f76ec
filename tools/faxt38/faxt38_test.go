package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/t38/ifp"
	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
	"tipring/t38/udptl"
	"tipring/tools/internal/faxjob"
	"tipring/tools/internal/pcap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// document writes a TIFF file with a page of text.
func document(t *testing.T, rows int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sent.tif")
	out, err := os.Create(name)
	must(t, err)
	defer out.Close()
	w, err := tiff.NewWriter(out)
	must(t, err)
	must(t, w.BeginPage(tiff.PageConfig{Columns: 1728, XDPI: 204, YDPI: 98, Coding: t4.MMR}))
	r, err := testpage.New(testpage.Config{Kind: testpage.Text, Columns: 1728, Rows: rows, XDPI: 204, YDPI: 98, Seed: 1})
	must(t, err)
	_, err = t4.Copy(w, r, 1728)
	must(t, err)
	must(t, w.EndPage())
	must(t, w.Close())
	return name
}

// rows are those of a file's first page.
func rows(t *testing.T, name string) (all [][]byte) {
	t.Helper()
	octets, err := os.ReadFile(name)
	must(t, err)
	f, err := tiff.Open(bytes.NewReader(octets), int64(len(octets)))
	must(t, err)
	r, err := f.Page(0)
	must(t, err)
	for {
		row := make([]byte, t4.RowOctets(1728))
		err := r.ReadRow(row)
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		all = append(all, row)
	}
}

// ports are free ones.
func ports(t *testing.T, n int) (list []int) {
	t.Helper()
	for range n {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		must(t, err)
		defer c.Close()
		list = append(list, c.LocalAddr().(*net.UDPAddr).Port)
	}
	return list
}

func report(t *testing.T, out string) (r faxjob.Report) {
	t.Helper()
	must(t, json.Unmarshal([]byte(out), &r))
	return r
}

// A page passes between two programs, three times as fast as in real time.
func TestCalls(t *testing.T) {
	for _, tt := range []struct {
		name       string
		send, recv []string
		rate       int
		ecm        bool
		version    int
	}{
		{"adaptive", []string{"--speed", "3"}, []string{"--speed", "3"}, 14400, true, 0},
		{"plain, redundancy 3 and 5", []string{"--speed", "3", "--ecm", "0", "--redundancy-image", "3"}, []string{"--speed", "3", "--redundancy-control", "5"}, 14400, false, 0},
		{"version 3, parity, numbers wrap", []string{"--speed", "3", "--version", "3", "--fec", "3,3", "--seq0", "65400"}, []string{"--speed", "3", "--version", "3", "--fec", "2,1", "--rate", "9600"}, 9600, true, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sent, recv, capture := document(t, 120), filepath.Join(t.TempDir(), "received.tif"), filepath.Join(t.TempDir(), "call.pcap")
			p := ports(t, 2)
			reports := [2]faxjob.Report{}
			var done sync.WaitGroup
			for i, more := range [][]string{
				append(tt.send, "--send", sent, "--ident", "555 0100", "--pcap", capture),
				append(tt.recv, "--recv", recv, "--ident", "555 0199"),
			} {
				done.Go(func() {
					var out, notes bytes.Buffer
					args := append(more, "--lport", fmt.Sprint(p[i]), "--remote", fmt.Sprintf("127.0.0.1:%d", p[1-i]))
					if status := run(t.Context(), args, &out, &notes); status != 0 || notes.Len() > 0 {
						t.Errorf("status %d: %s%s", status, &out, &notes)
					}
					reports[i] = report(t, out.String())
				})
			}
			done.Wait()
			for i, r := range reports {
				ident := []string{"555 0199", "555 0100"}[i]
				if want := (faxjob.Report{OK: true, Text: t30.OK.String(), Pages: 1, Rate: tt.rate, ECM: tt.ecm, RemoteIdent: ident}); r != want {
					t.Errorf("%+v, want %+v", r, want)
				}
			}
			a, b := rows(t, sent), rows(t, recv)
			if len(a) != len(b) || !bytes.Equal(bytes.Join(a, nil), bytes.Join(b, nil)) {
				t.Errorf("%d rows sent, %d others received", len(a), len(b))
			}
			captured(t, capture, uint16(p[0]), ifp.CodingOf(tt.version))
		})
	}
}

// captured reads a capture again: T.38 both ways, in order.
func captured(t *testing.T, name string, port uint16, c ifp.Coding) {
	t.Helper()
	in, err := os.Open(name)
	must(t, err)
	defer in.Close()
	r, err := pcap.NewReader(in)
	must(t, err)
	packets := map[bool]int{}
	var p ifp.Packet
	decode := func(u udptl.Packet) {
		if _, err := p.Decode(u.IFP, c); err != nil {
			t.Errorf("%x: %v", u.IFP, err)
		}
	}
	decoders := map[bool]*udptl.Decoder{true: udptl.NewDecoder(decode), false: udptl.NewDecoder(decode)}
	last := time.Time{}
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		u, ok := f.UDP()
		if !ok || f.Time.Before(last) {
			t.Fatalf("%v: %x", f.Time, f.Data)
		}
		last = f.Time
		ours := u.From.Port() == port
		packets[ours]++
		must(t, decoders[ours].Decode(u.Payload))
	}
	if packets[true] < 100 || packets[false] < 30 {
		t.Errorf("%v packets", packets)
	}
}

// What others than the remote send is not taken; nobody's answer ends the call, as does
// an interrupt.
func TestNobodyAnswers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		args    []string
		stopped time.Duration
		code    t30.Code
	}{
		{"until the time is over", []string{"--timeout", "2"}, time.Minute, t30.CallTooLong},
		{"until it is stopped", nil, time.Second, t30.Stopped},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithTimeout(t.Context(), tt.stopped)
			defer stop()
			p := ports(t, 3)
			loopback := net.IPv4(127, 0, 0, 1)
			stranger, err := net.DialUDP("udp", &net.UDPAddr{IP: loopback, Port: p[2]}, &net.UDPAddr{IP: loopback, Port: p[0]})
			must(t, err)
			defer stranger.Close()
			capture := filepath.Join(t.TempDir(), "call.pcap")
			var out bytes.Buffer
			var done sync.WaitGroup
			done.Go(func() {
				args := append(tt.args, "--recv", filepath.Join(t.TempDir(), "f.tif"), "--lport", fmt.Sprint(p[0]), "--remote", fmt.Sprintf("127.0.0.1:%d", p[1]), "--pcap", capture)
				if status := run(ctx, args, &out, io.Discard); status != 1 {
					t.Errorf("status %d", status)
				}
			})
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for taken := 0; taken < 5; <-tick.C {
				// While nobody listens there, the kernel answers with an ICMP error, which the next write tells.
				if _, err := stranger.Write([]byte{0, 0, 1, 0, 0, 0}); err == nil {
					taken++
				} else if taken = 0; !errors.Is(err, syscall.ECONNREFUSED) {
					t.Fatal(err)
				}
			}
			done.Wait()
			if r := report(t, out.String()); r.OK || r.Code != tt.code {
				t.Errorf("%+v, want %v", r, tt.code)
			}
			if b, err := os.ReadFile(capture); err != nil || bytes.Contains(b, []byte{byte(p[2] >> 8), byte(p[2])}) {
				t.Errorf("the capture has the stranger's datagrams, %v", err)
			}
		})
	}
}

func TestWhatCannotBegin(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, tt := range []struct {
		args []string
		code t30.Code
	}{
		{[]string{"--send", none, "--lport", "0", "--remote", "127.0.0.1:9"}, t30.SourceError},
		{[]string{"--send", document(t, 10), "--lport", "0", "--remote", "nonsense"}, t30.LineLost},
		{[]string{"--send", document(t, 10), "--lport", "0", "--remote", "127.0.0.1:9", "--pcap", filepath.Join(none, "f")}, t30.LineLost},
	} {
		var out bytes.Buffer
		status := run(t.Context(), tt.args, &out, io.Discard)
		if r := report(t, out.String()); status != 1 || r.Code != tt.code {
			t.Errorf("%v: status %d, %+v", tt.args, status, r)
		}
	}
}

func TestCommandLinesThatMakeNoSense(t *testing.T) {
	for _, line := range []string{
		"", "--send f --recv g --lport 1 --remote h:1", "--send f --remote h:1", "--send f --lport 70000 --remote h:1",
		"--send f --lport 1", "--send f --lport 1 --remote h:1 --version 1", "--send f --lport 1 --remote h:1 --fec 3",
		"--send f --lport 1 --remote h:1 --fec 8,4", "--send f --lport 1 --remote h:1 --fec 0,1", "--send f --lport 1 --remote h:1 --seq0 65536",
		"--send f --lport 1 --remote h:1 --redundancy-image 8", "--send f --lport 1 --remote h:1 --redundancy-control -2",
		"--send f --lport 1 --remote h:1 more", "--send f --lport 1 --remote h:1 --rate 99",
	} {
		var out, notes bytes.Buffer
		if status := run(t.Context(), strings.Fields(line), &out, &notes); status != 2 || out.Len() > 0 || notes.Len() == 0 {
			t.Errorf("%s: status %d, %q, %q", line, status, &out, &notes)
		}
	}
}
