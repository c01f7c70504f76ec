package sipmsg

// Challenges are the challenges of a 401 or 407, one string each: scheme and
// parameters as they stand in WWW-Authenticate and in Proxy-Authenticate. A proxy that
// forked gathers both kinds in one response (RFC 3261 section 16.7 step 7), and a
// server that knows two algorithms sends one each (RFC 8760 section 2.3), on a line of
// their own or joined by commas.
func (m *Message) Challenges() (www, proxy []string) {
	for _, v := range m.Header.Values("WWW-Authenticate") {
		www = append(www, splitChallenges(v)...)
	}
	for _, v := range m.Header.Values("Proxy-Authenticate") {
		proxy = append(proxy, splitChallenges(v)...)
	}
	return www, proxy
}

// splitChallenges cuts before each part that starts with a scheme. A comma also stands
// between the parameters of one challenge.
func splitChallenges(value string) (list []string) {
	from := 0
	for _, part := range splitCommas(value) {
		if startsChallenge(value[part.from:part.to]) && part.from > from {
			list = appendTrimmed(list, value[from:part.from])
			from = part.from
		}
	}
	return appendTrimmed(list, value[from:])
}

func appendTrimmed(list []string, s string) []string {
	s = trim(s)
	for s != "" && s[len(s)-1] == ',' {
		s = trim(s[:len(s)-1])
	}
	if s == "" {
		return list
	}
	return append(list, s)
}

// startsChallenge tells Digest realm="x" and a bare scheme from nonce="x".
func startsChallenge(part string) bool {
	s := scanner{s: part}
	s.blanks()
	if s.run(tokenChar) == "" {
		return false
	}
	blank := s.at(' ') || s.at('\t')
	s.blanks()
	return s.end() || blank && !s.at('=')
}

type span struct{ from, to int }

// splitCommas finds the parts between commas, those within quotation marks left alone.
func splitCommas(value string) (parts []span) {
	from, quoted := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			parts = append(parts, span{from, i})
			from = i + 1
		}
	}
	return append(parts, span{from, len(value)})
}
