package faxback

import (
	"strings"
	"testing"
	"unicode/utf8"

	"tipring/internal/aaa"
)

// Whatever attributes a signed answer holds, every method has a sound result.
func FuzzAnswers(f *testing.F) {
	dictionary := extended(f)
	f.Add([]byte("\x01\x09account\x1a\x0c\x00\x00\x77\xe6\x0a\x06\x00\x00\x00\x04"), byte(2))
	f.Add([]byte("\x1a\x12\x00\x00\x77\xe6\x4b\x061111\x4b\x062222\x01\x02\x1a\x08\x00\x00\x77\xe6\x13\x02"), byte(2))
	f.Add([]byte("\x01\x03a\x1a\x19\x00\x00\x77\xe6\x39\x13<QPXml Dn=\"0\"/>\x01\x03b\x1a\x07\x00\x00\x77\xe6\x3d\x1a\x03\x00"), byte(3))
	f.Fuzz(func(t *testing.T, octets []byte, code byte) {
		if len(octets) > aaa.MaxPacket {
			return
		}
		var list aaa.Attributes
		for b := octets; len(b) >= 2 && b[1] >= 2 && int(b[1]) <= len(b); b = b[b[1]:] {
			list = append(list, aaa.Attribute{Type: b[0], Value: b[2:b[1]]})
		}
		d := &Directory{Dictionary: dictionary, Asker: server(func(aaa.Request) (aaa.Response, error) {
			return aaa.Response{Code: aaa.Code(code), Attributes: list}, nil
		})}
		ctx := t.Context()
		for _, ask := range []func() (Reply, error){
			func() (Reply, error) { a, err := d.Login(ctx, LoginRequest{Account: "a"}); return a.Reply, err },
			func() (Reply, error) { a, err := d.Send(ctx, send); return a.Reply, err },
			func() (Reply, error) {
				a, err := d.Receive(ctx, ReceiveRequest{"a", "s", "1", Queue})
				return a.Reply, err
			},
			func() (Reply, error) { a, err := d.Account(ctx, "a"); return a.Reply, err },
			func() (Reply, error) {
				a, err := d.AccountByMAC(ctx, "00908F1D37F0")
				if err == nil && (a.Name == "" || utf8.RuneCountInString(a.Name) > 64) {
					t.Fatalf("account %q", a.Name)
				}
				return a.Reply, err
			},
			func() (Reply, error) { a, err := d.CallAhead(ctx, "1", "s"); return a.Reply, err },
			func() (Reply, error) {
				a, err := d.DID(ctx, "1")
				if err == nil && (len(a.ANI) > 32 || len(a.Label) > 64 || a.Line < Unsaid) {
					t.Fatalf("DID %+v", a)
				}
				return a.Reply, err
			},
		} {
			reply, err := ask()
			if err == nil && reply.Code != aaa.AccessAccept {
				t.Fatalf("%v is taken for an Accept", reply.Code)
			}
			for _, v := range reply.Values {
				if v.Name == "" || !utf8.ValidString(v.Text) {
					t.Fatalf("shown %q = %q", v.Name, v.Text)
				}
			}
		}
		p, err := d.Provision(ctx, "00908F1D37F0", "S1")
		if err == nil {
			settings, _ := p.Settings(4)
			for _, s := range settings {
				if s.Value != strings.TrimSpace(s.Value) || s.Section == "" {
					t.Fatalf("setting %+v", s)
				}
			}
		}
	})
}
