package settings

import (
	"slices"
	"strconv"
	"strings"
)

// Place is the page that shows a group of keys of a section, of section n where they are numbered; empty: none does.
func Place(section string, n int, group string) string {
	i := slices.IndexFunc(sheets, func(k sheetKind) bool {
		return k.section == section && k.numbered == (n > 0) && (group == "" || k.shows(group))
	})
	if i < 0 {
		return ""
	}
	return strings.Replace(sheets[i].path, "{n}", strconv.Itoa(n), 1)
}
