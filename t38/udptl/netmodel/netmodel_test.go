package netmodel

import (
	"fmt"
	"slices"
	"testing"
)

// arrivals sends n datagrams, each with its number, every 240 samples (30 ms) and returns
// their numbers and times as they arrive.
func arrivals(p *Path, n int) (numbers []int, times []int64) {
	end := int64(n)*240 + 80000
	for now := int64(0); now <= end; now++ {
		if now%240 == 0 && now/240 < int64(n) {
			p.Send(now, []byte{byte(now / 240 >> 8), byte(now / 240)})
		}
		for {
			b, ok := p.Receive(now)
			if !ok {
				break
			}
			numbers = append(numbers, int(b[0])<<8|int(b[1]))
			times = append(times, now)
		}
	}
	return numbers, times
}

func TestPerfect(t *testing.T) {
	p := NewPath(1, 1, Config{Delay: 800})
	numbers, times := arrivals(p, 100)
	for i := range 100 {
		if numbers[i] != i || times[i] != int64(i)*240+800 {
			t.Fatalf("%d arrived at %d in place of %d", numbers[i], times[i], i)
		}
	}
	if got, want := p.Counters(), (Counters{Sent: 100, Received: 100}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestSameSeedSameCourse(t *testing.T) {
	c := Config{Loss: 0.1, Burst: 2, Duplicate: 0.1, Reorder: 0.1, ReorderBy: 360, Delay: 100, Jitter: 480}
	course := func(seed, stream uint64) string {
		numbers, times := arrivals(NewPath(seed, stream, c), 200)
		return fmt.Sprint(numbers, times)
	}
	first, again := course(7, 1), course(7, 1)
	if first != again {
		t.Error("two courses of one seed")
	}
	if first == course(8, 1) || first == course(7, 2) {
		t.Error("one course of two seeds or streams")
	}
}

// Each chance does what it says, within what chance allows in 20,000 datagrams.
func TestChances(t *testing.T) {
	const n = 20000
	for _, tt := range []struct {
		name                     string
		c                        Config
		lost, doubled, reordered int
	}{
		{"loss of 10 %", Config{Loss: 0.1}, 2000, 0, 0},
		{"bursts of 3, begun by 2 %", Config{Loss: 0.02, Burst: 3}, n * 3 * 20 / 1040, 0, 0},
		{"duplicates of 5 %", Config{Duplicate: 0.05}, 0, 1000, 0},
		{"5 % reordered by 45 ms", Config{Reorder: 0.05, ReorderBy: 360}, 0, 0, 1000},
		{"all lost", Config{Loss: 1}, n, 0, 0},
	} {
		p := NewPath(1, 1, tt.c)
		numbers, _ := arrivals(p, n)
		c := p.Counters()
		if !near(c.Lost, tt.lost) || !near(c.Duplicated, tt.doubled) || !near(c.Reordered, tt.reordered) {
			t.Errorf("%s: %+v", tt.name, c)
		}
		if len(numbers) != n-c.Lost+c.Duplicated || c.Received != len(numbers) {
			t.Errorf("%s: %d arrived: %+v", tt.name, len(numbers), c)
		}
		if sorted := slices.IsSorted(numbers); sorted != (tt.reordered == 0) {
			t.Errorf("%s: in order: %v", tt.name, sorted)
		}
	}
}

func near(got, want int) bool { return got >= want*9/10 && got <= want*11/10 }

func TestBursts(t *testing.T) {
	numbers, _ := arrivals(NewPath(3, 1, Config{Loss: 0.01, Burst: 3}), 2000)
	gaps := 0
	for i := 1; i < len(numbers); i++ {
		if missing := numbers[i] - numbers[i-1] - 1; missing > 0 {
			gaps++
			if missing%3 != 0 {
				t.Errorf("%d lost before %d", missing, numbers[i])
			}
		}
	}
	if gaps == 0 {
		t.Error("nothing lost")
	}
}

func TestJitter(t *testing.T) {
	c := Config{Delay: 800, Jitter: 480}
	numbers, _ := arrivals(NewPath(3, 1, c), 500)
	if slices.IsSorted(numbers) {
		t.Error("60 ms of jitter at 30 ms a datagram swapped none")
	}
	c.InOrder = true
	numbers, times := arrivals(NewPath(3, 1, c), 500)
	if !slices.IsSorted(numbers) {
		t.Error("jitter in order swapped some")
	}
	least, most := int64(1<<40), int64(0)
	for i, at := range times {
		delay := at - int64(numbers[i])*240
		least, most = min(least, delay), max(most, delay)
	}
	if least < 800 || most > 1280 || most-least < 400 {
		t.Errorf("delays from %d to %d samples", least, most)
	}
}

func TestNetwork(t *testing.T) {
	n := New(1, Config{Delay: 100})
	if _, ok := n.Next(); ok {
		t.Error("something is due before anything was sent")
	}
	n.BToA.Send(0, []byte("b"))
	n.AToB.Send(50, []byte("a"))
	if due, ok := n.Next(); !ok || due != 100 {
		t.Errorf("due at %d, %v", due, ok)
	}
	if _, ok := n.BToA.Receive(99); ok {
		t.Error("arrived early")
	}
	if b, ok := n.BToA.Receive(100); !ok || string(b) != "b" {
		t.Errorf("arrived: %s", b)
	}
	if due, ok := n.Next(); !ok || due != 150 {
		t.Errorf("due at %d, %v", due, ok)
	}
}
