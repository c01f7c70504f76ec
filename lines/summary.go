package lines

import (
	"math"
	"strconv"
	"strings"
)

// A Summary is what waits in the mailbox of a line (RFC 3842 section 5.2).
type Summary struct {
	Waiting bool
	Account string // where the messages are: an address to call; empty: not said
	Counted bool   // the numbers of voice messages are known

	New, Old             int
	UrgentNew, UrgentOld int // of those
}

// String is a few words about new messages; empty: nothing is known of them.
func (s Summary) String() string {
	if !s.Counted {
		return ""
	}
	return strconv.Itoa(s.New) + " new voice messages"
}

// maxAccount bounds the address of a mailbox.
const maxAccount = 255

// readSummary reads a simple-message-summary. What it does not understand it passes over.
func readSummary(body string) (s Summary) {
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "Messages-Waiting"):
			s.Waiting = strings.EqualFold(value, "yes")
		case strings.EqualFold(name, "Message-Account") && len(value) <= maxAccount:
			s.Account = value
		case strings.EqualFold(name, "Voice-Message"):
			s.count(value)
		}
	}
	return s
}

// count reads new/old (urgent new/urgent old), of which the latter may be missing.
func (s *Summary) count(value string) {
	plain, urgent, _ := strings.Cut(value, "(")
	var ok bool
	if s.New, s.Old, ok = pair(plain); !ok {
		return
	}
	s.Counted = true
	s.UrgentNew, s.UrgentOld, _ = pair(strings.TrimSuffix(strings.TrimSpace(urgent), ")"))
}

// pair reads two numbers with a slash between them.
func pair(text string) (x, y int, ok bool) {
	first, second, _ := strings.Cut(text, "/")
	x, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || x < 0 || x > math.MaxInt32 {
		return 0, 0, false
	}
	if y, err = strconv.Atoi(strings.TrimSpace(second)); err != nil || y < 0 || y > math.MaxInt32 {
		y = 0
	}
	return x, y, true
}
