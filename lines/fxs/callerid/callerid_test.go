package callerid

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 3, 9, 16, 5, 59, 0, time.UTC)

// What is sent about a caller, octet by octet. The sum of all is 0.
func TestMessages(t *testing.T) {
	for _, tt := range []struct {
		standard string
		caller   Caller
		want     string // type, length, then text in quotes or octets
	}{
		{"bellcore", Caller{Number: "5551234567", Name: "ANNA", At: at}, `80 1c 01 08 "03091605" 02 0a "5551234567" 07 04 "ANNA"`},
		{"bellcore", Caller{Number: "+1 (555) 123-4567", At: at}, `80 17 01 08 "03091605" 02 0b "15551234567"`},
		{"bellcore", Caller{Private: true, Number: "5551234567", Name: "ANNA", At: at}, `80 10 01 08 "03091605" 04 01 "P" 08 01 "P"`},
		{"bellcore", Caller{Unavailable: true, Number: "1", At: at}, `80 0d 01 08 "03091605" 04 01 "O"`},
		{"bellcore", Caller{Number: "alice", At: at}, `80 14 01 08 "03091605" 04 01 "O" 07 05 "alice"`},
		{"bellcore", Caller{Number: "1", Name: "A name of more than 15 letters", At: at}, `80 1e 01 08 "03091605" 02 01 "1" 07 0f "A name of more "`},
		{"bellcore", Caller{Number: "5551234567"}, `80 0c 02 0a "5551234567"`},
		{"bt", Caller{Number: "1"}, `80 06 11 01 01 02 01 "1"`},
		{"bellcore-sdmf", Caller{Number: "1"}, `04 09 "010100001"`},
		{"bellcore-sdmf", Caller{Number: "5551234567", Name: "ANNA", At: at}, `04 12 "030916055551234567"`},
		{"bellcore-sdmf", Caller{Private: true, At: at}, `04 09 "03091605P"`},
		{"bellcore-sdmf", Caller{At: at}, `04 09 "03091605O"`},
		{"etsi", Caller{Number: "030123", Name: "Jürgen Groß", At: at}, `80 1f 01 08 "03091605" 02 06 "030123" 07 0b "Jurgen Gros"`},
		{"etsi", Caller{Number: "1", Name: "李", At: at}, `80 0d 01 08 "03091605" 02 01 "1"`},
		{"bt", Caller{Number: "02079460000", At: at}, `80 1a 11 01 01 01 08 "03091605" 02 0b "02079460000"`},
		{"etsi", Caller{Number: "123456789012345678901", At: at}, `80 20 01 08 "03091605" 02 14 "12345678901234567890"`},
	} {
		got := Find(tt.standard).Call(tt.caller)
		sum := byte(0)
		for _, c := range got {
			sum += c
		}
		if want := octets(t, tt.want); !bytes.Equal(got[:len(got)-1], want) || sum != 0 {
			t.Errorf("%s %+v:\n%q\nwant\n%q, sum %d", tt.standard, tt.caller, got, want, sum)
		}
	}
}

func octets(t *testing.T, text string) (b []byte) {
	t.Helper()
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 {
			b = append(b, part...)
			continue
		}
		h, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, h...)
	}
	return b
}

func TestKeysOfDTMF(t *testing.T) {
	for _, tt := range []struct {
		standard string
		caller   Caller
		want     string
	}{
		{"dtmf", Caller{Number: "+46 8 123*#"}, "A468123C"},
		{"dtmf-reversal", Caller{Private: true, Number: "08"}, "B10C"},
		{"dtmf-plain", Caller{Number: "anna"}, "B00C"},
		{"dtmf-denmark", Caller{Number: "33151515"}, "A33151515#"},
		{"dtmf-denmark", Caller{Private: true}, "D1#"},
		{"dtmf-denmark-reversal", Caller{}, "D3#"},
		{"dtmf-taiwan", Caller{Number: "0212345678"}, "D0212345678C"},
	} {
		if got := Find(tt.standard).Call(tt.caller); string(got) != tt.want {
			t.Errorf("%s %+v: %s, want %s", tt.standard, tt.caller, got, tt.want)
		}
	}
}

func TestMessagesWaiting(t *testing.T) {
	for _, tt := range []struct {
		standard string
		on       bool
		want     string
	}{
		{"bellcore", true, "82 03 0b 01 ff"}, {"bellcore", false, "82 03 0b 01 00"},
		{"bellcore-sdmf", true, "06 03 42 42 42"}, {"bellcore-sdmf", false, "06 03 6f 6f 6f"},
		{"etsi-dtas", true, "82 03 0b 01 ff"},
		{"dtmf-denmark", true, ""},
	} {
		got := Find(tt.standard).Waiting(tt.on)
		if want := octets(t, tt.want); !bytes.HasPrefix(got, want) || len(want) > 0 && len(got) != len(want)+1 || len(want) == 0 && got != nil {
			t.Errorf("%s %v: %x, want %x", tt.standard, tt.on, got, want)
		}
	}
}

