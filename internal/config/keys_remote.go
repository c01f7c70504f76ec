package config

// Groups of [radius] and [provisioning] keys.
const (
	groupRadius  = "Servers"
	groupAccount = "Account"
	groupTimes   = "Times"
	groupSources = "Sources"
	groupTrust   = "Trust"
)

var radiusKeys = []Key{
	{
		Name: "servers", Label: "Servers", Group: groupRadius, Scope: FromDevice, Kind: servers,
		Help:   "host[:1812][;legacy][;tls] in order, separated by commas. legacy: answers without Message-Authenticator are believed, and logged as insecure. tls: RadSec, port 2083.",
		Wanted: "host[:port][;legacy][;tls], separated by commas",
		field:  func(s any) any { return &s.(*Radius).Servers },
	},
	{
		Name: "acct_servers", Label: "Accounting servers", Group: groupRadius, Scope: FromDevice, Kind: servers,
		Help:   "The same for accounting, port 1813. Empty: no accounts of faxes are kept, and nothing is sent later of what was faxed meanwhile.",
		Wanted: "host[:port][;legacy][;tls], separated by commas",
		field:  func(s any) any { return &s.(*Radius).AcctServers },
	},
	{
		Name: "secret", Label: "Shared secret", Group: groupRadius, Scope: FromDevice, Kind: Text, Secret: true,
		Help:  "Secret shared with the servers. Those of RadSec (tls) have none of their own: there it is radsec (RFC 6614 section 2.3).",
		field: func(s any) any { return &s.(*Radius).Secret },
	},
	{
		Name: "timeout_ms", Label: "Timeout", Group: groupTimes, Scope: FromDevice, Default: "2000", Kind: Int, Min: 100, Max: 60000, Unit: "ms",
		Help:  "Wait for the first answer; doubled with each retransmission.",
		field: func(s any) any { return &s.(*Radius).TimeoutMS },
	},
	{
		Name: "tries", Label: "Tries", Group: groupTimes, Scope: FromDevice, Default: "4", Kind: Int, Min: 1, Max: 10,
		Help:  "Transmissions to a server before the next one is asked.",
		field: func(s any) any { return &s.(*Radius).Tries },
	},
	{
		Name: "call_budget_ms", Label: "Budget inside a call", Group: groupTimes, Scope: FromDevice, Default: "3000", Kind: Int, Min: 100, Max: 60000, Unit: "ms",
		Help:  "All servers together, for a lookup inside a call.",
		field: func(s any) any { return &s.(*Radius).CallBudgetMS },
	},
	{
		Name: "dead_s", Label: "Dead time", Group: groupTimes, Scope: FromDevice, Default: "60", Kind: Int, Max: 86400, Unit: "s",
		Help:  "How long a server that did not answer is left alone.",
		field: func(s any) any { return &s.(*Radius).DeadS },
	},
	{
		Name: "account", Label: "Account", Group: groupAccount, Scope: FromDevice, Kind: Text,
		Help:  "Account of this device: it logs in at start, and its faxes are asked about and billed to it. Empty: found by MAC address or serial number.",
		field: func(s any) any { return &s.(*Radius).Account },
	},
	{
		Name: "password", Label: "Password", Group: groupAccount, Scope: FromDevice, Kind: Text, Max: 128, Secret: true,
		Help:  "Password of the account (User-Password holds 128 octets).",
		field: func(s any) any { return &s.(*Radius).Password },
	},
	{
		Name: "dictionary", Label: "Dictionary", Group: groupRadius, File: Dictionary, Scope: FromDevice, Kind: Text, Max: 4000,
		Help:   "File with the vendor's attribute numbers. Empty: the built-in one.",
		Wanted: "an absolute file name or nothing", valid: isPath,
		field: func(s any) any { return &s.(*Radius).Dictionary },
	},
	{
		Name: "fax_ata_type", Label: "Fax ATA type", Group: groupAccount, Scope: FromDevice, Default: "0", Kind: Int, Max: 999999999,
		Help:  "FB-Fax-ATA-Type in lookups by MAC address or serial number.",
		field: func(s any) any { return &s.(*Radius).FaxATAType },
	},
}

