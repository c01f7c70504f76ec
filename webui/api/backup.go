package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"time"
	"unicode/utf8"

	"tipring/internal/backup"
	"tipring/webui/access"
)

// Backups is what a device keeps of itself for the day on which it is replaced or reset.
// Errors are as for a Device; those of a file wrap the ones of internal/backup.
type Backups interface {
	Contents() BackupContents
	Backup(ctx context.Context, password string) (file []byte, name string, err error)

	// Restore puts a backup in force. It is known to be whole before anything changes.
	Restore(ctx context.Context, file []byte, password string) (Restored, error)
	Restored() Restored // the last one
}

// BackupContents is what a backup would hold now.
type BackupContents struct {
	Device      Text         `json:"device"` // what it is called in a backup
	Parts       []BackupPart `json:"parts"`
	MinPassword int          `json:"min_password"` // characters
}

// BackupPart is one of the things that a backup holds.
type BackupPart struct {
	Name  string `json:"name"` // settings users tokens called_numbers
	Count int    `json:"count"`
}

// Restored tells what became of a backup that was put in force.
type Restored struct {
	State      string       `json:"state"` // none trial good bad unproven over; none: there was none; over: others took its place
	Restored   Time         `json:"restored"`
	Device     Text         `json:"device"` // whose backup it was
	SameDevice *bool        `json:"same_device"`
	Made       Time         `json:"made"`
	Version    Text         `json:"version"` // of the program that made it
	Parts      []BackupPart `json:"parts"`
	Generation *int         `json:"generation"` // that it became
	Trial      *Trial       `json:"trial"`
	Error      Text         `json:"error"` // of what was not brought back
}

const (
	maxBackup  = backup.MaxSize + 64<<10 // octets of a form with a backup
	backupWait = 2 * time.Minute         // how long it may take to come
)

// HandleBackups adds the routes of backups.
func (a *API) HandleBackups(b Backups) {
	h := backupRoutes{a, b, make(chan struct{}, 1)}
	a.Handle(
		Route{"GET", "/api/v1/backup", Admin, h.contents},
		Route{"POST", "/api/v1/backup", Admin, h.make},
		Route{"GET", "/api/v1/restore", Admin, h.restored},
	)
	a.handle(Route{"POST", "/api/v1/restore", Admin, h.restore}, maxBackup)
}

type backupRoutes struct {
	*API
	backups Backups
	turn    chan struct{} // holds one token while a password is worked on: that takes 8 MiB
}

// takeTurn refuses whoever comes while somebody else has it.
func (h backupRoutes) takeTurn(w http.ResponseWriter, r *http.Request) bool {
	select {
	case h.turn <- struct{}{}:
		return true
	default:
		w.Header().Set("Retry-After", "5")
		h.fail(w, r, problem(http.StatusTooManyRequests, "another backup is being made or restored: try again in a moment"))
		return false
	}
}

func (h backupRoutes) contents(w http.ResponseWriter, r *http.Request) {
	c := h.backups.Contents()
	c.Parts = list(c.Parts)
	h.answer(w, r, http.StatusOK, c)
}

func (h backupRoutes) make(w http.ResponseWriter, r *http.Request) {
	var password string
	if !h.read(w, r, field{"password", &password}) {
		return
	}
	if p := h.tooWeak(password); p != nil {
		h.fail(w, r, p)
		return
	}
	if !h.takeTurn(w, r) {
		return
	}
	defer func() { <-h.turn }()
	file, name, err := h.backups.Backup(r.Context(), password)
	if err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	_, _ = w.Write(file) // who has left asks again
}

// tooWeak refuses a password that is shorter than one of a user may be: whoever finds the file
// may try as many as he likes.
func (h backupRoutes) tooWeak(password string) *Problem {
	least := access.MinPassword
	switch {
	case utf8.RuneCountInString(password) < least:
		return wrong("password", fmt.Sprintf("the password of a backup has at least %d characters", least))
	case len(password) > backup.MaxPassword:
		return wrong("password", fmt.Sprintf("the password of a backup has at most %d octets", backup.MaxPassword))
	}
	return nil
}

func (h backupRoutes) restored(w http.ResponseWriter, r *http.Request) {
	h.tell(w, r, http.StatusOK, h.backups.Restored())
}

func (h backupRoutes) tell(w http.ResponseWriter, r *http.Request, status int, result Restored) {
	result.Parts = list(result.Parts)
	h.answer(w, r, status, result)
}

func (h backupRoutes) restore(w http.ResponseWriter, r *http.Request) {
	if !h.takeTurn(w, r) {
		return
	}
	defer func() { <-h.turn }()
	file, password, p := readBackup(w, r)
	if p != nil {
		h.fail(w, r, p)
		return
	}
	result, err := h.backups.Restore(r.Context(), file, password)
	if err != nil {
		h.fail(w, r, backupProblem(err))
		return
	}
	h.tell(w, r, http.StatusAccepted, result)
}

// backupProblem points to what of the form is wrong.
func backupProblem(err error) *Problem {
	if errors.Is(err, backup.ErrPassword) {
		return wrong("password", "the password is not the one that this backup was made with")
	}
	for _, bad := range []error{backup.ErrNotBackup, backup.ErrCut, backup.ErrDamaged, backup.ErrNewer, backup.ErrOlder} {
		if errors.Is(err, bad) {
			return wrong("file", err.Error())
		}
	}
	return ProblemOf(err)
}

// readBackup reads a multipart/form-data body (RFC 7578) with the fields file and password.
func readBackup(w http.ResponseWriter, r *http.Request) (file []byte, password string, p *Problem) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(backupWait))
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, "", problem(http.StatusUnsupportedMediaType, "wanted Content-Type: multipart/form-data with the fields file and password")
	}
	given := map[string][]byte{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", backupPartProblem(err)
		}
		name := part.FormName()
		if p := takeBackupPart(given, name, part); p != nil {
			return nil, "", p
		}
	}
	switch {
	case len(given["file"]) == 0:
		return nil, "", wrong("file", "file is missing: wanted a backup of a device")
	case len(given["password"]) == 0:
		return nil, "", wrong("password", "password is missing: wanted the one that the backup was made with")
	}
	return given["file"], string(given["password"]), nil
}

// takeBackupPart takes one field of the form.
func takeBackupPart(given map[string][]byte, name string, part *multipart.Part) *Problem {
	limit := map[string]int64{"file": backup.MaxSize, "password": backup.MaxPassword}[name]
	if limit == 0 {
		return memberProblem(name, fmt.Sprintf("there is no field %.60q: wanted file and password", name))
	}
	if _, twice := given[name]; twice {
		return memberProblem(name, name+" stands there twice: wanted it once")
	}
	data, err := io.ReadAll(io.LimitReader(part, limit+1))
	switch {
	case err != nil:
		return backupPartProblem(err)
	case int64(len(data)) > limit && name == "file":
		return backupTooLong()
	case int64(len(data)) > limit:
		return wrong(name, fmt.Sprintf("the password of a backup has at most %d octets", limit))
	}
	given[name] = data
	return nil
}

func backupTooLong() *Problem {
	return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("a backup has at most %d octets", backup.MaxSize))
}

// backupPartProblem tells why a form could not be read.
func backupPartProblem(err error) *Problem {
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return backupTooLong()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "the backup did not come in time")
	}
	return problem(http.StatusBadRequest, fmt.Sprintf("the body is not multipart/form-data: %.200s", err))
}
