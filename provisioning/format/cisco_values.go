package format

import (
	"strconv"
	"strings"
)

//go:noinline
func yes(text string) bool { return strings.EqualFold(text, "yes") }

//go:noinline
func no(text string) bool { return strings.EqualFold(text, "no") }

func ciscoAuth(v *values) verdict {
	if no(v.of(1)) {
		if v.of(0) != "" {
			return setBut("", "Use_Auth_ID is no")
		}
		return set("")
	}
	return set(v.of(0))
}

// A line with Register = no has no register_addr here; its Proxy is then the outbound
// proxy and the domain. Proxy is both, too, where another server registers.
func ciscoDomain(v *values) verdict {
	if v.of(0) != "" && (no(v.of(2)) || v.of(1) != "") {
		return serverHost(v, 0)
	}
	return verdict{}
}

func ciscoServer(v *values) verdict {
	switch {
	case !v.has(0) && !v.has(1):
		return verdict{}
	case no(v.of(2)):
		return set("")
	case v.of(0) != "":
		return serverHost(v, 0)
	}
	return serverHost(v, 1)
}

func ciscoServerPort(v *values) verdict {
	switch {
	case !v.has(0) && !v.has(1):
		return verdict{}
	case v.of(0) != "":
		return serverPort(v, 0)
	}
	return serverPort(v, 1)
}

func ciscoBackup(v *values) verdict {
	switch {
	case !v.has(0):
		return verdict{}
	case no(v.of(1)):
		return set("")
	}
	return serverHost(v, 0)
}

func ciscoFallback(v *values) verdict {
	if v.first() == "0" {
		return verdict{}
	}
	return number(v)
}

func ciscoFailback(v *values) verdict {
	switch v.first() {
	case "":
		return verdict{}
	case "0":
		return set("0")
	}
	return set("1")
}

// ciscoNext is the place in a rule's items of the next hop: the outbound proxy, or the
// proxy where it is not the registrar; -1: none.
func ciscoNext(v *values) int {
	switch {
	case v.of(0) != "" && !no(v.of(1)):
		return 0
	case v.of(2) != "" && (no(v.of(4)) || v.of(3) != ""):
		return 2
	}
	return -1
}

func ciscoProxy(v *values) verdict {
	if i := ciscoNext(v); i >= 0 {
		return serverHost(v, i)
	}
	switch {
	case v.of(0) != "":
		return setBut("", "Use_Outbound_Proxy is no")
	case v.has(0), no(v.of(1)):
		return set("")
	}
	return verdict{}
}

func ciscoProxyPort(v *values) verdict {
	if i := ciscoNext(v); i >= 0 {
		return serverPort(v, i)
	}
	if v.has(0) || no(v.of(1)) {
		return set("")
	}
	return verdict{}
}

func ciscoKeepaliveTime(v *values) verdict {
	seconds, found := v.global("NAT_Keep_Alive_Intvl")
	if !found || seconds == "" || !yes(v.first()) {
		return verdict{}
	}
	return set(seconds)
}

// ciscoPtime and ciscoDisconnect are of the device's items: each of its lines gets them.
func ciscoPtime(v *values) verdict {
	size, found := v.global("RTP_Packet_Size")
	if !found || size == "" {
		return verdict{}
	}
	d := seconds(size)
	if word, ok := lookup("10=10 20=20 30=30 40=40", d.value); ok {
		return set(word)
	}
	return leave("RTP_Packet_Size is %s: wanted 0.010, 0.020, 0.030 or 0.040", size)
}

func ciscoDisconnect(v *values) verdict {
	duration, found := v.global("CPC_Duration")
	if !found || duration == "" {
		return verdict{}
	}
	d := seconds(duration)
	if !d.set {
		d.why = "CPC_Duration: " + d.why
	}
	return d
}

func ciscoSTUN(v *values) verdict {
	enabled, found := v.global("STUN_Enable")
	server, _ := v.global("STUN_Server")
	switch {
	case !found || no(enabled) || no(v.first()):
		return set("0")
	case server == "":
		return setBut("0", "the file has no STUN_Server")
	case yes(v.first()):
		return set("1")
	}
	return leave("wanted yes or no")
}

func ciscoCodecs(v *values) verdict {
	const table = "G711u=pcmu G711a=pcma G722=g722"
	var names []string
	for i := range 3 {
		if name := v.of(i); !strings.EqualFold(name, "Unspecified") {
			names = append(names, name)
		}
	}
	d := codecs(names, table)
	if yes(v.of(3)) {
		return d
	}
	if !d.set { // none of the preferred ones: then the others
		if d.why == "empty" {
			return verdict{}
		}
		return setBut("pcmu,pcma,g722", d.why)
	}
	for _, word := range []string{"pcmu", "pcma", "g722"} {
		if !contains(strings.Split(d.value, ","), word) {
			d.value += "," + word
		}
	}
	return d
}

