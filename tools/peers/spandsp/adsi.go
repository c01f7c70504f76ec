package spandsp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
)

// A Field is one of a caller ID message: its type and octets. The first of a message is the
// message's type, or the key that ended it.
type Field struct {
	Type   byte
	Octets string
}

// CallerID is what the library's receiver finds in samples, a list of fields a message.
// Standards are class (Bell 202), clip (V.23) and dtmf.
func CallerID(standard string, pcm []int16) (messages [][]Field, err error) {
	path, err := program("sp-adsi")
	if err != nil {
		return nil, err
	}
	var in, stderr bytes.Buffer
	if err := binary.Write(&in, binary.LittleEndian, pcm); err != nil {
		return nil, err
	}
	cmd := exec.Command(path, standard)
	cmd.Stdin, cmd.Stderr = &in, &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sp-adsi: %w: %s", err, stderr.String())
	}
	for line := range strings.Lines(string(text)) {
		var fields []Field
		for _, word := range strings.Fields(line) {
			kind, octets, _ := strings.Cut(word, "=")
			k, err := hex.DecodeString(kind)
			if err != nil {
				return nil, err
			}
			o, err := hex.DecodeString(octets)
			if err != nil {
				return nil, err
			}
			fields = append(fields, Field{k[0], string(o)})
		}
		messages = append(messages, fields)
	}
	return messages, nil
}
