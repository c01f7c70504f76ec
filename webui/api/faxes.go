package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
)

// Faxes is the faxes of a device: running ones, those that wait, and what came of the others.
// Errors are as for a Device.
type Faxes interface {
	Faxes() []Fax // newest first
	Fax(id string) (Fax, bool)
	CalledNumbers() []CalledNumber // newest first

	// SendFax takes a document. When it returns, the fax survives a power cut.
	SendFax(ctx context.Context, o FaxOrder) (id string, err error)
	CancelFax(ctx context.Context, id string) error
	// ResendFax sends the pages of a fax that is over again, to where it went or to another number.
	ResendFax(ctx context.Context, id, to string) (again string, err error)
	ForgetFax(id string) error // one that is over, with its pages
	ForgetNumber(number string) error

	// FaxDocument writes the pages of a fax, as the view is named: tiff pdf.
	FaxDocument(ctx context.Context, id, view string, w io.Writer) error
	// FaxPage writes a page as PNG; n from 1. It is smaller by scale: 1, 2, 4 or 8.
	FaxPage(ctx context.Context, id string, n, scale int, w io.Writer) error

	// UploadDir is where documents are kept while they come in, and how many octets are free there.
	UploadDir() (dir string, free int64)
}

// A FaxOrder is a document to be sent.
type FaxOrder struct {
	Port, Line int // one of them; the other is 0
	To         string
	Name       string // of the file, as its sender calls it; may be empty
	File       *os.File
}

// Fax is /faxes/{id}.
type Fax struct {
	ID        string    `json:"id"`
	Direction string    `json:"direction"` // in out
	Kind      string    `json:"kind"`      // relay document machine mailbox deliver notice
	Port      *int      `json:"port"`
	Line      *int      `json:"line"`
	Peer      Text      `json:"peer"`
	State     string    `json:"state"` // queued probing dialling sending receiving delivering sent received failed cancelled
	Tries     int       `json:"tries"`
	NextTry   Time      `json:"next_try"`
	Pages     []FaxPage `json:"pages"`
	PageCount *int      `json:"page_count"` // of the document; null: not known yet
	Rate      *int      `json:"rate"`       // bit/s
	ECM       *bool     `json:"ecm"`
	Transport Text      `json:"transport"` // t38 audio
	RemoteID  Text      `json:"remote_id"`
	Error     Text      `json:"error"`

	CalledNumberResult Text `json:"called_number_result"` // success fax_error voice_error
	Uncertain          bool `json:"uncertain"`            // it may have been delivered twice: see the documentation of the state directory
	Created            Time `json:"created"`
	Ended              Time `json:"ended"`
	SIPCallID          Text `json:"sip_call_id"` // of the last call

	Progress *FaxProgress `json:"progress"` // null: no page is on its way
	Pictures []int        `json:"pictures"` // pages of which /pages/{n}.png shows something now
	Document bool         `json:"document"` // its pages are kept, to be saved or sent again
}

// Over reports a fax of which nothing more happens by itself.
func (f Fax) Over() bool {
	return slices.Contains([]string{"sent", "received", "failed", "cancelled"}, f.State)
}

// FaxProgress is how far the page has come that is on its way.
type FaxProgress struct {
	Page int  `json:"page"`
	Rows int  `json:"rows"`
	Of   *int `json:"of"` // null: not known before the page is over
}

// FaxPage is how one page went.
type FaxPage struct {
	N          int    `json:"n"`
	Result     string `json:"result"` // confirmed rejected lost
	Rows       *int   `json:"rows"`
	BadRows    int    `json:"bad_rows"`
	Rate       *int   `json:"rate"`
	Resolution Text   `json:"resolution"`
	ECMRepairs int    `json:"ecm_repairs"`
	What       Text   `json:"what"` // what was done about it and why, as a sentence
}

// CalledNumber is what is remembered of a number that was called: /call-ahead.
type CalledNumber struct {
	Number string `json:"number"`
	Result string `json:"result"` // success fax_error voice_error
	At     Time   `json:"at"`
}

// HandleFaxes adds the routes of faxes.
func (a *API) HandleFaxes(f Faxes) {
	const v1 = "/api/v1"
	h := faxRoutes{a, f, make(chan struct{}, maxUploads)}
	a.Handle(
		Route{"GET", v1 + "/faxes", User, h.list},
		Route{"GET", v1 + "/faxes/{id}", User, h.one},
		Route{"DELETE", v1 + "/faxes/{id}", User, h.cancel},
		Route{"POST", v1 + "/faxes/{id}/resend", User, h.resend},
		Route{"POST", v1 + "/faxes/{id}/forget", User, h.forget},
		Route{"GET", v1 + "/faxes/{id}/document.tiff", User, h.document("tiff", "image/tiff")},
		Route{"GET", v1 + "/faxes/{id}/document.pdf", User, h.document("pdf", "application/pdf")},
		Route{"GET", v1 + "/faxes/{id}/pages/{page}", User, h.page},
		Route{"GET", v1 + "/call-ahead", User, h.callAhead},
		Route{"DELETE", v1 + "/call-ahead/{number}", User, h.forgetNumber},
	)
	a.handle(Route{"POST", v1 + "/faxes", User, h.send}, maxOrder)
}

type faxRoutes struct {
	*API
	faxes   Faxes
	uploads chan struct{} // holds one token for each document that comes in
}

