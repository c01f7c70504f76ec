package faxback

import (
	"fmt"

	"tipring/internal/config"
)

// A Request is one of the fifteen that a FaxBack directory understands.
type Request interface {
	question(*Directory) question
}

// maxKey bounds what a request asks about in User-Name, in characters, where the manual
// names no bound of its own.
const maxKey = 64

// LoginRequest is Get-Account/Account-Login: may this account log in?
type LoginRequest struct {
	Account    string // 1 to 64 characters; see Directory.ShortNames
	Password   string // 0 to 64 characters
	ClientInfo string // ClientInfo's text, 0 to 128 characters; empty: not sent
}

// ValidateRequest is Get-Account/Account-Validate: is this still the account's password?
type ValidateRequest struct {
	Account  string // 1 to 64 characters
	Password string // 0 to 64 characters
}

// SendRequest is Get-Account/Pre-Send-Session: may this account send a fax?
type SendRequest struct {
	Account    string   // 1 to 64 characters; may be empty beside a UUID
	UUID       *UUID    // sent when the server's UUID mode is on; else nil
	SessionID  string   // 1 to 32 ASCII characters
	DialNumber string   // 1 to 64 characters, as it was dialled
	Transfer   Transfer // RealTime or Queue
}

// ReceiveRequest is Get-Account/Pre-Receive-Session: may this account receive a fax?
type ReceiveRequest struct {
	Account   string   // 1 to 64 characters
	SessionID string   // 1 to 32 ASCII characters
	DID       string   // 1 to 64 characters: the number that was called
	Transfer  Transfer // RealTime or Queue
}

// AccountRequest is Get-Account/For-External-Module: what is known of an account?
type AccountRequest struct {
	Account string // 1 to 64 characters
}

// DIDAccountRequest is Get-Account-From-DID/Pre-Receive-Session: whose number is it?
type DIDAccountRequest struct {
	DID       string // 1 to 64 octets
	SessionID string // 1 to 32 ASCII characters
}

// DIDMailRequest is Get-Account-From-DID/For-External-Module: whose number is it, and
// where do its faxes go by mail?
type DIDMailRequest struct {
	DID string // 1 to 64 octets
}

// MACRequest is Get-Account-From-MAC-Address/For-External-Module: whose device is it?
type MACRequest struct {
	MAC string // twelve hex digits, with any usual separators; sent in upper case without
}

// SerialRequest is Get-Account-From-Serial-Number/For-External-Module.
type SerialRequest struct {
	Serial string // 1 to 64 ASCII characters
}

// CallAheadRequest is Get-Call-Ahead-Mode/Pre-Send-Session: is this number called before
// a fax is taken for it?
type CallAheadRequest struct {
	Number    string // 1 to 64 characters, after send routing
	SessionID string // 1 to 32 ASCII characters
}

// SenderRequest is Get-Account-From-Sender-Email-Address/For-External-Module.
type SenderRequest struct {
	Address string // 1 to 128 characters
}

// LineRequest is Get-DID/Pre-Send-Session: what does the line that presents a number send
// with? An answer of nothing is an answer.
type LineRequest struct {
	ANI       string // 1 to 32 ASCII characters
	SessionID string // 1 to 32 ASCII characters
}

// DIDRequest is Get-DID/For-External-Module: which line is a number's?
type DIDRequest struct {
	DID string // 1 to 64 octets
}

// DIDsRequest is Get-DIDs-For-Account/For-External-Module.
type DIDsRequest struct {
	Account string // 1 to 64 characters
}

// MembersRequest is Get-Load-Balance-Group-Members/Pre-Receive-Session.
type MembersRequest struct {
	Group     string // 1 to 64 characters: the group's account
	SessionID string // 1 to 32 ASCII characters
}

// A Transfer is how a fax travels between its device and the server.
type Transfer uint32

// The transfers.
const (
	RealTime Transfer = 1
	Queue    Transfer = 2 // a fax ATA's: the document is taken first, delivered later
)

// ClientInfo is the text of FB-Client-Info: the program's version and the machine's name.
// What would end a value early is left out of it.
func ClientInfo(version, machine string) string {
	return ";FV=" + infoValue(version) + ";MN=" + infoValue(machine)
}

