package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
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
)

// A suffix tells what a file is.
const (
	begun = ".begun" // of a session that goes on
	over  = ".acct"  // to be sent
	bad   = ".bad"   // no record
)

// errNoRecord says that a file holds none.
var errNoRecord = errors.New("no accounting record")

func (j *Journal) path(n uint64, suffix string) string {
	return filepath.Join(j.cfg.Dir, fmt.Sprintf("%016d%s", n, suffix))
}

// find lists the records that wait, with those of sessions that the device did not see the end
// of, and removes what a power cut left of a write.
func (j *Journal) find() error {
	files, err := os.ReadDir(j.cfg.Dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := f.Name()
		if strings.HasPrefix(name, ".") && (strings.Contains(name, over) || strings.Contains(name, begun)) {
			_ = os.Remove(filepath.Join(j.cfg.Dir, name))
			continue
		}
		digits, suffix := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Ext(name)
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || n == 0 || suffix != over && suffix != begun {
			continue
		}
		if suffix == begun {
			if err := os.Rename(j.path(n, begun), j.path(n, over)); err != nil {
				return err
			}
		}
		j.kept = append(j.kept, n)
		j.next = max(j.next, n+1)
	}
	slices.Sort(j.kept)
	j.kept = slices.Compact(j.kept)
	if len(j.kept) > 0 {
		j.tell()
	}
	return nil
}

// setAside keeps a file that holds no record for whoever looks into it.
func (j *Journal) setAside(n uint64, cause error) {
	j.cfg.Log.Error("accounting record cannot be read, and is set aside", "file", j.path(n, over), "err", cause)
	j.forget(n)
	j.count(0, 1)
	if err := os.Rename(j.path(n, over), j.path(n, bad)); err != nil && !errors.Is(err, os.ErrNotExist) {
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
	return syncFolder(dir)
}

// syncFolder has a folder's names on the disk.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readRecord reads a file. errNoRecord: it holds none, or is gone.
func readRecord(path string) (entry, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return entry{}, fmt.Errorf("%w: %w", errNoRecord, err)
	case err != nil:
		return entry{}, err
	}
	defer f.Close()
	data := make([]byte, maxRecord+1)
	n, err := f.ReadAt(data, 0)
	if err != nil && err != io.EOF {
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
		return entry{}, errNoRecord
	case crc32.ChecksumIEEE(data[:len(data)-4]) != binary.BigEndian.Uint32(data[len(data)-4:]):
		return entry{}, fmt.Errorf("%w: damaged", errNoRecord)
	}
	e := entry{attributes: aaa.Attributes{}, at: time.UnixMilli(int64(binary.BigEndian.Uint64(data[len(magic):])))}
	rest := data[len(magic)+8 : len(data)-4]
	for len(rest) > 0 {
		if len(rest) < 2 || int(rest[1]) < 2 || int(rest[1]) > len(rest) {
			return entry{}, fmt.Errorf("%w: an attribute's length is wrong", errNoRecord)
		}
		e.attributes = append(e.attributes, aaa.Attribute{Type: rest[0], Value: bytes.Clone(rest[2:rest[1]])})
		rest = rest[rest[1]:]
	}
	return e, nil
}
