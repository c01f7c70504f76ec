package sipmsg

import (
	"reflect"
	"testing"
)

const invite = "INVITE sip:600@pbx.example SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK74bf9;rport\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: \"Ann B\" <sip:ann@pbx.example>;tag=9fxced76sl\r\n" +
	"To: <sip:600@pbx.example>\r\n" +
	"Call-ID: 3848276298220188511@192.0.2.7\r\n" +
	"CSeq: 1 INVITE\r\n" +
	"Contact: <sip:ann@192.0.2.7:5060;transport=udp>\r\n" +
	"k: timer, 100rel\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 5\r\n\r\nv=0\r\n"

func TestParseThenAppendGivesTheSameMessage(t *testing.T) {
	m, err := Parse([]byte(invite))
	if err != nil {
		t.Fatal(err)
	}
	wire, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(wire)
	if err != nil {
		t.Fatalf("%v in\n%s", err, wire)
	}
	m.head, again.head = "", "" // what was not written as we write it
	if !reflect.DeepEqual(m, again) {
		t.Errorf("written and read again:\n%+v\nwant\n%+v", again, m)
	}
}
