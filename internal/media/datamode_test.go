package media

import "testing"

// In data mode a lost packet is 20 ms of silence: what a concealer makes up would be bits.
func TestDataModeMakesNothingUp(t *testing.T) {
	for _, data := range []bool{false, true} {
		b := newBench(t, Config{}, ulaw20)
		b.DataMode(data)
		b.talk(peers, 1, 1, 100)
		before := b.count().ConcealedMS
		heard := b.talk(peers, 1, 102, 20) // number 101 is lost
		made := b.count().ConcealedMS - before
		if silent := len(heard) - loud(heard); data && (silent != 160 || made != 0) || !data && (made != 20) {
			t.Errorf("data mode %v: %d samples silent, %.0f ms made up", data, silent, made)
		}
	}
}

// The delay grows to that of data mode within a tone, without a gap in it, and stays there.
func TestDataModeHoldsTheDelay(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.talk(peers, 1, 1, 100)
	if d := b.count().DelayMS; d > 60 {
		t.Fatalf("voice has a delay of %.0f ms", d)
	}
	b.DataMode(true)
	heard := b.talk(peers, 1, 101, 50)
	if silent := len(heard) - loud(heard); silent > 0 {
		t.Errorf("%d samples of silence while the delay grows", silent)
	}
	if d := b.count().DelayMS; d < dataDelayMS-3 || d > dataDelayMS+3 {
		t.Errorf("a second later the delay is %.1f ms, want %d", d, dataDelayMS)
	}
	// Packets that would be too early for voice change nothing.
	b.talk(peers, 1, 151, 500)
	if d := b.count().DelayMS; d < dataDelayMS-3 || d > dataDelayMS+3 {
		t.Errorf("10 s later the delay is %.1f ms, want %d", d, dataDelayMS)
	}
	if err := b.Update(ulaw20.to(peers)); err != nil || !b.Data() {
		t.Errorf("data mode ends with a negotiation: %v", err)
	}
	b.DataMode(false)
	b.talk(peers, 1, 651, 1000)
	if d := b.count().DelayMS; d > 60 {
		t.Errorf("voice after the fax has a delay of %.0f ms", d)
	}
}

func TestDataModeEndsEvents(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	b.StartEvent(5)
	b.run(100, nil)
	b.DataMode(true)
	b.run(20, nil)
	if b.SendingEvent() {
		t.Error("a key is still being sent")
	}
}
