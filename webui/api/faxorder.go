package api

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxDocument = 64 << 20 // octets of a document
	maxOrder    = maxDocument + 64<<10
	orderWait   = 10 * time.Minute // how long it may take to come
	maxPart     = 4 << 10          // octets of a field beside the document

	maxUploads = 2       // documents that may come in at once
	spareDisk  = 4 << 20 // octets that a document leaves free: what the device has to keep goes before
	uploadStep = 1 << 20 // octets between two looks at what is free
)

// order reads a multipart/form-data body (RFC 7578) with the fields port or line, to and file. A form
// with one control for both has by, which is "port 3" or "line 1".
// The file is kept on disk, under no name: what ends the process removes it.
func (h faxRoutes) order(w http.ResponseWriter, r *http.Request) (o FaxOrder, p *Problem) {
	if _, free := h.faxes.UploadDir(); free < spareDisk+max(r.ContentLength, 0) {
		return o, noRoom()
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(orderWait))
	parts, err := r.MultipartReader()
	if err != nil {
		return o, problem(http.StatusUnsupportedMediaType, "wanted Content-Type: multipart/form-data with the fields port or line, to and file")
	}
	defer func() {
		if p != nil && o.File != nil {
			o.File.Close()
		}
	}()
	seen := map[string]bool{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return o, partProblem(err)
		}
		name := part.FormName()
		if seen[name] {
			return o, memberProblem(name, fmt.Sprintf("%.60q stands there twice: wanted it once", name))
		}
		seen[name] = true
		if p := h.takePart(&o, name, part); p != nil {
			return o, p
		}
	}
	return o, o.lacks(seen)
}

// takePart puts one field where it belongs.
func (h faxRoutes) takePart(o *FaxOrder, name string, part *multipart.Part) *Problem {
	if name == "file" {
		return h.takeFile(o, part)
	}
	text, p := partText(name, part)
	if p != nil {
		return p
	}
	switch name {
	case "to":
		o.To = text
	case "port":
		return partNumber(&o.Port, name, text)
	case "line":
		return partNumber(&o.Line, name, text)
	case "by":
		what, number, _ := strings.Cut(text, " ")
		switch what {
		case "port":
			return partNumber(&o.Port, name, number)
		case "line":
			return partNumber(&o.Line, name, number)
		}
		return wrong(name, fmt.Sprintf("by is %.40q: wanted port 3 or line 1", text))
	default:
		return memberProblem(name, fmt.Sprintf("there is no field %.60q: wanted port or line, to and file", name))
	}
	return nil
}

// takeFile keeps the document.
func (h faxRoutes) takeFile(o *FaxOrder, part *multipart.Part) *Problem {
	dir, _ := h.faxes.UploadDir()
	f, err := os.CreateTemp(dir, ".upload-*")
	if err != nil {
		return problem(http.StatusInternalServerError, "the document cannot be kept: "+err.Error())
	}
	o.File, o.Name = f, part.FileName()
	if err := os.Remove(f.Name()); err != nil {
		return problem(http.StatusInternalServerError, "the document cannot be kept: "+err.Error())
	}
	n, err := h.copy(f, part)
	switch {
	case errors.Is(err, errNoRoom):
		return noRoom()
	case err != nil && errors.As(err, new(*os.PathError)):
		return problem(http.StatusInsufficientStorage, "the document cannot be kept: "+err.Error())
	case err != nil:
		return partProblem(err)
	case n == 0:
		return wrong("file", "file is empty: wanted a PDF, TIFF, PNG or JPEG document")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return problem(http.StatusInternalServerError, err.Error())
	}
	return nil
}

var errNoRoom = errors.New("no room")

func noRoom() *Problem {
	return problem(http.StatusInsufficientStorage, "the device has no room for this document: delete faxes that nobody needs")
}

// copy keeps a document as long as there is room for it.
func (h faxRoutes) copy(f *os.File, part io.Reader) (n int64, err error) {
	for {
		if _, free := h.faxes.UploadDir(); free < spareDisk {
			return n, errNoRoom
		}
		more, err := io.CopyN(f, part, uploadStep)
		n += more
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// partText reads a field that is no file.
func partText(name string, part *multipart.Part) (string, *Problem) {
	text, err := io.ReadAll(io.LimitReader(part, maxPart+1))
	switch {
	case err != nil:
		return "", partProblem(err)
	case len(text) > maxPart:
		return "", memberProblem(name, fmt.Sprintf("%.60q has more than %d octets", name, maxPart))
	case !utf8.Valid(text):
		return "", memberProblem(name, fmt.Sprintf("%.60q is not UTF-8 text", name))
	}
	return string(text), nil
}

func partNumber(into *int, name, text string) *Problem {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || strconv.Itoa(n) != text {
		return wrong(name, fmt.Sprintf("%s is %.40q: wanted its number", name, text))
	}
	*into = n
	return nil
}

// partProblem tells why a body could not be read.
func partProblem(err error) *Problem {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("a document has at most %d octets", maxDocument))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "the document did not come in time")
	}
	return problem(http.StatusBadRequest, fmt.Sprintf("the body is not multipart/form-data: %.200s", err))
}

// lacks tells what is missing, or too much.
func (o *FaxOrder) lacks(seen map[string]bool) *Problem {
	switch {
	case seen["port"] && seen["line"], !seen["by"] && !seen["port"] && !seen["line"], seen["by"] && (seen["port"] || seen["line"]):
		return wrong("port", "either port or line is wanted: the fax port that sends, or the line")
	case o.To == "":
		return wrong("to", "to is missing: wanted the number to send to")
	case o.File == nil:
		return wrong("file", "file is missing: wanted a PDF, TIFF, PNG or JPEG document")
	}
	return nil
}
