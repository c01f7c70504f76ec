package backup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"time"
)

const password = "correct horse"

var (
	made  = Header{Device: "000B82112233", Version: "1.0", Made: time.Unix(1_800_000_000, 0).UTC()}
	parts = []Part{{"settings", []byte("[sip1]\nauth_password = S3CRET\n")}, {"users", []byte{0, 1, 2}}, {"nothing", []byte{}}}
	cheap = cost{memory: 8, passes: 1, lanes: 1} // what a key costs is proved once, in TestTheCost
)

func sealed(t testing.TB) []byte {
	t.Helper()
	data, err := seal(parts, password, made, cheap)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func same(a, b []Part) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || !bytes.Equal(a[i].Data, b[i].Data) {
			return false
		}
	}
	return true
}

// repair makes length and checksum those of what is there.
func repair(data []byte) []byte {
	binary.BigEndian.PutUint32(data[len(magic):], uint32(len(data)))
	body := data[:len(data)-crcSize]
	return binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
}

func TestOpensWhatWasSealed(t *testing.T) {
	data, err := Seal(parts, password, made)
	if err != nil {
		t.Fatal(err)
	}
	got, h, err := Open(data, password)
	if err != nil || h != made || !same(got, parts) {
		t.Errorf("%+v, %+v, %v", got, h, err)
	}
	if bytes.Contains(data, []byte("S3CRET")) || bytes.Contains(data, []byte("settings")) {
		t.Error("it is not sealed")
	}
	if got, _, err := Open(data, password+"!"); !errors.Is(err, ErrPassword) || got != nil {
		t.Errorf("another password: %+v, %v", got, err)
	}
}

// The cost that RFC 9106 is used with stands in the file: 8 MiB, 3 passes, 1 lane.
func TestTheCost(t *testing.T) {
	data, err := Seal(nil, password, made)
	if err != nil {
		t.Fatal(err)
	}
	if at := data[lengthEnd:]; binary.BigEndian.Uint32(at) != 8<<10 || binary.BigEndian.Uint32(at[4:]) != 3 || at[8] != 1 {
		t.Errorf("% x", at[:9])
	}
}

// A file cannot make a device spend more than it has.
func TestCostsThatAreRefused(t *testing.T) {
	for _, c := range []cost{
		{memory: 32<<10 + 1, passes: 1, lanes: 1}, {memory: 1 << 31, passes: 1, lanes: 1}, {memory: 7, passes: 1, lanes: 1}, {memory: 8, passes: 1, lanes: 2},
		{memory: 8, passes: 9, lanes: 1}, {memory: 8, passes: 0, lanes: 1}, {memory: 64, passes: 1, lanes: 0}, {memory: 64, passes: 1, lanes: 5},
	} {
		data := sealed(t)
		binary.BigEndian.PutUint32(data[lengthEnd:], c.memory)
		binary.BigEndian.PutUint32(data[lengthEnd+4:], c.passes)
		data[lengthEnd+8] = c.lanes
		if got, _, err := Open(repair(data), password); !errors.Is(err, ErrDamaged) || got != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestErrorsAreToldApart(t *testing.T) {
	version := func(line string) []byte { return append([]byte(line), sealed(t)[len(magic):]...) }
	for _, tt := range []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, ErrNotBackup},
		{"a picture", []byte("\x89PNG\r\n\x1a\n0123456789012345678901234567890123456789"), ErrNotBackup},
		{"a sealed configuration", []byte("TIPRING-SEALED 1\n0123456789"), ErrNotBackup},
		{"a later format", version("TIPRING-BACKUP 2\n"), ErrNewer},
		{"a much later format", version("TIPRING-BACKUP 1000\n"), ErrNewer},
		{"an earlier format", version("TIPRING-BACKUP 0\n"), ErrOlder},
		{"no format", version("TIPRING-BACKUP x\n"), ErrNotBackup},
		{"one octet more", append(sealed(t), 0), ErrDamaged},
	} {
		if got, _, err := Open(tt.data, password); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestNoTruncationIsAccepted(t *testing.T) {
	data := sealed(t)
	for n := 1; n < len(data); n++ {
		if got, _, err := Open(data[:n], password); !errors.Is(err, ErrCut) || got != nil {
			t.Errorf("%d of %d octets: %v", n, len(data), err)
		}
	}
}

// Damage is told from a wrong password; with its checksum made right, every octet is
// authenticated.
func TestNoChangedOctetIsAccepted(t *testing.T) {
	data := sealed(t)
	for i := len(magic) + 4; i < len(data); i++ {
		bad := bytes.Clone(data)
		bad[i] ^= 0x41
		if got, _, err := Open(bad, password); !errors.Is(err, ErrDamaged) || got != nil {
			t.Errorf("octet %d: %v", i, err)
		}
		if i >= len(data)-crcSize {
			continue
		}
		if got, _, err := Open(repair(bad), password); err == nil || got != nil {
			t.Errorf("octet %d, checksum made right: accepted", i)
		}
	}
}

func TestTwoBackupsDiffer(t *testing.T) {
	if bytes.Equal(sealed(t)[lengthEnd:], sealed(t)[lengthEnd:]) {
		t.Error("salt and nonce are used twice")
	}
}

func TestSealRefuses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		parts    []Part
		password string
		h        Header
	}{
		{"no password", parts, "", made},
		{"a password that is too long", parts, strings.Repeat("x", MaxPassword+1), made},
		{"a device's name that is too long", parts, password, Header{Device: strings.Repeat("x", maxName+1)}},
		{"a device's name with a line feed", parts, password, Header{Device: "a\nb"}},
		{"a part without a name", []Part{{"", nil}}, password, made},
		{"two parts of one name", []Part{{"a", nil}, {"a", nil}}, password, made},
		{"too much", []Part{{"a", make([]byte, MaxSize-100)}}, password, made},
		{"too many parts", make([]Part, maxParts+1), password, made},
	} {
		if _, err := seal(tt.parts, tt.password, tt.h, cheap); err == nil {
			t.Errorf("%s: sealed", tt.name)
		}
	}
}

func TestPack(t *testing.T) {
	data, err := Pack(parts)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Unpack(data); err != nil || !same(got, parts) {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range data {
		if got, err := Unpack(data[:n]); !errors.Is(err, ErrDamaged) || got != nil {
			t.Errorf("%d of %d octets: %v", n, len(data), err)
		}
	}
}

// Whatever comes: no panic, and nothing is taken that was not sealed with the password.
func FuzzOpen(f *testing.F) {
	f.Add(sealed(f), true)
	f.Add(sealed(f)[:80], false)
	f.Add([]byte("TIPRING-BACKUP 2\n"), false)
	f.Add([]byte(magic), false)
	f.Fuzz(func(t *testing.T, data []byte, mend bool) {
		if mend && len(data) > fixedSize+crcSize { // else the fuzzer would never get past the lengths
			binary.BigEndian.PutUint32(data[lengthEnd:], cheap.memory+uint32(data[lengthEnd+3])%2)
			data = repair(data)
		}
		got, _, err := Open(data, password)
		if err == nil && !same(got, parts) || err != nil && got != nil {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

// What is packed is taken apart as it was put together, or not at all.
func FuzzUnpack(f *testing.F) {
	data, err := Pack(parts)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, true)
	f.Add([]byte(packedMagic+"\x01a\x00\x00\x00\x01b"), true)
	f.Fuzz(func(t *testing.T, data []byte, mend bool) {
		if mend {
			data = binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(data))
		}
		got, err := Unpack(data)
		if err != nil {
			return
		}
		if again, err := Pack(got); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q became %q, %v", data, again, err)
		}
	})
}
