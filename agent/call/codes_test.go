package call

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"tipring/lines/fxs"
)

// codes are star codes as an owner of a telephone knows them, and a book of what came of them.
type codes struct {
	book   []string
	asked  int // for the codes
	wishes Wishes
	refuse bool          // no number is taken
	back   string        // who called last; empty: 609
	slow   time.Duration // of the disk
}

func (f *codes) Codes(_ int, held bool) []string {
	f.asked++
	all := []string{"*72", "*67", "*70", "*69", "***", "*78"}
	if held {
		all = append(all, "*98", "*23")
	}
	return all
}

func (f *codes) Code(_ int, code string) Next {
	time.Sleep(f.slow)
	f.book = append(f.book, code)
	switch code {
	case "*72":
		return Next{Step: NextNumber}
	case "*67":
		f.wishes.Anonymous = true
		return Next{Step: NextDial}
	case "*70":
		f.wishes.NoWaiting = true
		return Next{Step: NextDial}
	case "*69":
		return Next{Step: NextCall, Call: cmp.Or(f.back, "609")}
	case "*98":
		return Next{Step: NextTransfer}
	case "*23":
		return Next{Step: NextConference}
	case "***":
		return Next{Step: NextMenu}
	}
	return Next{Step: NextDone}
}

func (f *codes) Number(_ int, code, number string) bool {
	time.Sleep(f.slow)
	f.book = append(f.book, code+"="+number)
	return !f.refuse
}

func (f *codes) Leaving(int) Wishes {
	w := f.wishes
	f.wishes = Wishes{}
	return w
}

func (f *codes) Made(_ int, number string) { f.book = append(f.book, "made "+number) }

// coded are settings of a telephone with star codes.
func coded(f *codes, s settings) settings {
	more := s.config
	s.config = func(c *Config) {
		c.Features = f
		if more != nil {
			more(c)
		}
	}
	return s
}

// What a star code leads to.
func TestStarCodes(t *testing.T) {
	for _, tt := range []struct {
		name, keys string
		book       string
		state      fxs.State
		hears      int
		called     string // number; empty: nobody
	}{
		{"done", "*78", "*78", fxs.Dialling, dialTone, ""},
		{"a number follows", "*72601", "*72 *72=601", fxs.Dialling, dialTone, ""},
		{"a call follows", "*67602#", "*67 made 602", fxs.Talking, nothing, "602"},
		{"called at once", "*69", "*69 made 609", fxs.Talking, nothing, "609"},
		{"nothing to transfer", "*98", "made *98", fxs.Talking, nothing, "*98"},
		{"no menu", "***", "***", fxs.Parked, reorderTone, ""},
		{"an emergency is called behind any code", "*72112#", "*72 made 112", fxs.Talking, nothing, "112"},
	} {
		f := &codes{}
		inRig(t, coded(f, settings{}), func(r *rig) {
			ph := r.phone()
			ph.lift()
			r.run(100 * time.Millisecond)
			ph.press(tt.keys)
			r.run(5 * time.Second)
			if got := ph.port.Snapshot().State; got.String() != tt.state.String() || ph.hears() != tt.hears {
				t.Errorf("%s: port is %v and hears %d Hz, want %v and %d Hz", tt.name, got, ph.hears(), tt.state, tt.hears)
			}
			if got := strings.Join(f.book, " "); got != tt.book {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.book)
			}
			if tt.called != "" && r.far.last().invite.RequestURI.User != tt.called {
				t.Errorf("%s: called %s", tt.name, r.far.last().invite.RequestURI.User)
			}
			if tt.called == "" && len(r.far.calls) != 0 {
				t.Errorf("%s: called %s", tt.name, r.far.last().invite.RequestURI.User)
			}
		})
	}
}

