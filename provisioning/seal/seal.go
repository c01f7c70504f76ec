// Package seal makes and opens sealed configuration files, which may be fetched over any
// way, TFTP too: they can be read by one device only, and only who holds the signing key
// can have written them.
//
// A sealed file is binary; numbers are big-endian:
//
//	TIPRING-SEALED 1 and a line feed (17 octets)
//	length of the whole file (4), of the device's name (1), of the payload (4)
//	version (8), expiry in seconds of Unix time or 0 for never (8)
//	SHA-256 of the payload (32), nonce (12)
//	the device's name: twelve lower-case hex digits of its MAC address, or its serial
//	number; empty: of every device that has the key
//	the payload under AES-256-GCM (RFC 5116) with all of the above as additional data
//	Ed25519 signature of all of the above (RFC 8032) (64)
//	CRC-32 (IEEE) of all of the above (4)
//
// The CRC proves nothing. It is there to tell a file that was damaged on its way from one
// that somebody else signed. Nothing of a file counts before its signature was checked.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"tipring/internal/config"
)

// KeySize is the length of a device's key in octets.
const KeySize = 32

// MaxPayload bounds what is sealed, as config.MaxText bounds what is read.
const MaxPayload = config.MaxText

const (
	magic     = "TIPRING-SEALED 1\n"
	fixedSize = len(magic) + 4 + 1 + 4 + 8 + 8 + sha256.Size + nonceSize
	nonceSize = 12
	tagSize   = 16
	crcSize   = 4
	maxDevice = 64 // octets of a device's name
)

// MaxSize bounds a sealed file.
const MaxSize = MaxPayload + fixedSize + maxDevice + tagSize + ed25519.SignatureSize + crcSize

// Why a sealed file is not opened. Open's errors wrap one of these.
var (
	ErrNotSealed = errors.New("it is no sealed file")
	ErrCut       = errors.New("it is cut short")
	ErrDamaged   = errors.New("it is damaged")
	ErrSignature = errors.New("its signature is not that of the verify key: somebody else wrote it")
	ErrDevice    = errors.New("it is for another device")
	ErrOlder     = errors.New("it is older than the one in force")
	ErrExpired   = errors.New("it has expired")
	ErrKey       = errors.New("it was sealed with another device key")
)

// A Header is what a sealed file says about itself.
type Header struct {
	Device  string    // twelve lower-case hex digits or a serial number; empty: any that has the key
	Version uint64    // grows with every file for a device
	Expires time.Time // zero: never
	SHA256  [sha256.Size]byte
}

// Options say how a file is sealed.
type Options struct {
	Device  string // a MAC address in any spelling, or a serial number; empty: any
	Version uint64
	Expires time.Time // zero: never; whole seconds count
	Key     []byte    // of the device: KeySize octets
	Sign    ed25519.PrivateKey
}

// Keys say what a device opens.
type Keys struct {
	Key    []byte // KeySize octets
	Verify ed25519.PublicKey
	MAC    config.MAC
	Serial string
	Newest uint64    // version in force: an older one is refused, the same one is not
	Now    time.Time // zero: the time is not known, and no file counts as expired
}

// Is reports whether data begins as a sealed file does, whole or cut.
func Is(data []byte) bool {
	return len(data) > 0 && strings.HasPrefix(magic, string(data[:min(len(data), len(magic))]))
}

// deviceName spells a device as headers do.
func deviceName(text string) string {
	if mac, ok := config.ParseMAC(text); ok {
		return mac.String()
	}
	return text
}

// Seal makes a sealed file of payload.
func Seal(payload []byte, o Options) ([]byte, error) {
	device := deviceName(o.Device)
	switch {
	case len(payload) > MaxPayload:
		return nil, fmt.Errorf("seal: %d octets; at most %d", len(payload), MaxPayload)
	case len(device) > maxDevice || strings.ContainsFunc(device, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, fmt.Errorf("seal: device %q: want a MAC address or a serial number of at most %d characters", o.Device, maxDevice)
	case len(o.Sign) != ed25519.PrivateKeySize:
		return nil, errors.New("seal: no signing key")
	}
	var expires int64
	if !o.Expires.IsZero() {
		if expires = o.Expires.Unix(); expires <= 0 {
			return nil, fmt.Errorf("seal: expiry %v: want a time after 1970", o.Expires)
		}
	}
	aead, err := newAEAD(o.Key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	size := fixedSize + len(device) + len(payload) + tagSize + ed25519.SignatureSize + crcSize
	sum := sha256.Sum256(payload)
	var nonce [nonceSize]byte
	rand.Read(nonce[:])

	b := make([]byte, 0, size)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = append(b, byte(len(device)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.BigEndian.AppendUint64(b, o.Version)
	b = binary.BigEndian.AppendUint64(b, uint64(expires))
	b = append(b, sum[:]...)
	b = append(b, nonce[:]...)
	b = append(b, device...)
	b = aead.Seal(b, nonce[:], payload, b)
	b = append(b, ed25519.Sign(o.Sign, b)...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("a device key of %d octets; want %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