// What was sent is received again: whatever the frames, over 30 dB of levels, with noise, by
// a line that clips nothing.
func TestSentIsReceived(t *testing.T) {
	for _, name := range Names() {
		std := Find(name)
		if std.Modem == DTMF {
			continue
		}
		for _, frame := range []int{1, 80, 160, 1600} {
			for _, offHook := range []bool{false, true} {
				for _, quieter := range []int{1, 4, 30} {
					want := std.Call(Caller{Number: "5551234567", Name: "ANNA", At: at})
					got := received(sent(std, want, offHook, frame), quieter)
					if len(got) != 1 || !bytes.Equal(got[0], want[:len(want)-1]) {
						t.Errorf("%s, frames of %d, off-hook %v, 1/%d: %q", name, frame, offHook, quieter, got)
					}
				}
			}
		}
	}
}

// sent is a message with silence around, made in frames.
func sent(std *Standard, message []byte, offHook bool, frame int) []int16 {
	var s Sender
	s.Start(std, message, offHook)
	pcm := make([]int16, 800, 20000)
	length := s.Length()
	for s.Busy() {
		out := make([]int16, frame)
		pcm = append(pcm, out[:s.Read(out)]...)
	}
	if len(pcm) != 800+length {
		panic("not as long as it was to be")
	}
	return append(pcm, make([]int16, 800)...)
}

// received is what a Receiver makes of it.
func received(pcm []int16, quieter int) (messages [][]byte) {
	var r Receiver
	noise := uint32(1)
	for len(pcm) > 0 {
		n := min(len(pcm), 160)
		heard := make([]int16, n)
		for i := range heard {
			noise = noise*1664525 + 1013904223
			heard[i] = pcm[i]/int16(quieter) + int16(noise>>28) - 8
		}
		r.Feed(heard, func(m []byte) { messages = append(messages, bytes.Clone(m)) })
		pcm = pcm[n:]
	}
	return messages
}

func TestShown(t *testing.T) {
	for _, name := range []string{"bellcore", "bellcore-sdmf", "etsi-dtas", "bt"} {
		std := Find(name)
		read := func(m []byte) Shown {
			s, ok := Read(m[:len(m)-1])
			if !ok {
				t.Errorf("%s: %q not understood", name, m)
			}
			return s
		}
		want := Shown{Time: "03091605", Number: "5551234567", Name: "ANNA"}
		if name == "bellcore-sdmf" {
			want.Name = ""
		}
		if got := read(std.Call(Caller{Number: want.Number, Name: "ANNA", At: at})); got != want {
			t.Errorf("%s: %+v", name, got)
		}
		if got := read(std.Call(Caller{Private: true, At: at})); got != (Shown{Time: "03091605", Absent: 'P'}) {
			t.Errorf("%s: %+v", name, got)
		}
		for lamp, on := range map[byte]bool{1: true, 2: false} {
			if got := read(std.Waiting(on)); got != (Shown{Lamp: lamp}) {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

// A bit that falls over is told by the checksum; nothing that comes makes the receiver or the
// reader fall over.
func FuzzReceiver(f *testing.F) {
	std := Find("bellcore")
	m := std.Call(Caller{Number: "5551234567", At: at})
	f.Add(m[:len(m)-1], uint16(0))
	f.Add([]byte{0x80, 3, 2, 9, '5'}, uint16(3000))
	f.Fuzz(func(t *testing.T, body []byte, cut uint16) {
		Read(body)
		if len(body) > 200 {
			return
		}
		pcm := sent(std, body, false, 160)
		received(pcm[min(int(cut), len(pcm)):], 1)
	})
}

func TestSenderAllocatesNothing(t *testing.T) {
	std := Find("etsi")
	message := std.Call(Caller{Number: "5551234567", Name: "ANNA", At: at})
	var s Sender
	s.Start(std, message, false)
	out := make([]int16, 80)
	if n := testing.AllocsPerRun(100, func() { s.Read(out) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// Whatever a network says about a caller becomes a message that is no longer than one can be,
// of characters that every telephone knows, or keys that there are.
func FuzzCall(f *testing.F) {
	f.Add("5551234567", "Anna", false)
	f.Add("+49 (30) 123;phone-context=x", "J\xfcrgen \u0130\x00", true)
	f.Add("alice*#", "李", false)
	f.Fuzz(func(t *testing.T, number, name string, private bool) {
		for i := range standards {
			std := &standards[i]
			m := std.Call(Caller{Number: number, Name: name, Private: private, At: at})
			if std.Modem == DTMF {
				if len(m) > maxNumber+4 || strings.Trim(string(m), "0123456789*#ABCD") != "" {
					t.Errorf("%s: %q", std.Name, m)
				}
				continue
			}
			s, ok := Read(m[:len(m)-1])
			if !ok || len(m) > 100 || len(s.Number) > maxNumber || private && (s.Number != "" || s.Name != "" || s.Absent != 'P') {
				t.Errorf("%s: %q %+v", std.Name, m, s)
			}
			for _, c := range []byte(s.Number + s.Name) {
				if c < ' ' || c > '~' {
					t.Errorf("%s: %q", std.Name, m)
				}
			}
		}
	})
}
