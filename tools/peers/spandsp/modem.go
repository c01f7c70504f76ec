package spandsp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Modems are the names of the modems, slowest first.
var Modems = []string{"v21", "v27ter-2400", "v27ter-4800", "v29-7200", "v29-9600", "v17-7200", "v17-9600", "v17-12000", "v17-14400"}

// Transmit makes the samples of bursts, 1 s apart with silence around: each of bits is a
// string of 0 and 1. train is long, short or a list such as "long,short".
func Transmit(modem, train string, dBm0 float64, bits ...string) ([]int16, error) {
	path, err := program("sp-modem")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sp-modem")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	args := []string{"tx", "-m", modem, "--train", train, "--level", strconv.FormatFloat(dBm0, 'f', -1, 64), "-o", "-"}
	for i, b := range bits {
		file := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(file, []byte(b), 0o644); err != nil {
			return nil, err
		}
		args = append(args, file)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sp-modem: %w: %s", err, stderr.String())
	}
	samples := make([]int16, len(raw)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return samples, nil
}

// A Listener is a receiver or the set of tone detectors in a process of its own, which
// takes one recording after the other; each is heard as if it were the first.
type Listener struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	errors bytes.Buffer
}

// StartReceiver starts a modem's receiver; train is as for Transmit. The process is
// killed when ctx ends.
func StartReceiver(ctx context.Context, modem, train string) (*Listener, error) {
	return listen(ctx, "rx", "-m", modem, "--train", train, "--blocks", "1")
}

// StartDetector starts the detectors of tones.
func StartDetector(ctx context.Context) (*Listener, error) {
	return listen(ctx, "detect", "--blocks", "1")
}

func listen(ctx context.Context, args ...string) (*Listener, error) {
	path, err := program("sp-modem")
	if err != nil {
		return nil, err
	}
	l := &Listener{cmd: exec.CommandContext(ctx, path, args...)}
	l.cmd.Stderr = &l.errors
	l.cmd.WaitDelay = time.Second
	if l.stdin, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.stdout = bufio.NewReaderSize(stdout, 1<<17)
	return l, l.cmd.Start()
}

// Hear returns the lines that faxmodem would print for a recording: a burst's bits, or
// a tone's second and name.
func (l *Listener) Hear(samples []int16) ([]string, error) {
	octets := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+2*len(samples)), uint32(len(samples)))
	for _, s := range samples {
		octets = binary.LittleEndian.AppendUint16(octets, uint16(s))
	}
	if _, err := l.stdin.Write(octets); err != nil {
		return nil, l.failed(err)
	}
	var lines []string
	for {
		line, err := l.stdout.ReadString('\n')
		if err != nil {
			return nil, l.failed(err)
		}
		if line = strings.TrimSuffix(line, "\n"); line == "." {
			return lines, nil
		}
		lines = append(lines, line)
	}
}

func (l *Listener) failed(err error) error {
	_ = l.Close()
	return fmt.Errorf("sp-modem: %w: %s", err, l.errors.String())
}

// Close ends the process.
func (l *Listener) Close() error {
	_ = l.stdin.Close()
	return l.cmd.Wait()
}

// Speed is a modem's processor time.
type Speed struct{ TxNS, RxNS float64 } // a sample

// Bench measures how fast a modem sends and receives: the best of five runs.
func Bench(modem string) (Speed, error) {
	path, err := program("sp-modem")
	if err != nil {
		return Speed{}, err
	}
	out, err := exec.Command(path, "bench", "-m", modem).Output()
	if err != nil {
		return Speed{}, err
	}
	var s Speed
	var name string
	_, err = fmt.Sscanf(string(out), "%s tx %f rx %f", &name, &s.TxNS, &s.RxNS)
	return s, err
}
