package faxjob

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	good := Options{Send: "a.tif", ECM: 1, Rate: 14400, TimeoutS: 60}
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string // in the error; empty: none
	}{
		"as it is":                 {func(*Options) {}, ""},
		"a number":                 {func(o *Options) { o.Ident = "+1 555 0100" }, ""},
		"a number of 20":           {func(o *Options) { o.Ident = "01234567890123456789" }, ""},
		"a number of 21":           {func(o *Options) { o.Ident = "012345678901234567890" }, `want up to 20 of the digits 0 to 9, + and space`},
		"a name":                   {func(o *Options) { o.Ident = "office 7" }, `--ident "office 7": want up to 20 of the digits 0 to 9, + and space`},
		"a hyphen within a number": {func(o *Options) { o.Ident = "555-0100" }, `--ident "555-0100"`},
		"neither way":              {func(o *Options) { o.Send = "" }, "--send FILE or --recv FILE"},
		"both ways":                {func(o *Options) { o.Recv = "b.tif" }, "--send FILE or --recv FILE"},
		"ECM 2":                    {func(o *Options) { o.ECM = 2 }, "--ecm 2"},
		"a rate of 300":            {func(o *Options) { o.Rate = 300 }, "--rate 300"},
		"no time":                  {func(o *Options) { o.TimeoutS = 0 }, "--timeout 0"},
	} {
		o := good
		tt.change(&o)
		err := o.Check()
		if err == nil != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
