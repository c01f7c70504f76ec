package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What calls told of a number, in their order, and whether a fax machine is known there.
func TestMemoryOfCalledNumbers(t *testing.T) {
	for _, tt := range []struct {
		results    string
		fax, known bool
	}{
		{"", false, false},
		{"success", true, true},
		{"fax_error", true, true},
		{"voice_error", false, true},
		{"success voice_error", false, true},
		{"voice_error success", false, true}, // a shared line: it stays
		{"voice_error fax_error success", false, true},
		{"busy", false, false},
		{"success busy no_answer", true, true},
	} {
		m, err := OpenMemory(filepath.Join(t.TempDir(), "called"), MemoryConfig{})
		must(t, err)
		for result := range strings.FieldsSeq(tt.results) {
			m.Called("+49 (30) 123-4", result)
		}
		if fax, known := m.Known("+49301234"); fax != tt.fax || known != tt.known {
			t.Errorf("%q: fax %v, known %v, want %v, %v", tt.results, fax, known, tt.fax, tt.known)
		}
		must(t, m.Close())
	}
}

func TestMemoryIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "called")
		m, err := OpenMemory(name, MemoryConfig{})
		must(t, err)
		m.Called("1", CalledSuccess)
		time.Sleep(29 * time.Second)
		m.Called("2", CalledVoiceError)
		if _, err := os.Stat(name); err == nil {
			t.Error("written before its time")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if data, err := os.ReadFile(name); err != nil || string(data) != "tipring-called 1\n1 fax 946684800\n2 voice 946684829\n" {
			t.Errorf("%q, %v", data, err)
		}
		m.Called("3", CalledFaxError)
		if !m.Forget("2") || m.Forget("4") {
			t.Error("forgotten wrongly")
		}
		must(t, m.Close())
		m, err = OpenMemory(name, MemoryConfig{})
		must(t, err)
		if got := fmt.Sprint(m.List()); got != "[{1 true 2000-01-01 00:00:00 +0000 UTC} {3 true 2000-01-01 00:00:30 +0000 UTC}]" {
			t.Error(got)
		}
		must(t, m.Close())
	})
}

// The number called longest ago makes room.
// What a backup knows is on the disk when Merge returns; what was learned since stays.
func TestMemoryOfABackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "called")
		before := time.Now().Add(-time.Hour).Truncate(time.Second)
		m, err := OpenMemory(name, MemoryConfig{})
		must(t, err)
		m.Called("1", CalledSuccess)
		must(t, m.Merge([]Called{{"1", false, before}, {"+49 30/2", true, before}, {"", true, before}, {strings.Repeat("3", maxNumber+1), true, before}}))
		again, err := OpenMemory(name, MemoryConfig{})
		must(t, err)
		for _, m := range []*Memory{m, again} {
			list := m.List()
			if len(list) != 2 || list[0].Number != "+49302" || !list[0].Since.Equal(before) || !list[0].Fax || list[1].Number != "1" || !list[1].Fax {
				t.Errorf("%+v", list)
			}
		}
		began := time.Now()
		must(t, m.Merge([]Called{{"1", false, time.Now().Add(time.Hour)}}))
		must(t, m.Close())
		if fax, known := m.Known("1"); fax || !known || time.Since(began) != 0 {
			t.Errorf("fax %v, known %v, closed after %v", fax, known, time.Since(began))
		}
		must(t, again.Close())
	})
}

func TestMemoryHasABound(t *testing.T) {
	var c clock
	m, err := OpenMemory(filepath.Join(t.TempDir(), "called"), MemoryConfig{MaxNumbers: 3, Now: c.now})
	must(t, err)
	for _, number := range []string{"1", "2", "3", "1", "4", "", "x", strings.Repeat("1", 41)} {
		m.Called(number, CalledSuccess)
		c.passes(time.Second)
	}
	for number, want := range map[string]bool{"1": true, "2": false, "3": true, "4": true} {
		if _, known := m.Known(number); known != want {
			t.Errorf("%s: known %v", number, known)
		}
	}
	must(t, m.Close())
}

