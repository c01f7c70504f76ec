package spool

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a call tells of its number, by the names of FB-Called-Number-Result. Any other result
// tells nothing.
const (
	CalledSuccess    = "success"
	CalledFaxError   = "fax_error"
	CalledVoiceError = "voice_error"
)

// A Called is what is known of a number.
type Called struct {
	Number string
	Fax    bool      // a fax machine answers, else a voice
	Since  time.Time // of the last call that told so
}

// MemoryConfig is what a Memory may use. The zero value of a field is its default.
type MemoryConfig struct {
	MaxNumbers int           // the one called longest ago is forgotten; 0: 2000
	Delay      time.Duration // from a change until it is on the disk; 0: 30 s
	Now        func() time.Time
}

// A Memory keeps at which of the called numbers fax machines answer, in a file. Its methods
// may be called from any goroutine; but for Open and Close none waits for the disk. A cut
// loses what was learned during Delay, which a call ahead learns again.
type Memory struct {
	name string
	cfg  MemoryConfig
	fs   files
	work sync.WaitGroup

	mu     sync.Mutex
	known  map[string]Called
	timer  *time.Timer // nil: all is on the disk, or was tried
	closed bool
	err    error

	write sync.Mutex
}

const (
	memoryHead = "tipring-called 1"
	maxMemory  = 1 << 20 // octets of its file
	maxNumber  = 40      // of a number
)

// OpenMemory opens the memory in a file. One that is damaged is begun anew, as far as it
// cannot be read: the error tells, and the Memory works.
func OpenMemory(name string, c MemoryConfig) (*Memory, error) { return openMemory(disk{}, name, c) }

func openMemory(d files, name string, c MemoryConfig) (*Memory, error) {
	setDefault(&c.MaxNumbers, 2000)
	setDefault(&c.Delay, 30*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	m := &Memory{name: name, cfg: c, fs: d, known: map[string]Called{}}
	data, err := d.Read(name, maxMemory)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err == nil:
		err = m.decode(data)
	}
	m.bound()
	if err != nil {
		return m, fmt.Errorf("called numbers: %w", err)
	}
	return m, nil
}

// decode reads lines of a number, fax or voice, and the seconds since 1970.
func (m *Memory) decode(data []byte) error {
	lines := bytes.Split(data, []byte("\n"))
	if string(lines[0]) != memoryHead {
		return fmt.Errorf("%s: %w", m.name, ErrBroken)
	}
	bad := 0
	for _, line := range lines[1:] {
		if len(line) == 0 {
			continue
		}
		f := strings.Fields(string(line))
		if len(f) != 3 || len(f[0]) > maxNumber || Normalise(f[0]) != f[0] || f[1] != "fax" && f[1] != "voice" {
			bad++
			continue
		}
		at, err := strconv.ParseInt(f[2], 10, 48)
		if err != nil {
			bad++
			continue
		}
		m.known[f[0]] = Called{f[0], f[1] == "fax", time.Unix(at, 0).UTC()}
	}
	if bad > 0 {
		return fmt.Errorf("%s: %w: %d lines", m.name, ErrBroken, bad)
	}
	return nil
}

// Called enters the result of a call. A voice is remembered for good: who shares the line
// with a fax machine may answer again, whatever came between. Success and a failure of the
// fax tell of a fax machine; other results tell nothing.
func (m *Memory) Called(number, result string) {
	number = Normalise(number)
	if number == "" || len(number) > maxNumber {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	was, known := m.known[number]
	fax := result == CalledSuccess || result == CalledFaxError
	switch {
	case !fax && result != CalledVoiceError:
		return
	case known && !was.Fax:
		fax = false
	}
	m.known[number] = Called{number, fax, m.cfg.Now().UTC()}
	m.bound()
	m.changed()
}

// bound forgets what was called longest ago. Called with mu.
func (m *Memory) bound() {
	if len(m.known) <= m.cfg.MaxNumbers {
		return
	}
	list := slices.Collect(maps.Values(m.known))
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Number, b.Number)) < 0
	})
	for _, c := range list[:len(list)-m.cfg.MaxNumbers] {
		delete(m.known, c.Number)
	}
}

// changed has the file written after a while. Called with mu.
func (m *Memory) changed() {
	if m.timer != nil || m.closed {
		return
	}
	m.work.Add(1)
	m.timer = time.AfterFunc(m.cfg.Delay, func() {
		defer m.work.Done()
		m.save()
	})
}

// save writes the file.
func (m *Memory) save() {
	m.write.Lock()
	defer m.write.Unlock()
	m.mu.Lock()
	m.timer = nil
	data := m.encode()
	m.mu.Unlock()
	err := replace(m.fs, m.name, data)
	m.mu.Lock()
	m.err = err
	m.mu.Unlock()
}

func (m *Memory) encode() []byte {
	data := append([]byte(memoryHead), '\n')
	for _, number := range slices.Sorted(maps.Keys(m.known)) {
		c, what := m.known[number], "voice"
		if c.Fax {
			what = "fax"
		}
		data = fmt.Appendf(data, "%s %s %d\n", number, what, c.Since.Unix())
	}
	return data
}

// Known tells whether a fax machine answers at a number.
func (m *Memory) Known(number string) (fax, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, known := m.known[Normalise(number)]
	return c.Fax, known
}

// List returns all that is known, by number.
func (m *Memory) List() []Called {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Collect(maps.Values(m.known))
	sort.Slice(list, func(i, j int) bool { return list[i].Number < list[j].Number })
	return list
}

// Forget forgets a number, and tells whether it was known.
func (m *Memory) Forget(number string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	number = Normalise(number)
	_, known := m.known[number]
	if known {
		delete(m.known, number)
		m.changed()
	}
	return known
}

// Merge adds what is known elsewhere, and returns when all is on the disk. Of a number that
// both know, the later call counts.
func (m *Memory) Merge(list []Called) error {
	m.mu.Lock()
	for _, c := range list {
		c.Number, c.Since = Normalise(c.Number), c.Since.UTC()
		if was, known := m.known[c.Number]; c.Number == "" || len(c.Number) > maxNumber || known && !c.Since.After(was.Since) {
			continue
		}
		m.known[c.Number] = c
	}
	m.bound()
	if m.timer != nil && m.timer.Stop() {
		m.timer = nil
		m.work.Done()
	}
	m.mu.Unlock()
	m.save()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Close writes what is not yet on the disk.
func (m *Memory) Close() error {
	m.mu.Lock()
	m.closed = true
	pending := m.timer != nil && m.timer.Stop()
	m.mu.Unlock()
	if pending {
		m.save()
		m.work.Done()
	}
	m.work.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Normalise makes one number of all ways to write it: digits, * and #, with a + before them
// if it is there. It ends at a letter or any other sign but those that divide numbers. Of an
// address it is the number in it.
func Normalise(number string) string {
	if scheme, rest, ok := strings.Cut(number, ":"); ok && slices.Contains([]string{"sip", "sips", "tel"}, strings.ToLower(scheme)) {
		number = rest
	}
	var b strings.Builder
	for _, r := range number {
		switch {
		case r >= '0' && r <= '9', r == '*', r == '#', r == '+' && b.Len() == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -./()\t\u00a0", r):
		default:
			return b.String()
		}
	}
	return b.String()
}
