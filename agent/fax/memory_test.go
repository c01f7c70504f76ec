package fax

import (
	"strconv"
	"sync"
	"testing"
	"time"
)

var epoch = time.Date(2030, 3, 4, 5, 6, 7, 0, time.UTC)

func TestMemory(t *testing.T) {
	var m Memory
	if m.Refuses("600", epoch) {
		t.Error("a destination that was never met refuses")
	}
	m.Refused("+49 (30) 600-1", epoch)
	for _, same := range []string{"+49306001", "49306001", "sip:+49306001@pbx.example;user=phone", "tel:+49-30-6001"} {
		if !m.Refuses(same, epoch.Add(time.Hour)) {
			t.Errorf("%s is not the number that refused", same)
		}
	}
	if m.Refuses("4930600", epoch) {
		t.Error("a shorter number refuses too")
	}
	if m.Refuses("49306001", epoch.Add(24*time.Hour)) {
		t.Error("it refuses a day later")
	}
	m.Refused("600", epoch)
	m.Worked("600")
	if m.Refuses("600", epoch) {
		t.Error("it refuses after it worked")
	}
	m.Refused("", epoch)
	if m.Refuses("", epoch) {
		t.Error("a call without a number is remembered")
	}
	var none *Memory
	none.Refused("600", epoch)
	none.Worked("600")
	if none.Refuses("600", epoch) {
		t.Error("no memory remembers")
	}
}

// Callers that withhold their numbers are many.
func TestNobodyIsRememberedForAll(t *testing.T) {
	var m Memory
	m.Refused("sip:Anonymous@anonymous.invalid", epoch)
	if m.Refuses("anonymous", epoch) || len(m.entries) > 0 {
		t.Error("remembered")
	}
}

// The destinations last met are those that are remembered.
func TestMemoryIsBounded(t *testing.T) {
	var m Memory
	m.Refused("a", epoch)
	m.Refused("b", epoch)
	for n := range memorySize - 2 {
		m.Refused(strconv.Itoa(n), epoch)
	}
	m.Refused("a", epoch) // once more
	m.Refused("c", epoch)
	if !m.Refuses("a", epoch) || !m.Refuses("c", epoch) || m.Refuses("b", epoch) {
		t.Error("not the one that was met longest ago is forgotten")
	}
	if m.order.Len() != memorySize || len(m.entries) != memorySize {
		t.Errorf("%d and %d are remembered", m.order.Len(), len(m.entries))
	}
}

func TestMemoryFromManyGoroutines(t *testing.T) {
	var m Memory
	var wait sync.WaitGroup
	for n := range 4 {
		wait.Go(func() {
			for k := range 1000 {
				number := strconv.Itoa(k % (n + 2))
				m.Refused(number, epoch)
				m.Refuses(number, epoch)
				m.Worked(number)
			}
		})
	}
	wait.Wait()
	if m.order.Len() != len(m.entries) {
		t.Errorf("%d in order, %d by number", m.order.Len(), len(m.entries))
	}
}

func TestNormal(t *testing.T) {
	for number, want := range map[string]string{
		" 600 ": "600", "0 30/600.1": "0306001", "*72#": "*72#", "Bob.Smith": "bob.smith", "sips:Bob@x": "bob", "": "",
	} {
		if got := Normal(number); got != want {
			t.Errorf("%q: got %q, want %q", number, got, want)
		}
	}
}
