// Package syslog runs rsyslog as a provider's syslog server, and reads what it made of
// the messages it received.
package syslog

import (
	"bytes"
	_ "embed" // the configuration template
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"tipring/tools/peers/netlab"
)

// A Server is a running rsyslog that takes RFC 5424 over UDP on port 514, and nothing else.
type Server struct {
	*netlab.Process
	Host *netlab.Host

	t   netlab.T
	dir string
}

//go:embed rsyslog.conf.tmpl
var configuration string

var tmpl = template.Must(template.New("rsyslog.conf").Parse(configuration))

// Start runs a server on a host and returns when it listens.
func Start(t netlab.T, host *netlab.Host) *Server {
	t.Helper()
	s := &Server{Host: host, t: t, dir: netlab.WorkDir(t)}
	s.Restart()
	return s
}

// Restart runs the server again after Kill. What it received before is still there.
func (s *Server) Restart() {
	s.t.Helper()
	var text bytes.Buffer
	conf := filepath.Join(s.dir, "rsyslog.conf")
	err := tmpl.Execute(&text, map[string]string{"Dir": s.dir})
	if err == nil {
		err = os.WriteFile(conf, text.Bytes(), 0o600)
	}
	if err != nil {
		s.t.Fatalf("rsyslog: %v", err)
	}
	s.Process = s.Host.Start(s.dir, "rsyslogd", "-n", "-f", conf, "-i", filepath.Join(s.dir, "pid"))
	if !netlab.Until(10*time.Second, s.listens) {
		s.t.Fatalf("rsyslog on %s does not listen:\n%s", s.Host.Name, s.Tail(15))
	}
}

func (s *Server) listens() bool {
	out, err := s.Host.Run("ss", "-Hlun", "sport = :514")
	return err == nil && out != ""
}

// A Message is what rsyslog found in a datagram.
type Message struct {
	Version  string `json:"protocol-version"`
	Facility string `json:"syslogfacility-text"`
	Severity string `json:"syslogseverity-text"`
	Time     string `json:"timereported"`
	Host     string `json:"hostname"`
	App      string `json:"app-name"`
	ProcID   string `json:"procid"`
	MsgID    string `json:"msgid"`
	Text     string `json:"msg"`
	FromHost string `json:"fromhost-ip"`
	SD       string `json:"elements"` // structured data, as JSON

	Elements  map[string]map[string]string `json:"-"` // of SD: parameters by SD-ID and name
	Malformed string                       `json:"-"` // why it could not be read; empty: it could
}

// Messages are those received so far, oldest first.
func (s *Server) Messages() []Message {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "received"))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatalf("rsyslog: %v", err)
	}
	var all []Message
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		var m Message
		if err := json.Unmarshal(line, &m); err != nil {
			m.Malformed = fmt.Sprintf("%v: %s", err, line)
		}
		if err := json.Unmarshal([]byte(m.SD), &m.Elements); m.SD != "" && err != nil {
			m.Malformed = fmt.Sprintf("%v: %s", err, m.SD)
		}
		all = append(all, m)
	}
	return all
}
