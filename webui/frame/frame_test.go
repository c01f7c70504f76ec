package frame

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"go.uber.org/goleak"

	"tipring/webui/api"
	"tipring/webui/part"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write testdata anew")

// with draws components one behind the other as the children of a part.
func with(outer templ.Component, children ...templ.Component) templ.Component {
	return part.Draw(func(p *part.Page) {
		p.Around(outer, func(p *part.Page) {
			for _, c := range children {
				p.Put(c)
			}
		})
	})
}

var text = func(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, templ.EscapeString(s))
		return err
	})
}

// sample draws every part once, with say as each text that comes from outside.
func sample(say string) templ.Component {
	moment := api.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	rows := TableView{ID: "live", Caption: say, Columns: []string{say, "b"}, List: "call", Gone: "ended", First: true, Max: 20}
	loss, view := 0.44, View{Title: say, Path: "/", Lead: say, Up: Link{"/calls", say}, Visitor: api.Visitor{Name: say, Role: api.Admin, Via: "session"}, Actions: Button("primary", say), menu: menu}
	field := func(kind string) templ.Component {
		return FieldRow(Field{Name: "n-" + kind, Label: say, Type: kind, Value: say, Options: []Option{{say, say}, {"2", "two"}}, Unit: say, Hint: say, Help: say, Source: say, Error: say, Warn: say,
			Min: api.Number(1), Max: api.Number(9), MaxLength: 40, Placeholder: say, Autocomplete: "off", Mode: "tel", Required: true, ReadOnly: true, Disabled: true, Focus: true})
	}
	return with(Layout(view),
		Tabs("/a", []Tab{{"/a", say}, {"/b", "B"}}),
		with(Alert("info", say), text(say)), Alert("good", say), Alert("warn", say), Alert("bad", say),
		with(Cards(),
			with(Card(say, Badge("state", "registered", LineStates)),
				with(Facts(), FactText(say, say), FactText("none", ""), with(Fact("live"), Live("quality.loss_pct", "pct", Pct(&loss))),
					with(Fact("since"), Time("since", moment), Time("", api.Time{})), with(Fact("lasts"), Elapsed("answered", api.Time{}))),
				with(If("failback_in_s", true), Countdown("failback_in_s", api.Number(245)), Countdown("failback_in_s", nil)),
				with(ButtonRow(), FormPost(Post{Action: "/x", Look: "danger", Text: say, Name: "n", Value: say, Confirm: say, Disabled: true}), ButtonLink("quiet", say, "/x?"+say)),
			),
			with(CardOf(CardView{Title: say, Href: "/x", State: Tag("warn", say), Live: "call/" + say, Key: say, Look: "call", Tone: say, Attr: "state"}), Badge("", say, LineStates), Word("server", "primary", Servers)),
			with(CardOf(CardView{}), Progress(say, 1, 3, "progress.rows", "progress.of"), Progress(say, 0, 0, "", "")),
		),
		with(Empty(say), ButtonLink("plain", say, "/")),
		with(Form("/post"), with(Group(say), with(Fields(), field("text"), field("number"), field("password"), field("checkbox"), field("select"), field("textarea"), FieldRow(Field{Name: "bare", ID: "other", Label: say}))),
			with(Columns(), Hidden("h", say)), with(ButtonRow(), ButtonNamed("primary", say, "do", say), Button("plain", say))),
		with(FileForm("/post"), FieldRow(Field{Name: "file", Label: say, Type: "file", Accept: ".pdf"})),
		Filter("t", say),
		with(Table("t", say, "One", say), with(Row(), CellText("One", say), with(Cell(say), text(say))), with(Row(), CellText("One", ""))),
		with(TableOf(rows), with(RowTemplate(), with(LiveRow("call/", ""), CellText(say, say))), RowEmpty(rows, say, true), with(LiveRow("call/"+say, say), CellText(say, say))),
		with(Stats(), with(Stat(say), text(say))), Meter("quality.mos", say, &loss), with(Parts(), text(say)), with(CardOf(CardView{Title: say, Inner: true, Href: "/x", Names: "peer", Leads: "/calls/{id}"})),
	)
}

func draw(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`data-now="[^"]*"`).ReplaceAllString(b.String(), `data-now=""`)
}

// Every part is drawn as the golden page has it.
func TestParts(t *testing.T) {
	got := strings.ReplaceAll(draw(t, sample("Say")), "><", ">\n<") + "\n"
	const file = "testdata/parts.html"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the parts are drawn otherwise than %s has them; -update writes it anew:\n%s", file, got)
	}
}

// No text gets out of where it stands: the tags of a page are the same whatever is said.
func TestPartsEscape(t *testing.T) {
	tags := regexp.MustCompile(`<[^>]*>`)
	shape := func(say string) string {
		var b strings.Builder
		for _, tag := range tags.FindAllString(draw(t, sample(say)), -1) {
			b.WriteString(regexp.MustCompile(`="[^"]*"`).ReplaceAllString(tag, "=") + "\n")
		}
		return b.String()
	}
	want := shape("Say")
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `" autofocus onfocus="alert(1)`,
		"</textarea><script>", "</title><script>", "<!--", "]]>", "a\x00b", "a|b=c", "\u2028", "&lt;script&gt;", "javascript:alert(1)", "{{7*7}}",
	} {
		if got := shape(hostile); got != want {
			t.Errorf("%q changes the page", hostile)
		}
	}
}