var provisioningKeys = []Key{
	{
		Name: "order", Label: "Order", Group: groupSources, Scope: FromDevice, Default: "radius,dhcp,pnp,static", Kind: List, Words: "radius dhcp pnp static",
		Help:  "Where settings are looked for; the first source that has some ends the search. Empty: nowhere.",
		field: func(s any) any { return &s.(*Provisioning).Order },
	},
	{
		Name: "url", Label: "Static URL", Group: groupSources, Kind: Text, Max: 1024,
		Help:   "static: tftp, http or https. {mac} {MAC} {serial} {account} {arg} {model} {version} are replaced, percent-encoded, never in scheme or host.",
		Wanted: "a tftp, http or https URL; macros " + Macros + " in braces behind the host",
		valid:  isURL,
		field:  func(s any) any { return &s.(*Provisioning).URL },
	},
	{
		Name: "interval_s", Label: "Interval", Group: groupTimes, Default: "86400", Kind: Int, Min: 60, Max: 31536000, Zero: true, Unit: "s",
		Help:  "Time between two looks. 0: at boot and when asked only.",
		field: func(s any) any { return &s.(*Provisioning).IntervalS },
	},
	{
		Name: "retry_s", Label: "Retry", Group: groupTimes, Scope: FromDevice, Default: "30,60,120,300,600,1800", Kind: List, Unit: "s",
		Help:   "Waits after failures in a row, in seconds; the last one goes on. With the same failure for the fourth time they grow, up to the interval.",
		Wanted: "waits of 1 to 86400, separated by commas", valid: isWait,
		field: func(s any) any { return &s.(*Provisioning).RetryS },
	},
	{
		Name: "boot_delay_s", Label: "Boot delay", Group: groupTimes, Scope: FromDevice, Default: "30", Kind: Int, Max: 3600, Unit: "s",
		Help:  "The first look waits for a part of this that the MAC address decides, so that many devices do not ask in one second after a power cut.",
		field: func(s any) any { return &s.(*Provisioning).BootDelayS },
	},
	{
		Name: "pnp", Label: "SIP PnP", Group: groupSources, Scope: FromDevice, Default: "unconfigured", Kind: Enum, Words: "off unconfigured on", Labels: "Off|While it is not set up|On",
		Help:  "SUBSCRIBE for ua-profile to 224.0.1.75. unconfigured: only while there is no line.",
		field: func(s any) any { return &s.(*Provisioning).PnP },
	},
	{
		Name: "allow_clear_secrets", Label: "Allow clear secrets", Group: groupTrust, Scope: FromDevice, Default: "0", Kind: Bool,
		Help:  "1: plain files with secrets over tftp or http, and secrets in a RADIUS argument, are taken with a warning. 0: they are refused.",
		field: func(s any) any { return &s.(*Provisioning).AllowClearSecrets },
	},
	{
		Name: "seal_key", Label: "Seal key", Group: groupTrust, Scope: FromDevice, Kind: Text, Secret: true,
		Help:   "AES-256 key of this device for sealed files, 64 hex digits.",
		Wanted: "64 hex digits or nothing", valid: isHexKey,
		field: func(s any) any { return &s.(*Provisioning).SealKey },
	},
	{
		Name: "verify_key", Label: "Verify key", Group: groupTrust, Scope: FromDevice, Kind: Text,
		Help:   "Ed25519 public key of who may sign sealed files, 64 hex digits.",
		Wanted: "64 hex digits or nothing", valid: isHexKey,
		field: func(s any) any { return &s.(*Provisioning).VerifyKey },
	},
	{
		Name: "tls_ca_file", Label: "TLS CA file", Group: groupTrust, File: Authorities, Scope: FromDevice, Kind: Text, Max: 4000,
		Help:   "PEM file of the authorities of provisioning and RadSec servers. Empty: the system's.",
		Wanted: "an absolute file name or nothing", valid: isPath,
		field: func(s any) any { return &s.(*Provisioning).TLSCAFile },
	},
	{
		Name: "tls_cert", Label: "TLS certificate", Group: groupTrust, File: Certificate, Scope: FromDevice, Kind: Text, Max: 4000,
		Help:   "PEM file with the certificate that this device shows to HTTPS and RadSec servers. Empty: none.",
		Wanted: "an absolute file name or nothing", valid: isPath,
		field: func(s any) any { return &s.(*Provisioning).TLSCert },
	},
	{
		Name: "tls_key", Label: "TLS key", Group: groupTrust, File: PrivateKey, Scope: FromDevice, Kind: Text, Max: 4000,
		Help:   "PEM file with its key.",
		Wanted: "an absolute file name or nothing", valid: isPath,
		field: func(s any) any { return &s.(*Provisioning).TLSKey },
	},
	{
		Name: "lock_local", Label: "Lock local settings", Group: groupTrust, Scope: FromFiles, Default: "0", Kind: Bool,
		Help:  "1: provisioned values win over local ones.",
		field: func(s any) any { return &s.(*Provisioning).LockLocal },
	},
}

var webKeys = []Key{
	{
		Name: "listen", Label: "Listen", Scope: FromDevice, Default: ":8080", Kind: Text,
		Help:   "Address of the page over HTTP. Empty: off.",
		Wanted: "ADDRESS:PORT, :PORT or nothing", valid: isListen,
		field: func(s any) any { return &s.(*Web).Listen },
	},
	{
		Name: "tls_listen", Label: "TLS listen", Scope: FromDevice, Kind: Text,
		Help:   "Address of the page over HTTPS. Empty: off.",
		Wanted: "ADDRESS:PORT, :PORT or nothing", valid: isListen,
		field: func(s any) any { return &s.(*Web).TLSListen },
	},
	{
		Name: "tls_cert", Label: "TLS certificate", File: Certificate, Scope: FromDevice, Kind: Text, Max: 4000,
		Help:   "PEM file with the page's certificate. Empty: one made by this device.",
		Wanted: "an absolute file name or nothing", valid: isPath,
		field: func(s any) any { return &s.(*Web).TLSCert },
	},
	{
		Name: "tls_key", Label: "TLS key", File: PrivateKey, Scope: FromDevice, Kind: Text, Max: 4000,
		Help:   "PEM file with its key.",
		Wanted: "an absolute file name or nothing", valid: isPath,
		field: func(s any) any { return &s.(*Web).TLSKey },
	},
	{
		Name: "allow", Label: "Allow", Scope: FromDevice, Default: "lan", Kind: NetworkList, Words: "lan any",
		Help:  "Who may open the page. lan: RFC 1918, unique-local, link-local and loopback addresses.",
		field: func(s any) any { return &s.(*Web).Allow },
	},
	{
		Name: "first_password", Label: "First password", Secret: true, Kind: Text, Max: 128,
		Help:  "Password of this one device, printed on it or sent by its provider. The page takes it for the claim code at the first visit, and then wants another one. Empty: the claim code only.",
		field: func(s any) any { return &s.(*Web).FirstPassword },
	},
	{
		Name: "hosts", Label: "Names", Scope: FromDevice, Kind: List,
		Help:   "Names that this device is called by, besides its own addresses, separated by commas.",
		Wanted: "host names, separated by commas", valid: isHost,
		field: func(s any) any { return &s.(*Web).Hosts },
	},
}
