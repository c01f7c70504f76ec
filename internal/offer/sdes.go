package offer

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"tipring/internal/media/srtp"
)

// A Security is whether sound is encrypted: SRTP, whose keys the descriptions carry in the clear
// (SDES, RFC 4568). Who reads them can listen.
type Security uint8

// Securities.
const (
	Plain         Security = iota // RTP/AVP; keys are neither offered nor taken
	Opportunistic                 // RTP/AVP with keys is offered (RFC 8643), and what the peer offers is taken
	Encrypted                     // RTP/SAVP is offered, and plain sound refused
)

const (
	plainProfile  = "RTP/AVP"
	secureProfile = "RTP/SAVP"
)

// offeredSuites are those of an offer, the preferred first: the one that everybody has.
var offeredSuites = [...]srtp.Suite{srtp.AES128SHA80, srtp.AES256SHA80, srtp.AES128GCM, srtp.AES128SHA32}

// A crypto is an a=crypto line (RFC 4568 section 9.1) that is understood.
type crypto struct {
	tag  int
	name string // of the suite, as it was written
	key  srtp.Key
}

// cryptos are the lines of a stream that can be followed. Of two of the same tag an answer could
// not tell which it means: the first counts.
func (m *Media) cryptos() (all []crypto) {
	seen := map[int]bool{}
	for _, v := range m.Attributes.Values("crypto") {
		number, rest := cutField(v)
		tag, ok := decimal(number, 999_999_999)
		if !ok || seen[tag] {
			continue
		}
		seen[tag] = true
		if c, ok := readCrypto(rest); ok {
			c.tag = tag
			all = append(all, c)
		}
	}
	return all
}

// readCrypto reads what follows the tag: suite, key and session parameters. ok is false for what
// is not known; RFC 4568 section 6.3 has a line ignored whose session parameters are not
// understood.
func readCrypto(text string) (c crypto, ok bool) {
	c.name, text = cutField(text)
	c.key.Suite = srtp.SuiteOf(strings.ToUpper(c.name))
	keys, text := cutField(text)
	if c.key.Suite == 0 || !readKey(&c.key, keys) {
		return c, false
	}
	for text != "" {
		var param string
		param, text = cutField(text)
		// Section 6.3.6: of what is behind a dash nobody need know; 6.3.5: WSH is advice.
		if param[0] != '-' && !strings.HasPrefix(param, "WSH=") {
			return c, false
		}
	}
	return c, true
}

// readKey reads inline:<key and salt>[|<lifetime>][|<MKI>:<length>] (RFC 4568 section 6.1). Several
// keys in one line are not understood.
func readKey(k *srtp.Key, text string) bool {
	method, info, _ := strings.Cut(text, ":")
	parts := strings.Split(info, "|")
	if !strings.EqualFold(method, "inline") || len(parts) > 3 {
		return false
	}
	// Without the padding that some leave out. One with a semicolon, and so a second key, is no base64.
	master, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(parts[0], "="))
	if err != nil || len(master) != k.Suite.Size() {
		return false
	}
	copy(k.Master[:], master)
	for _, p := range parts[1:] {
		value, length, identifier := strings.Cut(p, ":")
		switch {
		case !identifier && !isLifetime(value), identifier && (k.MKISize > 0 || !readMKI(k, value, length)):
			return false
		}
	}
	return true
}

