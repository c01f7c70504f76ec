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
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/t38"
	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
	"tipring/tools/internal/faxjob"
	"tipring/tools/internal/pcm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// document writes a TIFF file of pages of text.
func document(t *testing.T, pages, rows int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sent.tif")
	out, err := os.Create(name)
	must(t, err)
	defer out.Close()
	w, err := tiff.NewWriter(out)
	must(t, err)
	for n := range pages {
		must(t, w.BeginPage(tiff.PageConfig{Columns: 1728, XDPI: 204, YDPI: 98, Coding: t4.MMR}))
		r, err := testpage.New(testpage.Config{Kind: testpage.Text, Columns: 1728, Rows: rows, XDPI: 204, YDPI: 98, Seed: uint64(n)})
		must(t, err)
		_, err = t4.Copy(w, r, 1728)
		must(t, err)
		must(t, w.EndPage())
	}
	must(t, w.Close())
	return name
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rows are all rows of a file, its pages one after the other.
func rows(t *testing.T, name string) (all [][]byte) {
	t.Helper()
	octets, err := os.ReadFile(name)
	must(t, err)
	f, err := tiff.Open(bytes.NewReader(octets), int64(len(octets)))
	must(t, err)
	for n := range f.Pages() {
		r, err := f.Page(n)
		must(t, err)
		for {
			row := make([]byte, t4.RowOctets(r.Info().Columns))
			if err := r.ReadRow(row); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all = append(all, row)
		}
	}
	return all
}

// same fails unless two files have the same rows.
func same(t *testing.T, a, b string) {
	t.Helper()
	if x, y := rows(t, a), rows(t, b); !bytes.Equal(bytes.Join(x, nil), bytes.Join(y, nil)) {
		t.Errorf("%d rows sent, %d received, or others", len(x), len(y))
	}
}

// report reads the last line of what a run wrote.
func report(t *testing.T, out string) (r faxjob.Report) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &r))
	return r
}

// both runs two machines that meet at an address, and returns what they wrote and their status.
func both(t *testing.T, at string, first, second []string) (r [2]faxjob.Report, status [2]int) {
	t.Helper()
	var out [2]bytes.Buffer
	var done sync.WaitGroup
	for i, args := range [][]string{append(first, "--listen", at), append(second, "--connect", at)} {
		done.Go(func() { status[i] = run(t.Context(), args, &out[i], io.Discard) })
	}
	done.Wait()
	return [2]faxjob.Report{report(t, out[0].String()), report(t, out[1].String())}, status
}

// port returns an address that is free.
func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestTwoMachines(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want faxjob.Report
	}{
		{"14400 with ECM", nil, faxjob.Report{Rate: 14400, ECM: true}},
		{"9600", []string{"--rate", "9600", "--ecm", "0"}, faxjob.Report{Rate: 9600}},
		{"4800 with ECM", []string{"--rate", "4800", "--ecm", "1"}, faxjob.Report{Rate: 4800, ECM: true}},
		{"2400", []string{"--rate", "2400", "--ecm=0"}, faxjob.Report{Rate: 2400}},
	} {
		for _, sendsListening := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the sender listens: %v", tt.name, sendsListening), func(t *testing.T) {
				t.Parallel()
				sent, recv := document(t, 2, 300), filepath.Join(t.TempDir(), "received.tif")
				at := port(t)
				if sendsListening {
					at = "unix:" + filepath.Join(t.TempDir(), "s")
				}
				from := append([]string{"--send", sent, "--fast", "--ident", "+1 555 0100"}, tt.args...)
				to := append([]string{"--recv", recv, "--fast", "--ident", "202"}, tt.args...)
				a, b := to, from
				if sendsListening {
					a, b = from, to
				}
				r, status := both(t, at, a, b)
				if sendsListening {
					r[0], r[1] = r[1], r[0]
				}
				want := tt.want
				want.OK, want.Text, want.Pages, want.RemoteIdent = true, t30.OK.String(), 2, "+1 555 0100"
				if r[0] != want {
					t.Errorf("receiver: %+v", r[0])
				}
				if want.RemoteIdent = "202"; r[1] != want {
					t.Errorf("sender: %+v", r[1])
				}
				if status != [2]int{} {
					t.Errorf("status %v", status)
				}
				same(t, sent, recv)
			})
		}
	}
}

func TestTheLineHasItsKeysInOrder(t *testing.T) {
	var out bytes.Buffer
	must(t, (&faxjob.Report{}).Write(&out))
	want := `{"ok":false,"code":0,"text":"","pages":0,"rate":0,"ecm":false,"ecm_retries":0,"bad_rows":0,"remote_ident":""}` + "\n"
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}

