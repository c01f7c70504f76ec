package spool

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tipring/internal/durable/fakedisk"
)

func full() Record {
	return Record{
		ID: "20261122-080000-0a1b2c", Seq: 7, Created: fixed(), Ended: fixed().Add(time.Hour), Direction: Out, Kind: Machine,
		Port: 1, Line: 2, Peer: "+49 30 123", CallerID: "555", State: Queued, Tries: 2, NextTry: fixed().Add(time.Minute),
		Interrupted: 1, Untried: 3, FirstPage: 1, PageCount: 2, Octets: 4711,
		Taken: []Page{{N: 1, Result: Confirmed}}, Pages: []Page{{N: 1, Result: Confirmed, Rows: 1145, BadRows: 2, Rate: 9600, Resolution: "fine", Repairs: 1, What: "rate lowered"}},
		Rate: 14400, ECM: true, Transport: "t38", RemoteID: "far", Error: "no answer", CalledNumberResult: CalledSuccess,
		Session: "s", Related: "r", CDRInfo: "c", ANI: "a", CSID: "i", Uncertain: true, Committing: true, Accepted: true,
		NotifyDn: true, NotifyNdn: true, NoticeDue: true, About: "x", SIPCallID: "b2c@host", Sender: "+1 555",
	}
}

func TestRecordIsReadAsItWasWritten(t *testing.T) {
	r := full()
	data, err := r.encode()
	must(t, err)
	got, err := decode(r.ID, data)
	must(t, err)
	if !reflect.DeepEqual(got, r) {
		t.Errorf("%+v\nwant\n%+v", got, r)
	}
	for i := range reflect.TypeFor[Record]().NumField() {
		if reflect.ValueOf(r).Field(i).IsZero() {
			t.Errorf("%s is not tested", reflect.TypeFor[Record]().Field(i).Name)
		}
	}
}

// However much is known of a fax, its record has a bound; the pages told last stay.
func TestRecordHasABound(t *testing.T) {
	r := full()
	r.Error, r.Peer = strings.Repeat("\x00ä\n", 100000), strings.Repeat("1", 100000)
	r.Pages, r.Taken = nil, nil
	for n := range 5000 {
		p := Page{N: n + 1, Result: Confirmed, What: strings.Repeat("\"", 1000)}
		r.Pages, r.Taken = append(r.Pages, p), append(r.Taken, p)
	}
	data, err := r.encode()
	must(t, err)
	got, err := decode(r.ID, data)
	must(t, err)
	if len(data) > maxRecord || len(got.Error) > maxLong || len(got.Peer) != maxLong || got.Pages[len(got.Pages)-1].N != 5000 {
		t.Errorf("%d octets; %d, %d, %d pages", len(data), len(got.Error), len(got.Peer), len(got.Pages))
	}
	if strings.ContainsAny(got.Error, "\x00\n") {
		t.Errorf("%q", got.Error)
	}
}

// An address may be long, and is dialled as it was given.
func TestLongAddress(t *testing.T) {
	to := "sip:" + strings.Repeat("6", 240) + "@example.com"
	s := opened(t, t.TempDir(), Config{})
	if r := submit(t, s, Meta{Peer: to}, small(1)); r.Peer != to {
		t.Errorf("to %s, want %s", r.Peer, to)
	}
	must(t, s.Close())
}

// Faxes that are not as they were written are set aside, each with its reason; those of a
// later version stay. The others are there.
func TestDamagedFaxes(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{})
	var ids []string
	for range 8 {
		ids = append(ids, submit(t, s, Meta{Peer: "1"}, small(1)).ID)
	}
	must(t, s.Close())
	record := func(n int) string { return filepath.Join(dir, ids[n], recordFile) }
	read := func(n int) []byte {
		data, err := os.ReadFile(record(n))
		must(t, err)
		return data
	}
	must(t, os.WriteFile(record(0), read(0)[:100], 0o600))
	must(t, os.Remove(record(1)))
	must(t, os.Remove(filepath.Join(dir, ids[2], documentFile)))
	must(t, os.WriteFile(filepath.Join(dir, ids[3], documentFile), []byte("II*\x00\xff\xff\x00\x00"), 0o600))
	must(t, os.WriteFile(record(4), read(5), 0o600)) // another's
	_, body, _ := strings.Cut(string(read(6)), "\n")
	must(t, os.WriteFile(record(6), sealRecord(2, []byte(body)), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "something.else"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "20261122-080000-ffffff.new"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "20261122-080000-ffffff.new", "upload"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, ids[7], "record.new"), nil, 0o600))

	s, r, err := Open(dir, Config{})
	must(t, err)
	if len(r.Damaged) != 5 || r.Aside != 5 || len(r.Newer) != 1 || len(r.Unread)+len(r.Unwritten) > 0 || len(r.Lines()) != 6 {
		t.Errorf("%+v", r)
	}
	if list := s.List(); len(list) != 2 || list[0].ID != ids[5] || list[1].ID != ids[7] {
		t.Errorf("%+v", list)
	}
	must(t, s.Close())
	s, r, err = Open(dir, Config{})
	must(t, err)
	if len(r.Damaged) != 0 || r.Aside != 5 || len(s.List()) != 2 {
		t.Errorf("once more: %+v", r)
	}
	must(t, s.Close())
	for name, want := range map[string]bool{
		"something.else": true, "20261122-080000-ffffff.new": false, ids[6]: true, ids[0] + badSuffix: true, filepath.Join(ids[7], "record.new"): false,
	} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A delivery that ends the program each time is not tried for ever.
