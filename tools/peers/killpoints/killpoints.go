// Package killpoints has strace kill a program at every call by which it changes the
// configuration on the disk, and fail every such call, and looks at what the next start
// finds. The program is the test binary itself, run again; what it changes is a state
// directory of its own, through internal/config/generations.
package killpoints

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"tipring/internal/config"
	"tipring/internal/config/generations"
)

// content is small, so that all of it fits a tiny file system, and marked in each part.
func content(by, provisioned, local string) generations.Content {
	return generations.Content{
		By: by, Key: fmt.Sprintf("%x", provisioned), Local: []byte("[sip2]\ndisplay_name = " + local + "\n"),
		Provisioned: []config.Layer{
			config.SettingsLayer("radius:192.0.2.1", []config.Setting{{Section: "sip1", Key: "display_name", Value: provisioned, Line: 3}}),
		},
	}
}

// mark names what is in force by its parts, or calls it mixed.
func mark(s *generations.Store) string {
	g, ok := s.Current()
	if !ok {
		return "factory"
	}
	local, _ := strings.CutPrefix(strings.TrimSpace(string(g.Local)), "[sip2]\ndisplay_name = ")
	provisioned := ""
	if len(g.Provisioned) == 1 && len(g.Provisioned[0].Settings) == 1 {
		provisioned = g.Provisioned[0].Settings[0].Value
	}
	if !reflect.DeepEqual(content(g.By, provisioned, local), g.Content) {
		return fmt.Sprintf("mixed: %+v", g)
	}
	return provisioned + "," + local
}

// An apply is one kind of change, and what is in force before and after.
type apply struct {
	name          string
	do            func(*generations.Store) error
	before, after string
}

// applies begin with one and two, both good, two in force, and three unproven.
var applies = []apply{
	{"provision", write(content(generations.ByProvision, "p5", "l2")), "p2,l2", "p5,l2"},
	{"page", write(content(generations.ByPage, "p2", "l5")), "p2,l2", "p2,l5"},
	{"rollback", func(s *generations.Store) error { return s.Switch(1, generations.Good) }, "p2,l2", "p1,l1"},
	{"reset", (*generations.Store).Reset, "p2,l2", "factory"},
	{"prune", prune, "p2,l2", "p2,l2"},
}

func write(c generations.Content) func(*generations.Store) error {
	return func(s *generations.Store) error {
		n, err := s.Write(c)
		if err != nil {
			return err
		}
		return s.Switch(n, generations.Trial)
	}
}

// prune gives up a generation that it has to make first, for Open leaves none to prune.
func prune(s *generations.Store) error {
	if err := s.Judge(3, generations.Trial); err != nil {
		return err
	}
	if _, err := s.Write(content(generations.ByPage, "p4", "l4")); err != nil {
		return err
	}
	return s.Prune()
}

// prepare makes the state directory that applies begin with.
func prepare(dir string) error {
	s, _, err := generations.Open(dir, generations.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	for i := 1; i <= 2; i++ {
		n, err := s.Write(content(generations.ByProvision, fmt.Sprint("p", i), fmt.Sprint("l", i)))
		if err == nil {
			err = s.Switch(n, generations.Good)
		}
		if err != nil {
			return err
		}
	}
	_, err = s.Write(content(generations.ByProvision, "p3", "l3"))
	return err
}

// perform is the program under test: it opens the store and makes the change.
func perform(name, dir string) error {
	s, _, err := generations.Open(dir, generations.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	for _, a := range applies {
		if a.name == name {
			return a.do(s)
		}
	}
	return fmt.Errorf("no apply %q", name)
}

// next is the next start: what is in force then, after whatever happened, and an error if
// anything is not in order with it.
func next(dir string) (string, error) {
	s, r, err := generations.Open(dir, generations.Options{})
	if err != nil {
		return "", err
	}
	defer func() { _ = s.Close() }()
	if r.State != nil || r.Fell != 0 || len(r.Broken) > 0 || r.Adopted != 0 || r.Refused != nil || r.Unread != nil || r.Unwritten != nil {
		return "", fmt.Errorf("report: %v", r.Lines())
	}
	found := mark(s)
	shown, err := os.ReadFile(filepath.Join(dir, "config", "local.ini"))
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	if g, _ := s.Current(); string(shown) != string(g.Local) {
		return "", fmt.Errorf("%s in force, local.ini %q", found, shown)
	}
	left, err := os.ReadDir(filepath.Join(dir, "config", "generations"))
	if err != nil || len(left) != len(s.List()) {
		return "", fmt.Errorf("%d generations, on the disk %v, %v", len(s.List()), left, err)
	}
	return found, nil
}
