package settings

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"

	"tipring/webui/api"
)

// A draft is a change on its way from Apply to Confirm.
type draft struct {
	Form  url.Values      // what was typed
	Patch json.RawMessage // what is asked of the device
	Tag   string          // ETag of the settings that it was shown against
}

// A sealer keeps drafts in the pages themselves: nobody but this process can read or make one.
type sealer struct{ aead cipher.AEAD }

func newSealer() *sealer {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails (crypto/rand)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has its length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // it is AES
	}
	return &sealer{aead}
}

// bound is what a draft belongs to: the page and who fills it in.
func bound(r *http.Request) []byte {
	v := api.VisitorOf(r.Context())
	return []byte(v.Name + "\x00" + v.Since + "\x00" + r.URL.Path)
}

func (s *sealer) seal(r *http.Request, d draft) string {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // it is made of texts
	}
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, text, bound(r)))
}

func (s *sealer) open(r *http.Request, sealed string) (d draft, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < s.aead.NonceSize() {
		return d, false
	}
	n := s.aead.NonceSize()
	text, err := s.aead.Open(nil, raw[:n], raw[n:], bound(r))
	return d, err == nil && json.Unmarshal(text, &d) == nil
}
