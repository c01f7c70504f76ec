package format

import (
	"fmt"
	"strconv"
	"strings"

	"tipring/internal/config"
)

// fanvilModules reads the older XML form: VOIP_CONFIG_FILE with SIP_CONFIG_MODULE and the
// like in it, lists of entries with an ID, and the text form's names with underscores.
func (t *translation) fanvilModules(root *node) error {
	t.begin(&fanvil, FanvilXML)
	for _, module := range root.kids {
		if strings.EqualFold(module.name, "version") {
			t.file.Version = module.text
			continue
		}
		if len(module.kids) == 0 {
			t.note(module.line, module.name, "an item outside of any module")
			continue
		}
		if err := t.fanvilModule(module); err != nil {
			return err
		}
	}
	t.translate(idleFanvil)
	return nil
}

func (t *translation) fanvilModule(module *node) error {
	part := fanvilPart(module.name)
	for _, n := range module.kids {
		switch {
		case len(n.kids) == 0:
			if err := t.add(0, partOr(part, module.name)+"/"+n.name, n.name, n.text, n.line); err != nil {
				return err
			}
		case part == "sip" && n.name == "SIP_Line_List":
			if err := t.fanvilLineList(n); err != nil {
				return err
			}
		default:
			t.strangers(n, n.name)
		}
	}
	return nil
}

func partOr(part, name string) string {
	if part != "" {
		return part
	}
	return name
}

func (t *translation) fanvilLineList(list *node) error {
	for _, entry := range list.kids {
		id := entry.kid("ID")
		var number int
		if id != nil {
			number = lineNumber(strings.TrimPrefix(id.text, "SIP"))
		}
		if number == 0 {
			return fmt.Errorf("line %d: %s without an ID of SIP1 to SIP%d", entry.line, entry.name, config.MaxNumber)
		}
		if err := t.fanvilLineItems(number, entry, id); err != nil {
			return err
		}
	}
	return nil
}

func (t *translation) fanvilLineItems(number int, entry, id *node) error {
	for _, n := range entry.kids {
		shown := fmt.Sprintf("SIP%d %s", number, n.name)
		switch {
		case n == id:
		case len(n.kids) > 0:
			t.strangers(n, shown)
		default:
			if err := t.add(number, n.name, shown, n.text, n.line); err != nil {
				return err
			}
		}
	}
	return nil
}

// lineNumber reads 1 to config.MaxNumber; 0: it is none.
func lineNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > config.MaxNumber || strconv.Itoa(n) != text {
		return 0
	}
	return n
}

// strangers lists the items of a group that has no place in the table.
func (t *translation) strangers(group *node, path string) {
	for _, n := range group.kids {
		if len(n.kids) > 0 {
			t.strangers(n, path+"/"+n.name)
			continue
		}
		t.note(n.line, path+"/"+n.name, "not known")
	}
}

// fanvilSysConf reads the newer XML form: short groups, lines with an index, and the text
// form's names without blanks.
func (t *translation) fanvilSysConf(root *node) error {
	t.begin(&fanvil, FanvilSysConf)
	for _, group := range root.kids {
		if len(group.kids) == 0 {
			if strings.EqualFold(group.name, "Version") {
				t.file.Version = group.text
			} else {
				t.note(group.line, group.name, "not known")
			}
			continue
		}
		part := fanvilPart(group.name)
		if part == "" {
			t.strangers(group, group.name)
			continue
		}
		if err := t.fanvilGroup(part, group); err != nil {
			return err
		}
	}
	t.translate(idleFanvil)
	return nil
}

// fanvilGroup reads sip, mm or ap. ap has groups within it whose items are its own.
func (t *translation) fanvilGroup(part string, group *node) error {
	for _, n := range group.kids {
		var err error
		switch {
		case len(n.kids) == 0 && n.name != "line":
			err = t.add(0, part+"/"+n.name, group.name+"/"+n.name, n.text, n.line)
		case part == "sip" && n.name == "line":
			number := lineNumber(n.index)
			if number == 0 {
				return fmt.Errorf("line %d: <line> without an index of 1 to %d", n.line, config.MaxNumber)
			}
			err = t.fanvilLineItems(number, n, nil)
		case part == "ap":
			err = t.fanvilGroup(part, n)
		default:
			t.strangers(n, group.name+"/"+n.name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
