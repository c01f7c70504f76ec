package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
)

// A signing key's file holds this word and the 64 hex digits of its seed (RFC 8032
// section 5.1.5), so that it cannot be taken for a device's key.
const signWord = "tipring-sign-key "

// pkcs8Head is all of an Ed25519 private key in DER but its seed (RFC 8410 section 7). A
// parser of all kinds of keys would be 100 kB of flash for these 48 octets.
const pkcs8Head = "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"

// NewKey makes a device's key and the text of its file, which is also that of seal_key.
func NewKey() (key []byte, file string) {
	key = make([]byte, KeySize)
	rand.Read(key)
	return key, hex.EncodeToString(key) + "\n"
}

// NewSign makes a signing key and the text of its file. verify is the text of verify_key.
func NewSign() (key ed25519.PrivateKey, file, verify string) {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	key = ed25519.NewKeyFromSeed(seed)
	return key, signWord + hex.EncodeToString(seed) + "\n", VerifyText(key)
}

// VerifyText is the 64 hex digits of verify_key that belong to a signing key.
func VerifyText(key ed25519.PrivateKey) string {
	return hex.EncodeToString(key.Public().(ed25519.PublicKey))
}

// ParseKey reads a device's key: 64 hex digits. Its errors do not show the text.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, signWord) {
		return nil, errors.New("it is a signing key, not a device's key")
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != KeySize {
		return nil, errors.New("a device's key is 64 hex digits")
	}
	return key, nil
}

// ParseVerify reads what verify_key holds: the 64 hex digits of a public key.
func ParseVerify(text string) (ed25519.PublicKey, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("a verify key is 64 hex digits")
	}
	return key, nil
}

// ParseSign reads a signing key: the file of NewSign, the 64 hex digits of a seed alone,
// or PEM as openssl genpkey -algorithm ed25519 writes it. Its errors do not show the text.
func ParseSign(text string) (ed25519.PrivateKey, error) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		seed, ok := bytes.CutPrefix(block.Bytes, []byte(pkcs8Head))
		if !ok || len(seed) != ed25519.SeedSize {
			return nil, errors.New("no Ed25519 private key in PEM")
		}
		return ed25519.NewKeyFromSeed(seed), nil
	}
	seed, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(text), signWord))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("a signing key is a file of tipring seal --new-sign, or Ed25519 in PEM")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
