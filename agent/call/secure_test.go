package call

import (
	"testing"

	"tipring/internal/media/srtp"
	"tipring/internal/offer"
)

// What is agreed for encryption is in force at the port.
func TestEncryptedSound(t *testing.T) {
	keys := &srtp.Keys{Local: srtp.Key{Suite: srtp.AES128SHA80}, Remote: srtp.Key{Suite: srtp.AES128SHA80}}
	for _, want := range []*srtp.Keys{nil, keys} {
		if got := agreedParams(&offer.Audio{SRTP: want}).SRTP; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
