package api

import (
	"net/http"
	"strconv"
	"time"

	"tipring/internal/metrics"
)

func (a *API) getMetrics(w http.ResponseWriter, r *http.Request) {
	text := snapshotMetrics(a.device.Status(), a.device.Calls(), time.Now()).AppendText(nil)
	if a.metrics != nil {
		text = a.metrics.AppendText(text)
	}
	w.Header().Set("Content-Type", metrics.ContentType)
	w.WriteHeader(http.StatusOK)
	w.Write(text)
}

// snapshotMetrics makes metrics of what the device tells about itself, so that no
// package has to count it a second time.
func snapshotMetrics(status Status, calls []Call, now time.Time) *metrics.Set {
	var s metrics.Set
	s.Gauges("tipring_build_info", "Always 1; the version is in the label.", "version").With(status.Version).Set(1)
	s.Gauges("tipring_uptime_seconds", "Time since the agent started.").With().Set(float64(status.UptimeS))
	s.Gauges("tipring_draining", "1 while new calls and faxes are refused.").With().Set(oneIf(status.Draining))

	registered := s.Gauges("tipring_line_registered", "1 while the line is registered at this server.", "line", "server")
	state := s.Gauges("tipring_line_state", "1 for the state that the line is in.", "line", "state")
	since := s.Gauges("tipring_line_state_seconds", "How long the line has been where it is.", "line")
	failovers := s.Counters("tipring_line_failovers_total", "Moves to the backup server.", "line")
	failbacks := s.Counters("tipring_line_failbacks_total", "Moves back to the primary server.", "line")
	running := s.Gauges("tipring_line_calls", "Running calls of the line.", "line")
	for _, l := range status.Lines {
		n := strconv.Itoa(l.Line)
		for _, server := range []string{"primary", "backup"} {
			registered.With(n, server).Set(oneIf(l.State == "registered" && l.Server == server))
		}
		for _, name := range []string{"disabled", "registering", "registered", "failed"} {
			state.With(n, name).Set(oneIf(l.State == name))
		}
		if !l.Since.IsZero() {
			since.With(n).Set(max(0, now.Sub(l.Since.Time).Truncate(time.Millisecond).Seconds()))
		}
		failovers.With(n).Add(int64(l.Failovers))
		failbacks.With(n).Add(int64(l.Failbacks))
		running.With(n).Set(float64(l.Calls))
	}

	card := s.Gauges("tipring_port_card", "1 while a line card is connected.", "port")
	hook := s.Gauges("tipring_port_off_hook", "1 while the port is off-hook.", "port")
	for _, p := range status.Ports {
		n := strconv.Itoa(p.Port)
		card.With(n).Set(oneIf(p.Card))
		hook.With(n).Set(oneIf(p.Hook == "off"))
	}

	byState := s.Gauges("tipring_calls", "Running calls.", "state")
	for _, name := range []string{"calling", "proceeding", "ringing", "connected", "held"} {
		count := 0
		for _, c := range calls {
			if c.State == name {
				count++
			}
		}
		byState.With(name).Set(float64(count))
	}
	return &s
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
