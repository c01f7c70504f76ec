package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"tipring/internal/ua/transport"
	"tipring/t38/t30"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/testpage"
	"tipring/tools/lab"
)

// faxesBegin is the step of the first fax, with which all begin.
func (s *story) faxesBegin(ctx context.Context) (string, error) {
	s.faxes.begin(s)
	return s.faxes.relay.await(ctx)
}

// arrives waits for a call that the far end takes, and for the fax in it.
func (s *story) arrives(ctx context.Context, from int) (lab.Fax, error) {
	call, err := s.farCall(ctx, from, lab.FaxUser)
	if err != nil {
		return lab.Fax{}, err
	}
	got, err := call.Fax(ctx)
	switch {
	case err != nil:
		return got, fmt.Errorf("%s is not done with the fax: %w", lab.FaxUser, err)
	case got.Err != nil:
		return got, fmt.Errorf("%s: %w", lab.FaxUser, got.Err)
	case got.Result.Code != t30.OK:
		return got, fmt.Errorf("%s says: %v", lab.FaxUser, got.Result.Code)
	}
	return got, nil
}

// farCall waits for a call of a port's line that the far end takes as a number.
func (s *story) farCall(ctx context.Context, from int, number string) (*lab.FarCall, error) {
	call, err := s.lab.Far.NextOf(ctx, func(c *lab.FarCall) bool {
		return c.Peer == users[from-1].number && c.Number == number
	})
	if err != nil {
		return nil, fmt.Errorf("%s is not called by %s: %w", number, users[from-1].number, err)
	}
	return call, nil
}

// faxOf waits until the agent tells that a fax of a port is over.
func (s *story) faxOf(ctx context.Context, port int, direction, kind, state string) (f faxStatus, err error) {
	err = s.until(ctx, func(ctx context.Context) error {
		all, err := s.agent.faxes(ctx)
		if err != nil {
			return err
		}
		for _, f = range all {
			if f.Port == port && f.Direction == direction && f.Kind == kind {
				if f.State == state {
					return nil
				}
				return fmt.Errorf("the fax of port %d is %s: %s", port, f.State, cmp.Or(f.Error, "no error"))
			}
		}
		return fmt.Errorf("the agent knows of no fax of port %d", port)
	})
	return f, err
}

// faxRelay is a fax in real time, from the machine on a port to the far one.
func (s *story) faxRelay(ctx context.Context) (string, error) {
	file, err := s.draw(drawing{"letter.tiff", testpage.Text, standard, 1})
	if err != nil {
		return "", err
	}
	sent, err := s.phones[relayPort-1].sendFax(ctx, lab.FaxUser, users[relayPort-1].number, file)
	if err != nil {
		return "", err
	}
	got, err := s.arrives(ctx, relayPort)
	if err != nil {
		return "", err
	}
	if err := same(file, got.TIFF); err != nil {
		return "", err
	}
	f, err := s.faxOf(ctx, relayPort, "out", "relay", "sent")
	if err != nil {
		return "", err
	}
	if f.Transport != "t38" {
		return "", fmt.Errorf("it went %s", f.how())
	}
	return fmt.Sprintf("The machine on port %d talked to %s itself: its page went %s in %s from the last digit, and arrived pel for pel.",
		relayPort, lab.FaxUser, f.how(), short(sent.took)), nil
}

// faxDocument is a document that a program hands in.
func (s *story) faxDocument(ctx context.Context) (string, error) {
	file, err := s.draw(drawing{"form.tiff", testpage.Form, fine, 2})
	if err != nil {
		return "", err
	}
	document, err := pdfOf(file)
	if err != nil {
		return "", err
	}
	id, err := s.agent.sendFax(ctx, boxPort, lab.FaxUser, "form.pdf", document)
	if err != nil {
		return "", err
	}
	began := time.Now()
	got, err := s.arrives(ctx, boxPort)
	if err != nil {
		return "", err
	}
	took := time.Since(began)
	if err := sameBelow(file, got.TIFF); err != nil {
		return "", err
	}
	f, err := s.faxOf(ctx, boxPort, "out", "document", "sent")
	if err != nil {
		return "", err
	}
	if f.ID != id {
		return "", fmt.Errorf("fax %s was sent, and not %s", f.ID, id)
	}
	return fmt.Sprintf("A PDF, handed in as tipring fax send does, went %s in %s. Below the line that tells who sent it, the page is as it was.", f.how(), short(took)), nil
}

// faxCallAhead is a fax by way of the store, whose number is called first; and a number where
// there is no fax machine.
func (s *story) faxCallAhead(ctx context.Context) (string, error) {
	file, err := s.draw(drawing{"order.tiff", testpage.Form, standard, 3})
	if err != nil {
		return "", err
	}
	machine := s.phones[storePort-1]
	taken, err := machine.sendFax(ctx, lab.FaxUser, users[storePort-1].number, file)
	if err != nil {
		return "", fmt.Errorf("into the store: %w", err)
	}
	hungUp := time.Now()
	probe, err := s.farCall(ctx, storePort, lab.FaxUser)
	if err != nil {
		return "", err
	}
	select {
	case <-probe.Ended():
	default:
		return "", errors.New("the machine has sent its page, and the call ahead is still up")
	}
	spoken := s.voiceAhead(ctx, machine)
	got, err := s.arrives(ctx, storePort)
	if err == nil {
		err = same(file, got.TIFF)
	}
	delivered := time.Since(hungUp)
	if err := errors.Join(err, <-spoken); err != nil {
		return "", err
	}
	f, err := s.faxOf(ctx, storePort, "out", "machine", "sent")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("The machine on port %d dialled %s; the agent called ahead, heard a fax machine, and took the page, %s in all; it was delivered %s %s later. "+
		"Then somebody at the machine dialled %s by mistake: no fax machine answered the call ahead, and they were put through.",
		storePort, lab.FaxUser, short(taken.took), f.how(), short(delivered), lab.FarUser), nil
}

