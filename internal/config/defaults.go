package config

import "slices"

// makeSections makes every section with its built-in values. The defaults of a line
// and of a port are parsed once and shared.
func (c *Config) makeSections(lines, ports []int) {
	var line Line
	var port Port
	fillDefaults(lineKeys, &line)
	fillDefaults(portKeys, &port)
	c.Lines = make([]*Line, len(lines))
	for j := range c.Lines {
		own := line
		c.Lines[j] = &own // each by itself: a line that runs on keeps no other one in memory
	}
	c.Ports = slices.Repeat([]Port{port}, len(ports))
	c.sections = make([]section, 0, len(sections)-2+len(lines)+len(ports))
	add := func(desc *Section, n int, data any) {
		c.sections = append(c.sections, section{desc: desc, n: n, data: data})
	}
	for i := range sections {
		desc := &sections[i]
		switch {
		case desc.Name == "sip" && desc.Numbered:
			for j, n := range lines {
				c.Lines[j].N = n
				add(desc, n, c.Lines[j])
			}
		case desc.Numbered:
			for j, n := range ports {
				c.Ports[j].N = n
				add(desc, n, &c.Ports[j])
			}
		default:
			data := c.single(desc.Name)
			fillDefaults(desc.Keys, data)
			add(desc, 0, data)
		}
	}
}

func (c *Config) single(name string) any {
	switch name {
	case "device":
		return &c.Device
	case "sip":
		return &c.SIP
	case "fax":
		return &c.Fax
	case "radius":
		return &c.Radius
	case "provisioning":
		return &c.Provisioning
	case "web":
		return &c.Web
	}
	panic("config: no struct for [" + name + "]")
}

func fillDefaults(keys []Key, data any) {
	for i := range keys {
		k := &keys[i]
		if k.Optional || k.numberedDefault() {
			continue
		}
		if !k.set(data, k.Default) {
			panic("config: the default of " + k.Name + " is not a value of it")
		}
	}
}

// fillNumbered gives the keys whose default holds the section's number that default,
// where no layer gave a value.
func (s *section) fillNumbered() {
	for i := range s.desc.Keys {
		k := &s.desc.Keys[i]
		if k.numberedDefault() && s.origin(i).layer == 0 {
			k.set(s.data, k.defaultFor(s.n))
		}
	}
}
