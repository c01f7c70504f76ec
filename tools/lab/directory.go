package lab

import (
	"encoding/binary"
	"strings"
	"time"

	"layeh.com/radius"

	"tipring/internal/aaa"
	"tipring/internal/faxback"
)

// A query is an Access-Request taken apart.
type query struct {
	*Radius
	packet  *radius.Packet
	user    string
	command faxback.Command
	context faxback.Context
	answer  aaa.Attributes
}

// access answers what an Access-Request asks. The Radius' lock is held.
func (r *Radius) access(p *radius.Packet) (asked string, code aaa.Code, answer aaa.Attributes) {
	q := query{Radius: r, packet: p, user: string(p.Get(aaa.UserName))}
	q.command = faxback.Command(q.number("FB-Command"))
	q.context = faxback.Context(q.number("FB-Context"))
	code = aaa.AccessReject
	if q.answered() {
		code = aaa.AccessAccept
	} else {
		q.answer = nil
	}
	return q.command.String() + "/" + q.context.String(), code, q.answer
}

// answered looks things up; false is a Reject.
func (q *query) answered() bool {
	byName := func(a *Account) bool { return strings.EqualFold(a.Name, q.user) }
	switch q.command {
	case faxback.GetAccountFromMAC:
		return q.device(func(a *Account) bool { return a.MAC != "" && a.MAC == q.user })
	case faxback.GetAccountFromSerial:
		return q.device(func(a *Account) bool { return a.Serial != "" && a.Serial == q.user })
	case faxback.GetAccount:
		return q.account(q.find(byName))
	case faxback.GetDIDsForAccount:
		return q.numbers(q.find(byName))
	case faxback.GetDID:
		return q.did()
	case faxback.GetAccountFromDID:
		a, _ := q.findDID(func(d *AccountDID) bool { return d.Number == q.user })
		return a != nil && q.name(a)
	case faxback.GetCallAheadMode:
		if mode, ok := q.ahead[q.user]; ok {
			q.addNumber("FB-Call-Ahead-Mode", mode)
		}
		return true
	}
	return false
}

func (q *query) find(match func(*Account) bool) *Account {
	for i := range q.accounts {
		if match(&q.accounts[i]) {
			return &q.accounts[i]
		}
	}
	return nil
}

func (q *query) findDID(match func(*AccountDID) bool) (*Account, *AccountDID) {
	for i := range q.accounts {
		for j := range q.accounts[i].DIDs {
			if match(&q.accounts[i].DIDs[j]) {
				return &q.accounts[i], &q.accounts[i].DIDs[j]
			}
		}
	}
	return nil, nil
}

func (q *query) name(a *Account) bool {
	q.answer = append(q.answer, aaa.Attribute{Type: aaa.UserName, Value: []byte(a.Name)})
	return true
}

func (q *query) device(match func(*Account) bool) bool {
	a := q.find(match)
	if a == nil {
		return false
	}
	q.name(a)
	q.disabled(a)
	q.addText("FB-Queue-Profile", a.Profile)
	q.addText("FB-Provisioning-Arg", a.Argument)
	return true
}

// disabled tells of an account that it is switched off, as far as the dictionary can.
func (q *query) disabled(a *Account) {
	if a.Disabled {
		q.addNumber("FB-Snd-From-Account", 0)
		q.addNumber("FB-Rcv-To-Account", 0)
	}
}

func (q *query) account(a *Account) bool {
	if a == nil {
		return false
	}
	switch q.context {
	case faxback.AccountLogin, faxback.AccountValidate:
		hidden, ok := q.packet.Lookup(aaa.UserPassword)
		if !ok {
			return false
		}
		given, err := radius.UserPassword(hidden, q.packet.Secret, q.packet.Authenticator[:])
		if err != nil || string(given) != a.Password || a.Disabled {
			return false
		}
		q.addNumber("FB-Account-Type", uint32(a.Type))
	case faxback.ForExternalModule:
		q.addNumber("FB-Account-Type", uint32(a.Type))
	case faxback.PreSend, faxback.PreReceive:
		q.disabled(a)
		if mode, ok := q.ahead[q.text("FB-Dial-Number")]; ok && q.context == faxback.PreSend {
			q.addNumber("FB-Call-Ahead-Mode", mode)
		}
	default:
		return false
	}
	return true
}

