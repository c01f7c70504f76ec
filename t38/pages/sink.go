package pages

import (
	"io"
	"time"

	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/tiff"
)

// A Sink makes a TIFF file of the pages of a call. The file is whole after each page, with the
// pages so far: what was acknowledged is in it. A page that comes once more takes its
// predecessor's place.
type Sink struct {
	Coding   t4.Coding        // in the file; 0: as each page is received
	Software string           // in the file's fields, as is
	Now      func() time.Time // when a page is received; nil: the file does not say

	tiff  *tiff.Writer
	pages []stored
	err   error
}

// stored is a page in the file.
type stored struct {
	number  int
	quality t4.Quality
}

// NewSink makes a Sink that writes the file out, whose owner closes it after the Sink.
func NewSink(out io.WriterAt) (*Sink, error) {
	w, err := tiff.NewWriter(out)
	if err != nil {
		return nil, err
	}
	return &Sink{Coding: t4.MMR, tiff: w}, nil
}

// Pages is how many pages the file has.
func (s *Sink) Pages() int { return len(s.pages) }

// BadRows is how many rows of the file's pages could not be read.
func (s *Sink) BadRows() (n int) {
	for _, p := range s.pages {
		n += p.quality.Bad
	}
	return n
}

// Err tells what was wrong with the file, when a call ended with t30.SinkError.
func (s *Sink) Err() error { return s.err }

// Close ends the file. One without pages is no TIFF file, and an error.
func (s *Sink) Close() error { return s.tiff.Close() }

// Open implements t30.Sink.
func (s *Sink) Open(n int, f t30.Format) (t30.PageWriter, error) {
	w, err := s.open(n, f)
	if err != nil {
		return nil, s.fail(n, err)
	}
	return w, nil
}

func (s *Sink) open(n int, f t30.Format) (*pageWriter, error) {
	if last := len(s.pages) - 1; last >= 0 && s.pages[last].number == n { // once more
		if err := s.tiff.Drop(); err != nil {
			return nil, err
		}
		s.pages = s.pages[:last]
	}
	columns := f.Width.Pels(f.Resolution)
	d, err := t4.NewDecoder(t4.DecoderConfig{Coding: codings[f.Coding], Columns: columns})
	if err != nil {
		return nil, err
	}
	c := tiff.PageConfig{Columns: columns, Coding: s.Coding, K: rowsToK(f.Resolution), Software: s.Software}
	c.XDPI, c.YDPI = dpi(f)
	if c.Coding == 0 {
		c.Coding = codings[f.Coding]
	}
	if s.Now != nil {
		c.DateTime = s.Now().Format("2006:01:02 15:04:05")
	}
	return &pageWriter{sink: s, number: n, ecm: f.ECM, decoder: d}, s.tiff.BeginPage(c)
}

func (s *Sink) fail(n int, err error) error {
	s.err = OnPage(n, err)
	return s.err
}

// dpi is a format's resolution in pels and lines per inch. Where it is metric, T.4's.
func dpi(f t30.Format) (x, y int) {
	if !f.Inch {
		return resolution(f.Resolution).DPI()
	}
	switch f.Resolution {
	case t30.Standard:
		return 200, 100
	case t30.Fine:
		return 200, 200
	case t30.Superfine:
		return 200, 400
	case t30.R300:
		return 300, 300
	default:
		return 400, 400
	}
}

// A pageWriter is a page that is being received.
type pageWriter struct {
	sink    *Sink
	number  int
	ecm     bool
	decoder *t4.Decoder
}

// Write implements t30.PageWriter.
func (w *pageWriter) Write(p []byte) (int, error) {
	w.decoder.Feed(p)
	if err := w.rows(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// rows stores the rows that are there.
func (w *pageWriter) rows() error {
	for w.decoder.Next() {
		if err := w.sink.tiff.WriteRow(w.decoder.Row()); err != nil {
			return w.sink.fail(w.number, err)
		}
	}
	return nil
}

// Close implements t30.PageWriter.
func (w *pageWriter) Close(bool) (t30.Copy, error) {
	w.decoder.End()
	if err := w.rows(); err != nil {
		return t30.Copy{}, err
	}
	q := w.decoder.Quality()
	// T.6 ends with its first damage. Without ECM rows may be missing from a page without end code,
	// though it was not cut in one.
	if w.decoder.Err() != nil || !w.ecm && !w.decoder.Complete() {
		q.Bad++
		q.LongestBad = max(q.LongestBad, 1)
	}
	if err := w.end(q); err != nil {
		return t30.Copy{}, w.sink.fail(w.number, err)
	}
	return t30.Copy{Rows: q.Rows, BadRows: q.Bad, BadRun: q.LongestBad, Cut: w.decoder.Cut()}, nil
}

func (w *pageWriter) end(q t4.Quality) error {
	s := w.sink
	if q.Rows == 0 { // which no file can have
		return s.tiff.Drop()
	}
	s.tiff.Received(q)
	if err := s.tiff.EndPage(); err != nil {
		return err
	}
	s.pages = append(s.pages, stored{w.number, q})
	return nil
}
