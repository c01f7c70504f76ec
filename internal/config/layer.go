package config

import "strings"

// Rank orders the layers. [provisioning] lock_local turns Provisioned and Local round.
type Rank uint8

// The ranks, lowest first. Below them all are the built-in defaults.
const (
	Factory     Rank = iota // what a maker installs: servers, secrets, trust anchors
	File                    // the operator's file, never written by the agent
	Provisioned             // RADIUS, then the file that it or a later source names
	Local                   // from the page or the HTTP interface
)

// A Layer is one source of settings: the text of a file, or settings without one.
type Layer struct {
	Rank     Rank
	Name     string // in faults: the file's name
	Source   string // in Explain: file:/etc/tipring/tipring.ini, radius:192.0.2.1, a URL, local
	Text     []byte
	Settings []Setting // used when Text is nil
}

// FactoryLayer is a layer of what a maker installed.
func FactoryLayer(path string, text []byte) Layer {
	return Layer{Rank: Factory, Name: path, Source: "factory:" + path, Text: nonNil(text)}
}

// FileLayer is a layer of the operator's file.
func FileLayer(path string, text []byte) Layer {
	return Layer{Rank: File, Name: path, Source: "file:" + path, Text: nonNil(text)}
}

// ProvisionedLayer is a layer of fetched INI text; source is its URL. Of several,
// the later one wins.
func ProvisionedLayer(source string, text []byte) Layer {
	return Layer{Rank: Provisioned, Name: source, Source: source, Text: nonNil(text)}
}

// SettingsLayer is a layer of fetched settings that were no INI text, such as those
// of a RADIUS answer; source is radius:SERVER, dhcp:OPTION, pnp:SERVER or a URL.
func SettingsLayer(source string, settings []Setting) Layer {
	return Layer{Rank: Provisioned, Name: source, Source: source, Settings: settings}
}

// LocalLayer is the layer of the page and the HTTP interface.
func LocalLayer(path string, text []byte) Layer {
	return Layer{Rank: Local, Name: path, Source: "local", Text: nonNil(text)}
}

func nonNil(text []byte) []byte {
	if text == nil {
		return []byte{}
	}
	return text
}

// document takes the layer apart, whichever form it came in.
func (l *Layer) document() document {
	if l.Text != nil {
		return scan(l.Name, l.Text)
	}
	var doc document
	seen := make(map[string]bool)
	for _, e := range l.Settings {
		s := scanner{file: l.Name, section: e.Section}
		if !isName(e.Section) || !isName(e.Key) || len(e.Value) > MaxLine || strings.ContainsFunc(e.Value, isControl) ||
			strings.ToValidUTF8(e.Value, "") != e.Value || strings.TrimSpace(e.Value) != e.Value {
			s.section = ""
			s.fault(e.Line, "", "", "section.key=value without control characters")
			doc.faults = append(doc.faults, s.doc.faults...)
			continue
		}
		if !seen[e.Section] {
			seen[e.Section] = true
			doc.heads = append(doc.heads, Setting{Section: e.Section, Line: e.Line})
		}
		doc.settings = append(doc.settings, e)
	}
	return doc
}
