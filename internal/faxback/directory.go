package faxback

import (
	"context"
	"fmt"
	"math"
)

// Login asks whether an account may log in.
func (d *Directory) Login(ctx context.Context, r LoginRequest) (Login, error) {
	reply, err := d.Ask(ctx, r)
	a := Login{Reply: reply, CallAhead: 1, UploadLogs: LogsUnsaid, Group: ServerGroup{Default: true}}
	if err != nil {
		return a, err
	}
	in := reading{reply: &reply}
	a.Type = AccountType(in.flag("FB-Account-Type"))
	a.Group = in.group("FB-Account-Login-Group")
	a.CallAhead = in.flag("FB-Call-Ahead-Mode")
	a.UploadLogs = in.logs()
	a.UUID, a.FailoverUUID = in.uuid("FB-Account-UUID"), in.uuid("FB-Rcv-Failover-Account-UUID")
	return a, in.err()
}

// Validate asks whether an account's password still holds.
func (d *Directory) Validate(ctx context.Context, r ValidateRequest) (Validation, error) {
	reply, err := d.Ask(ctx, r)
	a := Validation{Reply: reply, UploadLogs: LogsUnsaid}
	if err != nil {
		return a, err
	}
	in := reading{reply: &reply}
	a.Type, a.UploadLogs = AccountType(in.flag("FB-Account-Type")), in.logs()
	return a, in.err()
}

// Send asks whether an account may send a fax. FB-Snd-From-Account explicitly 0 is
// ErrDisabled.
func (d *Directory) Send(ctx context.Context, r SendRequest) (SendPermit, error) {
	reply, err := d.Ask(ctx, r)
	a := SendPermit{Reply: reply, CallAhead: true, SaveCDR: true, UploadLogs: LogsUnsaid, RuleGroup: ServerGroup{Default: true}}
	if err != nil {
		return a, err
	}
	in := reading{reply: &reply}
	a.OnBehalfOf = in.flag("FB-Snd-On-Behalf-Of") != 0
	if mode, ok := reply.number("FB-Call-Ahead-Mode"); ok {
		a.CallAhead = mode != 0 // here any other value just means yes
	}
	a.Enabled = in.enabled("FB-Snd-From-Account")
	a.TimeExpired = in.flag("FB-Snd-Time-Expired") != 0
	a.CDRInfo, a.Customer, a.Source = reply.text("FB-CDR-Info"), reply.text("FB-Customer"), reply.text("FB-Source")
	a.SaveCDR = in.flag("FB-Save-CDR") != 0
	a.ANI, a.TSID = reply.text("FB-Snd-ANI"), reply.text("FB-Snd-TSID")
	a.RuleGroup = in.group("FB-Rule-Group")
	a.UploadLogs = in.logs()
	return a, in.err()
}

// Receive asks whether an account may receive a fax. FB-Rcv-To-Account explicitly 0 is
// ErrDisabled.
func (d *Directory) Receive(ctx context.Context, r ReceiveRequest) (ReceivePermit, error) {
	reply, err := d.Ask(ctx, r)
	a := ReceivePermit{Reply: reply, SaveCDR: true, UploadLogs: LogsUnsaid}
	if err != nil {
		return a, err
	}
	in := reading{reply: &reply}
	a.Enabled = in.enabled("FB-Rcv-To-Account")
	a.TimeExpired = in.flag("FB-Rcv-Time-Expired") != 0
	a.CDRInfo, a.Customer, a.Source = reply.text("FB-CDR-Info"), reply.text("FB-Customer"), reply.text("FB-Source")
	a.SaveCDR = in.flag("FB-Save-CDR") != 0
	a.CSID = reply.text("FB-Rcv-CSID")
	a.Failover, a.FailoverUUID = reply.text("FB-Rcv-Failover-Account-Id"), in.uuid("FB-Rcv-Failover-Account-UUID")
	a.FailoverMode = in.flag("FB-Rcv-Failover-Mode")
	a.Modified = in.time("FB-Last-Modified-Time")
	a.UploadLogs = in.logs()
	return a, in.err()
}

// Account asks what is known of an account.
func (d *Directory) Account(ctx context.Context, account string) (ExternalAccount, error) {
	reply, err := d.Ask(ctx, AccountRequest{account})
	a := ExternalAccount{Reply: reply, UploadLogs: LogsUnsaid}
	if err != nil {
		return a, err
	}
	in := reading{reply: &reply}
	a.Type = AccountType(in.flag("FB-Account-Type"))
	a.Modified, a.Email = in.time("FB-Last-Modified-Time"), reply.text("FB-Rcv-Email")
	a.Format = int(in.flag("FB-Rcv-Format"))
	a.UploadLogs = in.logs()
	return a, in.err()
}

// AccountByDID asks whose number was called. FB-DID-Enabled explicitly 0 is ErrDisabled.
func (d *Directory) AccountByDID(ctx context.Context, did, session string) (DIDAccount, error) {
	return d.didAccount(d.Ask(ctx, DIDAccountRequest{did, session}))
}

// MailOfDID asks whose number it is and where its faxes go by mail.
func (d *Directory) MailOfDID(ctx context.Context, did string) (DIDAccount, error) {
	return d.didAccount(d.Ask(ctx, DIDMailRequest{did}))
}

