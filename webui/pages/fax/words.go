package fax

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

var n = words.N

var (
	// says is what a state means for the fax.
	says = frame.Words{
		{"queued", n("It waits for its turn, or for its next try.")},
		{"probing", n("The number is called first, to hear who answers.")},
		{"dialling", n("The number is being called.")},
		{"sending", n("Its pages are on their way.")},
		{"receiving", n("Its pages are coming in.")},
		{"delivering", n("It is handed to the machine at the port.")},
		{"sent", n("The far machine has confirmed every page.")},
		{"received", n("Every page has arrived.")},
		{"failed", n("It did not get through.")},
		{"cancelled", n("It was cancelled.")},
	}
	kinds = frame.Words{
		{"relay", n("A machine's, in real time")}, {"document", n("A document that was handed in")}, {"machine", n("A machine's, stored and sent on")},
		{"mailbox", n("Received into the mailbox")}, {"deliver", n("Received for the machine")}, {"notice", n("A notice of this device for the machine")},
	}
	transports = frame.Words{{"t38", "T.38"}, {"audio", n("Sound (G.711)")}}
	answers    = frame.Words{{"success", n("A fax machine answered, and took it")}, {"fax_error", n("A fax machine answered, but it went wrong")}, {"voice_error", n("Something else than a fax machine answered")}}
	memory     = frame.Words{{"success", n("A fax machine")}, {"fax_error", n("A fax machine")}, {"voice_error", n("Not a fax machine")}}

	resolutions = frame.Words{{"standard", n("standard resolution")}, {"fine", n("fine resolution")}, {"superfine", n("superfine resolution")}, {"300", n("300 pels an inch")}, {"400", n("400 pels an inch")}}
)

// title names a fax.
func title(ctx context.Context, f api.Fax) string {
	if f.Direction == "in" {
		return words.T(ctx, "Fax from %s", peer(ctx, f))
	}
	return words.T(ctx, "Fax to %s", peer(ctx, f))
}

// peer is who is at the other end.
func peer(ctx context.Context, f api.Fax) string {
	switch {
	case f.Peer != "":
		return string(f.Peer)
	case f.RemoteID != "":
		return string(f.RemoteID)
	}
	return words.T(ctx, "an unknown number")
}

// pageCount is how many pages a fax has, as far as that is known.
func pageCount(ctx context.Context, f api.Fax) string {
	count := len(f.Pages)
	if f.PageCount != nil {
		count = *f.PageCount
	}
	switch count {
	case 0:
		return words.T(ctx, "no page")
	case 1:
		return words.T(ctx, "1 page")
	}
	return words.T(ctx, "%d pages", count)
}

// confirmed is how many pages the far end has.
func confirmed(f api.Fax) (count int) {
	for _, p := range f.Pages {
		if p.Result == "confirmed" {
			count++
		}
	}
	return count
}

// line is how a page went.
func line(ctx context.Context, p api.FaxPage) string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(frame.Bitrate(p.Rate))
	if p.Resolution != "" {
		add(resolutions.Of(ctx, string(p.Resolution)))
	}
	switch {
	case p.Rows != nil && p.BadRows > 0:
		add(words.T(ctx, "%d rows, %d of them bad", *p.Rows, p.BadRows))
	case p.Rows != nil:
		add(words.T(ctx, "%d rows", *p.Rows))
	}
	switch {
	case p.ECMRepairs == 1:
		add(words.T(ctx, "repaired once"))
	case p.ECMRepairs > 1:
		add(words.T(ctx, "repaired %d times", p.ECMRepairs))
	}
	return strings.Join(parts, " · ")
}

// A sheet is a page as it is shown: how it went, if that is known, and whether there is a
// picture.
type sheet struct {
	api.FaxPage
	picture bool
}

