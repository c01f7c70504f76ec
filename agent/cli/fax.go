package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tipring/webui/api"
)

// faxLook is how long --wait waits between two looks at its fax.
const faxLook = 500 * time.Millisecond

var faxesCommand = command{name: "faxes", summary: "faxes: running, waiting, sent, received", client: true, run: (*call).faxes}

var faxCommand = command{
	name:    "fax",
	args:    "send (--port N or --line N) --to NUMBER FILE | list | show ID | save ID FILE | cancel ID",
	summary: "send a document as a fax, look at faxes, keep their pages",
	nargs:   3, fewer: true, client: true,
	flags: (*call).faxFlags, run: (*call).fax,
}

// faxFlagSet is what tipring fax send is told.
type faxFlagSet struct {
	line number
	wait bool
}

func (c *call) faxFlags(set *flag.FlagSet) {
	set.Var(&c.port, "port", "send: fax port `N`")
	set.Var(&c.faxing.line, "line", "send: SIP line `N`, without a port")
	set.StringVar(&c.to, "to", "", "send: `NUMBER` to send to")
	set.BoolVar(&c.faxing.wait, "wait", false, "send: follow the fax, page by page, until it is over")
}

// fax does what its first argument says.
func (c *call) fax() error {
	if len(c.args) == 0 {
		return usageError{"send, list, show, save or cancel is wanted"}
	}
	does := map[string]struct {
		args int
		what string
		run  func(*call) error
	}{
		"send":   {1, "send what file?", (*call).faxSend},
		"list":   {0, "", (*call).faxes},
		"show":   {1, "show which fax?", (*call).faxShow},
		"save":   {2, "save which fax, to what file?", (*call).faxSave},
		"cancel": {1, "cancel which fax?", (*call).faxCancel},
	}
	verb := c.args[0]
	do, ok := does[verb]
	switch {
	case !ok:
		return usageError{fmt.Sprintf("there is no %q: send, list, show, save or cancel is wanted", verb)}
	case len(c.args)-1 < do.args:
		return usageError{do.what}
	case len(c.args)-1 > do.args:
		return usageError{fmt.Sprintf("what is %q for?", c.args[1+do.args])}
	case verb != "send" && (c.port != 0 || c.faxing != (faxFlagSet{}) || c.to != ""):
		return usageError{"--port, --line, --to and --wait go with send"}
	}
	return do.run(c)
}

// faxes lists them all.
func (c *call) faxes() error {
	var all []api.Fax
	if done, err := c.fetch("/faxes", &all); done {
		return err
	}
	return printFaxes(c.stdout, all)
}

func (c *call) faxShow() error {
	var f api.Fax
	if done, err := c.fetch("/faxes/"+url.PathEscape(c.args[1]), &f); done {
		return err
	}
	return printFax(c.stdout, f)
}

func (c *call) faxCancel() error {
	if _, err := c.ask(http.MethodDelete, "/faxes/"+url.PathEscape(c.args[1]), nil); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.stdout, "fax %s is cancelled\n", printable(c.args[1]))
	return err
}

// faxSave writes the pages into a file: as PDF, TIFF, or one page as PNG, by the file's name.
func (c *call) faxSave() (err error) {
	id, name := c.args[1], c.args[2]
	view, err := faxView(name)
	if err != nil {
		return err
	}
	body, err := c.open(http.MethodGet, "/faxes/"+url.PathEscape(id)+"/"+view, nil, "", time.Minute)
	if err != nil {
		return err
	}
	defer body.Close()
	return writeNew(name, body)
}

// faxView is the resource that a file's name asks for.
func faxView(name string) (string, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".tif", ".tiff":
		return "document.tiff", nil
	case ".pdf":
		return "document.pdf", nil
	case ".png":
		return "pages/1.png", nil
	}
	return "", usageError{fmt.Sprintf("%s: wanted a name that ends in .pdf, .tiff, or .png for the first page alone", name)}
}

// writeNew writes a file whole or not at all: behind its back a half would be taken for a fax.
func writeNew(name string, from io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// faxSend hands a document to the agent. The file is opened here: the agent may be another user.
func (c *call) faxSend() error {
	if (c.port == 0) == (c.faxing.line == 0) || c.to == "" {
		return usageError{"--port N or --line N, and --to NUMBER are wanted"}
	}
	file, err := os.OpenFile(c.args[1], os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe's other end is not waited for
	if err != nil {
		return err
	}
	defer file.Close()
	if s, err := file.Stat(); err != nil || !s.Mode().IsRegular() {
		return cmp.Or(err, fmt.Errorf("%s is not a file", c.args[1]))
	}
	body, media := c.faxForm(file)
	defer body.Close()
	answer, err := c.open(http.MethodPost, "/faxes", body, media, 10*time.Minute)
	if err != nil {
		return err
	}
	defer answer.Close()
	text, err := io.ReadAll(io.LimitReader(answer, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return c.taken(text)
}

// faxForm is the order as a form, which is written while it is sent.
func (c *call) faxForm(file *os.File) (body io.ReadCloser, media string) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		w.CloseWithError(c.writeForm(form, file))
	}()
	return r, form.FormDataContentType()
}

func (c *call) writeForm(form *multipart.Writer, file *os.File) error {
	from, n := "port", c.port
	if n == 0 {
		from, n = "line", c.faxing.line
	}
	if err := errors.Join(form.WriteField(from, n.String()), form.WriteField("to", c.to)); err != nil {
		return err
	}
	part, err := form.CreateFormFile("file", filepath.Base(file.Name()))
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, file); err != nil {
		return err
	}
	return form.Close()
}

// taken tells that the agent has the document, and follows it with --wait.
func (c *call) taken(answer []byte) error {
	var made struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return fmt.Errorf("the answer is not what was expected: %w", err)
	}
	if !c.faxing.wait {
		if c.json {
			_, err := c.stdout.Write(answer)
			return err
		}
		_, err := fmt.Fprintf(c.stdout, "fax %s to %s is taken\n", printable(made.ID), printable(c.to))
		return err
	}
	return c.follow(made.ID)
}