func (d *Directory) didAccount(reply Reply, err error) (DIDAccount, error) {
	a := DIDAccount{Reply: reply}
	if err != nil {
		return a, err
	}
	in := reading{reply: &reply}
	a.Account, a.Email = in.account(), reply.text("FB-Rcv-Email")
	a.Enabled = in.enabled("FB-DID-Enabled")
	return a, in.err()
}

// AccountByMAC asks for the account of a device.
func (d *Directory) AccountByMAC(ctx context.Context, mac string) (Account, error) {
	return d.device(d.Ask(ctx, MACRequest{mac}))
}

// AccountBySerial asks for the account of a device.
func (d *Directory) AccountBySerial(ctx context.Context, serial string) (Account, error) {
	return d.device(d.Ask(ctx, SerialRequest{serial}))
}

func (d *Directory) device(reply Reply, err error) (Account, error) {
	a := Account{Reply: reply, Profile: emptyProfile}
	if err != nil {
		return a, err
	}
	in := reading{reply: &reply}
	a.Name, a.Argument = in.account(), reply.text("FB-Provisioning-Arg")
	a.Profile = ParseQueueProfile(reply.text("FB-Queue-Profile"))
	in.unasked()
	return a, in.err()
}

// unasked looks at flags that this pair's Accept need not hold. A server that sends one
// all the same is believed: an account that may neither send nor receive is switched off,
// and so is one of which it says only the one.
func (r *reading) unasked() {
	send, sent := r.reply.number("FB-Snd-From-Account")
	receive, received := r.reply.number("FB-Rcv-To-Account")
	switch {
	case sent && send == 0 && (!received || receive == 0):
		r.enabled("FB-Snd-From-Account")
	case received && receive == 0 && !sent:
		r.enabled("FB-Rcv-To-Account")
	}
	r.enabled("FB-DID-Enabled")
	r.flag("FB-Account-Type")
}

// CallAhead asks whether a number is called before a fax for it is taken. With an error,
// a Reject among them, the answer still says what holds: the number is called.
func (d *Directory) CallAhead(ctx context.Context, number, session string) (CallAhead, error) {
	reply, err := d.Ask(ctx, CallAheadRequest{number, session})
	a := CallAhead{Reply: reply}
	if err == nil {
		a.Mode, a.Said = reply.number("FB-Call-Ahead-Mode")
	}
	return a, err
}

// AccountBySender asks for the account of a mail's sender. FB-Snd-From-Account explicitly
// 0 is ErrDisabled.
func (d *Directory) AccountBySender(ctx context.Context, address string) (Sender, error) {
	reply, err := d.Ask(ctx, SenderRequest{address})
	a := Sender{Reply: reply}
	if err != nil {
		return a, err
	}
	in := reading{reply: &reply}
	a.Account, a.Enabled = in.account(), in.enabled("FB-Snd-From-Account")
	return a, in.err()
}

// Line asks what the line that presents a number sends with. That nothing is known of it
// is no error; a Reject ends the fax session.
func (d *Directory) Line(ctx context.Context, ani, session string) (DID, error) {
	return d.did(ani)(d.Ask(ctx, LineRequest{ani, session}))
}

// DID asks which line is a number's. That nothing is known of it is no error: see
// DID.Found.
func (d *Directory) DID(ctx context.Context, number string) (DID, error) {
	return d.did(number)(d.Ask(ctx, DIDRequest{number}))
}

func (d *Directory) did(number string) func(Reply, error) (DID, error) {
	return func(reply Reply, err error) (DID, error) {
		a := DID{Reply: reply, Number: number, Profile: emptyProfile, Line: Unsaid}
		if err != nil {
			return a, err
		}
		in := reading{reply: &reply}
		a.Account, a.ANI, a.Label = reply.text(userName.name), reply.text("FB-Snd-ANI"), reply.text("FB-Line-Id")
		a.Profile = ParseQueueProfile(reply.text("FB-Queue-Profile"))
		if n, ok := reply.number("FB-Line-Num"); ok {
			a.Line = int(min(n, math.MaxInt32))
		}
		in.enabled("FB-DID-Enabled")
		return a, in.err()
	}
}

// DIDs asks for an account's numbers, in the order of the answer. That there is none is
// no error.
func (d *Directory) DIDs(ctx context.Context, account string) ([]string, error) {
	reply, err := d.Ask(ctx, DIDsRequest{account})
	if err != nil {
		return nil, err
	}
	return reply.DIDs(), nil
}

// DIDs are the numbers that an answer to a DIDsRequest holds.
func (r *Reply) DIDs() []string { return r.all("FB-DID") }

// Members asks for the accounts of a load-balance group. The manual does not show the
// answer; a User-Name for each member is assumed.
func (d *Directory) Members(ctx context.Context, group, session string) ([]string, error) {
	reply, err := d.Ask(ctx, MembersRequest{group, session})
	if err != nil {
		return nil, err
	}
	members := reply.all(userName.name)
	if len(members) == 0 {
		return nil, fmt.Errorf("%v: %w: without User-Name", &pairMembers, ErrEmpty)
	}
	return members, nil
}
