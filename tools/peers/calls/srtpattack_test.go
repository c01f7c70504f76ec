package calls

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
)

// A secureEnd is the SRTP of a far end, by pion.
type secureEnd struct {
	mu      sync.Mutex
	out, in *srtp.Context
	sent    [][]byte // what went out, for who wants to say it again
	bad     int      // packets of the device's that do not open
}

var firstKey = regexp.MustCompile(`a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 inline:([A-Za-z0-9+/]{40})`)

// contextOf makes a context of a key and salt.
func contextOf(t *testing.T, master []byte, options ...srtp.ContextOption) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(master[:16], master[16:30], srtp.ProtectionProfileAes128CmHmacSha1_80, options...)
	if err != nil {
		t.Error(err)
	}
	return c
}

// answer answers an offer with a key, and has the call's media go under both.
func (s *secureEnd) answer(t *testing.T, c *farend.Call) {
	s.direct(t, c, c.Invite().Body)
	c.AnswerWith(s.described(c, c.Invite().Body))
}

var ownMaster = []byte("0123456789abcdef0123456789abcd")

func (s *secureEnd) direct(t *testing.T, c *farend.Call, offer string) {
	found := firstKey.FindStringSubmatch(offer)
	if found == nil {
		t.Errorf("no key in\n%s", offer)
		return
	}
	theirs, err := base64.StdEncoding.DecodeString(found[2])
	if err != nil {
		t.Error(err)
		return
	}
	s.mu.Lock()
	s.out, s.in = contextOf(t, ownMaster), contextOf(t, theirs, srtp.SRTPReplayProtection(64))
	s.mu.Unlock()
	c.Media.Secure(s.protect, s.open)
}

// described is the answer to an offer with a key.
func (s *secureEnd) described(c *farend.Call, offer string) string {
	body := c.Media.Answer(offer)
	if strings.Contains(offer, "RTP/SAVP") {
		body = strings.Replace(body, "RTP/AVP", "RTP/SAVP", 1)
	}
	return body + "a=crypto:" + firstKey.FindStringSubmatch(offer)[1] + " AES_CM_128_HMAC_SHA1_80 inline:" + base64.StdEncoding.EncodeToString(ownMaster) + "\r\n"
}

func (s *secureEnd) protect(b []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	wire, err := s.out.EncryptRTP(nil, b, nil)
	if err != nil {
		return nil
	}
	s.sent = append(s.sent, wire)
	return wire
}

func (s *secureEnd) open(b []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	plain, err := s.in.DecryptRTP(nil, b, nil)
	if err != nil {
		s.bad++
		return nil
	}
	return plain
}

// In a call by TLS with SRTP required, whatever others send is not heard and moves nothing: packets
// in the clear, under another key, changed, and such as have come before; from the far end's own
// address and from elsewhere.
func TestSRTPUnderAttack(t *testing.T) {
	t.Parallel()
	l := newLab(t, site.Options{Transport: "tls", Port: 5061, Algorithm: "MD5"})
	l.Config.Set("sip1", "srtp", "required")
	l.Watch.KeepRTP()
	s := &secureEnd{}
	far := farend.New(t, l.Far, func(c *farend.Call) { s.answer(t, c) })
	l.Run()
	l.Dial(1, "600")
	c := far.WaitCall(patience, 1)
	l.both(c)

	mallory := l.Lan.Host("mallory", 66)
	var elsewhere *net.UDPConn
	if err := mallory.Do(func() (err error) {
		elsewhere, err = net.ListenUDP("udp", &net.UDPAddr{IP: mallory.Addr.AsSlice()})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = elsewhere.Close() }()
	port, _ := strconv.Atoi(regexp.MustCompile(`m=audio (\d+)`).FindStringSubmatch(c.Invite().Body)[1])
	device := netip.AddrPortFrom(l.Host.Addr, uint16(port))
	wrong := contextOf(t, []byte("another key, of thirty octets."))
	lie := func(n int) []byte {
		b := make([]byte, 172)
		b[0] = 0x80
		s.mu.Lock()
		last := s.sent[len(s.sent)-1]
		s.mu.Unlock()
		copy(b[2:12], last[2:12])
		binary.BigEndian.PutUint16(b[2:], binary.BigEndian.Uint16(last[2:])+uint16(n%3)+1)
		binary.BigEndian.PutUint32(b[4:], binary.BigEndian.Uint32(last[4:])+uint32(n%3+1)*160)
		copy(b[12:], audio.ULaw(audio.Sine(2000, -5, 160)))
		return b
	}
	if !netlab.Until(patience, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.sent) > 60 }) {
		t.Fatal("the far end says nothing")
	}
	before := c.Media.Packets()
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for n := range 150 {
		plain := lie(n)
		forged, err := wrong.EncryptRTP(nil, lie(n), nil)
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		old := s.sent[len(s.sent)-1-n%40]
		s.mu.Unlock()
		changed := append([]byte(nil), old...)
		changed[3] += 2
		for _, b := range [][]byte{plain, forged, old, changed} {
			c.Media.Inject(b)
			_, _ = elsewhere.WriteToUDPAddrPort(b, device)
		}
		<-pace.C
	}
	heard := l.Phones[1].Heard(1200 * time.Millisecond)
	for at := 0; at+1600 <= len(heard); at += 1600 {
		if err := phone.Sounds(heard[at:at+1600], 1000); err != nil {
			t.Errorf("%d ms into the attack the telephone hears: %v", at/8, err)
		}
		if level := audio.Level(heard[at:at+1600], 2000); level > -40 {
			t.Errorf("the lie is heard at %.0f dBm0", level)
		}
	}
	l.both(c)
	if n := c.Media.Packets() - before; n < 50 {
		t.Errorf("%d packets of the device's came meanwhile", n)
	}
	_ = elsewhere.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, _, err := elsewhere.ReadFrom(make([]byte, 500)); err == nil {
		t.Errorf("%d octets went to who is not the far end", n)
	}
	if s.bad > 0 {
		t.Errorf("%d packets of the device's do not open", s.bad)
	}
	l.encrypted("under attack", "encrypted")

	// A session refresh brings the same key.
	c.Ask("INVITE", nil, s.described(c, c.Invite().Body))
	l.both(c)
	l.Phones[1].OnHook()
	c.Wait("BYE", patience)
	l.Unbroken()
}

// An answer that takes encryption away ends the call, and not a sound goes in the clear.
func TestSRTPDowngraded(t *testing.T) {
	t.Parallel()
	l := newLab(t, site.Options{Transport: "tls", Port: 5061, Algorithm: "MD5"})
	l.Config.Set("sip1", "srtp", "required")
	l.Watch.KeepRTP()
	far := farend.New(t, l.Far, func(c *farend.Call) {
		c.AnswerWith(c.Media.Answer(c.Invite().Body), "Subject: plain")
	})
	l.Run()
	l.Dial(1, "600")
	c := far.WaitCall(patience, 1)
	if !c.Wait("BYE", patience) {
		t.Error("the call goes on")
	}
	if !netlab.Until(patience, func() bool { calls := l.Agent.Calls(); return len(calls) > 0 && calls[0].Ended != nil }) {
		t.Fatal("the call has not ended")
	}
	if call := l.Agent.Calls()[0]; call.Answered != nil || call.Reason == nil || !strings.Contains(*call.Reason, "RTP/AVP") {
		t.Errorf("%+v, %v", call, fmt.Sprint(*call.Reason))
	}
	if n := l.payloads(); len(n) > 0 {
		t.Errorf("packets of the device's: %v", n)
	}
	l.Phones[1].OnHook()
	l.Unbroken()
}
