package web

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/browser"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/spandsp"
)

// A faxed is a device with a mailbox whose page a person has open at a desk, and a fax machine
// at the far end.
type faxed struct {
	*faxlab.Lab
	t       *testing.T
	desk    *netlab.Host
	address string
}

func newFaxed(t *testing.T, far func(number string, nth int) faxend.Script) *faxed {
	t.Helper()
	f := &faxed{Lab: faxlab.New(t, 1, far), t: t}
	f.desk = f.Lan.Host("desk", 30)
	f.Config.Set("web", "listen", ":8080").Set("port1", "driver", "none")
	f.Run(1)
	f.address = "http://" + f.Host.Addr.String() + ":8080"
	return f
}

// Parts of a card, or of the page of a fax, that show how far it is.
const (
	growing  = `[data-live^="fax/"] img.page[data-src]`
	rowsDone = `[data-live^="fax/"] [data-field="progress.rows"]`
)

// A growth is what a page that is on its way looked like, each time that it was another.
type growth struct {
	rows, inks []int
	shot       bool
}

// watch looks at the page that is on its way until there is none.
func (g *growth) watch(b *browser.Browser, what string) {
	type sight struct{ Rows, Ink int }
	for end := time.Now().Add(faxlab.Patience); time.Now().Before(end); {
		s := browser.Evaluate[*sight](b, "the page on its way", `(rows, picture) => {
			const r = document.querySelector(rows), p = document.querySelector(picture);
			if (!r || !r.offsetParent) return null;
			let ink = 0;
			if (p && !p.hidden && p.complete && p.naturalHeight) { // what is not sent yet is pale
				const c = document.createElement("canvas"), d = c.getContext("2d");
				c.width = p.naturalWidth; c.height = p.naturalHeight;
				d.drawImage(p, 0, 0);
				const all = d.getImageData(0, 0, c.width, c.height).data;
				for (let i = 0; i < all.length; i += 4) ink += all[i + 3] === 255 && all[i] < 100;
			}
			return {Rows: parseInt(r.innerText) || 0, Ink: ink};
		}`, rowsDone, growing)
		if s == nil {
			if len(g.rows) > 0 {
				return
			}
		} else {
			g.rows, g.inks = grown(g.rows, s.Rows), grown(g.inks, s.Ink)
		}
		if len(g.inks) == 8 && !g.shot {
			g.shot = true
			b.Shoot("fax-growing-" + what)
		}
	}
}

func grown(all []int, n int) []int {
	if n > 0 && (len(all) == 0 || all[len(all)-1] != n) {
		return append(all, n)
	}
	return all
}

// grew wants several sights, each with more of the page.
func (g *growth) grew(t *testing.T, what string) {
	t.Helper()
	if len(g.rows) < 4 || len(g.inks) < 4 {
		t.Errorf("%s: the page was seen with rows %v and as pictures with ink %v, want it to grow", what, g.rows, g.inks)
	}
	for i := 1; i < len(g.rows); i++ {
		if g.rows[i] < g.rows[i-1] {
			t.Errorf("%s: rows go back: %v", what, g.rows)
			break
		}
	}
	for i := 1; i < len(g.inks); i++ {
		// The last row of the picture stands for fewer lines until they are all there, and may be
		// darker than it will be.
		if g.inks[i] < g.inks[i-1]*49/50 {
			t.Errorf("%s: the picture loses ink: %v", what, g.inks)
			break
		}
	}
	t.Logf("%s: rows %v, ink %v", what, g.rows, g.inks)
}

// letterPDF is a document as a PDF of tiff2pdf's.
func letterPDF(t *testing.T, d faxlab.Document) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "letter.pdf")
	if out, err := exec.Command("tiff2pdf", "-o", file, d.File).CombinedOutput(); err != nil {
		t.Fatalf("tiff2pdf: %v: %s", err, out)
	}
	return file
}

