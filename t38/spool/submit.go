package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tipring/t38/pages"
	"tipring/t38/t4"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/tiff"
)

// Errors of a document: a file that is handed in, or, but for the first, a fax that is received.
var (
	ErrDocument     = errors.New("the file cannot be sent as a fax")
	ErrTooLarge     = errors.New("the document is too large")
	ErrTooManyPages = errors.New("the document has too many pages")
)

// Submit takes a PDF, TIFF, PNG or JPEG file to be sent, and returns once it is safe: its
// pages are made now what the line carries, so that no call waits for them. One file is
// converted at a time. Ending ctx gives up.
//
// What is wrong with the file is an ErrDocument, ErrTooLarge or ErrTooManyPages; a page that
// only pdftoppm can draw, where that is missing, is a pdf.ErrNoPoppler too.
func (s *Store) Submit(ctx context.Context, in io.Reader, m Meta) (Record, error) {
	if m.Kind == "" {
		m.Kind = Submitted
	}
	e, err := s.admit(m.record())
	if err != nil {
		return Record{}, err
	}
	err = s.accept(e, func(dir string) error {
		upload := filepath.Join(dir, uploadFile)
		if err := s.upload(ctx, upload, in); err != nil {
			return err
		}
		if err := s.convert(ctx, e, upload, dir); err != nil {
			return err
		}
		return s.fs.Remove(upload)
	})
	if err != nil {
		return Record{}, err
	}
	return s.accepted(e), nil
}

// accepted shows a fax that is whole and safe.
func (s *Store) accepted(e *entry) Record {
	s.mu.Lock()
	e.busy = false
	r := e.clone()
	s.mu.Unlock()
	s.cfg.Changed(r)
	s.log(r)
	s.wake()
	return r
}

// upload copies the file to where it can be read from any place in it.
func (s *Store) upload(ctx context.Context, name string, in io.Reader) error {
	out, err := s.fs.Create(name)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(checked{ctx, in}, s.cfg.MaxUpload+1))
	if e := out.Close(); err == nil {
		err = e
	}
	if err == nil && n > s.cfg.MaxUpload {
		err = fmt.Errorf("%w: more than %d octets", ErrTooLarge, s.cfg.MaxUpload)
	}
	return err
}

// checked reads until its context ends.
type checked struct {
	ctx context.Context
	in  io.Reader
}

func (c checked) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.in.Read(p)
}

// convert makes the pages of a file what the line carries. A picture may need much memory
// for a moment: one file at a time.
func (s *Store) convert(ctx context.Context, e *entry, upload, dir string) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	d, err := document.Open(ctx, upload, s.cfg.Poppler)
	if err != nil {
		return refused(ctx, locked(upload, unnamed(err)))
	}
	defer func() { _ = d.Close() }() // it was only read
	if d.Pages() > s.cfg.MaxPages {
		return fmt.Errorf("%w: %d, %d at most", ErrTooManyPages, d.Pages(), s.cfg.MaxPages)
	}
	return s.write(e, dir, func(w *tiff.Writer) (int, error) {
		for n := range d.Pages() {
			if err := s.page(ctx, w, d, n); err != nil {
				return 0, err
			}
		}
		return d.Pages(), nil
	})
}

// unnamed takes the name of our own copy out of an error.
func unnamed(err error) error {
	if inner := errors.Unwrap(err); inner != nil && strings.Contains(err.Error(), uploadFile) {
		return inner
	}
	return err
}

// locked says that a file is encrypted, where pdftoppm says of it what it likes.
func locked(name string, err error) error {
	f, e := os.Open(name)
	if e != nil {
		return err
	}
	defer f.Close()
	info, e := f.Stat()
	if e != nil {
		return err
	}
	if _, e = pdf.Open(f, info.Size()); errors.Is(e, pdf.ErrEncrypted) && !errors.Is(err, e) {
		return fmt.Errorf("%w (%w)", e, err)
	}
	return err
}

// refused says that the file is the cause.
func refused(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrDocument, err)
}

// write writes the document of a fax, of n pages, which makes it one that waits for its delivery.
func (s *Store) write(e *entry, dir string, pages func(w *tiff.Writer) (n int, err error)) error {
	out, err := s.fs.Create(filepath.Join(dir, documentFile))
	if err != nil {
		return err
	}
	n, err := writePages(bounded{out, s, e}, pages)
	if err == nil {
		err = out.Sync()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	s.queued(e, n)
	return nil
}

func writePages(out io.WriterAt, pages func(w *tiff.Writer) (int, error)) (int, error) {
	w, err := tiff.NewWriter(out)
	if err != nil {
		return 0, err
	}
	n, err := pages(w)
	if err != nil {
		return 0, err
	}
	return n, w.Close()
}

// page turns one page of a file into one of the fax, of its own size and resolution.
func (s *Store) page(ctx context.Context, w *tiff.Writer, d *document.Document, n int) error {
	paper, resolution := d.Natural(n)
	o := document.Options{Columns: paper.Columns(resolution), Resolution: resolution}
	p, err := d.Page(ctx, n, o)
	if err != nil {
		return refused(ctx, pages.OnPage(n, err))
	}
	defer func() { _ = p.Close() }() // all that was wanted of it has been read
	c := s.pageConfig(o.Columns, resolution)
	if err := w.BeginPage(c); err != nil {
		return err
	}
	rows := &source{ctx: ctx, rows: p}
	if _, err := t4.Copy(w, rows, o.Columns); err != nil {
		if rows.err != nil {
			return refused(ctx, pages.OnPage(n, err))
		}
		return err
	}
	return w.EndPage()
}

func (s *Store) pageConfig(columns int, r t4.Resolution) tiff.PageConfig {
	c := tiff.PageConfig{Columns: columns, Coding: t4.MMR, Software: s.cfg.Software, DateTime: s.cfg.Now().Format("2006:01:02 15:04:05")}
	c.XDPI, c.YDPI = r.DPI()
	return c
}

// source gives rows until its context ends, and remembers what was wrong with them.
type source struct {
	ctx  context.Context
	rows t4.RowReader
	err  error
}

func (r *source) ReadRow(row []byte) error {
	err := r.ctx.Err()
	if err == nil {
		err = r.rows.ReadRow(row)
	}
	if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.err = err
	}
	return err
}
