package fetch

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// read takes an answer off its connection, the body only where it is a file. whole says
// that the caller will know whether it is, by a digest.
//
// A body that ends with its connection can be cut by whoever cuts that, and TLS, as
// crypto/tls reads it, does not tell. Over HTTPS, which promises that nobody on the way
// changes a file, such a body is taken only where a digest or gzip's own sum tells.
func read(res *http.Response, whole bool) (answer, error) {
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.status != http.StatusOK {
		return a, nil
	}
	endless := res.ContentLength < 0 && len(res.TransferEncoding) == 0
	if endless && res.TLS != nil && !whole && res.Header.Get("Content-Encoding") == "" {
		return a, fmt.Errorf("%w, perhaps: the server tells no length, so nobody can say", ErrCut)
	}
	body, err := readBody(res)
	if err != nil {
		return a, err
	}
	a.body, err = unpack(body, res.Header.Values("Content-Encoding"))
	return a, err
}

func readBody(res *http.Response) ([]byte, error) {
	if res.ContentLength > maxWire {
		return nil, fmt.Errorf("%w: %d octets announced, want %d at most", ErrTooBig, res.ContentLength, maxWire)
	}
	body, err := readAtMost(res.Body, maxWire, int(res.ContentLength))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && res.ContentLength > 0:
		return nil, fmt.Errorf("%w: %d octets of %d", ErrCut, len(body), res.ContentLength)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w after %d octets", ErrCut, len(body))
	case err != nil:
		return nil, fmt.Errorf("after %d octets: %w", len(body), err)
	case len(body) > maxWire:
		return nil, fmt.Errorf("%w: more than %d octets", ErrTooBig, maxWire)
	}
	return body, nil
}

// unpack undoes Content-Encoding, gzip alone and once, and never makes more than the
// limits out of it.
func unpack(body []byte, encodings []string) ([]byte, error) {
	switch encoding := strings.ToLower(strings.TrimSpace(strings.Join(encodings, ","))); encoding {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
	default:
		return nil, fmt.Errorf("Content-Encoding %q was not asked for", short(encoding))
	}
	packed, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", cut(err))
	}
	limit := min(maxUnpacked, maxRatio*len(body))
	// RFC 1952 section 2.3.1: the last four octets are the size unpacked.
	data, err := readAtMost(packed, limit, int(binary.LittleEndian.Uint32(body[len(body)-4:])))
	switch {
	case len(data) > limit:
		return nil, fmt.Errorf("%w: more than %d octets unpacked from %d", ErrTooBig, limit, len(body))
	case err != nil:
		return nil, fmt.Errorf("unpacking: %w", cut(err))
	}
	return data, nil
}

// readAtMost reads all, or one octet more than the limit. It makes room for hint octets at
// first, so that a file is not copied while it grows.
func readAtMost(r io.Reader, limit, hint int) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, max(0, min(hint, limit))+bytes.MinRead))
	_, err := b.ReadFrom(io.LimitReader(r, int64(limit)+1))
	return b.Bytes(), err
}

func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return ErrCut
	}
	return err
}

// isHTML tells a web page by what its server calls it, or by how it begins: no
// configuration file of any maker begins so.
func isHTML(contentType string, data []byte) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "text/html", "application/xhtml+xml":
		return true
	}
	const enough = 2048
	text := string(bytes.ToLower(data[:min(len(data), enough)]))
	text = strings.TrimPrefix(text, "\xef\xbb\xbf")
	for {
		text = strings.TrimLeft(text, " \t\r\n\f\v\x00")
		rest, ok := "", false
		if strings.HasPrefix(text, "<!--") {
			_, rest, ok = strings.Cut(text, "-->")
		} else if strings.HasPrefix(text, "<?") {
			_, rest, ok = strings.Cut(text, "?>")
		}
		if !ok {
			break
		}
		text = rest
	}
	for _, start := range []string{"<!doctype html", "<html", "<head", "<body", "<script", "<title", "<meta"} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}