// While a code, or its number, is on its way to the disk, the telephone goes on and hears
// nothing; what comes of it comes then, unless the telephone was hung up.
func TestSlowCodes(t *testing.T) {
	for _, tt := range []struct {
		keys  string
		hears int
		calls int
	}{
		{"*78", dialTone, 0},
		{"*72", dialTone, 0},
		{"*69", nothing, 1},
		{"***", reorderTone, 0},
	} {
		f := &codes{slow: 2 * time.Second}
		inRig(t, coded(f, settings{}), func(r *rig) {
			ph := r.phone()
			for _, stays := range []bool{false, true} {
				ph.lift()
				ph.press(tt.keys)
				r.run(time.Second)
				if ph.hears() != nothing || ph.port.Snapshot().State != fxs.Dialling {
					t.Errorf("%s: hears %d Hz meanwhile, the port is %v", tt.keys, ph.hears(), ph.port.Snapshot().State)
				}
				if !stays {
					ph.hangUp()
					ph.lift()
					r.run(1500 * time.Millisecond)
					ph.want(fxs.Dialling, dialTone)
					ph.hangUp()
					continue
				}
				r.run(1500 * time.Millisecond)
				if ph.hears() != tt.hears || len(r.far.calls) != tt.calls {
					t.Errorf("%s: hears %d Hz after %d calls", tt.keys, ph.hears(), len(r.far.calls))
				}
			}
		})
	}
	f := &codes{slow: 2 * time.Second}
	inRig(t, coded(f, settings{}), func(r *rig) {
		ph := r.phone()
		ph.lift()
		ph.press("*72601#")
		r.run(3 * time.Second)
		ph.want(fxs.Dialling, nothing)
		r.run(1500 * time.Millisecond)
		ph.want(fxs.Dialling, dialTone)
	})
}

func TestRefusedNumberOfACode(t *testing.T) {
	f := &codes{refuse: true}
	inRig(t, coded(f, settings{}), func(r *rig) {
		ph := r.phone()
		ph.lift()
		ph.press("*72601#")
		r.run(300 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
	})
}

// *67: this call does not show who makes it, the next one does.
func TestHiddenCall(t *testing.T) {
	f := &codes{}
	inRig(t, coded(f, settings{}), func(r *rig) {
		ph := r.phone()
		for _, want := range []string{"anonymous", "1001"} {
			ph.lift()
			if want == "anonymous" {
				ph.press("*67")
			}
			ph.press("602#")
			r.run(300 * time.Millisecond)
			if got := r.far.last().invite.From.URI.User; got != want {
				t.Errorf("the caller is %s, want %s", got, want)
			}
			ph.hangUp()
		}
	})
}

// A chatter is a voice menu that says a tone, for so many samples.
type chatter struct {
	left   int
	keys   string
	closed bool
}

func (s *chatter) Key(key byte) { s.keys += string(key) }
func (s *chatter) Close()       { s.closed = true }
func (s *chatter) Read(out []int16) bool {
	if s.left -= len(out); s.left < 0 {
		return false
	}
	voice(otherVoice).Read(out)
	return true
}

// The voice menu takes keys and is heard, until either side hangs up.
func TestVoiceMenu(t *testing.T) {
	for _, left := range []int{1 << 20, 8000} {
		s := &chatter{left: left}
		set := coded(&codes{}, settings{device: func(d *Device) { d.Menu = func(int) Service { return s } }})
		inRig(t, set, func(r *rig) {
			ph := r.phone()
			ph.lift()
			ph.press("***")
			r.run(100 * time.Millisecond)
			ph.want(fxs.Talking, otherVoice)
			ph.press("12")
			r.run(100 * time.Millisecond)
			if s.keys != "12" {
				t.Errorf("the menu got %q", s.keys)
			}
			if c := r.far.call(); true {
				r.run(100 * time.Millisecond)
				if c.status() != 486 {
					t.Errorf("a caller meanwhile gets %v", c.statuses)
				}
			}
			r.run(time.Second)
			if left == 8000 {
				ph.want(fxs.Parked, reorderTone)
				if s.closed {
					t.Error("the menu hung up itself, and is told")
				}
				return
			}
			ph.hangUp()
			if !s.closed {
				t.Error("the menu is not told that the telephone has hung up")
			}
		})
	}
}

// Whoever a referral of the far end leads to does not see a number either that is hidden from all.
func TestReferredAnonymously(t *testing.T) {
	f := &codes{}
	inRig(t, coded(f, settings{}), func(r *rig) {
		_, far := talking(r)
		f.wishes.Anonymous = true
		far.refer("700")
		r.run(200 * time.Millisecond)
		if m := r.far.last().invite; m.RequestURI.User != "700" || m.From.URI.User != "anonymous" {
			t.Errorf("%s is called by %v", m.RequestURI.User, m.From)
		}
	})
}
