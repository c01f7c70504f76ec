package api

import "net/http"

// A Section describes one kind of section of the configuration. Numbered ones are written
// with their number: sip1.
type Section struct {
	Name     string `json:"name"`
	Numbered bool   `json:"numbered"`
	Max      int    `json:"max"` // highest number; 0: not numbered
	Title    string `json:"title"`
	Help     string `json:"help"`
	Keys     []Key  `json:"keys"`
}

// A Key describes one setting.
type Key struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Group    Text     `json:"group"`
	Kind     string   `json:"kind"` // bool integer choice list address networks text
	Unit     Text     `json:"unit"`
	Min      *int     `json:"min"` // of an integer
	Max      *int     `json:"max"` // of an integer; of a text, its octets
	Zero     bool     `json:"zero"`
	Auto     Text     `json:"auto"`     // a word that is taken besides numbers
	Optional bool     `json:"optional"` // it may be absent, which is not the same as its default
	Choices  []Choice `json:"choices"`
	Default  string   `json:"default"` // {N} stands for the section's number
	Help     string   `json:"help"`
	Wanted   string   `json:"wanted"` // what it takes, as a fault says it
	Secret   bool     `json:"secret"`
	Scope    string   `json:"scope"` // anywhere device files: who may set it
	Later    Text     `json:"later"` // what is not done about it yet
}

// A Choice is a word that a key takes.
type Choice struct {
	Value    string   `json:"value"`
	Label    string   `json:"label"`
	Synonyms []string `json:"synonyms"`
}

// keys answers with the description of every section and key.
func (h settingsRoutes) keys(w http.ResponseWriter, r *http.Request) {
	sections := list(h.settings.Keys())
	for i := range sections {
		for j := range sections[i].Keys {
			k := &sections[i].Keys[j]
			k.Choices = list(k.Choices)
			for c := range k.Choices {
				k.Choices[c].Synonyms = list(k.Choices[c].Synonyms)
			}
		}
	}
	h.answer(w, r, http.StatusOK, sections)
}