func (h faxRoutes) list(w http.ResponseWriter, r *http.Request) {
	all := list(h.faxes.Faxes())
	for i := range all {
		all[i] = all[i].whole()
	}
	h.answer(w, r, http.StatusOK, all)
}

func (h faxRoutes) callAhead(w http.ResponseWriter, r *http.Request) {
	h.answer(w, r, http.StatusOK, list(h.faxes.CalledNumbers()))
}

// named is the fax of the path; without one it has answered.
func (h faxRoutes) named(w http.ResponseWriter, r *http.Request) (Fax, bool) {
	id := r.PathValue("id")
	f, ok := h.faxes.Fax(id)
	if !ok {
		h.fail(w, r, problem(http.StatusNotFound, "there is no fax "+id))
	}
	return f.whole(), ok
}

// whole is the fax with empty lists where it has none.
func (f Fax) whole() Fax {
	f.Pages, f.Pictures = list(f.Pages), list(f.Pictures)
	return f
}

func (h faxRoutes) one(w http.ResponseWriter, r *http.Request) {
	if f, ok := h.named(w, r); ok {
		h.answer(w, r, http.StatusOK, f)
	}
}

func (h faxRoutes) cancel(w http.ResponseWriter, r *http.Request) {
	f, ok := h.named(w, r)
	if !ok {
		return
	}
	if err := h.faxes.CancelFax(r.Context(), f.ID); err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// resend sends a fax again.
func (h faxRoutes) resend(w http.ResponseWriter, r *http.Request) {
	f, ok := h.named(w, r)
	if !ok {
		return
	}
	var to string
	if !h.read(w, r, field{"to", &to}) {
		return
	}
	id, err := h.faxes.ResendFax(r.Context(), f.ID, to)
	if err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	h.answer(w, r, http.StatusAccepted, struct {
		ID string `json:"id"`
	}{id})
}

// forget drops a fax that is over.
func (h faxRoutes) forget(w http.ResponseWriter, r *http.Request) {
	if f, ok := h.named(w, r); ok {
		h.done(w, r, h.faxes.ForgetFax(f.ID))
	}
}

func (h faxRoutes) forgetNumber(w http.ResponseWriter, r *http.Request) {
	h.done(w, r, h.faxes.ForgetNumber(r.PathValue("number")))
}

func (h faxRoutes) done(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// document answers with the pages in one file.
func (h faxRoutes) document(view, media string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if f, ok := h.named(w, r); ok {
			h.file(w, r, fileAnswer{media: media, name: "fax-" + fileWord(f.ID) + "." + view}, func(out io.Writer) error { return h.faxes.FaxDocument(r.Context(), f.ID, view, out) })
		}
	}
}

// page answers with one page, which the path names N.png.
func (h faxRoutes) page(w http.ResponseWriter, r *http.Request) {
	f, ok := h.named(w, r)
	if !ok {
		return
	}
	name := r.PathValue("page")
	var n int
	if _, err := fmt.Sscanf(name, "%d.png", &n); err != nil || n < 1 || name != strconv.Itoa(n)+".png" {
		h.fail(w, r, problem(http.StatusNotFound, "there is no "+r.URL.Path+": pages are 1.png and so on"))
		return
	}
	scale := 1
	if text := r.URL.Query().Get("scale"); text != "" {
		if scale, _ = strconv.Atoi(text); !slices.Contains([]int{1, 2, 4, 8}, scale) {
			h.fail(w, r, problem(http.StatusUnprocessableEntity, fmt.Sprintf("scale is %.20q: wanted 1, 2, 4 or 8", text)))
			return
		}
	}
	h.file(w, r, fileAnswer{media: "image/png"}, func(out io.Writer) error { return h.faxes.FaxPage(r.Context(), f.ID, n, scale, out) })
}

// file answers with what write writes. A failure before its first octet is a problem; behind it
// the connection is cut, so that nobody takes a part for the whole.
func (h faxRoutes) file(w http.ResponseWriter, r *http.Request, out fileAnswer, write func(io.Writer) error) {
	out.w = w
	err := write(&out)
	switch {
	case err == nil:
		out.begin() // an empty file is one, too
	case out.begun:
		h.log.Warn("answer cut short", "path", r.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	default:
		h.fail(w, r, ProblemOf(err))
	}
}

// A fileAnswer begins its answer with the first octet.
type fileAnswer struct {
	w     http.ResponseWriter
	media string
	name  string // that a browser saves it under; empty: it shows it
	begun bool
}

func (f *fileAnswer) begin() {
	if !f.begun {
		f.begun = true
		f.w.Header().Set("Content-Type", f.media)
		if f.name != "" {
			f.w.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
		}
		f.w.WriteHeader(http.StatusOK)
	}
}

// Write writes a part of the file.
func (f *fileAnswer) Write(p []byte) (int, error) {
	f.begin()
	return f.w.Write(p)
}

// send takes a document and where it is to go.
func (h faxRoutes) send(w http.ResponseWriter, r *http.Request) {
	select {
	case h.uploads <- struct{}{}:
		defer func() { <-h.uploads }()
	default:
		w.Header().Set("Retry-After", "10")
		h.fail(w, r, problem(http.StatusTooManyRequests, "other documents are coming in: try again in a moment"))
		return
	}
	order, p := h.order(w, r)
	if p != nil {
		h.fail(w, r, p)
		return
	}
	id, err := h.faxes.SendFax(r.Context(), order)
	err = errors.Join(err, order.File.Close())
	if err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	h.answer(w, r, http.StatusAccepted, struct {
		ID string `json:"id"`
	}{id})
}
