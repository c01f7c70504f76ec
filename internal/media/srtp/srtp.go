// Package srtp protects RTP and RTCP packets and takes the protection off again: SRTP
// (RFC 3711) with AES in counter mode and HMAC-SHA1 (RFC 6188 for 256 bits), or with AES-GCM
// (RFC 7714).
//
// A Sender is one direction of a call, a Receiver the other. Both have their master key from
// whoever agreed on it (SDES, RFC 4568); neither opens a socket, reads a clock nor has a
// lock, and a packet allocates nothing. One goroutine owns each.
//
// pion/srtp does the same. It would be 28 KB of a device's flash and allocates for every packet.
package srtp

import "errors"

// Errors of a packet.
var (
	ErrShort    = errors.New("packet too short")
	ErrReplayed = errors.New("packet came before, or too late to tell")
	ErrForged   = errors.New("packet not authentic")
	ErrExpired  = errors.New("key used up")
	ErrReused   = errors.New("sequence number used before")
)

// Overhead is how many octets protection adds at most.
const Overhead = 16 + 4 + maxMKI

const (
	maxMKI  = 8
	authKey = 20 // octets of a session's key of HMAC-SHA1
)

// A Suite is how packets are protected. Its String is the name that SDES gives it.
type Suite uint8

// Suites (RFC 4568 section 6.2, RFC 6188 section 5, RFC 7714 section 14.2).
const (
	AES128SHA80 Suite = iota + 1
	AES128SHA32
	AES256SHA80
	AES256SHA32
	AES128GCM
	AES256GCM
)

// suites are their names and the lengths, in octets, of key, salt and the tags of RTP and RTCP.
var suites = [...]struct {
	name            string
	key, salt       uint8
	tag, controlTag uint8
}{
	AES128SHA80: {"AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10},
	AES128SHA32: {"AES_CM_128_HMAC_SHA1_32", 16, 14, 4, 10},
	AES256SHA80: {"AES_256_CM_HMAC_SHA1_80", 32, 14, 10, 10},
	AES256SHA32: {"AES_256_CM_HMAC_SHA1_32", 32, 14, 4, 10},
	AES128GCM:   {"AEAD_AES_128_GCM", 16, 12, 16, 16},
	AES256GCM:   {"AEAD_AES_256_GCM", 32, 12, 16, 16},
}

// SuiteOf finds a suite by its name; 0: there is none such.
func SuiteOf(name string) Suite {
	switch name { // before RFC 6188 had a number, and still
	case "AES_CM_256_HMAC_SHA1_80":
		return AES256SHA80
	case "AES_CM_256_HMAC_SHA1_32":
		return AES256SHA32
	}
	for s := AES128SHA80; int(s) < len(suites); s++ {
		if suites[s].name == name {
			return s
		}
	}
	return 0
}

func (s Suite) String() string {
	if !s.valid() {
		return "none"
	}
	return suites[s].name
}

func (s Suite) valid() bool { return s > 0 && int(s) < len(suites) }

// Size is the length of a master key with its salt, in octets.
func (s Suite) Size() int { return int(suites[s].key + suites[s].salt) }

// A Key is the master key of one direction. Keys can be compared.
type Key struct {
	Suite  Suite
	Master [46]byte // key, then salt: Suite.Size octets

	// MKI is the master key identifier that packets carry, of MKISize octets: 0 to 8.
	MKI     uint64
	MKISize uint8
}

// Keys are those of a call's both directions.
type Keys struct{ Local, Remote Key }

// String is the suite, for keys stand in no log.
func (k Key) String() string { return k.Suite.String() }

// GoString is String.
func (k Key) GoString() string { return k.String() }

func (k *Key) mki() (b [maxMKI]byte) {
	for i := range min(k.MKISize, maxMKI) {
		b[i] = byte(k.MKI >> (8 * (k.MKISize - 1 - i)))
	}
	return b
}
