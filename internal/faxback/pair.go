package faxback

import (
	"fmt"
	"slices"
)

// A Command is what is asked; a Context is why.
type (
	Command uint32
	Context uint32
)

// The commands, by the manual's table.
const (
	GetAccount                Command = 1
	GetAccountFromDID         Command = 2
	GetAccountFromSenderEmail Command = 3
	GetGroupMembers           Command = 4
	GetCallAheadMode          Command = 5
	GetAccountFromSerial      Command = 6
	GetAccountFromMAC         Command = 7
	GetDID                    Command = 8
	GetDIDsForAccount         Command = 9
)

// The contexts.
const (
	AccountLogin      Context = 1
	AccountValidate   Context = 2
	PreSend           Context = 3
	PreReceive        Context = 4
	ForExternalModule Context = 5
)

var commandNames = map[Command]string{
	GetAccount: "Get-Account", GetAccountFromDID: "Get-Account-From-DID",
	GetAccountFromSenderEmail: "Get-Account-From-Sender-Email-Address",
	GetGroupMembers:           "Get-Load-Balance-Group-Members", GetCallAheadMode: "Get-Call-Ahead-Mode",
	GetAccountFromSerial: "Get-Account-From-Serial-Number", GetAccountFromMAC: "Get-Account-From-MAC-Address",
	GetDID: "Get-DID", GetDIDsForAccount: "Get-DIDs-For-Account",
}

var contextNames = map[Context]string{
	AccountLogin: "Account-Login", AccountValidate: "Account-Validate", PreSend: "Pre-Send-Session",
	PreReceive: "Pre-Receive-Session", ForExternalModule: "For-External-Module",
}

// String is the command's name in the manual.
func (c Command) String() string { return name(commandNames[c], "command", uint32(c)) }

// String is the context's name in the manual.
func (c Context) String() string { return name(contextNames[c], "context", uint32(c)) }

func name(known, what string, n uint32) string {
	if known == "" {
		return fmt.Sprintf("%s %d", what, n)
	}
	return known
}

// A pair is a command in a context with what its Accept may hold.
type pair struct {
	command Command
	context Context
	account bool     // the Accept must name an account in User-Name
	repeats bool     // User-Name comes once for each member
	answer  []string // FaxBack's attributes that are understood in the Accept
}

// String is command and context as the manual writes them.
func (p *pair) String() string { return p.command.String() + "/" + p.context.String() }

// has reports whether an attribute of the Accept means something. Others do no harm,
// whatever is wrong with them (manual, page 9).
func (p *pair) has(name string) bool {
	return name == userName.name || slices.Contains(p.answer, name)
}

// The fifteen pairs, in the order of the manual's pages 10 to 30.
var (
	pairLogin = pair{command: GetAccount, context: AccountLogin, answer: []string{"FB-Account-Type", "FB-Account-Login-Group",
		"FB-Call-Ahead-Mode", "FB-Upload-Logs", "FB-Account-UUID", "FB-Rcv-Failover-Account-UUID"}}
	pairValidate = pair{command: GetAccount, context: AccountValidate, answer: []string{"FB-Account-Type", "FB-Upload-Logs"}}
	pairSend     = pair{command: GetAccount, context: PreSend, answer: []string{"FB-Snd-On-Behalf-Of", "FB-Call-Ahead-Mode",
		"FB-Snd-From-Account", "FB-Snd-Time-Expired", "FB-CDR-Info", "FB-Customer", "FB-Source", "FB-Save-CDR", "FB-Snd-ANI",
		"FB-Snd-TSID", "FB-Rule-Group", "FB-Upload-Logs"}}
	pairReceive = pair{command: GetAccount, context: PreReceive, answer: []string{"FB-Rcv-To-Account", "FB-Rcv-Time-Expired",
		"FB-CDR-Info", "FB-Customer", "FB-Source", "FB-Save-CDR", "FB-Rcv-CSID", "FB-Rcv-Failover-Account-Id",
		"FB-Rcv-Failover-Account-UUID", "FB-Rcv-Failover-Mode", "FB-Last-Modified-Time", "FB-Upload-Logs"}}
	pairExternal = pair{command: GetAccount, context: ForExternalModule, answer: []string{"FB-Account-Type",
		"FB-Last-Modified-Time", "FB-Rcv-Email", "FB-Rcv-Format", "FB-Upload-Logs"}}
	pairDIDReceive = pair{command: GetAccountFromDID, context: PreReceive, account: true, answer: []string{"FB-DID-Enabled"}}
	pairDIDMail    = pair{command: GetAccountFromDID, context: ForExternalModule, account: true,
		answer: []string{"FB-Rcv-Email", "FB-DID-Enabled"}}
	pairMAC = pair{command: GetAccountFromMAC, context: ForExternalModule, account: true,
		answer: []string{"FB-Provisioning-Arg", "FB-Queue-Profile"}}
	pairSerial = pair{command: GetAccountFromSerial, context: ForExternalModule, account: true,
		answer: []string{"FB-Provisioning-Arg", "FB-Queue-Profile"}}
	pairCallAhead = pair{command: GetCallAheadMode, context: PreSend, answer: []string{"FB-Call-Ahead-Mode"}}
	pairSender    = pair{command: GetAccountFromSenderEmail, context: ForExternalModule, account: true,
		answer: []string{"FB-Snd-From-Account"}}
	pairLine = pair{command: GetDID, context: PreSend, answer: []string{"FB-Queue-Profile", "FB-Snd-ANI"}}
	pairDID  = pair{command: GetDID, context: ForExternalModule,
		answer: []string{"FB-Queue-Profile", "FB-Snd-ANI", "FB-Line-Num", "FB-Line-Id"}}
	pairDIDs    = pair{command: GetDIDsForAccount, context: ForExternalModule, answer: []string{"FB-DID"}}
	pairMembers = pair{command: GetGroupMembers, context: PreReceive, repeats: true}
)
