//go:build race

package lines

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = true
