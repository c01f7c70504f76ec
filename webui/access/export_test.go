package access

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

const known = "correct horse"

// openHere opens the desk of a directory; passwords cost little.
func openHere(t *testing.T, dir string) *Desk {
	t.Helper()
	d := Open(Options{Dir: dir, Log: slog.New(slog.DiscardHandler), cost: cost{8, 1}})
	t.Cleanup(d.Close)
	return d
}

// claimed is a desk with an administrator.
func claimed(t *testing.T, dir, password string) *Desk {
	t.Helper()
	d := openHere(t, dir)
	if err := d.Claim(t.Context(), Try{}, d.ClaimCode(), password); err != nil {
		t.Fatal(err)
	}
	return d
}

// Another device lets in who the first one let in, by password and by token, over a restart
// too; and nobody else.
func TestExportIsImported(t *testing.T) {
	old := claimed(t, t.TempDir(), known)
	if err := old.AddUser(t.Context(), "anna", User, "anna's own word"); err != nil {
		t.Fatal(err)
	}
	_, secret, err := old.AddToken("monitoring", Admin)
	if err != nil {
		t.Fatal(err)
	}
	text := old.Export()
	if users, tokens, err := CheckExport(text); users != 2 || tokens != 1 || err != nil {
		t.Errorf("%d users, %d tokens, %v", users, tokens, err)
	}
	if bytes.Contains(text, []byte(known)) || bytes.Contains(text, []byte(secret)) {
		t.Error("the export holds a secret")
	}

	dir := t.TempDir()
	d := claimed(t, dir, "another password")
	other, err := d.LogIn(t.Context(), Try{}, Owner, "another password")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Import(text); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Session(other.Secret, true); ok {
		t.Error("who was logged in by another password still is")
	}
	for _, d := range []*Desk{d, openHere(t, dir)} {
		if p, ok := d.Token(secret); !ok || p.Role != Admin {
			t.Errorf("the token: %+v, %v", p, ok)
		}
		if _, err := d.LogIn(t.Context(), Try{}, "anna", "anna's own word"); err != nil {
			t.Errorf("anna: %v", err)
		}
		if _, err := d.LogIn(t.Context(), Try{}, Owner, "another password"); !errors.Is(err, ErrWrong) {
			t.Errorf("the password before: %v", err)
		}
	}
}

// The same users again: who is logged in stays so.
func TestImportOfTheSame(t *testing.T) {
	d := claimed(t, t.TempDir(), known)
	l, err := d.LogIn(t.Context(), Try{}, Owner, known)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Import(d.Export()); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Session(l.Secret, true); !ok {
		t.Error("who is logged in is no more")
	}
}

// An export without users would leave the device to anybody; one that is damaged is none.
func TestImportsThatChangeNothing(t *testing.T) {
	nobody := openHere(t, t.TempDir()).Export()
	whole := string(claimed(t, t.TempDir(), "another password").Export())
	for name, text := range map[string]string{
		"without users": string(nobody), "empty": "", "cut": whole[:len(whole)/2], "without an administrator": strings.Replace(whole, `"role": "admin"`, `"role": "user"`, 1),
		"another version": strings.Replace(whole, `"version": 1`, `"version": 2`, 1),
	} {
		d := claimed(t, t.TempDir(), known)
		if err := d.Import([]byte(text)); (err == nil) != (name == "without users") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := d.LogIn(t.Context(), Try{}, Owner, known); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
