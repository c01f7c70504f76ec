package frame

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tipring/webui/api"
)

// The script writes the same things in the same way: static/app.js, formats.

// Pct is a number of per cent: 0.4 %.
func Pct(v *float64) string { return decimal(v, 1, " %") }

// MS is a number of milliseconds: 12 ms.
func MS(v *float64) string { return decimal(v, 0, " ms") }

// MOS is a mean opinion score: 4.2.
func MOS(v *float64) string { return decimal(v, 1, "") }

func decimal(v *float64, places int, unit string) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', places, 64) + unit
}

// Bitrate is a number of bits a second: 14400 bit/s.
func Bitrate(v *int) string {
	if v == nil {
		return ""
	}
	return strconv.Itoa(*v) + " bit/s"
}

// Duration is a number of seconds: 4:05, 1:04:05, 3 d 1:04:05.
func Duration(s int) string {
	if s < 0 {
		s = 0
	}
	text := fmt.Sprintf("%d:%02d", s/60%60, s%60)
	if s >= 3600 {
		text = fmt.Sprintf("%d:%02d:%02d", s/3600%24, s/60%60, s%60)
	}
	if s >= 86400 {
		text = fmt.Sprintf("%d d %s", s/86400, text)
	}
	return text
}

// MAC is an address as it is printed on devices: 00:04:F2:A1:B2:C3.
func MAC(s string) string {
	if len(s) != 12 {
		return s
	}
	return strings.ToUpper(strings.Join([]string{s[:2], s[2:4], s[4:6], s[6:8], s[8:10], s[10:]}, ":"))
}

// Num is a number that may be absent.
func Num(v *int) string {
	if v == nil {
		return ""
	}
	return strconv.Itoa(*v)
}

type zoneKey struct{}

// inZone has pages show times in a zone.
func inZone(ctx context.Context, zone *time.Location) context.Context {
	return context.WithValue(ctx, zoneKey{}, zone)
}

// local is a time in the zone of the page, else in the system's.
func local(ctx context.Context, t time.Time) time.Time {
	if zone, ok := ctx.Value(zoneKey{}).(*time.Location); ok {
		return t.In(zone)
	}
	return t.Local()
}

// moment is a time as it stands where no script makes it relative: in the device's zone.
func moment(ctx context.Context, t api.Time) string {
	if t.IsZero() {
		return "–"
	}
	return local(ctx, t.Time).Format("2006-01-02 15:04:05")
}

// clock is a time of today without its date.
func clock(ctx context.Context, t api.Time, now time.Time) string {
	today := local(ctx, now).Format("2006-01-02 ")
	return strings.TrimPrefix(moment(ctx, t), today)
}

func elapsed(t api.Time) string {
	if t.IsZero() {
		return "–"
	}
	return Duration(int(time.Since(t.Time) / time.Second))
}
