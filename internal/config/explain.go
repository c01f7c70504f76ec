package config

// An Entry tells one effective value and where it came from.
type Entry struct {
	Section string `json:"section"`
	Key     string `json:"key"`
	Value   string `json:"value"`  // as this program writes it; secrets masked
	Source  string `json:"source"` // built-in, factory:PATH, file:PATH, radius:SERVER, a URL, local
	Line    *int   `json:"line"`   // null where the source has no lines
}

// Explain tells every key of every section that exists.
func (c *Config) Explain() []Entry {
	var all []Entry
	for j := range c.sections {
		s := &c.sections[j]
		name := s.name()
		for i := range s.desc.Keys {
			k := &s.desc.Keys[i]
			o := s.origin(i)
			e := Entry{Section: name, Key: k.Name, Value: k.Masked(s.text(i)), Source: c.layers[o.layer].source}
			if o.line > 0 {
				line := int(o.line)
				e.Line = &line
			}
			all = append(all, e)
		}
	}
	return all
}
