package pdf

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"tipring/t38/t4/picture"
)

// ErrNoPoppler is the error of a page that needs a renderer where none is installed.
var ErrNoPoppler = errors.New("pdf: a page that is more than one image needs the program pdftoppm: install the package poppler-utils")

// Poppler draws pages with the programs pdfinfo and pdftoppm. They get the open file as
// descriptor 3 and fixed arguments; no shell, no name of a file and nothing of the environment reaches
// them. What they may use has limits (Limits, on Linux), and Timeout ends them.
type Poppler struct {
	Timeout time.Duration // of a page; 0: a minute
	Limits  Limits        // 0: DefaultLimits
}

// Limits are what a renderer may use.
type Limits struct {
	MemoryMB   int // address space
	CPUSeconds int
}

// DefaultLimits are enough for pages of office programs.
var DefaultLimits = Limits{MemoryMB: 512, CPUSeconds: 30}

const (
	defaultTimeout = time.Minute
	descriptor     = "/dev/fd/3" // of the file, in the program
	outputMost     = 1 << 16     // octets of pdfinfo
	complaintMost  = 200         // octets of a program's complaint that are reported
	notOpened      = 1           // the programs' exit status, where the file is not to be read
)

// Size is the number of pages of a file, and the size of one of them in thousandths of a point.
type Size struct{ Pages, Width, Height int }

// Size asks for the size of page n, the first is 0.
func (p Poppler) Size(ctx context.Context, file *os.File, n int) (Size, error) {
	number := strconv.Itoa(n + 1)
	run, err := p.start(ctx, file, "pdfinfo", "-f", number, "-l", number, descriptor)
	if err != nil {
		return Size{}, err
	}
	octets, err := io.ReadAll(io.LimitReader(run.out, outputMost))
	if failure := run.finish(); failure != nil {
		err = failure
	}
	if err != nil {
		return Size{}, err
	}
	return parseInfo(string(octets))
}

// parseInfo reads what pdfinfo prints: "Pages: 3", "Page 1 size: 595.28 x 841.89 pts (A4)" and
// "Page 1 rot: 90".
func parseInfo(s string) (size Size, err error) {
	turned := false
	for line := range strings.Lines(s) {
		key, value, _ := strings.Cut(line, ":")
		f := strings.Fields(value)
		switch {
		case len(f) == 0:
		case key == "Pages":
			size.Pages, err = strconv.Atoi(f[0])
		case strings.HasPrefix(key, "Page ") && strings.HasSuffix(key, " size") && len(f) >= 3:
			w, errW := strconv.ParseFloat(f[0], 64)
			h, errH := strconv.ParseFloat(f[2], 64)
			if errW != nil || errH != nil || !(w > 0 && w <= mostPoints && h > 0 && h <= mostPoints) {
				return size, fmt.Errorf("pdf: pdfinfo: a page of %s x %s points", f[0], f[2])
			}
			size.Width, size.Height = thousandths(w), thousandths(h)
		case strings.HasPrefix(key, "Page ") && strings.HasSuffix(key, " rot"):
			turned = f[0] == "90" || f[0] == "270"
		}
	}
	if err != nil || size.Pages < 1 || size.Pages > MaxPages || size.Width == 0 {
		return size, fmt.Errorf("pdf: pdfinfo: %d pages, the page of %d x %d", size.Pages, size.Width, size.Height)
	}
	if turned {
		size.Width, size.Height = size.Height, size.Width
	}
	return size, nil
}

// Draw draws page n, the first is 0, in so many pels. Close ends the program, also before
// all rows are read.
func (p Poppler) Draw(ctx context.Context, file *os.File, n, columns, rows int) (*Drawing, error) {
	if columns < 1 || rows < 1 || columns > maxSide || rows > maxSide {
		return nil, fmt.Errorf("pdf: a drawing of %d x %d pels", columns, rows)
	}
	number := strconv.Itoa(n + 1)
	run, err := p.start(ctx, file, "pdftoppm", "-gray", "-aa", "no", "-aaVector", "no", "-cropbox",
		"-f", number, "-l", number, "-scale-to-x", strconv.Itoa(columns), "-scale-to-y", strconv.Itoa(rows), descriptor)
	if err != nil {
		return nil, err
	}
	d := &Drawing{run: run, in: bufio.NewReaderSize(run.out, 4096)}
	if err := d.header(); err != nil {
		return nil, run.giveUp(err)
	}
	return d, nil
}

// A Drawing is a page as pdftoppm draws it, row by row.
type Drawing struct {
	run           *running
	in            *bufio.Reader
	width, height int
	rows          int
}

