package transaction

import "tipring/internal/sipmsg"

// Ack builds the ACK of a non-2xx final response to invite as RFC 3261 section
// 17.1.1.3 wants: same Request-URI, Call-ID, From, CSeq number, Route and topmost Via,
// the To of the response. (The ACK of a 2xx is a request of the dialog.)
func Ack(invite, res *sipmsg.Message) *sipmsg.Message {
	ack := sameHop(invite, sipmsg.ACK)
	ack.To = res.To
	return ack
}

// Cancel builds the CANCEL of a request of ours that got a provisional response and no
// final one (RFC 3261 section 9.1). It is sent in a client transaction of its own, on
// the flow of the request; see also Client.Abandon.
func Cancel(req *sipmsg.Message) *sipmsg.Message { return sameHop(req, sipmsg.CANCEL) }

// sameHop is a request that follows req through the same server to the same
// transaction.
func sameHop(req *sipmsg.Message, method string) *sipmsg.Message {
	return &sipmsg.Message{
		Method: method, RequestURI: req.RequestURI,
		Via:  req.Via[:1:1],
		From: req.From, To: req.To,
		CallID: req.CallID, CSeq: sipmsg.CSeq{Seq: req.CSeq.Seq, Method: method},
		Route:  req.Route,
		Header: sipmsg.Header{{Name: "Max-Forwards", Value: "70"}},
	}
}
