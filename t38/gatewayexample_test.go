package t38_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"tipring/t38"
	"tipring/t38/convey"
	"tipring/t38/t30"
)

// A fax machine calls through a gateway, and a T.38 terminal answers. In a program the
// samples are those of a telephone port, and the datagrams go through a UDP socket.
func ExampleGateway() {
	doc, got := slip("coded rows"), new(basket)
	machine, err := t30.New(t30.Config{Calling: true, Source: doc, ECM: true, Ident: "+1 555 0100"})
	if err != nil {
		fmt.Println(err)
		return
	}
	terminal, err := t30.New(t30.Config{Sink: got, ECM: true, Ident: "+1 555 0199"})
	if err != nil {
		fmt.Println(err)
		return
	}
	link := convey.LinkConfig{Control: convey.Adaptive, Image: convey.Adaptive}
	a, g, b := t38.NewMachine(machine, t38.DefaultLevel), t38.NewGateway(link, t38.DefaultLevel), convey.NewStation(terminal, link)
	a.Start()
	b.Start()

	const block = 40 // samples: packets go when they are due, within 5 ms
	var said, heard [block]int16
	for !a.Done() || !b.Done() {
		a.Exchange(heard[:], said[:])
		g.Exchange(said[:], heard[:])
		b.Advance(block)
		for datagram, ok := g.Say(); ok; datagram, ok = g.Say() {
			_ = b.Hear(datagram) // counted: b.Link.Counters
		}
		for datagram, ok := b.Say(); ok; datagram, ok = b.Say() {
			_ = g.Hear(datagram)
		}
	}
	r := terminal.Result()
	fmt.Printf("%v: %d page from %s at %d bit/s: %s\n", r.Code, r.Received, r.Peer.Ident, r.BitRate, bytes.TrimRight(got.Bytes(), "\x00"))
	// Output: all pages confirmed: 1 page from +1 555 0100 at 14400 bit/s: coded rows
}

// slip is a document of one page. A program takes pages.NewSource, which codes rows as the
// call has settled.
type slip string

func (s slip) Page(n int) (t30.Form, bool) { return t30.Form{Resolution: t30.Fine}, n == 0 }

func (s slip) Open(int, t30.Format) (io.Reader, error) { return strings.NewReader(string(s)), nil }

// basket takes a page as it comes. A program takes pages.NewSink, which decodes it.
type basket struct{ bytes.Buffer }

func (b *basket) Open(int, t30.Format) (t30.PageWriter, error) {
	b.Reset()
	return b, nil
}

func (b *basket) Close(bool) (t30.Copy, error) { return t30.Copy{Rows: 1}, nil }