// follow prints what becomes of a fax until it is over. A fax that failed is a failure.
func (c *call) follow(id string) error {
	var last string
	for {
		text, err := c.ask(http.MethodGet, "/faxes/"+url.PathEscape(id), nil)
		if err != nil {
			return err
		}
		var f api.Fax
		if err := json.Unmarshal(text, &f); err != nil {
			return fmt.Errorf("the answer is not what was expected: %w", err)
		}
		over := slices.Contains([]string{"sent", "received", "failed", "cancelled"}, f.State)
		if c.json {
			if over {
				_, err = c.stdout.Write(text)
			}
		} else if now := progress(f); now != last {
			last = now
			_, err = fmt.Fprintf(c.stdout, "fax %s %s\n", printable(f.ID), now)
		}
		switch {
		case err != nil:
			return err
		case over && f.State != "sent" && f.State != "received":
			return fmt.Errorf("fax %s %s: %s", printable(id), f.State, cmp.Or(printable(string(f.Error)), "nobody said why"))
		case over:
			return nil
		}
		time.Sleep(faxLook)
	}
}

// progress is how far a fax has come, in a line.
func progress(f api.Fax) string {
	text := f.State
	if f.Tries > 1 {
		text += ", try " + strconv.Itoa(f.Tries)
	}
	confirmed := confirmedPages(f)
	if confirmed > 0 || f.PageCount != nil {
		text += ", " + strconv.Itoa(confirmed)
		if f.PageCount != nil {
			text += " of " + strconv.Itoa(*f.PageCount)
		}
		text += " pages"
	}
	if f.Rate != nil {
		text += ", " + strconv.Itoa(*f.Rate) + " bit/s"
	}
	if f.Transport != "" {
		text += ", " + string(f.Transport)
	}
	if f.Error != "" {
		text += ": " + string(f.Error)
	}
	return printable(text)
}

func confirmedPages(f api.Fax) (n int) {
	for _, p := range f.Pages {
		if p.Result == "confirmed" {
			n++
		}
	}
	return n
}

// pagesOf is how many pages are confirmed, of how many if that is known: 2/3.
func pagesOf(f api.Fax) string {
	n := strconv.Itoa(confirmedPages(f))
	if f.PageCount != nil {
		n += "/" + strconv.Itoa(*f.PageCount)
	}
	return n
}

func printFaxes(w io.Writer, faxes []api.Fax) error {
	if len(faxes) == 0 {
		_, err := fmt.Fprintln(w, "no faxes")
		return err
	}
	t := newTable(w, "FAX", "WAY", "KIND", "PORT", "LINE", "PEER", "STATE", "TRIES", "PAGES", "RATE", "OVER", "CREATED", "ERROR")
	for _, f := range faxes {
		t.row(f.ID, f.Direction, f.Kind, digits(f.Port), digits(f.Line), string(f.Peer), f.State, strconv.Itoa(f.Tries),
			pagesOf(f), digits(f.Rate), string(f.Transport), clock(f.Created), string(f.Error))
	}
	return t.Flush()
}

// digits is a number that may be absent.
func digits(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// story is where a fax came from and when.
func story(f api.Fax) string {
	text := "taken " + clock(f.Created)
	if f.Port != nil {
		text += ", port " + digits(f.Port)
	}
	if f.Line != nil {
		text += ", line " + digits(f.Line)
	}
	if !f.NextTry.IsZero() {
		text += ", next try " + clock(f.NextTry)
	}
	if !f.Ended.IsZero() {
		text += ", over " + clock(f.Ended)
	}
	if f.CalledNumberResult != "" {
		text += ", number " + string(f.CalledNumberResult)
	}
	if f.SIPCallID != "" {
		text += ", call " + string(f.SIPCallID)
	}
	return printable(text)
}

func printFax(w io.Writer, f api.Fax) error {
	fmt.Fprintf(w, "fax %s, %s, %s\n", printable(f.ID), f.Kind, map[string]string{"in": "received from ", "out": "to "}[f.Direction]+dash(printable(string(f.Peer))))
	fmt.Fprintln(w, progress(f))
	fmt.Fprintln(w, story(f))
	if f.RemoteID != "" {
		fmt.Fprintln(w, "the far machine calls itself", printable(string(f.RemoteID)))
	}
	if f.Uncertain {
		fmt.Fprintln(w, "it may have been delivered twice: the power failed just as the far end confirmed it")
	}
	if len(f.Pages) == 0 {
		return nil
	}
	t := newTable(w, "PAGE", "RESULT", "ROWS", "BAD", "RATE", "RESOLUTION", "REPAIRS", "WHAT")
	for _, p := range f.Pages {
		t.row(strconv.Itoa(p.N), p.Result, digits(p.Rows), strconv.Itoa(p.BadRows), digits(p.Rate), string(p.Resolution), strconv.Itoa(p.ECMRepairs), string(p.What))
	}
	return t.Flush()
}
