package fax

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

// A head keeps the beginning of what is read through it: the fields of the form in front of the
// document.
type head struct {
	io.Reader
	kept bytes.Buffer
}

const maxHead = 8 << 10

// Read implements io.Reader.
func (h *head) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if room := maxHead - h.kept.Len(); room > 0 {
		h.kept.Write(p[:min(n, room)])
	}
	return n, err
}

// order is what the form said, as far as it is in front of the document.
func (h *head) order(r *http.Request) (o order) {
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return o
	}
	parts := multipart.NewReader(&h.kept, parameters["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil || part.FileName() != "" {
			return o
		}
		text, err := io.ReadAll(io.LimitReader(part, 100))
		switch {
		case err != nil:
			return o
		case part.FormName() == "to":
			o.to = string(text)
		case part.FormName() == "by":
			o.by = string(text)
		}
	}
}
