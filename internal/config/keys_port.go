package config

// Groups of [portN] and [fax] keys.
const (
	groupPort     = "Connection"
	groupDialling = "Dialling"
	groupPhone    = "Telephone"
	groupCalls    = "Calls of the telephone"
	groupPortFax  = "Fax of this port"
	groupT38      = "T.38"
	groupModem    = "Modems and detection"
	groupSpool    = "Store and forward"
)

var portKeys = []Key{
	{
		Name: "kind", Label: "Kind", Group: groupPort, Default: "phone", Kind: Enum, Words: "phone fax", Labels: "Telephone|Fax machine",
		Help:  "What is connected.",
		field: func(s any) any { return &s.(*Port).Kind },
	},
	{
		Name: "line", Label: "Line", Group: groupPort, Default: "1", Kind: Int, Min: 1, Max: MaxNumber,
		Help:  "SIP line of its outgoing calls and of the calls that ring here.",
		field: func(s any) any { return &s.(*Port).Line },
	},
	{
		Name: "driver", Label: "Driver", Group: groupPort, Default: "unix:/run/tipring/port{N}.sock", Scope: FromDevice, Kind: driver,
		Help:   "Where the line card connects: unix:/path, or tcp:127.0.0.1:7001 with driver_token. sim: a simulated telephone. none: a fax port without a machine, a mailbox.",
		Wanted: "unix:/path, tcp:ADDRESS:PORT, sim or none",
		field:  func(s any) any { return &s.(*Port).Driver },
	},
	{
		Name: "driver_token", Label: "Driver token", Group: groupPort, Kind: Text, Secret: true,
		Help:  "What a line card on tcp must say to be believed.",
		field: func(s any) any { return &s.(*Port).DriverToken },
	},
	{
		Name: "dial_plan", Label: "Dial plan", Group: groupDialling, Kind: Text, Max: 2048,
		Help:  "Rules, as (rule|rule|...): which numbers may be dialled, and when they are sent. Empty: any digits, sent after 4 s or #.",
		field: func(s any) any { return &s.(*Port).DialPlan },
	},
	{
		Name: "star_codes", Label: "Star codes", Group: groupDialling, Default: "local", Kind: Enum, Words: "local server off", Labels: "On this device|At the server|Off",
		Help:  "Who understands codes like *72: this device, the server (they are dialled), or nobody.",
		field: func(s any) any { return &s.(*Port).StarCodes },
	},
	{
		Name: "star_code_table", Label: "Changed star codes", Group: groupDialling, Kind: Text, Max: 1024,
		Help:  "What differs from the usual codes of this device, name=code separated by commas: forward_all=*21,forward_all_off=#21,call_return=. Nothing behind = switches a code off. The names stand in the chapter on star codes.",
		field: func(s any) any { return &s.(*Port).StarCodeTable },
	},
	{
		Name: "hotline_number", Label: "Hotline", Group: groupDialling, Kind: Text,
		Help:  "Number that is called by itself when the handset is lifted. Empty: the hotline of the line, where it has one.",
		field: func(s any) any { return &s.(*Port).HotlineNumber },
	},
	{
		Name: "hotline_delay", Label: "Hotline delay", Group: groupDialling, Default: "0", Kind: Int, Max: 60, Unit: "s",
		Help:  "How long a key is waited for before; then it is not called.",
		field: func(s any) any { return &s.(*Port).HotlineDelay },
	},
	{
		Name: "pulse_dialling", Label: "Pulse dialling", Group: groupDialling, Default: "1", Kind: Bool,
		Help:  "1: rotary dials are understood besides tones. 0: what interrupts the line for a moment while a number is dialled is no digit.",
		field: func(s any) any { return &s.(*Port).PulseDialling },
	},
	{
		Name: "interdigit_s", Label: "Time between digits", Group: groupDialling, Default: "4", Kind: Int, Min: 1, Max: 60, Unit: "s",
		Help:  "How long the next digit is waited for where the dial plan does not say; then what was dialled is taken for complete.",
		field: func(s any) any { return &s.(*Port).InterdigitS },
	},
	{
		Name: "no_digit_s", Label: "Time without a digit", Group: groupDialling, Default: "0", Kind: Int, Min: 3, Max: 600, Zero: true, Unit: "s",
		Help:  "How long there is dial tone before reorder tone. 0: as usual in the country.",
		field: func(s any) any { return &s.(*Port).NoDigitS },
	},
	{
		Name: "caller_id_standard", Label: "Caller ID", Group: groupPhone, Default: "country", Kind: Enum, Words: "country off bellcore bellcore-sdmf etsi etsi-dtas etsi-reversal etsi-pulse bt dtmf dtmf-plain dtmf-dtas dtmf-pulse dtmf-reversal dtmf-reversal-dtas dtmf-denmark dtmf-denmark-reversal dtmf-taiwan",
		Help:  "How callers are shown to the telephone. country: as telephones of the country want it; the others: see the chapter on the telephone.",
		field: func(s any) any { return &s.(*Port).CallerIDStandard },
	},
	{
		Name: "ring_by_number", Label: "Ring by caller", Group: groupPhone, Kind: List,
		Help:   "How the telephone rings for some callers, whatever the server asks for: 5551234=bellcore-dr2,+49*=bellcore-dr3. The first that fits holds; a * at the end stands for whatever follows. The patterns are those of the country's table, ring-NAME. Empty: as the server asks for.",
		Wanted: "NUMBER=RING or NUMBER*=RING, separated by commas", valid: isRingRule,
		field: func(s any) any { return &s.(*Port).RingByNumber },
	},
	{
		Name: "call_waiting_caller_id", Label: "Caller ID of a waiting call", Group: groupPhone, Default: "1", Kind: Bool,
		Help:  "1: who waits is shown during a call, behind the tone, if the telephone can show it.",
		field: func(s any) any { return &s.(*Port).CallWaitingCallerID },
	},
	{
		Name: "message_waiting", Label: "Message waiting", Group: groupPhone, Default: "lamp,stutter,fsk", Kind: List, Words: "lamp stutter fsk splash",
		Help:  "How the telephone tells that messages wait: its lamp, a dial tone that stutters, data that light the lamp of a telephone with caller ID, a short ring before those. Empty: not at all.",
		field: func(s any) any { return &s.(*Port).MessageWaiting },
	},
	{
		Name: "polarity_reversal", Label: "Polarity reversal", Group: groupPhone, Default: "0", Kind: Bool,
		Help:  "1: tip and ring are reversed from the far end's answer to the end of the call.",
		field: func(s any) any { return &s.(*Port).PolarityReversal },
	},
	{
		Name: "disconnect_ms", Label: "Loop current off", Group: groupPhone, Default: "auto", Kind: Int, Min: 50, Max: 5000, Zero: true, Auto: "auto", Unit: "ms",
		Help:  "For how long the loop has no current when the far end has hung up, by which machines notice it. auto: as usual in the country. 0: it keeps it.",
		field: func(s any) any { return &s.(*Port).DisconnectMS },
	},
	{
		Name: "call_waiting", Label: "Call waiting", Group: groupCalls, Default: "1", Kind: Bool,
		Help:  "1: a call that comes in during another is announced by a tone, and a flash answers it. 0: its caller hears that the line is busy.",
		field: func(s any) any { return &s.(*Port).CallWaiting },
	},
	{
		Name: "flash_style", Label: "Flash", Group: groupCalls, Default: "bellcore", Kind: Enum, Words: "bellcore etsi rfc4733 info", Labels: "Flash alone|Flash and a digit|To the server (RFC 4733)|To the server (INFO)",
		Help:  "What a flash does with two calls. bellcore: it joins them, and then drops the second; or changes to a call that waited. etsi: a digit follows: 0 drops the held or refuses the waiting call, 1 drops the other and takes it, 2 changes, 3 joins, 4 connects both and leaves. rfc4733, info: for servers that hold and transfer themselves, a flash in a call is sent there, as event 16 or by INFO; a call that waits here is still taken by it.",
		field: func(s any) any { return &s.(*Port).FlashStyle },
	},
	{
		Name: "transfer_on_hangup", Label: "Hang-up transfers", Group: groupCalls, Default: "1", Kind: Bool,
		Help:  "1: who hangs up in a second call that it has made connects the held call with it. 0: the second call ends, and the telephone rings for the held one.",
		field: func(s any) any { return &s.(*Port).TransferOnHangup },
	},
	{
		Name: "conference_hangup", Label: "Hang-up in a conference", Group: groupCalls, Default: "end", Kind: Enum, Words: "end transfer", Labels: "Ends both calls|Leaves the others connected",
		Help:  "What becomes of the other two when the telephone hangs up.",
		field: func(s any) any { return &s.(*Port).ConferenceHangup },
	},
	{
		Name: "echo_canceller", Label: "Echo canceller", Group: groupCalls, Default: "1", Kind: Bool,
		Help:  "1: what the telephone hears is taken out of what comes back from it.",
		field: func(s any) any { return &s.(*Port).EchoCanceller },
	},
	{
		Name: "echo_tail_ms", Label: "Echo tail", Group: groupCalls, Default: "32", Kind: Int, Min: 8, Max: 64, Unit: "ms",
		Help:  "How late what comes back is still found, the line card's own delay included. Longer than needed costs processor time.",
		field: func(s any) any { return &s.(*Port).EchoTailMS },
	},
	{
		Name: "rx_gain_db", Label: "Volume of the telephone", Group: groupCalls, Default: "0", Kind: Int, Min: -12, Max: 12, Unit: "dB",
		Help:  "How much louder, or with a minus softer, the far end is heard at the telephone. Tones and data mode stay as they are.",
		field: func(s any) any { return &s.(*Port).RxGainDB },
	},
	{
		Name: "tx_gain_db", Label: "Volume of the far end", Group: groupCalls, Default: "0", Kind: Int, Min: -12, Max: 12, Unit: "dB",
		Help:  "How much louder, or with a minus softer, the far end hears the telephone. Data mode stays as it is.",
		field: func(s any) any { return &s.(*Port).TxGainDB },
	},
	{
		Name: "rtp_timeout_s", Label: "End without sound", Group: groupCalls, Default: "0", Kind: Int, Min: 5, Max: 3600, Zero: true, Unit: "s",
		Help:  "A call ends when nothing has come from the far end for so long, neither RTP nor RTCP, while neither side is held: for a far end that is gone without a word. 0: only who hangs up ends a call.",
		field: func(s any) any { return &s.(*Port).RTPTimeoutS },
	},
	{
		Name: "data_mode", Label: "Data mode", Group: groupCalls, Default: "auto", Kind: Enum, Words: "auto on off", Labels: "When a modem answers|Always|Never",
		Help:  "Echo canceller, concealment and comfort noise off and a fixed jitter buffer, for modems. auto: for the rest of a call in which 2100 Hz with phase reversals is heard.",
		field: func(s any) any { return &s.(*Port).DataMode },
	},
	{
		Name: "fax_mode", Label: "Fax mode", Group: groupPortFax, Default: "relay", Kind: Enum, Words: "relay spool", Labels: "In real time (relay)|Stored and sent on (spool)",
		Help:  "relay: in real time. spool: store and forward.",
		field: func(s any) any { return &s.(*Port).FaxMode },
	},
	{
		Name: "call_ahead", Label: "Call ahead", Group: groupPortFax, Default: "dynamic", Kind: Enum, Words: "never dynamic always", Labels: "Never|As remembered (dynamic)|Always",
		Help:  "Whether the far fax machine is called before the local one is told to begin. dynamic: as RADIUS and memory say.",
		field: func(s any) any { return &s.(*Port).CallAhead },
	},
	{
		Name: "call_ahead_bridge", Label: "Call ahead bridge", Group: groupPortFax, Default: "0", Kind: Bool,
		Help:  "1: the machine is connected to the call that was made ahead.",
		field: func(s any) any { return &s.(*Port).CallAheadBridge },
	},
	{
		Name: "call_ahead_timeout_s", Label: "Call ahead timeout", Group: groupPortFax, Default: "20", Kind: Int, Min: 1, Max: 300, Unit: "s",
		Help:  "How long the far machine may take to answer a call made ahead.",
		field: func(s any) any { return &s.(*Port).CallAheadS },
	},
	{
		Name: "ani", Label: "Number", Group: groupDialling, Kind: Text,
		Help:  "Number that this port presents.",
		field: func(s any) any { return &s.(*Port).ANI },
	},
	{
		Name: "csid", Label: "Fax identification", Group: groupPortFax, Kind: Text, Max: 20,
		Help:   "T.30 identification of this port (CSI and TSI).",
		Wanted: "at most 20 ASCII characters", valid: isIdent,
		field: func(s any) any { return &s.(*Port).CSID },
	},
}

