package offer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tipring/internal/media/srtp"
)

// secured are the capabilities of everything with a security.
func secured(s Security) Capabilities {
	c := everything
	c.Security = s
	return c
}

// inline is a key of n octets, all of them what.
func inline(n int, what byte) string {
	return "inline:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{what}, n))
}

func TestCryptoLines(t *testing.T) {
	good30, good46, good28 := inline(30, 1), inline(46, 2), inline(28, 3)
	for _, tt := range []struct {
		line  string
		suite srtp.Suite // 0: the line is ignored
		mki   uint64
		size  uint8
	}{
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30, srtp.AES128SHA80, 0, 0},
		{"999999999 aes_cm_128_hmac_sha1_32   " + good30, srtp.AES128SHA32, 0, 0},
		{"1 AES_256_CM_HMAC_SHA1_80 " + good46, srtp.AES256SHA80, 0, 0},
		{"1 AES_CM_256_HMAC_SHA1_80 " + strings.TrimRight(good46, "="), srtp.AES256SHA80, 0, 0},
		{"1 AEAD_AES_128_GCM " + good28, srtp.AES128GCM, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|2^20", srtp.AES128SHA80, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|1048576", srtp.AES128SHA80, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|2^48|1:4", srtp.AES128SHA80, 1, 4},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|18446744073709551615:8", srtp.AES128SHA80, 1<<64 - 1, 8},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + " WSH=128 -vendor=x", srtp.AES128SHA80, 0, 0},

		{"1 AES_CM_128_HMAC_SHA1_80 " + inline(29, 1), 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + inline(31, 1), 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:!!!!", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 other:" + good30, 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + ";" + good30, 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|2^20|1:4;" + good30 + "|2^20|2:4", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|0", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|2^49", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|soon", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|2^20|256:1", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|2^20|1:0", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|2^20|1:9", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|1:1|1:1", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + "|2^20|1:4|5", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + " KDR=1", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + " UNENCRYPTED_SRTP", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + " UNENCRYPTED_SRTCP", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + " UNAUTHENTICATED_SRTP", 0, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + good30 + " FEC_ORDER=FEC_SRTP", 0, 0, 0},
		{"1 F8_128_HMAC_SHA1_80 " + good30, 0, 0, 0},
		{"0x1 AES_CM_128_HMAC_SHA1_80 " + good30, 0, 0, 0},
		{"1000000000 AES_CM_128_HMAC_SHA1_80 " + good30, 0, 0, 0},
		{"-1 AES_CM_128_HMAC_SHA1_80 " + good30, 0, 0, 0},
		{"", 0, 0, 0},
	} {
		m := Media{}
		m.Attributes.Add("crypto", tt.line)
		got := m.cryptos()
		switch {
		case tt.suite == 0 && len(got) > 0:
			t.Errorf("%q is taken as %+v", tt.line, got)
		case tt.suite == 0:
		case len(got) != 1:
			t.Errorf("%q is not understood", tt.line)
		default:
			if k := got[0].key; k.Suite != tt.suite || k.MKI != tt.mki || k.MKISize != tt.size || k.Master[0] == 0 || k.Master[k.Suite.Size()-1] != k.Master[0] {
				t.Errorf("%q: %v, identifier %d of %d octets", tt.line, k, k.MKI, k.MKISize)
			}
		}
	}
}

// Of two lines of one tag the first counts, understood or not.
func TestSameTagTwice(t *testing.T) {
	m := Media{}
	for _, l := range []string{"1 NOBODY_KNOWS x", "1 AES_CM_128_HMAC_SHA1_80 " + inline(30, 1), "2 AES_CM_128_HMAC_SHA1_80 " + inline(30, 2), "2 AES_CM_128_HMAC_SHA1_80 " + inline(30, 3)} {
		m.Attributes.Add("crypto", l)
	}
	if got := m.cryptos(); len(got) != 1 || got[0].tag != 2 || got[0].key.Master[0] != 2 {
		t.Errorf("%+v", got)
	}
}

