package targets

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestNAPTRData(t *testing.T) {
	good := naptrData(10, 20, "S", "SIP+D2U", "", "_sip._udp.Example.com")
	if n := parseNAPTR(good); n == nil || *n != (naptr{10, 20, "sip+d2u", "_sip._udp.example.com"}) {
		t.Errorf("got %+v", n)
	}
	for name, data := range map[string][]byte{
		"empty":                 nil,
		"numbers only":          good[:4],
		"string past the end":   {0, 1, 0, 1, 200, 's'},
		"no name":               good[:4+2+8+1],
		"name cut short":        good[:len(good)-5],
		"octets after the name": append(append([]byte(nil), good...), 0),
		"compressed name":       append(append([]byte(nil), good[:4+2+8+1]...), 0xc0, 12),
		"root":                  naptrData(1, 1, "s", "SIP+D2U", "", ""),
		"blank in the name":     naptrData(1, 1, "s", "SIP+D2U", "", "a b.example"),
		"flag u":                naptrData(1, 1, "u", "SIP+D2U", "!^.*$!sip:x@y!", "x.example"),
		"flag a":                naptrData(1, 1, "a", "SIP+D2U", "", "x.example"),
		"not terminal":          naptrData(1, 1, "", "SIP+D2U", "", "x.example"),
		"regular expression":    naptrData(1, 1, "s", "SIP+D2U", "!x!y!", "x.example"),
	} {
		if n := parseNAPTR(data); n != nil {
			t.Errorf("%s: taken as %+v", name, n)
		}
	}
}

// seeds are messages of each kind for the fuzzer.
func seeds(t testing.TB) [][]byte {
	var all [][]byte
	records := map[dnsmessage.Type]dnsmessage.ResourceBody{
		typeA:                &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}},
		typeAAAA:             &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}},
		typeSRV:              &dnsmessage.SRVResource{Priority: 1, Weight: 2, Port: 5060, Target: name("host.example")},
		typeNAPTR:            &dnsmessage.UnknownResource{Type: typeNAPTR, Data: naptrData(1, 2, "s", "SIP+D2U", "", "_sip._udp.example")},
		dnsmessage.TypeCNAME: &dnsmessage.CNAMEResource{CNAME: name("b.example")},
	}
	for typ, body := range records {
		m := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: 1, Response: true},
			Questions: []dnsmessage.Question{{Name: name("a.example"), Type: typ, Class: dnsmessage.ClassINET}},
			Answers:   []dnsmessage.Resource{{Header: header("a.example", typ, 60), Body: body}},
			Authorities: []dnsmessage.Resource{{Header: header("example", dnsmessage.TypeSOA, 60), Body: &dnsmessage.SOAResource{
				NS: name("ns.example"), MBox: name("root.example"), MinTTL: 60}}},
		}
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
		m.Answers = nil
		if b, err = m.Pack(); err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func FuzzAnswer(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Add([]byte{0, 1, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 'a', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 35, 0, 1, 0xc0, 12, 0, 35, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12})
	f.Fuzz(func(t *testing.T, msg []byte) {
		for _, typ := range []dnsmessage.Type{typeA, typeAAAA, typeSRV, typeNAPTR} {
			a, err := question{"a.example", typ}.parse(msg, 1)
			if err != nil {
				continue
			}
			if len(a.addrs)+len(a.srv)+len(a.naptr) > maxRecords {
				t.Errorf("%d records", len(a.addrs)+len(a.srv)+len(a.naptr))
			}
			if a.ttl < 0 || a.ttl > maxTTL {
				t.Errorf("time to live %v", a.ttl)
			}
			for _, s := range a.srv {
				if s.target != "" && !validName(s.target) {
					t.Errorf("target %q", s.target)
				}
			}
			for _, n := range a.naptr {
				if !validName(n.replacement) {
					t.Errorf("replacement %q", n.replacement)
				}
			}
			for _, addr := range a.addrs {
				if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() {
					t.Errorf("address %v", addr)
				}
			}
		}
	})
}

func FuzzNAPTR(f *testing.F) {
	f.Add(naptrData(10, 20, "s", "SIP+D2U", "", "_sip._udp.example.com"))
	f.Add([]byte{0, 1, 0, 1, 200, 's'})
	f.Fuzz(func(t *testing.T, data []byte) {
		if n := parseNAPTR(data); n != nil && !validName(n.replacement) {
			t.Errorf("replacement %q", n.replacement)
		}
	})
}
