package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var number = regexp.MustCompile(`\d+`)

// status reads a kB or count field of /proc/PID/status.
func status(pid int, field string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return fieldOf(string(text), field)
}

func fieldOf(text, field string) float64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			v, _ := strconv.ParseFloat(number.FindString(rest), 64)
			return v
		}
	}
	return 0
}

// cpu is the time on a processor of all threads so far, in milliseconds.
func cpu(pid int) (total float64) {
	for _, path := range threads(pid, "schedstat") {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		ns, _ := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
		total += ns / 1e6
	}
	return total
}

// wakeups counts the times that a thread slept and was woken.
func wakeups(pid int) (total float64) {
	for _, path := range threads(pid, "status") {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		total += fieldOf(string(text), "voluntary_ctxt_switches")
	}
	return total
}

func threads(pid int, file string) []string {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", pid, file))
	return all
}