// isLifetime checks a number of packets, or the power of two that it is. Its end is not waited
// for: nobody talks for 2^48 packets, and a peer that wants a new key before offers one.
func isLifetime(text string) bool {
	if power, ok := strings.CutPrefix(text, "2^"); ok {
		_, ok = decimal(power, 48)
		return ok
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return err == nil && n > 0 && n <= 1<<48
}

// readMKI reads the identifier that the peer's packets carry.
func readMKI(k *srtp.Key, value, length string) bool {
	n, err := strconv.ParseUint(value, 10, 64)
	size, ok := decimal(length, 8)
	if err != nil || !ok || size == 0 || n>>(8*size-1)>>1 != 0 {
		return false
	}
	k.MKI, k.MKISize = n, uint8(size)
	return true
}

// newKey makes a master key of this side's, for one call and direction.
func newKey(suite srtp.Suite) srtp.Key {
	k := srtp.Key{Suite: suite}
	_, _ = rand.Read(k.Master[:suite.Size()]) // never fails
	return k
}

// addCrypto writes a line of this side's.
func (as *Attributes) addCrypto(tag int, name string, k srtp.Key) {
	as.Add("crypto", strconv.Itoa(tag)+" "+name+" inline:"+base64.StdEncoding.EncodeToString(k.Master[:k.Suite.Size()]))
}

// secure makes our line of sound one with keys, as the capabilities say.
func (s *Session) secure(m *Media) {
	if s.caps.Security == Plain {
		return
	}
	if s.caps.Security == Encrypted {
		m.Proto = secureProfile
	}
	for i, suite := range offeredSuites {
		m.Attributes.addCrypto(i+1, suite.String(), newKey(suite))
	}
}

// chooseCrypto finds the first of the peer's keys that can be followed (RFC 4568 section 7.1.2);
// nil for plain sound.
func (s *Session) chooseCrypto(line *audioLine) (*crypto, error) {
	switch {
	case s.caps.Security == Plain && line.secure:
		why := s.caps.PlainWhy
		if why == "" {
			why = "SRTP is off here"
		}
		return nil, refusal(warnTransport, "transport %s: %s", secureProfile, why)
	case s.caps.Security == Plain:
		return nil, nil
	case len(line.cryptos) > 0:
		return &line.cryptos[0], nil
	case line.secure:
		return nil, refusal(warnTransport, "transport %s without a key that is understood", secureProfile)
	case s.caps.Security == Encrypted:
		return nil, refusal(warnTransport, "SRTP is required here")
	}
	return nil, nil
}

// answerCrypto writes our key for the peer's into our line. It is the one we have used where
// nothing has changed, else new: who offers a new key may be somebody else (RFC 4568 section
// 7.1.4).
func (s *Session) answerCrypto(m *Media, c *crypto) *srtp.Keys {
	if c == nil {
		return nil
	}
	keys := &srtp.Keys{Local: newKey(c.key.Suite), Remote: c.key}
	if a := s.agreed.audio; a != nil && a.SRTP != nil && a.SRTP.Remote == c.key && !s.moved() {
		keys.Local = a.SRTP.Local
	}
	m.Attributes.addCrypto(c.tag, c.name, keys.Local)
	return keys
}

// takeCrypto finds the keys that an answer to our line chooses; nil for plain sound, where that
// was offered too. One that claims a key and has none that fits will send what cannot be heard.
func takeCrypto(ours *Media, line *audioLine) (*srtp.Keys, error) {
	offered := ours.cryptos()
	required := strings.EqualFold(ours.Proto, secureProfile)
	switch {
	case len(offered) == 0 && !line.secure:
		return nil, nil
	case len(offered) > 0 && !line.keyed && !required && !line.secure:
		return nil, nil
	case len(offered) == 0, required && !line.secure:
		return nil, refusal(warnTransport, "%s answered by %s", ours.Proto, line.profile())
	}
	for _, theirs := range line.cryptos {
		for _, own := range offered {
			switch {
			case own.tag != theirs.tag || own.key.Suite != theirs.key.Suite:
			case own.key.Master == theirs.key.Master: // both sounds under one key can be told apart from their sum
				return nil, refusal(warnTransport, "the peer sends our own key back")
			default:
				return &srtp.Keys{Local: own.key, Remote: theirs.key}, nil
			}
		}
	}
	return nil, refusal(warnTransport, "the answer has no key that fits the offer")
}

func (line *audioLine) profile() string {
	if line.secure {
		return secureProfile
	}
	return plainProfile
}

// moved reports that this side receives elsewhere than it has said. RFC 4568 section 7.1.4: then
// the peer cannot know whether it still has the state of the keys, and MUST get new ones.
func (s *Session) moved() bool {
	i := s.agreed.audioIndex()
	return i >= 0 && (s.agreed.local.Media[i].Port != int(s.local.RTP.Port()) || s.agreed.local.Address(i) != addressOf(s.local.RTP.Addr()))
}

// keepCrypto leaves of the keys in our line the one in use, for a peer that finds all that were
// offered once more might begin anew; after a move it is a new one.
func (s *Session) keepCrypto(m *Media, moved bool) {
	keys := s.agreed.audio.SRTP
	if keys == nil && !moved {
		return
	}
	kept := m.cryptos()
	m.Attributes = slices.DeleteFunc(slices.Clone(m.Attributes), func(a Attribute) bool { return strings.EqualFold(a.Name, "crypto") })
	for _, c := range kept {
		if keys != nil && c.key != keys.Local {
			continue
		}
		if moved {
			c.key = newKey(c.key.Suite)
		}
		m.Attributes.addCrypto(c.tag, c.name, c.key)
	}
}
