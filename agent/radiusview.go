package agent

import (
	"reflect"
	"time"

	"tipring/internal/aaa"
	"tipring/internal/config"
	"tipring/webui/api"
)

// Radius tells how the provider's servers are.
func (d directory) Radius() api.Radius {
	a := d.a
	c := a.config().Radius
	p := a.showProvisioning()
	v := api.Radius{
		Servers:      showServers(c.Servers, radiusPort, a.radius.counts(c)),
		AccountState: p.AccountState, Account: a.names().Account,
		Accounting: api.RadiusAccounting{Servers: showServers(c.AcctServers, accountingPort, a.accounts.counts(c))},
	}
	if j := a.accounts.journal; j != nil {
		v.Accounting.Waiting, v.Accounting.Lost = j.Waiting(), j.Lost()
	}
	return v
}

// counts tells what happened with each server of [radius]; nil: nobody was asked yet.
func (r *radius) counts(c config.Radius) []aaa.Count {
	r.mu.Lock()
	defer r.mu.Unlock()
	return countsOf(r.client, r.made, c)
}

func (k *accounting) counts(c config.Radius) []aaa.Count {
	k.mu.Lock()
	defer k.mu.Unlock()
	return countsOf(k.client, k.made, c)
}

// countsOf passes over a client that is made anew with the next question.
func countsOf(client *aaa.Client, made, now config.Radius) []aaa.Count {
	if client == nil || !reflect.DeepEqual(made, now) {
		return nil
	}
	return client.Counts()
}

// showServers shows the servers of a list, whether or not they were asked yet.
func showServers(servers []config.RadiusServer, udp int, counts []aaa.Count) []api.RadiusServer {
	var list []api.RadiusServer
	for i, s := range servers {
		v := api.RadiusServer{Address: addressOf(s, udp), TLS: s.TLS, Legacy: s.Legacy, State: "unknown"}
		if i < len(counts) {
			showCount(&v, counts[i])
		}
		list = append(list, v)
	}
	return list
}

func showCount(v *api.RadiusServer, n aaa.Count) {
	switch {
	case n.Dead:
		v.State = "dead"
	case !n.Since.IsZero():
		v.State = "alive"
	}
	v.Since, v.Requests, v.Answers, v.Timeouts = api.At(n.Since), int(n.Sent), int(n.Accepted), int(n.Timeouts)
	for _, count := range n.Refused {
		v.Refused += int(count)
	}
	if n.Took > 0 {
		v.LastAnswerMS = api.Number(int(n.Took.Round(time.Millisecond) / time.Millisecond))
	}
}
