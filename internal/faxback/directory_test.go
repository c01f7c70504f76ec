package faxback

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"tipring/internal/aaa"
)

// An accept is an Access-Accept under construction.
type accept struct {
	t    *testing.T
	dict *Dictionary
	code aaa.Code
	list aaa.Attributes
}

func accepts(t *testing.T) *accept { return &accept{t, extended(t), aaa.AccessAccept, nil} }
func rejects(t *testing.T) *accept { return &accept{t, extended(t), aaa.AccessReject, nil} }

func (a *accept) user(name string) *accept {
	a.list = append(a.list, aaa.Attribute{Type: aaa.UserName, Value: []byte(name)})
	return a
}

func (a *accept) vsa(name string, value []byte) *accept {
	n, ok := a.dict.Number(name)
	if !ok {
		a.t.Fatalf("%s has no number", name)
	}
	a.list = append(a.list, aaa.VSA(a.dict.Vendor, aaa.SubAttribute{Vendor: a.dict.Vendor, Type: n, Value: value}))
	return a
}

func (a *accept) text(name, value string) *accept { return a.vsa(name, []byte(value)) }
func (a *accept) number(name string, n uint32) *accept {
	return a.vsa(name, binary.BigEndian.AppendUint32(nil, n))
}

func (a *accept) response() aaa.Response {
	return aaa.Response{Code: a.code, Attributes: a.list, Server: "192.0.2.1:1812", Signed: true}
}

// directory answers everything so.
func (a *accept) directory() *Directory {
	return &Directory{Dictionary: a.dict, Asker: server(func(aaa.Request) (aaa.Response, error) { return a.response(), nil })}
}

var send = SendRequest{Account: "a", SessionID: "s", DialNumber: "1", Transfer: Queue}

