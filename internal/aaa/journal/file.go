package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"tipring/internal/aaa"
)

// A record's file: magic, milliseconds since 1970 (8 octets), attributes as they go over the
// wire, and the CRC-32 (IEEE) of all before it. Integers are big endian.
const (
	magic     = "tpa1"
	overhead  = len(magic) + 8 + 4
	maxRecord = overhead + aaa.MaxPacket
	suffix    = ".acct"
)

func (j *Journal) path(n uint64) string {
	return filepath.Join(j.cfg.Dir, fmt.Sprintf("%016d%s", n, suffix))
}

// find lists the records that wait, and removes what a power cut left of a write.
func (j *Journal) find() error {
	files, err := os.ReadDir(j.cfg.Dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := f.Name()
		if strings.HasPrefix(name, ".") && strings.Contains(name, suffix) {
			_ = os.Remove(filepath.Join(j.cfg.Dir, name))
			continue
		}
		digits, ok := strings.CutSuffix(name, suffix)
		n, err := strconv.ParseUint(digits, 10, 63)
		if !ok || err != nil || n == 0 {
			continue
		}
		j.kept = append(j.kept, n)
		j.next = max(j.next, n+1)
	}
	slices.Sort(j.kept)
	if len(j.kept) > 0 {
		j.tell()
	}
	return nil
}

// setAside keeps a file that holds no record for whoever looks into it. The lock is held.
func (j *Journal) setAside(n uint64, cause error) {
	j.cfg.Log.Error("accounting record cannot be read, and is set aside", "file", j.path(n), "err", cause)
	j.kept = slices.Delete(j.kept, 0, 1)
	j.lost++
	if err := os.Rename(j.path(n), strings.TrimSuffix(j.path(n), suffix)+".bad"); err != nil && !errors.Is(err, os.ErrNotExist) {
		j.cfg.Log.Warn("accounting record not set aside", "err", err)
	}
}

// writeRecord has a record on the disk when it returns.
func writeRecord(path string, e entry) error {
	data, err := appendRecord(nil, e)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := renameio.WriteFile(path, data, 0o600, renameio.WithTempDir(dir), renameio.IgnoreUmask()); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func readRecord(path string) (entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return entry{}, err
	}
	defer f.Close()
	data := make([]byte, maxRecord+1)
	n, err := f.ReadAt(data, 0)
	if n == 0 {
		return entry{}, err
	}
	return parseRecord(data[:n])
}

func appendRecord(data []byte, e entry) ([]byte, error) {
	data = append(data, magic...)
	data = binary.BigEndian.AppendUint64(data, uint64(e.at.UnixMilli()))
	for _, a := range e.attributes {
		if len(a.Value) > aaa.MaxValue {
			return nil, fmt.Errorf("attribute %d of %d octets", a.Type, len(a.Value))
		}
		data = append(data, a.Type, byte(2+len(a.Value)))
		data = append(data, a.Value...)
	}
	if len(data)+4 > maxRecord {
		return nil, fmt.Errorf("a record of %d octets, of at most %d", len(data), maxRecord)
	}
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(data)), nil
}

// parseRecord reads a file's octets.
func parseRecord(data []byte) (entry, error) {
	switch {
	case len(data) < overhead || len(data) > maxRecord || !bytes.HasPrefix(data, []byte(magic)):
		return entry{}, errors.New("no accounting record")
	case crc32.ChecksumIEEE(data[:len(data)-4]) != binary.BigEndian.Uint32(data[len(data)-4:]):
		return entry{}, errors.New("damaged")
	}
	e := entry{at: time.UnixMilli(int64(binary.BigEndian.Uint64(data[len(magic):])))}
	rest := data[len(magic)+8 : len(data)-4]
	for len(rest) > 0 {
		if len(rest) < 2 || int(rest[1]) < 2 || int(rest[1]) > len(rest) {
			return entry{}, errors.New("an attribute's length is wrong")
		}
		e.attributes = append(e.attributes, aaa.Attribute{Type: rest[0], Value: bytes.Clone(rest[2:rest[1]])})
		rest = rest[rest[1]:]
	}
	return e, nil
}
