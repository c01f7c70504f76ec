package sipmsg

import "strings"

// Names of the header fields that this package reads itself.
const (
	hRequestURI    = "Request-URI" // of the start line
	hVia           = "Via"
	hFrom          = "From"
	hTo            = "To"
	hCallID        = "Call-ID"
	hCSeq          = "CSeq"
	hContact       = "Contact"
	hRoute         = "Route"
	hRecordRoute   = "Record-Route"
	hMaxForwards   = "Max-Forwards"
	hContentLength = "Content-Length"
)

// compact gives the one-letter forms their long names: RFC 3261 section 7.3.3, and
// RFC 3841 (a d j), 3892 (b), 4028 (x), 8224 and 4474 (y n), 6665 (o u), 3515 (r).
func compact(c byte) string {
	switch c | 0x20 {
	case 'a':
		return "Accept-Contact"
	case 'b':
		return "Referred-By"
	case 'c':
		return "Content-Type"
	case 'd':
		return "Request-Disposition"
	case 'e':
		return "Content-Encoding"
	case 'f':
		return hFrom
	case 'i':
		return hCallID
	case 'j':
		return "Reject-Contact"
	case 'k':
		return "Supported"
	case 'l':
		return hContentLength
	case 'm':
		return hContact
	case 'n':
		return "Identity-Info"
	case 'o':
		return "Event"
	case 'r':
		return "Refer-To"
	case 's':
		return "Subject"
	case 't':
		return hTo
	case 'u':
		return "Allow-Events"
	case 'v':
		return hVia
	case 'x':
		return "Session-Expires"
	case 'y':
		return "Identity"
	}
	return ""
}

// longNames are the registered header fields as their documents spell them.
const longNames = `Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events
Answer-Mode Authentication-Info Authorization Call-ID Call-Info Contact Content-Disposition
Content-Encoding Content-ID Content-Language Content-Length Content-Type CSeq Date Diversion
Error-Info Event Expires Feature-Caps Flow-Timer From Geolocation History-Info Identity
Identity-Info In-Reply-To Info-Package Join Max-Breadth Max-Forwards Min-Expires Min-SE
MIME-Version Organization P-Access-Network-Info P-Asserted-Identity P-Associated-URI
P-Called-Party-ID P-Charging-Vector P-Early-Media P-Preferred-Identity Path Priority
Priv-Answer-Mode Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason
Record-Route Recv-Info Refer-Sub Refer-To Referred-By Reject-Contact Remote-Party-ID Replaces
Reply-To Request-Disposition Require Retry-After Route RSeq Security-Client Security-Server
Security-Verify Server Service-Route Session-Expires Session-ID SIP-ETag SIP-If-Match Subject
Subscription-State Supported Target-Dialog Timestamp To Unsupported User-Agent User-to-User
Via Warning WWW-Authenticate`

// byLowerName finds the spelling of a name in any case.
var byLowerName = func() map[string]string {
	names := strings.Fields(longNames)
	m := make(map[string]string, len(names))
	for _, n := range names {
		m[strings.ToLower(n)] = n
	}
	return m
}()

// canonical is the long name in its registered spelling; an unknown name stays as it is.
func canonical(name string) string {
	if len(name) == 1 {
		if long := compact(name[0]); long != "" {
			return long
		}
		return name
	}
	var buf [32]byte
	if len(name) > len(buf) {
		return name
	}
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	if long, ok := byLowerName[string(buf[:len(name)])]; ok {
		return long
	}
	return name
}

// sameName compares header names without regard to case and compact forms.
func sameName(a, b string) bool {
	if len(a) == len(b) {
		return strings.EqualFold(a, b)
	}
	return (len(a) == 1 || len(b) == 1) && canonical(a) == canonical(b)
}

// known reports a method of RFC 3261 or of an extension that this program knows.
func known(method string) bool {
	switch method {
	case INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER,
		SUBSCRIBE, NOTIFY, MESSAGE, "PUBLISH":
		return true
	}
	return false
}

// modelled names the header fields that a Message holds outside its Header.
func modelled(name string) bool {
	switch name {
	case hVia, hFrom, hTo, hCallID, hCSeq, hContact, hRoute, hRecordRoute, hContentLength:
		return true
	}
	return false
}

// single names the header fields whose second value would leave it open which one
// counts, so that two elements could read one message differently.
func single(name string) bool {
	switch name {
	case hFrom, hTo, hCallID, hCSeq, hMaxForwards, hContentLength, "Content-Type", "Expires",
		"Min-Expires", "Event", "Subscription-State", "Session-Expires", "Min-SE", "RSeq",
		"RAck", "Refer-To", "Referred-By", "Replaces", "Retry-After":
		return true
	}
	return false
}
