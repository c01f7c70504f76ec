package format

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestRefusesWhatIsNoConfiguration(t *testing.T) {
	const profile = "<flat-profile><User_ID_1_>1</User_ID_1_></flat-profile>"
	for _, tt := range []struct {
		name, text string
		is         error  // nil: any
		says       string // part of the error
	}{
		{"nothing", "", ErrUnknown, "empty"},
		{"blanks", " \r\n\t\n", ErrUnknown, "empty"},
		{"text", "Not found", ErrUnknown, ""},
		{"comments", "# [sip1]\n; x\n", ErrUnknown, ""},
		{"JSON", `{"sip1":{}}`, ErrUnknown, ""},
		{"gzip", "\x1f\x8b\x08\x00\x00", nil, "line 1"},

		{"HTML", "<html><body>Login</body></html>", ErrHTML, ""},
		{"HTML 5", "\n<!DOCTYPE html>\n<html>", ErrHTML, ""},
		{"HTML 4", `<!doctype HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">`, ErrHTML, ""},
		{"XHTML", `<?xml version="1.0"?><!-- x --><HTML xmlns="x">`, ErrHTML, ""},
		{"HTML behind a mark", "\uFEFF<HTML >", ErrHTML, ""},
		{"a head", "<head><title>403</title>", ErrHTML, ""},
		{"a heading", "<h1>404 Not Found</h1>", ErrHTML, ""},
		{"a script", "<script>location='/login'</script>", ErrHTML, ""},

		{"other XML", "<config><sip/></config>", ErrUnknown, "root element config"},
		{"a device without profile", "<device><x/></device>", ErrUnknown, ""},
		{"a document type", "<!DOCTYPE flat-profile [<!ENTITY a \"b\">]>" + profile, nil, "line 1: a document type"},
		{"a document type within", "<flat-profile>\n<!ELEMENT x>\n</flat-profile>", nil, "line 2: a document type"},
		{"an outer entity", "<flat-profile><User_ID_1_>\n&file;</User_ID_1_></flat-profile>", nil, "line 2: & that begins no entity"},
		{"a lone &", "<flat-profile>\n<Display_Name_1_>R&D</Display_Name_1_></flat-profile>", nil, "line 2: &"},
		{"a NUL by number", "<flat-profile><User_ID_1_>&#0;</User_ID_1_></flat-profile>", nil, "line 1: &"},
		{"a control by number", "<flat-profile><User_ID_1_>&#x1b;</User_ID_1_></flat-profile>", nil, "line 1: &"},
		{"half a pair", "<flat-profile><User_ID_1_>&#xD800;</User_ID_1_></flat-profile>", nil, "line 1: &"},
		{"two roots", profile + "\n" + profile, nil, "line 2: a second root"},
		{"text behind", profile + "\nx", nil, "outside of the root"},
		{"text before", "x" + profile, ErrUnknown, ""},
		{"crossed tags", "<flat-profile><a><b></a></b></flat-profile>", nil, "</a> closes nothing"},
		{"doubled attributes", `<flat-profile><a ua="na" ua="rw"/></flat-profile>`, nil, "ua stands twice"},
		{"an unquoted attribute", `<flat-profile><a ua=na/></flat-profile>`, nil, "quoted"},
		{"joined attributes", `<flat-profile><a ua="na"x="1"/></flat-profile>`, nil, "want a blank"},
		{"a bad name", "<flat-profile><1/></flat-profile>", nil, "begins no tag"},

		{"NUL", "[sip1]\nusername = a\x00b\n", nil, "line 2: the control character U+0000"},
		{"escape", "<flat-profile>\n\n<a>\x1b</a></flat-profile>", nil, "line 3: the control character U+001B"},
		{"C1", "[sip1]\nusername = \u0085\n", nil, "line 2: the control character U+0085"},
		{"no UTF-8", "[sip1]\nusername = caf\xe9\n", nil, "line 2: no UTF-8"},
		{"UTF-16", "\xff\xfe[\x00s\x00", ErrUnknown, "UTF-16"},
		{"UTF-16, big", "\xfe\xff\x00[", ErrUnknown, "UTF-16"},
		{"an unknown encoding", `<?xml version="1.0" encoding="koi8-r"?>` + profile, ErrUnknown, "koi8-r"},
		{"UTF-7", `<?xml version='1.0' encoding='UTF-7'?>` + profile, ErrUnknown, "utf-7"},
		{"no ASCII", `<?xml version="1.0" encoding="US-ASCII"?>` + "\n<flat-profile><Display_Name_1_>é</Display_Name_1_></flat-profile>", nil, "line 2"},

		{"a Fanvil line that is too long", fanvilHead + "2\nSIP1 Phone Number:" + strings.Repeat("1", maxLine) + "\n" + fanvilEnd, nil, "line 2: more than"},
		{"a value that is too long", "<flat-profile><User_ID_1_>" + strings.Repeat("1", maxLine+1) + "</User_ID_1_></flat-profile>", nil, "line 1: a value of more than"},
		{"too many octets", strings.Repeat("#", MaxSize+1), ErrTooBig, ""},
		{"too many elements", "<flat-profile>" + strings.Repeat("<a/>", maxItems) + "</flat-profile>", ErrTooBig, ""},
		{"too many items", fanvilHead + "2\n" + strings.Repeat("a:\n", maxItems+1) + fanvilEnd, ErrTooBig, ""},
		{"too deep", strings.Repeat("<device>", maxDepth+1), nil, "deep"},
		{"too many attributes", "<flat-profile " + manyAttributes() + "/>", nil, "attributes"},
		{"a bad MAC", "<gs_provision>\n<mac>here</mac></gs_provision>", nil, "line 2: mac"},
		{"a line without index", "<sysConf><sip>\n<line><a/></line></sip></sysConf>", nil, "line 2: <line> without an index"},
		{"a line with a strange index", `<sysConf><sip><line index="01"><a/></line></sip></sysConf>`, nil, "index"},
		{"an entry without ID", "<VOIP_CONFIG_FILE><SIP_CONFIG_MODULE><SIP_Line_List>\n<SIP_Line_List_Entry><A>1</A></SIP_Line_List_Entry></SIP_Line_List></SIP_CONFIG_MODULE></VOIP_CONFIG_FILE>", nil, "line 2"},
		{"two first lines", fanvilHead + "2\n" + fanvilHead + "3\n" + fanvilEnd, nil, "line 2: a second first line"},
	} {
		f, err := Read([]byte(tt.text))
		switch {
		case err == nil:
			t.Errorf("%s: read as %s", tt.name, f.Format)
		case tt.is != nil && !errors.Is(err, tt.is), !strings.Contains(err.Error(), tt.says):
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func manyAttributes() string {
	var b strings.Builder
	for i := range maxAttrs + 1 {
		fmt.Fprintf(&b, `a%d="" `, i)
	}
	return b.String()
}

// An item that stands twice with two values is refused; one that no rule reads only
// listed, for exports have some of one name in several places.
func TestDoubledItems(t *testing.T) {
	for _, tt := range []struct {
		text string
		line string // empty: it is read
	}{
		{fanvilHead + "2\nSIP1 Transport:0\nSIP1 Transport:1\n" + fanvilEnd, "line 3"},
		{fanvilHead + "2\nSIP1 Transport:1\nSIP1 Transport:1\n" + fanvilEnd, ""},
		{fanvilHead + "2\nSIP1 Ring Type:1\nSIP1 Ring Type:2\n" + fanvilEnd, ""},
		{fanvilHead + "2\nSIP1 Register Addr:a.example\nSIP1 Register_Addr:b.example\n" + fanvilEnd, "line 3"},
		{"<sysConf><sip><line index=\"1\"><Transport>0</Transport>\n<Transport>3</Transport></line></sip></sysConf>", "line 2"},
		{"<sysConf><sip><line index=\"1\"><Transport>0</Transport></line>\n<line index=\"1\"><Transport>3</Transport></line></sip></sysConf>", "line 2"},
		{"<gs_provision><config><P47>a</P47>\n<P47>b</P47></config></gs_provision>", "line 2"},
		{"<flat-profile><Proxy_1_>a</Proxy_1_>\n<Proxy_1_>b</Proxy_1_></flat-profile>", "line 2"},
	} {
		_, err := Read([]byte(tt.text))
		if tt.line == "" && err != nil || tt.line != "" && (!errors.Is(err, ErrDoubled) || !strings.Contains(err.Error(), tt.line)) {
			t.Errorf("%q: %v", tt.text, err)
		}
	}
}

// A transfer that ended early leaves a file that is refused whole, wherever it was cut.
func TestRefusesFilesThatAreCutShort(t *testing.T) {
	for _, name := range []string{"fanvil.cfg", "fanvil.xml", "fanvil-sysconf.xml", "grandstream.xml", "cisco.xml"} {
		text := strings.TrimRight(file(t, name), "\n")
		for n := 0; n < len(text); n += 5 {
			if f, err := Read([]byte(text[:n])); err == nil {
				t.Fatalf("%s: its first %d of %d octets are read as %s", name, n, len(text), f.Format)
			}
		}
		for n := 300; n < len(text); n += 17 {
			if _, err := Read([]byte(text[:n])); !errors.Is(err, ErrCut) {
				t.Errorf("%s: cut behind %d octets: %v", name, n, err)
			}
		}
	}
}

func TestEncodings(t *testing.T) {
	for _, text := range []string{
		"\uFEFF<flat-profile><Display_Name_1_>é</Display_Name_1_></flat-profile>",
		`<?xml version="1.0" encoding="UTF-8"?><flat-profile><Display_Name_1_>é</Display_Name_1_></flat-profile>`,
		"<?xml version='1.0' encoding = 'utf8' ?><flat-profile><Display_Name_1_>é</Display_Name_1_></flat-profile>",
		`<?xml version="1.0" encoding="ISO-8859-1"?>` + "<flat-profile><Display_Name_1_>\xe9</Display_Name_1_></flat-profile>",
		`<?xml version="1.0" encoding="us-ascii"?><flat-profile><Display_Name_1_>&#233;</Display_Name_1_></flat-profile>`,
		`<flat-profile><Display_Name_1_><![CDATA[é]]></Display_Name_1_></flat-profile>`,
		"<flat-profile><Display_Name_1_>&#xE9;<!-- & < --></Display_Name_1_></flat-profile>",
		"\uFEFF" + fanvilHead + "1\r\nSIP1 Display Name:é\r\n" + fanvilEnd + "\r\n",
	} {
		f, err := Read([]byte(text))
		if err != nil || len(f.Settings) != 1 || f.Settings[0].Value != "é" {
			t.Errorf("%q: %v, %v", text, f.Settings, err)
		}
	}
}

// INI text is handed on as it came, with its own faults for config.Load to find.
func TestINIIsVerbatim(t *testing.T) {
	for _, text := range []string{"[sip1]\nusername = 1\n", "\uFEFF# c\r\n\r\n[sip1]\r\nnot a key\r\n", " [sip1]"} {
		f, err := Read([]byte(text))
		if err != nil || f.Format != INI || !bytes.Equal(f.Text, []byte(text)) {
			t.Errorf("%q: %+v, %v", text, f, err)
		}
		if l := f.Layer("https://h/x"); !bytes.Equal(l.Text, []byte(text)) || l.Source != "https://h/x" {
			t.Errorf("%q: layer %+v", text, l)
		}
	}
}

// A file may be as big as its limit allows and still be read at once and within bounds.
func TestNotesAreBounded(t *testing.T) {
	f := read(t, fanvilHead+"2\n"+strings.Repeat("SIP1 x:1\n", 12000)+fanvilEnd)
	if len(f.Notes) > maxNotes+1 {
		t.Errorf("%d notes", len(f.Notes))
	}
	if last := f.Notes[len(f.Notes)-1]; last.Text != fmt.Sprintf("%d more", 12000-maxNotes) {
		t.Errorf("the last note is %+v", last)
	}
}

// The shapes of other people's files: without parts, with odd blanks, with closing tags,
// with items behind the end, and with text of a template that was not filled in.
func TestOddShapes(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       string // section.key=value, sorted
		notes      int
	}{
		{"without parts", fanvilHead + "1\nSIP  Port:5080\n  SIP1 Register Addr  :  a.example  \nSTUN Server:s\n" + fanvilEnd,
			"sip.stun_server=s sip.udp_port=5080 sip1.register_addr=a.example", 0},
		{"closing tags", fanvilHead + "2.4.7.6\n<SIP CONFIG MODULE>\nSIP1 Enable Reg :1\n</SIP CONFIG MODULE>\n<MMI CONFIG MODULE>\nWeb Port:80\n" + fanvilEnd,
			"sip1.enabled=1", 1},
		{"another part", fanvilHead + "1\n<PHONE CONFIG MODULE>\nSTUN Server:s\n" + fanvilEnd, "", 1},
		{"behind the end", fanvilHead + "1\nSIP1 Enable Reg:1\n" + fanvilEnd + "\nSIP1 Register Addr:evil\n", "sip1.enabled=1", 1},
		{"a line that is nothing", fanvilHead + "1\nhello\nSIP1 Enable Reg:1\nSIP0 Enable Reg:1\nSIP9999 Enable Reg:1\n" + fanvilEnd, "sip1.enabled=1", 3},
		{"a template's text", "<flat-profile>\nParameters for the line\n<User_ID_1_>1</User_ID_1_>\n{else}\n</flat-profile>", "port1.line=1 sip1.username=1", 2},
		{"a stray end of comment", "<gs_provision><config><!-- a --> -->\n<P35>1</P35><!-- b --> -->\n</config></gs_provision>", "port1.line=1 sip1.username=1", 2},
		{"a dial plan in lines", "<flat-profile><Dial_Plan_1_>\n ( 11 |\n   x. )\n</Dial_Plan_1_></flat-profile>", "port1.dial_plan=(11|x.) sip1.enable_hotline=0", 0},
		{"masked by stars", fanvilHead + "1\nSIP1 Register Pswd:********\nSIP1 Proxy Pswd:*\n" + fanvilEnd, "", 2},
		{"encrypted passwords", "<sysConf><sip><SIPPswdEncryption>1</SIPPswdEncryption><line index=\"1\"><RegisterPswd>8a7b</RegisterPswd></line></sip></sysConf>", "", 1},
		{"a hotline without number", fanvilHead + "1\nSIP1 Enable Hotline:1\nSIP1 Hotline Num:\n" + fanvilEnd, "sip1.enable_hotline=0 sip1.hotline_number=", 1},
		{"STUN without server", "<sysConf><sip><STUNServer/><line index=\"1\"><NATType>1</NATType></line></sip></sysConf>", "sip.stun_server= sip1.use_stun=0", 1},
		{"out of range", fanvilHead + "1\nSIP1 WarmLine Time:90\nSIP1 Sub Expire:30\nSIP1 Register TTL:9999999\n" + fanvilEnd,
			"sip1.hotline_delay=60 sip1.register_ttl=2592000 sip1.voice_message_subscribe_period=60", 3},
	} {
		f := read(t, tt.text)
		var got []string
		for _, s := range f.Settings {
			got = append(got, s.Section+"."+s.Key+"="+s.Value)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != tt.want || len(f.Notes) != tt.notes {
			t.Errorf("%s: %s, want %s; notes %v", tt.name, strings.Join(got, " "), tt.want, f.Notes)
		}
		for _, n := range f.Notes {
			if strings.Contains(n.Text, "evil") || strings.Contains(n.Text, "8a7b") {
				t.Errorf("%s: %+v", tt.name, n)
			}
		}
	}
}

// The worst that a megabyte can be costs a bounded amount of memory, read or refused.
func TestHostileFilesCostLittle(t *testing.T) {
	for name, text := range map[string]string{
		"comments":   "<flat-profile>" + strings.Repeat(" <!-- -->", 110000) + "</flat-profile>",
		"stray text": "<flat-profile><a/>" + strings.Repeat("x<!---->", 120000) + "</flat-profile>",
		"entities":   "<flat-profile><a>" + strings.Repeat("&amp;", 200000) + "</a></flat-profile>",
		"CDATA":      "<flat-profile><a>" + strings.Repeat("<![CDATA[]]>", 80000) + "</a></flat-profile>",
		"doubles":    "<flat-profile>" + strings.Repeat("<Proxy_1_>x</Proxy_1_>", 16000) + "</flat-profile>",
		"rules":      "<flat-profile><Dial_Plan_1_>(" + strings.Repeat("x|", 4000) + "x)</Dial_Plan_1_></flat-profile>",
		"keys":       "<flat-profile><Dial_Plan_1_>(" + strings.Repeat("[0-9*#]", 1000) + "x)</Dial_Plan_1_></flat-profile>",
		"unknown":    fanvilHead + "1\n" + strings.Repeat("SIP1 a:b\n", 16000) + fanvilEnd,
		"nothing":    fanvilHead + "1\n" + strings.Repeat("x\n", 500000) + fanvilEnd,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Read([]byte(text))
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 16 {
			t.Errorf("%s: %d MiB allocated for %d kB", name, used, len(text)>>10)
		}
	}
}
