package lab

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The packets of TFTP (RFC 1350 section 5, RFC 2347) and the codes of its errors.
const (
	tftpRead  = 1
	tftpWrite = 2
	tftpData  = 3
	tftpAck   = 4
	tftpError = 5
	tftpOACK  = 6

	tftpUndefined = 0
	tftpNotFound  = 1
	tftpAccess    = 2
	tftpIllegal   = 4
	tftpOptions   = 8
)

const (
	maxReadRequest = 512 // octets (RFC 2347)
	plainBlock     = 512
	leastBlock     = 8
	mostBlock      = 1428 // fits an Ethernet frame by IPv6 and over PPPoE, too
	tftpWait       = time.Second
	tftpSends      = 5 // of one packet
)

// A tftpFault is why a request is refused.
type tftpFault struct {
	code uint16
	text string
}

func (e *tftpFault) Error() string { return e.text }

func (e *tftpFault) packet() []byte {
	p := binary.BigEndian.AppendUint16([]byte{0, tftpError}, e.code)
	return append(append(p, e.text...), 0)
}

// A readRequest is an RRQ. The options that it has are to be acknowledged in their order.
type readRequest struct {
	name    string
	options []string // of blksize, tsize, timeout
	block   int
	wait    time.Duration
}

// parseReadRequest reads the first packet of a client. Its error is a *tftpFault.
func parseReadRequest(p []byte) (readRequest, error) {
	r := readRequest{block: plainBlock, wait: tftpWait}
	if len(p) < 2 || len(p) > maxReadRequest || p[len(p)-1] != 0 {
		return r, &tftpFault{tftpIllegal, "malformed request"}
	}
	switch op := binary.BigEndian.Uint16(p); op {
	case tftpRead:
	case tftpWrite:
		return r, &tftpFault{tftpAccess, "files are read only here"}
	default:
		return r, &tftpFault{tftpIllegal, fmt.Sprintf("opcode %d is no request", op)}
	}
	words := strings.Split(string(p[2:len(p)-1]), "\x00")
	if len(words)%2 != 0 {
		return r, &tftpFault{tftpIllegal, "malformed request"}
	}
	if r.name = words[0]; !strings.EqualFold(words[1], "octet") {
		return r, &tftpFault{tftpUndefined, "mode octet only"}
	}
	return r, r.agree(words[2:])
}

// agree takes the options that are known, with values that RFC 2348 and 2349 allow.
func (r *readRequest) agree(words []string) error {
	seen := map[string]bool{}
	for i := 0; i < len(words); i += 2 {
		name := strings.ToLower(words[i])
		if seen[name] {
			return &tftpFault{tftpOptions, "an option twice"}
		}
		seen[name] = true
		n, err := strconv.ParseUint(words[i+1], 10, 31)
		switch {
		case err != nil:
			continue
		case name == "blksize" && n >= leastBlock && n <= 65464:
			r.block = int(min(n, mostBlock))
		case name == "timeout" && n >= 1 && n <= 255:
			r.wait = time.Duration(n) * time.Second
		case name == "tsize":
		default:
			continue
		}
		r.options = append(r.options, name)
	}
	return nil
}

// oack is the answer to options.
func (r readRequest) oack(size int) []byte {
	p := []byte{0, tftpOACK}
	for _, name := range r.options {
		value := map[string]int{"blksize": r.block, "timeout": int(r.wait / time.Second), "tsize": size}[name]
		p = append(p, name+"\x00"+strconv.Itoa(value)+"\x00"...)
	}
	return p
}