// A file that is damaged behind its first page ends the call there, and the other side has
// what came before.
func TestDamagedDocument(t *testing.T) {
	sent, recv := document(t, 3, 400), filepath.Join(t.TempDir(), "received.tif")
	octets, err := os.ReadFile(sent)
	must(t, err)
	clear(octets[len(octets)/2-200 : len(octets)/2+200])
	must(t, os.WriteFile(sent, octets, 0o600))
	r, status := both(t, port(t), []string{"--recv", recv, "--fast"}, []string{"--send", sent, "--fast"})
	if r[1].OK || r[1].Code != t30.SourceError || !strings.Contains(r[1].Text, "page 2") || r[1].Pages != 1 || status[1] != 1 {
		t.Errorf("sender: %+v", r[1])
	}
	if r[0].OK || r[0].Pages != 1 || status[0] != 1 {
		t.Errorf("receiver: %+v", r[0])
	}
}

func TestWhatCannotBegin(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	text := filepath.Join(t.TempDir(), "text")
	must(t, os.WriteFile(text, []byte("no document at all"), 0o600))
	sent := document(t, 1, 50)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	for _, tt := range []struct {
		name string
		args []string
		code t30.Code
		text string
	}{
		{"no file", []string{"--send", none, "--connect", "127.0.0.1:1"}, t30.SourceError, "no such file"},
		{"no document", []string{"--send", text, "--connect", "127.0.0.1:1"}, t30.SourceError, "neither TIFF"},
		{"no folder", []string{"--recv", filepath.Join(none, "f.tif"), "--connect", "127.0.0.1:1"}, t30.SinkError, "no such file"},
		{"address in use", []string{"--send", sent, "--listen", taken.Addr().String()}, t30.LineLost, "in use"},
		{"no such address", []string{"--send", sent, "--connect", "nonsense"}, t30.LineLost, "nonsense"},
	} {
		var out bytes.Buffer
		if status := run(t.Context(), tt.args, &out, io.Discard); status != 1 {
			t.Errorf("%s: status %d", tt.name, status)
		}
		if r := report(t, out.String()); r.OK || r.Code != tt.code || !strings.Contains(r.Text, tt.text) {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

func TestCommandLinesThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{
		{}, {"--send", "a.tif"}, {"--connect", ":1"}, {"--send", "a", "--recv", "b", "--connect", ":1"},
		{"--send", "a", "--connect", ":1", "--listen", ":1"}, {"--send", "a", "--connect", ":1", "--ecm", "2"},
		{"--send", "a", "--connect", ":1", "--rate", "300"}, {"--send", "a", "--connect", ":1", "--timeout", "0"},
		{"--send", "a", "--connect", ":1", "more"}, {"--fats"},
	} {
		var out bytes.Buffer
		if status := run(t.Context(), args, &out, io.Discard); status != 2 || out.Len() > 0 {
			t.Errorf("%q: status %d, %q", args, status, out.String())
		}
	}
}

// machine is one end of a call in memory.
func machine(t *testing.T, args ...string) *faxjob.Job {
	t.Helper()
	o, err := parse(append(args, "--connect", ":1"), io.Discard)
	must(t, err)
	job, err := o.Open(t.Context(), nil)
	must(t, err)
	return job
}

// In real time a call takes as long as on a telephone line, whatever the clock of the other
// side: here one that is fast by 500 millionths and waits for nobody.
func TestRealTime(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		t.Run(fmt.Sprintf("the other side waits for nobody: %v", fixed), func(t *testing.T) {
			sent, recv := document(t, 2, 300), filepath.Join(t.TempDir(), "received.tif")
			synctest.Test(t, func(t *testing.T) {
				a, b := connection()
				from, to := machine(t, "--send", sent), machine(t, "--recv", recv)
				began := time.Now()
				var done sync.WaitGroup
				done.Go(func() {
					defer b.Close()
					m := t38.NewMachine(to.T30, t38.DefaultLevel)
					if fixed {
						waitForNobody(b, m)
					} else if err := newCall(b, m, stall).runPaced(t.Context()); err != nil {
						t.Error(err)
					}
				})
				c := newCall(a, t38.NewMachine(from.T30, t38.DefaultLevel), stall)
				if err := c.runPaced(t.Context()); err != nil {
					t.Error(err)
				}
				if n := c.Ahead(); n > 4*pcm.Lead {
					t.Errorf("%d frames have piled up", n)
				}
				a.Close()
				done.Wait()
				lasted, said := time.Since(began), time.Duration(from.T30.Now())*time.Second/t30.SampleRate
				if d := (lasted - said).Abs(); d > 500*time.Millisecond {
					t.Errorf("%v by the clock, %v by the samples", lasted, said)
				}
				for _, job := range []*faxjob.Job{from, to} {
					if r := job.Close(); !r.OK || r.Pages != 2 || r.ECMRetries > 0 {
						t.Errorf("%+v", r)
					}
				}
			})
			same(t, sent, recv)
		})
	}
}

// waitForNobody exchanges a frame each 19.99 ms: what has come, or silence.
func waitForNobody(e *end, m *t38.Machine) {
	const tick = pcm.FrameTime - pcm.FrameTime/2000
	m.Start()
	var in, out [pcm.Frame]int16
	octets := make([]byte, 2*pcm.Frame)
	for left := linger; left > 0; time.Sleep(tick) {
		e.in.set(func() {
			clear(octets)
			if e.in.octets.Len() >= len(octets) {
				_, _ = e.in.octets.Read(octets)
			}
		})
		for i := range in {
			in[i] = int16(octets[2*i]) | int16(octets[2*i+1])<<8
		}
		m.Exchange(in[:], out[:])
		for i, v := range out {
			octets[2*i], octets[2*i+1] = byte(v), byte(v>>8)
		}
		if _, err := e.Write(octets); err != nil {
			return
		}
		if m.Done() {
			left--
		}
	}
}

// How a call ends that the other side does not end.
func TestOtherSideThatFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		other func(e *end)
		after time.Duration // by the clock
		code  t30.Code
		text  string
	}{
		{"hangs up", func(e *end) {
			silence(e, 200)
			_ = e.Close()
		}, 4 * time.Second, t30.LineLost, "hung up"},
		{"sends nothing", func(*end) {}, 30 * time.Second, t30.LineLost, "30s"},
		{"stops", func(e *end) { silence(e, 100) }, 32 * time.Second, t30.LineLost, "30s"},
		{"is silent", func(e *end) { silence(e, 3000) }, 35 * time.Second, t30.NoAnswer, "no facsimile machine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sent := document(t, 1, 50)
			synctest.Test(t, func(t *testing.T) {
				a, b := connection()
				job := machine(t, "--send", sent)
				began := time.Now()
				var done sync.WaitGroup
				done.Go(func() { tt.other(b) })
				err := newCall(a, t38.NewMachine(job.T30, t38.DefaultLevel), stall).runPaced(t.Context())
				after := time.Since(began)
				_ = a.Close()
				r := job.Close()
				r.Explain(err)
				if r.OK || r.Code != tt.code || !strings.Contains(r.Text, tt.text) {
					t.Errorf("%+v", r)
				}
				if d := after - tt.after; d < -time.Second || d > 3*time.Second {
					t.Errorf("after %v, want %v", after, tt.after)
				}
				done.Wait()
			})
		})
	}
}

