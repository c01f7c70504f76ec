package features

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"tipring/agent/call"
)

var quiet = slog.New(slog.DiscardHandler)

// usual are the codes as they are when nobody changes them.
func usual(t *testing.T) Table {
	t.Helper()
	table, err := ParseTable("")
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func open(t *testing.T, file string) *Book {
	t.Helper()
	table := usual(t)
	return Open(Config{File: file, Table: func(int) Table { return table }, Mailbox: func(int) string { return "8000" }, Log: quiet})
}

// What is dialled at a telephone, one call of Book after the other, and what comes of it: the
// steps, the settings, and what the next call is to be.
func TestStarCodes(t *testing.T) {
	type step struct {
		code, number string // number: of a code that asks for one
		want         call.Next
		taken        bool
	}
	done, number := call.Next{Step: call.NextDone}, call.Next{Step: call.NextNumber}
	dial, refused := call.Next{Step: call.NextDial}, call.Next{Step: call.NextRefused}
	callOf := func(n string) call.Next { return call.Next{Step: call.NextCall, Call: n} }
	for _, tt := range []struct {
		name  string
		steps []step
		want  Settings
		leave call.Wishes
	}{
		{"forward all", []step{{"*72", "5551234", number, true}}, Settings{ForwardAll: "5551234"}, call.Wishes{}},
		{"forward all, off again", []step{{"*72", "5551234", number, true}, {"*73", "", done, false}}, Settings{}, call.Wishes{}},
		{"off although it was not on", []step{{"*73", "", done, false}}, Settings{}, call.Wishes{}},
		{"busy and no answer", []step{{"*90", "1", number, true}, {"*92", "2", number, true}}, Settings{ForwardBusy: "1", ForwardNoAnswer: "2"}, call.Wishes{}},
		{"busy off, no answer stays", []step{{"*90", "1", number, true}, {"*92", "2", number, true}, {"*91", "", done, false}}, Settings{ForwardNoAnswer: "2"}, call.Wishes{}},
		{"no answer off", []step{{"*92", "2", number, true}, {"*93", "", done, false}}, Settings{}, call.Wishes{}},
		{"another number", []step{{"*72", "1", number, true}, {"*72", "2", number, true}}, Settings{ForwardAll: "2"}, call.Wishes{}},
		{"the star of ETSI before the number", []step{{"*72", "*5551234", number, true}}, Settings{ForwardAll: "5551234"}, call.Wishes{}},
		{"no number", []step{{"*72", "", number, false}}, Settings{}, call.Wishes{}},
		{"too long a number", []step{{"*72", "123456789012345678901234567890123", number, false}}, Settings{}, call.Wishes{}},
		{"do not disturb", []step{{"*78", "", done, false}}, Settings{DND: true}, call.Wishes{}},
		{"and again", []step{{"*78", "", done, false}, {"*79", "", done, false}}, Settings{}, call.Wishes{}},
		{"hidden once", []step{{"*67", "", dial, false}}, Settings{}, call.Wishes{Anonymous: true}},
		{"hidden for all", []step{{"*30", "", done, false}}, Settings{HideNumber: true}, call.Wishes{Anonymous: true}},
		{"hidden for all, shown once", []step{{"*30", "", done, false}, {"*82", "", dial, false}}, Settings{HideNumber: true}, call.Wishes{}},
		{"hidden, then shown after all", []step{{"*67", "", dial, false}, {"*82", "", dial, false}}, Settings{}, call.Wishes{}},
		{"shown for all again", []step{{"*30", "", done, false}, {"*31", "", done, false}}, Settings{}, call.Wishes{}},
		{"anonymous callers refused", []step{{"*77", "", done, false}}, Settings{RejectAnonymous: true}, call.Wishes{}},
		{"and taken again", []step{{"*77", "", done, false}, {"*87", "", done, false}}, Settings{}, call.Wishes{}},
		{"no waiting once", []step{{"*70", "", dial, false}}, Settings{}, call.Wishes{NoWaiting: true}},
		{"no waiting once, hidden too", []step{{"*70", "", dial, false}, {"*67", "", dial, false}}, Settings{}, call.Wishes{NoWaiting: true, Anonymous: true}},
		{"no waiting", []step{{"*50", "", done, false}}, Settings{NoWaiting: true}, call.Wishes{NoWaiting: true}},
		{"waiting", []step{{"*50", "", done, false}, {"*51", "", done, false}}, Settings{}, call.Wishes{}},
		{"nobody to call back", []step{{"*69", "", refused, false}}, Settings{}, call.Wishes{}},
		{"nothing to dial again", []step{{"*07", "", refused, false}}, Settings{}, call.Wishes{}},
		{"speed dial", []step{{"*74", "35551234", number, true}, {"*753", "", callOf("5551234"), false}, {"*754", "", refused, false}}, Settings{SpeedDials: map[string]string{"3": "5551234"}}, call.Wishes{}},
		{"speed dial forgotten", []step{{"*74", "35551234", number, true}, {"*74", "3", number, true}}, Settings{}, call.Wishes{}},
		{"speed dial without a digit", []step{{"*74", "#12", number, false}, {"*74", "", number, false}}, Settings{}, call.Wishes{}},
		{"voice messages", []step{{"*97", "", callOf("8000"), false}}, Settings{}, call.Wishes{}},
		{"a held call is sent on", []step{{"*98", "", call.Next{Step: call.NextTransfer}, false}}, Settings{}, call.Wishes{}},
		{"somebody joins", []step{{"*23", "", call.Next{Step: call.NextConference}, false}}, Settings{}, call.Wishes{}},
		{"voice menu", []step{{"***", "", call.Next{Step: call.NextMenu}, false}}, Settings{}, call.Wishes{}},
		{"no code", []step{{"*99", "", refused, false}, {"", "", refused, false}, {"*7", "", refused, false}, {"*75", "", refused, false}, {"*7533", "", refused, false}}, Settings{}, call.Wishes{}},
	} {
		b := open(t, filepath.Join(t.TempDir(), "features.json"))
		for _, s := range tt.steps {
			if got := b.Code(1, s.code); got != s.want {
				t.Errorf("%s: %s: got %+v, want %+v", tt.name, s.code, got, s.want)
			}
			if s.want.Step == call.NextNumber {
				if got := b.Number(1, s.code, s.number); got != s.taken {
					t.Errorf("%s: %s %s: taken %v, want %v", tt.name, s.code, s.number, got, s.taken)
				}
			}
		}
		if got := b.Settings(1); !got.equal(tt.want) {
			t.Errorf("%s: set %+v, want %+v", tt.name, got, tt.want)
		}
		if got := b.Leaving(2); got != (call.Wishes{}) {
			t.Errorf("%s: port 2 has wishes: %+v", tt.name, got)
		}
		if got := b.Leaving(1); got != tt.leave {
			t.Errorf("%s: the next call: %+v, want %+v", tt.name, got, tt.leave)
		}
		tt.leave.Anonymous, tt.leave.NoWaiting = tt.want.HideNumber, tt.want.NoWaiting
		if got := b.Leaving(1); got != tt.leave {
			t.Errorf("%s: the call after it: %+v, want %+v", tt.name, got, tt.leave)
		}
	}
}

// A number that was to be hidden once is not hidden when the telephone was hung up meanwhile.
func TestWishesOfACallThatIsNotMade(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "features.json"))
	b.Codes(1, true)
	b.Code(1, "*67")
	b.Code(1, "*70")
	b.Codes(2, true)
	b.Codes(1, true)
	if got := b.Leaving(1); got != (call.Wishes{}) {
		t.Errorf("the next call: %+v", got)
	}
}

