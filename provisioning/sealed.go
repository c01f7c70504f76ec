package provisioning

import (
	"errors"
	"fmt"

	"tipring/internal/config"
	"tipring/provisioning/seal"
)

// ErrNoKeys refuses a sealed file on a device that cannot open one.
var ErrNoKeys = errors.New("it is sealed, and [provisioning] seal_key and verify_key are not both there to open it with")

// open takes the seal off a file that has one. Whoever signed it is believed, whatever way
// it came; what it holds nobody could read.
func (f Files) open(s Search, file File) (File, error) {
	if file.NotModified || !seal.Is(file.Data) {
		return file, nil
	}
	keys, err := sealKeys(s.Config.Provisioning)
	if err != nil {
		return file, fmt.Errorf("%s: %w", file.URL, err)
	}
	keys.MAC, keys.Serial = s.Identity.MAC, s.Identity.Serial
	keys.Newest, keys.Now = f.Newest(), f.Now()
	payload, header, err := seal.Open(file.Data, keys)
	if err != nil {
		return file, fmt.Errorf("%s: %w", file.URL, err)
	}
	file.Data, file.Secure, file.Sealed, file.Version = payload, true, true, header.Version
	return file, nil
}

// sealKeys are what [provisioning] says about sealed files.
func sealKeys(p config.Provisioning) (k seal.Keys, err error) {
	if p.SealKey == "" || p.VerifyKey == "" {
		return k, ErrNoKeys
	}
	if k.Key, err = seal.ParseKey(p.SealKey); err != nil {
		return k, fmt.Errorf("seal_key: %w", err)
	}
	if k.Verify, err = seal.ParseVerify(p.VerifyKey); err != nil {
		return k, fmt.Errorf("verify_key: %w", err)
	}
	return k, nil
}
