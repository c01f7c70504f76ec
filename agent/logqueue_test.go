package agent

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A reader that stopped reading loses lines and is told how many, once it reads again, in
// the place where they are missing.
func TestLogWithoutReaderStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		s := newLogQueue(w)
		log := newLog(s, "text", new(slog.LevelVar))
		s.tellsWith(func(n int) { log.Warn("log lines lost", "lines", n) })
		const total = 5000
		for i := range total { // nobody reads yet
			log.Info("fact", "i", i)
			if i == 0 {
				synctest.Wait() // the writer hangs with it
			}
		}
		var got strings.Builder
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(&got, r)
		}()
		s.flush(time.Minute)
		log.Info("after")
		s.flush(time.Minute)
		w.Close()
		<-read
		lines := strings.Split(strings.TrimSpace(got.String()), "\n")
		kept := len(lines) - 2
		for i, line := range lines {
			want := fmt.Sprintf("level=INFO msg=fact i=%d", i)
			switch i {
			case kept:
				want = fmt.Sprintf("level=WARN msg=\"log lines lost\" lines=%d", total-kept)
			case kept + 1:
				want = "level=INFO msg=after"
			}
			if !strings.HasSuffix(line, want) {
				t.Fatalf("line %d of %d: %s\nwant %s", i, len(lines), line, want)
			}
		}
		if octets := got.Len(); octets < logQueueSize/2 || octets > 2*logQueueSize {
			t.Errorf("%d octets were kept", octets)
		}
	})
}

// The end waits for a log that nobody reads, but not for ever.
func TestFlushIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		s := newLogQueue(w)
		fmt.Fprintln(s, "stopped")
		begun := time.Now()
		s.flush(time.Second)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("flush took %v", took)
		}
		r.Close()
		s.flush(time.Hour)
	})
}