// The last caller is called back, and the last number again; who hid is not known.
func TestCallBackAndRedial(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "features.json"))
	b.Called(1, "5551234")
	b.Called(2, "5559999")
	b.Made(1, "+15550000")
	if got := b.Code(1, "*69"); got.Call != "5551234" {
		t.Errorf("call back: %+v", got)
	}
	if got := b.Code(1, "*07"); got.Call != "+15550000" {
		t.Errorf("redial: %+v", got)
	}
	b.Called(1, "anonymous")
	if got := b.Code(1, "*69"); got.Step != call.NextRefused {
		t.Errorf("call back of who hid: %+v", got)
	}
}

// Where calls may not be forwarded to, no code and no program brings them.
func TestForwardingIsPermitted(t *testing.T) {
	table := usual(t)
	premium := errors.New("not there")
	b := Open(Config{
		File: filepath.Join(t.TempDir(), "features.json"), Table: func(int) Table { return table }, Log: quiet,
		Permits: func(_ int, number string) error {
			if number == "0900" {
				return premium
			}
			return nil
		},
	})
	if b.Number(1, "*72", "0900") || !b.Number(1, "*90", "0800") {
		t.Error("*72 0900 is taken, or *90 0800 is not")
	}
	if err := b.Change(1, func(s *Settings) { s.ForwardAll = "0900" }); !errors.Is(err, premium) {
		t.Errorf("got %v", err)
	}
}

