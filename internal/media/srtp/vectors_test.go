package srtp

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		panic(err)
	}
	return b
}

func key(suite Suite, master string) (k Key) {
	k.Suite = suite
	copy(k.Master[:], unhex(master))
	return k
}

// RFC 3711 appendix B.2.
func TestCounterMode(t *testing.T) {
	block, err := aes.NewCipher(unhex("2B7E151628AED2A6ABF7158809CF4F3C"))
	if err != nil {
		t.Fatal(err)
	}
	tr := transform{block: block}
	copy(tr.salt[:], unhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"))
	tr.vector(0, 0)
	stream := make([]byte, 0xff02*16)
	tr.counter(stream, stream)
	for _, tt := range []struct {
		block int
		want  string
	}{
		{0, "E03EAD0935C95E80E166B16DD92B4EB4"},
		{1, "D23513162B02D0F72A43A2FE4A5F97AB"},
		{2, "41E95B3BB0A2E8DD477901E4FCA894C0"},
		{0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"},
		{0xff00, "362B7C3C6773516318A077D7FC5073AE"},
		{0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"},
	} {
		if got := stream[tt.block*16:][:16]; !bytes.Equal(got, unhex(tt.want)) {
			t.Errorf("block %#x: got %X, want %s", tt.block, got, tt.want)
		}
	}
}

// RFC 3711 appendix B.3 and RFC 6188 section 7.4.
func TestKeyDerivation(t *testing.T) {
	for _, tt := range []struct{ name, master, cipher, salt, auth string }{
		{"AES-128", "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6",
			"C61E7A93744F39EE10734AFE3FF7A087", "30CBBC08863D8C85D49DB34A9AE1", "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"},
		{"AES-256", "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2",
			"5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4", "fa31791685ca444a9e07c6c64e93", "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			suite := AES128SHA80
			if len(unhex(tt.cipher)) == 32 {
				suite = AES256SHA80
			}
			k := key(suite, tt.master)
			var got transform
			if err := got.derive(&k, 0); err != nil {
				t.Fatal(err)
			}
			if want := unhex(tt.salt); !bytes.Equal(got.salt[:14], want) {
				t.Errorf("salt: got %x, want %x", got.salt[:14], want)
			}
			// What the keys do tells them: both are hidden in what they were made into.
			block, _ := aes.NewCipher(unhex(tt.cipher))
			var a, b [16]byte
			got.block.Encrypt(a[:], a[:])
			if block.Encrypt(b[:], b[:]); a != b {
				t.Errorf("cipher key differs from %s", tt.cipher)
			}
			got.authenticate([]byte("packet"), 7)
			if want := hmacSHA1(unhex(tt.auth), []byte("packet\x00\x00\x00\x07")); !bytes.Equal(got.sum[:], want) {
				t.Errorf("authentication key differs from %s", tt.auth)
			}
		})
	}
}

// RFC 7714 sections 16 and 17: session keys, not a master key.
func TestGCM(t *testing.T) {
	const plainRTP = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573"
	const plainRTCP = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef"
	for _, tt := range []struct{ name, key, rtp, control string }{
		{"AES-128", "000102030405060708090a0b0c0d0e0f",
			`8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`,
			`81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4`},
		{"AES-256", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			`8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13`,
			`81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			block, err := aes.NewCipher(unhex(tt.key))
			if err != nil {
				t.Fatal(err)
			}
			aead, err := cipher.NewGCM(block)
			if err != nil {
				t.Fatal(err)
			}
			tr := transform{aead: aead, tag: 16}
			copy(tr.salt[:], unhex("51756964207072 6f2071756f"))
			s := &Sender{rtp: tr, control: tr, next: 0x5d4}
			r := &Receiver{rtp: tr, control: tr}

			got, err := s.RTP(append(make([]byte, 0, 200), unhex(plainRTP)...))
			if want := unhex(tt.rtp); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("RTP: got %x, %v, want %x", got, err, want)
			}
			if plain, _, err := r.RTP(make([]byte, 200), got); err != nil || !bytes.Equal(plain, unhex(plainRTP)) {
				t.Errorf("RTP back: %x, %v", plain, err)
			}
			got, err = s.RTCP(append(make([]byte, 0, 200), unhex(plainRTCP)...))
			if want := unhex(tt.control); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("RTCP: got %x, %v, want %x", got, err, want)
			}
			if plain, _, err := r.RTCP(make([]byte, 200), got); err != nil || !bytes.Equal(plain, unhex(plainRTCP)) {
				t.Errorf("RTCP back: %x, %v", plain, err)
			}
		})
	}
}