func TestFaxThatTakesTheProgramWithIt(t *testing.T) {
	m := newModel()
	for n := range mostInterrupted + 2 {
		s, _, err := open(m, where, Config{Now: fixed})
		must(t, err)
		if n == 0 {
			e, err := s.admit(Meta{Kind: Machine, Port: 1, NotifyNdn: true}.record())
			must(t, err)
			must(t, s.accept(e, func(dir string) error {
				s.mu.Lock()
				defer s.mu.Unlock()
				e.State, e.Accepted = Queued, true
				return nil
			}))
		}
		r := s.List()[0]
		want := Queued
		if n > mostInterrupted {
			want = Failed
		}
		if r.State != want || r.Interrupted != n || r.NoticeDue != (want == Failed) {
			t.Errorf("start %d: %+v", n, r)
		}
		_, err = s.change(r.ID, func(r *Record) { r.State, r.Tries = Dialling, r.Tries+1 })
		must(t, err)
		must(t, s.save(r.ID))
		m = m.crash(m.Done(), fakedisk.Keeps(0))
	}
}

// A clock that was far ahead when a try was planned holds no fax.
func TestClockThatWasWrong(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{Now: fixed})
	r := submit(t, s, Meta{Peer: "1"}, small(1))
	_, err := s.change(r.ID, func(r *Record) { r.NextTry = fixed().AddDate(70, 0, 0) })
	must(t, err)
	must(t, s.save(r.ID))
	must(t, s.Close())
	s = opened(t, dir, Config{Now: fixed})
	if r, err := s.Get(r.ID); err != nil || !r.NextTry.Equal(fixed()) {
		t.Errorf("%+v, %v", r, err)
	}
	must(t, s.Close())
}

func TestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"20261122-080000-0a1b2c": true, "": false, ".": false, "..": false, "a/b": false, "a.new": false, "A": false, strings.Repeat("a", 41): false, "ä": false,
	} {
		if validID(id) != want {
			t.Errorf("%q", id)
		}
	}
}

// A record of any content is read or refused; what is read is written and read the same.
func FuzzRecord(f *testing.F) {
	r := full()
	data, err := r.encode()
	if err != nil {
		f.Fatal(err)
	}
	_, body, _ := strings.Cut(string(data), "\n")
	f.Add([]byte(body))
	f.Add([]byte(`{"ID":"20261122-080000-0a1b2c","State":"sent","Kind":"notice","Direction":"in"}`))
	f.Add([]byte(`{"ID":"20261122-080000-0a1b2c","State":"sent","Kind":"notice","Direction":"in","FirstPage":1}`))
	f.Add([]byte(`{"ID":"../../etc","Pages":[{"N":1e99}]}`))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, file := range [][]byte{body, sealRecord(recordVersion, body)} {
			r, err := decode("20261122-080000-0a1b2c", file)
			if err != nil {
				if !errors.Is(err, ErrBroken) && !errors.Is(err, ErrNewer) {
					t.Errorf("%v", err)
				}
				continue
			}
			data, err := r.encode()
			if err != nil {
				t.Fatal(err)
			}
			if len(data) > maxRecord {
				t.Errorf("%d octets", len(data))
			}
			again, err := decode(r.ID, data)
			if err != nil {
				t.Fatalf("what was written is not read: %v", err)
			}
			if again.State != r.State || again.Peer != r.Peer || again.PageCount != r.PageCount || !again.Created.Equal(r.Created) {
				t.Errorf("%+v, want %+v", again, r)
			}
		}
	})
}

// A document of any content is cut or refused.
func FuzzCut(f *testing.F) {
	var tb testing.TB = f
	whole := tiffOf(tb, small(1), small(2))
	f.Add(whole, 1)
	f.Add(whole[:len(whole)/2], 2)
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00"), 9)
	f.Fuzz(func(t *testing.T, data []byte, pages int) {
		m := newModel()
		must(t, create(m, "/x", data))
		if err := cut(m, "/x", max(1, min(pages, 300))); err == nil {
			after, err := m.Read("/x", 1<<30)
			must(t, err)
			if len(after) != len(data) {
				t.Errorf("%d octets, were %d", len(after), len(data))
			}
		}
	})
}