// Codes can be changed and switched off one by one.
func TestTable(t *testing.T) {
	for _, tt := range []struct {
		text  string
		codes string // of forward_all and dnd
		fault string
	}{
		{"", "*72 *78", ""},
		{"forward_all=*21", "*21 *78", ""},
		{"forward_all=*21, dnd=", "*21 ", ""},
		{"  dnd=#78 ", "*72 #78", ""},
		{"dnd", "", `"dnd": want dnd=*NN`},
		{"dnd=78", "", `"dnd=78": want dnd=*NN`},
		{"dnd=*", "", `"dnd=*": want dnd=*NN`},
		{"dnd=*7x", "", `"dnd=*7x": want dnd=*NN`},
		{"dnd=*1234567", "", `"dnd=*1234567": want dnd=*NN`},
		{"dndd=*78", "", `there is no star code called "dndd"`},
		{"dnd=*72", "", "forward_all (*72) begins dnd (*72)"},
		{"dnd=*6", "", "dnd (*6) begins hide_once (*67)\ndnd (*6) begins call_return (*69)"},
	} {
		table, err := ParseTable(tt.text)
		switch {
		case err == nil && tt.fault == "":
			if got := table.by[ForwardAll] + " " + table.by[DND]; got != tt.codes {
				t.Errorf("%q: %q, want %q", tt.text, got, tt.codes)
			}
		case err == nil || err.Error() != tt.fault:
			t.Errorf("%q: %v, want %q", tt.text, err, tt.fault)
		}
	}
}

// Every code that a port is told of is one that it acts on.
func TestEveryCodeActs(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "features.json"))
	codes := b.Codes(1, true)
	if len(codes) != int(actions)+9 || !slices.Contains(codes, "*759") || slices.Contains(codes, "*75") {
		t.Errorf("%d codes: %v", len(codes), codes)
	}
	table := usual(t)
	for _, c := range codes {
		if a, _ := table.find(c); a == actions {
			t.Errorf("%s does nothing", c)
		}
	}
	var server Table
	if server.list() != nil {
		t.Error("a port whose codes are for the server has some")
	}
	off := NoCodes()
	if b.cfg.Table = func(int) Table { return off }; !slices.Equal(b.Codes(1, true), []string{"*"}) || b.Code(1, "*").Step != call.NextRefused {
		t.Errorf("a port whose codes are off: %v", b.Codes(1, true))
	}
}

// A code that could do nothing here is for the server: of the voice messages without their number,
// and without a held call of what is done with one.
func TestCodesForTheServer(t *testing.T) {
	mailbox := ""
	table := usual(t)
	b := Open(Config{
		File: filepath.Join(t.TempDir(), "features.json"), Log: quiet,
		Table: func(int) Table { return table }, Mailbox: func(int) string { return mailbox },
	})
	for _, tt := range []struct {
		mailbox string
		held    bool
		codes   []string // of these
	}{
		{"", false, nil},
		{"8000", false, []string{"*97"}},
		{"", true, []string{"*98", "*23"}},
		{"8000", true, []string{"*97", "*98", "*23"}},
	} {
		mailbox = tt.mailbox
		got := slices.DeleteFunc(b.Codes(1, tt.held), func(c string) bool { return !slices.Contains([]string{"*97", "*98", "*23"}, c) })
		if !slices.Equal(got, tt.codes) {
			t.Errorf("mailbox %q, held %v: %v, want %v", tt.mailbox, tt.held, got, tt.codes)
		}
	}
}

func FuzzTable(f *testing.F) {
	for _, s := range []string{"", "forward_all=*21,dnd=", "menu=****", "a=b=c,,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := ParseTable(text)
		if err != nil {
			return
		}
		for _, c := range table.list() {
			if a, _ := table.find(c); a == actions {
				t.Errorf("%q: %s does nothing", text, c)
			}
		}
	})
}
