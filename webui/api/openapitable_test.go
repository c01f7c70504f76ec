package api

import (
	"net/http"

	"tipring/internal/faxback/lookup"
)

// An op says of a route what its Go types do not.
type op struct {
	is      string  // what it does, in a line
	with    []param // besides those of the path
	takes   any     // a struct, or media types with what they are; nil: no body
	upload  bool    // the struct is multipart/form-data
	gives   any     // value of the type that is answered as JSON; nil: media, or nothing
	media   string  // of what is answered otherwise
	code    int     // of the answer; 0: 200, or 204 of nothing
	says    string  // what the answer is
	refuses int     // a status with words of media instead of a problem

	fails map[int]string // problems that mean something here, and what
	dry   any            // what is answered with 200 when nothing was done, as gives
}

type param struct{ name, in, kind, is string }

func (o op) status() int {
	switch {
	case o.code != 0:
		return o.code
	case o.gives == nil && o.media == "":
		return http.StatusNoContent
	}
	return http.StatusOK
}

type (
	id struct {
		ID string `json:"id"`
	}
	resending struct {
		To string `json:"to,omitempty" is:"another number; without it the same"`
	}
	number struct {
		To string `json:"to" is:"the number or address to call"`
	}
	featureChange struct {
		ForwardAll      Text            `json:"forward_all,omitempty" is:"a number; null: off"`
		ForwardBusy     Text            `json:"forward_busy,omitempty" is:"the same"`
		ForwardNoAnswer Text            `json:"forward_no_answer,omitempty" is:"the same"`
		NoAnswerS       int             `json:"no_answer_s,omitempty" is:"1 to 120 s"`
		DND             bool            `json:"dnd,omitempty"`
		HideNumber      bool            `json:"hide_number,omitempty"`
		RejectAnonymous bool            `json:"reject_anonymous,omitempty"`
		CallWaiting     bool            `json:"call_waiting,omitempty"`
		SpeedDials      map[string]Text `json:"speed_dials,omitempty" is:"numbers by a digit; null forgets one"`
	}
	attempt struct {
		Attempt int `json:"attempt"`
	}
	order struct {
		Port int    `json:"port,omitempty" is:"the fax port that sends; or line"`
		Line int    `json:"line,omitempty"`
		To   string `json:"to"`
		File string `json:"file" is:"PDF, TIFF, PNG or JPEG, at most 64 MiB"`
	}
	credentials struct {
		User     string `json:"user"`
		Password string `json:"password"`
	}
	newPassword struct {
		User  string `json:"user,omitempty" is:"on control.sock alone: whose password is set; admin's without it"`
		Claim string `json:"claim,omitempty" is:"of the first password: the claim code"`
		Old   string `json:"old,omitempty"`
		New   string `json:"new"`
	}
	newUser struct {
		Name     string `json:"name"`
		Role     string `json:"role" is:"admin or user"`
		Password string `json:"password"`
	}
	changedUser struct {
		Role     string `json:"role,omitempty"`
		Password string `json:"password,omitempty"`
	}
	newToken struct {
		Name string `json:"name"`
		Role string `json:"role" is:"admin or user"`
	}
	question struct {
		Command string `json:"command" is:"account, call-ahead, dids, did or login"`
		MAC     string `json:"mac,omitempty"`
		Serial  string `json:"serial,omitempty"`
		Number  string `json:"number,omitempty"`
		Account string `json:"account,omitempty"`
	}
	backupPassword struct {
		Password string `json:"password"`
	}
	restoring struct {
		File     string `json:"file" is:"a backup, at most 4 MiB"`
		Password string `json:"password"`
	}
)

var ifMatch = []param{{"If-Match", "header", "string", "the ETag of GET /api/v1/config; else 412"}}

const localText = "the local layer as INI text; ******** keeps the secret that stood there"
const localPatch = "a merge patch (RFC 7396): sections, and in them keys with texts, numbers, true or false; null removes"

var changes = map[string]string{"text/plain": localText, "application/merge-patch+json": localPatch}

