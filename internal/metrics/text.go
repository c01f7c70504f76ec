package metrics

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// ContentType names the text that AppendText writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// AppendText writes every metric of the set behind b, families and series sorted.
func (s *Set) AppendText(b []byte) []byte {
	s.mu.Lock()
	families := slices.Clone(s.families)
	s.mu.Unlock()
	for _, f := range families {
		b = f.appendText(b)
	}
	return b
}

func (f *family) appendText(b []byte) []byte {
	if f.collect != nil {
		b = f.appendHead(b)
		f.collect(func(value float64, labelValues ...string) {
			b = f.appendName(b, "", labelValues, "")
			b = appendFloat(b, value)
		})
		return b
	}
	f.mu.Lock()
	all := slices.Clone(f.series)
	f.mu.Unlock()
	if len(all) == 0 {
		return b
	}
	b = f.appendHead(b)
	for _, s := range all {
		switch f.kind {
		case "counter":
			b = f.appendName(b, "", s.values, "")
			b = appendInt(b, s.n.Load())
		case "gauge":
			b = f.appendName(b, "", s.values, "")
			b = appendFloat(b, math.Float64frombits(uint64(s.n.Load())))
		case "histogram":
			b = f.appendHistogram(b, s)
		}
	}
	return b
}

func (f *family) appendHistogram(b []byte, s *series) []byte {
	total := int64(0)
	for i := range s.buckets {
		total += s.buckets[i].Load()
		bound := math.Inf(1)
		if i < len(f.bounds) {
			bound = f.bounds[i]
		}
		b = f.appendName(b, "_bucket", s.values, string(formatFloat(nil, bound)))
		b = appendInt(b, total)
	}
	b = f.appendName(b, "_sum", s.values, "")
	b = appendFloat(b, math.Float64frombits(uint64(s.n.Load())))
	b = f.appendName(b, "_count", s.values, "")
	return appendInt(b, total)
}

func (f *family) appendHead(b []byte) []byte {
	b = append(b, "# HELP "+f.name+" "+helpEscaper.Replace(f.help)+"\n"...)
	return append(b, "# TYPE "+f.name+" "+f.kind+"\n"...)
}

var (
	helpEscaper  = strings.NewReplacer("\\", `\\`, "\n", `\n`)
	labelEscaper = strings.NewReplacer("\\", `\\`, "\n", `\n`, `"`, `\"`)
)

// appendName writes a name with its labels; le is the bound of a bucket.
func (f *family) appendName(b []byte, suffix string, values []string, le string) []byte {
	b = append(b, f.name+suffix...)
	separator := byte('{')
	label := func(name, value string) {
		b = append(b, separator)
		b = append(b, name+`="`+labelEscaper.Replace(strings.ToValidUTF8(value, "\uFFFD"))+`"`...)
		separator = ','
	}
	for i, name := range f.labels {
		label(name, values[i])
	}
	if le != "" {
		label("le", le)
	}
	if separator == ',' {
		b = append(b, '}')
	}
	return append(b, ' ')
}

func appendInt(b []byte, n int64) []byte { return append(strconv.AppendInt(b, n, 10), '\n') }

func appendFloat(b []byte, v float64) []byte { return append(formatFloat(b, v), '\n') }

func formatFloat(b []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(b, "+Inf"...)
	case math.IsInf(v, -1):
		return append(b, "-Inf"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}
