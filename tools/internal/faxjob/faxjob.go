// Package faxjob is what the bench tools that send and receive faxes have in common: their
// options, the file that is sent or made, and the JSON line that says how it went.
package faxjob

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"tipring/t38/pages"
	"tipring/t38/t30"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
)

// Options are those of every tool.
type Options struct {
	Send, Recv string // the file; one of them is empty
	ECM        int
	Rate       int // bit/s
	Ident      string
	TimeoutS   int
}

// Flags adds the options to a command line.
func (o *Options) Flags(f *flag.FlagSet) {
	f.StringVar(&o.Send, "send", "", "the document to send: TIFF, PDF, PNG or JPEG")
	f.StringVar(&o.Recv, "recv", "", "the TIFF file to receive into")
	f.IntVar(&o.ECM, "ecm", 1, "error correction: 0 or 1")
	f.IntVar(&o.Rate, "rate", 14400, "the highest rate in bit/s")
	f.StringVar(&o.Ident, "ident", "", "own number: up to 20 of "+identCharacters)
	f.IntVar(&o.TimeoutS, "timeout", 1800, "seconds after which the call is ended")
}

// What CSI and TSI carry (T.30 clause 5.3.6.2.4 to 5.3.6.2.6).
const (
	identLength     = 20
	identCharacters = "the digits 0 to 9, + and space"
)

func notIdent(r rune) bool { return !strings.ContainsRune("0123456789+ ", r) }

// Check tells what of the options makes no sense.
func (o *Options) Check() error {
	switch {
	case (o.Send == "") == (o.Recv == ""):
		return errors.New("want --send FILE or --recv FILE")
	case o.ECM != 0 && o.ECM != 1:
		return fmt.Errorf("--ecm %d: want 0 or 1", o.ECM)
	case o.Rate < 2400 || o.Rate > 14400:
		return fmt.Errorf("--rate %d: want 2400 to 14400", o.Rate)
	case len(o.Ident) > identLength || strings.ContainsFunc(o.Ident, notIdent):
		return fmt.Errorf("--ident %q: want up to %d of %s", o.Ident, identLength, identCharacters)
	case o.TimeoutS < 1 || o.TimeoutS > 86400:
		return fmt.Errorf("--timeout %d: want 1 to 86400", o.TimeoutS)
	}
	return nil
}

// A Job is a document on its way.
type Job struct {
	T30 *t30.Terminal

	out    *output
	doc    *document.Document
	source *pages.Source
	sink   *pages.Sink
}

// Open opens the file and makes a terminal, which calls if it sends and has not been started.
// change, if it is not nil, has the last word on what the terminal may do. An error is a Failure.
func (o *Options) Open(ctx context.Context, change func(*t30.Config)) (*Job, error) {
	j := &Job{}
	c := t30.Config{
		Calling: o.Send != "", ECM: o.ECM == 1, MaxBitRate: o.Rate, Ident: o.Ident,
		MaxWidth: t30.A3Width, MaxLength: t30.Unlimited, // a file has any
		Timers: t30.Timers{Call: int64(o.TimeoutS) * t30.SampleRate},
	}
	if err := j.open(ctx, o, &c); err != nil {
		return nil, err
	}
	if change != nil {
		change(&c)
	}
	var err error
	j.T30, err = t30.New(c)
	return j, err
}

func (j *Job) open(ctx context.Context, o *Options, c *t30.Config) (err error) {
	if o.Send != "" {
		if j.doc, err = document.Open(ctx, o.Send, pdf.Poppler{}); err != nil {
			return Failure{t30.SourceError, err}
		}
		j.source = pages.NewSource(ctx, j.doc)
		c.Source = j.source
		return nil
	}
	if j.out, err = newOutput(o.Recv); err != nil {
		return Failure{t30.SinkError, err}
	}
	if j.sink, err = pages.NewSink(j.out); err != nil {
		return Failure{t30.SinkError, err}
	}
	j.sink.Software, j.sink.Now = "tipring", time.Now
	c.Sink = j.sink
	return nil
}

// A Failure is what ended a job outside the procedure.
type Failure struct {
	Code t30.Code
	Err  error
}

func (f Failure) Error() string { return fmt.Sprintf("%v: %v", f.Code, f.Err) }

// Unwrap returns Err.
func (f Failure) Unwrap() error { return f.Err }

// Close hangs up if the call is still on, closes the file and says how it went. A received
// file without pages is removed; one that was there before stays as it was.
func (j *Job) Close() Report {
	j.T30.LineLost()
	r := newReport(j.T30.Result())
	if j.source != nil {
		r.explain(t30.SourceError, j.source.Err())
		j.source.Close()
		_ = j.doc.Close() // was read only
		return r
	}
	r.explain(t30.SinkError, j.sink.Err())
	r.BadRows = j.sink.BadRows()
	r.fail(j.closeFile())
	return r
}

func (j *Job) closeFile() error {
	if j.sink.Pages() == 0 {
		return j.out.drop()
	}
	err := j.sink.Close()
	if failure := j.out.Close(); err == nil {
		err = failure
	}
	return err
}

// A Report is the JSON line of a tool.
type Report struct {
	OK          bool     `json:"ok"`
	Code        t30.Code `json:"code"`
	Text        string   `json:"text"`
	Pages       int      `json:"pages"` // confirmed
	Rate        int      `json:"rate"`  // bit/s
	ECM         bool     `json:"ecm"`
	ECMRetries  int      `json:"ecm_retries"` // partial pages that were repaired, each time
	BadRows     int      `json:"bad_rows"`    // in the received file
	RemoteIdent string   `json:"remote_ident"`
}

func newReport(r t30.Result) Report {
	return Report{
		OK: r.Code == t30.OK, Code: r.Code, Text: r.Code.String(), Pages: r.Sent + r.Received, Rate: r.BitRate,
		ECM: r.ECM, ECMRetries: r.Repairs, RemoteIdent: r.Peer.Ident,
	}
}

// Failed is the report of a job that came to no call.
func Failed(err error) Report {
	f := Failure{Code: t30.LineLost}
	errors.As(err, &f)
	return Report{Code: f.Code, Text: err.Error()}
}

// Explain adds to the text why a call ended with a code, if it did.
func (r *Report) Explain(err error) { r.explain(t30.LineLost, err) }

func (r *Report) explain(c t30.Code, err error) {
	if r.Code == c && err != nil {
		r.Text += ": " + err.Error()
	}
}

// fail makes the report one of a file that could not be stored.
func (r *Report) fail(err error) {
	if err != nil && r.OK {
		r.OK, r.Code, r.Text = false, t30.SinkError, Failure{t30.SinkError, err}.Error()
	}
}

// Write writes the line.
func (r *Report) Write(out io.Writer) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", line)
	return err
}

// Main is the main function of a tool that run is: interrupts end its context.
func Main(run func(ctx context.Context, args []string, out, notes io.Writer) (status int)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// Status says how a tool went and returns its exit status: 0, 1 if the job went wrong, or 2 if
// err tells that the command line makes no sense.
func Status(tool string, do func() (Report, error), out, notes io.Writer) int {
	r, err := do()
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 2
	case err != nil:
		fmt.Fprintf(notes, "%s: %v\n", tool, err)
		return 2
	}
	if err := r.Write(out); err != nil || !r.OK {
		return 1
	}
	return 0
}
