package format

import (
	"strings"
)

func grandstreamEnabled(v *values) verdict {
	for i := range v.names {
		switch text := v.of(i); {
		case !v.has(i) || text == "1":
		case text == "0":
			return set("0")
		default:
			return set(text)
		}
	}
	return set("1")
}

// A line with P31 = 0 does not register. Here such a line has no register_addr; its
// server is then the outbound proxy and the domain.
func unregistered(v *values, i int) bool { return v.of(i) == "0" }

func grandstreamDomain(v *values) verdict {
	if unregistered(v, 1) {
		return hostOf(v)
	}
	return verdict{}
}

func grandstreamServer(v *values) verdict {
	switch {
	case !v.has(0):
		return verdict{}
	case unregistered(v, 1):
		return set("")
	}
	return serverHost(v, 0)
}

// serverHost and serverPort take apart the i-th item.
func serverHost(v *values, i int) verdict {
	return hostOf(&values{g: v.g, names: v.names[i : i+1]})
}

func serverPort(v *values, i int) verdict {
	return portOf(&values{g: v.g, names: v.names[i : i+1]})
}

func grandstreamProxy(v *values) verdict {
	switch {
	case v.of(0) != "":
		return serverHost(v, 0)
	case unregistered(v, 2):
		return serverHost(v, 1)
	case v.has(0):
		return set("")
	}
	return verdict{}
}

func grandstreamProxyPort(v *values) verdict {
	switch {
	case v.of(0) != "":
		return serverPort(v, 0)
	case unregistered(v, 2):
		return serverPort(v, 1)
	case v.has(0):
		return set("")
	}
	return verdict{}
}

func grandstreamKeepalive(v *values) verdict {
	switch {
	case v.of(0) == "1":
		return set("options")
	case v.of(1) == "2":
		return set("crlf")
	case v.of(0) == "0", v.of(1) == "0", v.of(1) == "1", v.of(1) == "3":
		return set("none")
	}
	return leave("wanted 0 or 1")
}

func grandstreamKeepaliveTime(v *values) verdict {
	if v.of(1) != "1" && v.of(2) == "2" {
		if seconds, found := v.global("P84"); found && seconds != "" {
			return set(seconds)
		}
	}
	if v.of(0) != "" {
		return set(v.of(0))
	}
	return verdict{}
}

func grandstreamSTUN(v *values) verdict {
	switch v.first() {
	case "1":
		if server, found := v.global("P76"); found && server == "" {
			return setBut("0", "the file has no STUN server (P76)")
		}
		return set("1")
	case "0", "2":
		return set("0")
	case "3":
		return setBut("0", "UPnP is not spoken here")
	}
	return leave("wanted 0 to 3")
}

func grandstreamCodecs(v *values) verdict {
	names := make([]string, len(v.names))
	for i := range names {
		names[i] = v.of(i)
	}
	return codecs(names, "0=pcmu 8=pcma 9=g722")
}

func grandstreamDTMF(v *values) verdict {
	const table = "101=rfc4733 102=info 100=inband"
	if v.of(0) == "101" && v.of(1) == "102" && v.of(2) == "100" {
		return set("auto")
	}
	word, ok := lookup(table, v.of(0))
	switch {
	case !ok:
		return leave("wanted 100, 101 or 102")
	case v.of(1) != "" && v.of(1) != v.of(0):
		return setBut(word, "what comes second and third is not kept")
	}
	return set(word)
}

func grandstreamSession(v *values) verdict {
	switch {
	case v.of(0) == "0", v.of(2) != "1":
		return set("0")
	case v.of(1) != "":
		return set(v.of(1))
	}
	return leave("P2395, P260 and P262 have a meaning together only")
}

func grandstreamHotline(v *values) verdict {
	if v.first() == "" {
		return set("0")
	}
	return set("1")
}

// grandstreamFrom takes over that strangers are kept out, not that they are let in: they
// are by default there, and calls from nowhere in the night come of it.
func grandstreamFrom(v *values) verdict {
	switch v.first() {
	case "1":
		return set("servers")
	case "0":
		return leave("not taken over: set accept_from = any where calls from strangers are wanted")
	}
	return leave("wanted 0 or 1")
}

func grandstreamDialPlan(v *values) verdict {
	text := v.of(0)
	switch {
	case !v.has(0):
		return verdict{}
	case text == "":
		return set("")
	}
	rules, err := grandstreamPlan(text)
	if err != nil {
		return leave("%v", err)
	}
	waits := ""
	if seconds := v.of(1); seconds != "" && seconds != "4" {
		waits = wait("S", seconds)
	}
	plan, why, err := compose(rules, nil, waits)
	if err != nil {
		return leave("%v", err)
	}
	return setBut(plan, why)
}

// grandstreamInterdigit is the wait of a port without a dial plan; else it stands in that.
func grandstreamInterdigit(v *values) verdict {
	if !v.has(0) || v.of(1) != "" {
		return verdict{}
	}
	return number(&values{g: v.g, names: v.names[:1]})
}

func grandstreamPort(v *values) verdict {
	if v.of(1) == "1" {
		return set("0")
	}
	if v.of(0) == "" {
		return verdict{}
	}
	return set(v.of(0))
}

func grandstreamURL(v *values) verdict {
	path, protocol := v.of(0), v.of(1)
	if path == "" {
		return leave("no server: the provisioning URL stays as it is")
	}
	if strings.ContainsAny(path, "{}$") {
		return leave("a macro that is not known here")
	}
	scheme, _ := lookup("0=tftp 1=http 2=https", protocol)
	if protocol == "3" || protocol == "4" {
		return leave("FTP is not spoken here: tftp, http and https are")
	}
	return fileURL(scheme, path, v.of(2)+"cfg{mac}.xml"+v.of(3), func(text string) (string, bool) { return text, true })
}

func grandstreamInterval(v *values) verdict {
	switch v.of(0) {
	case "0":
		return set("0")
	case "1":
		return set("86400")
	case "2":
		return set("604800")
	case "3":
		return multiplied(v.of(1), 60)
	}
	return leave("wanted 0 to 3")
}

// grandstreamDisconnect is for how long the loop has no current when the far end has hung up. Which
// number tells it of a second account is not certain.
func grandstreamDisconnect(v *values) verdict {
	switch v.first() {
	case "0":
		return set("0")
	case "1":
		if v.g.named["P892"].name == "P892" {
			if ms, _ := v.global("P856"); ms != "" {
				return set(ms)
			}
		}
		return leave("for how long is not told")
	}
	return leave("wanted 0 or 1")
}
