package access

import (
	"bytes"
	"testing"
	"time"
)

func fullBook() *book {
	b := &book{deviceKey: digestOf("key")}
	b = b.with(user{"anna", User, hash{cost: cheap}, start})
	b = b.with(user{Owner, Admin, hash{cost: ownCost}, start.Add(time.Second)})
	b.tokens = []token{{id: newID(), name: "monitoring of the line", role: User, made: start, digest: digestOf("secret")}}
	return b
}

func TestBook(t *testing.T) {
	b := fullBook()
	got, err := parseBook(b.text())
	if err != nil || !bytes.Equal(got.text(), b.text()) || got.users[0].name != Owner || got.tokens[0] != b.tokens[0] {
		t.Errorf("%v\n%s\n%s", err, got.text(), b.text())
	}
	if b.without(Owner).user(Owner) != nil || b.user(Owner) == nil {
		t.Error("a change changes the book that it is made from")
	}
}

// Whatever stands in the file: it is taken as it was written, or refused.
func FuzzParseBook(f *testing.F) {
	f.Add(fullBook().text())
	f.Add((&book{}).text())
	f.Add([]byte(`{"version":1,"device_key":"","users":[],"tokens":[]}`))
	f.Add([]byte(`{"version":1,"users":[{"name":"admin","role":"user"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseBook(text)
		if err != nil {
			return
		}
		again, err := parseBook(b.text())
		if err != nil || !bytes.Equal(again.text(), b.text()) {
			t.Errorf("%v\n%s", err, b.text())
		}
		if len(b.users) > 0 && b.admins() == 0 || len(b.users) > maxUsers || len(b.tokens) > maxTokens {
			t.Error("nobody can have written this")
		}
	})
}

// What a cookie holds was signed for the user, or says nothing.
func FuzzDeviceCookie(f *testing.F) {
	key := digestOf("key")
	f.Add(deviceCookie(key, Owner))
	f.Add("")
	f.Add(".")
	f.Add("a.b")
	f.Fuzz(func(t *testing.T, cookie string) {
		nonce, ok := knownDevice(key, cookie, Owner)
		if ok && cookie != nonce+"."+cookie64.EncodeToString(signDevice(key, nonce, Owner)) {
			t.Errorf("%q is taken", cookie)
		}
		if _, other := knownDevice(digestOf("another key"), cookie, Owner); other {
			t.Errorf("%q is taken by another device", cookie)
		}
	})
}
