package api

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"time"
)

// A Form is what the pages of one kind take in a body.
type Form struct {
	Max int64 // octets

	// Upload leaves the body to the page, which takes documents in it (multipart/form-data).
	// Without it the body is application/x-www-form-urlencoded, and read before the page
	// sees the request.
	Upload bool
}

// What pages with documents take.
const (
	MaxFaxForm    = maxOrder
	MaxBackupForm = maxBackup
)

const (
	maxForm    = 16 << 10
	uploadWait = 10 * time.Minute // how long a document may take to come
)

// takeForm reads the form of a page. What is none is refused before anything is kept of it:
// net/http would put the parts of a multipart body that it has no room for on the disk.
func (a *API) takeForm(w http.ResponseWriter, r *http.Request, upload bool) *Problem {
	c := http.NewResponseController(w)
	if upload {
		_ = c.SetReadDeadline(time.Now().Add(uploadWait)) // a connection without one is a test's
		return nil
	}
	if given := r.Header.Get("Content-Type"); given != "" || r.ContentLength > 0 {
		if media, _, err := mime.ParseMediaType(given); err != nil || media != "application/x-www-form-urlencoded" {
			return problem(http.StatusUnsupportedMediaType, fmt.Sprintf("the body is %.100q: wanted a form, application/x-www-form-urlencoded", given))
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(a.bodyWait))
	err := r.ParseForm()
	var tooLong *http.MaxBytesError
	switch {
	case err == nil:
		_ = c.SetReadDeadline(time.Time{}) // the answer may take longer
		return nil
	case errors.As(err, &tooLong):
		return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("a form has at most %d octets here", tooLong.Limit))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "the form did not come in time")
	}
	return problem(http.StatusBadRequest, "the form did not arrive, or is none")
}
