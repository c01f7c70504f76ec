package call

import "strings"

// maxInfo is how many characters of text about a fax go into its record (FB-Per-Fax-CDR-Info).
const maxInfo = 64

// SplitNumber parts what was dialled at the first delimiter: into the number, and what is
// to stand in the record of the fax. A delimiter counts only behind a digit of the number,
// since numbers may begin with * and #, as *67 does. Without one, or when delimiter is
// empty, all is the number.
func SplitNumber(dialled, delimiter string) (number, info string) {
	digit := strings.IndexAny(dialled, "0123456789")
	if delimiter == "" || digit < 0 {
		return dialled, ""
	}
	number, info, found := strings.Cut(dialled[digit+1:], delimiter)
	if !found {
		return dialled, ""
	}
	return dialled[:digit+1] + number, info[:min(len(info), maxInfo)]
}
