package fax

import (
	"testing"

	"tipring/internal/media/srtp"
	"tipring/internal/offer"
)

// A fax in sound is encrypted as any other sound.
func TestFaxInEncryptedSound(t *testing.T) {
	keys := &srtp.Keys{Local: srtp.Key{Suite: srtp.AES128SHA80}, Remote: srtp.Key{Suite: srtp.AES128SHA80}}
	for _, want := range []*srtp.Keys{nil, keys} {
		if got := soundParams(&offer.Audio{SRTP: want}).SRTP; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
