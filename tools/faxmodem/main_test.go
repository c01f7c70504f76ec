package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tipring/internal/dsp"
	"tipring/internal/dsp/line"
	"tipring/t38/modem"
	"tipring/tools/internal/wav"
)

// faxmodem runs the program and returns the lines it wrote.
func faxmodem(t *testing.T, args ...string) []string {
	t.Helper()
	var out strings.Builder
	if err := run(args, &out); err != nil {
		t.Fatalf("faxmodem %q: %v", args, err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// file writes a file of the test and returns its name.
func file(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func recording(t *testing.T, pcm []int16) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "in.wav")
	if err := wav.WriteFile(name, pcm); err != nil {
		t.Fatal(err)
	}
	return name
}

func randomBits(n int, seed uint64) string {
	random := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(random.Uint32()>>31)
	}
	return string(b)
}

// A line for each burst begins with the bits that were sent; what the receiver takes for
// bits until it knows that the burst is over is at most 40 ms long.
func heard(t *testing.T, mode modem.Mode, lines []string, sent ...string) {
	t.Helper()
	if len(lines) != len(sent) {
		t.Errorf("%v: %d lines, want %d", mode, len(lines), len(sent))
		return
	}
	for i, l := range lines {
		if !strings.HasPrefix(l, sent[i]) || len(l) > len(sent[i])+mode.BitRate()*40/1000 {
			t.Errorf("%v: burst %d is not as sent: %d bits of %d", mode, i, len(l), len(sent[i]))
		}
	}
}

func TestWhatIsSentIsReceived(t *testing.T) {
	one, two, three := randomBits(1200, 1), randomBits(900, 2), randomBits(300, 3)
	first := file(t, "1.txt", one[:600]+"\r\n"+one[600:]+"\n")
	second, third := file(t, "2.txt", two), file(t, "3.txt", three)
	for _, m := range modem.Modes() {
		out := filepath.Join(t.TempDir(), "out.wav")
		faxmodem(t, "tx", "-m", m.String(), "-o", out, first, second, third)
		heard(t, m, faxmodem(t, "rx", "-m", m.String(), out), one, two, three)
		if strings.HasPrefix(m.String(), "v17") {
			faxmodem(t, "tx", "-m", m.String(), "--train", "long,short", "--level", "-40", "-o", out, first, second, third)
			heard(t, m, faxmodem(t, "rx", "-m", m.String(), "--train", "long,short", out), one, two, three)
		}
	}
}

func TestTheShortNameOfV27terIsTaken(t *testing.T) {
	sent := randomBits(600, 1)
	out := filepath.Join(t.TempDir(), "out.wav")
	faxmodem(t, "tx", "-m", "v27-4800", "-o", out, file(t, "1.txt", sent))
	heard(t, modem.V27ter4800, faxmodem(t, "rx", "-m", "v27-4800", out), sent)
}

// Silence of 0.3 s is before and after, 1 s between bursts, and the level is as asked for.
func TestRecordingThatIsSent(t *testing.T) {
	bits := file(t, "1.txt", randomBits(300, 1))
	for _, level := range []string{"-14", "-43", "0"} {
		out := filepath.Join(t.TempDir(), "out.wav")
		args := []string{"tx", "-m", "v21", "-o", out, "--level", level, bits, bits}
		if level == "-14" {
			args = slices.Delete(args, 5, 7) // the usual one
		}
		faxmodem(t, args...)
		pcm, err := wav.ReadFile(out)
		if err != nil || len(pcm) != 2*2400+2*8000+8000 {
			t.Fatalf("%d samples, %v", len(pcm), err)
		}
		for name, pause := range map[string][]int16{"before": pcm[:2400], "between": pcm[10400:18400], "after": pcm[26400:]} {
			if slices.Max(pause) != 0 || slices.Min(pause) != 0 {
				t.Errorf("level %s: a sound %s the bursts", level, name)
			}
		}
		want := map[string]float64{"-14": -14, "-43": -43, "0": 0}[level]
		if got := line.LevelDBm0(pcm[2400:10400]); got < want-0.3 || got > want+0.3 {
			t.Errorf("level %s: %.2f dBm0", level, got)
		}
	}
}

func TestNoBurstNoLine(t *testing.T) {
	for name, m := range map[string]line.Model{"silence": {}, "noise": {Noise: line.Noise{When: line.Always, DBm0: -20}}} {
		in := recording(t, line.New(m).Run(make([]int16, 5*dsp.SampleRate)))
		for _, mode := range modem.Modes() {
			if got := faxmodem(t, "rx", "-m", mode.String(), in); !slices.Equal(got, []string{""}) {
				t.Errorf("%s, %v: wrote %.60q", name, mode, got)
			}
		}
	}
}

// A recording that ends with its burst has its bits.
func TestRecordingEndsWithTheBurst(t *testing.T) {
	sent := randomBits(900, 4)
	out := filepath.Join(t.TempDir(), "out.wav")
	for _, m := range modem.Modes() {
		faxmodem(t, "tx", "-m", m.String(), "-o", out, file(t, "1.txt", sent))
		pcm, err := wav.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		heard(t, m, faxmodem(t, "rx", "-m", m.String(), recording(t, pcm[:len(pcm)-aroundSamples])), sent)
	}
}

func TestDetect(t *testing.T) {
	play := func(s *dsp.Signal, samples int) []int16 {
		var tone dsp.Tone
		tone.Start(s)
		out := make([]int16, samples)
		tone.Read(out)
		return out
	}
	ansam := make([]int16, 24000)
	dsp.NewANSam(-14).Read(ansam)
	var tx modem.HDLCTransmitter
	tx.Start(300)
	tx.Finish()
	sender := modem.NewTransmitter(-14)
	sender.Start(modem.V21, false, &tx)
	pause := make([]int16, 8000)
	in := recording(t, slices.Concat(pause, play(dsp.CNGSignal(-14), 28000), play(dsp.CNGSignal(-14), 4000), pause,
		play(dsp.CEDSignal(-14, 24000), 24000), pause[:600], send(nil, sender), pause, ansam, pause))
	var got []string
	for _, l := range faxmodem(t, "detect", in) {
		at, name, _ := strings.Cut(l, " ")
		if strings.IndexByte(at, '.') != len(at)-4 {
			t.Errorf("%q: want milliseconds", l)
		}
		got = append(got, at[:strings.IndexByte(at, '.')+2]+" "+name)
	}
	want := []string{"1.3 cng", "4.8 cng", "6.4 ced", "9.1 preamble", "11.5 ansam"}
	if len(got) != len(want) {
		t.Fatalf("heard %q", got)
	}
	for i := range want {
		if !strings.HasSuffix(got[i], strings.Fields(want[i])[1]) || got[i][:2] != want[i][:2] {
			t.Errorf("heard %q, want %q", got[i], want[i])
		}
	}
	if got := faxmodem(t, "detect", recording(t, pause)); !slices.Equal(got, []string{""}) {
		t.Errorf("in silence heard %q", got)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	bits, bad := file(t, "1.txt", "0101"), file(t, "2.txt", "0101\n012")
	out := filepath.Join(t.TempDir(), "out.wav")
	for _, tt := range []struct {
		args  []string
		usage bool
		want  string
	}{
		{nil, true, "want rx, tx or detect"},
		{[]string{"fax"}, true, `"fax": want rx, tx or detect`},
		{[]string{"rx", "-m", "v90", bits}, true, `rx: -m: modem "v90": want`},
		{[]string{"rx", bits}, true, `rx: -m: modem "": want`},
		{[]string{"rx", "-m", "v21"}, true, "rx: want one file"},
		{[]string{"rx", "-m", "v21", bits, bits}, true, "rx: want one file"},
		{[]string{"rx", "-m", "v21", "--level", "-3", bits}, true, "flag provided but not defined: -level"},
		{[]string{"rx", "-m", "v21", bits}, false, "not a WAV file of 8000 Hz, 16 bit, mono"},
		{[]string{"rx", "-m", "v21", bits + "x"}, false, "no such file"},
		{[]string{"rx", "-m", "v17-7200", "--train", "long,brief", bits}, true, "want long and short"},
		{[]string{"tx", "-m", "v21", bits}, true, "tx: want -o and files of bits"},
		{[]string{"tx", "-m", "v21", "-o", out}, true, "tx: want -o and files of bits"},
		{[]string{"tx", "-m", "v21", "-o", out, "--level", "4", bits}, true, "--level 4: want -43 to 0 dBm0"},
		{[]string{"tx", "-m", "v21", "-o", out, "--level", "NaN", bits}, true, "--level NaN: want -43 to 0 dBm0"},
		{[]string{"tx", "-m", "v21", "-o", out, bad}, false, "character 8 is '2': want 0 and 1"},
		{[]string{"tx", "-m", "v21", "-o", out, bits + "x"}, false, "no such file"},
		{[]string{"tx", "-m", "v21", "-o", out + "/x", bits}, false, out},
		{[]string{"detect"}, true, "detect: want one file"},
		{[]string{"detect", bits}, false, "not a WAV file"},
	} {
		err := run(tt.args, new(strings.Builder))
		var u usageError
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.As(err, &u) != tt.usage {
			t.Errorf("%q: %v, want %s", tt.args, err, tt.want)
		}
	}
}
