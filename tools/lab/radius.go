package lab

import (
	"crypto/hmac"
	"crypto/md5"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"layeh.com/radius"

	"tipring/internal/aaa"
	"tipring/internal/faxback"
)

// RadiusConfig is what a Radius knows. The zero value of every field but Secret works.
type RadiusConfig struct {
	Secret     string // shared with every client
	Accounts   []Account
	CallAhead  map[string]uint32 // by number after send routing: 0 no, else yes; others have no answer
	Dictionary *faxback.Dictionary
	Hook       func(RadiusEvent) // told of every packet, on the server's goroutines; must not block
	Log        *slog.Logger
}

// An Account is one of the directory's.
type Account struct {
	Name        string
	Password    string // at a login
	MAC, Serial string // of its device; MAC as twelve upper-case hex digits
	Type        faxback.AccountType
	Argument    string // FB-Provisioning-Arg
	Profile     string // FB-Queue-Profile
	Disabled    bool   // known, but may neither send nor receive
	DIDs        []AccountDID
}

// An AccountDID is one of an account's numbers.
type AccountDID struct {
	Number  string
	Line    uint32 // 0: not told; told only if the dictionary has a number for it, as Label
	Label   string
	ANI     string
	Profile string
}

// A RadiusEvent is a packet that came, and what became of it.
type RadiusEvent struct {
	Code   aaa.Code // of the request
	Asked  string   // Get-DID/For-External-Module; empty for other requests
	User   string
	Answer aaa.Code // 0: none
	Why    string   // there is none
}

// An AccountingRecord is an Accounting-Request that was answered.
type AccountingRecord struct {
	At         time.Time
	Status     uint32 // Acct-Status-Type: 1 start, 2 stop, 3 alive
	User       string
	SessionID  string
	Attributes aaa.Attributes
}

// A Stop is what a Stop record says of a fax, as far as FaxBack's attributes have numbers.
type Stop struct {
	Account, Session string
	Number           string // FB-Dial-Number
	Send             bool
	Pages            int
	Stage            uint32 // FB-CDR-Type
	Called           int    // FB-Called-Number-Result; -1: it does not say
	Description      string
}

// A Radius is a RADIUS server with a FaxBack directory behind it: one socket for Access,
// one for Accounting. It answers only Access-Requests that hold a right
// Message-Authenticator (RFC 3579 section 3.2), and signs its answers.
type Radius struct {
	cfg        RadiusConfig
	dictionary *faxback.Dictionary
	auth, acct *net.UDPConn
	ended      sync.WaitGroup

	mu       sync.Mutex // of what follows
	accounts []Account
	ahead    map[string]uint32
	silent   bool
	unsigned bool
	records  []AccountingRecord
	seen     map[[16]byte]bool // authenticators of records
}

// NewRadius starts a server on free ports of an address.
func NewRadius(at netip.Addr, cfg RadiusConfig) (*Radius, error) {
	if cfg.Secret == "" {
		return nil, errors.New("lab radius: no secret")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Radius{cfg: cfg, dictionary: cfg.Dictionary, ahead: make(map[string]uint32), seen: make(map[[16]byte]bool)}
	if r.dictionary == nil {
		r.dictionary = faxback.Default()
	}
	r.accounts = append(r.accounts, cfg.Accounts...)
	for number, mode := range cfg.CallAhead {
		r.ahead[number] = mode
	}
	var err error
	if r.auth, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0))); err != nil {
		return nil, fmt.Errorf("lab radius: %w", err)
	}
	if r.acct, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0))); err != nil {
		return nil, errors.Join(fmt.Errorf("lab radius: %w", err), r.auth.Close())
	}
	r.ended.Add(2)
	go r.serve(r.auth)
	go r.serve(r.acct)
	return r, nil
}

// Addr is where Access-Requests are taken.
func (r *Radius) Addr() netip.AddrPort { return r.auth.LocalAddr().(*net.UDPAddr).AddrPort() }

// AcctAddr is where Accounting-Requests are taken.
func (r *Radius) AcctAddr() netip.AddrPort { return r.acct.LocalAddr().(*net.UDPAddr).AddrPort() }

// Close ends the server and waits for it.
func (r *Radius) Close() error {
	err := errors.Join(r.auth.Close(), r.acct.Close())
	r.ended.Wait()
	return err
}

// Silence makes the server answer nothing, or answer again.
func (r *Radius) Silence(on bool) { r.mu.Lock(); r.silent = on; r.mu.Unlock() }

// Unsign makes the server leave the Message-Authenticator out of its answers, as servers
// of before 2024 do, or put it in again.
func (r *Radius) Unsign(on bool) { r.mu.Lock(); r.unsigned = on; r.mu.Unlock() }

// Put adds an account, or replaces the one of that name.
func (r *Radius) Put(a Account) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.accounts {
		if r.accounts[i].Name == a.Name {
			r.accounts[i] = a
			return
		}
	}
	r.accounts = append(r.accounts, a)
}

