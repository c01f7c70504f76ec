// Package secure holds the device's SRTP against another's that shares nothing with it:
// pion's.
package secure

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	pion "github.com/pion/srtp/v3"

	"tipring/internal/media/srtp"
)

// both are the suites that pion has too.
var both = map[srtp.Suite]pion.ProtectionProfile{
	srtp.AES128SHA80: pion.ProtectionProfileAes128CmHmacSha1_80,
	srtp.AES128SHA32: pion.ProtectionProfileAes128CmHmacSha1_32,
	srtp.AES256SHA80: pion.ProtectionProfileAes256CmHmacSha1_80,
	srtp.AES256SHA32: pion.ProtectionProfileAes256CmHmacSha1_32,
	srtp.AES128GCM:   pion.ProtectionProfileAeadAes128Gcm,
	srtp.AES256GCM:   pion.ProtectionProfileAeadAes256Gcm,
}

// A rig is one direction's key in the hands of both.
type rig struct {
	t      *testing.T
	random *rand.Rand
	key    srtp.Key
	pion   *pion.Context
}

// each runs a test for every suite, with and without an identifier of the key.
func each(t *testing.T, test func(r *rig)) {
	for suite, profile := range both {
		for _, mki := range []uint8{0, 4} {
			t.Run(suite.String(), func(t *testing.T) {
				r := &rig{t: t, random: rand.New(rand.NewPCG(3711, uint64(suite)))}
				r.key.Suite, r.key.MKI, r.key.MKISize = suite, 77, mki
				for i := range r.key.Master[:suite.Size()] {
					r.key.Master[i] = byte(r.random.Uint32())
				}
				salt := suite.Size() - 14
				if suite >= srtp.AES128GCM {
					salt = suite.Size() - 12
				}
				options := []pion.ContextOption{pion.SRTPReplayProtection(64), pion.SRTCPReplayProtection(64)}
				if mki > 0 {
					options = append(options, pion.MasterKeyIndicator([]byte{0, 0, 0, 77}))
				}
				var err error
				if r.pion, err = pion.CreateContext(r.key.Master[:salt], r.key.Master[salt:suite.Size()], profile, options...); err != nil {
					t.Fatal(err)
				}
				test(r)
			})
		}
	}
}

func (r *rig) octets(n int) []byte {
	b := make([]byte, n, n+srtp.Overhead)
	for i := range b {
		b[i] = byte(r.random.Uint32())
	}
	return b
}

// rtp is a packet with whatever a header may have.
func (r *rig) rtp(seq uint16) []byte {
	b := r.octets(12 + 4*r.random.IntN(3) + 4 + 8 + r.random.IntN(200))
	b[0] = 0x80 | byte(r.random.IntN(3))
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[8:], 0xcafe)
	if head := 12 + 4*int(b[0]&15); r.random.IntN(2) == 0 && head+8 <= len(b) {
		b[0] |= 0x10
		copy(b[head:], []byte{0xbe, 0xde, 0, 1, 0x10, 5, 0, 0})
	} else if head > len(b) {
		b[0] = 0x80
	}
	return b
}

func (r *rig) rtcp() []byte {
	words := 1 + r.random.IntN(20)
	b := r.octets(4 + 4*words)
	copy(b, []byte{0x80, 201, 0, byte(words)})
	binary.BigEndian.PutUint32(b[4:], 0xcafe)
	return b
}

func (r *rig) same(what string, got, want []byte, err error) {
	r.t.Helper()
	if err != nil || !bytes.Equal(got, want) {
		r.t.Fatalf("%s: %x, %v, want %x", what, got, err, want)
	}
}

// What the device protects pion opens, through two wraps of the numbers.
func TestPionReceives(t *testing.T) {
	each(t, func(r *rig) {
		s, err := srtp.NewSender(r.key)
		if err != nil {
			r.t.Fatal(err)
		}
		for n := range 140_000 {
			if n%70 > 0 && n > 200 && uint16(n+65_000) > 10 { // the wraps and a few besides
				continue
			}
			plain := r.rtp(uint16(n + 65_000))
			wire, err := s.RTP(append(make([]byte, 0, 500), plain...))
			if err != nil {
				r.t.Fatal(err)
			}
			got, err := r.pion.DecryptRTP(nil, wire, nil)
			r.same("RTP", got, plain, err)
			if n%10 > 0 {
				continue
			}
			plain = r.rtcp()
			if wire, err = s.RTCP(append(make([]byte, 0, 500), plain...)); err != nil {
				r.t.Fatal(err)
			}
			got, err = r.pion.DecryptRTCP(nil, wire, nil)
			r.same("RTCP", got, plain, err)
		}
		if !s.Rolled() {
			r.t.Error("the numbers have not wrapped")
		}
	})
}

// What pion protects the device opens, once.
func TestPionSends(t *testing.T) {
	each(t, func(r *rig) {
		receiver, err := srtp.NewReceiver(r.key)
		if err != nil {
			r.t.Fatal(err)
		}
		dst := make([]byte, 600)
		for n := range 140_000 {
			if n%70 > 0 && n > 200 && uint16(n+65_000) > 10 {
				continue
			}
			plain := r.rtp(uint16(n + 65_000))
			wire, err := r.pion.EncryptRTP(nil, plain, nil)
			if err != nil {
				r.t.Fatal(err)
			}
			got, m, err := receiver.RTP(dst, wire)
			r.same("RTP", got, plain, err)
			receiver.Accept(m)
			if _, _, err := receiver.RTP(dst, wire); err != srtp.ErrReplayed {
				r.t.Fatalf("RTP again: %v", err)
			}
			if n%10 > 0 {
				continue
			}
			plain = r.rtcp()
			if wire, err = r.pion.EncryptRTCP(nil, plain, nil); err != nil {
				r.t.Fatal(err)
			}
			got, m, err = receiver.RTCP(dst, wire)
			r.same("RTCP", got, plain, err)
			receiver.Accept(m)
		}
	})
}