func (q *query) numbers(a *Account) bool {
	if a == nil {
		return false
	}
	for _, d := range a.DIDs {
		q.addText("FB-DID", d.Number)
	}
	return true
}

// did tells of a number, or of the line that presents one. That there is none is an Accept
// without attributes: a Reject would end a fax.
func (q *query) did() bool {
	a, d := q.findDID(func(d *AccountDID) bool {
		return d.Number == q.user || q.context == faxback.PreSend && d.ANI == q.user
	})
	if d == nil {
		return true
	}
	q.name(a)
	q.addText("FB-Queue-Profile", d.Profile)
	q.addText("FB-Snd-ANI", d.ANI)
	if d.Line != 0 {
		q.addNumber("FB-Line-Num", d.Line)
	}
	q.addText("FB-Line-Id", d.Label)
	return true
}

// addText adds an attribute that has a number, in parts if it is long.
func (q *query) addText(name, value string) {
	for n := 0; n < len(value); n += aaa.MaxVendorSub {
		q.add(name, []byte(value[n:min(len(value), n+aaa.MaxVendorSub)]))
	}
}

func (q *query) addNumber(name string, value uint32) {
	q.add(name, binary.BigEndian.AppendUint32(nil, value))
}

func (q *query) add(name string, value []byte) {
	if n, ok := q.dictionary.Number(name); ok {
		q.answer = append(q.answer, aaa.VSA(q.dictionary.Vendor, aaa.SubAttribute{Type: n, Value: value}))
	}
}

func (q *query) number(name string) uint32 {
	n, _ := vendorNumber(q.dictionary, attributesOf(q.packet), name)
	return n
}

func (q *query) text(name string) string {
	value, _ := vendorValue(q.dictionary, attributesOf(q.packet), name)
	return string(value)
}

func attributesOf(p *radius.Packet) aaa.Attributes {
	var all aaa.Attributes
	for _, a := range p.Attributes {
		all = append(all, aaa.Attribute{Type: byte(a.Type), Value: append([]byte(nil), a.Attribute...)})
	}
	return all
}

func vendorValue(d *faxback.Dictionary, all aaa.Attributes, name string) ([]byte, bool) {
	n, numbered := d.Number(name)
	subs, _ := aaa.Walk(all, d.Vendor)
	for _, s := range subs {
		if numbered && s.Type == n {
			return s.Value, true
		}
	}
	return nil, false
}

func vendorNumber(d *faxback.Dictionary, all aaa.Attributes, name string) (uint32, bool) {
	value, ok := vendorValue(d, all, name)
	if !ok || len(value) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value), true
}

// record keeps an Accounting-Request, unless it is a repetition, and learns from it which
// numbers are fax machines. The Radius' lock is held.
func (r *Radius) record(p *radius.Packet) {
	if r.seen[p.Authenticator] {
		return
	}
	r.seen[p.Authenticator] = true
	a := AccountingRecord{At: time.Now(), Attributes: attributesOf(p), User: string(p.Get(aaa.UserName)), SessionID: string(p.Get(aaa.AcctSessionID))}
	if status := p.Get(aaa.AcctStatusType); len(status) == 4 {
		a.Status = binary.BigEndian.Uint32(status)
	}
	r.records = append(r.records, a)
	const stop, voice = 2, 2
	number, _ := vendorValue(r.dictionary, a.Attributes, "FB-Dial-Number")
	result, ok := vendorNumber(r.dictionary, a.Attributes, "FB-Called-Number-Result")
	if !ok || a.Status != stop || len(number) == 0 {
		return
	}
	switch mode, known := r.ahead[string(number)]; {
	case result == voice:
		r.ahead[string(number)] = 1 // and stays: a line that is shared may take a fax one day and be answered the next
	case !known || mode == 0:
		r.ahead[string(number)] = 0
	}
}
