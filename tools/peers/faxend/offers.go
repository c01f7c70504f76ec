package faxend

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"tipring/tools/peers/wire"
)

// asked decides on a request of the other side within the call.
func (f *Fax) asked(m *wire.Message, from netip.AddrPort) bool {
	f.mu.Lock()
	dead := f.dead
	f.mu.Unlock()
	if dead {
		return true
	}
	switch m.Method {
	case "BYE", "CANCEL":
		go f.finish("the other side sent " + m.Method)
		return false
	case "INVITE", "UPDATE":
		if m.Body == "" && m.Method == "UPDATE" {
			f.note("UPDATE of theirs without a session")
			return false
		}
		go f.offered(m, from)
		return true
	case "ACK":
		f.note("ACK of %d", m.CSeq())
		return false
	}
	f.note("%s of theirs", m.Method)
	return false
}

// offered answers an offer within the call.
func (f *Fax) offered(m *wire.Message, from netip.AddrPort) {
	f.mu.Lock()
	f.offers = append(f.offers, m.Body)
	asking := f.asking
	f.mu.Unlock()
	to, image := imageOf(m.Body)
	answer := func(status int, phrase, body string) {
		f.note("%s of theirs, %s: %d", m.Method, kind(m.Body), status)
		f.Call.Respond(m, from, status, phrase, body)
	}
	switch {
	case m.Body == "": // an offer is wanted (RFC 3261 section 14.2)
		answer(200, "OK", f.current())
	case asking:
		answer(491, "Request Pending", "")
	case !image:
		f.Call.Media.Direct(m.Body)
		f.back()
		answer(200, "OK", f.answerTo(m.Body, "", f.soundMedia()))
	case f.agreed():
		f.startImage(to)
		answer(200, "OK", f.answerTo(m.Body, f.imageMedia(f.ownUDPTL().Port()), ""))
	default:
		f.decide(m, to, answer)
	}
}

func kind(sdp string) string {
	_, image := imageOf(sdp)
	switch {
	case sdp == "":
		return "no session"
	case image && sounds(sdp):
		return "T.38 and sound"
	case image:
		return "T.38"
	case sounds(sdp):
		return "sound"
	}
	return "nothing"
}

// decide does with an offer of T.38 what the script says.
func (f *Fax) decide(m *wire.Message, to netip.AddrPort, answer func(int, string, string)) {
	s := f.script
	f.mu.Lock()
	nth, crossed := f.answered, f.crossed
	f.answered++
	f.crossed = true
	f.mu.Unlock()
	switch {
	case s.Deaf:
		f.note("says nothing to an offer of T.38")
	case s.Glare && !crossed:
		f.mu.Lock()
		f.answered--
		f.mu.Unlock()
		go f.Offer()
		<-time.After(100 * time.Millisecond) // theirs is answered when ours is with them
		answer(491, "Request Pending", "")
	case nth < len(s.Refuse) && s.Refuse[nth] != 0:
		answer(s.Refuse[nth], "Scripted", "")
	case s.Decline:
		answer(200, "OK", f.answerTo(m.Body, "", ""))
	default:
		image, err := f.ownImage(to)
		if err != nil {
			f.end.t.Errorf("faxend: %v", err)
			return
		}
		answer(200, "OK", f.answerTo(m.Body, image, ""))
	}
}

// agreed says whether T.38 is up.
func (f *Fax) agreed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.image != nil
}

func (f *Fax) ownUDPTL() netip.AddrPort {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.udptl
}

// back ends T.38 and begins with sound again: a fax machine that is at the start of its call.
func (f *Fax) back() {
	f.mu.Lock()
	k := f.image
	f.image = nil
	f.mu.Unlock()
	if k == nil {
		return
	}
	f.note("sound again")
	k.close()
	_, _ = k.Result()
	f.Call.Media.Divert(nil)
	f.startSound()
	f.Call.Media.Pause(false)
}

// reserve settles where this end takes UDPTL.
func (f *Fax) reserve() error {
	addr := f.Call.Media.Addr
	if f.script.OwnPort {
		p, err := f.openPort()
		if err != nil {
			return err
		}
		addr = p.addr
	}
	f.mu.Lock()
	f.udptl = addr
	f.mu.Unlock()
	return nil
}

// ownImage begins T.38 with to, and returns the image line of this end.
func (f *Fax) ownImage(to netip.AddrPort) (string, error) {
	if err := f.reserve(); err != nil {
		return "", err
	}
	f.startImage(to)
	return f.imageMedia(f.ownUDPTL().Port()), nil
}

