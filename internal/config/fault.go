package config

import (
	"fmt"
	"strings"
)

// A Fault is one thing that is wrong in one layer. Secrets in it are masked.
type Fault struct {
	File    string // the file's name, or the source of a layer without one
	Line    int    // 0: the layer has no lines
	Section string // empty: outside any section
	Key     string // empty: the line is not a key's
	Value   string
	Wanted  string
	Later   string // of a warning where nothing else is wanted: what is not done about the key yet
}

// String is FILE:LINE: [section] key = value: wanted ...
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	b.WriteByte(':')
	if f.Section != "" {
		fmt.Fprintf(&b, " [%s]", f.Section)
	}
	if f.Key != "" {
		fmt.Fprintf(&b, " %s = %s", f.Key, shorten(f.Value))
	}
	if f.Section != "" || f.Key != "" {
		b.WriteByte(':')
	}
	if f.Later != "" {
		return b.String() + " " + f.Later
	}
	return b.String() + " wanted " + f.Wanted
}

// shorten keeps a fault readable when the value is not.
func shorten(value string) string {
	const most = 80
	if len(value) <= most {
		return value
	}
	return strings.ToValidUTF8(value[:most], "") + "..."
}

// Faults is every fault of a configuration, in the order of its layers and their
// lines. It is the error that Load returns.
type Faults []Fault

// Error lists the faults, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].String()
	}
	return strings.Join(lines, "\n")
}
