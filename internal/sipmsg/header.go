package sipmsg

import "strings"

// A Field is one header field line: its long name and its unfolded, trimmed value.
type Field struct {
	Name, Value string
}

// Header is an ordered list of header fields. Names compare without regard to case
// and to compact forms (RFC 3261 section 7.3.3).
type Header []Field

// Get returns the value of the first field of that name, and "" without one.
func (h Header) Get(name string) string {
	v, _ := h.Lookup(name)
	return v
}

// Lookup returns the value of the first field of that name and whether there is one.
func (h Header) Lookup(name string) (string, bool) {
	for _, f := range h {
		if sameName(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}

// Values returns the values of all fields of that name, in order.
func (h Header) Values(name string) []string {
	var vs []string
	for _, f := range h {
		if sameName(f.Name, name) {
			vs = append(vs, f.Value)
		}
	}
	return vs
}

// Add appends a field.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Set makes name have that one value, in the place of its first field.
func (h *Header) Set(name, value string) {
	for i := range *h {
		if sameName((*h)[i].Name, name) {
			(*h)[i].Value = value
			rest := (*h)[i+1:]
			rest.Del(name)
			*h = (*h)[:i+1+len(rest)]
			return
		}
	}
	h.Add(name, value)
}

// Del removes every field of that name.
func (h *Header) Del(name string) {
	kept := (*h)[:0]
	for _, f := range *h {
		if !sameName(f.Name, name) {
			kept = append(kept, f)
		}
	}
	*h = kept
}

// A Param is one parameter of a URI, an address or a Via: ;name or ;name=value.
type Param struct {
	Name, Value string // the value unquoted and unescaped
	HasValue    bool   // tells ;lr from ;lr=
	Quoted      bool   // the value is written in quotation marks even where it need not be

	raw string // the value of a URI parameter as received, where String would spell it otherwise
}

// Params is an ordered parameter list. Names compare without regard to case.
type Params []Param

// Get returns a parameter's value; ok tells a flag such as ;lr from absence.
func (p Params) Get(name string) (value string, ok bool) {
	for _, x := range p {
		if strings.EqualFold(x.Name, name) {
			return x.Value, true
		}
	}
	return "", false
}

// Set gives a parameter a value, in place when it is there.
func (p *Params) Set(name, value string) {
	for i := range *p {
		if strings.EqualFold((*p)[i].Name, name) {
			(*p)[i].Value, (*p)[i].HasValue = value, true
			return
		}
	}
	*p = append(*p, Param{Name: name, Value: value, HasValue: true})
}

// SetQuoted gives a parameter a value that is written in quotation marks.
func (p *Params) SetQuoted(name, value string) {
	p.Set(name, value)
	for i := range *p {
		if strings.EqualFold((*p)[i].Name, name) {
			(*p)[i].Quoted = true
			return
		}
	}
}

// SetFlag adds a parameter without a value, such as ;lr or ;rport.
func (p *Params) SetFlag(name string) {
	p.Del(name)
	*p = append(*p, Param{Name: name})
}

// Del removes a parameter.
func (p *Params) Del(name string) {
	kept := (*p)[:0]
	for _, x := range *p {
		if !strings.EqualFold(x.Name, name) {
			kept = append(kept, x)
		}
	}
	*p = kept
}

// Clone copies the list.
func (p Params) Clone() Params { return append(Params(nil), p...) }