// current is the session as it is.
func (f *Fax) current() string {
	if f.agreed() {
		return f.session(f.imageMedia(f.ownUDPTL().Port()))
	}
	return f.session(f.soundMedia())
}

// ask sends a re-INVITE and takes the answer's session. Its status; 0: there was none.
func (f *Fax) ask(what, body string) (status int, sdp string) {
	f.mu.Lock()
	f.asking = true
	f.mu.Unlock()
	headers := []string{fmt.Sprintf("Contact: <sip:far@%s>", f.end.Addr)}
	if n := f.script.Expires; n > 0 { // without it the timer would end (RFC 4028 section 7.2)
		role := "uas"
		if f.refreshes() {
			role = "uac"
		}
		headers = append(headers, fmt.Sprintf("Session-Expires: %d;refresher=%s", n, role), "Supported: timer")
	}
	res := f.Call.Ask("INVITE", headers, body)
	f.mu.Lock()
	f.asking = false
	f.mu.Unlock()
	if res != nil {
		status, sdp = res.Status, res.Body
	}
	f.note("re-INVITE of ours, %s: %d %s", what, status, kind(sdp))
	return status, sdp
}

// Offer offers T.38, again after each 491 (RFC 3261 section 14.1), until there is an answer.
// Its status.
func (f *Fax) Offer() int {
	for range 5 {
		if f.agreed() {
			return 200
		}
		if err := f.reserve(); err != nil {
			f.end.t.Errorf("faxend: %v", err)
			return 0
		}
		status, sdp := f.ask("T.38", f.session(f.imageMedia(f.ownUDPTL().Port())))
		if status == 491 {
			if !f.sleep(f.pause()) {
				return 0
			}
			continue
		}
		if to, ok := imageOf(sdp); ok && status == 200 {
			f.startImage(to)
		}
		return status
	}
	return 491
}

// pause is RFC 3261 section 14.1's time after a 491.
func (f *Fax) pause() time.Duration {
	ms := time.Duration(rand.IntN(200)) * 10 * time.Millisecond
	if f.outgoing() {
		ms += 2100 * time.Millisecond
	}
	return ms
}

// Refresh sends the session as it is. The answer's status; 299 stands for a 200 that is no
// longer T.38 while T.38 is agreed.
func (f *Fax) Refresh() int {
	status, sdp := f.ask("as it is", f.current())
	to, ok := imageOf(sdp)
	switch {
	case status != 200 || !f.agreed():
	case ok:
		f.startImage(to)
	default:
		return 299
	}
	return status
}

// Move takes UDPTL to another port in the middle of the call, and says so.
func (f *Fax) Move() int {
	p, err := f.openPort()
	if err != nil {
		f.end.t.Errorf("faxend: %v", err)
		return 0
	}
	f.mu.Lock()
	f.udptl = p.addr
	f.mu.Unlock()
	status, sdp := f.ask("another port", f.current())
	to, ok := imageOf(sdp)
	if status == 200 && ok {
		f.mu.Lock()
		k := f.image
		f.mu.Unlock()
		k.move(p.send, to)
	}
	return status
}

// Hold sends a hold while the fax goes on: sendonly, or address 0.0.0.0 of old.
func (f *Fax) Hold(old bool) int {
	body := f.session(f.imageMedia(f.ownUDPTL().Port(), "a=sendonly"))
	if old {
		body = f.session(strings.Replace(f.imageMedia(f.ownUDPTL().Port()), "\r\n", "\r\nc=IN IP4 0.0.0.0\r\n", 1))
	}
	status, _ := f.ask("a hold", body)
	return status
}

// Bye ends the call from here, in the middle of whatever it is doing.
func (f *Fax) Bye() {
	f.note("BYE of ours: %d", f.Call.Bye())
	f.finish("BYE as scripted")
}

// Die has this end say nothing more, neither SIP nor media.
func (f *Fax) Die() {
	f.mu.Lock()
	f.dead = true
	k := f.image
	f.mu.Unlock()
	f.Call.Media.Pause(true)
	if k != nil {
		k.move(func([]byte, netip.AddrPort) {}, netip.AddrPort{})
	}
	f.finish("died as scripted")
}

// Machine says how the machine of this end is doing: the datagrams it met.
func (f *Fax) Machine() Met {
	f.mu.Lock()
	k := f.image
	f.mu.Unlock()
	if k == nil {
		return Met{}
	}
	return k.met()
}