// Where an address comes from data it cannot become a script.
func TestLinksLeadToPages(t *testing.T) {
	if got := draw(t, ButtonLink("quiet", "x", "javascript:alert(1)")); strings.Contains(got, "javascript:") {
		t.Error(got)
	}
}

// The menu has what is there for its visitor, and marks where he is.
func TestMenu(t *testing.T) {
	a := api.New(nil, nil, slog.New(slog.DiscardHandler))
	s := &Site{API: a}
	nothing := func(http.ResponseWriter, *http.Request) {}
	a.HandlePages(s.Refuse, api.Route{Method: "GET", Path: "/", For: api.User, Handle: nothing}, api.Route{Method: "GET", Path: "/calls", For: api.User, Handle: nothing},
		api.Route{Method: "GET", Path: "/radius", For: api.Admin, Handle: nothing}, api.Route{Method: "POST", Path: "/system", For: api.User, Handle: nothing})
	for _, tt := range []struct {
		role api.Role
		want string
	}{{api.Admin, "Status Calls RADIUS"}, {api.User, "Status Calls"}, {api.Anyone, ""}} {
		var got []string
		for _, e := range s.menuOf(api.Visitor{Role: tt.role}) {
			got = append(got, e.english)
		}
		if g := strings.Join(got, " "); g != tt.want {
			t.Errorf("%v: got %q, want %q", tt.role, g, tt.want)
		}
	}
	for _, tt := range []struct{ path, want string }{
		{"/", "/"}, {"/calls", "/calls"}, {"/calls/a1", "/calls"}, {"/callsx", ""}, {"/line/2/basic", "/line/1/sip"}, {"/ports/1", "/ports"}, {"/system/log", "/system"}, {"/login", ""},
	} {
		got := ""
		for _, e := range menu {
			if e.current(tt.path) {
				got += e.href
			}
		}
		if got != tt.want {
			t.Errorf("%s: marks %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestFormats(t *testing.T) {
	v, rate := 3.14159, 14400
	for _, tt := range []struct{ got, want string }{
		{Pct(&v), "3.1 %"}, {Pct(nil), ""}, {MS(&v), "3 ms"}, {MOS(&v), "3.1"}, {Bitrate(&rate), "14400 bit/s"}, {Bitrate(nil), ""}, {Num(&rate), "14400"}, {Num(nil), ""},
		{MAC("0004f2a1b2c3"), "00:04:F2:A1:B2:C3"}, {MAC("auto"), "auto"}, {MAC(""), ""},
		{Duration(-1), "0:00"}, {Duration(245), "4:05"}, {Duration(3845), "1:04:05"}, {Duration(3*86400 + 3845), "3 d 1:04:05"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

// Files come with a tag, and only once to who keeps them.
func TestFiles(t *testing.T) {
	for _, f := range (&Site{}).Files() {
		w := httptest.NewRecorder()
		f.Handle(w, httptest.NewRequest("GET", f.Path, nil))
		tag := w.Header().Get("ETag")
		if w.Code != 200 || w.Body.Len() == 0 || tag == "" {
			t.Errorf("%s: %d, tag %q", f.Path, w.Code, tag)
		}
		r := httptest.NewRequest("GET", f.Path, nil)
		r.Header.Set("If-None-Match", tag)
		w = httptest.NewRecorder()
		if f.Handle(w, r); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("%s again: %d", f.Path, w.Code)
		}
	}
}

func TestAPageThatCannotBeDrawnIsNoHalfPage(t *testing.T) {
	fails := templ.ComponentFunc(func(context.Context, io.Writer) error { return errors.New("out of ink") })
	rec := httptest.NewRecorder()
	new(Site).Show(rec, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, with(Layout(View{Title: "Page"}), with(Cards(), fails)))
	if body := rec.Body.String(); rec.Code != http.StatusInternalServerError || body != "the page could not be drawn: out of ink\n" {
		t.Errorf("%d: %s", rec.Code, body)
	}
}

// A clock shows the device's time to the second, and the day where it is another one.
func TestClock(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 4, 5, 0, time.Local)
	for _, tt := range []struct {
		at   time.Time
		want string
	}{
		{now.Add(-time.Second), "15:04:04"}, {now.UTC(), "15:04:05"}, {now.AddDate(0, 0, -1), "2026-11-21 15:04:05"}, {time.Time{}, "–"},
	} {
		if got := clock(t.Context(), api.At(tt.at), now); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.at, got, tt.want)
		}
	}
}

// Every time of a page is in the zone that the device is said to be in.
func TestZone(t *testing.T) {
	east := time.FixedZone("", 5*3600)
	at := api.At(time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	rec := httptest.NewRecorder()
	s := &Site{Zone: func() *time.Location { return east }}
	s.Show(rec, r, http.StatusOK, with(Layout(View{Visitor: api.Visitor{Role: api.User}}), Time("", at), Clock("", at)))
	body := rec.Body.String()
	if n := strings.Count(body, ">2026-03-02 04:00:00</time>"); n != 2 || !regexp.MustCompile(`data-now="[^"]*\+05:00"`).MatchString(body) {
		t.Error(body)
	}
}
