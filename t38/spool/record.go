package spool

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// State is where a fax is on its way.
type State string

// The states. Removed is told of and never stored.
const (
	Queued     State = "queued"
	Probing    State = "probing"
	Dialling   State = "dialling"
	Sending    State = "sending"
	Receiving  State = "receiving"
	Delivering State = "delivering" // to the machine on a port
	Sent       State = "sent"
	Received   State = "received"
	Failed     State = "failed"
	Cancelled  State = "cancelled"
	Removed    State = "removed"
)

// Finished tells that nothing more will be done about the fax by itself.
func (s State) Finished() bool {
	return s == Sent || s == Received || s == Failed || s == Cancelled
}

// underWay tells that the fax is in the hands of a delivery.
func (s State) underWay() bool {
	return s == Probing || s == Dialling || s == Sending || s == Delivering
}

var states = []State{Queued, Probing, Dialling, Sending, Receiving, Delivering, Sent, Received, Failed, Cancelled}

// Direction is as seen from the device's lines.
type Direction string

// The directions.
const (
	In  Direction = "in"
	Out Direction = "out"
)

// Kind is what a fax is for.
type Kind string

// The kinds.
const (
	Submitted Kind = "document" // handed in as a file, to be sent
	Machine   Kind = "machine"  // received from the machine on a port, to be sent
	Mailbox   Kind = "mailbox"  // received over a line, to be kept
	ToMachine Kind = "deliver"  // received over a line, to be delivered to the machine on a port
	Notice    Kind = "notice"   // a page about another fax, to be delivered to the machine on a port
)

var kinds = []Kind{Submitted, Machine, Mailbox, ToMachine, Notice}

// ToPort tells that the fax is delivered to the machine on its port.
func (k Kind) ToPort() bool { return k == ToMachine || k == Notice }

func (k Kind) direction() Direction {
	if k == Submitted || k == Machine {
		return Out
	}
	return In
}

// done is the state of a fax that has got where it is to go.
func (k Kind) done() State {
	if k.direction() == Out {
		return Sent
	}
	return Received
}

// A Record is what is known of a fax.
type Record struct {
	ID        string
	Seq       uint64 // order of acceptance
	Created   time.Time
	Ended     time.Time // zero: not yet
	Direction Direction
	Kind      Kind
	Port      int    // 0: none
	Line      int    // 0: none
	Peer      string // the number dialled; of a received fax the number that was called here
	CallerID  string // of a received fax
	State     State

	Tries       int       // begun
	NextTry     time.Time // zero: none is waited for
	Interrupted int       `json:",omitempty"` // tries that the end of the program cut short
	Untried     int       `json:",omitempty"` // times that no call could be begun
	FirstPage   int       // the next page to send, from 0: those before it are confirmed
	PageCount   int       // of the document
	Octets      int64     // of the document

	Taken              []Page `json:",omitempty"` // as they came in, of a fax that is delivered further
	Pages              []Page `json:",omitempty"` // as they went, the last time for each
	Rate               int    `json:",omitempty"` // bit/s, the highest seen
	ECM                bool   `json:",omitempty"`
	Transport          string `json:",omitempty"` // t38 audio
	RemoteID           string `json:",omitempty"`
	Error              string `json:",omitempty"` // of the last try, or why it failed
	CalledNumberResult string `json:",omitempty"`
	SIPCallID          string `json:",omitempty"` // of the last call
	Sender             string `json:",omitempty"` // T.30 identification of whom a fax came from that is delivered further

	// What an account of the fax needs; opaque here.
	Session string `json:",omitempty"`
	Related string `json:",omitempty"` // session of an earlier stage of the fax
	CDRInfo string `json:",omitempty"`
	ANI     string `json:",omitempty"`
	CSID    string `json:",omitempty"`

	// Uncertain: the fax may be delivered twice, for the program ended between the other side's
	// final confirmation and the record of it.
	Uncertain  bool `json:",omitempty"`
	Committing bool `json:",omitempty"` // the last page is sent and its confirmation awaited
	Accepted   bool `json:",omitempty"` // all pages were taken over from whoever sent them

	NotifyDn  bool   `json:",omitempty"` // tell the machine on the port of the delivery
	NotifyNdn bool   `json:",omitempty"` // and of the failure
	NoticeDue bool   `json:",omitempty"` // it has to be told
	About     string `json:",omitempty"` // of a Notice: the fax that it is about
}

// A Page is how one page went.
type Page struct {
	N          int    // of the document, from 1
	Result     string // confirmed rejected lost
	Rows       int    `json:",omitempty"` // 0: not known
	BadRows    int    `json:",omitempty"`
	Rate       int    `json:",omitempty"` // bit/s
	Resolution string `json:",omitempty"`
	Repairs    int    `json:",omitempty"` // PPR of ECM
	What       string `json:",omitempty"` // what was done about the page and why, for people
}

// Confirmed is the Result of a page that the other side has.
const Confirmed = "confirmed"

func (r *Record) clone() Record {
	c := *r
	c.Pages, c.Taken = slices.Clone(r.Pages), slices.Clone(r.Taken)
	return c
}

