package lab

import (
	"errors"
	"slices"
	"strings"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/digest"
)

// register answers a REGISTER as RFC 3261 section 10.3 says, step by step.
func (c *core) register(now time.Time, in *inbound, w way) {
	m := in.req
	if tags := m.Header.Values("Require"); len(tags) > 0 {
		c.badExtension(now, in, tags) // step 2
		return
	}
	user, ok := c.authenticate(now, in, w, digest.UserAgent) // step 3
	if !ok {
		return
	}
	switch {
	case !c.isDomain(m.To.URI): // step 5
		c.code(now, in, 404)
		return
	case m.To.URI.User != user: // step 4
		c.code(now, in, 403)
		return
	}
	bindings, events, code := c.rebind(now, user, m, w)
	if code != 0 {
		res := m.Response(code, "")
		if code == 423 {
			res.Header.Add("Min-Expires", seconds(c.cfg.MinExpiresS))
		}
		c.answer(now, in, res)
		return
	}
	c.location.set(user, bindings)
	res := m.Response(200, "") // step 8
	for _, b := range bindings {
		contact := b.Contact.Clone()
		contact.Params.Set("expires", seconds(int(b.Until.Sub(now)/time.Second)))
		res.Contact = append(res.Contact, contact)
		c.wake(b.Until)
	}
	res.Header.Add("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	c.answer(now, in, res)
	for _, e := range events {
		c.tell(e)
	}
}

// badExtension refuses a request whose extensions are not known: none is.
func (c *core) badExtension(now time.Time, in *inbound, tags []string) {
	res := in.req.Response(420, "")
	res.Header.Add("Unsupported", strings.Join(tags, ", "))
	c.answer(now, in, res)
}

// rebind computes the bindings of a user after a REGISTER: steps 6 and 7, all of it or
// nothing. code says why nothing.
func (c *core) rebind(now time.Time, user string, m *sipmsg.Message, w way) (all []Binding, events []Event, code int) {
	all = c.location.of(user, now)
	if len(m.Contact) == 0 {
		return all, []Event{{Kind: Queried, User: user}}, 0
	}
	if m.Contact[0].URI.IsWildcard() { // alone, or sipmsg would not have taken it
		if expires, ok := m.Expires(); !ok || expires != 0 {
			return nil, nil, 400
		}
		for _, b := range all {
			if !b.precedes(m) {
				return nil, nil, 400
			}
			events = append(events, Event{Kind: Unregistered, User: user, Contact: b.Contact.URI.String()})
		}
		return nil, events, 0
	}
	for _, contact := range m.Contact {
		expires, code := c.lifetime(m, contact)
		if code != 0 {
			return nil, nil, code
		}
		e := Event{Kind: Registered, User: user, Contact: contact.URI.String(), ExpiresS: expires}
		if i := slices.IndexFunc(all, func(b Binding) bool { return b.Contact.URI.Equal(contact.URI) }); i >= 0 {
			if !all[i].precedes(m) {
				return nil, nil, 400
			}
			e.Kind = Refreshed
			all = slices.Delete(all, i, i+1)
		}
		if expires == 0 {
			if e.Kind == Refreshed {
				e.Kind = Unregistered
				events = append(events, e)
			}
			continue
		}
		if len(all) == maxContacts {
			return nil, nil, 403
		}
		contact = contact.Clone()
		contact.Params.Del("expires")
		until := now.Add(time.Duration(expires) * time.Second)
		all = append(all, Binding{Contact: contact, Until: until, CallID: m.CallID, Seq: m.CSeq.Seq, way: w})
		events = append(events, e)
	}
	return all, events, 0
}

// precedes reports that m may change b: RFC 3261 section 10.3 step 7, requests of one
// Call-ID take effect in the order of their CSeq.
func (b *Binding) precedes(m *sipmsg.Message) bool {
	return b.CallID != m.CallID || b.Seq < m.CSeq.Seq
}

// lifetime is how long a contact will be bound: what it asks for, within our limits.
func (c *core) lifetime(m *sipmsg.Message, contact sipmsg.Addr) (expires, code int) {
	expires, ok := contact.Expires()
	if !ok {
		if expires, ok = m.Expires(); !ok {
			expires = c.cfg.MaxExpiresS
		}
	}
	if expires > 0 && expires < c.cfg.MinExpiresS {
		return 0, 423
	}
	return min(expires, c.cfg.MaxExpiresS), 0
}

// authenticate finds out who sent a request, or answers it with a challenge or a refusal.
func (c *core) authenticate(now time.Time, in *inbound, w way, role digest.Role) (user string, ok bool) {
	if c.trusts(w) {
		return in.req.From.URI.User, true
	}
	user, err := c.verifier.Check(now, in.req, role)
	switch {
	case err == nil && c.hosts[in.req.From.URI.Host] && in.req.From.URI.User != user:
		c.code(now, in, 403) // calls itself somebody else here; anonymous@anonymous.invalid may
	case err == nil:
		return user, true
	case errors.Is(err, digest.ErrNoCredentials), errors.Is(err, digest.ErrWrongPassword):
		c.answer(now, in, c.verifier.Challenge(now, in.req, role, false))
	case errors.Is(err, digest.ErrStale):
		c.answer(now, in, c.verifier.Challenge(now, in.req, role, true))
	default:
		c.log.Debug("credentials not understood", "request", in.req, "err", err)
		c.code(now, in, 400)
	}
	return "", false
}
