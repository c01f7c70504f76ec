package sipmsg

import (
	"fmt"

	"github.com/jart/gosip/sip"
)

// parse has gosip read the whole head.
func (h *head) parse() (*sip.Msg, error) {
	h.b = append(h.b, "\r\n"...)
	m, err := parseHead(h.b)
	h.b = h.b[:len(h.b)-2]
	return m, err
}

// parseLine has gosip read one line of the head alone.
func (h *head) parseLine(l headLine) (*sip.Msg, error) {
	var one head
	if l.name != hRequestURI {
		one.plainStart()
	}
	one.b = append(one.b, h.b[l.from:l.to]...)
	return one.parse()
}

// parseHead turns a panic of the foreign parser into an error like any other.
func parseHead(b []byte) (m *sip.Msg, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, fmt.Errorf("gosip: %v", p)
		}
	}()
	return sip.ParseMsg(b)
}

// errMismatch means that gosip read another number of things than were written for it.
const errMismatch = fault("not a list of addresses")

// fillAddrs completes the frames with what gosip read.
func fillAddrs(list []Addr, from *sip.Addr) error {
	for i := range list {
		if err := fillAddr(&list[i], from); err != nil {
			return err
		}
		from = from.Next
	}
	if from != nil {
		return errMismatch
	}
	return nil
}

func fillAddr(a *Addr, from *sip.Addr) error {
	if from == nil {
		return errMismatch
	}
	if err := fillURI(&a.URI, from.Uri); err != nil {
		return err
	}
	return fillParams(a.Params, from.Param)
}

func fillURI(u *URI, from *sip.URI) error {
	if from == nil {
		return errMismatch
	}
	switch u.Scheme {
	case "sip", "sips":
		u.User, u.Password, u.Port = from.User, from.Pass, int(from.Port)
		if u.Host == "" {
			u.Host = from.Host
		}
	case "tel":
		u.User = from.User
	default:
		return nil
	}
	if u.raw != "" {
		var room [64]byte
		if u.raw == string(u.appendPlainUser(room[:0])) {
			u.raw = ""
		}
	}
	n := len(u.Params)
	for p := from.Param; p != nil; p = p.Next { // gosip's list runs backwards
		if n--; n < 0 {
			return errMismatch
		}
		u.Params[n].fill(p)
	}
	if n != 0 {
		return errMismatch
	}
	return nil
}

// fill gives a URI parameter its name and value, and forgets how it was spelled if it
// would be spelled so again.
func (p *Param) fill(from *sip.URIParam) {
	p.Name, p.Value = from.Name, from.Value
	var room [64]byte
	if p.raw == string(appendEscaped(room[:0], p.Value, paramChar)) {
		p.raw = ""
	}
}

func fillParams(list Params, from *sip.Param) error {
	n := len(list)
	for p := from; p != nil; p = p.Next { // gosip's list runs backwards
		if n--; n < 0 {
			return errMismatch
		}
		list[n].Value = p.Value
	}
	if n != 0 {
		return errMismatch
	}
	return nil
}

func fillVias(list []Via, from *sip.Via) error {
	for i := range list {
		if from == nil {
			return errMismatch
		}
		v := &list[i]
		v.Transport, v.Port = from.Transport, int(from.Port)
		if v.Host == "" {
			v.Host = from.Host
		}
		if from.Protocol != "SIP" || from.Version != "2.0" {
			v.Protocol = from.Protocol + "/" + from.Version
		}
		if err := fillParams(v.Params, from.Param); err != nil {
			return err
		}
		from = from.Next
	}
	if from != nil {
		return errMismatch
	}
	return nil
}

// fill completes what the head's line of that name stands for.
func (m *Message) fill(name string, from *sip.Msg) error {
	switch name {
	case hRequestURI:
		return fillURI(&m.RequestURI, from.Request)
	case hVia:
		return fillVias(m.Via, from.Via)
	case hFrom:
		return fillAddr(&m.From, from.From)
	case hTo:
		return fillAddr(&m.To, from.To)
	case hContact:
		return fillAddrs(m.Contact, from.Contact)
	case hRoute:
		return fillAddrs(m.Route, from.Route)
	case hRecordRoute:
		return fillAddrs(m.RecordRoute, from.RecordRoute)
	}
	return nil
}

// unfill takes back what could not be completed.
func (m *Message) unfill(name string) {
	switch name {
	case hRequestURI:
		m.RequestURI = URI{}
	case hVia:
		m.Via = nil
	case hFrom:
		m.From = Addr{}
	case hTo:
		m.To = Addr{}
	case hContact:
		m.Contact = nil
	case hRoute:
		m.Route = nil
	case hRecordRoute:
		m.RecordRoute = nil
	}
}
