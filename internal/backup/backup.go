// Package backup makes and opens sealed backups: the parts that a device needs to be what it
// was, in one file that says nothing to who lacks its password.
//
// A backup is binary; numbers are big-endian:
//
//	TIPRING-BACKUP 1 and a line feed (17 octets)
//	length of the whole file (4)
//	Argon2id (RFC 9106): memory in KiB (4), passes (4), lanes (1), salt (16)
//	nonce (12)
//	when it was made, in seconds of Unix time (8)
//	the device's name: length (1) and octets; the version of its program: length (1) and octets
//	the payload under AES-256-GCM (RFC 5116), with all of the above as additional data
//	CRC-32 (IEEE) of all of the above (4)
//
// The payload is parts, one behind the other: the length of its name (1), the name, the
// length of its data (4), the data. What a part means is its maker's.
//
// The CRC proves nothing. It is there to tell a file that was damaged from a wrong password.
package backup

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// MaxSize bounds a backup, in octets.
const MaxSize = 4 << 20

// MaxPassword bounds a password, in octets.
const MaxPassword = 1024

const (
	word      = "TIPRING-BACKUP "
	version   = 1
	magic     = word + "1\n"
	lengthEnd = len(magic) + 4
	costEnd   = lengthEnd + 4 + 4 + 1 + saltSize
	fixedSize = costEnd + nonceSize + 8
	saltSize  = 16
	nonceSize = 12
	tagSize   = 16
	crcSize   = 4
	keySize   = 32
	maxName   = 64 // octets of a name in the header, and of a part
	maxParts  = 32
)

// Why a backup is not opened. Open's errors wrap one of these.
var (
	ErrNotBackup = errors.New("it is no backup of a tipring device")
	ErrCut       = errors.New("it is cut short")
	ErrDamaged   = errors.New("it is damaged")
	ErrNewer     = errors.New("it was made by a newer version of the program: install that version first")
	ErrOlder     = errors.New("it was made by a version of the program that is too old to be read")
	ErrPassword  = errors.New("it was made with another password")
)

// A Part is one of the things that are kept.
type Part struct {
	Name string // 1 to 64 octets of printing ASCII
	Data []byte
}

// A Header is what a backup says about itself.
type Header struct {
	Device  string // what the device is called; at most 64 octets
	Version string // of the program that made it; at most 64 octets
	Made    time.Time
}

// A cost is what it takes to make a key of a password, in the terms of RFC 9106.
type cost struct {
	memory, passes uint32 // memory in KiB
	lanes          uint8
}

// usual is the cost of what is made now: 8 MiB is what a router has to spare.
var usual = cost{memory: 8 << 10, passes: 3, lanes: 1}

// affordable reports a cost that opening may have: a file must not be able to take all of a
// device's memory, or minutes of its time. What is cheap is no danger: whoever changes the
// cost of a file changes its key.
func (c cost) affordable() bool {
	return c.lanes >= 1 && c.lanes <= 4 && c.passes >= 1 && c.passes <= 8 && c.memory >= 8*uint32(c.lanes) && c.memory <= 32<<10
}

// aead makes the cipher of a password. It takes the memory and the time of the cost, so that
// its caller has it done once at a time.
func (c cost) aead(password string, salt []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, keySize))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Seal makes a backup of parts that a password opens. It takes 8 MiB of memory for a moment.
func Seal(parts []Part, password string, h Header) ([]byte, error) {
	return seal(parts, password, h, usual)
}

func seal(parts []Part, password string, h Header, c cost) ([]byte, error) {
	payload, err := join(parts)
	switch {
	case err != nil:
		return nil, fmt.Errorf("backup: %w", err)
	case password == "" || len(password) > MaxPassword:
		return nil, fmt.Errorf("backup: a password of %d octets: want 1 to %d", len(password), MaxPassword)
	case !named(h.Device) || !named(h.Version):
		return nil, fmt.Errorf("backup of device %q by version %q: want at most %d printing characters each", h.Device, h.Version, maxName)
	}
	size := fixedSize + 1 + len(h.Device) + 1 + len(h.Version) + len(payload) + tagSize + crcSize
	if size > MaxSize {
		return nil, fmt.Errorf("backup of %d octets: at most %d", size, MaxSize)
	}
	var random [saltSize + nonceSize]byte
	rand.Read(random[:])
	salt, nonce := random[:saltSize], random[saltSize:]

	b := make([]byte, 0, size)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = binary.BigEndian.AppendUint32(b, c.memory)
	b = binary.BigEndian.AppendUint32(b, c.passes)
	b = append(append(b, c.lanes), random[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(max(h.Made.Unix(), 0)))
	b = append(append(b, byte(len(h.Device))), h.Device...)
	b = append(append(b, byte(len(h.Version))), h.Version...)
	aead, err := c.aead(password, salt)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	b = aead.Seal(b, nonce, payload, b)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

// named reports text that may stand in a header.
func named(text string) bool {
	return len(text) <= maxName && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
