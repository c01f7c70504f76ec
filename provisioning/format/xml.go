package format

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A node is an XML element: a group with elements in it, or an item with a value.
type node struct {
	name  string
	index string // its attribute index
	ver   string // its attribute version
	text  string // without the blanks around it
	line  int
	kids  []*node
}

// kid is the first element in n of that name, or nil.
func (n *node) kid(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// An xmlReader reads the part of XML 1.0 that configuration files are made of: elements,
// attributes, text, CDATA, comments, the five entities and characters by number. There
// is no document type, so nothing can be fetched or multiplied. A processing instruction
// is passed over.
type xmlReader struct {
	text  string
	at    int
	line  int
	open  []*node
	texts [][]byte // of the open elements
	root  *node
	count int
	stray []int // lines of text that stands beside elements
}

// parseXML reads a document. stray tells the lines of text that belongs to no item.
func parseXML(text string) (root *node, stray []int, err error) {
	x := &xmlReader{text: text, line: 1}
	for x.at < len(x.text) {
		if err := x.step(); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case len(x.open) > 0:
		return nil, nil, fmt.Errorf("%w: <%s> of line %d is not closed", ErrCut, x.open[len(x.open)-1].name, x.open[len(x.open)-1].line)
	case x.root == nil:
		return nil, nil, fmt.Errorf("%w: no element", ErrCut)
	}
	return x.root, x.stray, nil
}

// fault names what is wrong. At the end of the text it is that more is missing.
func (x *xmlReader) fault(format string, args ...any) error {
	if x.at == len(x.text) {
		return x.cut("the markup")
	}
	return fmt.Errorf("line %d: %s", x.line, fmt.Sprintf(format, args...))
}

func (x *xmlReader) cut(what string) error {
	return fmt.Errorf("%w: line %d: %s has no end", ErrCut, x.line, what)
}

// advance moves on by n octets and counts their lines.
func (x *xmlReader) advance(n int) string {
	part := x.text[x.at : x.at+n]
	x.at += n
	x.line += strings.Count(part, "\n")
	return part
}

// step reads the next piece of text or markup.
func (x *xmlReader) step() error {
	rest := x.text[x.at:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		return x.skip(len("<!--"), "-->", "a comment")
	case strings.HasPrefix(rest, "<?"):
		return x.skip(len("<?"), "?>", "a processing instruction")
	case strings.HasPrefix(rest, "<![CDATA["):
		return x.cdata()
	case strings.HasPrefix(rest, "<!"):
		return x.fault("a document type or another declaration, which is refused")
	case strings.HasPrefix(rest, "</"):
		return x.endTag()
	case rest[0] == '<':
		return x.startTag()
	}
	end := strings.IndexByte(rest, '<')
	if end < 0 {
		end = len(rest)
	}
	line := x.line
	value, err := unescape(x.advance(end), line)
	if err != nil && x.at == len(x.text) {
		return x.cut("a value")
	}
	if err != nil {
		return err
	}
	return x.add(value, line)
}

func (x *xmlReader) skip(head int, end, what string) error {
	n := strings.Index(x.text[x.at+head:], end)
	if n < 0 {
		return x.cut(what)
	}
	x.advance(head + n + len(end))
	return nil
}

func (x *xmlReader) cdata() error {
	line := x.line
	const head = len("<![CDATA[")
	n := strings.Index(x.text[x.at+head:], "]]>")
	if n < 0 {
		return x.cut("a CDATA section")
	}
	return x.add(x.advance(head + n + len("]]>"))[head:head+n], line)
}

// add puts text into the open element. Beside other elements it belongs to no item.
func (x *xmlReader) add(value string, line int) error {
	blank := strings.TrimSpace(value) == ""
	last := len(x.open) - 1
	switch {
	case blank && (last < 0 || len(x.texts[last]) == 0 || len(x.open[last].kids) > 0):
		return nil
	case last < 0:
		return fmt.Errorf("line %d: text outside of the root element", line)
	case len(x.open[last].kids) > 0:
		x.stray = append(x.stray, line+strings.Count(value[:len(value)-len(skipBlank(value))], "\n"))
		return nil
	case len(x.texts[last])+len(value) > 2*maxLine:
		return fmt.Errorf("line %d: a value of more than %d octets", line, maxLine)
	}
	x.texts[last] = append(x.texts[last], value...)
	return nil
}

func (x *xmlReader) endTag() error {
	end := strings.IndexByte(x.text[x.at:], '>')
	if end < 0 {
		return x.cut("a closing tag")
	}
	name := strings.TrimRight(x.text[x.at+2:x.at+end], " \t\r\n")
	if len(x.open) == 0 || x.open[len(x.open)-1].name != name {
		return x.fault("</%s> closes nothing that is open", shorten(name))
	}
	x.advance(end + 1)
	return x.close()
}

// close ends the innermost element.
func (x *xmlReader) close() error {
	last := len(x.open) - 1
	n := x.open[last]
	n.text = oneLine(string(x.texts[last]))
	if len(n.text) > maxLine {
		return fmt.Errorf("line %d: a value of more than %d octets", n.line, maxLine)
	}
	if len(n.kids) > 0 && n.text != "" {
		x.stray = append(x.stray, n.line)
		n.text = ""
	}
	x.open, x.texts = x.open[:last], x.texts[:last]
	return nil
}

// oneLine is a value without the blanks around it. A value that was broken into lines,
// as dial plans are, becomes one line.
func oneLine(text string) string {
	text = strings.TrimSpace(text)
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	var words []string
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if line = strings.TrimSpace(line); line != "" {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}

func (x *xmlReader) startTag() error {
	n := &node{line: x.line}
	x.advance(1)
	if n.name = x.name(); n.name == "" {
		return x.fault("< that begins no tag; in a value it is written &lt;")
	}
	switch x.count++; {
	case x.root != nil && len(x.open) == 0:
		return x.fault("a second root element")
	case len(x.open) == maxDepth:
		return x.fault("elements more than %d deep", maxDepth)
	case x.count > maxItems:
		return fmt.Errorf("%w: more than %d elements", ErrTooBig, maxItems)
	case x.root == nil:
		x.root = n
	default:
		parent := x.open[len(x.open)-1]
		parent.kids = append(parent.kids, n)
	}
	x.open, x.texts = append(x.open, n), append(x.texts, nil)
	empty, err := x.attributes(n)
	if err == nil && empty {
		err = x.close()
	}
	return err
}

// attributes reads up to the end of a tag and reports whether the element is empty.
func (x *xmlReader) attributes(n *node) (empty bool, err error) {
	var seen []string
	for {
		blank := x.blank()
		switch rest := x.text[x.at:]; {
		case rest == "":
			return false, x.cut("a tag")
		case rest[0] == '>':
			x.advance(1)
			return false, nil
		case strings.HasPrefix(rest, "/>"):
			x.advance(2)
			return true, nil
		case !blank:
			return false, x.fault("<%s: want a blank, > or />", shorten(n.name))
		}
		name, value, err := x.attribute()
		if err != nil {
			return false, err
		}
		for _, earlier := range seen {
			if earlier == name {
				return false, x.fault("<%s>: the attribute %s stands twice", shorten(n.name), shorten(name))
			}
		}
		if seen = append(seen, name); len(seen) > maxAttrs {
			return false, x.fault("<%s>: more than %d attributes", shorten(n.name), maxAttrs)
		}
		switch name {
		case "index":
			n.index = value
		case "version":
			n.ver = value
		}
	}
}

func (x *xmlReader) attribute() (name, value string, err error) {
	if name = x.name(); name == "" {
		return "", "", x.fault("want an attribute, > or /> in a tag")
	}
	x.blank()
	if !strings.HasPrefix(x.text[x.at:], "=") {
		return "", "", x.fault("want = behind the attribute %s", shorten(name))
	}
	x.advance(1)
	x.blank()
	rest := x.text[x.at:]
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return "", "", x.fault("want a quoted value of the attribute %s", shorten(name))
	}
	end := strings.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return "", "", x.cut("an attribute")
	}
	line := x.line
	raw := x.advance(end + 2)
	if strings.IndexByte(raw, '<') >= 0 {
		return "", "", x.fault("< in the attribute %s", shorten(name))
	}
	value, err = unescape(raw[1:len(raw)-1], line)
	return name, value, err
}

