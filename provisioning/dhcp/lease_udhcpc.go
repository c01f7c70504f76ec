package dhcp

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// readUdhcpc reads what etc/udhcpc-tipring.sh wrote: busybox's udhcpc keeps nothing itself.
// Times are counted from the system's start, since a router has no clock when it gets
// its lease. The last line is end.
func readUdhcpc(f file) ([]Found, error) {
	text := strings.TrimRight(string(f.data), "\n")
	if !strings.HasSuffix(text, "\nend") {
		return nil, errors.New("damaged: cut short")
	}
	f.data = []byte(strings.TrimSuffix(text, "\nend"))
	list, err := assignments(f)
	if err != nil {
		return nil, err
	}
	l := Found{Options: Options{}}
	age := time.Duration(-1)
	for _, a := range list {
		switch a.name {
		case "interface":
			l.Interface = a.value
		case "uptime":
			age, err = since(a.value, f.root)
			l.Obtained = f.now.Add(-age)
		case "lease":
			var n uint64
			n, err = strconv.ParseUint(a.value, 10, 32)
			l.Expires = expiry(l.Obtained, uint32(n))
		default:
			err = l.udhcpcOption(a.name, a.value)
		}
		if err != nil {
			return nil, fmt.Errorf("damaged: %s: %w", a.name, err)
		}
	}
	if age < 0 {
		return nil, errors.New("damaged: it does not tell its age")
	}
	return []Found{l}, nil
}

// udhcpcOption takes one variable of udhcpc's script. It writes an option in hex digits
// unless it has a name for it.
func (l *Found) udhcpcOption(name, value string) error {
	switch name {
	case "tftp":
		// udhcpc writes bad for whatever is no host name, such as a URL.
		if value == "bad" {
			l.Lost = append(l.Lost, optServer)
			return nil
		}
		l.Options[optServer] = []byte(value)
	case "bootfile":
		l.Options[optBootFile] = []byte(value)
	case "sname":
		l.Options.unlessSet(optServer, value)
	case "boot_file":
		l.Options.unlessSet(optBootFile, value)
	case "sipsrv":
		if v := sipEncoded(value); v != nil {
			l.Options[optSIP] = v
		}
	default:
		if n, ok := strings.CutPrefix(name, "opt"); ok {
			return l.Options.setNumbered(n, value)
		}
	}
	return nil
}

func (o Options) unlessSet(code byte, value string) {
	if o[code] == nil {
		o[code] = []byte(value)
	}
}

// sipEncoded makes option 120 (RFC 3361) of what udhcpc read in it: names, or addresses.
func sipEncoded(words string) []byte {
	list := strings.Fields(words)
	if v := sipAddresses(list); v != nil {
		return v
	}
	v := []byte{0}
	for _, name := range list {
		for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
			if label == "" || len(label) > 63 {
				return nil
			}
			v = append(append(v, byte(len(label))), label...)
		}
		v = append(v, 0)
	}
	return v
}

// since is the time from an uptime, in whole seconds, to the system's present one.
func since(then, root string) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(root, "proc/uptime"))
	if err != nil {
		return 0, err
	}
	present, _, _ := strings.Cut(string(text), ".")
	a, err1 := strconv.ParseUint(then, 10, 31)
	b, err2 := strconv.ParseUint(present, 10, 31)
	switch {
	case err1 != nil || err2 != nil:
		return 0, errors.New("no number")
	case a > b:
		return 0, errors.New("written before the system was last started")
	}
	return time.Duration(b-a) * time.Second, nil
}
