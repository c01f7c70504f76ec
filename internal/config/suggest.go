package config

// suggest finds the key that a mistyped name probably meant.
func (s *Section) suggest(name string) string {
	best, distance := "", 3
	for i := range s.Keys {
		if d := editDistance(name, s.Keys[i].Name); d < distance {
			best, distance = s.Keys[i].Name, d
		}
	}
	if best == "" {
		return ""
	}
	return ", perhaps " + best
}

// editDistance is Levenshtein's: letters to insert, drop or change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
