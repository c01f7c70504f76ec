package config

import (
	"errors"
	"os"
	"testing"
)

// Whatever a file holds: no panic, no secret in a fault, and what is accepted can be
// written and read again without a difference.
func FuzzLoad(f *testing.F) {
	promises, err := os.ReadFile("testdata/promises.ini")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(promises)
	f.Add([]byte("[sip1]\nauth_password = S3CRET\nauth_password = S3CRET2\n"))
	f.Add([]byte("\xef\xbb\xbf[web]\nallow = 10.0.0.0/8,::1\nhosts = a,b\n[radius]\nservers=[::1]:1;tls\n"))
	f.Add([]byte("[sip1]\nauth_password = `S3CRET\nrealm = \"\"\"S3CRET\n[provisioning]\nurl = tftp://S3CRET:S3CRET@h/{mac}\n"))
	f.Add([]byte("[sip1]\nS3CRET\nS3CRET = 1\nauth_pasword = S3CRET\n[S3CRET\n"))
	f.Add([]byte("[port1]\ndriver = tcp:[::1]:1\nline=1024\n[sip1024]\ntransport = tls\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Load([]Layer{FileLayer("f", text)}, Checks{})
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 || c != nil {
				t.Fatalf("error %v", err)
			}
			for _, fault := range faults {
				if masked := maskedBy(fault.Section, fault.Key, fault.Value); fault.Key != "" && fault.Value != masked {
					t.Errorf("a fault tells a secret: %v", fault)
				}
			}
			Rescue([]Layer{FileLayer("f", text)})
			return
		}
		again, err := Load([]Layer{FileLayer("f", c.Canonical())}, Checks{})
		if err != nil {
			t.Fatalf("the canonical text is refused:\n%v\n%s", err, c.Canonical())
		}
		if changes := Diff(c, again); changes != nil {
			t.Errorf("the canonical text differs: %v\n%s", changes, c.Canonical())
		}
		for _, e := range c.Explain() {
			if secret, _ := c.Value(e.Section, e.Key); (e.Key == "auth_password" || e.Key == "secret") && secret != "" && e.Value != Mask {
				t.Errorf("Explain tells [%s] %s", e.Section, e.Key)
			}
		}
	})
}

// A masked text that is given its secrets back is the text.
func FuzzMask(f *testing.F) {
	f.Add([]byte("[sip1]\nauth_password = x\nrealm = y\n"))
	f.Add([]byte("[sip1]\n auth_password==\n; proxy_password = x\n[provisioning]\nurl=http://a:b@c/"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Load([]Layer{FileLayer("f", text)}, Checks{})
		if err != nil {
			MaskText(text)
			UnmaskText(text, text)
			return
		}
		again, err := Load([]Layer{FileLayer("f", UnmaskText(MaskText(text), text))}, Checks{})
		if err != nil {
			t.Fatal(err)
		}
		if changes := Diff(c, again); changes != nil {
			t.Errorf("changed: %v", changes)
		}
	})
}
