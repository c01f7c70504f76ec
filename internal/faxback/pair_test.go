package faxback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/internal/aaa"
)

// asking asks for each pair, in the manual's order, and returns what is wrong.
var asking = []struct {
	pair *pair
	ask  func(context.Context, *Directory) error
}{
	{&pairLogin, func(ctx context.Context, d *Directory) error {
		_, err := d.Login(ctx, LoginRequest{Account: "a"})
		return err
	}},
	{&pairValidate, func(ctx context.Context, d *Directory) error {
		_, err := d.Validate(ctx, ValidateRequest{Account: "a"})
		return err
	}},
	{&pairSend, func(ctx context.Context, d *Directory) error { _, err := d.Send(ctx, send); return err }},
	{&pairReceive, func(ctx context.Context, d *Directory) error {
		_, err := d.Receive(ctx, ReceiveRequest{"a", "s", "1", Queue})
		return err
	}},
	{&pairExternal, func(ctx context.Context, d *Directory) error { _, err := d.Account(ctx, "a"); return err }},
	{&pairDIDReceive, func(ctx context.Context, d *Directory) error { _, err := d.AccountByDID(ctx, "1", "s"); return err }},
	{&pairDIDMail, func(ctx context.Context, d *Directory) error { _, err := d.MailOfDID(ctx, "1"); return err }},
	{&pairMAC, func(ctx context.Context, d *Directory) error {
		_, err := d.AccountByMAC(ctx, "00908F1D37F0")
		return err
	}},
	{&pairSerial, func(ctx context.Context, d *Directory) error { _, err := d.AccountBySerial(ctx, "1"); return err }},
	{&pairCallAhead, func(ctx context.Context, d *Directory) error { _, err := d.CallAhead(ctx, "1", "s"); return err }},
	{&pairSender, func(ctx context.Context, d *Directory) error { _, err := d.AccountBySender(ctx, "a@b"); return err }},
	{&pairLine, func(ctx context.Context, d *Directory) error { _, err := d.Line(ctx, "1", "s"); return err }},
	{&pairDID, func(ctx context.Context, d *Directory) error { _, err := d.DID(ctx, "1"); return err }},
	{&pairDIDs, func(ctx context.Context, d *Directory) error { _, err := d.DIDs(ctx, "a"); return err }},
	{&pairMembers, func(ctx context.Context, d *Directory) error { _, err := d.Members(ctx, "a", "s"); return err }},
}

// acceptsAll is an Accept of a server that has a number for every name.
func acceptsAll(t *testing.T) *accept { return &accept{t, every(t), aaa.AccessAccept, nil} }

// What each pair's Accept may hold: by the built-in dictionary the named ones are listed
// as not numbered; by one that numbers all of FaxBack's names, none is.
func TestPairs(t *testing.T) {
	for i, want := range []string{
		"1/1 FB-Account-Login-Group",
		"1/2",
		"1/3 FB-Snd-On-Behalf-Of FB-Snd-From-Account FB-Snd-Time-Expired FB-Customer FB-Source FB-Save-CDR FB-Snd-TSID FB-Rule-Group",
		"1/4 FB-Rcv-To-Account FB-Rcv-Time-Expired FB-Customer FB-Source FB-Save-CDR FB-Rcv-CSID FB-Rcv-Failover-Account-Id FB-Rcv-Failover-Mode FB-Last-Modified-Time",
		"1/5 FB-Last-Modified-Time FB-Rcv-Format",
		"2/4 FB-DID-Enabled",
		"2/5 FB-DID-Enabled",
		"7/5",
		"6/5",
		"5/3",
		"3/5 FB-Snd-From-Account",
		"8/3",
		"8/5 FB-Line-Num FB-Line-Id",
		"9/5",
		"4/4",
	} {
		p := asking[i].pair
		got := strings.Join(append([]string{fmt.Sprintf("%d/%d", p.command, p.context)}, Default().missing(p.answer)...), " ")
		if got != want {
			t.Errorf("%v: %s, want %s", p, got, want)
		}
		if missing := every(t).missing(p.answer); len(missing) != 0 {
			t.Errorf("%v, with every name numbered: %q", p, missing)
		}
		for _, name := range p.answer {
			if attributeNamed(name) == nil {
				t.Errorf("%v: nothing is known of %s", p, name)
			}
		}
	}
}