// Records are the Accounting-Requests so far, each once however often it was sent.
func (r *Radius) Records() []AccountingRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]AccountingRecord(nil), r.records...)
}

// Stops are the records so far of faxes that are over.
func (r *Radius) Stops() (stops []Stop) {
	for _, rec := range r.Records() {
		const stop = 2
		if rec.Status != stop {
			continue
		}
		s := Stop{Account: rec.User, Session: rec.SessionID, Called: -1}
		number := func(name string) uint32 { n, _ := vendorNumber(r.dictionary, rec.Attributes, name); return n }
		text := func(name string) string { v, _ := vendorValue(r.dictionary, rec.Attributes, name); return string(v) }
		s.Number, s.Description = text("FB-Dial-Number"), text("FB-Description")
		s.Send, s.Pages, s.Stage = number("FB-Is-Send") == 1, int(number("FB-Page-Count")), number("FB-CDR-Type")
		if result, ok := vendorNumber(r.dictionary, rec.Attributes, "FB-Called-Number-Result"); ok {
			s.Called = int(result)
		}
		stops = append(stops, s)
	}
	return stops
}

func (r *Radius) serve(conn *net.UDPConn) {
	defer r.ended.Done()
	buf := make([]byte, aaa.MaxPacket)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		answer, event := r.packet(buf[:n], conn == r.acct)
		if event.Why != "" {
			r.cfg.Log.Info("RADIUS packet not answered", "from", from, "why", event.Why)
		}
		if r.cfg.Hook != nil {
			r.cfg.Hook(event)
		}
		if answer != nil {
			_, _ = conn.WriteToUDPAddrPort(answer, from)
		}
	}
}

// packet answers one datagram; answer is nil when there is none.
func (r *Radius) packet(data []byte, acct bool) (answer []byte, event RadiusEvent) {
	secret := []byte(r.cfg.Secret)
	p, err := radius.Parse(data, secret)
	if err != nil {
		return nil, RadiusEvent{Why: err.Error()}
	}
	event.Code = aaa.Code(p.Code)
	event.User = string(p.Get(aaa.UserName))
	r.mu.Lock()
	defer r.mu.Unlock()
	var attributes aaa.Attributes
	switch {
	case r.silent:
		event.Why = "silent"
	case acct && event.Code == aaa.AccountingRequest:
		if !radius.IsAuthenticRequest(data, secret) {
			event.Why = "a wrong Request Authenticator"
			break
		}
		r.record(p)
		event.Answer = aaa.AccountingResponse
	case !acct && (event.Code == aaa.AccessRequest || event.Code == aaa.StatusServer):
		if event.Why = unsignedBecause(p); event.Why != "" {
			break
		}
		event.Answer = aaa.AccessAccept
		if event.Code == aaa.AccessRequest {
			event.Asked, event.Answer, attributes = r.access(p)
		}
	default:
		event.Why = "not served here"
	}
	if event.Why != "" {
		return nil, event
	}
	return r.sign(p.Response(radius.Code(event.Answer)), attributes), event
}

// unsignedBecause says what is wrong with a request's Message-Authenticator; empty: nothing.
func unsignedBecause(p *radius.Packet) string {
	var found radius.Attribute
	for _, a := range p.Attributes {
		if a.Type != aaa.MessageAuthenticator {
			continue
		}
		if found != nil || len(a.Attribute) != md5.Size {
			return "a malformed Message-Authenticator"
		}
		found = append(radius.Attribute{}, a.Attribute...)
		clear(a.Attribute)
	}
	if found == nil {
		return "no Message-Authenticator"
	}
	plain, err := p.MarshalBinary()
	if err != nil || !hmac.Equal(found, signature(plain, p.Secret)) {
		return "a wrong Message-Authenticator"
	}
	return ""
}

func signature(packet, secret []byte) []byte {
	mac := hmac.New(md5.New, secret)
	mac.Write(packet)
	return mac.Sum(nil)
}

// sign writes an answer, with its Message-Authenticator first unless that is to be left
// out. It is computed over the request's authenticator, which Response has put in.
func (r *Radius) sign(p *radius.Packet, attributes aaa.Attributes) []byte {
	signed := make(radius.Attribute, md5.Size)
	if !r.unsigned {
		p.Attributes = append(p.Attributes, &radius.AVP{Type: aaa.MessageAuthenticator, Attribute: signed})
	}
	for _, a := range attributes {
		p.Attributes = append(p.Attributes, &radius.AVP{Type: radius.Type(a.Type), Attribute: a.Value})
	}
	plain, err := p.MarshalBinary()
	if err != nil {
		r.cfg.Log.Warn("RADIUS answer", "err", err)
		return nil
	}
	copy(signed, signature(plain, p.Secret))
	packet, err := p.Encode()
	if err != nil {
		r.cfg.Log.Warn("RADIUS answer", "err", err)
	}
	return packet
}
