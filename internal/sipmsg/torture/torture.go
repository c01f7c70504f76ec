// Package torture holds the messages of RFC 4475 and RFC 5118, for tests of what parses
// SIP and of what answers it. They stand here as those documents print them, in the
// notation of RFC 4475 section 2.
package torture

import (
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed rfc4475/*.txt rfc5118/*.txt
var files embed.FS

// Names lists all messages: rfc4475/wsinv, and so on.
func Names() []string {
	var names []string
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimSuffix(path, ".txt"))
		}
		return err
	})
	if err != nil {
		panic(err) // an embedded file cannot be missing
	}
	return names
}

// Message is a message as it goes over the wire: the notation is expanded and lines end
// with CRLF.
func Message(name string) ([]byte, error) {
	text, err := files.ReadFile(name + ".txt")
	if err != nil {
		return nil, err
	}
	var bad error
	s := between(string(text), "<allOneLine>\n", "</allOneLine>", func(in string) string {
		return strings.ReplaceAll(in, "\n", "")
	})
	s = between(s, "<repeat count=", "</repeat>", func(in string) string {
		count, what, _ := strings.Cut(in, ">")
		n, err := strconv.Atoi(count)
		if err != nil {
			bad = fmt.Errorf("%s: repeat: %w", name, err)
		}
		return strings.Repeat(what, n)
	})
	s = strings.ReplaceAll(s, "\n", "\r\n")
	s = between(s, "<hex>", "</hex>", func(in string) string {
		b, err := hex.DecodeString(strings.Join(strings.Fields(in), ""))
		if err != nil {
			bad = fmt.Errorf("%s: hex: %w", name, err)
		}
		return string(b)
	})
	return []byte(s), bad
}

// between replaces each stretch from open to close.
func between(s, open, close string, by func(in string) string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(s, open)
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		in, after, _ := strings.Cut(rest, close)
		out.WriteString(by(in))
		s = after
	}
}