// Each state of an answer has its own error, and the answer comes with it.
func TestStatesAreToldApart(t *testing.T) {
	ctx := t.Context()
	ask := map[string]func(*Directory) error{
		"login":     func(d *Directory) error { _, err := d.Login(ctx, LoginRequest{Account: "a"}); return err },
		"validate":  func(d *Directory) error { _, err := d.Validate(ctx, ValidateRequest{Account: "a"}); return err },
		"send":      func(d *Directory) error { _, err := d.Send(ctx, send); return err },
		"receive":   func(d *Directory) error { _, err := d.Receive(ctx, ReceiveRequest{"a", "s", "1", Queue}); return err },
		"account":   func(d *Directory) error { _, err := d.Account(ctx, "a"); return err },
		"by DID":    func(d *Directory) error { _, err := d.AccountByDID(ctx, "1", "s"); return err },
		"mail":      func(d *Directory) error { _, err := d.MailOfDID(ctx, "1"); return err },
		"by MAC":    func(d *Directory) error { _, err := d.AccountByMAC(ctx, "00908F1D37F0"); return err },
		"by serial": func(d *Directory) error { _, err := d.AccountBySerial(ctx, "1"); return err },
		"ahead":     func(d *Directory) error { _, err := d.CallAhead(ctx, "1", "s"); return err },
		"sender":    func(d *Directory) error { _, err := d.AccountBySender(ctx, "a@b"); return err },
		"line":      func(d *Directory) error { _, err := d.Line(ctx, "1", "s"); return err },
		"DID":       func(d *Directory) error { _, err := d.DID(ctx, "1"); return err },
		"DIDs":      func(d *Directory) error { _, err := d.DIDs(ctx, "a"); return err },
		"members":   func(d *Directory) error { _, err := d.Members(ctx, "a", "s"); return err },
	}
	down := errors.New("no server answered")
	for name, one := range ask {
		if err := one(rejects(t).directory()); !errors.Is(err, ErrRejected) {
			t.Errorf("%s: a Reject is %v", name, err)
		}
		silent := &Directory{Dictionary: Default(), Asker: server(func(aaa.Request) (aaa.Response, error) { return aaa.Response{}, down })}
		if err := one(silent); !errors.Is(err, down) || errors.Is(err, ErrRejected) {
			t.Errorf("%s: silence is %v", name, err)
		}
		var want error
		if strings.HasPrefix(name, "by ") || name == "mail" || name == "sender" || name == "members" {
			want = ErrEmpty // User-Name is required
		}
		if err := one(accepts(t).directory()); !errors.Is(err, want) {
			t.Errorf("%s: an empty Accept is %v, want %v", name, err, want)
		}
	}
	if len(ask) != 15 {
		t.Errorf("%d pairs", len(ask))
	}
	for _, tt := range []struct {
		ask    string
		answer *accept
		want   error
		text   string
	}{
		{"login", accepts(t).number("FB-Account-Type", 3), ErrUnknownFlag, "FB-Account-Type is 3: a value that is not known; known are [0 1 4 5 8 9 10]"},
		{"login", accepts(t).number("FB-Call-Ahead-Mode", 7), ErrUnknownFlag, "FB-Call-Ahead-Mode is 7"},
		{"login", accepts(t).number("FB-Upload-Logs", 3), ErrUnknownFlag, "FB-Upload-Logs is 3"},
		{"login", accepts(t).text("FB-Account-Login-Group", "A;B"), ErrMalformed, "FB-Account-Login-Group"},
		{"validate", accepts(t).number("FB-Account-Type", 2), ErrUnknownFlag, "FB-Account-Type is 2"},
		{"send", accepts(t).number("FB-Snd-From-Account", 0), ErrDisabled, "Get-Account/Pre-Send-Session at 192.0.2.1:1812: known, but switched off: FB-Snd-From-Account is 0"},
		{"send", accepts(t).number("FB-Snd-From-Account", 2), ErrUnknownFlag, "FB-Snd-From-Account is 2"},
		{"send", accepts(t).number("FB-Call-Ahead-Mode", 7), nil, ""},
		{"receive", accepts(t).number("FB-Rcv-To-Account", 0), ErrDisabled, "FB-Rcv-To-Account is 0"},
		{"account", accepts(t).number("FB-Rcv-Format", 2), ErrUnknownFlag, "FB-Rcv-Format is 2"},
		{"by DID", accepts(t).user("a").number("FB-DID-Enabled", 0), ErrDisabled, "FB-DID-Enabled is 0"},
		{"mail", accepts(t).user("a").number("FB-DID-Enabled", 0), ErrDisabled, "FB-DID-Enabled is 0"},
		{"sender", accepts(t).user("a").number("FB-Snd-From-Account", 0), ErrDisabled, "FB-Snd-From-Account is 0"},
		{"DID", accepts(t).user("a").number("FB-DID-Enabled", 0), ErrDisabled, "FB-DID-Enabled is 0"},
		{"ahead", accepts(t).number("FB-Call-Ahead-Mode", 7), nil, ""},
		// What a lookup of a device is told without having asked is believed.
		{"by MAC", accepts(t).user("a").number("FB-Account-Type", 4), nil, ""},
		{"by MAC", accepts(t).user("a").number("FB-Account-Type", 77), ErrUnknownFlag, "FB-Account-Type is 77"},
		{"by MAC", accepts(t).user("a").number("FB-Snd-From-Account", 0), ErrDisabled, "FB-Snd-From-Account is 0"},
		{"by MAC", accepts(t).user("a").number("FB-Snd-From-Account", 0).number("FB-Rcv-To-Account", 0), ErrDisabled, "FB-Snd-From-Account is 0"},
		{"by MAC", accepts(t).user("a").number("FB-Snd-From-Account", 0).number("FB-Rcv-To-Account", 1), nil, ""},
		{"by MAC", accepts(t).user("a").number("FB-Rcv-To-Account", 0), ErrDisabled, "FB-Rcv-To-Account is 0"},
		{"by serial", accepts(t).number("FB-Account-Type", 77), ErrEmpty, "without User-Name; FB-Account-Type is 77"},
	} {
		err := ask[tt.ask](tt.answer.directory())
		if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %v with %s", tt.ask, err, tt.want, tt.text)
		}
	}
	reason := rejects(t)
	reason.list = aaa.Attributes{{Type: aaa.ReplyMessage, Value: []byte("go away")}}
	if err := ask["login"](reason.directory()); !errors.Is(err, ErrRejected) || !strings.Contains(err.Error(), `rejected: "go away"`) {
		t.Errorf("a Reject with a reason: %v", err)
	}
}

