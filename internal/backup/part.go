package backup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// join puts parts one behind the other.
func join(parts []Part) ([]byte, error) {
	var b []byte
	if len(parts) > maxParts {
		return nil, fmt.Errorf("%d parts: at most %d", len(parts), maxParts)
	}
	for i, p := range parts {
		switch {
		case p.Name == "" || !named(p.Name):
			return nil, fmt.Errorf("a part named %q", p.Name)
		case slices.ContainsFunc(parts[:i], func(o Part) bool { return o.Name == p.Name }):
			return nil, fmt.Errorf("two parts named %q", p.Name)
		case len(p.Data) > MaxSize:
			return nil, fmt.Errorf("a part %q of %d octets: at most %d", p.Name, len(p.Data), MaxSize)
		}
		b = append(append(b, byte(len(p.Name))), p.Name...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(p.Data)))
		b = append(b, p.Data...)
	}
	return b, nil
}

// split takes apart what join made, and nothing else.
func split(b []byte) ([]Part, error) {
	var parts []Part
	for rest := b; len(rest) > 0; {
		name := int(rest[0])
		if len(rest) < 1+name+4 {
			return nil, fmt.Errorf("%w: a part is cut short", ErrDamaged)
		}
		p := Part{Name: string(rest[1 : 1+name])}
		size := int64(binary.BigEndian.Uint32(rest[1+name:]))
		rest = rest[1+name+4:]
		if size > int64(len(rest)) {
			return nil, fmt.Errorf("%w: the part %q is cut short", ErrDamaged, p.Name)
		}
		p.Data, rest = rest[:size:size], rest[size:]
		if parts = append(parts, p); len(parts) > maxParts {
			return nil, fmt.Errorf("%w: more than %d parts", ErrDamaged, maxParts)
		}
	}
	again, err := join(parts)
	if err != nil || !bytes.Equal(again, b) {
		return nil, errors.Join(ErrDamaged, err)
	}
	return parts, nil
}

const packedMagic = "TIPRING-PARTS 1\n"

// Pack puts parts into a file that is not sealed, for a directory that nobody else reads.
func Pack(parts []Part) ([]byte, error) {
	payload, err := join(parts)
	if err != nil {
		return nil, fmt.Errorf("parts: %w", err)
	}
	b := append([]byte(packedMagic), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

// Unpack takes the parts out of what Pack made. Its error wraps ErrDamaged.
func Unpack(data []byte) ([]Part, error) {
	payload, ok := bytes.CutPrefix(data, []byte(packedMagic))
	if !ok || len(payload) < crcSize {
		return nil, fmt.Errorf("parts: %w", ErrDamaged)
	}
	body := len(data) - crcSize
	if crc32.ChecksumIEEE(data[:body]) != binary.BigEndian.Uint32(data[body:]) {
		return nil, fmt.Errorf("parts: %w: the checksum is wrong", ErrDamaged)
	}
	parts, err := split(payload[:len(payload)-crcSize])
	if err != nil {
		return nil, fmt.Errorf("parts: %w", err)
	}
	return parts, nil
}
