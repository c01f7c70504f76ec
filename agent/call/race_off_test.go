//go:build !race

package call

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = false
