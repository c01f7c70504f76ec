package config

import (
	"strconv"
	"strings"
)

// A Section describes one kind of [section] and every key it may hold.
type Section struct {
	Name     string // without the number: sip
	Numbered bool   // [sip1] upward instead of [sip]
	Title    string
	Help     string
	Keys     []Key
}

// InFile is the section's name as a file writes it: sip1 for n = 1, fax for n = 0.
func (s *Section) InFile(n int) string {
	if !s.Numbered {
		return s.Name
	}
	return s.Name + strconv.Itoa(n)
}

// Key returns the description of the key called name, or nil.
func (s *Section) Key(name string) *Key {
	if i := s.index(name); i >= 0 {
		return &s.Keys[i]
	}
	return nil
}

func (s *Section) index(name string) int {
	for i := range s.Keys {
		if s.Keys[i].Name == name {
			return i
		}
	}
	return -1
}

// A Key describes one setting. Descriptions are static data: nothing changes them.
type Key struct {
	Name    string
	Label   string // what a page writes before the field
	Group   string // heading under which a page shows it
	Kind    Kind
	Unit    string // s, ms, %, octets; empty for a pure number or text
	Default string // {N} stands for the section's number
	Help    string // whole sentences, for files, pages and documents
	Wanted  string // what a fault asks for, where the kind alone does not say it

	Words    string // of Enum, List and Networks: "0=udp 1=tcp", synonyms after "="
	Labels   string // what a page writes for each of Words, in their order: "UDP|TCP"; empty: the words themselves
	Min, Max int    // of Int and Port; Max alone: the longest Text in octets
	Zero     bool   // 0 is allowed besides Min to Max
	Auto     string // this word is allowed besides the numbers
	Optional bool   // a port that may be absent: then it is found with the server
	Secret   bool   // never shown
	Scope    Scope
	File     FileUse // of a key that names a file
	Later    string  // what is not done about the key yet; empty: it does what it says

	valid func(string) bool     // for texts with a form of their own; not asked about ""
	clean func(string) string   // spells a valid text the way this program writes it
	field func(section any) any // points to the value in a *Line, *Port and so on
}

// Kind says what sort of value a key takes.
type Kind uint8

// The kinds of values.
const (
	Bool        Kind = iota // 0 or 1; true false yes no on off are taken too
	Int                     // Min to Max
	Enum                    // one of Words
	List                    // of Words, or of free words that valid accepts, separated by commas
	IP                      // an IP address or empty
	NetworkList             // one of Words, or addresses and networks separated by commas
	Text                    // verbatim
	driver                  // of a port
	servers                 // of [radius]
)

// String names the kind for documents and programs.
func (k Kind) String() string {
	switch k {
	case Bool:
		return "bool"
	case Int:
		return "integer"
	case Enum:
		return "choice"
	case List, servers:
		return "list"
	case IP:
		return "address"
	case NetworkList:
		return "networks"
	}
	return "text"
}

// FileUse says what a file that a key names must hold.
type FileUse uint8

// The uses of files.
const (
	NoFile      FileUse = iota
	Authorities         // PEM: at least one certificate
	Certificate         // PEM: a certificate, and those that vouch for it
	PrivateKey          // PEM: the key of a certificate
	Dictionary          // of RADIUS attributes
	Directory           // which is made when it is not there
)

// String says what the file must be, in the words of a fault.
func (u FileUse) String() string {
	switch u {
	case Authorities:
		return "a PEM file with certificates of authorities"
	case Certificate:
		return "a PEM file with a certificate"
	case PrivateKey:
		return "a PEM file with a private key"
	case Directory:
		return "a directory"
	}
	return "a dictionary of RADIUS attributes"
}

// Scope says which layers may set a key.
type Scope uint8

// The scopes.
const (
	FromAnywhere Scope = iota // every layer, RADIUS and provisioned files too
	FromDevice                // factory, file and local: not the network
	FromFiles                 // factory and file: not a page either
)

// String is anywhere, device or files.
func (s Scope) String() string { return [...]string{"anywhere", "device", "files"}[s] }

// A Choice is one value of an Enum, List or Networks key.
type Choice struct {
	Value    string   // as this program writes it
	Label    string   // as a page writes it
	Synonyms []string // taken too
}

// Choices lists the words that the key takes.
func (k *Key) Choices() []Choice {
	var all []Choice
	labels := strings.Split(k.Labels, "|")
	for field := range strings.FieldsSeq(k.Words) {
		words := strings.Split(field, "=")
		c := Choice{words[0], words[0], words[1:]}
		if k.Labels != "" {
			c.Label = labels[len(all)]
		}
		all = append(all, c)
	}
	return all
}

// choose finds the choice that text names, in the program's own spelling.
func (k *Key) choose(text string) (string, bool) {
	for field := range strings.FieldsSeq(k.Words) {
		own, _, _ := strings.Cut(field, "=")
		for word := range strings.SplitSeq(field, "=") {
			if text == word {
				return own, true
			}
		}
	}
	return "", false
}

// defaultFor is the default of the key in section number n.
func (k *Key) defaultFor(n int) string {
	if !k.numberedDefault() {
		return k.Default
	}
	return strings.ReplaceAll(k.Default, "{N}", strconv.Itoa(n))
}

func (k *Key) numberedDefault() bool { return strings.Contains(k.Default, "{N}") }

// Want says what the key takes, in the words of a fault: 1 to 65535.
func (k *Key) Want() string {
	if k.Wanted != "" {
		return k.Wanted
	}
	switch k.Kind {
	case Bool:
		return "0 or 1"
	case Int:
		return k.wantNumber()
	case Enum:
		return k.wantWords(" or ")
	case List:
		return k.wantWords(" and ") + ", separated by commas"
	case NetworkList:
		return k.wantWords(", ") + ", or addresses and networks separated by commas"
	case IP:
		return "an IP address or nothing"
	}
	return "at most " + strconv.Itoa(k.maxText()) + " octets"
}

func (k *Key) wantNumber() string {
	text := strconv.Itoa(k.Min) + " to " + strconv.Itoa(k.Max)
	if k.Unit != "" {
		text += " " + k.Unit
	}
	if k.Zero {
		text = "0, or " + text
	}
	if k.Auto != "" {
		text = k.Auto + ", or " + text
	}
	return text
}

// wantWords lists the choices: udp (0), tcp (1) or tls (3).
func (k *Key) wantWords(last string) string {
	choices := k.Choices()
	var b strings.Builder
	for i, c := range choices {
		switch {
		case i == 0:
		case i == len(choices)-1:
			b.WriteString(last)
		default:
			b.WriteString(", ")
		}
		b.WriteString(c.Value)
		if len(c.Synonyms) > 0 {
			b.WriteString(" (" + strings.Join(c.Synonyms, ", ") + ")")
		}
	}
	return b.String()
}
