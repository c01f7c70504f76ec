package lines

import (
	"strings"
	"testing"
)

// What a message-summary may look like.
func TestReadSummary(t *testing.T) {
	tests := []struct {
		body string
		want Summary
		text string
	}{
		{"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n",
			Summary{true, "sip:alice@vmail.example.com", true, 2, 8, 0, 2}, "2 new voice messages"},
		{"Messages-Waiting: no\r\n", Summary{}, ""},
		{"messages-waiting:YES\nvoice-message:1/0\n", Summary{Waiting: true, Counted: true, New: 1}, "1 new voice messages"},
		{"Messages-Waiting: yes\r\nVoice-Message: x/0\r\n", Summary{Waiting: true}, ""},
		{"Voice-Message: 3\r\n", Summary{Counted: true, New: 3}, "3 new voice messages"},
		{"Voice-Message: -1/2\r\n", Summary{}, ""},
		{"Voice-Message: 1/2 (3/4\r\n", Summary{Counted: true, New: 1, Old: 2, UrgentNew: 3, UrgentOld: 4}, "1 new voice messages"},
		{"Voice-Message: 1/99999999999999999999\r\n", Summary{Counted: true, New: 1}, "1 new voice messages"},
		{"Fax-Message: 7/7\r\n", Summary{}, ""},
		{"Message-Account: " + strings.Repeat("x", 300), Summary{}, ""},
		{"", Summary{}, ""},
		{strings.Repeat(":", 100), Summary{}, ""},
	}
	for _, tt := range tests {
		if got := readSummary(tt.body); got != tt.want || got.String() != tt.text {
			t.Errorf("%q: %+v %q, want %+v %q", tt.body, got, got, tt.want, tt.text)
		}
	}
}

// A summary of a server that is no friend is numbers that are none, or none.
func FuzzReadSummary(f *testing.F) {
	f.Add("Messages-Waiting: yes\r\nMessage-Account: sip:a@b\r\nVoice-Message: 2/8 (0/2)\r\n")
	f.Add("Voice-Message: 1/2 (3/4\nVoice-Message:x")
	f.Add("voice-message:(/)")
	f.Fuzz(func(t *testing.T, body string) {
		s := readSummary(body)
		if s.New < 0 || s.Old < 0 || s.UrgentNew < 0 || s.UrgentOld < 0 || len(s.Account) > maxAccount || !s.Counted && s.New != 0 {
			t.Errorf("%+v", s)
		}
	})
}