func TestDamagedMemory(t *testing.T) {
	name := filepath.Join(t.TempDir(), "called")
	for _, tt := range []struct {
		file  string
		known int
	}{
		{"", 0}, {"something else\n1 fax 1\n", 0}, {"tipring-called 1\n1 fax 1\n2 fax\nx fax 1\n3 fux 1\n4 voice x\n5 voice 2\n", 2},
	} {
		must(t, os.WriteFile(name, []byte(tt.file), 0o600))
		m, err := OpenMemory(name, MemoryConfig{})
		if !errors.Is(err, ErrBroken) || len(m.List()) != tt.known {
			t.Errorf("%q: %v, %v", tt.file, m.List(), err)
		}
		m.Called("7", CalledSuccess)
		must(t, m.Close())
		m, err = OpenMemory(name, MemoryConfig{})
		must(t, err)
		if len(m.List()) != tt.known+1 {
			t.Errorf("%q: then %v", tt.file, m.List())
		}
		must(t, m.Close())
	}
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte("tipring-called 1\n1 fax 1\n+49 voice 1800000000\n"))
	f.Add([]byte("tipring-called 1\n1 fax -1\n\x00 fax 99999999999999999999\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newModel()
		must(t, create(d, "/called", data))
		m, err := openMemory(d, "/called", MemoryConfig{MaxNumbers: 5})
		if m == nil || len(m.List()) > 5 {
			t.Fatalf("%v", err)
		}
		want := m.List()
		m.save()
		again, err := openMemory(d, "/called", MemoryConfig{MaxNumbers: 5})
		must(t, err)
		if got := again.List(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func TestNormalise(t *testing.T) {
	for number, want := range map[string]string{
		"+49 (30) 123-45/6.7": "+4930123456" + "7", "030\u00a01": "0301", "*72#": "*72#", "1+2": "1", "0301;ext=5": "0301", "": "", "anonymous": "",
		"sip:0301@example.com": "0301", "SIPS:+49301@10.0.0.1:5061": "+49301", "tel:+49-30-1;ext=5": "+49301", "sip:bob@example.com": "", "sip:": "", ":1": "",
	} {
		if got := Normalise(number); got != want {
			t.Errorf("%q: %q, want %q", number, got, want)
		}
	}
}

// The decision as the vendor's documents have it; the device's own memory counts only where
// the provider is silent.
func TestDecide(t *testing.T) {
	m, err := OpenMemory(filepath.Join(t.TempDir(), "called"), MemoryConfig{})
	must(t, err)
	defer m.Close()
	m.Called("1", CalledSuccess)
	m.Called("2", CalledVoiceError)
	mode := func(n int) *int { return &n }
	for _, tt := range []struct {
		mode    string
		account *int
		answer  Answer
		number  string
		ahead   bool
		why     string
	}{
		{"never", mode(ModeAlways), Answer{Said, 1}, "2", false, "call-ahead is off for this port"},
		{"always", mode(ModeNever), Answer{Said, 0}, "1", true, "call-ahead is always on for this port"},
		{"", mode(ModeNever), Answer{Said, 1}, "2", false, "call-ahead is off for this account"},
		{"", mode(ModeAlways), Answer{Said, 0}, "1", true, "call-ahead is always on for this account"},
		{"", mode(ModeDynamic), Answer{Said, 0}, "9", false, "the provider says that no call is needed"},
		{"", mode(7), Answer{Said, 0}, "9", false, "the provider says that no call is needed"},
		{"", nil, Answer{Said, 2}, "1", true, "the provider asks for it"},
		{"dynamic", mode(ModeNever), Answer{Said, 1}, "1", true, "the provider asks for it"},
		{"dynamic", nil, Answer{Said, 0}, "2", false, "the provider says that no call is needed"},
		{"dynamic", nil, Answer{Kind: Rejected}, "1", true, "the provider rejected the question"},
		{"dynamic", nil, Answer{Kind: Absent}, "1", true, "the provider does not say"},
		{"dynamic", nil, Answer{Kind: NoAnswer}, "1", false, "the provider did not answer, and a fax machine answered there before"},
		{"dynamic", nil, Answer{Kind: NoAnswer}, "2", true, "the provider did not answer, and a voice answered there before"},
		{"dynamic", nil, Answer{Kind: NoAnswer}, "9", true, "the provider did not answer, and the number was not called before"},
		{"dynamic", nil, Answer{}, "1", false, "a fax machine answered there before"},
		{"dynamic", nil, Answer{}, "2", true, "a voice answered there before"},
		{"", nil, Answer{}, "9", true, "the number was not called before"},
	} {
		asked := false
		ahead, why := Decide(Question{Mode: tt.mode, Account: tt.account, Memory: m, Number: tt.number, Ask: func() Answer { asked = true; return tt.answer }})
		if ahead != tt.ahead || why != tt.why {
			t.Errorf("%q, answer %+v, number %s: %v, %s; want %v, %s", tt.mode, tt.answer, tt.number, ahead, why, tt.ahead, tt.why)
		}
		if dynamic := tt.mode == "dynamic" || tt.mode == "" && (tt.account == nil || *tt.account != ModeNever && *tt.account != ModeAlways); asked != dynamic {
			t.Errorf("%q: asked %v", tt.mode, asked)
		}
	}
	if ahead, _ := Decide(Question{Number: "1"}); !ahead {
		t.Error("nobody knows, and no call ahead")
	}
}
