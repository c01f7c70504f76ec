package metrics

import (
	"math"
	"sync"
	"testing"
)

func TestText(t *testing.T) {
	var s Set
	retransmissions := s.Counters("tipring_sip_retransmissions_total", "Requests sent again.", "line", "method")
	retransmissions.With("2", "INVITE").Add(3)
	retransmissions.With("10", "BYE").Inc()
	retransmissions.With("2", "BYE")
	s.Gauges("tipring_rtp_jitter_seconds", "Interarrival jitter\n(RFC 3550).", "line").With("2").Set(0.0043)
	delay := s.Histograms("tipring_setup_seconds", `Post-dial delay, \ all.`, []float64{0.1, 1}, "line").With("1")
	for _, v := range []float64{0.05, 0.1, 0.5, 7} {
		delay.Observe(v)
	}
	s.Counters("tipring_unused_total", "No series yet.", "line")
	s.Collect("gauge", "tipring_build_info", "The program.", []string{"version"}, func(emit func(float64, ...string)) {
		emit(1, "a\"b\\c\nd\xff")
	})
	up := s.Gauges("tipring_up", "Plain.").With()
	up.Set(math.Inf(-1))

	const want = `# HELP tipring_build_info The program.
# TYPE tipring_build_info gauge
tipring_build_info{version="a\"b\\c\nd�"} 1
# HELP tipring_rtp_jitter_seconds Interarrival jitter\n(RFC 3550).
# TYPE tipring_rtp_jitter_seconds gauge
tipring_rtp_jitter_seconds{line="2"} 0.0043
# HELP tipring_setup_seconds Post-dial delay, \\ all.
# TYPE tipring_setup_seconds histogram
tipring_setup_seconds_bucket{line="1",le="0.1"} 2
tipring_setup_seconds_bucket{line="1",le="1"} 3
tipring_setup_seconds_bucket{line="1",le="+Inf"} 4
tipring_setup_seconds_sum{line="1"} 7.65
tipring_setup_seconds_count{line="1"} 4
# HELP tipring_sip_retransmissions_total Requests sent again.
# TYPE tipring_sip_retransmissions_total counter
tipring_sip_retransmissions_total{line="10",method="BYE"} 1
tipring_sip_retransmissions_total{line="2",method="BYE"} 0
tipring_sip_retransmissions_total{line="2",method="INVITE"} 3
# HELP tipring_up Plain.
# TYPE tipring_up gauge
tipring_up -Inf
`
	if got := string(s.AppendText(nil)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	s.Forget("line", "2")
	if got := retransmissions.With("10", "BYE").Value(); got != 1 {
		t.Errorf("line 10 counts %d", got)
	}
	if got := retransmissions.With("2", "INVITE").Value(); got != 0 {
		t.Errorf("line 2, forgotten, counts %d", got)
	}
}

func TestCountingFromManyGoroutines(t *testing.T) {
	var s Set
	c := s.Counters("c_total", "C.", "line")
	g := s.Gauges("g", "G.").With()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				c.With("1").Inc()
				g.Add(0.5)
			}
			s.AppendText(nil)
		})
	}
	all.Wait()
	if c.With("1").Value() != 8000 || g.Value() != 4000 {
		t.Errorf("counter %d, gauge %v", c.With("1").Value(), g.Value())
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	var s Set
	c := s.Counters("c_total", "C.", "line").With("1")
	h := s.Histograms("h_seconds", "H.", []float64{0.1, 1, 10}, "line").With("1")
	if n := testing.AllocsPerRun(100, func() { c.Inc(); h.Observe(0.5) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkInc(b *testing.B) {
	var s Set
	c := s.Counters("c_total", "C.", "line").With("1")
	b.ReportAllocs()
	for b.Loop() {
		c.Inc()
	}
}
