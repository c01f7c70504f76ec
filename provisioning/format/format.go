// Package format reads what a provisioning server sends: this program's own INI text,
// and the files that servers have for other makers' devices, so that an operator need
// not write them anew. Those are Fanvil's text form and its two XML forms, Grandstream's
// gs_provision XML and Cisco's flat profile.
//
// Each maker has one table of rules from its items to the keys of internal/config;
// docs/provisioning-formats.md is written from them. What no rule reads is listed in the
// notes of the file. A file is taken whole or not at all: one that is cut short, doubled,
// in an unknown encoding or no configuration is an error. Whether the values are good is
// for config.Load to say, which gets them as a layer.
package format

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"tipring/internal/config"
)

// The names of the formats in File.Format.
const (
	INI           = "ini"
	FanvilText    = "fanvil-text"
	FanvilXML     = "fanvil-xml"     // VOIP_CONFIG_FILE
	FanvilSysConf = "fanvil-sysconf" // sysConf
	Grandstream   = "grandstream"
	Cisco         = "cisco"
)

// Limits of a file, so that none can make this program work for ever.
const (
	MaxSize  = config.MaxText // octets
	maxLine  = config.MaxLine // octets of a line or of an item's value
	maxItems = 16384          // items, or XML elements
	maxNotes = 4000           // kept of one file; the last tells how many more there were
	maxDepth = 12             // of XML elements in each other
	maxAttrs = 16             // of one XML element
)

// What makes a file none of ours. Read wraps them.
var (
	ErrHTML    = errors.New("an HTML page is no configuration")
	ErrUnknown = errors.New("no known configuration format")
	ErrCut     = errors.New("the file is cut short")
	ErrTooBig  = errors.New("the file is too big")
	ErrDoubled = errors.New("an item stands twice with different values")
)

// A Note is an item that is not understood or not used.
type Note struct {
	Line int    // 0: the whole file
	Text string // the item's name, and its value where that cannot be a secret
	Why  string
}

// A File is a configuration file that was read whole.
type File struct {
	Format   string
	Version  string           // what the file calls its version; empty: it does not say
	MAC      string           // twelve lower-case hex digits: the only device that the file is for; empty: it does not say
	Text     []byte           // of INI: the text as it came
	Settings []config.Setting // of the others: each with the line of its item, in no order
	Notes    []Note           // in the order of lines
}

// Read reads a configuration file, whatever Content-Type it came with.
func Read(data []byte) (File, error) {
	if len(data) > MaxSize {
		return File{}, fmt.Errorf("%w: %d octets are allowed", ErrTooBig, MaxSize)
	}
	text, err := decode(data)
	if err != nil {
		return File{}, err
	}
	switch head := skipBlank(text); {
	case head == "":
		return File{}, fmt.Errorf("%w: the file is empty", ErrUnknown)
	case strings.HasPrefix(head, fanvilHead):
		return readFanvilText(text)
	case head[0] == '<':
		return readXML(text)
	case isINI(text):
		return File{Format: INI, Text: data}, nil
	}
	return File{}, ErrUnknown
}

// readXML tells the XML forms by their root element.
func readXML(text string) (File, error) {
	if looksHTML(text) {
		return File{}, ErrHTML
	}
	root, stray, err := parseXML(text)
	if err != nil {
		return File{}, err
	}
	t := newTranslation()
	for _, line := range stray {
		t.note(line, config.Mask, "text outside of any item")
	}
	switch root.name {
	case "VOIP_CONFIG_FILE":
		err = t.fanvilModules(root)
	case "sysConf":
		err = t.fanvilSysConf(root)
	case "gs_provision":
		err = t.grandstream(root)
	case "flat-profile", "device":
		err = t.cisco(root)
	default:
		err = fmt.Errorf("%w: XML with the root element %s", ErrUnknown, shorten(root.name))
	}
	if err != nil {
		return File{}, err
	}
	return t.done(), nil
}

// Layer is the file as a layer of the configuration. source is where it came from.
func (f File) Layer(source string) config.Layer {
	if f.Format == INI {
		return config.ProvisionedLayer(source, f.Text)
	}
	return config.SettingsLayer(source, f.Settings)
}

// Secrets reports whether the file sets something that is never shown: a key that is a
// secret, or a password within another value.
func (f File) Secrets() bool {
	settings := f.Settings
	if f.Format == INI {
		settings = iniSettings(string(f.Text))
	}
	return slices.ContainsFunc(settings, func(s config.Setting) bool {
		k := keyOf(s.Section, s.Key)
		return k != nil && k.Masked(s.Value) != s.Value
	})
}

// Check drops the translated values that another package's parser refuses, and lists
// them: a maker's dial plan may hold rules that bar what an earlier rule lets through,
// which is a fault in a plan of ours. A person's INI text is not touched.
func (f *File) Check(checks config.Checks) {
	if f.Format == INI || checks.DialPlan == nil {
		return
	}
	f.Settings = slices.DeleteFunc(f.Settings, func(s config.Setting) bool {
		if s.Key != "dial_plan" || s.Value == "" {
			return false
		}
		err := checks.DialPlan(s.Value)
		if err != nil {
			f.Notes = append(f.Notes, Note{Line: s.Line, Text: s.Section + " dial_plan = " + shorten(s.Value), Why: err.Error()})
		}
		return err != nil
	})
	sortNotes(f.Notes)
}

// sortNotes puts notes in the order of lines; what concerns the whole file comes last.
func sortNotes(notes []Note) {
	sort.SliceStable(notes, func(i, j int) bool {
		a, b := notes[i].Line, notes[j].Line
		return a != 0 && (b == 0 || a < b)
	})
}

// keyOf finds the description of a key by its section as a file names it.
func keyOf(section, key string) *config.Key {
	stem := strings.TrimRight(section, "0123456789")
	for i, all := 0, config.Sections(); i < len(all); i++ {
		if s := &all[i]; s.Name == stem && s.Numbered == (stem != section) {
			return s.Key(key)
		}
	}
	return nil
}

// shorten keeps a note readable when the text is not.
func shorten(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
