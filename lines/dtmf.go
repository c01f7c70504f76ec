package lines

import (
	"strconv"
	"strings"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
)

// infoDigitMS is the duration that an INFO digit names.
const infoDigitMS = 160

// sendDigit sends a digit by INFO (application/dtmf-relay, as Fanvil and others do).
func (s *session) sendDigit(now time.Time, digit byte) {
	if s.ended {
		return
	}
	signal := string(digit)
	if digit == 'F' {
		signal = "16" // its event code, as most servers know it
	}
	if s.l.cfg.DTMFSIPInfoMode == "10/11" {
		switch digit {
		case '*':
			signal = "10"
		case '#':
			signal = "11"
		}
	}
	m := s.d.Request(sipmsg.INFO)
	m.SetBody("application/dtmf-relay", []byte("Signal="+signal+"\r\nDuration="+strconv.Itoa(infoDigitMS)+"\r\n"))
	s.send(now, m, func(now time.Time, a ua.Answer) {
		if a.Err != nil {
			s.l.log.Warn("digit not sent", "id", s.c.info.ID, "cause", a.Err)
		}
	})
}

// informed takes an INFO: a digit, or anything else, which is answered and forgotten.
func (s *session) informed(now time.Time, in *ua.Incoming) {
	t, _ := in.Req.ContentType()
	switch t {
	case "application/dtmf-relay", "application/dtmf":
		d, ok := infoDigit(t, string(in.Req.Body))
		if !ok {
			in.Respond(now, 400, "No digit")
			return
		}
		in.Respond(now, 200, "")
		if s.c.handler != nil && !s.c.over {
			s.c.handler.Digit(s.c, d)
		}
	case "":
		in.Respond(now, 200, "")
	default:
		res := in.Response(415, "")
		res.Header.Add("Accept", "application/dtmf-relay, application/dtmf")
		in.RespondWith(now, res)
	}
}

// infoDigit reads the digit of an INFO. Numbers 10 to 16 stand for * # A B C D and flash.
func infoDigit(contentType, body string) (digit byte, ok bool) {
	signal := ""
	if contentType == "application/dtmf" {
		signal = strings.TrimSpace(body)
	} else {
		for _, line := range strings.FieldsFunc(body, func(r rune) bool { return r == '\r' || r == '\n' }) {
			name, value, _ := strings.Cut(line, "=")
			if strings.EqualFold(strings.TrimSpace(name), "Signal") {
				signal = strings.TrimSpace(value)
			}
		}
	}
	const numbered = "*#ABCDF"
	switch {
	case len(signal) == 1 && strings.Contains("0123456789*#ABCD", strings.ToUpper(signal)):
		return strings.ToUpper(signal)[0], true
	case len(signal) == 2 && signal[0] == '1' && signal[1] >= '0' && signal[1] <= '6':
		return numbered[signal[1]-'0'], true
	case strings.EqualFold(signal, "hf"), strings.EqualFold(signal, "flash"):
		return 'F', true
	}
	return 0, false
}
