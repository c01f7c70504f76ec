package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cheap is what passwords cost in tests: what they are is the same.
var cheap = cost{8, 1}

// A rig is a desk with a clock of its own.
type rig struct {
	*Desk
	t     *testing.T
	dir   string
	log   *bytes.Buffer
	now   time.Time
	first string
}

func open(t *testing.T) *rig { return openIn(t, t.TempDir()) }

func openIn(t *testing.T, dir string) *rig {
	r := &rig{t: t, dir: dir, log: new(bytes.Buffer), now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	r.again()
	return r
}

// again is another start of the agent on the same state directory.
func (r *rig) again() {
	r.Desk = Open(Options{
		Dir: r.dir, Log: slog.New(slog.NewTextHandler(r.log, nil)), Now: func() time.Time { return r.now },
		FirstPassword: func() string { return r.first }, cost: cheap,
	})
	r.Announce()
}

func (r *rig) file(name string) string {
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func (r *rig) private(name string) {
	r.t.Helper()
	info, err := os.Stat(filepath.Join(r.dir, name))
	if err != nil || info.Mode().Perm() != 0o600 {
		r.t.Errorf("%s: %v %v", name, info, err)
	}
}

const (
	right = "correct horse battery"
	other = "another one entirely"
)

var (
	ctx  = context.Background()
	here = Try{From: netip.MustParseAddr("192.168.1.20")}
)

func (r *rig) claimed() *rig {
	r.t.Helper()
	if err := r.Claim(ctx, here, r.ClaimCode(), right); err != nil {
		r.t.Fatal(err)
	}
	return r
}

func (r *rig) in(name, password string) Login {
	r.t.Helper()
	l, err := r.LogIn(ctx, here, name, password)
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	return l
}

// The first visit: the claim code is in a file and in the log, and of no use afterwards.
func TestFirstVisit(t *testing.T) {
	r := open(t)
	code := r.file(ClaimName)
	if !isClaim(code) || code != r.ClaimCode() || !strings.Contains(r.log.String(), code) {
		t.Fatalf("%q in the file, %q told, log\n%s", code, r.ClaimCode(), r.log)
	}
	r.private(ClaimName)
	r.private(TokenName)
	if _, err := r.LogIn(ctx, here, Owner, ""); err != ErrUnclaimed {
		t.Errorf("login before: %v", err)
	}
	r.again()
	if r.ClaimCode() != code {
		t.Error("another start, another code")
	}
	for _, wrong := range []string{"", "0", code + "0", right} {
		if err := r.Claim(ctx, here, wrong, right); err != ErrWrongCode {
			t.Errorf("claim %q: %v", wrong, err)
		}
	}
	r.now = r.now.Add(time.Hour)
	if err := r.Claim(ctx, here, code[:4]+" "+code[4:], right); err != nil {
		t.Fatal(err)
	}
	r.private(BookName)
	if r.file(ClaimName) != "" || r.ClaimCode() != "" {
		t.Error("the claim code stays")
	}
	if err := r.Claim(ctx, here, code, other); err != ErrClaimed {
		t.Errorf("second claim: %v", err)
	}
	r.log.Reset()
	r.again()
	if l := r.in(Owner, right); l.Name != Owner || l.Role != Admin {
		t.Errorf("%+v", l)
	}
	if strings.Contains(r.log.String(), "claim") || r.file(ClaimName) != "" {
		t.Error("a device that is claimed makes a claim code")
	}
	for _, secret := range []string{right, code, r.file(TokenName)} {
		if strings.Contains(r.file(BookName)+r.log.String(), secret) {
			t.Errorf("%q is kept or logged", secret)
		}
	}
}

// Who shows the claim code comes in, whatever was tried before from where he is.
func TestOwnerAfterGuesses(t *testing.T) {
	r := open(t)
	for range freeTries {
		if err := r.Claim(ctx, here, "no", right); err != ErrWrongCode {
			t.Fatal(err)
		}
	}
	var wait *WaitError
	if err := r.Claim(ctx, here, r.ClaimCode(), right); !errors.As(err, &wait) {
		t.Fatalf("after %d guesses: %v, want to wait", freeTries, err)
	}
	r.now = r.now.Add(wait.After)
	r.claimed().in(Owner, right)
}

// A password that was provisioned for the device is taken for the code, and not for a password.
func TestFirstPasswordThatWasProvisioned(t *testing.T) {
	r := open(t)
	r.first = "printed-on-it"
	if err := r.Claim(ctx, here, "printed-on-them", right); err != ErrWrongCode {
		t.Errorf("another one: %v", err)
	}
	var invalid *InvalidError
	if err := r.Claim(ctx, here, r.first, r.first); !errors.As(err, &invalid) || invalid.Field != "new" {
		t.Errorf("kept as the password: %v", err)
	}
	if err := r.Claim(ctx, here, r.first, right); err != nil {
		t.Error(err)
	}
	r.in(Owner, right)
}

// Of two who claim at once, one has the device.
func TestTwoClaim(t *testing.T) {
	r := open(t)
	code := r.ClaimCode()
	var wg sync.WaitGroup
	done := make(chan error, 2)
	for _, password := range []string{right, other} {
		wg.Add(1)
		go func() {
			defer wg.Done()
			done <- r.Claim(ctx, here, code, password)
		}()
	}
	wg.Wait()
	if a, b := <-done, <-done; (a == nil) == (b == nil) || a != ErrClaimed && b != ErrClaimed {
		t.Errorf("%v and %v", a, b)
	}
}

func TestNewPasswords(t *testing.T) {
	for _, tt := range []struct {
		password string
		ok       bool
	}{
		{"short", false},
		{"ninechars", false},
		{"ten chars.", true},
		{"äöüßäöüßäö", true},
		{"administrator", false}, // the user's name
		{"Administrator", false},
		{"what I came in with", false},
		{strings.Repeat("xy", 64), true},
		{strings.Repeat("xy", 64) + "x", false},
		{strings.Repeat(" ", 10), false},
		{strings.Repeat("ä", 10), false},
		{"line\nbreak in it", false},
		{"no text \xff\xfe\xfd\xfc", false},
	} {
		if err := checkPassword("new", "administrator", tt.password, "", "what I came in with"); (err == nil) != tt.ok {
			t.Errorf("%q: %v", tt.password, err)
		}
	}
}

func TestLogInAndOut(t *testing.T) {
	r := open(t).claimed()
	for _, tt := range [][2]string{{Owner, other}, {Owner, ""}, {"nobody", right}, {"", ""}} {
		if _, err := r.LogIn(ctx, Try{}, tt[0], tt[1]); err != ErrWrong {
			t.Errorf("%q: %v", tt, err)
		}
	}
	l := r.in(Owner, right)
	if p, ok := r.Session(l.Secret, true); !ok || p != l.Pass {
		t.Errorf("%+v, %v", p, ok)
	}
	for _, secret := range []string{"", "x", l.ID, l.Device, l.Secret + "x"} {
		if _, ok := r.Session(secret, true); ok {
			t.Errorf("%q opens", secret)
		}
	}
	r.LogOut(l.ID)
	if _, ok := r.Session(l.Secret, true); ok {
		t.Error("logged out, and still in")
	}
}

// Whoever logs in while his password is changed has no session that the change has not ended.
func TestNothingChangesWhileASessionBegins(t *testing.T) {
	r := open(t).claimed()
	began := false
	err := r.verify(ctx, Try{}, Owner, right, func(u user) {
		began = u.name == Owner
		if r.mu.TryLock() {
			t.Error("the password can be changed between the look at it and the session")
		}
	})
	if err != nil || !began {
		t.Errorf("%v, begun %v", err, began)
	}
}

// A session lasts 30 minutes from visit to visit, and 12 hours; a page that was left open is no
// visit.
func TestSessionLimits(t *testing.T) {
	r := open(t).claimed()
	l := r.in(Owner, right)
	begin := r.now
	alive := func(visit bool) bool {
		_, ok := r.Session(l.Secret, visit)
		return ok
	}
	for r.now = begin; r.now.Before(begin.Add(12 * time.Hour)); r.now = r.now.Add(29 * time.Minute) {
		if !alive(true) {
			t.Fatalf("over after %v", r.now.Sub(begin))
		}
	}
	if alive(true) {
		t.Error("longer than 12 h")
	}
	l = r.in(Owner, right)
	for range 29 {
		r.now = r.now.Add(time.Minute)
		if !alive(false) {
			t.Fatal("over too soon")
		}
	}
	if r.now = r.now.Add(time.Minute); alive(false) {
		t.Error("an open page keeps it alive")
	}
}

// There are so many sessions; the one that was idle for longest makes room.
func TestTooManySessions(t *testing.T) {
	r := open(t).claimed()
	var all []Login
	for range maxSessions {
		r.now = r.now.Add(time.Second)
		all = append(all, r.in(Owner, right))
	}
	r.now = r.now.Add(time.Second)
	r.Session(all[0].Secret, true)
	all = append(all, r.in(Owner, right))
	for i, l := range all {
		if _, ok := r.Session(l.Secret, false); ok != (i != 1) {
			t.Errorf("session %d: %v", i, ok)
		}
	}
}

func TestOwnPassword(t *testing.T) {
	r := open(t).claimed()
	mine, elsewhere := r.in(Owner, right), r.in(Owner, right)
	if err := r.ChangePassword(ctx, here, Owner, other, other, mine.ID); err != ErrWrongOld {
		t.Errorf("without the old one: %v", err)
	}
	if err := r.ChangePassword(ctx, here, Owner, right, right, mine.ID); err == nil {
		t.Error("the old one is the new one")
	}
	if err := r.ChangePassword(ctx, here, Owner, right, other, mine.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Session(mine.Secret, true); !ok {
		t.Error("the browser that changed it is out")
	}
	if _, ok := r.Session(elsewhere.Secret, true); ok {
		t.Error("another browser is still in")
	}
	if _, err := r.LogIn(ctx, here, Owner, right); err != ErrWrong {
		t.Errorf("the old password: %v", err)
	}
	r.again()
	r.in(Owner, other)
}

// Of a change that is refused nothing is done.
func TestChangeIsWholeOrNone(t *testing.T) {
	r := open(t).claimed()
	if err := r.AddUser(ctx, "anna", User, right); err != nil {
		t.Fatal(err)
	}
	l := r.in("anna", right)
	for _, tt := range []struct {
		name     string
		role     Role
		password string
		refused  bool
	}{
		{"anna", "root", other, true},
		{"anna", Admin, "short", true},
		{Owner, User, other, true}, // the last administrator
		{"anna", "", "", false},
		{"anna", User, "", false},
	} {
		if err := r.ChangeUser(ctx, tt.name, tt.role, tt.password); (err != nil) != tt.refused {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	if _, ok := r.Session(l.Secret, true); !ok {
		t.Error("a session ended, though nothing was changed")
	}
	r.in(Owner, right)
	if l := r.in("anna", right); l.Role != User {
		t.Errorf("anna is %s", l.Role)
	}
	if err := r.ChangeUser(ctx, "anna", Admin, other); err != nil {
		t.Fatal(err)
	}
	if l := r.in("anna", other); l.Role != Admin {
		t.Errorf("anna is %s", l.Role)
	}
}

func TestUsers(t *testing.T) {
	r := open(t).claimed()
	for _, tt := range []struct {
		name     string
		role     Role
		password string
		field    string
	}{
		{"", User, right, "name"},
		{"a/b", User, right, "name"},
		{"..", User, right, "name"},
		{"a b", User, right, "name"},
		{strings.Repeat("x", 33), User, right, "name"},
		{"anna", "root", right, "role"},
		{"anna", User, "short", "password"},
	} {
		var invalid *InvalidError
		if err := r.AddUser(ctx, tt.name, tt.role, tt.password); !errors.As(err, &invalid) || invalid.Field != tt.field {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	if err := r.AddUser(ctx, "anna", User, right); err != nil {
		t.Fatal(err)
	}
	if err := r.AddUser(ctx, "Anna", User, right); err != ErrTaken {
		t.Errorf("twice: %v", err)
	}
	if err := r.RemoveUser(Owner); err != ErrLastAdmin {
		t.Errorf("the last administrator goes: %v", err)
	}
	if err := r.ChangeUser(ctx, Owner, User, ""); err != ErrLastAdmin {
		t.Errorf("the last administrator is none any more: %v", err)
	}
	l := r.in("anna", right)
	if err := r.ChangeUser(ctx, "anna", Admin, ""); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Session(l.Secret, true); ok {
		t.Error("a session outlives the role that it was begun with")
	}
	l = r.in("anna", right)
	if err := r.RemoveUser(Owner); err != nil || l.Role != Admin {
		t.Errorf("with another administrator: %v, %v", err, l.Role)
	}
	if err := r.ChangeUser(ctx, "anna", "", other); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Session(l.Secret, true); ok {
		t.Error("a session outlives its password")
	}
	for _, err := range []error{r.RemoveUser("nobody"), r.ChangeUser(ctx, "nobody", User, ""), r.ChangeUser(ctx, "nobody", "", right), r.SetPassword(ctx, Owner, other)} {
		if err != ErrUnknown {
			t.Errorf("nobody: %v", err)
		}
	}
	for i := 1; i < maxUsers; i++ {
		if err := r.AddUser(ctx, fmt.Sprint("user", i), User, right); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := r.AddUser(ctx, "one-more", User, right); err != ErrFull {
		t.Errorf("one more: %v", err)
	}
}

// Names look like what they are: nothing in them hides, turns the text around or ends a line.
func TestNamesThatDeceive(t *testing.T) {
	r := open(t).claimed()
	for _, hidden := range []string{"\u202e", "\u2028", "\u2029", "\u200b", "\ufeff", "\u0085", "\x00", "\x1b", "\ue000", "\U000e0041", "\u00ad", "\xed\xa0\x80"} {
		name := "pay" + hidden + "roll"
		var wrong *InvalidError
		if _, _, err := r.AddToken(name, User); !errors.As(err, &wrong) || wrong.Field != "name" || utf8.ValidString(name) && !strings.Contains(err.Error(), "cannot be seen") {
			t.Errorf("token %q: %v", name, err)
		}
		if err := r.AddUser(context.Background(), name, User, right); !errors.As(err, &wrong) {
			t.Errorf("user %q: %v", name, err)
		}
	}
	if _, _, err := r.AddToken("Löhne – 給与 (2)", User); err != nil {
		t.Error(err)
	}
}

func TestTokens(t *testing.T) {
	r := open(t).claimed()
	own := r.file(TokenName)
	if p, ok := r.Token(own); !ok || p != (Pass{BuiltIn, Admin, BuiltIn}) {
		t.Errorf("%+v, %v", p, ok)
	}
	made, secret, err := r.AddToken("monitoring", User)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := r.Token(secret); !ok || p != (Pass{"monitoring", User, made.ID}) {
		t.Errorf("%+v, %v", p, ok)
	}
	for _, wrong := range []string{"", made.ID, secret[1:], secret + "A"} {
		if _, ok := r.Token(wrong); ok {
			t.Errorf("%q opens", wrong)
		}
	}
	used := r.now
	r.Close()
	r.again()
	if all := r.Tokens(); len(all) != 2 || all[0].ID != BuiltIn || !all[1].Used.Equal(used) || all[1].Name != "monitoring" {
		t.Errorf("%+v", all)
	}
	if _, ok := r.Token(secret); !ok || r.file(TokenName) != own {
		t.Error("not after another start")
	}
	if err := r.RemoveToken(made.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Token(secret); ok {
		t.Error("removed, and still taken")
	}
	if err := r.RemoveToken(made.ID); err != ErrUnknown {
		t.Errorf("twice: %v", err)
	}
	if err := r.RemoveToken(BuiltIn); err != nil || r.file(TokenName) == own {
		t.Errorf("the built-in one is not replaced: %v", err)
	}
	if _, ok := r.Token(own); ok {
		t.Error("replaced, and still taken")
	}
	if _, ok := r.Token(r.file(TokenName)); !ok {
		t.Error("the new one is not taken")
	}
	for _, name := range []string{"", " x", "a\nb", strings.Repeat("x", 65)} {
		if _, _, err := r.AddToken(name, User); err == nil {
			t.Errorf("a token called %q", name)
		}
	}
	if _, _, err := r.AddToken("x", "root"); err == nil {
		t.Error("a token of no role")
	}
	for range maxTokens {
		if _, _, err := r.AddToken("many", User); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := r.AddToken("one more", User); err != ErrFull {
		t.Errorf("one more: %v", err)
	}
}

// The token of the file is one that only its owner can read, and a secret.
func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, TokenName)
	if err := os.WriteFile(path, []byte("secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := openIn(t, dir)
	own := r.file(TokenName)
	if own == "secret" {
		t.Error("a word is taken for a token")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	r.again()
	r.private(TokenName)
	if r.file(TokenName) != own || !strings.Contains(r.log.String(), "others could read the token") {
		t.Error(r.log)
	}
}

// A damaged file lets nobody in, now and at later starts, until a password is set at the device
// itself.
func TestDamagedFile(t *testing.T) {
	r := open(t).claimed()
	text := r.file(BookName)
	for _, damage := range []string{"", "{", text[:len(text)/2], strings.Replace(text, `"admin"`, `"user"`, 2), text + "x", "\x00\x00\x00\x00"} {
		if err := os.WriteFile(filepath.Join(r.dir, BookName), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r.log.Reset()
			r.again()
			if _, err := r.LogIn(ctx, here, Owner, right); err != ErrDamaged {
				t.Errorf("%.20q: login: %v", damage, err)
			}
			if err := r.Claim(ctx, here, "", right); err != ErrClaimed {
				t.Errorf("%.20q: claim: %v", damage, err)
			}
			if r.ClaimCode() != "" || r.file(ClaimName) != "" || !strings.Contains(r.log.String(), "tipring passwd") {
				t.Errorf("%.20q: the door stands open\n%s", damage, r.log)
			}
			if _, err := r.LogIn(ctx, here, Owner, right); err != ErrDamaged || r.Damaged() == nil {
				t.Errorf("%.20q: %v", damage, err)
			}
			if _, _, err := r.AddToken("x", User); err != ErrDamaged {
				t.Errorf("%.20q: token: %v", damage, err)
			}
		}
		if damage != "" && r.file(damagedName) != strings.TrimSpace(damage) {
			t.Errorf("%.20q: the copy is %q", damage, r.file(damagedName))
		}
	}
	if err := r.SetPassword(ctx, Owner, other); err != nil {
		t.Fatal(err)
	}
	r.in(Owner, other)
	r.again()
	r.in(Owner, other)
}

// A cut between the first password and the end of its claim code leaves no code behind.
func TestCutWhileClaiming(t *testing.T) {
	r := open(t)
	code := r.ClaimCode()
	r.claimed()
	if err := os.WriteFile(filepath.Join(r.dir, ClaimName), []byte(code+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.again()
	if r.file(ClaimName) != "" || r.ClaimCode() != "" {
		t.Error("the code is there")
	}
}

// A disk that takes nothing is told of, and does not open the door.
func TestReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	r := openIn(t, dir)
	if code := r.ClaimCode(); !isClaim(code) || !strings.Contains(r.log.String(), code) {
		t.Errorf("no claim code: %s", r.log)
	}
	if err := r.Claim(ctx, here, r.ClaimCode(), right); err == nil || r.Claimed() {
		t.Errorf("claimed, and nothing of it kept: %v", err)
	}
	if _, ok := r.Token(""); ok {
		t.Error("no token opens")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.claimed()
}
