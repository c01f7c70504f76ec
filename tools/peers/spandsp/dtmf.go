package spandsp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// HearDTMF returns the digits that spandsp hears.
func HearDTMF(pcm []int16) (string, error) {
	raw := make([]byte, 0, 2*len(pcm))
	for _, s := range pcm {
		raw = binary.NativeEndian.AppendUint16(raw, uint16(s))
	}
	out, err := runDTMF(raw, "rx")
	return strings.TrimSpace(string(out)), err
}

// SendDTMF is digits as spandsp sends them, so many milliseconds each and between.
func SendDTMF(digits string, onMS, offMS int) ([]int16, error) {
	out, err := runDTMF(nil, "tx", digits, strconv.Itoa(onMS), strconv.Itoa(offMS))
	pcm := make([]int16, len(out)/2)
	for i := range pcm {
		pcm[i] = int16(binary.NativeEndian.Uint16(out[2*i:]))
	}
	return pcm, err
}

func runDTMF(in []byte, args ...string) ([]byte, error) {
	path, err := program("sp-dtmf")
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sp-dtmf: %w: %s", err, stderr.String())
	}
	return out, nil
}
