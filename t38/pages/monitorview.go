package pages

import (
	"errors"
	"io"

	"tipring/t38/t4"
	"tipring/t38/t4/picture"
)

// Progress is how far the page under way has come.
func (m *Monitor) Progress() Progress {
	m.mu.Lock()
	m.quiet = false
	s := m.under()
	m.mu.Unlock()
	if s == nil {
		return Progress{}
	}
	rows, _ := m.read(s)
	if s.of > 0 {
		rows = min(rows, s.of)
	}
	return Progress{s.number, rows, s.of}
}

// Octets that are kept of all pages, as far as they take memory.
func (m *Monitor) Size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.octets
}

// Forget drops all pages that are over.
func (m *Monitor) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.pages) > 1 || len(m.pages) == 1 && !m.open {
		m.drop(0)
	}
}

// ErrNoRows is the error of a page of which nothing can be shown: it is not kept, or its rows
// could not be read.
var ErrNoRows = errors.New("nothing of the page is here")

// Has tells whether there is something to be seen of a page, from 1.
func (m *Monitor) Has(page int) bool {
	s := m.find(page)
	if s == nil {
		return false
	}
	rows, _ := m.read(s)
	return rows > 0
}

func (m *Monitor) find(page int) *passing {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.index(page); i >= 0 {
		return m.pages[i]
	}
	return nil
}

// WritePNG writes the rows of a page, from 1, that have come so far.
func (m *Monitor) WritePNG(page int, out io.Writer) error { return m.WriteScaled(page, out, 1) }

// WriteScaled is WritePNG of a picture that is smaller by 2, 4 or 8.
func (m *Monitor) WriteScaled(page int, out io.Writer, scale int) error {
	s := m.find(page)
	if s == nil {
		return ErrNoRows
	}
	rows, octets := m.read(s)
	if rows == 0 {
		return ErrNoRows
	}
	d, err := t4.NewDecoder(s.config)
	if err != nil {
		return err
	}
	return picture.WritePNG(out, &replay{d, octets, rows}, picture.Sheet{Columns: s.config.Columns, Rows: rows, XDPI: s.x, YDPI: s.y, Scale: scale})
}

// read makes rows of what has come since the last look, and returns how many there are and of
// which octets.
func (m *Monitor) read(s *passing) (rows int, octets [][]byte) {
	s.look.Lock()
	defer s.look.Unlock()
	m.mu.Lock()
	octets, era := s.octets(), s.undone
	m.mu.Unlock()
	if s.decoder == nil || s.era != era {
		var err error
		if s.decoder, err = t4.NewDecoder(s.config); err != nil {
			return 0, nil
		}
		s.fed, s.rows, s.era = 0, 0, era
	}
	at := 0
	for _, o := range octets {
		if new := o[min(max(s.fed-at, 0), len(o)):]; len(new) > 0 {
			s.decoder.Feed(new)
			for s.rows < monitorRows && s.decoder.Next() {
				s.rows++
			}
		}
		at += len(o)
	}
	s.fed = at
	return s.rows, octets
}

// octets are those that are ready. Called with Monitor.mu.
func (s *passing) octets() (list [][]byte) {
	for at := 0; at < s.ready; at += monitorChunk {
		list = append(list, s.chunks[at/monitorChunk][:min(monitorChunk, s.ready-at)])
	}
	return list
}

// A replay gives the first rows of a page once more.
type replay struct {
	decoder *t4.Decoder
	octets  [][]byte
	rows    int
}

// ReadRow implements t4.RowReader.
func (r *replay) ReadRow(row []byte) error {
	if r.rows == 0 {
		return io.EOF
	}
	for !r.decoder.Next() {
		if len(r.octets) == 0 {
			return io.ErrUnexpectedEOF
		}
		r.decoder.Feed(r.octets[0])
		r.octets = r.octets[1:]
	}
	r.rows--
	copy(row, r.decoder.Row())
	return nil
}
