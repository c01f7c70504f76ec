package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"tipring/internal/config"
)

var (
	mac     = config.MAC{0x00, 0x0B, 0x82, 0x11, 0x22, 0x33}
	now     = time.Unix(1_800_000_000, 0)
	key     = bytes.Repeat([]byte{7}, KeySize)
	signer  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	payload = []byte("[sip1]\nauth_password = S3CRET\n")
	device  = Keys{Key: key, Verify: signer.Public().(ed25519.PublicKey), MAC: mac, Serial: "SN-42", Newest: 5, Now: now}
	good    = Options{Device: "00:0B:82:11:22:33", Version: 5, Expires: now.Add(time.Hour), Key: key, Sign: signer}
)

func sealed(t testing.TB, o Options) []byte {
	t.Helper()
	data, err := Seal(payload, o)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOpensWhatWasSealed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(o *Options)
		device string
	}{
		{"by MAC address", func(*Options) {}, "000b82112233"},
		{"by serial number", func(o *Options) { o.Device = "sn-42" }, "sn-42"},
		{"for any device with the key", func(o *Options) { o.Device = "" }, ""},
		{"newer", func(o *Options) { o.Version = 1 << 63 }, "000b82112233"},
		{"without expiry", func(o *Options) { o.Expires = time.Time{} }, "000b82112233"},
	} {
		o := good
		tt.change(&o)
		data := sealed(t, o)
		if !Is(data) || bytes.Contains(data, []byte("S3CRET")) {
			t.Errorf("%s: it is not sealed", tt.name)
		}
		got, h, err := Open(data, device)
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%s: %q, %v", tt.name, got, err)
		}
		if h.Device != tt.device || h.Version != o.Version || !h.Expires.Equal(o.Expires) || h.SHA256 != sha256.Sum256(payload) {
			t.Errorf("%s: header %+v", tt.name, h)
		}
	}
}

func TestErrorsAreToldApart(t *testing.T) {
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	for _, tt := range []struct {
		name string
		o    func(o *Options)
		k    func(k *Keys)
		want error
	}{
		{"another device", func(o *Options) { o.Device = "000b82112234" }, nil, ErrDevice},
		{"another serial number", func(o *Options) { o.Device = "SN-43" }, nil, ErrDevice},
		{"older", func(o *Options) { o.Version = 4 }, nil, ErrOlder},
		{"expired", func(o *Options) { o.Expires = now.Add(-time.Second) }, nil, ErrExpired},
		{"expiring now", func(o *Options) { o.Expires = now }, nil, ErrExpired},
		{"an unknown signer", func(o *Options) { o.Sign = other }, nil, ErrSignature},
		{"no verify key", nil, func(k *Keys) { k.Verify = nil }, ErrSignature},
		{"another device key", func(o *Options) { o.Key = make([]byte, KeySize) }, nil, ErrKey},
		{"no device key", nil, func(k *Keys) { k.Key = nil }, ErrKey},
		{"of another device and older", func(o *Options) { o.Device, o.Version = "x", 1 }, nil, ErrDevice},
		{"expired, the time not known", func(o *Options) { o.Expires = now.Add(-time.Hour) }, func(k *Keys) { k.Now = time.Time{} }, nil},
		{"a first file", func(o *Options) { o.Version = 0 }, func(k *Keys) { k.Newest = 0 }, nil},
	} {
		o, k := good, device
		if tt.o != nil {
			tt.o(&o)
		}
		if tt.k != nil {
			tt.k(&k)
		}
		got, _, err := Open(sealed(t, o), k)
		if !errors.Is(err, tt.want) || (err == nil) != (got != nil) {
			t.Errorf("%s: %q, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestNoTruncationIsAccepted(t *testing.T) {
	data := sealed(t, good)
	for n := range data {
		got, _, err := Open(data[:n], device)
		want := ErrCut
		if n == 0 {
			want = ErrNotSealed
		}
		if !errors.Is(err, want) || got != nil {
			t.Errorf("%d of %d octets: %q, %v", n, len(data), got, err)
		}
	}
	if _, _, err := Open(append(data, 0), device); !errors.Is(err, ErrDamaged) {
		t.Errorf("one octet more: %v", err)
	}
}

// Damage on the way is told from a forgery; with its CRC made right, it is one.
func TestNoChangedOctetIsAccepted(t *testing.T) {
	data := sealed(t, good)
	for i := range data {
		for _, flip := range []byte{0x01, 0x80, 0xFF} {
			bad := bytes.Clone(data)
			bad[i] ^= flip
			got, _, err := Open(bad, device)
			if got != nil || err == nil {
				t.Fatalf("octet %d, %#x: accepted", i, flip)
			}
			if i >= len(magic)+4 && !errors.Is(err, ErrDamaged) {
				t.Errorf("octet %d, %#x: %v", i, flip, err)
			}
			if i >= len(data)-crcSize {
				continue
			}
			body := bad[:len(bad)-crcSize]
			got, h, err := Open(binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body)), device)
			if got != nil || err == nil || h != (Header{}) {
				t.Fatalf("octet %d, %#x, CRC made right: accepted, or its header told", i, flip)
			}
		}
	}
}

// Whoever holds the signing key, but not the device's, can write no file for it; and a
// payload cannot be moved under another header.
func TestPartsCannotBeExchanged(t *testing.T) {
	newer := good
	newer.Version = 9
	a, b := sealed(t, good), sealed(t, newer)
	head := fixedSize + len("000b82112233")
	mixed := append(bytes.Clone(b[:head]), a[head:len(a)-crcSize-ed25519.SignatureSize]...)
	mixed = append(mixed, ed25519.Sign(signer, mixed)...)
	mixed = binary.BigEndian.AppendUint32(mixed, crc32.ChecksumIEEE(mixed))
	if got, _, err := Open(mixed, device); !errors.Is(err, ErrKey) || got != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTwoFilesOfOnePayloadDiffer(t *testing.T) {
	if bytes.Equal(sealed(t, good)[fixedSize-nonceSize:], sealed(t, good)[fixedSize-nonceSize:]) {
		t.Error("the nonce is used twice")
	}
}

func TestSealRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(o *Options)
	}{
		{"no key", func(o *Options) { o.Key = nil }},
		{"a short key", func(o *Options) { o.Key = key[1:] }},
		{"no signing key", func(o *Options) { o.Sign = nil }},
		{"a device name with a blank", func(o *Options) { o.Device = "a b" }},
		{"a device name that is too long", func(o *Options) { o.Device = strings.Repeat("a", maxDevice+1) }},
		{"an expiry before 1970", func(o *Options) { o.Expires = time.Unix(-5, 0) }},
	} {
		o := good
		tt.change(&o)
		if _, err := Seal(payload, o); err == nil {
			t.Errorf("%s: sealed", tt.name)
		}
	}
	if _, err := Seal(make([]byte, MaxPayload+1), good); err == nil {
		t.Error("a payload that is too big: sealed")
	}
	data, err := Seal(make([]byte, MaxPayload), good)
	if err != nil || len(data) > MaxSize {
		t.Errorf("the biggest payload: %d octets, %v", len(data), err)
	}
	if got, _, err := Open(data, device); err != nil || len(got) != MaxPayload {
		t.Errorf("the biggest payload: %d octets, %v", len(got), err)
	}
}

