package spandsp

import (
	"bytes"
	"fmt"
	"os/exec"
)

// G726 has what in holds encoded or decoded (direction) by G.726 at 24 kbit/s: samples of 16
// bits, little-endian, and codes, one an octet.
func G726(direction string, in []byte) ([]byte, error) {
	path, err := program("sp-g726")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, direction)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sp-g726 %s: %w", direction, err)
	}
	return out, nil
}
