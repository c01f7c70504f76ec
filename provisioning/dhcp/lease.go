package dhcp

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNoLease says that no DHCP client of the system has a current lease that can be read.
var ErrNoLease = errors.New("no current lease of a DHCP client was found")

// A Found is a lease of the system's DHCP client.
type Found struct {
	Options   Options   // as far as the client keeps them
	Lost      []byte    // options of ours which it had, but does not keep whole
	Client    string    // systemd-networkd, NetworkManager, dhclient, dhcpcd or udhcpc
	Interface string    // empty where the file does not tell
	File      string    // its path below root
	Obtained  time.Time // or last renewed, as far as the client tells
	Expires   time.Time // zero: never, or not told
	Notes     []string  // files that were passed over, and why
}

// Lease returns the options of the newest lease that an interface has; see Find.
func Lease(root, iface string) (Options, error) {
	f, err := Find(root, iface, time.Now())
	return f.Options, err
}

// Find reads what the system's DHCP clients keep on disk and returns the newest lease
// of the interface, or of any without a name, that is current at now. root is / on a
// device. Clients keep only what they asked for: a lease without an Offer does not mean
// that the server has none, and Inform asks. A file that is damaged, too long or
// out of date is passed over and noted. Without a lease the error wraps ErrNoLease.
func Find(root, iface string, now time.Time) (Found, error) {
	s := search{root: root, iface: iface, now: now}
	if strings.ContainsAny(iface, `/*?[\`) || strings.HasPrefix(iface, ".") {
		return Found{}, fmt.Errorf("%q is no interface's name", iface)
	}
	for _, c := range clients {
		for _, pattern := range c.files {
			s.look(c, pattern)
		}
	}
	if len(s.leases) == 0 {
		err := ErrNoLease
		if iface != "" {
			err = fmt.Errorf("interface %s: %w", iface, ErrNoLease)
		}
		if len(s.notes) > 0 {
			err = fmt.Errorf("%w (%s)", err, strings.Join(s.notes, "; "))
		}
		return Found{Notes: s.notes}, err
	}
	best := slices.MaxFunc(s.leases, func(a, b Found) int {
		if poor := len(b.Options) == 0; poor != (len(a.Options) == 0) {
			return order(poor)
		}
		return a.Obtained.Compare(b.Obtained)
	})
	best.Notes = s.notes
	return best, nil
}

func order(first bool) int {
	if first {
		return 1
	}
	return -1
}

// A client is a DHCP client: where it keeps leases, and how they are read. In a path,
// {iface} stands for the interface's name and {index} for its number.
type client struct {
	name  string
	files []string
	read  func(f file) ([]Found, error)
}

var clients = []client{
	{"systemd-networkd", []string{"run/systemd/netif/leases/{index}"}, readNetworkd},
	{"NetworkManager", []string{"var/lib/NetworkManager/internal-" + uuid + "-{iface}.lease"}, readNetworkd},
	{"NetworkManager", []string{"run/NetworkManager/devices/{index}"}, readNetworkManager},
	{"dhclient", []string{
		"var/lib/dhcp/dhclient*.lease*", "var/lib/dhclient/*.lease*", "run/dhclient*.lease*",
		"var/lib/NetworkManager/dhclient-" + uuid + "-{iface}.lease",
	}, readDhclient},
	{"dhcpcd", []string{
		"var/lib/dhcpcd/{iface}.lease", "var/lib/dhcpcd/{iface}-*.lease", "var/lib/dhcpcd/dhcpcd-{iface}.lease",
		"var/lib/dhcpcd5/dhcpcd-{iface}.lease", "var/db/dhcpcd/{iface}.lease", "var/db/dhcpcd/{iface}-*.lease",
	}, readDhcpcd},
	{"udhcpc", []string{"run/tipring/udhcpc-{iface}.lease", "var/run/tipring/udhcpc-{iface}.lease"}, readUdhcpc},
}

const uuid = "????????-????-????-????-????????????"

const (
	maxFiles     = 32        // of one pattern
	maxLeaseFile = 256 << 10 // octets read of one file: its end
)

// A search is one call of Find.
type search struct {
	root, iface string
	now         time.Time
	leases      []Found
	notes       []string
}

func (s *search) note(path string, format string, args ...any) {
	if len(s.notes) < maxNotes {
		s.notes = append(s.notes, path+": "+fmt.Sprintf(format, args...))
	}
}

// look reads the files of one pattern.
func (s *search) look(c client, pattern string) {
	iface, index := "*", "[0-9]*"
	if s.iface != "" {
		iface = s.iface
		if index = s.index(); index == "" && strings.Contains(pattern, "{index}") {
			return
		}
	}
	paths, err := filepath.Glob(filepath.Join(s.root, strings.NewReplacer("{iface}", iface, "{index}", index).Replace(pattern)))
	if err != nil {
		return // a root that is itself a bad pattern
	}
	if len(paths) > maxFiles {
		paths = paths[:maxFiles]
	}
	for _, path := range paths {
		if !s.ofAnother(path) {
			s.file(c, path)
		}
	}
}

// index is the number of the interface, as the kernel tells it.
func (s *search) index() string {
	text, err := os.ReadFile(filepath.Join(s.root, "sys/class/net", s.iface, "ifindex"))
	if err != nil {
		return ""
	}
	index := strings.TrimSpace(string(text))
	if _, err := strconv.ParseUint(index, 10, 31); err != nil {
		return ""
	}
	return index
}

// ofAnother reports a file that the pattern br-*.lease finds and that is interface br-lan's.
func (s *search) ofAnother(path string) bool {
	name, ok := strings.CutSuffix(filepath.Base(path), ".lease")
	if !ok || s.iface == "" || name == s.iface {
		return false
	}
	_, err := os.Stat(filepath.Join(s.root, "sys/class/net", name))
	return err == nil
}

func (s *search) file(c client, path string) {
	shown := "/" + strings.TrimLeft(strings.TrimPrefix(path, filepath.Clean(s.root)), "/")
	f, err := open(path)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			s.note(shown, "%v", cutPath(err))
		}
		return
	}
	f.root, f.now = s.root, s.now
	found, err := c.read(f)
	if err != nil {
		s.note(shown, "%v", err)
	}
	s.current(found, c, shown)
}

// current keeps the leases of the interface that have not expired.
func (s *search) current(found []Found, c client, shown string) {
	late := 0
	for _, l := range found {
		l.Client, l.File = c.name, shown
		switch {
		case s.iface != "" && l.Interface != "" && l.Interface != s.iface:
		case !l.Expires.IsZero() && !s.now.Before(l.Expires):
			late++
		default:
			s.leases = append(s.leases, l)
			late = -len(found)
		}
	}
	if late > 0 {
		s.note(shown, "its lease has expired")
	}
}

func cutPath(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// A file is a lease file's text and when it was written.
type file struct {
	data []byte
	cut  bool // data is not the whole, but its end
	mod  time.Time
	root string
	now  time.Time
}

// open reads a regular file, of a long one the end. It does not wait for a pipe's writer.
func open(path string) (file, error) {
	info, err := os.Stat(path)
	if err != nil {
		return file{}, err
	}
	if !info.Mode().IsRegular() {
		return file{}, errors.New("no regular file")
	}
	r, err := os.Open(path)
	if err != nil {
		return file{}, err
	}
	defer func() { _ = r.Close() }()
	f := file{mod: info.ModTime(), data: make([]byte, min(info.Size(), maxLeaseFile))}
	f.cut = info.Size() > maxLeaseFile
	n, err := r.ReadAt(f.data, max(0, info.Size()-maxLeaseFile))
	if n < len(f.data) {
		return file{}, fmt.Errorf("read: %w", err)
	}
	return f, nil
}

// expiry is the end of a lease time; zero for infinity (RFC 2131 section 3.3).
func expiry(from time.Time, seconds uint32) time.Time {
	if seconds == 1<<32-1 {
		return time.Time{}
	}
	return from.Add(time.Duration(seconds) * time.Second)
}
