package agent

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"tipring/webui/api"
)

// machine is the machine as its people see it.
func (a *Agent) machine() api.Machine {
	now := time.Now()
	m := api.Machine{
		Time: api.At(now), Zone: zoneName(now, a.zone()), Clock: a.clock.show(now),
		UptimeS: int(now.Sub(a.started) / time.Second), Version: a.opts.Version, Go: runtime.Version(), Arch: runtime.GOOS + "/" + runtime.GOARCH,
		Memory: memoryNow("/proc"), Disk: diskOf(a.dir), Network: networks(),
		DNS: readDNS("/etc/resolv.conf"), Gateway: api.Text(gateway("/proc/net")), Load: readLoad("/proc/loadavg"),
	}
	if name, err := os.Hostname(); err == nil {
		m.Hostname = api.Text(name)
	}
	return m
}

// show tells whether the time of day can be believed.
func (c *clock) show(now time.Time) api.Clock {
	floor := time.Unix(0, c.floor.Load())
	s := api.Clock{Set: !now.Before(floor), Source: "system", Floor: api.At(floor)}
	if !s.Set {
		s.Source = "floor"
	}
	return s
}

// zoneName is what people call a time zone: its name, or of a rule how it is abbreviated now.
func zoneName(now time.Time, zone *time.Location) string {
	if name := zone.String(); strings.Contains(name, "/") && !strings.Contains(name, ",") {
		return name
	}
	short, _ := now.In(zone).Zone()
	return short
}

// memoryNow reads what the agent and the machine have, from a proc file system.
func memoryNow(proc string) api.Memory {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	m := api.Memory{}
	if sample[0].Value.Kind() == metrics.KindUint64 {
		m.HeapBytes = int64(sample[0].Value.Uint64())
	}
	m.RSSBytes = readSizes(filepath.Join(proc, "self/status"), "VmRSS")["VmRSS"]
	all := readSizes(filepath.Join(proc, "meminfo"), "MemTotal", "MemAvailable")
	m.TotalBytes, m.FreeBytes = all["MemTotal"], all["MemAvailable"]
	return m
}

// maxProc bounds what is read of one file of the system.
const maxProc = 64 << 10

// eachLine hands the lines of a file of the system to f; a file that is not there has none.
func eachLine(path string, f func(line string)) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	lines := bufio.NewScanner(io.LimitReader(file, maxProc))
	for lines.Scan() {
		f(lines.Text())
	}
}

// readSizes reads lines like "VmRSS:   7432 kB", in octets.
func readSizes(path string, names ...string) map[string]int64 {
	sizes := map[string]int64{}
	eachLine(path, func(line string) {
		for _, name := range names {
			if rest, ok := strings.CutPrefix(line, name+":"); ok {
				kB, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
				if err == nil && kB >= 0 && kB < 1<<50 {
					sizes[name] = kB << 10
				}
			}
		}
	})
	return sizes
}

// readLoad is the load of the last minute.
func readLoad(path string) (load *float64) {
	eachLine(path, func(line string) {
		first, _, _ := strings.Cut(line, " ")
		if v, err := strconv.ParseFloat(first, 64); err == nil && v >= 0 && v < 1e6 && load == nil {
			load = &v
		}
	})
	return load
}

// readDNS lists the servers of a resolv.conf.
func readDNS(path string) (servers []string) {
	eachLine(path, func(line string) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "nameserver" && len(servers) < 8 {
			if _, err := netip.ParseAddr(f[1]); err == nil {
				servers = append(servers, f[1])
			}
		}
	})
	return servers
}

// gateway is the default route's, that of IPv4 where there are both; empty: none.
func gateway(dir string) (at string) {
	eachLine(filepath.Join(dir, "route"), func(line string) {
		f := strings.Fields(line)
		if at == "" && len(f) >= 8 && f[1] == "00000000" && f[7] == "00000000" {
			at = hexAddr4(f[2])
		}
	})
	eachLine(filepath.Join(dir, "ipv6_route"), func(line string) {
		f := strings.Fields(line)
		if at == "" && len(f) >= 10 && f[0] == strings.Repeat("0", 32) && f[1] == "00" {
			at = hexAddr6(f[4])
		}
	})
	return at
}

// hexAddr4 is an address as /proc/net/route has it: in the byte order of the machine.
func hexAddr4(text string) string {
	n, err := strconv.ParseUint(text, 16, 32)
	if err != nil || n == 0 {
		return ""
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], uint32(n))
	return netip.AddrFrom4(b).String()
}

// hexAddr6 is an address as /proc/net/ipv6_route has it.
func hexAddr6(text string) string {
	b, err := hex.DecodeString(text)
	if a, ok := netip.AddrFromSlice(b); err == nil && ok && len(b) == 16 && !a.IsUnspecified() {
		return a.String()
	}
	return ""
}

// networks lists the interfaces but for loopback.
func networks() (list []api.Network) {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			continue
		}
		n := api.Network{Name: i.Name, MAC: api.Text(i.HardwareAddr.String()), Up: i.Flags&net.FlagUp != 0 && i.Flags&net.FlagRunning != 0}
		addresses, _ := i.Addrs() // an interface that has just gone has none
		for _, at := range addresses {
			n.Addresses = append(n.Addresses, at.String())
		}
		list = append(list, n)
	}
	return list
}