// A PDF is faxed from the page, and seen to leave; what arrives is what the page shows. It is
// sent again, and cancelled; and saved.
func TestPDFIsFaxed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFaxed(t, func(number string, nth int) faxend.Script {
		if nth > 1 {
			return faxend.Script{Silent: true}
		}
		return faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, "far"), Options: []string{"--ident", number, "--rate", "9600"}}
	})
	d := faxlab.Document{Pages: []spandsp.Page{spandsp.TextPage(1000, 196, 7)}, File: filepath.Join(dir, "letter.tif")}
	if err := spandsp.WriteTIFF(d.File, "mmr", d.Pages...); err != nil {
		t.Fatal(err)
	}
	b := signedIn(t, f.desk, browser.Desktop, f.Agent, f.address)
	b.Go(f.address + "/fax")
	b.Fill("", "Fax number", "601")
	b.Attach("", "Document", letterPDF(t, d))
	b.Press("Send")
	b.UntilText("h1", "Fax to 601")
	mark(b)
	var g growth
	g.watch(b, "sent")
	g.grew(t, "sent")
	b.UntilText("main", "The far machine has confirmed every page.")
	if !marked(b) {
		t.Error("the page was loaded anew")
	}
	sent := f.Far.WaitFax(time.Second, "601", 1)
	if r, err := sent.Wait(time.Minute); err != nil || !r.OK || r.Pages != 1 {
		t.Errorf("the far end: %+v, %v\n%s", r, err, sent.Story())
	}
	if fault := d.DiffersBelow(sent.Received("t38")); fault != "" {
		t.Errorf("at the far end: %s", fault)
	}
	b.Go(f.address + "/fax")
	b.UntilText("#boxes", "Sent")
	b.Press("601")
	b.UntilText("h1", "Fax to 601")
	b.Until("its picture", `() => { const i = document.querySelector(".sheets img.page"); return i && i.complete && i.naturalHeight > 100; }`)
	b.Shoot("fax-sent")
	same(t, "the page's picture", picture(t, b), d.Pages[0])

	file := b.Save("Save as PDF")
	if out, err := exec.Command("pdftoppm", "-gray", "-r", "204", "-singlefile", file, filepath.Join(dir, "saved")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("pdftoppm: %v: %s", err, out)
	}
	if drawn, err := os.ReadFile(filepath.Join(dir, "saved.pgm")); err != nil || bytes.Count(drawn, []byte{0}) < 10000 {
		t.Errorf("the saved PDF is drawn with %d black pels (%v)", bytes.Count(drawn, []byte{0}), err)
	}

	b.Press("Send again")
	b.Until("the other fax", `() => document.querySelector("main").innerText.includes("Cancel")`)
	f.Far.WaitFax(browser.Patience, "601", 2)
	b.UntilText("main", "Dialling")
	b.Press("Cancel")
	b.UntilText("main", "It was cancelled.")
	if len(b.Asked()) != 1 || !strings.Contains(b.Asked()[0], "Cancel this fax?") {
		t.Errorf("the page asked %q", b.Asked())
	}
	again := faxlab.Faxes(f.Agent, func(f faxlab.Fax) bool { return f.State == "cancelled" })
	if len(again) != 1 {
		t.Errorf("cancelled faxes: %v", again)
	}
	for _, finding := range b.Axe() {
		if finding.Serious() {
			t.Errorf("%v", finding)
		}
	}
	for _, e := range b.Errors() {
		t.Errorf("script: %s", e)
	}
}

// A fax comes into the mailbox while somebody looks: its page appears row by row, and stands in
// the inbox then.
func TestFaxComesIn(t *testing.T) {
	t.Parallel()
	f := newFaxed(t, nil)
	d := faxlab.NewDocument(t, 1, 1100, 8)
	status := signedIn(t, f.desk, browser.Telephone, f.Agent, f.address)
	b := signedIn(t, f.desk, browser.Desktop, f.Agent, f.address)
	b.Go(f.address + "/fax")
	mark(b)
	came, answer := f.Far.Call(netip.AddrPortFrom(f.Server.Addr, 5060), faxlab.User(1), time.Minute, faxend.Script{From: "602", Send: d.File, Options: []string{"--ident", "602", "--rate", "9600"}})
	if answer != 200 {
		t.Fatalf("the mailbox answers %d", answer)
	}
	var g growth
	g.watch(b, "received")
	g.grew(t, "received")
	b.UntilText("#boxes", "Received")
	status.UntilText("main", "No fax is on its way.")
	if r, err := came.Wait(time.Minute); err != nil || !r.OK {
		t.Errorf("the far end: %+v, %v", r, err)
	}
	if !marked(b) {
		t.Error("the page was loaded anew")
	}
	b.Shoot("fax-inbox")
	b.Press("602")
	b.UntilText("h1", "Fax from 602")
	same(t, "the page's picture", picture(t, b), d.Pages[0])
	for _, e := range append(b.Errors(), status.Errors()...) {
		t.Errorf("script: %s", e)
	}
}

// picture is the first page of the fax that the page shows, in full size.
func picture(t *testing.T, b *browser.Browser) image.Image {
	t.Helper()
	link := browser.Evaluate[string](b, "the picture's address", `() => document.querySelector(".sheets a").getAttribute("href")`)
	text := browser.Evaluate[string](b, "the picture", `(url) => {
		const x = new XMLHttpRequest();
		x.open("GET", url, false);
		x.overrideMimeType("text/plain; charset=x-user-defined");
		x.send();
		if (x.status !== 200) throw new Error(x.status + " " + x.responseText);
		return btoa([...x.responseText].map(c => String.fromCharCode(c.charCodeAt(0) & 255)).join(""));
	}`, link)
	octets, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("%s: %v", link, err)
	}
	m, err := png.Decode(bytes.NewReader(octets))
	if err != nil {
		t.Fatalf("%s: %v", link, err)
	}
	return m
}

// same holds a picture, whose pels are as high as wide, against a page; a row may stand beside
// where it would.
func same(t *testing.T, what string, m image.Image, p spandsp.Page) {
	t.Helper()
	size := m.Bounds().Size()
	if high := p.Rows * p.X / p.Y; size.X != p.Width || size.Y < high-2 || size.Y > high+2 {
		t.Errorf("%s: %v pels, want %d × %d", what, size, p.Width, high)
		return
	}
	differ, black := 0, 0
	for row := range p.Rows {
		y := (2*row + 1) * size.Y / (2 * p.Rows)
		for x := range size.X {
			want := p.Pixels[row*(p.Width/8)+x/8]&(0x80>>(x%8)) != 0
			if dark(m, x, y) != want && dark(m, x, y-1) != want && dark(m, x, y+1) != want {
				differ++
			}
			if want {
				black++
			}
		}
	}
	if differ > 0 || black < 1000 {
		t.Errorf("%s: %d pels differ of %d black ones", what, differ, black)
	}
}

func dark(m image.Image, x, y int) bool {
	r, _, _, _ := m.At(x, y).RGBA()
	return r < 0x8000
}
