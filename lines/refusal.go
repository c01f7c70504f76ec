package lines

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
)

// A refusal is the failure response to a request that cannot be served as it stands.
type refusal struct {
	code  int
	field sipmsg.Field // says what would do, or what is wrong; without a name: nothing
	why   string       // for people
}

func (r *refusal) String() string {
	s := strconv.Itoa(r.code) + " " + sipmsg.Phrase(r.code)
	if r.why != "" {
		s += ": " + r.why
	}
	return s
}

// answer sends it.
func (r *refusal) answer(now time.Time, in *ua.Incoming) {
	res := in.Response(r.code, "")
	if r.field.Name != "" {
		res.Header.Add(r.field.Name, r.field.Value)
	}
	in.RespondWith(now, res)
}

// warned is a refusal of media with its Warning (RFC 3261 sections 20.43, 21.4.26). The name
// of the program stands for that of the host, which is nobody's business. The text quotes what
// was offered, whatever that holds: a control character would make it unfit to be written.
func warned(warning int, why string) *refusal {
	why = printable(why)
	text := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(why)
	return &refusal{488, sipmsg.Field{Name: "Warning", Value: fmt.Sprintf(`%d tipring "%s"`, warning, text)}, why}
}

// reasonLength bounds, in characters, what a refusal quotes of what it refuses.
const reasonLength = 100

// printable is the beginning of a text, with a question mark for all that cannot be shown.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, fmt.Sprintf("%.*s", reasonLength, text))
}

// sdpType is the only kind of session description there is.
const sdpType = "application/sdp"

// bodies are the types of body that a method may have, alone or as a part of several. Those
// that are not listed are judged where they are read, or not read at all.
var bodies = map[string][]string{
	sipmsg.INVITE: {sdpType}, sipmsg.UPDATE: {sdpType}, sipmsg.PRACK: {sdpType}, sipmsg.OPTIONS: {sdpType},
	sipmsg.REFER: {sdpType}, sipmsg.SUBSCRIBE: {sdpType},
	sipmsg.INFO: {"application/dtmf-relay", "application/dtmf"}, sipmsg.MESSAGE: {plainType},
}

// readable looks at the body of a request (RFC 3261 section 8.2.3) and leaves it with the one
// part that is read. A body that cannot be is refused, or forgotten where the sender calls it
// optional (section 20.11). BYE is the exception: whatever it brings, the call is over.
func readable(in *ua.Incoming) *refusal {
	body, r := bodyOf(in.Req)
	switch {
	case r != nil && in.Req.Method != sipmsg.BYE && !optional(in.Req):
		return r
	case r != nil || body == nil:
		in.Req = in.Req.Clone()
		in.Req.SetBody("", nil)
	case body != in.Req:
		in.Req = in.Req.Clone()
		in.Req.SetBody(body.Header.Get("Content-Type"), body.Body)
	}
	return nil
}

// bodyOf finds what a request is to be read for: the request itself where its body is of one
// part, or there is none; nil where nothing in it matters.
func bodyOf(req *sipmsg.Message) (*sipmsg.Message, *refusal) {
	if len(req.Body) == 0 {
		return req, nil
	}
	want, ok := bodies[req.Method]
	if coding := encoding(req); coding == "" && !ok {
		return req, nil
	}
	body, err := bodyReader{want: want}.read(req, 0)
	var unknown *unknownBody
	switch {
	case err == nil:
		return body, nil
	case !errors.As(err, &unknown):
		return nil, &refusal{code: 400, why: printable(err.Error())}
	case unknown.coding != "":
		return nil, &refusal{415, sipmsg.Field{Name: "Accept-Encoding", Value: "identity"}, printable(err.Error())}
	}
	return nil, &refusal{415, sipmsg.Field{Name: "Accept", Value: acceptOf(want...)}, err.Error()}
}

// acceptOf is the Accept of who reads those types of body.
func acceptOf(types ...string) string { return strings.Join(types, ", ") + ", " + multiparts }

// encoding is the Content-Encoding of a body that is not as it is (RFC 3261 section 20.12);
// empty for identity.
func encoding(m *sipmsg.Message) string {
	for _, line := range m.Header.Values("Content-Encoding") {
		for c := range strings.SplitSeq(line, ",") {
			if c = strings.TrimSpace(c); c != "" && !strings.EqualFold(c, "identity") {
				return c
			}
		}
	}
	return ""
}

// offerIn reads the offer of a request; nil when it has none.
func offerIn(req *sipmsg.Message) (*offer.Description, *refusal) {
	if len(req.Body) == 0 {
		return nil, nil
	}
	d, err := offer.Parse(req.Body)
	if err != nil {
		return nil, offerRefusal(err)
	}
	return d, nil
}

// offerRefusal is the response that an offer earns.
func offerRefusal(err error) *refusal {
	var media *offer.Refusal
	switch {
	case errors.As(err, &media):
		return warned(media.Warning, media.Text)
	case errors.Is(err, offer.ErrTooBig):
		return &refusal{code: 413, why: printable(err.Error())}
	case errors.Is(err, offer.ErrPending):
		return &refusal{code: 491, why: err.Error()}
	}
	return &refusal{code: 400, why: printable(err.Error())}
}

// answerIn reads the session description of a response or an ACK; nil without one.
func answerIn(m *sipmsg.Message) (*offer.Description, error) {
	kind, _ := m.ContentType()
	if len(m.Body) == 0 || kind != sdpType && !strings.HasPrefix(kind, "multipart/") {
		return nil, nil
	}
	body, err := bodyReader{want: []string{sdpType}, lax: true}.read(m, 0)
	var unknown *unknownBody
	switch {
	case errors.As(err, &unknown) && unknown.coding == "":
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w: %v", offer.ErrSyntax, err)
	case body == nil || len(body.Body) == 0:
		return nil, nil
	}
	return offer.Parse(body.Body)
}