func TestOfferOfKeys(t *testing.T) {
	for _, tt := range []struct {
		security Security
		profile  string
		lines    int
	}{{Plain, "RTP/AVP", 0}, {Opportunistic, "RTP/AVP", 4}, {Encrypted, "RTP/SAVP", 4}} {
		seen := map[string]bool{}
		for range 2 { // no key is offered twice, in one call or in two
			d := over(t, must(t)(New(secured(tt.security), here).Offer()))
			m := d.Media[0]
			values := m.Attributes.Values("crypto")
			if m.Proto != tt.profile || len(values) != tt.lines || len(m.cryptos()) != tt.lines {
				t.Errorf("%d: %s with %d lines, %d understood", tt.security, m.Proto, len(values), len(m.cryptos()))
			}
			for _, v := range values {
				if key := v[strings.Index(v, "inline:"):]; seen[key] {
					t.Errorf("%q twice", key)
				} else {
					seen[key] = true
				}
			}
		}
	}
}

// mirror checks that each side sends by what the other receives by.
func mirror(t testing.TB, a, b *Session) {
	t.Helper()
	x, y := a.Audio(), b.Audio()
	switch {
	case x == nil || y == nil:
		t.Fatal("nothing agreed")
	case (x.SRTP == nil) != (y.SRTP == nil):
		t.Fatalf("one side encrypts: %v, %v", x.SRTP, y.SRTP)
	case x.SRTP == nil:
	case x.SRTP.Local != y.SRTP.Remote || x.SRTP.Remote != y.SRTP.Local || x.SRTP.Local == x.SRTP.Remote:
		t.Fatalf("keys do not fit: %v, %v", x.SRTP, y.SRTP)
	}
}

// exchange has one side offer and the other answer.
func exchange(t testing.TB, from, to *Session) error {
	t.Helper()
	answer, err := to.Answer(over(t, must(t)(from.Offer())))
	if err != nil {
		from.Revert()
		return err
	}
	if err := from.TakeAnswer(over(t, answer)); err != nil {
		t.Fatal(err)
	}
	mirror(t, from, to)
	return nil
}

func TestBothSidesOfEverySecurity(t *testing.T) {
	for _, tt := range []struct {
		caller, callee Security
		want           string
	}{
		{Plain, Plain, "plain"}, {Plain, Opportunistic, "plain"}, {Plain, Encrypted, "refused"},
		{Opportunistic, Plain, "plain"}, {Opportunistic, Opportunistic, "encrypted"}, {Opportunistic, Encrypted, "encrypted"},
		{Encrypted, Plain, "refused"}, {Encrypted, Opportunistic, "encrypted"}, {Encrypted, Encrypted, "encrypted"},
	} {
		caller, callee := New(secured(tt.caller), here), New(secured(tt.callee), there)
		err := exchange(t, caller, callee)
		got := "refused"
		switch {
		case err == nil && caller.Audio().SRTP != nil:
			got = "encrypted"
		case err == nil:
			got = "plain"
		case !errors.Is(err, ErrNotAcceptable):
			t.Error(err)
		}
		if got != tt.want {
			t.Errorf("%d calls %d: %s, want %s (%v)", tt.caller, tt.callee, got, tt.want, err)
		}
		if err == nil && len(callee.Local().Media[0].Attributes.Values("crypto")) > 1 {
			t.Errorf("the answer has several keys: %s", media(callee.Local()))
		}
	}
}