// operations describe every route.
var operations = map[string]op{
	"GET /api/v1/status":              {is: "The whole device at a glance.", gives: Status{}},
	"GET /api/v1/lines":               {is: "The lines.", gives: []Line{}},
	"GET /api/v1/lines/{n}":           {is: "One line: where it is registered, and why there.", gives: Line{}},
	"POST /api/v1/lines/{n}/register": {is: "Registers a line now; does not wait for the end.", gives: Line{}, code: 202},
	"GET /api/v1/lines/{n}/ladder":    {is: "The last registrations of a line, message by message.", gives: Ladder{}},
	"GET /api/v1/ports":               {is: "The ports.", gives: []Port{}},
	"GET /api/v1/ports/{n}":           {is: "One port.", gives: Port{}},
	"POST /api/v1/ports/{n}/call": {is: "Calls as if the port went off-hook and dialled.", takes: number{}, gives: struct {
		ID Text `json:"id"`
	}{}, code: 202},
	"POST /api/v1/ports/{n}/dial-plan": {is: "What the dial plan of a port makes of digits.", takes: struct {
		Digits string `json:"digits"`
	}{}, gives: DialResult{}},
	"GET /api/v1/ports/{n}/features":    {is: "What a telephone has set by star codes, or here.", gives: Features{}},
	"PATCH /api/v1/ports/{n}/features":  {is: "Sets what is named, and leaves the rest. It is kept before the answer comes.", takes: featureChange{}, gives: Features{}},
	"GET /api/v1/missed":                {is: "The calls that nobody answered since the list was emptied, newest first.", gives: []MissedCall{}},
	"DELETE /api/v1/missed":             {is: "Empties the list of missed calls."},
	"GET /api/v1/calls":                 {is: "Running calls and the last 20, newest first.", gives: []Call{}},
	"GET /api/v1/calls/{id}":            {is: "One call.", gives: Call{}},
	"DELETE /api/v1/calls/{id}":         {is: "Hangs up."},
	"GET /api/v1/calls/{id}/ladder":     {is: "The SIP messages of a call, and what happened between them.", gives: Ladder{}},
	"GET /api/v1/calls/{id}/trace.pcap": {is: "The packets of a call.", media: "application/vnd.tcpdump.pcap"},
	"GET /api/v1/faxes":                 {is: "The faxes, newest first.", gives: []Fax{}},
	"POST /api/v1/faxes": {is: "Takes a document to be sent.", takes: order{}, upload: true, gives: id{}, code: 202, says: "The document is safe on disk.",
		fails: map[int]string{429: "Two others are coming in: try again after Retry-After.", 507: "There is no room for it."}},
	"GET /api/v1/faxes/{id}":               {is: "One fax.", gives: Fax{}},
	"DELETE /api/v1/faxes/{id}":            {is: "Cancels a fax."},
	"POST /api/v1/faxes/{id}/resend":       {is: "Sends the document of a fax again.", takes: resending{}, gives: id{}, code: 202},
	"POST /api/v1/faxes/{id}/forget":       {is: "Removes a fax that is over, with its document."},
	"GET /api/v1/faxes/{id}/document.tiff": {is: "The pages as TIFF.", media: "image/tiff"},
	"GET /api/v1/faxes/{id}/document.pdf":  {is: "The pages as PDF.", media: "application/pdf"},
	"GET /api/v1/faxes/{id}/pages/{page}":  {is: "One page as a picture: 1.png and so on; of a page on its way the rows that are there.", media: "image/png"},
	"GET /api/v1/call-ahead":               {is: "What is remembered of called numbers, newest first.", gives: []CalledNumber{}},
	"DELETE /api/v1/call-ahead/{number}":   {is: "Forgets a called number."},
	"POST /api/v1/drain": {is: "Refuses new calls and faxes, or takes them again.", takes: struct {
		Resume bool `json:"resume,omitempty"`
	}{}, gives: struct {
		Draining bool `json:"draining"`
	}{}, code: 202},
	"POST /api/v1/restart": {is: "Starts the program anew, once calls and faxes are over, or now.", takes: struct {
		Now bool `json:"now,omitempty"`
	}{}, gives: struct {
		Now bool `json:"now"`
	}{}, code: 202},
	"GET /api/v1/log": {is: "The last lines of the log, oldest first.", gives: []LogLine{}, with: []param{
		{"level", "query", "string", "debug, info, warn or error, and worse"}, {"q", "query", "string", "text in any part of the line"},
		{"since", "query", "string", "a time, RFC 3339"}, {"limit", "query", "integer", "of the newest lines"},
	}},
	"GET /api/v1/messages":         {is: "Mailboxes, and the last texts.", gives: []Message{}},
	"DELETE /api/v1/messages/{id}": {is: "Deletes a text."},
	"GET /api/v1/warnings":         {is: "What is wrong, and what to do about it.", gives: []Warning{}},
	"GET /api/v1/system":           {is: "The machine: time, memory, disk, network.", gives: Machine{}},
	"GET /api/v1/events":           {is: "What changes, as server-sent events: each has the name of a kind of resource, and the resource as its data.", media: "text/event-stream"},
	"GET /api/v1/openapi.json":     {is: "This document.", media: "application/json"},
	"POST /api/v1/provision": {is: "Looks for settings now. With dry_run it waits, changes nothing, and answers 200 with a Proposal.", takes: struct {
		DryRun bool `json:"dry_run,omitempty"`
	}{}, gives: attempt{}, code: 202, dry: Proposal{}},
	"GET /api/v1/config":                 {is: "The local layer, secrets masked; with an ETag.", media: "text/plain"},
	"PUT /api/v1/config":                 {is: "Replaces the local layer, on trial.", with: ifMatch, takes: map[string]string{"text/plain": localText}, gives: Accepted{}, code: 202},
	"PATCH /api/v1/config":               {is: "Changes single settings of the local layer, on trial.", with: ifMatch, takes: map[string]string{"application/merge-patch+json": localPatch}, gives: Accepted{}, code: 202},
	"POST /api/v1/config/check":          {is: "What a text or a patch would change.", takes: changes, gives: Proposal{}},
	"GET /api/v1/config/keys":            {is: "The description of every section and key.", gives: []Section{}},
	"GET /api/v1/config/explain":         {is: "Every effective value, and where it comes from.", gives: []Setting{}},
	"GET /api/v1/config/generations":     {is: "The configurations that are kept, oldest first.", gives: []Generation{}},
	"GET /api/v1/config/generations/{n}": {is: "What going back to a generation would change.", gives: Proposal{}},
	"POST /api/v1/config/rollback": {is: "Goes back to a generation.", takes: struct {
		Generation int `json:"generation,omitempty" is:"without it the newest good one before"`
		From       int `json:"from,omitempty" is:"the one that is taken back; 412 when another is in force"`
	}{}, gives: Accepted{}, code: 202},
	"POST /api/v1/factory-reset":  {is: "Restarts the device, which forgets everything but what was installed."},
	"GET /api/v1/radius":          {is: "The provider's servers, and how they are.", gives: Radius{}},
	"POST /api/v1/radius/lookup":  {is: "Asks the RADIUS servers; an Access-Reject is an answer.", takes: question{}, gives: lookup.Answer{}},
	"GET /api/v1/backup":          {is: "What a backup would hold.", gives: BackupContents{}},
	"POST /api/v1/backup":         {is: "Makes a backup, sealed with a password.", takes: backupPassword{}, media: "application/octet-stream"},
	"GET /api/v1/restore":         {is: "What became of the last restore.", gives: Restored{}},
	"POST /api/v1/restore":        {is: "Restores a backup.", takes: restoring{}, upload: true, gives: Restored{}, code: 202},
	"GET /api/v1/session":         {is: "Who asks.", gives: Session{}},
	"POST /api/v1/session":        {is: "Logs in; the answer sets cookies.", takes: credentials{}, gives: Session{}},
	"DELETE /api/v1/session":      {is: "Logs out."},
	"PUT /api/v1/password":        {is: "Sets the first password, or another one.", takes: newPassword{}},
	"GET /api/v1/users":           {is: "The users.", gives: []Account{}},
	"POST /api/v1/users":          {is: "Adds a user.", takes: newUser{}, gives: Account{}, code: 201},
	"PUT /api/v1/users/{name}":    {is: "Changes the role or the password of a user.", takes: changedUser{}, gives: Account{}},
	"DELETE /api/v1/users/{name}": {is: "Removes a user."},
	"GET /api/v1/tokens":          {is: "The tokens of programs, without their secrets.", gives: []Token{}},
	"POST /api/v1/tokens":         {is: "Makes a token; its secret is in this answer alone.", takes: newToken{}, gives: Token{}, code: 201},
	"DELETE /api/v1/tokens/{id}":  {is: "Removes a token, or has that of the file api-token made anew."},
	"GET /healthz":                {is: "ok while the program works.", media: "text/plain"},
	"GET /readyz":                 {is: "ok while the device does its work, else not.", with: []param{{"verbose", "query", "string", "why not; for users"}}, media: "text/plain", refuses: 503},
	"GET /metrics":                {is: "Metrics as Prometheus reads them.", media: "text/plain"},
}
