package agent

import (
	"maps"
	"slices"

	"tipring/internal/aaa"
	"tipring/internal/ua/transport"
	"tipring/provisioning"
)

// protos label what is counted by transport.
var protos = []transport.Proto{transport.UDP, transport.TCP, transport.TLS}

// setMetrics adds the counters of the SIP side. They begin again with a change of [sip].
func (a *Agent) setMetrics() {
	layer := func() *transport.Counters {
		if l := a.sip.Load().layer.Load(); l != nil {
			return l.Counters()
		}
		return new(transport.Counters)
	}
	a.metrics.Collect("counter", "tipring_sip_messages_total", "SIP messages.", []string{"direction", "transport"},
		func(emit func(float64, ...string)) {
			c := layer()
			for _, p := range protos {
				emit(float64(c.Received[p].Load()), "in", p.String())
				emit(float64(c.Sent[p].Load()), "out", p.String())
			}
		})
	a.metrics.Collect("counter", "tipring_sip_dropped_total", "What was dropped without an answer.", []string{"reason"},
		func(emit func(float64, ...string)) {
			c, s := layer(), &a.sip.Load().stack.Counts
			emit(float64(c.DroppedSource.Load()+s.ForeignRequests.Load()), "foreign")
			emit(float64(c.DroppedTooLong.Load()), "too_long")
			emit(float64(c.DroppedInbound.Load()), "too_many_connections")
			emit(float64(c.DroppedQueue.Load()), "queue_full")
			emit(float64(c.DroppedSTUN.Load()), "stun")
			emit(float64(s.Malformed.Load()), "malformed")
			emit(float64(s.StrayResponses.Load()), "stray_response")
			emit(float64(s.OverloadDropped.Load()), "too_many_requests")
			emit(float64(s.Unread.Load()), "unread")
		})
	a.metrics.Collect("counter", "tipring_sip_overload_refused_total", "INVITEs answered 503 because a line had too many in hand.", nil,
		func(emit func(float64, ...string)) { emit(float64(a.sip.Load().stack.Counts.OverloadRefused.Load())) })
	a.metrics.Collect("counter", "tipring_sip_icmp_errors_total", "ICMP errors that came back.", nil,
		func(emit func(float64, ...string)) { emit(float64(layer().ICMPErrors.Load())) })
	a.metrics.Collect("gauge", "tipring_rtp_ports_in_use", "Pairs of RTP ports that calls hold.", nil,
		func(emit func(float64, ...string)) { emit(float64(a.rtp.Load().InUse())) })
	a.metrics.Collect("counter", "tipring_rtp_packets_total", "Media packets of telephone calls that have ended.", []string{"kind"}, a.calls.packetTotals)
	a.metrics.Collect("counter", "tipring_syslog_lost_total", "Messages that found no room while the syslog server was out of reach.", nil,
		func(emit func(float64, ...string)) { emit(float64(a.syslog.Lost())) })
	a.setProvisioningMetrics()
	a.setRadiusMetrics()
	a.setFaxMetrics()
}

func (a *Agent) setFaxMetrics() {
	a.metrics.Collect("gauge", "tipring_faxes", "Faxes that are kept, by state.", []string{"state"},
		func(emit func(float64, ...string)) {
			count := map[string]int{}
			for _, f := range (faxes{a}).Faxes() {
				count[f.State]++
			}
			for _, state := range slices.Sorted(maps.Keys(count)) {
				emit(float64(count[state]), state)
			}
		})
	a.metrics.Collect("gauge", "tipring_accounting_waiting", "Accounting records that no server has acknowledged.", nil,
		func(emit func(float64, ...string)) {
			if j := a.accounts.journal; j != nil {
				emit(float64(j.Waiting()))
			}
		})
	a.metrics.Collect("counter", "tipring_accounting_lost_total", "Accounting records that could not be kept.", nil,
		func(emit func(float64, ...string)) {
			if j := a.accounts.journal; j != nil {
				emit(float64(j.Lost()))
			}
		})
}

func (a *Agent) setProvisioningMetrics() {
	a.metrics.Collect("counter", "tipring_provisioning_looks_total", "Looks for settings, by how they ended.", []string{"result"},
		func(emit func(float64, ...string)) {
			for _, r := range provisioning.LookResults() {
				emit(float64(a.keeper.Looks(r)), r.String())
			}
		})
	a.metrics.Collect("counter", "tipring_provisioning_rollbacks_total", "Generations that were found bad.", nil,
		func(emit func(float64, ...string)) { emit(float64(a.keeper.RolledBack())) })
	a.metrics.Collect("gauge", "tipring_config_generation", "The generation that runs; 0 for none.", nil,
		func(emit func(float64, ...string)) { emit(float64(a.keeper.Status().Generation)) })
}

func (a *Agent) setRadiusMetrics() {
	each := func(value func(aaa.Count) int64) func(func(float64, ...string)) {
		return func(emit func(float64, ...string)) {
			for _, c := range a.radiusCounts() {
				emit(float64(value(c)), c.Server)
			}
		}
	}
	server := []string{"server"}
	a.metrics.Collect("counter", "tipring_radius_requests_total", "Requests.", server, each(func(c aaa.Count) int64 { return c.Sent }))
	a.metrics.Collect("counter", "tipring_radius_retransmissions_total", "Further transmissions of them.", server, each(func(c aaa.Count) int64 { return c.Retransmitted }))
	a.metrics.Collect("counter", "tipring_radius_answers_total", "Answers that were believed.", server, each(func(c aaa.Count) int64 { return c.Accepted }))
	a.metrics.Collect("counter", "tipring_radius_timeouts_total", "Requests without one.", server, each(func(c aaa.Count) int64 { return c.Timeouts }))
	a.metrics.Collect("counter", "tipring_radius_refused_total", "Answers that were not believed.", []string{"server", "reason"},
		func(emit func(float64, ...string)) {
			for _, c := range a.radiusCounts() {
				for _, r := range aaa.Refusals() {
					emit(float64(c.Refused[r]), c.Server, r.String())
				}
			}
		})
}