func ciscoMailbox(v *values) verdict {
	if v.first() == "" {
		return set("0")
	}
	return setBut("1", "the address is that of the line")
}

// ciscoFrom is to Cisco what grandstreamFrom is to Grandstream.
func ciscoFrom(v *values) verdict {
	switch {
	case yes(v.first()):
		return set("servers")
	case no(v.first()):
		return leave("not taken over: set accept_from = any where calls from strangers are wanted")
	}
	return leave("wanted yes or no")
}

func ciscoDialPlan(v *values) verdict {
	text := v.of(0)
	if text == "" {
		if v.of(1) != "" {
			return leave("an emergency number stands in a dial plan here: E:%s", v.of(1))
		}
		if v.has(0) {
			return set("")
		}
		return verdict{}
	}
	plan, err := readCiscoPlan(text)
	if err != nil {
		return leave("%v", err)
	}
	if len(plan.rules) == 0 { // a hotline and nothing else
		return set("")
	}
	emergency, bad := emergencyNumbers(v.of(1))
	waits := plan.waits
	for _, timer := range [][2]string{{"S", "Interdigit_Short_Timer"}, {"L", "Interdigit_Long_Timer"}} {
		if seconds, _ := v.global(timer[1]); !strings.Contains(waits, timer[0]) {
			waits += wait(timer[0], seconds)
		}
	}
	ours, why, err := compose(plan.rules, emergency, waits)
	switch {
	case err != nil:
		return leave("%v", err)
	case bad:
		why = joinWhy(why, "Emergency_Number has something else than digits")
	}
	if plan.comma {
		why = joinWhy(why, "a second dial tone is not played")
	}
	return setBut(ours, why)
}

func joinWhy(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// emergencyNumbers are those of a list that is separated by commas.
func emergencyNumbers(text string) (numbers []string, bad bool) {
	for number := range strings.SplitSeq(text, ",") {
		number = strings.TrimSpace(number)
		switch {
		case number == "":
		case strings.Trim(number, "0123456789*#") != "" || len(number) > 20:
			bad = true
		case !contains(numbers, number):
			numbers = append(numbers, number)
		}
	}
	return numbers, bad
}

func ciscoHotline(v *values) verdict {
	plan, err := readCiscoPlan(v.first())
	switch {
	case err != nil:
		return verdict{} // told with dial_plan
	case plan.hotline == "":
		return set("0")
	}
	return set("1")
}

func ciscoHotlineNumber(v *values) verdict {
	if plan, err := readCiscoPlan(v.first()); err == nil && plan.hotline != "" {
		return set(plan.hotline)
	}
	return verdict{}
}

func ciscoHotlineDelay(v *values) verdict {
	if plan, err := readCiscoPlan(v.first()); err == nil && plan.hotline != "" {
		return set(plan.delay)
	}
	return verdict{}
}

func ciscoDetect(v *values) verdict {
	switch strings.ToLower(v.first()) {
	case "caller or callee":
		return set("detector")
	case "caller only":
		return set("caller")
	case "callee only":
		return set("callee")
	}
	return leave("wanted caller or callee, caller only or callee only")
}

// ciscoURL takes a rule that is a URL and nothing else. [--uid --pwd --key] and
// conditions in front of it have no counterpart.
func ciscoURL(v *values) verdict {
	text := v.first()
	switch {
	case text == "":
		return leave("empty: the provisioning URL stays as it is")
	case !strings.Contains(text, "://") || strings.ContainsAny(text, "[](){}| "):
		return leave("only a whole URL without options and conditions is taken over")
	}
	scheme, rest, _ := strings.Cut(text, "://")
	server, name, _ := strings.Cut(rest, "/")
	return fileURL("", scheme+"://"+server, name, ciscoMacros)
}

func ciscoMacros(text string) (string, bool) {
	for _, m := range [][2]string{{"$MAU", "{MAC}"}, {"$PSN", "{model}"}, {"$PN", "{model}"}, {"$SN", "{serial}"}, {"$SWVER", "{version}"}} {
		text = strings.ReplaceAll(text, m[0], m[1])
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "$MAC", "$"), "$MA", "{mac}"), true
}

func ciscoInterval(v *values) verdict {
	switch {
	case no(v.of(1)):
		return leave("Provision_Enable is no: the interval stays as it is")
	case v.of(0) == "":
		return verdict{}
	}
	if _, err := strconv.Atoi(v.of(0)); err != nil {
		return leave("wanted seconds")
	}
	return set(v.of(0))
}
