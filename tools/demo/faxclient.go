package demo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strconv"
)

// A faxStatus is what the story wants to know of /faxes/{id}.
type faxStatus struct {
	ID        string
	Direction string
	Kind      string
	Port      int
	Peer      string
	State     string
	Pages     []struct{ Rate int }
	Rate      int
	ECM       bool
	Transport string
	Error     string
}

// how tells by what a fax went.
func (f *faxStatus) how() string {
	ecm := "without ECM"
	if f.ECM {
		ecm = "with ECM"
	}
	way := map[string]string{"t38": "T.38", "audio": "sound"}[f.Transport]
	return fmt.Sprintf("by %s at %d bit/s %s", cmp.Or(way, f.Transport), f.Rate, ecm)
}

// sendFax hands a document to the agent, as tipring fax send does, and returns its id.
func (c *client) sendFax(ctx context.Context, port int, to, name string, document []byte) (string, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	err := errors.Join(form.WriteField("port", strconv.Itoa(port)), form.WriteField("to", to))
	file, e := form.CreateFormFile("file", filepath.Base(name))
	if err = errors.Join(err, e); err == nil {
		_, e = file.Write(document)
		err = errors.Join(e, form.Close())
	}
	if err != nil {
		return "", err
	}
	answer, err := c.ask(ctx, http.MethodPost, "/api/v1/faxes", form.FormDataContentType(), body.Bytes())
	if err != nil {
		return "", err
	}
	return idOf(answer)
}

// faxes are all faxes that the agent knows of, the newest first.
func (c *client) faxes(ctx context.Context) (all []faxStatus, err error) {
	err = c.do(ctx, http.MethodGet, "/api/v1/faxes", nil, &all)
	return all, err
}

// faxDocument is what the agent keeps of a fax: document.tiff, document.pdf or pages/1.png.
func (c *client) faxDocument(ctx context.Context, id, view string) ([]byte, error) {
	return c.ask(ctx, http.MethodGet, "/api/v1/faxes/"+id+"/"+view, "", nil)
}

// calledNumber is what the agent remembers of a number: success, or voice_error.
func (c *client) calledNumber(ctx context.Context, number string) (string, error) {
	var all []struct{ Number, Result string }
	if err := c.do(ctx, http.MethodGet, "/api/v1/call-ahead", nil, &all); err != nil {
		return "", err
	}
	for _, n := range all {
		if n.Number == number {
			return n.Result, nil
		}
	}
	return "", fmt.Errorf("the agent remembers nothing of %s", number)
}

// idOf is the id in the answer to a document.
func idOf(answer []byte) (string, error) {
	var made struct{ ID string }
	if err := json.Unmarshal(answer, &made); err != nil {
		return "", err
	}
	return made.ID, nil
}
