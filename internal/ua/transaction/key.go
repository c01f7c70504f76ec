package transaction

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"tipring/internal/sipmsg"
)

// cookie begins every branch made by RFC 3261 (section 8.1.1.7), which alone makes a
// branch name a transaction.
const cookie = "z9hG4bK"

// NewBranch makes the branch of a new transaction, unique and not to be guessed.
func NewBranch() string {
	var b [10]byte
	rand.Read(b[:]) // never fails
	return cookie + hex.EncodeToString(b[:])
}

// An ID names a transaction. It is comparable: a map key.
type ID struct {
	branch, sentBy, method string
}

// Key names the client transaction of a request of ours or of a response to it: RFC
// 3261 section 17.1.3, topmost branch and CSeq method.
func Key(m *sipmsg.Message) ID {
	return ID{branch: strings.ToLower(m.Branch()), method: m.CSeq.Method}
}

// ServerKey names the server transaction of a request received: RFC 3261 section
// 17.2.3, topmost branch, sent-by and method, where an ACK belongs to its INVITE.
// Requests of RFC 2543, without the magic cookie, are named by Request-URI, From tag,
// Call-ID, CSeq number and topmost Via instead; Server.Receive compares the To tag.
func ServerKey(req *sipmsg.Message) ID {
	method := req.Method
	if method == sipmsg.ACK {
		method = sipmsg.INVITE
	}
	return serverKey(req, method)
}

// CancelledKey names the server transaction that a CANCEL is for: RFC 3261 section
// 9.2, the key the CANCEL would have were it the INVITE.
func CancelledKey(cancel *sipmsg.Message) ID { return serverKey(cancel, sipmsg.INVITE) }

func serverKey(req *sipmsg.Message, method string) ID {
	if hasCookie(req) {
		return ID{branch: strings.ToLower(req.Branch()), sentBy: strings.ToLower(req.Via[0].SentBy()), method: method}
	}
	var via string
	if len(req.Via) > 0 {
		via = req.Via[0].String()
	}
	// No value can hold a line feed, so the parts cannot run into each other.
	return ID{
		branch: strings.Join([]string{
			req.RequestURI.String(), req.From.Tag(), req.CallID, strconv.FormatUint(uint64(req.CSeq.Seq), 10), via,
		}, "\n"),
		method: method,
	}
}

func hasCookie(req *sipmsg.Message) bool {
	b := req.Branch()
	return len(b) > len(cookie) && strings.EqualFold(b[:len(cookie)], cookie)
}