func TestKeysAsText(t *testing.T) {
	key, file := NewKey()
	if got, err := ParseKey(file); err != nil || !bytes.Equal(got, key) {
		t.Errorf("device key %q: %v", file, err)
	}
	sign, file, verify := NewSign()
	if got, err := ParseSign(file); err != nil || !got.Equal(sign) {
		t.Errorf("signing key %q: %v", file, err)
	}
	if got, err := ParseVerify(verify); err != nil || !got.Equal(sign.Public()) {
		t.Errorf("verify key %q: %v", verify, err)
	}
	if _, err := ParseKey(file); err == nil {
		t.Error("a signing key is taken for a device's")
	}
	// openssl genpkey -algorithm ed25519: the seed is 32 times 0x08.
	const pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\n-----END PRIVATE KEY-----\n"
	if got, err := ParseSign(pem); err != nil || !got.Equal(signer) {
		t.Errorf("PEM: %v", err)
	}
	for _, text := range []string{"", "00", strings.Repeat("S3CRET", 11), strings.Repeat("0", 66), "-----BEGIN X-----\nAAAA\n-----END X-----\n"} {
		for name, parse := range map[string]func() error{
			"key": func() error { _, err := ParseKey(text); return err }, "verify": func() error { _, err := ParseVerify(text); return err },
			"sign": func() error { _, err := ParseSign(text); return err },
		} {
			if err := parse(); err == nil || strings.Contains(err.Error(), "S3CRET") {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
}

// Whatever comes: no panic, and nothing is taken that was not sealed for this device.
func FuzzOpen(f *testing.F) {
	f.Add(sealed(f, good), true)
	f.Add(sealed(f, good)[:80], false)
	any := good
	any.Device = ""
	f.Add(sealed(f, any), true)
	f.Add([]byte(magic), false)
	f.Fuzz(func(t *testing.T, data []byte, repair bool) {
		if repair && len(data) > len(magic)+8+crcSize { // else the fuzzer would never get past the lengths
			binary.BigEndian.PutUint32(data[len(magic):], uint32(len(data)))
			body := data[:len(data)-crcSize]
			binary.BigEndian.PutUint32(data[len(body):], crc32.ChecksumIEEE(body))
		}
		got, _, err := Open(data, device)
		if (err == nil) != (got != nil) || err == nil && !bytes.Equal(got, payload) {
			t.Fatalf("%q, %v", got, err)
		}
	})
}
