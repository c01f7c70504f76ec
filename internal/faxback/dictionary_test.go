package faxback

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tipring/etc"
)

// A server's own numbers, as an operator adds them.
const added = `
BEGIN-VENDOR FaxBack
ATTRIBUTE FB-Line-Num 73 integer
ATTRIBUTE FB-Line-Id 74 string
ATTRIBUTE FB-Snd-On-Behalf-Of 0x38 integer
ATTRIBUTE FB-DID-Enabled 3 integer
ATTRIBUTE FB-Snd-From-Account 4 integer
ATTRIBUTE FB-Rcv-To-Account 5 integer
ATTRIBUTE FB-Account-Login-Group 6 string
ATTRIBUTE FB-Save-CDR 7 integer
ATTRIBUTE FB-Rcv-Format 8 integer
ATTRIBUTE FB-Last-Modified-Time 9 date
END-VENDOR FaxBack
`

func extended(t testing.TB) *Dictionary {
	t.Helper()
	d, err := ParseDictionary("extended", []byte(etc.Dictionary+added))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheBuiltInDictionary(t *testing.T) {
	d := Default()
	if d.Vendor != 30694 {
		t.Errorf("vendor %d", d.Vendor)
	}
	// Read in packets, or forced by order; whatever is weaker has no number.
	numbered := map[string]byte{"FB-Command": 1, "FB-Context": 2, "FB-Account-Type": 10, "FB-Rcv-Email": 14, "FB-Snd-ANI": 19,
		"FB-Dial-Number": 34, "FB-Client-Info": 45, "FB-Queue-Profile": 57, "FB-Transfer-Type": 58, "FB-Account-UUID": 59,
		"FB-Call-Ahead-Mode": 61, "FB-Fax-ATA-Type": 66, "FB-Provisioning-Arg": 67, "FB-DID": 75}
	for name, want := range numbered {
		if n, ok := d.Number(name); !ok || n != want {
			t.Errorf("%s: %d %v, want %d", name, n, ok, want)
		}
	}
	var without []string
	for _, a := range attributes {
		if _, ok := d.Number(a.name); !ok {
			without = append(without, a.name)
		}
	}
	if len(attributes) != 67 || len(without) != 30 {
		t.Errorf("%d attributes, %d without a number: %q", len(attributes), len(without), without)
	}
	for n := range 256 {
		if name, ok := d.Name(byte(n)); ok && attributeNamed(name) == nil {
			t.Errorf("nothing is known of %s", name)
		}
	}
	for command, name := range commandNames {
		if got := d.ValueName("FB-Command", uint32(command)); got != name {
			t.Errorf("command %d is %q, want %q", command, got, name)
		}
	}
	for context, name := range contextNames {
		if got := d.ValueName("FB-Context", uint32(context)); got != name {
			t.Errorf("context %d is %q, want %q", context, got, name)
		}
	}
	if got := d.ValueName("FB-Fax-Capabilities", 1|4|256); got != "ECM+MMR+0x100" {
		t.Errorf("capabilities: %q", got)
	}
}

// What each pair's answer may hold is told when it has no number.
func TestNotNumbered(t *testing.T) {
	d := Default()
	for _, tt := range []struct {
		p    *pair
		want string
	}{
		{&pairMAC, ""}, {&pairDIDs, ""}, {&pairCallAhead, ""},
		{&pairDID, "FB-Line-Num FB-Line-Id"}, {&pairLogin, "FB-Account-Login-Group"},
		{&pairSender, "FB-Snd-From-Account"},
	} {
		if got := strings.Join(d.missing(tt.p.answer), " "); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.p, got, tt.want)
		}
	}
	if got := extended(t).missing(pairDID.answer); got == nil || len(got) != 0 {
		t.Errorf("with numbers: %#v", got)
	}
	for _, p := range []*pair{&pairLogin, &pairValidate, &pairSend, &pairReceive, &pairExternal, &pairDIDReceive, &pairDIDMail, &pairMAC,
		&pairSerial, &pairCallAhead, &pairSender, &pairLine, &pairDID, &pairDIDs, &pairMembers} {
		for _, name := range p.answer {
			if attributeNamed(name) == nil {
				t.Errorf("%v: nothing is known of %s", p, name)
			}
		}
	}
}

func TestDictionarySyntax(t *testing.T) {
	d, err := ParseDictionary("d", []byte(`# a comment
VENDOR	Other 9
vendor FaxBack 30694 format=1,1
BEGIN-VENDOR Other
ATTRIBUTE Other-Thing 1 whatever-type # not ours to judge
VALUE Other-Thing A 1
END-VENDOR Other
ATTRIBUTE	fb-line-num 0x49 integer FaxBack
VALUE FB-Command Get-DID 8
BEGIN-VENDOR FaxBack
ATTRIBUTE FB-Command 1 integer
ATTRIBUTE FB-New-Thing 200 octets
ATTRIBUTE FB-New-Number 201 integer
END-VENDOR FaxBack`))
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := d.Number("FB-LINE-NUM"); n != 73 || !ok {
		t.Errorf("FB-Line-Num: %d %v", n, ok)
	}
	if name, ok := d.Name(73); name != "FB-Line-Num" || !ok {
		t.Errorf("73 is %q", name)
	}
	if d.ValueName("FB-Command", 8) != "Get-DID" || d.ValueName("FB-Command", 7) != "" {
		t.Error("names of FB-Command's values")
	}
	if d.attribute(200).kind != unnamed || d.attribute(201).kind != number || d.attribute(202).name != "Attr-26.30694.202" {
		t.Error("attributes that only the dictionary knows")
	}
}

