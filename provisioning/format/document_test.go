package format

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/provisioning-formats.md anew")

const (
	document = "../../docs/provisioning-formats.md"
	marker   = "<!-- From here on written by: go test ./provisioning/format -run Document -update -->\n"
)

// TestDocumentIsFresh compares the document with what the tables of the code make of it.
func TestDocumentIsFresh(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := bytes.Cut(text, []byte(marker))
	if !found {
		t.Fatalf("%s has lost its marker", document)
	}
	want := slices.Concat(head, []byte(marker), tables())
	if *update {
		if err := os.WriteFile(document, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s is stale: go test ./provisioning/format -run Document -update", document)
	}
}

func tables() []byte {
	var b bytes.Buffer
	b.WriteString("\n## Fanvil\n\n| item (text form) | XML, modules | XML, sysConf | key | |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range fanvil.rules {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", listed(r.items, fanvilInText), listed(r.items, func(name string) string { return strings.ReplaceAll(name, " ", "_") }),
			listed(r.items, func(name string) string { return strings.ReplaceAll(name, " ", "") }), ourKey(r.key), cell(r.says))
	}
	notUsed(&b, &fanvil, func(name string) string { return name })

	b.WriteString("\n## Grandstream\n\n| P-value | of account 2 | key | |\n| --- | --- | --- | --- |\n")
	for _, r := range grandstream.rules {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", listed(r.items, grandstreamShown), listed(r.items, secondShown), ourKey(r.key), cell(r.says))
	}
	notUsed(&b, &grandstream, func(name string) string { return name })

	b.WriteString("\n## Cisco\n\n| element | key | |\n| --- | --- | --- |\n")
	for _, r := range cisco.rules {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", listed(r.items, ciscoShown(r.key)), ourKey(r.key), cell(r.says))
	}
	notUsed(&b, &cisco, func(name string) string { return name })
	return b.Bytes()
}

// fanvilInText is an item with its SIPn in front, where it belongs to a line.
func fanvilInText(name string) string {
	if _, _, global := strings.Cut(name, "/"); global {
		return name
	}
	return "SIPn " + name
}

func grandstreamShown(name string) string {
	if slices.ContainsFunc(grandstreamPorts[:], func(base int) bool { return name == fmt.Sprintf("P%d", base) }) {
		return name + " (port 1)"
	}
	return name
}

func secondShown(name string) string {
	for pair := range strings.FieldsSeq(grandstreamSecond) {
		if first, second, _ := strings.Cut(pair, "="); "P"+first == name {
			return "P" + second
		}
	}
	return ""
}

func ciscoShown(key string) func(string) string {
	global := map[string]bool{"SIP_T1": true, "RTP_Port_Min": true, "RTP_Port_Max": true, "STUN_Server": true, "Profile_Rule": true, "Resync_Periodic": true, "Provision_Enable": true}
	return func(name string) string {
		if global[name] {
			return name
		}
		return name + "_N_"
	}
}

// listed writes the items of a rule; those of the makers' parts stand without them.
func listed(items string, write func(string) string) string {
	var all []string
	for name := range strings.SplitSeq(items, "|") {
		if text := write(name); text != "" {
			_, rest, found := strings.Cut(text, "/")
			if found {
				text = rest
			}
			all = append(all, "`"+text+"`")
		}
	}
	return strings.Join(all, ", ")
}

func ourKey(key string) string {
	section, name, _ := strings.Cut(key, ".")
	return "`[" + section + "] " + name + "`"
}

func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

func notUsed(b *bytes.Buffer, m *maker, write func(string) string) {
	b.WriteString("\nRead, listed and not used:\n\n| items | why |\n| --- | --- |\n")
	for _, r := range m.reasons {
		fmt.Fprintf(b, "| %s | %s |\n", listed(r.items, write), cell(r.why))
	}
}