// Each text of each Accept is taken up to its bound, and is malformed beyond it; each flag
// has its known values, and every other is told as unknown.
func TestBoundsOfAnswers(t *testing.T) {
	for _, a := range asking {
		answer := func() *accept {
			if a.pair.account || a.pair.repeats {
				return acceptsAll(t).user("a")
			}
			return acceptsAll(t)
		}
		for _, name := range a.pair.answer {
			desc := attributeNamed(name)
			check := func(what string, answer *accept, want error) {
				t.Helper()
				if err := a.ask(t.Context(), answer.directory()); !errors.Is(err, want) || want != nil && !strings.Contains(err.Error(), name) {
					t.Errorf("%v: %s %s: %v, want %v", a.pair, name, what, err, want)
				}
			}
			if desc.max > 0 {
				check("at its bound", answer().long(name, desc.max), nil)
				check("beyond it", answer().long(name, desc.max+1), ErrMalformed)
			}
			if desc.kind.isNumber() {
				check("of three octets", answer().vsa(name, []byte{0, 0, 1}), ErrMalformed)
				check("twice", answer().number(name, 1).number(name, 1), ErrMalformed)
			}
			for _, n := range desc.known {
				want := error(nil)
				if n == 0 && slices.Contains([]string{"FB-Snd-From-Account", "FB-Rcv-To-Account", "FB-DID-Enabled"}, name) {
					want = ErrDisabled
				}
				check(fmt.Sprint("of ", n), answer().number(name, n), want)
			}
			if desc.known != nil {
				want := ErrUnknownFlag
				if name == "FB-Call-Ahead-Mode" && a.pair.context == PreSend {
					want = nil // any value but 0 is a yes there
				}
				check("of 77", answer().number(name, 77), want)
			}
		}
	}
}

// long adds a text of that many octets, in as many parts as it takes.
func (a *accept) long(name string, octets int) *accept {
	for _, part := range split([]byte(strings.Repeat("X", octets))) {
		a.vsa(name, part)
	}
	return a
}

// What is asked before a fax, with everything that a server may say to it.
func TestPermitsInFull(t *testing.T) {
	ctx := t.Context()
	u := UUID{1, 2, 3}
	out, err := acceptsAll(t).number("FB-Snd-On-Behalf-Of", 1).number("FB-Call-Ahead-Mode", 0).number("FB-Snd-From-Account", 1).number("FB-Snd-Time-Expired", 1).
		text("FB-CDR-Info", "cost centre 7").text("FB-Customer", "ACME").text("FB-Source", "portal").number("FB-Save-CDR", 0).text("FB-Snd-ANI", "5551119999").
		text("FB-Snd-TSID", "+1 555 111 9999").text("FB-Rule-Group", "*west").number("FB-Upload-Logs", 2).directory().Send(ctx, send)
	out.Reply = Reply{}
	if want := (SendPermit{
		OnBehalfOf: true, CallAhead: false, Enabled: true, TimeExpired: true, CDRInfo: "cost centre 7", Customer: "ACME", Source: "portal", SaveCDR: false,
		ANI: "5551119999", TSID: "+1 555 111 9999", RuleGroup: ServerGroup{"WEST", true}, UploadLogs: LogsAlways,
	}); err != nil || fmt.Sprintf("%+v", out) != fmt.Sprintf("%+v", want) {
		t.Errorf("send: %+v, %v\nwant %+v", out, err, want)
	}

	in, err := acceptsAll(t).number("FB-Rcv-To-Account", 1).number("FB-Rcv-Time-Expired", 1).text("FB-CDR-Info", "cost centre 7").text("FB-Customer", "ACME").
		text("FB-Source", "portal").number("FB-Save-CDR", 0).text("FB-Rcv-CSID", "+1 555 222").text("FB-Rcv-Failover-Account-Id", "catch-all").
		vsa("FB-Rcv-Failover-Account-UUID", u[:]).number("FB-Rcv-Failover-Mode", 2).number("FB-Last-Modified-Time", 0x4924771C).number("FB-Upload-Logs", 0).
		directory().Receive(ctx, ReceiveRequest{"a", "s", "1", Queue})
	if in.FailoverUUID == nil || *in.FailoverUUID != u {
		t.Errorf("receive: failover account %v", in.FailoverUUID)
	}
	in.Reply, in.FailoverUUID = Reply{}, nil
	if want := (ReceivePermit{
		Enabled: true, TimeExpired: true, CDRInfo: "cost centre 7", Customer: "ACME", Source: "portal", SaveCDR: false, CSID: "+1 555 222", Failover: "catch-all",
		FailoverMode: 2, Modified: time.Date(2008, 11, 19, 20, 29, 16, 0, time.UTC), UploadLogs: LogsNever,
	}); err != nil || fmt.Sprintf("%+v", in) != fmt.Sprintf("%+v", want) {
		t.Errorf("receive: %+v, %v\nwant %+v", in, err, want)
	}

	line, err := acceptsAll(t).user("acct").text("FB-Snd-ANI", "5551119999").text("FB-Queue-Profile", `<QPXml Op="1" Ndn="0"/>`).directory().Line(ctx, "2222", "s")
	if err != nil || !line.Found() || line.Account != "acct" || line.ANI != "5551119999" || !line.Profile.Override || line.Profile.Undelivered {
		t.Errorf("line: %+v, %v", line, err)
	}
	valid, err := acceptsAll(t).number("FB-Account-Type", 4).number("FB-Upload-Logs", 1).directory().Validate(ctx, ValidateRequest{Account: "a"})
	if err != nil || valid.Type != QueuePrivate || valid.UploadLogs != LogsAfterErrors {
		t.Errorf("validate: %+v, %v", valid, err)
	}
}