// silence sends so many frames of it, one each 20 ms.
func silence(e *end, frames int) {
	for range frames {
		if _, err := e.Write(make([]byte, 2*pcm.Frame)); err != nil {
			return
		}
		time.Sleep(pcm.FrameTime)
	}
}

func TestTimeout(t *testing.T) {
	sent := document(t, 1, 50)
	synctest.Test(t, func(t *testing.T) {
		a, b := connection()
		job := machine(t, "--send", sent, "--timeout", "10")
		var done sync.WaitGroup
		done.Go(func() { silence(b, 2000) })
		err := newCall(a, t38.NewMachine(job.T30, t38.DefaultLevel), stall).run(t.Context(), func() {})
		_ = a.Close()
		done.Wait()
		if r := job.Close(); err != nil || r.Code != t30.CallTooLong {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// What a file held before a call without pages it still holds.
func TestFilesAreNotLost(t *testing.T) {
	kept, made := filepath.Join(t.TempDir(), "kept.tif"), filepath.Join(t.TempDir(), "made.tif")
	must(t, os.WriteFile(kept, []byte("a fax of yesterday"), 0o600))
	device := filepath.Join(t.TempDir(), "device")
	must(t, os.Symlink("/dev/null", device))
	for _, name := range []string{kept, made, device} {
		if r := machine(t, "--recv", name).Close(); r.OK || r.Code != t30.LineLost {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if b, err := os.ReadFile(kept); string(b) != "a fax of yesterday" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(made); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file without pages: %v", err)
	}
	if _, err := os.Lstat(device); err != nil {
		t.Error(err)
	}
	sent := document(t, 1, 50)
	if r, status := both(t, "unix:"+filepath.Join(t.TempDir(), "s"), []string{"--send", sent, "--fast"}, []string{"--recv", kept, "--fast"}); status != [2]int{} {
		t.Errorf("%+v", r)
	}
	same(t, sent, kept)
}

// An interrupt ends the call with a DCN.
func TestInterrupt(t *testing.T) {
	sent, recv := document(t, 8, 1000), filepath.Join(t.TempDir(), "received.tif")
	synctest.Test(t, func(t *testing.T) {
		a, b := connection()
		from, to := machine(t, "--send", sent), machine(t, "--recv", recv)
		var done sync.WaitGroup
		done.Go(func() {
			if err := newCall(b, t38.NewMachine(to.T30, t38.DefaultLevel), stall).run(context.Background(), func() {}); err != nil {
				t.Error(err)
			}
			_ = b.Close()
		})
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(40*time.Second, stop)
		if err := newCall(a, t38.NewMachine(from.T30, t38.DefaultLevel), stall).runPaced(ctx); err != nil {
			t.Error(err)
		}
		_ = a.Close()
		done.Wait()
		if r := from.Close(); r.Code != t30.Stopped {
			t.Errorf("sender: %+v", r)
		}
		if r := to.Close(); r.OK || r.Code == t30.LineLost {
			t.Errorf("receiver: %+v", r)
		}
	})
}
