package targets

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A question is one that a name server is asked.
type question struct {
	name string // fully qualified, lower case, without the final dot
	typ  dnsmessage.Type
}

// The record types that matter.
const (
	typeA     = dnsmessage.TypeA
	typeAAAA  = dnsmessage.TypeAAAA
	typeSRV   = dnsmessage.TypeSRV
	typeNAPTR = dnsmessage.Type(35) // RFC 3403 section 4.1
)

// An answer is what a name server says to a question. Of its lists, one at most is
// filled.
type answer struct {
	addrs []netip.Addr
	srv   []srv
	naptr []naptr
	ttl   time.Duration // of the records and the aliases that led to them; or of their absence
	next  string        // an alias whose own records have to be asked for
	rcode dnsmessage.RCode
	cut   bool // truncated: ask again over TCP
	lame  bool // from a server that has no answer and asks nobody else
}

func (a *answer) empty() bool { return len(a.addrs)+len(a.srv)+len(a.naptr) == 0 }

// srv is an SRV record (RFC 2782). Its target is empty for ".".
type srv struct {
	priority, weight, port uint16
	target                 string
}

// udpSize is the length of a datagram that servers are told of: one that no path has
// to cut (RFC 9715).
const udpSize = 1232

// ask builds the message for a question. A server that cannot cope with EDNS gets one
// without.
func (q question) ask(id uint16, edns bool) ([]byte, error) {
	name, err := dnsmessage.NewName(q.name + ".")
	if err != nil {
		return nil, err
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(dnsmessage.Question{Name: name, Type: q.typ, Class: dnsmessage.ClassINET}); err != nil {
		return nil, err
	}
	if edns {
		if err := b.StartAdditionals(); err != nil {
			return nil, err
		}
		var h dnsmessage.ResourceHeader
		if err := h.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false); err != nil {
			return nil, err
		}
		if err := b.OPTResource(h, dnsmessage.OPTResource{}); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

// errNotOurs is a message that answers another question, or none.
var errNotOurs = errors.New("not an answer to the question")

// parse reads the message that answers q.
func (q question) parse(msg []byte, id uint16) (*answer, error) {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil {
		return nil, err
	}
	if !h.Response || h.ID != id || h.OpCode != 0 {
		return nil, errNotOurs
	}
	asked, err := p.Question()
	if err != nil || asked.Type != q.typ || asked.Class != dnsmessage.ClassINET || text(asked.Name) != q.name {
		return nil, errNotOurs
	}
	if err := p.SkipAllQuestions(); err != nil {
		return nil, err
	}
	a := &answer{rcode: h.RCode, cut: h.Truncated}
	if err := a.records(&p, q); err != nil {
		if a.cut {
			return &answer{cut: true}, nil
		}
		return nil, err
	}
	if a.empty() && (a.next == "" || a.rcode != dnsmessage.RCodeSuccess) {
		var authority bool
		a.ttl, authority = absenceTTL(&p)
		a.lame = h.RCode == dnsmessage.RCodeSuccess && !authority && !h.Authoritative && !h.RecursionAvailable
	}
	return a, nil
}

// An owned is a record with the name it belongs to.
type owned struct {
	name  string
	ttl   time.Duration
	alias string // of a CNAME
	addr  netip.Addr
	srv   *srv
	naptr *naptr
}

// records reads the answer section, and takes what belongs to the name asked for or
// to the alias at the end of its chain.
func (a *answer) records(p *dnsmessage.Parser, q question) error {
	var all []owned
	for range maxRecords {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			return err
		}
		r := owned{name: text(h.Name), ttl: time.Duration(h.TTL) * time.Second}
		if err := r.read(p, h, q.typ); err != nil {
			return err
		}
		all = append(all, r)
	}
	name, ttl, ok := follow(all, q.name)
	if !ok {
		return errors.New("aliases in a circle")
	}
	for _, r := range all {
		if r.name == name && a.take(r) {
			ttl = min(ttl, r.ttl)
		}
	}
	if a.empty() && name != q.name {
		a.next = name
	}
	a.ttl = clamp(ttl, minTTL, maxTTL)
	return nil
}

// follow goes along the aliases from a name to the last one.
func follow(all []owned, name string) (last string, ttl time.Duration, ok bool) {
	ttl = maxTTL
	for range maxChain {
		next := ""
		for _, r := range all {
			if r.name == name && r.alias != "" {
				next, ttl = r.alias, min(ttl, r.ttl)
				break
			}
		}
		if next == "" {
			return name, ttl, true
		}
		name = next
	}
	return "", 0, false
}

func (a *answer) take(r owned) bool {
	switch {
	case r.addr.IsValid():
		a.addrs = append(a.addrs, r.addr)
	case r.srv != nil:
		a.srv = append(a.srv, *r.srv)
	case r.naptr != nil:
		a.naptr = append(a.naptr, *r.naptr)
	default:
		return false
	}
	return true
}

// read takes the record that p stands before. One of another type or class, or with
// content of no use, leaves r without any.
func (r *owned) read(p *dnsmessage.Parser, h dnsmessage.ResourceHeader, want dnsmessage.Type) error {
	if h.Class != dnsmessage.ClassINET || h.Type != want && h.Type != dnsmessage.TypeCNAME {
		return p.SkipAnswer()
	}
	switch h.Type {
	case dnsmessage.TypeCNAME:
		c, err := p.CNAMEResource()
		if err != nil {
			return err
		}
		if alias := text(c.CNAME); validName(alias) {
			r.alias = alias
		}
	case typeA:
		if h.Length != 4 {
			return p.SkipAnswer()
		}
		a, err := p.AResource()
		if err != nil {
			return err
		}
		r.setAddr(netip.AddrFrom4(a.A))
	case typeAAAA:
		if h.Length != 16 {
			return p.SkipAnswer()
		}
		a, err := p.AAAAResource()
		if err != nil {
			return err
		}
		r.setAddr(netip.AddrFrom16(a.AAAA).Unmap())
	case typeSRV:
		s, err := p.SRVResource()
		if err != nil {
			return err
		}
		if target := text(s.Target); target == "" || validName(target) && s.Port != 0 {
			r.srv = &srv{s.Priority, s.Weight, s.Port, target}
		}
	case typeNAPTR:
		u, err := p.UnknownResource()
		if err != nil {
			return err
		}
		r.naptr = parseNAPTR(u.Data)
	}
	return nil
}

// setAddr keeps an address that something can be sent to.
func (r *owned) setAddr(a netip.Addr) {
	if !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		r.addr = a
	}
}

// absenceTTL is how long "there is none" holds: what the zone's SOA says (RFC 2308
// section 5), but a minute at most, as a line waits for what may be entered just now.
func absenceTTL(p *dnsmessage.Parser) (ttl time.Duration, authority bool) {
	ttl = 10 * time.Second
	if err := p.SkipAllAnswers(); err != nil {
		return ttl, false
	}
	for range maxRecords {
		h, err := p.AuthorityHeader()
		if err != nil {
			break
		}
		if h.Type != dnsmessage.TypeSOA {
			if p.SkipAuthority() != nil {
				break
			}
			continue
		}
		soa, err := p.SOAResource()
		if err != nil {
			break
		}
		seconds := min(h.TTL, soa.MinTTL)
		return clamp(time.Duration(seconds)*time.Second, minTTL, time.Minute), true
	}
	return ttl, false
}

func clamp(d, low, high time.Duration) time.Duration { return max(low, min(d, high)) }

// text is a name in lower case without the final dot.
func text(n dnsmessage.Name) string {
	return strings.ToLower(strings.TrimSuffix(n.String(), "."))
}