func TestRefusalSaysWhy(t *testing.T) {
	offer := remoteOffer(t, 1, "m=audio 20000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "+inline(30, 1))
	caps := secured(Plain)
	caps.PlainWhy = "SRTP is not done over UDP"
	for want, caps := range map[string]Capabilities{"SRTP is off here": secured(Plain), "SRTP is not done over UDP": caps} {
		_, err := New(caps, here).Answer(offer)
		var r *Refusal
		if !errors.As(err, &r) || r.Warning != 302 || !strings.Contains(r.Text, want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// What peers offer, and what becomes of it.
func TestAnswersToOffersOfKeys(t *testing.T) {
	k30, k46 := inline(30, 1), inline(46, 2)
	for _, tt := range []struct {
		name     string
		security Security
		tail     []string
		want     string // the m= line and a=crypto up to the key; empty: refused
	}{
		{"the first that is known", Opportunistic, []string{"m=audio 20000 RTP/SAVP 0", "a=crypto:7 F8_128_HMAC_SHA1_80 " + k30, "a=crypto:8 AES_CM_256_HMAC_SHA1_80 " + k46, "a=crypto:9 AES_CM_128_HMAC_SHA1_80 " + k30},
			"RTP/SAVP 8 AES_CM_256_HMAC_SHA1_80"},
		{"beside plain sound", Encrypted, []string{"m=audio 20000 RTP/AVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_32 " + k30}, "RTP/AVP 1 AES_CM_128_HMAC_SHA1_32"},
		{"none that is known, beside plain sound", Opportunistic, []string{"m=audio 20000 RTP/AVP 0", "a=crypto:1 F8_128_HMAC_SHA1_80 " + k30}, "RTP/AVP"},
		{"none that is known, beside plain sound, and required", Encrypted, []string{"m=audio 20000 RTP/AVP 0", "a=crypto:1 F8_128_HMAC_SHA1_80 " + k30}, ""},
		{"none that is known", Opportunistic, []string{"m=audio 20000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 " + k30 + " KDR=3"}, ""},
		{"none", Opportunistic, []string{"m=audio 20000 RTP/SAVP 0"}, ""},
		{"of no line", Opportunistic, []string{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 " + k30, "m=audio 20000 RTP/SAVP 0"}, ""},
		{"keys of DTLS", Opportunistic, []string{"m=audio 20000 UDP/TLS/RTP/SAVP 0", "a=fingerprint:sha-1 00"}, ""},
		{"off", Plain, []string{"m=audio 20000 RTP/AVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 " + k30}, "RTP/AVP"},
		{"in small letters", Opportunistic, []string{"m=audio 20000 rtp/savp 0", "a=CRYPTO:1 aes_cm_128_hmac_sha1_80 " + k30}, "rtp/savp 1 aes_cm_128_hmac_sha1_80"},
	} {
		s := New(secured(tt.security), here)
		d, err := s.Answer(remoteOffer(t, 1, tt.tail...))
		got := ""
		if err == nil {
			got = d.Media[0].Proto
			for _, v := range d.Media[0].Attributes.Values("crypto") {
				head, key, _ := strings.Cut(v, " inline:")
				got += " " + head
				if raw, err := base64.StdEncoding.DecodeString(key); err != nil || len(raw) != s.Audio().SRTP.Local.Suite.Size() || bytes.Count(raw, raw[:1]) == len(raw) {
					t.Errorf("%s: our key is %q", tt.name, key)
				}
			}
		} else if !errors.Is(err, ErrNotAcceptable) {
			t.Error(err)
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q (%v)", tt.name, got, tt.want, err)
		}
	}
}

// Some peers offer an encrypted line and a plain one, in whatever order.
func TestEncryptedLineIsPreferred(t *testing.T) {
	plain, secure := []string{"m=audio 20000 RTP/AVP 0"}, []string{"m=audio 20002 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 " + inline(30, 1)}
	for _, tt := range []struct {
		security Security
		want     string // the profile that is accepted
	}{{Plain, "RTP/AVP"}, {Opportunistic, "RTP/SAVP"}, {Encrypted, "RTP/SAVP"}} {
		for _, tail := range [][]string{append(slices.Clone(plain), secure...), append(slices.Clone(secure), plain...)} {
			d, err := New(secured(tt.security), here).Answer(remoteOffer(t, 1, tail...))
			if err != nil {
				t.Errorf("%d: %v", tt.security, err)
				continue
			}
			for _, m := range d.Media {
				if (m.Port != 0) != (m.Proto == tt.want) {
					t.Errorf("%d: %s", tt.security, media(d))
				}
			}
		}
	}
}

// An answer that takes away what was offered, or has no key of ours, ends the matter.
func TestAnswersThatDoNotFit(t *testing.T) {
	line := func(profile string, cryptos ...string) string {
		tail := "m=audio 20000 " + profile + " 0"
		for _, c := range cryptos {
			tail += "\na=crypto:" + c
		}
		return tail
	}
	const suite = "AES_CM_128_HMAC_SHA1_80 "
	good := "1 " + suite + inline(30, 1)
	for _, tt := range []struct {
		name     string
		security Security
		answer   string
		want     string // encrypted, plain, or empty: refused
	}{
		{"as offered", Encrypted, line("RTP/SAVP", good), "encrypted"},
		{"as offered, in small letters", Encrypted, line("rtp/savp", good), "encrypted"},
		{"plain", Encrypted, line("RTP/AVP"), ""},
		{"downgraded, with a key", Encrypted, line("RTP/AVP", good), ""},
		{"no key", Encrypted, line("RTP/SAVP"), ""},
		{"another suite than the tag's", Encrypted, line("RTP/SAVP", "1 AES_CM_128_HMAC_SHA1_32 "+inline(30, 1)), ""},
		{"a tag that was not offered", Encrypted, line("RTP/SAVP", "17 "+suite+inline(30, 1)), ""},
		{"session parameters", Encrypted, line("RTP/SAVP", good+" UNENCRYPTED_SRTP"), ""},
		{"two keys, of which one fits", Encrypted, line("RTP/SAVP", "9 "+suite+inline(30, 3), good), "encrypted"},
		{"opportunistic: plain", Opportunistic, line("RTP/AVP"), "plain"},
		{"opportunistic: encrypted", Opportunistic, line("RTP/AVP", good), "encrypted"},
		{"opportunistic: SAVP", Opportunistic, line("RTP/SAVP", good), "encrypted"},
		{"opportunistic: SAVP without a key", Opportunistic, line("RTP/SAVP"), ""},
		{"opportunistic: a key that does not fit", Opportunistic, line("RTP/AVP", "17 "+suite+inline(30, 1)), ""},
		{"opportunistic: a key that cannot be read", Opportunistic, line("RTP/AVP", "1 "+suite+"inline:xyz"), ""},
		{"none offered: plain", Plain, line("RTP/AVP"), "plain"},
		{"none offered: a key", Plain, line("RTP/AVP", good), "plain"},
		{"none offered: SAVP", Plain, line("RTP/SAVP", good), ""},
	} {
		s := New(secured(tt.security), here)
		must(t)(s.Offer())
		err := s.TakeAnswer(remoteOffer(t, 1, strings.Split(tt.answer, "\n")...))
		got := ""
		switch {
		case err == nil && s.Audio().SRTP != nil:
			got = "encrypted"
		case err == nil:
			got = "plain"
		case !errors.Is(err, ErrNotAcceptable):
			t.Errorf("%s: %v", tt.name, err)
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q (%v)", tt.name, got, tt.want, err)
		}
	}
}

// A peer that sends our own key back would have both sounds under it.
func TestOurOwnKeyComesBack(t *testing.T) {
	s := New(secured(Encrypted), here)
	d := over(t, must(t)(s.Offer()))
	err := s.TakeAnswer(remoteOffer(t, 1, "m=audio 20000 RTP/SAVP 0", "a=crypto:"+d.Media[0].Attributes.Values("crypto")[0]))
	if !errors.Is(err, ErrNotAcceptable) {
		t.Error(err)
	}
}

// A hold, a resume and a refresh change no key, whoever offers them.
func TestKeysOfASessionThatGoesOn(t *testing.T) {
	a, b := New(secured(Opportunistic), here), New(secured(Opportunistic), there)
	if err := exchange(t, a, b); err != nil {
		t.Fatal(err)
	}
	keys := *a.Audio().SRTP
	for i, step := range []struct {
		from *Session
		want Direction
	}{{a, SendOnly}, {a, SendRecv}, {b, SendOnly}, {b, SendRecv}, {a, SendRecv}, {a, SendRecv}, {b, SendRecv}} {
		step.from.SetDirection(step.want)
		to := a
		if step.from == a {
			to = b
		}
		if err := exchange(t, step.from, to); err != nil {
			t.Fatal(err)
		}
		if *a.Audio().SRTP != keys {
			t.Errorf("step %d: other keys", i)
		}
		if n := len(step.from.Local().Media[0].Attributes.Values("crypto")); n != 1 {
			t.Errorf("step %d: %d keys are offered", i, n)
		}
	}
	// Unchanged, it is the same description (RFC 3264 section 8).
	before := a.Local().Origin.Version
	if err := exchange(t, a, b); err != nil || a.Local().Origin.Version != before {
		t.Errorf("version %s, was %s: %v", a.Local().Origin.Version, before, err)
	}
}

// Everything new is new on both sides.
func TestNewKeys(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, a, b *Session)
	}{
		{"the answering side has moved", func(t *testing.T, a, b *Session) {
			b.SetLocal(Local{RTP: netip.MustParseAddrPort("192.0.2.2:30000")})
			if err := exchange(t, a, b); err != nil {
				t.Fatal(err)
			}
		}},
		{"the offering side has moved", func(t *testing.T, a, b *Session) {
			a.SetLocal(Local{RTP: netip.MustParseAddrPort("192.0.2.9:16384")})
			if err := exchange(t, a, b); err != nil {
				t.Fatal(err)
			}
		}},
		{"an INVITE without an offer", func(t *testing.T, a, b *Session) {
			answer := must(t)(b.Answer(over(t, must(t)(a.OfferAll()))))
			if err := a.TakeAnswer(over(t, answer)); err != nil {
				t.Fatal(err)
			}
			mirror(t, a, b)
		}},
		{"a fax, and sound again", func(t *testing.T, a, b *Session) {
			for _, s := range []*Session{a, b} {
				caps := secured(Encrypted)
				caps.T38 = ours
				s.SetCapabilities(caps)
			}
			for _, mode := range []Mode{Fax, Sound} {
				a.SetMode(mode)
				answer := must(t)(b.Answer(over(t, must(t)(a.Offer()))))
				if err := a.TakeAnswer(over(t, answer)); err != nil {
					t.Fatal(err)
				}
				if mode == Fax && (a.Image() == nil || strings.Contains(media(a.Local()), "crypto")) {
					t.Errorf("a fax by\n%s", media(a.Local()))
				}
			}
			mirror(t, a, b)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := New(secured(Encrypted), here), New(secured(Encrypted), there)
			if err := exchange(t, a, b); err != nil {
				t.Fatal(err)
			}
			old := *a.Audio().SRTP
			tt.change(t, a, b)
			now := *a.Audio().SRTP
			if strings.HasPrefix(tt.name, "the answering") {
				if now.Remote == old.Remote {
					t.Error("who has moved has its old key")
				}
			} else if now.Local == old.Local {
				t.Error("the offer has its old key")
			}
			if strings.HasPrefix(tt.name, "a fax") && a.Local().Media[0].Proto != "RTP/SAVP" {
				t.Errorf("sound again by\n%s", media(a.Local()))
			}
		})
	}
}

// A peer that comes with a new key may be another: it gets a new key of ours too.
func TestPeerChangesItsKey(t *testing.T) {
	s := New(secured(Opportunistic), here)
	var last srtp.Keys
	for i, step := range []struct {
		what byte
		same bool
	}{{1, false}, {1, true}, {2, false}, {2, true}, {1, false}} {
		d := must(t)(s.Answer(remoteOffer(t, i+1, "m=audio 20000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "+inline(30, step.what))))
		keys := *s.Audio().SRTP
		if same := keys.Local == last.Local; same != step.same || keys.Remote.Master[0] != step.what {
			t.Errorf("step %d: the same key %v", i, same)
		}
		if own := d.Media[0].cryptos(); len(own) != 1 || own[0].key != keys.Local {
			t.Errorf("step %d: %s", i, media(d))
		}
		last = keys
	}
}

// In mid-call a peer may take encryption away where it is optional, and not where it is required;
// then the call goes on as it was.
func TestDowngradeInMidCall(t *testing.T) {
	for _, security := range []Security{Opportunistic, Encrypted} {
		s := New(secured(security), here)
		must(t)(s.Answer(remoteOffer(t, 1, "m=audio 20000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "+inline(30, 1))))
		keys := *s.Audio().SRTP
		_, err := s.Answer(remoteOffer(t, 2, "m=audio 20000 RTP/AVP 0"))
		switch {
		case security == Opportunistic && (err != nil || s.Audio().SRTP != nil):
			t.Errorf("optional: %v, %v", err, s.Audio().SRTP)
		case security == Encrypted && (!errors.Is(err, ErrNotAcceptable) || *s.Audio().SRTP != keys):
			t.Errorf("required: %v", err)
		}
	}
}

// An offer that is refused leaves the keys as they were.
func TestRefusedOfferKeepsTheKeys(t *testing.T) {
	a, b := New(secured(Encrypted), here), New(secured(Encrypted), there)
	if err := exchange(t, a, b); err != nil {
		t.Fatal(err)
	}
	keys := *a.Audio().SRTP
	must(t)(a.OfferAll())
	a.Revert()
	if *a.Audio().SRTP != keys {
		t.Error("other keys after a refusal")
	}
	if err := exchange(t, a, b); err != nil || *a.Audio().SRTP != keys {
		t.Errorf("other keys after the next offer: %v", err)
	}
}

// Each fork of an offer answers with a key of its own; ours is that of the offer.
func TestForksHaveTheirOwnKeys(t *testing.T) {
	s := New(secured(Opportunistic), here)
	d := over(t, must(t)(s.Offer()))
	one, two := s.Fork(), s.Fork()
	for _, f := range []*Session{one, two} {
		callee := New(secured(Opportunistic), there)
		if err := f.TakeAnswer(over(t, must(t)(callee.Answer(d)))); err != nil {
			t.Fatal(err)
		}
		mirror(t, f, callee)
	}
	if a, b := one.Audio().SRTP, two.Audio().SRTP; a.Remote == b.Remote || a.Local != b.Local {
		t.Error("keys of the forks")
	}
}

// Nothing in a line of the peer's gets out of it, or into a log.
func TestCryptoLineBringsNoOther(t *testing.T) {
	for _, line := range []string{
		"1 AES_CM_128_HMAC_SHA1_80\r\na=crypto:2 x " + inline(30, 1),
		"1 AES_CM_128_HMAC_SHA1_80\rm=audio " + inline(30, 1),
		"1\x00 AES_CM_128_HMAC_SHA1_80 " + inline(30, 1) + "\na=sendrecv",
	} {
		m := Media{Kind: "audio", Port: 20000, Proto: "RTP/AVP", Formats: []string{"0"}}
		m.Attributes.Add("crypto", line)
		offer := &Description{Name: "-", Connection: Address{"IN", "IP4", "192.0.2.2"}, Media: []Media{m}}
		d, err := New(secured(Opportunistic), here).Answer(offer)
		if err != nil {
			continue
		}
		if text := string(d.Bytes()); strings.Count(text, "m=") != 1 || strings.Count(text, "crypto") > 1 {
			t.Errorf("%q brings\n%s", line, text)
		}
	}
	s := New(secured(Opportunistic), here)
	must(t)(s.Answer(remoteOffer(t, 1, "m=audio 20000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "+inline(30, 'A'))))
	if text := fmt.Sprintf("%+v %+v", *s.Audio(), *s.Audio().SRTP); strings.Contains(text, "65 65 65") {
		t.Errorf("a key in %s", text)
	}
}

// FuzzCrypto: whatever a line says, what is understood of it is answered in a way that the other
// side understands.
func FuzzCrypto(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 "+inline(30, 1)+"|2^20|1:4 WSH=64", true)
	f.Add("1 AES_256_CM_HMAC_SHA1_80 "+inline(46, 1)+"|:", false)
	f.Add("1 AEAD_AES_128_GCM "+inline(28, 1)+" -x KDR=", false)
	f.Add("9999999999 AES_CM_128_HMAC_SHA1_32 inline:=|||", true)
	f.Fuzz(func(t *testing.T, line string, secure bool) {
		profile := plainProfile
		if secure {
			profile = secureProfile
		}
		d, err := Parse(sdp("v=0", "o=- 1 2 IN IP4 192.0.2.2", "s=-", "c=IN IP4 192.0.2.2", "t=0 0", "m=audio 4000 "+profile+" 0", "a=crypto:"+line))
		if err != nil {
			return
		}
		for _, security := range []Security{Plain, Opportunistic, Encrypted} {
			callee := New(secured(security), here)
			answer, err := callee.Answer(d)
			if err != nil {
				continue
			}
			a := callee.Audio()
			i := callee.agreed.audioIndex()
			switch own := answer.Media[i].cryptos(); {
			case a.SRTP == nil && (security == Encrypted || len(own) > 0):
				t.Fatalf("%q: plain sound answered by %s", line, media(answer))
			case a.SRTP != nil && (security == Plain || len(own) != 1 || own[0].key != a.SRTP.Local || own[0].tag != d.Media[i].cryptos()[0].tag || own[0].key.Suite != a.SRTP.Remote.Suite):
				t.Fatalf("%q answered by %s", line, media(answer))
			}
			if again, err := Parse(answer.Bytes()); err != nil || !equal(again, answer) {
				t.Fatalf("%q: %q, %v", line, answer.Bytes(), err)
			}
		}
		caller := New(secured(Encrypted), there)
		if _, err := caller.Offer(); err != nil {
			t.Fatal(err)
		}
		if caller.TakeAnswer(d) == nil && (!secure || caller.Audio().SRTP == nil) {
			t.Fatalf("%q: taken for an answer to %s", line, secureProfile)
		}
	})
}