// header reads "P5 width height 255".
func (d *Drawing) header() error {
	var magic string
	var most int
	if _, err := fmt.Fscanf(d.in, "%2s\n%d %d\n%d", &magic, &d.width, &d.height, &most); err != nil {
		return fmt.Errorf("pdf: pdftoppm: %w", end(err))
	}
	if c, err := d.in.ReadByte(); err != nil || c != '\n' {
		return errors.New("pdf: pdftoppm: not a grey map")
	}
	if magic != "P5" || most != 255 || d.width < 1 || d.height < 1 || d.width > maxSide || d.height > maxSide {
		return fmt.Errorf("pdf: pdftoppm: a map %q of %d x %d pels and %d tones", magic, d.width, d.height, most)
	}
	return nil
}

// Width returns the number of pels in a row, which is what Draw asked for or nearly so.
func (d *Drawing) Width() int { return d.width }

// Height returns the number of rows.
func (d *Drawing) Height() int { return d.height }

// ReadGrey gives the next row, and io.EOF behind the last.
func (d *Drawing) ReadGrey(row []byte) error {
	if d.rows == d.height {
		return io.EOF
	}
	if _, err := io.ReadFull(d.in, row[:d.width]); err != nil {
		return d.run.giveUp(fmt.Errorf("pdf: pdftoppm: row %d of %d: %w", d.rows+1, d.height, end(err)))
	}
	d.rows++
	return nil
}

// Close ends the program, whether all rows were read or not.
func (d *Drawing) Close() error {
	d.run.kill()
	return nil
}

var _ picture.Grey = (*Drawing)(nil)

// running is a program that was started.
type running struct {
	name      string
	cmd       *exec.Cmd
	out       io.ReadCloser
	complaint complaint
	ctx       context.Context
	cancel    context.CancelFunc
	finished  bool
	err       error
}

// start starts a program.
func (p Poppler) start(ctx context.Context, file *os.File, program string, args ...string) (*running, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", ErrNoPoppler, err)
	}
	timeout, limits := p.Timeout, p.Limits
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if limits == (Limits{}) {
		limits = DefaultLimits
	}
	r := &running{name: program}
	r.ctx, r.cancel = context.WithTimeout(ctx, timeout)
	r.cmd = exec.CommandContext(r.ctx, path, args...)
	r.cmd.Env = []string{"HOME=/nonexistent", "LC_ALL=C"}
	r.cmd.ExtraFiles = []*os.File{file}
	r.cmd.Stderr = &r.complaint
	r.cmd.WaitDelay = time.Second
	if r.out, err = r.cmd.StdoutPipe(); err == nil {
		err = r.cmd.Start()
	}
	if err == nil {
		err = confine(r.cmd.Process.Pid, limits)
		if err != nil {
			r.kill()
		}
	}
	if err != nil {
		r.cancel()
		return nil, fmt.Errorf("pdf: %s: %w", program, err)
	}
	return r, nil
}

// finish waits for the program and returns its failure.
func (r *running) finish() error {
	if r.finished {
		return r.err
	}
	r.finished = true
	err := r.cmd.Wait()
	if err != nil {
		if r.ctx.Err() != nil {
			err = r.ctx.Err()
		}
		r.err = fmt.Errorf("pdf: %s: %w%s", r.name, err, r.complaint.text())
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == notOpened && !r.complaint.about("password") {
			r.err = fmt.Errorf("pdf: this PDF is damaged and cannot be opened: print or export it again (%s: %w%s)", r.name, err, r.complaint.text())
		}
	}
	r.cancel()
	return r.err
}

// giveUp returns why the output is not what it should be: the program's failure, if it
// ended too early.
func (r *running) giveUp(err error) error {
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		r.kill()
		return err
	}
	if failure := r.finish(); failure != nil {
		return failure
	}
	return err
}

// kill ends the program, if it has not ended, and waits for it.
func (r *running) kill() {
	r.cancel()
	_ = r.finish()
}

// complaint keeps the beginning of what a program says about its failure.
type complaint struct{ said []byte }

func (c *complaint) Write(p []byte) (int, error) {
	c.said = append(c.said, p[:min(complaintMost-len(c.said), len(p))]...)
	return len(p), nil
}

// about reports a complaint with a word.
func (c *complaint) about(word string) bool { return strings.Contains(string(c.said), word) }

// text is the first line, printable, to its last whole word.
func (c *complaint) text() string {
	said, _, whole := strings.Cut(strings.TrimSpace(string(c.said)), "\n")
	if i := strings.LastIndexByte(said, ' '); !whole && len(c.said) == complaintMost && i > 0 {
		said = said[:i]
	}
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, said)
	if s == "" {
		return ""
	}
	return ": " + s
}
