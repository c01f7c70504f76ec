package srtp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash"
)

// Labels of what is derived from a master key (RFC 3711 sections 4.3.1 and 4.3.2): of RTP;
// those of RTCP are three more.
const (
	labelCipher = iota
	labelAuth
	labelSalt
	labelsOfControl
)

// A transform is the session keys for RTP or for RTCP, and what a packet needs besides,
// kept here so that it allocates nothing.
type transform struct {
	block cipher.Block // counter mode; nil: aead
	mac   hash.Hash
	aead  cipher.AEAD
	salt  [16]byte // what a packet's initialisation vector is made from
	tag   int

	iv, stream [16]byte
	word       [4]byte
	aad        [12]byte
	sum        [sha1.Size]byte
}

// derive makes the session keys of RTP, or with labelsOfControl of RTCP. RFC 3711 section
// 4.3: once, since no key derivation rate is agreed.
func (t *transform) derive(k *Key, first byte) error {
	s := suites[k.Suite]
	master, err := aes.NewCipher(k.Master[:s.key])
	if err != nil {
		return err
	}
	var salt [16]byte
	copy(salt[:], k.Master[s.key:][:s.salt])
	prf := func(label byte, out []byte) {
		iv := salt
		iv[7] ^= first + label
		var c transform
		c.block = master
		c.iv = iv
		c.counter(out, out)
	}
	var key [32]byte
	prf(labelCipher, key[:s.key])
	prf(labelSalt, t.salt[:s.salt])
	if t.tag = int(s.tag); first == labelsOfControl {
		t.tag = int(s.controlTag)
	}
	block, err := aes.NewCipher(key[:s.key])
	if err != nil {
		return err
	}
	if k.Suite >= AES128GCM {
		t.aead, err = cipher.NewGCM(block)
		return err
	}
	var auth [authKey]byte
	prf(labelAuth, auth[:])
	t.block, t.mac = block, hmac.New(sha1.New, auth[:])
	return nil
}

// counter is AES in counter mode from iv on (RFC 3711 section 4.1.1). dst is as long as src,
// and the same or apart.
func (t *transform) counter(dst, src []byte) {
	for n := uint16(0); len(src) > 0; n++ {
		binary.BigEndian.PutUint16(t.iv[14:], n)
		t.block.Encrypt(t.stream[:], t.iv[:])
		done := subtle.XORBytes(dst, src, t.stream[:])
		dst, src = dst[done:], src[done:]
	}
}

// vector sets iv to a packet's (RFC 3711 section 4.1.1, RFC 7714 sections 8.1 and 9.1).
func (t *transform) vector(ssrc uint32, index uint64) {
	t.iv = t.salt
	at := t.iv[4:]
	if t.aead != nil {
		at = t.iv[2:]
	}
	binary.BigEndian.PutUint32(at, binary.BigEndian.Uint32(at)^ssrc)
	at = at[2:] // the number has 48 bits
	binary.BigEndian.PutUint64(at, binary.BigEndian.Uint64(at)^index)
}

// authenticate sets sum to the tag of b and word.
func (t *transform) authenticate(b []byte, word uint32) {
	binary.BigEndian.PutUint32(t.word[:], word)
	t.mac.Reset()
	t.mac.Write(b)
	t.mac.Write(t.word[:])
	t.mac.Sum(t.sum[:0])
}

// errConfiguration: a bug of the caller's.
var errConfiguration = errors.New("no such suite, or a key identifier too long")

// derive makes all session keys of a master key.
func derive(k *Key, rtp, control *transform) error {
	if !k.Suite.valid() || k.MKISize > maxMKI {
		return errConfiguration
	}
	if err := rtp.derive(k, 0); err != nil {
		return err
	}
	return control.derive(k, labelsOfControl)
}

// headerSize is the length of what stays readable of an RTP packet: header, sources and
// extension (RFC 3550 sections 5.1 and 5.3.1); 0: it is cut short.
func headerSize(b []byte) int {
	if len(b) < 12 {
		return 0
	}
	n := 12 + 4*int(b[0]&15)
	if b[0]&0x10 != 0 {
		if n += 4; n > len(b) {
			return 0
		}
		n += 4 * int(binary.BigEndian.Uint16(b[n-2:]))
	}
	if n > len(b) {
		return 0
	}
	return n
}

// controlHeader is what stays readable of an RTCP packet.
const controlHeader = 8

// encrypted is the bit that says so in front of the number of an RTCP packet (RFC 3711 section 3.4).
const encrypted = 1 << 31