func (x *xmlReader) blank() (any bool) {
	n := len(x.text[x.at:]) - len(skipBlank(x.text[x.at:]))
	x.advance(n)
	return n > 0
}

// name reads a name in ASCII, which those of all makers are; empty: there is none.
func (x *xmlReader) name() string {
	n := 0
	for _, c := range []byte(x.text[x.at:]) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (n == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':')) {
			break
		}
		n++
	}
	return x.advance(n)
}

// unescape replaces entities and characters by number in text that begins in a line.
func unescape(raw string, line int) (string, error) {
	if strings.IndexByte(raw, '&') < 0 {
		return raw, nil
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(raw, "&")
		b.WriteString(before)
		line += strings.Count(before, "\n")
		if !found {
			return b.String(), nil
		}
		name, rest, found := strings.Cut(after, ";")
		r := entity(name)
		if !found || r == 0 {
			return "", fmt.Errorf("line %d: & that begins no entity known here; in a value it is written &amp;", line)
		}
		b.WriteRune(r)
		raw = rest
	}
}

// entity is the character that an entity stands for; 0: none that may stand in a value.
func entity(name string) rune {
	switch name {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	digits, numbered := strings.CutPrefix(name, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	r := rune(n)
	if !numbered || err != nil || !utf8.ValidRune(r) || r == utf8.RuneError || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7F && r <= 0x9F {
		return 0
	}
	return r
}