func TestAnswersInFull(t *testing.T) {
	ctx := t.Context()
	u := UUID{1, 2, 3}
	login, err := accepts(t).number("FB-Account-Type", 5).text("FB-Account-Login-Group", "*WEST").number("FB-Call-Ahead-Mode", 2).
		number("FB-Upload-Logs", 1).vsa("FB-Account-UUID", u[:]).text("FB-Rcv-Failover-Account-UUID", u.String()).directory().Login(ctx, LoginRequest{Account: "a"})
	if err != nil || login.Type != QueueShared || login.Group != (ServerGroup{"WEST", true}) || login.CallAhead != 2 ||
		login.UploadLogs != LogsAfterErrors || *login.UUID != u || *login.FailoverUUID != u {
		t.Errorf("login: %+v, %v", login, err)
	}

	permit, err := accepts(t).number("FB-Snd-On-Behalf-Of", 1).number("FB-Call-Ahead-Mode", 0).number("FB-Save-CDR", 0).
		text("FB-CDR-Info", "cost centre 7").text("FB-Snd-ANI", "5551119999").directory().Send(ctx, send)
	if err != nil || !permit.OnBehalfOf || permit.CallAhead || permit.SaveCDR || permit.CDRInfo != "cost centre 7" || permit.ANI != "5551119999" || !permit.Enabled {
		t.Errorf("send: %+v, %v", permit, err)
	}

	group, err := accepts(t).number("FB-Account-Type", 9).number("FB-Last-Modified-Time", 0x4924771C).text("FB-Rcv-Email", "x@y").number("FB-Rcv-Format", 1).directory().Account(ctx, "a")
	if err != nil || !group.Type.Group() || !group.Modified.Equal(time.Date(2008, 11, 19, 20, 29, 16, 0, time.UTC)) || group.Email != "x@y" || group.Format != 1 {
		t.Errorf("account: %+v, %v", group, err)
	}

	did, err := accepts(t).user("a").number("FB-Line-Num", 2).text("FB-Line-Id", "Front desk").text("FB-Snd-ANI", "555").
		text("FB-Queue-Profile", `<QPXml Op=“1” Dn="0"/>`).directory().DID(ctx, "5551")
	if err != nil || did.Number != "5551" || did.Line != 2 || did.Label != "Front desk" || did.ANI != "555" || !did.Profile.Override || did.Profile.Delivered {
		t.Errorf("DID: %+v, %v", did, err)
	}

	members, err := accepts(t).user("m1").user("m2").directory().Members(ctx, "g", "s")
	if err != nil || strings.Join(members, " ") != "m1 m2" {
		t.Errorf("members: %q, %v", members, err)
	}
}

// The manual's trap: no line is an Accept without attributes, and a Reject ends the fax.
func TestNoSuchLineIsAnAnswer(t *testing.T) {
	line, err := accepts(t).directory().Line(t.Context(), "2222", "s")
	if err != nil || line.Found() || !line.Profile.Delivered || line.Line != Unsaid {
		t.Errorf("an empty Accept: %+v, %v", line, err)
	}
	if _, err := rejects(t).directory().Line(t.Context(), "2222", "s"); !errors.Is(err, ErrRejected) {
		t.Errorf("a Reject: %v", err)
	}
}

// Call-ahead fails towards calling.
func TestOnlyAnExplicitZeroSkipsTheCall(t *testing.T) {
	for _, tt := range []struct {
		name string
		d    *Directory
		want bool
	}{
		{"0", accepts(t).number("FB-Call-Ahead-Mode", 0).directory(), false},
		{"1", accepts(t).number("FB-Call-Ahead-Mode", 1).directory(), true},
		{"99", accepts(t).number("FB-Call-Ahead-Mode", 99).directory(), true},
		{"left out", accepts(t).directory(), true},
		{"a Reject", rejects(t).number("FB-Call-Ahead-Mode", 0).directory(), true},
		{"of two octets", accepts(t).vsa("FB-Call-Ahead-Mode", []byte{0, 0}).directory(), true},
		{"silence", &Directory{Dictionary: Default(), Asker: server(func(aaa.Request) (aaa.Response, error) { return aaa.Response{}, errors.New("silence") })}, true},
	} {
		if a, err := tt.d.CallAhead(t.Context(), "5551231234", "s"); a.Wanted() != tt.want {
			t.Errorf("%s: %v, %v", tt.name, a.Wanted(), err)
		}
	}
}

// What an exchange is asked for besides the attributes.
func TestExchangeIsAskedFor(t *testing.T) {
	var asked []aaa.Request
	d := &Directory{Dictionary: Default(), Budget: 3 * time.Second, Asker: server(func(r aaa.Request) (aaa.Response, error) {
		asked = append(asked, r)
		return aaa.Response{Code: aaa.AccessAccept}, nil
	})}
	d.DIDs(t.Context(), "a")
	d.Members(t.Context(), "a", "s")
	for i, repeats := range []string{"", "\x01"} {
		if r := asked[i]; r.Code != aaa.AccessRequest || r.Budget != d.Budget || !bytes.Equal(r.Repeats, []byte(repeats)) {
			t.Errorf("asked %+v", r)
		}
	}
}

func TestServerGroups(t *testing.T) {
	for text, want := range map[string]ServerGroup{"": {"", true}, "*": {"", true}, "WEST": {"WEST", false}, "*west": {"WEST", true}} {
		if got, err := ParseServerGroup(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"**", "A*", "A:B", "A;B", "A,B"} {
		if _, err := ParseServerGroup(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