// voiceAhead has somebody at a fax machine dial a telephone. What becomes of it is told when it
// is over.
func (s *story) voiceAhead(ctx context.Context, machine *phone) <-chan error {
	over := make(chan error, 1)
	s.faxes.work.Go(func() { over <- s.voice(ctx, machine) })
	return over
}

func (s *story) voice(ctx context.Context, machine *phone) error {
	onHook := func(ctx context.Context) error { return s.agent.idle(ctx, storePort) } // less is a flash
	if err := s.until(ctx, onHook); err != nil {
		return err
	}
	machine.lift()
	defer machine.hangUp()
	if err := machine.hear(ctx, dialTone...); err != nil {
		return fmt.Errorf("no dial tone: %w", err)
	}
	if err := machine.dial(ctx, lab.FarUser+"#"); err != nil {
		return err
	}
	call, err := s.farCall(ctx, storePort, lab.FarUser)
	if err != nil {
		return err
	}
	if err := s.echo(ctx, machine, call); err != nil {
		return fmt.Errorf("the call to %s: %w", lab.FarUser, err)
	}
	known, err := s.agent.calledNumber(ctx, lab.FarUser)
	if err == nil && known != "voice_error" {
		err = fmt.Errorf("the agent remembers %s of %s", known, lab.FarUser)
	}
	return err
}

// faxIn is a fax from the far machine to a port without one.
func (s *story) faxIn(ctx context.Context) (string, error) {
	file, err := s.draw(drawing{"offer.tiff", testpage.Text, standard, 4})
	if err != nil {
		return "", err
	}
	d, err := document.Open(ctx, file, pdf.Poppler{})
	if err != nil {
		return "", err
	}
	call, err := s.lab.Far.SendFax(ctx, s.lab.Primary.Addr(transport.UDP), users[boxPort-1].number, d)
	if err != nil {
		return "", errors.Join(err, d.Close())
	}
	sent, err := call.Fax(ctx)
	if err = errors.Join(err, sent.Err, d.Close()); err != nil {
		return "", err
	}
	if sent.Result.Code != t30.OK {
		return "", fmt.Errorf("%s says: %v", lab.FaxUser, sent.Result.Code)
	}
	f, err := s.faxOf(ctx, boxPort, "in", "mailbox", "received")
	if err != nil {
		return "", err
	}
	kept, err := s.agent.faxDocument(ctx, f.ID, "document.tiff")
	if err != nil {
		return "", err
	}
	if err := same(file, kept); err != nil {
		return "", err
	}
	picture, err := s.agent.faxDocument(ctx, f.ID, "pages/1.png")
	if err == nil {
		err = seen(picture)
	}
	return fmt.Sprintf("%s sent a page to %s, where port %d is a mailbox. It came %s; the agent has it as TIFF, pel for pel, as PDF, and as a picture.",
		lab.FaxUser, users[boxPort-1].number, boxPort, f.how()), err
}

// accounts waits until the RADIUS server has an account of each fax.
func (s *story) accounts(ctx context.Context) (string, error) {
	const voice = 2 // FB-Called-Number-Result
	wanted := []struct {
		what string
		is   func(lab.Stop) bool
		n    int
	}{
		{"to " + lab.FaxUser, func(r lab.Stop) bool { return r.Number == lab.FaxUser && r.Send && r.Pages == 1 && r.Stage == 0 }, 3},
		{"from a machine into the store", func(r lab.Stop) bool { return r.Number == lab.FaxUser && r.Pages == 1 && r.Stage == 2 }, 1},
		{"that ended as a voice call", func(r lab.Stop) bool { return r.Number == lab.FarUser && r.Pages == 0 && r.Called == voice }, 1},
		{"that came in", func(r lab.Stop) bool { return r.Number == users[boxPort-1].number && !r.Send && r.Pages == 1 }, 1},
	}
	all := 0
	err := s.until(ctx, func(context.Context) error {
		stops := s.lab.Radius.Stops()
		for _, w := range wanted {
			n := 0
			for _, r := range stops {
				if r.Account == account && w.is(r) {
					n++
				}
			}
			if n != w.n {
				return fmt.Errorf("%d of %d Stop records came of a fax %s: %+v", n, w.n, w.what, stops)
			}
		}
		all = len(stops)
		return nil
	})
	return fmt.Sprintf("The RADIUS server has %d Stop records: each fax, what was taken into the store for it, and that a voice answers at %s.", all, lab.FarUser), err
}
