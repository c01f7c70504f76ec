package faxback

import (
	"fmt"
	"strconv"
	"strings"
)

// A QueueProfile is FB-Queue-Profile: how an account's or a number's queued faxes are
// dealt with. Where there is none, or a bad one, the empty profile holds: the sender is
// notified, in the server's time zone and language.
type QueueProfile struct {
	Override    bool   // Op: a number's profile stands instead of its account's
	Language    string // Ln: a language tag; of accounts only
	TimeZone    string // Tz: a Windows time zone's name, a * at its end standing for the rest; of accounts only
	Location    string // TimeZone as an IANA name; empty when it stands for none or for several
	Delivered   bool   // Dn: tell the sender of a delivery
	Undelivered bool   // Ndn: tell the sender of a failure
	Email       string // Ea: probably where those are sent
	Format      int    // Rf: probably as in FB-Rcv-Format; Unsaid when it is left out
	Others      []XMLAttribute
	Note        string // what was not understood; empty when all was
}

// Unsaid is a number that an answer leaves out.
const Unsaid = -1

// An XMLAttribute is one attribute of an element.
type XMLAttribute struct{ Name, Value string }

// maxProfile bounds a profile, in octets: many times what has been seen.
const maxProfile = 4000

var emptyProfile = QueueProfile{Delivered: true, Undelivered: true, Format: Unsaid}

// ParseQueueProfile reads a profile leniently: typographic quotes count as quotes,
// attributes that are not known are kept aside, and of a text that is no profile only
// the Note tells.
func ParseQueueProfile(s string) QueueProfile {
	p := emptyProfile
	if s == "" {
		return p
	}
	attributes, err := parseElement(s)
	if err != nil {
		p.Note = "not a queue profile: " + err.Error()
		return p
	}
	for _, a := range attributes {
		p.set(a)
	}
	if p.TimeZone != "" {
		p.Location, _ = Location(p.TimeZone)
	}
	return p
}

func (p *QueueProfile) set(a XMLAttribute) {
	switch a.Name {
	case "Op":
		p.flag(&p.Override, a)
	case "Dn":
		p.flag(&p.Delivered, a)
	case "Ndn":
		p.flag(&p.Undelivered, a)
	case "Ln":
		p.Language = a.Value
	case "Tz":
		p.TimeZone = a.Value
	case "Ea":
		p.Email = a.Value
	case "Rf":
		n, err := strconv.ParseUint(a.Value, 10, 16)
		if err != nil {
			p.note(a)
			return
		}
		p.Format = int(n)
	default:
		p.Others = append(p.Others, a)
	}
}

func (p *QueueProfile) flag(to *bool, a XMLAttribute) {
	if a.Value != "0" && a.Value != "1" {
		p.note(a)
		return
	}
	*to = a.Value == "1"
}

func (p *QueueProfile) note(a XMLAttribute) {
	if p.Note != "" {
		p.Note += "; "
	}
	p.Note += fmt.Sprintf("%s=%q is not understood", a.Name, a.Value)
}

// String tells the profile in a sentence's half.
func (p QueueProfile) String() string {
	var parts []string
	if p.Override {
		parts = append(parts, "instead of the account's")
	}
	if p.Language != "" {
		parts = append(parts, "language "+p.Language)
	}
	switch {
	case p.Location != "":
		parts = append(parts, "time zone "+p.Location)
	case p.TimeZone != "":
		parts = append(parts, "time zone "+p.TimeZone+" (no single one)")
	}
	parts = append(parts, "delivered: "+told(p.Delivered), "failed: "+told(p.Undelivered))
	if p.Email != "" {
		parts = append(parts, "to "+p.Email)
	}
	if p.Note != "" {
		parts = append(parts, p.Note)
	}
	return strings.Join(parts, ", ")
}

func told(yes bool) string {
	if yes {
		return "told"
	}
	return "not told"
}