func inOrder(a, b Record) int {
	if c := cmp.Compare(a.Seq, b.Seq); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// setPage enters how a page went.
func (r *Record) setPage(p Page) {
	for i := range r.Pages {
		if r.Pages[i].N == p.N {
			r.Pages[i] = p
			return
		}
	}
	r.Pages = append(r.Pages, p)
}

// Limits of a record.
const (
	maxRecord = 64 << 10 // octets in its file
	maxShort  = 100      // octets of a name
	maxLong   = 500      // of a sentence, or of a number, which may be a URI
	maxWhat   = 200
)

// ErrBroken is wrapped by the error for a record that is not as it was written.
var ErrBroken = errors.New("not as it was written")

// ErrNewer is wrapped by the error for what a later version of this program wrote.
var ErrNewer = errors.New("written by a later version of this program")

const (
	recordName    = "tipring-fax"
	recordVersion = 1
)

// encode makes the file of a record: a line with name, version, length and digest, by which
// decode knows that it is whole, and the record as JSON.
func (r *Record) encode() ([]byte, error) {
	fitted := r.fit()
	body, err := json.Marshal(&fitted)
	for err == nil && len(body) > maxRecord-200 && len(fitted.Taken)+len(fitted.Pages) > 0 {
		fitted.Taken = fitted.Taken[(len(fitted.Taken)+1)/2:]
		fitted.Pages = fitted.Pages[(len(fitted.Pages)+1)/2:]
		body, err = json.Marshal(&fitted)
	}
	if err != nil {
		return nil, fmt.Errorf("fax %s: %w", r.ID, err)
	}
	return sealRecord(recordVersion, body), nil
}

func sealRecord(version int, body []byte) []byte {
	sum := sha256.Sum256(body)
	head := fmt.Appendf(nil, "%s %d %d %s\n", recordName, version, len(body), hex.EncodeToString(sum[:]))
	return append(head, body...)
}

// fit returns the record with texts of bounded length and without control characters.
func (r *Record) fit() Record {
	c := r.clone()
	for _, s := range []*string{
		&c.Transport, &c.RemoteID, &c.Sender, &c.CalledNumberResult,
		&c.Session, &c.Related, &c.ANI, &c.CSID, &c.About,
	} {
		*s = clip(*s, maxShort)
	}
	for _, s := range []*string{&c.Peer, &c.CallerID, &c.SIPCallID, &c.CDRInfo, &c.Error} {
		*s = clip(*s, maxLong)
	}
	fitPages(c.Taken)
	fitPages(c.Pages)
	return c
}

func fitPages(pages []Page) {
	for i := range pages {
		p := &pages[i]
		p.Result, p.Resolution, p.What = clip(p.Result, maxShort), clip(p.Resolution, maxShort), clip(p.What, maxWhat)
	}
}

// clip makes a text printable and no longer than so many octets.
func clip(s string, most int) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// decode reads the file of the record of a fax.
func decode(id string, data []byte) (Record, error) {
	line, body, _ := bytes.Cut(data, []byte("\n"))
	words := strings.Fields(string(line[:min(len(line), 200)]))
	if len(words) != 4 || words[0] != recordName {
		return Record{}, fmt.Errorf("%w: no %s", ErrBroken, recordName)
	}
	version, err := strconv.Atoi(words[1])
	if err != nil {
		return Record{}, fmt.Errorf("%w: version %q", ErrBroken, words[1])
	}
	if !bytes.Equal(sealRecord(version, body), data) {
		return Record{}, fmt.Errorf("%w: %d octets, wanted %s with digest %s", ErrBroken, len(body), words[2], words[3])
	}
	if version != recordVersion {
		return Record{}, fmt.Errorf("%w: version %d, this one reads %d", ErrNewer, version, recordVersion)
	}
	var r Record
	if err := json.Unmarshal(body, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if err := r.check(id); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return r.fit(), nil
}

// check refuses what this program does not write.
func (r *Record) check(id string) error {
	switch {
	case r.ID != id || !validID(id):
		return fmt.Errorf("record of %.40q", r.ID)
	case !slices.Contains(states, r.State):
		return fmt.Errorf("state %.40q", r.State)
	case !slices.Contains(kinds, r.Kind), r.Direction != r.Kind.direction():
		return fmt.Errorf("kind %.40q, direction %.40q", r.Kind, r.Direction)
	case r.Octets < 0, r.PageCount < 0, r.FirstPage < 0, r.FirstPage > r.PageCount:
		return fmt.Errorf("%d octets, page %d of %d", r.Octets, r.FirstPage, r.PageCount)
	case r.Tries < 0, r.Interrupted < 0, r.Untried < 0, r.Port < 0, r.Line < 0:
		return fmt.Errorf("%d and %d tries, port %d, line %d", r.Tries, r.Interrupted, r.Port, r.Line)
	}
	return nil
}

// validID tells what can be the name of a fax: letters, digits and hyphens.
func validID(id string) bool {
	if id == "" || len(id) > 40 {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '-'
	})
}