var faxKeys = []Key{
	{
		Name: "t38", Label: "T.38", Group: groupT38, Default: "1", Kind: Bool,
		Help:  "0: fax calls stay in G.711.",
		field: func(s any) any { return &s.(*Fax).T38 },
	},
	{
		Name: "max_rate", Label: "Highest rate", Group: groupModem, Default: "14400", Kind: Enum, Words: "2400 4800 7200 9600 12000 14400", Unit: "bit/s",
		Help:  "Highest modem rate of a fax.",
		field: func(s any) any { return &s.(*Fax).MaxRate },
	},
	{
		Name: "ecm", Label: "Error correction", Group: groupModem, Default: "1", Kind: Bool,
		Help:  "T.30 error correction mode.",
		field: func(s any) any { return &s.(*Fax).ECM },
	},
	{
		Name: "redundancy_control", Label: "Redundancy, control", Group: groupT38, Default: "5", Kind: Int, Max: 7,
		Help:  "Earlier packets repeated with each UDPTL packet of V.21 control data.",
		field: func(s any) any { return &s.(*Fax).RedundancyControl },
	},
	{
		Name: "redundancy_image", Label: "Redundancy, image", Group: groupT38, Default: "auto", Kind: Int, Max: 7, Auto: "auto",
		Help:  "The same for image data. auto: 1 with error correction, raised when pages need repair; 3 without.",
		field: func(s any) any { return &s.(*Fax).RedundancyImage },
	},
	{
		Name: "t38_ec", Label: "UDPTL error correction", Group: groupT38, Default: "redundancy", Kind: Enum, Words: "redundancy fec none", Labels: "Redundancy|FEC|None",
		Help:  "What T38FaxUdpEC offers.",
		field: func(s any) any { return &s.(*Fax).T38EC },
	},
	{
		Name: "t38_max_datagram", Label: "Largest datagram", Group: groupT38, Default: "400", Kind: Int, Min: 72, Max: 1400, Unit: "octets",
		Help:  "T38FaxMaxDatagram: the largest UDPTL packet that this device takes.",
		field: func(s any) any { return &s.(*Fax).T38MaxDatagram },
	},
	{
		Name: "t38_reinvite", Label: "Who switches to T.38", Group: groupT38, Default: "callee", Kind: Enum, Words: "callee caller detector never", Labels: "The called side|The calling side|Who detects the fax|Nobody",
		Help:  "callee: the called side. caller: the calling side too, on CNG. detector: whoever hears the preamble. never: only the far end.",
		field: func(s any) any { return &s.(*Fax).T38Reinvite },
	},
	{
		Name: "t38_first", Label: "T.38 in the first INVITE", Group: groupT38, Default: "0", Kind: Bool,
		Help:  "1: a fax call offers T.38 beside sound at once, for far ends that never send a re-INVITE.",
		field: func(s any) any { return &s.(*Fax).T38First },
	},
	{
		Name: "detect_cng", Label: "Detect CNG", Group: groupModem, Default: "1", Kind: Bool,
		Help:  "Whether the calling tone (1100 Hz) tells that a call is a fax.",
		field: func(s any) any { return &s.(*Fax).DetectCNG },
	},
	{
		Name: "detect_ced", Label: "Detect CED", Group: groupModem, Default: "1", Kind: Bool,
		Help:  "Whether the answer tone (2100 Hz) tells that a call is a fax.",
		field: func(s any) any { return &s.(*Fax).DetectCED },
	},
	{
		Name: "detect_preamble", Label: "Detect V.21 preamble", Group: groupModem, Default: "1", Kind: Bool,
		Help:  "Whether the flags before the first frame of V.21 tell that a call is a fax.",
		field: func(s any) any { return &s.(*Fax).DetectPreamble },
	},
	{
		Name: "retries", Label: "Retries", Group: groupSpool, Default: "3", Kind: Int, Max: 20,
		Help:  "Tries of a stored fax after the first; 60 s after busy, 15 s otherwise.",
		field: func(s any) any { return &s.(*Fax).Retries },
	},
	{
		Name: "cdr_delimiter", Label: "CDR delimiter", Group: groupSpool, Kind: Text, Max: 8,
		Help:  "What follows it in a dialled number goes into FB-Per-Fax-CDR-Info. Empty: off.",
		field: func(s any) any { return &s.(*Fax).CDRDelimiter },
	},
}
