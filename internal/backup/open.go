package backup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// Open takes the parts out of a backup. With an error there are none. It takes as much
// memory as the file says, 32 MiB at most.
func Open(data []byte, password string) ([]Part, Header, error) {
	parts, h, err := open(data, password)
	if err != nil {
		return nil, Header{}, fmt.Errorf("backup: %w", err)
	}
	return parts, h, nil
}

func open(data []byte, password string) ([]Part, Header, error) {
	if err := frame(data); err != nil {
		return nil, Header{}, err
	}
	c := cost{binary.BigEndian.Uint32(data[lengthEnd:]), binary.BigEndian.Uint32(data[lengthEnd+4:]), data[lengthEnd+8]}
	h, payload, err := header(data)
	switch {
	case err != nil:
		return nil, h, err
	case !c.affordable():
		return nil, h, fmt.Errorf("%w: it takes %d KiB, %d passes and %d lanes to open", ErrDamaged, c.memory, c.passes, c.lanes)
	case len(password) > MaxPassword:
		return nil, h, ErrPassword
	}
	aead, err := c.aead(password, data[costEnd-saltSize:costEnd])
	if err != nil {
		return nil, h, err
	}
	plain, err := aead.Open(nil, data[costEnd:costEnd+nonceSize], data[payload:len(data)-crcSize], data[:payload])
	if err != nil {
		return nil, h, ErrPassword
	}
	parts, err := split(plain)
	return parts, h, err
}

// frame checks what needs no password: that the file is a backup that can be read, whole and
// not damaged.
func frame(data []byte) error {
	if err := checkVersion(data); err != nil {
		return err
	}
	if len(data) < lengthEnd {
		return fmt.Errorf("%w: %d octets", ErrCut, len(data))
	}
	size := int64(binary.BigEndian.Uint32(data[len(magic):]))
	switch {
	case size < int64(fixedSize+2+tagSize+crcSize) || size > MaxSize:
		return fmt.Errorf("%w: it says that it has %d octets", ErrDamaged, size)
	case int64(len(data)) < size:
		return fmt.Errorf("%w: %d of %d octets", ErrCut, len(data), size)
	case int64(len(data)) > size:
		return fmt.Errorf("%w: %d octets behind its end", ErrDamaged, int64(len(data))-size)
	}
	body := data[:len(data)-crcSize]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(data[len(body):]) {
		return fmt.Errorf("%w: its checksum is wrong", ErrDamaged)
	}
	return nil
}

// checkVersion reads the first line, which means the same in every version.
func checkVersion(data []byte) error {
	if len(data) > 0 && len(data) < len(magic) && bytes.HasPrefix([]byte(magic), data) {
		return fmt.Errorf("%w: %d octets", ErrCut, len(data))
	}
	rest, ok := bytes.CutPrefix(data, []byte(word))
	digits, _, ended := bytes.Cut(rest[:min(len(rest), 8)], []byte("\n"))
	n, err := strconv.ParseUint(string(digits), 10, 31)
	switch {
	case !ok || !ended || err != nil:
		return ErrNotBackup
	case n > version:
		return fmt.Errorf("%w: it has the format %d, and this version reads %d", ErrNewer, n, version)
	case n < version:
		return fmt.Errorf("%w: it has the format %d, and this version reads %d", ErrOlder, n, version)
	}
	return nil
}

// header reads what a framed file says about itself, and tells where its payload begins.
func header(data []byte) (h Header, payload int, err error) {
	at := costEnd + nonceSize
	h.Made = time.Unix(int64(min(binary.BigEndian.Uint64(data[at:]), 1<<40)), 0).UTC()
	at += 8
	end := len(data) - crcSize - tagSize
	for _, into := range []*string{&h.Device, &h.Version} {
		if at >= end {
			return Header{}, 0, fmt.Errorf("%w: its lengths contradict each other", ErrDamaged)
		}
		n := int(data[at])
		at++
		if n > maxName || at+n > end {
			return Header{}, 0, fmt.Errorf("%w: its lengths contradict each other", ErrDamaged)
		}
		*into = string(data[at : at+n])
		at += n
	}
	if !named(h.Device) || !named(h.Version) {
		return Header{}, 0, fmt.Errorf("%w: its names are none", ErrDamaged)
	}
	return h, at, nil
}