// sheets are the pages of a fax but for the one that is on its way.
func sheets(f api.Fax) (list []sheet) {
	for _, p := range f.Pages {
		list = append(list, sheet{p, slices.Contains(f.Pictures, p.N)})
	}
	for _, n := range f.Pictures {
		if !slices.ContainsFunc(f.Pages, func(p api.FaxPage) bool { return p.N == n }) {
			list = append(list, sheet{api.FaxPage{N: n}, true})
		}
	}
	list = slices.DeleteFunc(list, func(s sheet) bool { return f.Progress != nil && s.N == f.Progress.Page })
	sort.Slice(list, func(i, j int) bool { return list[i].N < list[j].N })
	return list
}

// first is the page whose picture stands for the fax; 0: there is none.
func first(f api.Fax) int {
	if len(f.Pictures) == 0 {
		return 0
	}
	return f.Pictures[0]
}

func picture(f api.Fax, n int) string {
	return "/api/v1/faxes/" + f.ID + "/pages/" + strconv.Itoa(n) + ".png"
}

// moving is the picture of the page that is on its way; empty: none is.
func moving(f api.Fax) string {
	if f.Progress == nil || !slices.Contains(f.Pictures, f.Progress.Page) {
		return ""
	}
	return picture(f, f.Progress.Page) + "?rows=" + strconv.Itoa(f.Progress.Rows)
}

// progress is how far the page is.
func progress(f api.Fax) api.FaxProgress {
	if f.Progress == nil {
		return api.FaxProgress{}
	}
	return *f.Progress
}

func of(f api.Fax) int {
	if f.Progress == nil || f.Progress.Of == nil {
		return 0
	}
	return *f.Progress.Of
}

// advice is what to do about a fax that did not get through.
func advice(ctx context.Context, f api.Fax) string {
	for _, a := range advices {
		for _, sign := range a.signs {
			if strings.Contains(strings.ToLower(string(f.Error)), sign) {
				return words.T(ctx, a.english)
			}
		}
	}
	return words.T(ctx, "Send it again. If it fails the same way, the messages of its call show where it went wrong.")
}

// advices are found by what stands in the reason, the first that fits.
var advices = []struct {
	signs   []string
	english string
}{
	{[]string{"busy", "486", "congestion"}, n("The number was in use each time. Send it again later.")},
	{[]string{"no line is registered", "no server"}, n("No line has a server now. The status page shows why; the fax can be sent again as soon as a line is registered.")},
	{[]string{"spoke", "voice", "no fax began", "no fax machine", "no fax tone"}, n("A person or an announcement answered. Check that the number is that of a fax machine.")},
	{[]string{"nobody answered", "does not answer", "no answer"}, n("Check the number, and whether the machine there is switched on and set to answer by itself.")},
	{[]string{"special information", "404", "484", "410", "604", "not found"}, n("The number does not exist. Check it, with its area code.")},
	{[]string{"403", "401", "407", "forbid", "not allowed", "refuse"}, n("The provider refused it. Ask the provider whether this number may be called from the account.")},
	{[]string{"training", "rejected", "repairs", "result"}, n("The connection was too poor. Send it again; a lower highest rate in the fax settings makes it slower and surer.")},
	{[]string{"document", "read", "pdftoppm"}, n("The document could not be used. Save it anew as PDF or TIFF, and send that.")},
	{[]string{"no machine", "off the hook", "card"}, n("Look at the machine: it must be connected, switched on and on-hook.")},
	{[]string{"full", "room", "space"}, n("There is no room for more faxes. Forget some that are not needed any more.")},
}

// reason is why a fax did not get through.
func reason(ctx context.Context, f api.Fax) string {
	if f.Error == "" {
		return words.T(ctx, "No reason is known.")
	}
	text := []rune(words.Told(ctx, string(f.Error)))
	text[0] = unicode.ToUpper(text[0])
	return strings.TrimSuffix(string(text), ".") + "."
}

// seen is what the page shows that is drawn anew when it changes, as the script writes it.
func seen(f api.Fax) string {
	return f.State + "," + strconv.Itoa(len(f.Pages)) + "," + frame.Num(f.PageCount) + "," + string(f.SIPCallID)
}

func boolean(b *bool) string {
	if b == nil {
		return "–"
	}
	return strconv.FormatBool(*b)
}
