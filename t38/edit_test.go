package t38

import (
	"bytes"
	"testing"

	"tipring/t38/t30"
)

// What the machine says of itself becomes what the policy says, while it comes, too; what it
// says of others, and what others say, stays.
func TestIdentify(t *testing.T) {
	csi := func(fcf byte, s string) []byte { return append([]byte{0xff, 0x03, fcf}, t30.IdentField(s)...) }
	for _, tt := range []struct {
		name  string
		ident string
		from  []byte
		want  []byte
	}{
		{"CSI", "+1 555", csi(0x40, "999"), csi(0x40, "+1 555")},
		{"TSI, with its X bit", "+1 555", csi(0x43, "12345678901234567890"), csi(0x43, "+1 555")},
		{"CIG", "1", csi(0x41, ""), csi(0x41, "1")},
		{"a short CSI", "123", csi(0x40, "999")[:8], csi(0x40, "123")[:8]},
		{"no wish", "", csi(0x40, "999"), csi(0x40, "999")},
		{"a subaddress", "123", csi(0x43|0x80, "999"), csi(0x43|0x80, "999")},
		{"a DIS", "123", []byte{0xff, 0x13, 0x80, 0x00, 0xee}, []byte{0xff, 0x13, 0x80, 0x00, 0xee}},
		{"nothing", "123", nil, nil},
	} {
		p := Policy{Ident: tt.ident}
		got := bytes.Clone(tt.from)
		for n := range got {
			p.identify(got[:n+1])
		}
		p.identify(got)
		if !bytes.Equal(got, tt.want) {
			t.Errorf("%s: % x became % x, want % x", tt.name, tt.from, got, tt.want)
		}
	}
}

func TestEdit(t *testing.T) {
	tests := []struct {
		name      string
		policy    Policy
		from, to  []byte
		unchanged bool
	}{
		{"a DIS without anything to hide", Policy{},
			[]byte{0xff, 0x13, 0x80, 0x00, 0xee, 0xf8, 0x44}, nil, true},
		{"V.8 is taken out of a DIS, and T.38", Policy{},
			[]byte{0xff, 0x13, 0x80, 0x24, 0xee, 0xf8, 0x44}, []byte{0xff, 0x13, 0x80, 0x00, 0xee, 0xf8, 0x44}, false},
		{"V.17 is taken out of a DIS at 9600", Policy{MaxBitRate: 9600},
			[]byte{0xff, 0x13, 0x80, 0x00, 0x2e, 0xf8, 0x44}, []byte{0xff, 0x13, 0x80, 0x00, 0x0e, 0xf8, 0x44}, false},
		{"V.29 too at 4800", Policy{MaxBitRate: 4800},
			[]byte{0xff, 0x13, 0x80, 0x00, 0x2e, 0xf8, 0x44}, []byte{0xff, 0x13, 0x80, 0x00, 0x0a, 0xf8, 0x44}, false},
		{"all but the slowest at 2400", Policy{MaxBitRate: 2400},
			[]byte{0xff, 0x13, 0x81, 0x00, 0x2e, 0xf8, 0x44}, []byte{0xff, 0x13, 0x81, 0x00, 0x02, 0xf8, 0x44}, false},
		{"a slow machine is not made faster", Policy{MaxBitRate: 4800},
			[]byte{0xff, 0x13, 0x80, 0x00, 0x02, 0xf8, 0x44}, nil, true},
		{"nor one that has V.29 alone", Policy{MaxBitRate: 4800},
			[]byte{0xff, 0x13, 0x80, 0x00, 0x06, 0xf8, 0x44}, []byte{0xff, 0x13, 0x80, 0x00, 0x02, 0xf8, 0x44}, false},
		{"V.33 is taken out of a DIS", Policy{},
			[]byte{0xff, 0x13, 0x80, 0x00, 0x1e, 0xf8, 0x44}, []byte{0xff, 0x13, 0x80, 0x00, 0x0e, 0xf8, 0x44}, false},
		{"ECM and T.6 are taken out together", Policy{NoECM: true},
			[]byte{0xff, 0x13, 0x80, 0x00, 0xee, 0xf8, 0x44}, []byte{0xff, 0x13, 0x80, 0x00, 0xee, 0xf8, 0x00}, false},
		{"a DCS keeps its rate", Policy{MaxBitRate: 4800},
			[]byte{0xff, 0x13, 0x83, 0x20, 0x22, 0xf8, 0x44}, []byte{0xff, 0x13, 0x83, 0x00, 0x22, 0xf8, 0x44}, false},
		{"NSF is masked and keeps its length", Policy{},
			[]byte{0xff, 0x03, 0x20, 0xad, 0x00, 0x55, 0x12}, []byte{0xff, 0x03, 0x20, 0xff, 0xff, 0xff, 0xff}, false},
		{"NSS with its X bit too", Policy{},
			[]byte{0xff, 0x03, 0x23, 0xad}, []byte{0xff, 0x03, 0x23, 0xff}, false},
		{"NSF is left alone when wanted", Policy{KeepNSF: true}, []byte{0xff, 0x03, 0x20, 0xad}, nil, true},
		{"CSI is nobody's business", Policy{MaxBitRate: 2400}, []byte{0xff, 0x03, 0x40, 0xff, 0xff, 0xff}, nil, true},
		{"a DIS cut short", Policy{MaxBitRate: 2400}, []byte{0xff, 0x13, 0x80, 0x00}, nil, true},
		{"a frame without information", Policy{}, []byte{0xff, 0x13, 0x80}, nil, true},
		{"nothing", Policy{}, nil, nil, true},
	}
	for _, tt := range tests {
		got := bytes.Clone(tt.from)
		want := tt.to
		if want == nil {
			want = tt.from
		}
		if changed := tt.policy.edit(got); changed == tt.unchanged || !bytes.Equal(got, want) {
			t.Errorf("%s: % x became % x (changed %v), want % x", tt.name, tt.from, got, changed, want)
		}
		// A frame that is edited while it comes, octet by octet, becomes the same; and what
		// it became with its last octet stays.
		coming := bytes.Clone(tt.from)
		for n := editable; n <= len(coming); n++ {
			tt.policy.edit(coming[:n])
			if !bytes.Equal(coming[:n], want[:n]) {
				t.Errorf("%s: after %d octets % x, want % x", tt.name, n, coming[:n], want[:n])
			}
		}
	}
}
