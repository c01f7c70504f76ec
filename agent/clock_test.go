package agent

import (
	"os"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/config"
	"tipring/internal/config/generations"
)

// A device without a battery begins in the past: what it keeps says that the past is over.
func TestClockHasAFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins in the year 2000
		c := new(clock)
		if now := c.Now(); !now.Equal(time.Now()) {
			t.Errorf("without a floor: %v", now)
		}
		later := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		c.NotBefore(later)
		c.NotBefore(later.Add(-time.Hour))
		c.NotBefore(time.Time{})
		if now := c.Now(); !now.Equal(later) {
			t.Errorf("%v, want the floor %v", now, later)
		}
		time.Sleep(40 * 365 * 24 * time.Hour)
		if now := c.Now(); !now.Equal(time.Now()) {
			t.Errorf("%v, want the system's time, which is later", now)
		}
	})
}

// Telephones show the time of where they are, and none while nobody knows it.
func TestClockOnTheWall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // from midnight UTC on
		c := new(clock)
		const shown = "Jan 2 15:04"
		if got := c.Wall("CET-1CEST,M3.5.0,M10.5.0/3").Format(shown); got != "Jan 1 01:00" {
			t.Errorf("in Berlin: %s", got)
		}
		time.Sleep(180 * 24 * time.Hour)
		if got := c.Wall("CET-1CEST,M3.5.0,M10.5.0/3").Format(shown); got != "Jun 29 02:00" {
			t.Errorf("in Berlin: %s", got)
		}
		if got := c.Wall("no zone"); !got.IsZero() {
			t.Errorf("nowhere: %v", got)
		}
		c.NotBefore(time.Now().Add(time.Nanosecond))
		if got := c.Wall("UTC0"); !got.IsZero() {
			t.Errorf("before the clock is set: %v", got)
		}
	})
}

// The program was not built in the future.
func TestClockKnowsTheBuild(t *testing.T) {
	vcs := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.time", Value: "2026-11-22T07:35:33Z"}}}
	for _, tt := range []struct {
		built string
		info  *debug.BuildInfo
		want  time.Time
	}{
		{"1795600000", vcs, time.Unix(1795600000, 0)},
		{"", vcs, time.Date(2026, 11, 22, 7, 35, 33, 0, time.UTC)},
		{"", &debug.BuildInfo{}, time.Time{}},
		{"", nil, time.Time{}},
	} {
		if got := buildTime(tt.built, tt.info); !got.Equal(tt.want) {
			t.Errorf("built %q: %v, want %v", tt.built, got, tt.want)
		}
	}
}

// What happened is over: a generation that was made, in the time of whatever clock.
func TestClockFloorOutlivesTheProgram(t *testing.T) {
	dir := t.TempDir()
	made := time.Date(2031, 5, 1, 0, 0, 0, 0, time.UTC)
	store, _, err := generations.Open(dir, generations.Options{Now: func() time.Time { return made }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Write(generations.Content{By: generations.ByPage}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{Files: config.Files{File: os.DevNull, Factory: os.DevNull, StateDir: dir}, Stderr: &syncBuffer{}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.store.Close()
	if now := a.clock.Now(); now.Before(made) {
		t.Errorf("the clock says %v, after %v", now, made)
	}
}
