package freeradius

import (
	"slices"
	"strings"
)

// A Record is one packet as the detail module writes it: values by name, without quotes;
// enumerated ones by their names.
type Record map[string]string

// Records reads what Accounted or Asked return. What a packet holds twice is joined by a comma.
func Records(text string) []Record {
	var all []Record
	for block := range strings.SplitSeq(text, "\n\n") {
		r := Record{}
		for line := range strings.Lines(block) {
			name, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
			if !ok {
				continue // the time stands above
			}
			if value = strings.Trim(value, `"`); r[name] != "" {
				value = r[name] + "," + value
			}
			r[name] = value
		}
		if len(r) > 0 {
			all = append(all, r)
		}
	}
	return all
}

// Of are the names of FaxBack's attributes in a record, sorted.
func (r Record) Of() []string {
	var names []string
	for name := range r {
		if strings.HasPrefix(name, "FB-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
