package offer

import (
	"strconv"
	"strings"
)

// Limits of what a peer may say, and the values of what it leaves out or says in a way that
// has no meaning.
const (
	lastVersion    = 3
	defaultBitRate = 14400 // V.17's, the fastest there was when the clause was written
	leastBitRate   = 2400
	mostBitRate    = 33600
	mostOctets     = 1 << 20 // of MaxBuffer
	mostDatagram   = 65507   // octets of a UDP payload over IPv4
)

// readT38 reads the attributes of an m=image line (ITU-T T.38 clause D.2.3). What is unknown
// (T38VendorInfo, what vendors invent) is passed over, and nothing is an error: a peer that
// means T.38 gets a fax that both sides can do.
func readT38(m *Media) T38 {
	version, _ := m.number(lastVersion, "T38FaxVersion")
	rate, ok := m.number(mostBitRate, "T38MaxBitRate")
	if !ok || rate < leastBitRate {
		rate = defaultBitRate
	}
	buffer, _ := m.number(mostOctets, "T38FaxMaxBuffer")
	datagram, _ := m.number(mostDatagram, "T38FaxMaxDatagram", "T38MaxDatagram")
	management, _ := m.image("T38FaxRateManagement")
	return T38{
		Version: version, MaxBitRate: rate,
		FillBitRemoval: m.claims("T38FaxFillBitRemoval"),
		MMR:            m.claims("T38FaxTranscodingMMR"),
		JBIG:           m.claims("T38FaxTranscodingJBIG"),
		LocalTCF:       strings.EqualFold(management, "localTCF"),
		MaxBuffer:      buffer, MaxDatagram: datagram,
		EC: m.errorCorrection(),
	}
}

// image is the first word of an attribute's value. Some write a blank for the colon.
func (m *Media) image(names ...string) (value string, ok bool) {
	for _, a := range m.Attributes {
		name, rest := cutField(a.Name)
		for _, n := range names {
			if !strings.EqualFold(name, n) {
				continue
			}
			if !a.HasValue {
				value, _ = cutField(rest)
			} else {
				value, _ = cutField(a.Value)
			}
			return value, true
		}
	}
	return "", false
}

// number reads an attribute that counts something, up to most; ok is false where it is absent,
// negative or no number.
func (m *Media) number(most int, names ...string) (n int, ok bool) {
	value, _ := m.image(names...)
	for _, c := range []byte(strings.TrimPrefix(value, "+")) {
		if c < '0' || c > '9' {
			break // a unit, or a separator
		}
		n, ok = min(n*10+int(c-'0'), most), true
	}
	return n, ok
}

// claims reads an attribute that says yes by being there (RFC 4566 section 5.13), and no by a
// value of 0 where it is written as in an example of the Recommendation's first edition.
func (m *Media) claims(name string) bool {
	value, ok := m.image(name)
	switch strings.ToLower(value) {
	case "0", "false", "no", "off":
		return false
	}
	return ok
}

// correctionNames are the values of T38FaxUdpEC, by ErrorCorrection. The clause has no word for
// none; this is the one that is used.
var correctionNames = [...]string{NoCorrection: "t38UDPNoEC", Redundancy: "t38UDPRedundancy", FEC: "t38UDPFEC"}

// errorCorrection is the first value of T38FaxUdpEC that is known. Who says nothing, or something
// else, has redundancy: it is part of every UDPTL packet (clause 9.1.4.1), which had it before the
// attribute was thought of, and a receiver that makes no use of it passes over it.
func (m *Media) errorCorrection() ErrorCorrection {
	for _, a := range m.Attributes {
		one := Media{Attributes: Attributes{a}}
		value, ok := one.image("T38FaxUdpEC")
		for ec, name := range correctionNames {
			if ok && strings.EqualFold(value, name) {
				return ErrorCorrection(ec)
			}
		}
	}
	return Redundancy
}

// write appends the attributes that say what t says, in the order of the clause.
func (t *T38) write(as *Attributes) {
	as.Add("T38FaxVersion", strconv.Itoa(t.Version))
	as.Add("T38MaxBitRate", strconv.Itoa(t.MaxBitRate))
	flags := []struct {
		name string
		on   bool
	}{{"T38FaxFillBitRemoval", t.FillBitRemoval}, {"T38FaxTranscodingMMR", t.MMR}, {"T38FaxTranscodingJBIG", t.JBIG}}
	for _, f := range flags {
		if f.on {
			as.AddFlag(f.name)
		}
	}
	management := "transferredTCF"
	if t.LocalTCF {
		management = "localTCF"
	}
	as.Add("T38FaxRateManagement", management)
	if t.MaxBuffer > 0 {
		as.Add("T38FaxMaxBuffer", strconv.Itoa(t.MaxBuffer))
	}
	if t.MaxDatagram > 0 {
		as.Add("T38FaxMaxDatagram", strconv.Itoa(t.MaxDatagram))
	}
	if t.EC != NoCorrection {
		as.Add("T38FaxUdpEC", correctionNames[t.EC])
	}
}

// both is what this side says to a peer that said theirs: of the features those that both
// have, of what each side declares for itself its own.
func (t *T38) both(theirs *T38) T38 {
	answer := *t
	answer.Version = min(t.Version, theirs.Version)
	answer.MaxBitRate = min(t.MaxBitRate, theirs.MaxBitRate)
	answer.FillBitRemoval = t.FillBitRemoval && theirs.FillBitRemoval
	answer.MMR = t.MMR && theirs.MMR
	answer.JBIG = t.JBIG && theirs.JBIG
	answer.LocalTCF = t.LocalTCF && theirs.LocalTCF
	if t.EC != NoCorrection {
		answer.EC = theirs.EC // whatever it is, a receiver can tell it from the packets
	}
	return answer
}
