package seal

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// Open checks a sealed file and takes the payload out. With an error there is no
// payload; the header is told as soon as the signature has proved it.
func Open(data []byte, k Keys) (payload []byte, h Header, err error) {
	device, length, err := frame(data)
	if err != nil {
		return nil, Header{}, err
	}
	signed := data[:len(data)-crcSize-ed25519.SignatureSize]
	if len(k.Verify) != ed25519.PublicKeySize {
		return nil, Header{}, fmt.Errorf("sealed file: no verify key to check it with: %w", ErrSignature)
	}
	if !ed25519.Verify(k.Verify, signed, data[len(signed):len(data)-crcSize]) {
		return nil, Header{}, fmt.Errorf("sealed file: %w", ErrSignature)
	}
	h = header(data, device)
	if err := k.accepts(h); err != nil {
		return nil, h, err
	}
	aead, err := newAEAD(k.Key)
	if err != nil {
		return nil, h, fmt.Errorf("sealed file: %v: %w", err, ErrKey)
	}
	head := signed[:fixedSize+len(device)]
	payload, err = aead.Open(make([]byte, 0, length), head[fixedSize-nonceSize:fixedSize], signed[len(head):], head)
	if err != nil {
		return nil, h, fmt.Errorf("sealed file for %s: %w", named(h.Device), ErrKey)
	}
	if len(payload) != length || sha256.Sum256(payload) != h.SHA256 {
		return nil, h, fmt.Errorf("sealed file: its payload has another SHA-256 than its header: %w", ErrDamaged)
	}
	return payload, h, nil
}

// frame checks what needs no key: that the file is one, whole and not damaged.
func frame(data []byte) (device string, payload int, err error) {
	if !Is(data) {
		return "", 0, ErrNotSealed
	}
	if len(data) < len(magic)+4 {
		return "", 0, fmt.Errorf("sealed file of %d octets: %w", len(data), ErrCut)
	}
	at := data[len(magic):]
	size := int64(binary.BigEndian.Uint32(at))
	switch {
	case size < int64(fixedSize+tagSize+ed25519.SignatureSize+crcSize) || size > int64(MaxSize):
		return "", 0, fmt.Errorf("sealed file that says it has %d octets: %w", size, ErrDamaged)
	case int64(len(data)) < size:
		return "", 0, fmt.Errorf("sealed file, %d of %d octets: %w", len(data), size, ErrCut)
	case int64(len(data)) > size:
		return "", 0, fmt.Errorf("sealed file with %d octets behind its end: %w", int64(len(data))-size, ErrDamaged)
	}
	name, length := int64(at[4]), int64(binary.BigEndian.Uint32(at[5:]))
	if name > maxDevice || length > MaxPayload || int64(fixedSize)+name+length+tagSize+ed25519.SignatureSize+crcSize != size {
		return "", 0, fmt.Errorf("sealed file whose lengths contradict each other: %w", ErrDamaged)
	}
	body := data[:len(data)-crcSize]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(data[len(body):]) {
		return "", 0, fmt.Errorf("sealed file with a wrong checksum: %w", ErrDamaged)
	}
	return string(data[fixedSize : fixedSize+int(name)]), int(length), nil
}

// header reads the fields of a framed file.
func header(data []byte, device string) Header {
	at := data[len(magic)+4+1+4:]
	h := Header{Device: device, Version: binary.BigEndian.Uint64(at)}
	if expires := binary.BigEndian.Uint64(at[8:]); expires != 0 {
		h.Expires = time.Unix(int64(min(expires, 1<<40)), 0).UTC()
	}
	copy(h.SHA256[:], at[16:])
	return h
}

// accepts judges what a proved header says.
func (k *Keys) accepts(h Header) error {
	switch {
	case h.Device != "" && h.Device != k.MAC.String() && !strings.EqualFold(h.Device, deviceName(k.Serial)):
		return fmt.Errorf("sealed file for %s: %w", named(h.Device), ErrDevice)
	case h.Version < k.Newest:
		return fmt.Errorf("sealed file of version %d; version %d is in force: %w", h.Version, k.Newest, ErrOlder)
	case !h.Expires.IsZero() && !k.Now.IsZero() && !k.Now.Before(h.Expires):
		return fmt.Errorf("sealed file, good until %s: %w", h.Expires.Format(time.RFC3339), ErrExpired)
	}
	return nil
}

// named is a device's name as errors write it.
func named(device string) string {
	if device == "" {
		return "any device"
	}
	return fmt.Sprintf("device %q", device)
}