func infoValue(s string) string {
	b := make([]rune, 0, 48)
	for _, r := range s {
		if r > ' ' && r != ';' && r != '=' && r < 0x7F && len(b) < cap(b) {
			b = append(b, r)
		}
	}
	return string(b)
}

func (r LoginRequest) question(d *Directory) question {
	q := question{pair: &pairLogin, key: d.account(r.Account), password: &r.Password}
	if r.ClientInfo != "" {
		q.text("FB-Client-Info", r.ClientInfo)
	}
	return q
}

func (r ValidateRequest) question(d *Directory) question {
	return question{pair: &pairValidate, key: d.account(r.Account), password: &r.Password}
}

func (r SendRequest) question(d *Directory) question {
	q := question{pair: &pairSend, key: d.account(r.Account), session: &r.SessionID}
	q.key.optional = r.UUID != nil
	q.text("FB-Dial-Number", r.DialNumber)
	q.number("FB-Transfer-Type", uint32(r.Transfer))
	if r.UUID != nil {
		q.fields = append(q.fields, field{name: "FB-Account-UUID", raw: d.UUIDs.bytes(*r.UUID)})
	}
	return q
}

func (r ReceiveRequest) question(d *Directory) question {
	q := question{pair: &pairReceive, key: d.account(r.Account), session: &r.SessionID}
	q.text("FB-Dial-Number", r.DID)
	q.number("FB-Transfer-Type", uint32(r.Transfer))
	return q
}

func (r AccountRequest) question(d *Directory) question {
	return question{pair: &pairExternal, key: d.account(r.Account)}
}

func (r DIDAccountRequest) question(*Directory) question {
	return question{pair: &pairDIDReceive, key: didKey(r.DID), session: &r.SessionID}
}

func (r DIDMailRequest) question(*Directory) question {
	return question{pair: &pairDIDMail, key: didKey(r.DID)}
}

func (r MACRequest) question(d *Directory) question {
	q := question{pair: &pairMAC}
	if mac, ok := config.ParseMAC(r.MAC); ok {
		q.key = key{value: mac.Upper(), bound: attribute{name: "User-Name", kind: ascii, min: 12, max: 12, chars: true}}
	} else {
		q.fault = &BoundError{"User-Name", "a MAC address of twelve hex digits", fmt.Sprintf("%.40q", r.MAC)}
	}
	q.number("FB-Fax-ATA-Type", d.FaxATAType)
	return q
}

func (r SerialRequest) question(d *Directory) question {
	q := question{pair: &pairSerial, key: key{value: r.Serial, bound: attribute{name: "User-Name", kind: ascii, min: 1, max: maxKey, chars: true}}}
	q.number("FB-Fax-ATA-Type", d.FaxATAType)
	return q
}

func (r CallAheadRequest) question(*Directory) question {
	return question{pair: &pairCallAhead, key: key{value: r.Number, bound: userName}, session: &r.SessionID}
}

func (r SenderRequest) question(*Directory) question {
	return question{pair: &pairSender, key: key{value: r.Address, bound: attribute{name: "User-Name", kind: text, min: 1, max: 128, chars: true}}}
}

func (r LineRequest) question(*Directory) question {
	return question{pair: &pairLine, key: key{value: r.ANI, bound: attribute{name: "User-Name", kind: ascii, min: 1, max: 32, chars: true}}, session: &r.SessionID}
}

func (r DIDRequest) question(*Directory) question {
	return question{pair: &pairDID, key: didKey(r.DID)}
}

func (r DIDsRequest) question(d *Directory) question {
	return question{pair: &pairDIDs, key: d.account(r.Account)}
}

func (r MembersRequest) question(d *Directory) question {
	return question{pair: &pairMembers, key: d.account(r.Group), session: &r.SessionID}
}

// account is an account's name as a key.
func (d *Directory) account(name string) key {
	bound := userName
	if d.ShortNames {
		bound.max, bound.chars = 16, false
	}
	return key{value: name, bound: bound}
}

func didKey(did string) key {
	return key{value: did, bound: attribute{name: "User-Name", kind: text, min: 1, max: 64}}
}
