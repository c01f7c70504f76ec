package web

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"tipring/webui/api"
	"tipring/webui/pages"
)

// formTargets are the pages that take forms, with values in the places of {names}.
func formTargets() (all []target) {
	values := strings.NewReplacer("{n}", "1", "{id}", "1", "{number}", "600", "{name}", "admin")
	a := api.New(nil, nil, slog.New(slog.DiscardHandler))
	programs := len(a.Routes())
	pages.Add(a, nil)
	for _, r := range a.Routes()[programs:] {
		if r.Method != http.MethodGet {
			all = append(all, target{r.Method, values.Replace(r.Path), r.For.String()})
		}
	}
	return all
}

// over is n octets of a text, again and again.
func over(text string, n int64) io.Reader {
	return io.LimitReader(again(text), n)
}

// again is a text without an end.
type again string

func (a again) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], a)
	}
	return n, nil
}

// Whoever posts 64 MiB at a page is told that it is too much, and takes neither memory nor disk.
func TestFloodedForms(t *testing.T) {
	t.Parallel()
	s := besiege(t, nil)
	s.owner.must(201, "POST", "/api/v1/users", map[string]string{"name": "guest", "role": "user", "password": "a guest's word"})
	guest := s.visitor(s.people)
	guest.logIn("guest", "a guest's word")
	before, highest := s.state(), s.memory("VmHWM")
	temp := tempFiles(t)
	statuses := map[int]int{}
	for _, v := range []*visitor{guest, s.owner, s.visitor(s.beyond)} {
		for _, x := range formTargets() {
			for media, text := range map[string]string{
				"application/x-www-form-urlencoded": "a=1&b=2&",
				"multipart/form-data; boundary=b":   "--b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"x\"\r\n\r\n" + strings.Repeat("x", 60000) + "\r\n",
				"text/plain":                        "x",
				"application/json":                  `{"a":`,
			} {
				if x.path == "/logout" {
					continue // it takes none, and ends the session
				}
				switch got := v.flood(x, media, over(text, 64<<20)); got {
				case 400, 401, 403, 413, 415, 422, 0: // 0: it was cut off while it went on
					statuses[got]++
				default:
					t.Errorf("%s %s, 64 MiB of %s: %d", x.method, x.path, media, got)
				}
			}
		}
	}
	t.Logf("statuses: %v; at most %d KiB in memory, %d before", statuses, s.memory("VmHWM"), highest)
	if statuses[413] < 10 || statuses[415] < 10 {
		t.Error("the forms were not refused for what they are")
	}
	if more := s.memory("VmHWM") - highest; more > 24<<10 {
		t.Errorf("they took %d KiB", more)
	}
	if after := tempFiles(t); after != temp {
		t.Errorf("files that were not there: %s, before %s", after, temp)
	}
	s.unchanged(before)
}

// flood posts a body; 0: the device did not hear it to the end, nor the visitor what it says.
func (v *visitor) flood(x target, media string, body io.Reader) int {
	v.s.t.Helper()
	r, err := http.NewRequest(x.method, v.base+x.path, body)
	if err != nil {
		v.s.t.Fatal(err)
	}
	for _, c := range v.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	r.Header.Set("Content-Type", media)
	r.ContentLength = 64 << 20
	res, err := v.http.Do(r)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// tempFiles names what net/http keeps of forms on the disk.
func tempFiles(t *testing.T) string {
	t.Helper()
	all, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range all {
		if strings.HasPrefix(f.Name(), "multipart-") {
			names = append(names, f.Name())
		}
	}
	return strings.Join(names, " ")
}
