package settings

import (
	"context"
	"strconv"

	"tipring/webui/words"
)

// place is the page that shows a key, with the key; empty: none.
func (s *sheet) place(section, key string) string {
	stem, n := splitName(section)
	k := s.all.key(section, key)
	for i := range sheets {
		kind := &sheets[i]
		if k != nil && kind.section == stem && kind.numbered == (n > 0) && kind.shows(string(k.Group)) {
			return (&sheet{kind: kind, n: n}).path() + "#" + key
		}
	}
	return ""
}

func kindOf(ctx context.Context, kind string) string {
	switch kind {
	case "added":
		return words.T(ctx, ": is added")
	case "removed":
		return words.T(ctx, ": is removed")
	}
	return ""
}

func number(n int) string { return strconv.Itoa(n) }
