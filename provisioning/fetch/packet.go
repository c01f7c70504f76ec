package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// The packets of TFTP (RFC 1350 section 5, RFC 2347).
const (
	opRead  = 1
	opData  = 3
	opAck   = 4
	opError = 5
	opOACK  = 6
)

// The error codes that matter here.
const (
	codeUndefined  = 0
	codeNotFound   = 1
	codeFull       = 3
	codeIllegal    = 4
	codeUnknownTID = 5
	codeOptions    = 8 // RFC 2347: refuses an option negotiation
)

// The options asked for (RFC 2348, RFC 2349): blocks that fit an Ethernet frame also by
// IPv6 and over PPPoE, the file's size, and repetition after a second.
const (
	plainBlock  = 512
	wantedBlock = 1428
	leastBlock  = 8
	wantedWait  = "1"
)

const (
	maxFileName = 255
	maxOptions  = 255 // octets of an OACK's options
)

// TFTPError is an ERROR packet from the server.
type TFTPError struct {
	Code uint16
	Text string // as the server says it, without control characters
}

func (e *TFTPError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("TFTP error %d", e.Code)
	}
	return fmt.Sprintf("TFTP error %d: %s", e.Code, e.Text)
}

// Is makes code 1 ErrNotFound.
func (e *TFTPError) Is(target error) bool { return e.Code == codeNotFound && target == ErrNotFound }

// fileName is what a tftp URL asks for (RFC 3617): the path without its first slash,
// and without a mode, which is octet always: netascii would change a file on the way.
func fileName(u *url.URL) (string, error) {
	name := strings.TrimPrefix(u.Path, "/")
	if i := strings.LastIndex(strings.ToLower(name), ";mode="); i >= 0 {
		if mode := name[i+len(";mode="):]; !strings.EqualFold(mode, "octet") {
			return "", fmt.Errorf("mode %s: want octet", strconv.Quote(short(mode)))
		}
		name = name[:i]
	}
	switch {
	case u.RawQuery != "":
		return "", errors.New("TFTP has file names alone, nothing after a question mark")
	case name == "":
		return "", errors.New("TFTP without a file name")
	case len(name) > maxFileName:
		return "", fmt.Errorf("a file name longer than %d octets", maxFileName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", errors.New("a control character in the file name")
	}
	return name, nil
}

func readRequest(name string, options bool) []byte {
	p := append([]byte{0, opRead}, name...)
	p = append(p, "\x00octet\x00"...)
	if options {
		p = append(p, "blksize\x00"+strconv.Itoa(wantedBlock)+"\x00tsize\x000\x00timeout\x00"+wantedWait+"\x00"...)
	}
	return p
}

func ackPacket(block uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{0, opAck}, block)
}

func errorPacket(code uint16, text string) []byte {
	p := binary.BigEndian.AppendUint16([]byte{0, opError}, code)
	return append(append(p, text...), 0)
}

// parseError reads an ERROR packet's rest. The zero octet at its end may be missing, as
// some servers forget it.
func parseError(p []byte) *TFTPError {
	e := &TFTPError{Code: binary.BigEndian.Uint16(p)}
	text, _, _ := bytes.Cut(p[2:], []byte{0})
	e.Text = short(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(text), "")))
	return e
}

// agreed is what a server made of the options.
type agreed struct {
	block int
	size  int // of the file; -1: not told
}

// parseOACK reads an OACK's options. RFC 2347: "An option not acknowledged by the server
// must be ignored … the server must not include … any option which had not been
// specifically requested by the client"; ours are refused with another value than RFC
// 2348 and 2349 allow in an answer.
func parseOACK(p []byte) (agreed, error) {
	a := agreed{block: plainBlock, size: -1}
	if len(p) > maxOptions {
		return a, errors.New("options longer than 255 octets")
	}
	if len(p) == 0 || p[len(p)-1] != 0 {
		return a, errors.New("options without an end")
	}
	words := strings.Split(string(p[:len(p)-1]), "\x00")
	if len(words)%2 != 0 {
		return a, errors.New("an option without a value")
	}
	seen := map[string]bool{}
	for i := 0; i < len(words); i += 2 {
		name, value := strings.ToLower(words[i]), words[i+1]
		if seen[name] {
			return a, fmt.Errorf("option %q twice", short(name))
		}
		seen[name] = true
		n, err := strconv.ParseUint(value, 10, 31)
		switch {
		case name != "blksize" && name != "tsize" && name != "timeout":
			return a, fmt.Errorf("option %q was not asked for", short(name))
		case err != nil:
			return a, fmt.Errorf("option %s: %q is no number", name, short(value))
		case name == "blksize" && (n < leastBlock || n > wantedBlock):
			return a, fmt.Errorf("blksize %d: want %d to %d", n, leastBlock, wantedBlock)
		case name == "timeout" && value != wantedWait:
			return a, fmt.Errorf("timeout %s, asked for %s", short(value), wantedWait)
		case name == "blksize":
			a.block = int(n)
		case name == "tsize":
			a.size = int(n)
		}
	}
	return a, nil
}