func TestDictionaryFaults(t *testing.T) {
	const head = "VENDOR FaxBack 30694\nBEGIN-VENDOR FaxBack\n"
	for _, tt := range []struct{ text, want string }{
		{"$INCLUDE dictionary.other", "d:1: $INCLUDE is not followed: put everything into this file"},
		{"ATRIBUTE X 1 integer", `d:1: "ATRIBUTE" is not understood; wanted VENDOR, BEGIN-VENDOR, END-VENDOR, ATTRIBUTE or VALUE`},
		{"", "d: there is no line VENDOR FaxBack"},
		{"VENDOR FaxBack", "d:1: VENDOR: wanted a name and a number"},
		{"VENDOR FaxBack 16777216", `d:1: VENDOR FaxBack: "16777216"; wanted a number from 1 to 16777215`},
		{"VENDOR FaxBack 1 format=2,2", "d:1: VENDOR FaxBack: format=2,2; types and lengths of FaxBack are one octet each"},
		{"VENDOR FaxBack 1\nVENDOR FaxBack 2", "d:2: VENDOR FaxBack is 1 already"},
		{"BEGIN-VENDOR FaxBack", "d:1: BEGIN-VENDOR FaxBack: there is no line VENDOR FaxBack before it"},
		{head, "d:2: BEGIN-VENDOR without its END-VENDOR"},
		{head + "BEGIN-VENDOR FaxBack", "d:3: BEGIN-VENDOR FaxBack inside the block that began in line 2"},
		{"VENDOR FaxBack 1\nEND-VENDOR FaxBack", "d:2: END-VENDOR FaxBack without its BEGIN-VENDOR"},
		{head + "ATTRIBUTE FB-DID 75", "d:3: ATTRIBUTE: wanted a name, a number and a type"},
		{head + "ATTRIBUTE FB-DID 256 string", `d:3: ATTRIBUTE FB-DID: "256"; wanted a number from 1 to 255`},
		{head + "ATTRIBUTE FB-DID 75.1 string", `d:3: ATTRIBUTE FB-DID: "75.1"; wanted a number from 1 to 255`},
		{head + "ATTRIBUTE FB-DID 75 tlv", `d:3: ATTRIBUTE FB-DID: type "tlv"; wanted string, octets, integer, date or ipaddr`},
		{head + "ATTRIBUTE FB-DID 75 string encrypt=1", `d:3: ATTRIBUTE FB-DID: "encrypt=1" is no vendor of a line before it; flags are not understood`},
		{head + "ATTRIBUTE FB-Line-Num 73 string", "d:3: ATTRIBUTE FB-Line-Num: type string; integer is wanted"},
		{head + "ATTRIBUTE FB-DID 75 integer", "d:3: ATTRIBUTE FB-DID: type integer; string is wanted"},
		{head + "ATTRIBUTE FB-DID 75 string\nATTRIBUTE FB-DID 76 string", "d:4: ATTRIBUTE FB-DID is number 75 already"},
		{head + "ATTRIBUTE FB-DID 75 string\nATTRIBUTE FB-X 75 string", "d:4: ATTRIBUTE FB-X: number 75 is FB-DID already"},
		{head + "VALUE FB-DID A 1", "d:3: VALUE FB-DID A: there is no ATTRIBUTE FB-DID"},
		{head + "VALUE FB-Command A", "d:3: VALUE: wanted an attribute, a name and a number"},
		{head + "ATTRIBUTE FB-Command 1 integer\nVALUE FB-Command A 1\nVALUE FB-Command A 2", "d:5: VALUE FB-Command A is 1 already"},
		{head + "ATTRIBUTE FB-DID 75 string\nVALUE FB-DID A 1", "d:4: VALUE FB-DID A: the attribute is of type string"},
		{strings.Repeat("x", maxDictionaryLine+1), "d:1: a line of 1025 octets; at most 1024"},
		{head + "ATTRIBUTE " + strings.Repeat("x", 129) + " 1 integer", "d:3: a word of 129 octets; at most 128"},
		{strings.Repeat("#\n", MaxDictionary/2+1), "d: 262146 octets; a dictionary has at most 262144"},
		{"VENDOR \xff 1", "d: text that is not UTF-8"},
	} {
		_, err := ParseDictionary("d", []byte(tt.text))
		if err == nil || !slices.Contains(strings.Split(err.Error(), "\n"), tt.want) {
			t.Errorf("%.60q: %v\nwant %s", tt.text, err, tt.want)
		}
	}
	_, err := ParseDictionary("d", []byte(strings.Repeat("nonsense\n", 1000)))
	if n := len(strings.Split(fmt.Sprint(err), "\n")); n != maxTold+1 {
		t.Errorf("%d faults told", n)
	}
}

func FuzzParseDictionary(f *testing.F) {
	f.Add([]byte(etc.Dictionary + added))
	f.Add([]byte("VENDOR FaxBack 30694\nBEGIN-VENDOR FaxBack\nATTRIBUTE FB-DID 75 string\nEND-VENDOR FaxBack"))
	f.Add([]byte("VENDOR FaxBack 0x77e6 format=1,1\nATTRIBUTE FB-Line-Num 0x49 integer faxback\nVALUE FB-Line-Num one 1\n$INCLUDE x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDictionary("d", data)
		if (d == nil) == (err == nil) {
			t.Fatalf("dictionary %v and error %v", d, err)
		}
		if err != nil {
			return
		}
		for n := range 256 {
			name, ok := d.Name(byte(n))
			if back, known := d.Number(name); ok && (!known || int(back) != n) {
				t.Fatalf("number %d is %q, and that is %d", n, name, back)
			}
			d.attribute(byte(n))
		}
	})
}
