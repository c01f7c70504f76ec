package lab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"
)

func words(op byte, w ...string) []byte {
	p := []byte{0, op}
	for _, s := range w {
		p = append(append(p, s...), 0)
	}
	return p
}

func ack(n uint16) []byte { return binary.BigEndian.AppendUint16([]byte{0, tftpAck}, n) }

func TestReadRequest(t *testing.T) {
	tests := []struct {
		name   string
		packet []byte
		want   string // octets of a block, wait and OACK of a file of 9 octets; or the code of the error
	}{
		{"RFC 1350", words(1, "f", "octet"), "512 1s "},
		{"mode in capitals", words(1, "f", "OCTET"), "512 1s "},
		{"all options", words(1, "f", "octet", "blksize", "1024", "tsize", "0", "TIMEOUT", "3"), "1024 3s blksize.1024.tsize.9.timeout.3."},
		{"a block larger than ours", words(1, "f", "octet", "blksize", "65464"), "1428 1s blksize.1428."},
		{"options of others", words(1, "f", "octet", "rollover", "0", "windowsize", "16"), "512 1s "},
		{"values beyond the RFCs", words(1, "f", "octet", "blksize", "7", "timeout", "256"), "512 1s "},
		{"a value that is no number", words(1, "f", "octet", "blksize", "-8"), "512 1s "},
		{"an option twice", words(1, "f", "octet", "blksize", "8", "BLKSIZE", "9"), "error 8"},
		{"an option without a value", words(1, "f", "octet", "blksize"), "error 4"},
		{"netascii", words(1, "f", "netascii"), "error 0"},
		{"a write", words(2, "f", "octet"), "error 2"},
		{"an acknowledgement", ack(0), "error 4"},
		{"no end", []byte("\x00\x01f\x00octet"), "error 4"},
		{"nothing", nil, "error 4"},
		{"too long", words(1, strings.Repeat("f", 512), "octet"), "error 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := described(parseReadRequest(tt.packet)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// described is a request, or its refusal, as TestReadRequest writes it.
func described(r readRequest, err error) string {
	var fault *tftpFault
	if errors.As(err, &fault) {
		return "error " + string('0'+rune(fault.code))
	}
	oack := ""
	if len(r.options) > 0 {
		oack = strings.ReplaceAll(string(r.oack(9)[2:]), "\x00", ".")
	}
	return strings.Join([]string{seconds(r.block), r.wait.String(), oack}, " ")
}

// arrive acknowledges a sending to its end and returns what has come.
func arrive(t *testing.T, s *sending, now time.Time) []byte {
	t.Helper()
	var got []byte
	number := uint16(0)
	for {
		if done, err := s.Done(); done {
			if err != nil {
				t.Error(err)
			}
			return got
		}
		if p := s.Packet(); p[1] == tftpData {
			number++
			if n := binary.BigEndian.Uint16(p[2:]); n != number {
				t.Fatalf("block %d, want %d", n, number)
			}
			got = append(got, p[4:]...)
		}
		s.Receive(now, ack(number))
	}
}

// Files of every length arrive, also where the number of blocks exceeds 16 bits.
func TestSending(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct{ block, size int }{{512, 0}, {512, 1}, {512, 511}, {512, 512}, {512, 513}, {1428, 100000}, {8, 8*65536 + 3}} {
		want := make([]byte, tt.size)
		for i := range want {
			want[i] = byte(i * 7)
		}
		for _, options := range [][]string{nil, {"blksize"}} {
			s := newSending(now, readRequest{block: tt.block, wait: time.Second, options: options}, want)
			if got := arrive(t, s, now); !bytes.Equal(got, want) {
				t.Errorf("%d octets in blocks of %d: %d arrived", tt.size, tt.block, len(got))
			}
		}
	}
}

// What is not acknowledged is repeated, what is acknowledged twice is not (RFC 1123
// section 4.2.3.1).
func TestSendingRepeats(t *testing.T) {
	now := time.Now()
	s := newSending(now, readRequest{block: 8, wait: 2 * time.Second}, []byte("12345678abcdefgh!"))
	if s.Receive(now, ack(7)) || s.Expire(now.Add(time.Second)) {
		t.Error("something is sent before its time")
	}
	for range tftpSends - 1 {
		now = s.Deadline()
		if !s.Expire(now) || string(s.Packet()[4:]) != "12345678" {
			t.Errorf("block 1 is not repeated: %q", s.Packet())
		}
	}
	if !s.Receive(now, ack(1)) || string(s.Packet()[4:]) != "abcdefgh" {
		t.Errorf("block 2: %q", s.Packet())
	}
	if s.Receive(now, ack(1)) {
		t.Error("block 2 is sent again for a second acknowledgement of block 1")
	}
	for now = s.Deadline(); s.Expire(now); now = s.Deadline() {
	}
	if done, err := s.Done(); !done || !errors.Is(err, errUnacknowledged) {
		t.Errorf("a client that is silent: %v, %v", done, err)
	}
}

// A client that gives up, or talks nonsense, ends the transfer.
func TestSendingEnds(t *testing.T) {
	for _, packet := range [][]byte{(&tftpFault{0, "no room"}).packet(), {0, 5, 0, 3}, ack(1)[:3], append(ack(1), 0), {}, words(1, "f", "octet")} {
		s := newSending(time.Now(), readRequest{block: 8, wait: time.Second}, make([]byte, 100))
		fresh := s.Receive(time.Now(), packet)
		if done, err := s.Done(); fresh || !done || err == nil {
			t.Errorf("%q: %v, %v", packet, done, err)
		}
	}
}

// No packet of a stranger does more than be refused, and what is agreed stays in bounds.
func FuzzTFTP(f *testing.F) {
	f.Add(words(1, "f", "octet", "blksize", "1024", "tsize", "0", "timeout", "3"), ack(0))
	f.Add(words(1, "f", "netascii"), ack(1))
	f.Add(words(2, "f", "octet"), (&tftpFault{0, "no"}).packet())
	f.Add([]byte("\x00\x01\x00\x00"), []byte{})
	f.Fuzz(func(t *testing.T, request, answer []byte) {
		r, err := parseReadRequest(request)
		var fault *tftpFault
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("refused without a code: %v", err)
		}
		if err != nil {
			return
		}
		if r.block < leastBlock || r.block > mostBlock || r.wait < time.Second || r.wait > 255*time.Second || len(r.options) > 3 {
			t.Fatalf("agreed to %+v", r)
		}
		s := newSending(time.Now(), r, make([]byte, 3000))
		s.Receive(time.Now(), answer)
		if len(s.Packet()) > 4+mostBlock {
			t.Fatalf("a packet of %d octets", len(s.Packet()))
		}
	})
}
