// Command prompts has a voice speak what the device says on its telephones, and keeps it
// small: G.726 at 24 kbit/s.
//
//	go run ./tools/prompts agent/menu/prompts.txt agent/menu/prompts.bin
//
// The voice is flite's slt, which its licence leaves free for any use; flite and sox are
// Debian packages that "make prompts" installs.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tipring/internal/dsp/g726"
)

// A prompt is a line of the list.
type prompt struct{ name, words string }

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: prompts LIST OUT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "prompts:", err)
		os.Exit(1)
	}
}

func run(list, out string) error {
	prompts, err := read(list)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "prompts")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var all bytes.Buffer
	seconds := 0.0
	for _, p := range prompts {
		pcm, err := speak(p.words, filepath.Join(work, "words.wav"))
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		pcm = trim(pcm)
		write(&all, p.name, pcm)
		seconds += float64(len(pcm)) / 8000
	}
	fmt.Printf("%d prompts, %.1f s, %d octets\n", len(prompts), seconds, all.Len())
	return os.WriteFile(out, all.Bytes(), 0o644)
}

func read(list string) ([]prompt, error) {
	f, err := os.Open(list)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []prompt
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		name, words, ok := strings.Cut(text, ":")
		if !ok || strings.TrimSpace(words) == "" {
			return nil, fmt.Errorf("%s: %q: wanted NAME: WORDS", list, text)
		}
		all = append(all, prompt{name, strings.TrimSpace(words)})
	}
	return all, lines.Err()
}

// speak has the words spoken, in the band of a telephone and at the loudness of speech on one:
// peaks of -6 dB below full scale.
func speak(words, file string) ([]int16, error) {
	if text, err := exec.Command("flite", "-voice", "slt", "--setf", "duration_stretch=0.85", "-t", words, "-o", file).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("flite: %w: %s", err, text)
	}
	sox := exec.Command("sox", "-D", file, "-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1", "-L", "-", "highpass", "200", "norm", "-6")
	var said bytes.Buffer
	sox.Stderr = &said
	raw, err := sox.Output()
	if err != nil {
		return nil, fmt.Errorf("sox: %w: %s", err, said.String())
	}
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return pcm, nil
}

// trim leaves the silence around the words out, but for a twentieth of a second behind them.
func trim(pcm []int16) []int16 {
	const quiet, ahead, behind = 250, 80, 400
	loud := func(s int16) bool { return s > quiet || s < -quiet }
	from, to := 0, len(pcm)
	for from < to && !loud(pcm[from]) {
		from++
	}
	for to > from && !loud(pcm[to-1]) {
		to--
	}
	return pcm[max(0, from-ahead):min(len(pcm), to+behind)]
}

// write adds a prompt: the length of its name, the name, how many groups of eight samples, and
// those, each of eight codes in three octets.
func write(to *bytes.Buffer, name string, pcm []int16) {
	for len(pcm)%8 != 0 {
		pcm = append(pcm, 0)
	}
	to.WriteByte(byte(len(name)))
	to.WriteString(name)
	to.Write(binary.BigEndian.AppendUint16(nil, uint16(len(pcm)/8)))
	e := g726.NewEncoder()
	for ; len(pcm) > 0; pcm = pcm[8:] {
		group := uint32(0)
		for _, s := range pcm[:8] {
			group = group<<3 | uint32(e.Encode(s))
		}
		to.Write([]byte{byte(group >> 16), byte(group >> 8), byte(group)})
	}
}
