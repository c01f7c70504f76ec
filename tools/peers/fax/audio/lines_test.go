package audio

import (
	"fmt"
	"math"
	"testing"

	"tipring/internal/dsp/line"
	"tipring/t38/t30"
	"tipring/tools/peers/fax"
)

// A hybrid is one way of a line whose far end sends back what it hears: on this way comes, beside
// what is said there, an echo of what goes the other way.
type hybrid struct {
	gain  float64
	said  *[]int16 // on the other way, as much as the echo is late
	keeps *[]int16 // what is said on this way, for the other's echo
}

// hybrids makes the two ways of a line on which an end hears itself, so much later and weaker;
// the ways that are nil have no echo.
func hybrids(ms int, dB float64) (there, back *hybrid) {
	a, b := make([]int16, ms*8), make([]int16, ms*8)
	gain := math.Pow(10, -dB/20)
	return &hybrid{gain, &b, &a}, &hybrid{gain, &a, &b}
}

func (h *hybrid) Append(out, in []int16) []int16 {
	*h.keeps = append(*h.keeps, in...)
	for i, v := range in {
		out = append(out, int16(max(math.MinInt16, min(math.MaxInt16, float64(v)+h.gain*float64((*h.said)[i])))))
	}
	*h.said = append((*h.said)[:0], (*h.said)[len(in):]...)
	return out
}

// mute is the other way of a line of which one end alone hears itself.
func (h *hybrid) mute() *hybrid {
	h.gain = 0
	return h
}

// An echo of our own commands and answers is taken for none of the other end's.
func TestEcho(t *testing.T) {
	for _, m := range withECM {
		for _, ms := range []int{20, 60, 150, 300, 600} {
			for _, dB := range []float64{10, 20} {
				for _, who := range []string{"sender", "receiver", "both"} {
					if ms > 300 && who != "sender" {
						continue // the echo of a confirmation would fall upon the page
					}
					t.Run(fmt.Sprintf("%v %d ms -%v dB %s", m, ms, dB, who), func(t *testing.T) {
						t.Parallel()
						c := newCall(t, fax.Text(2, 300)...)
						there, back := hybrids(ms, dB)
						var from, to end
						switch who {
						case "sender":
							there.mute()
							from, to = c.ours(true, m), c.theirs(false, m.Options()...)
						case "receiver":
							back.mute()
							from, to = c.theirs(true, m.Options()...), c.ours(false, m)
						default:
							from, to = c.ours(true, m), c.ours(false, m)
						}
						c.well(from, to, there, back)
					})
				}
			}
		}
	}
}

// All that a line does at once, as far as receivers must bear it, and a sender that protects
// against talker echo.
func TestWornLine(t *testing.T) {
	for _, m := range []mode{fax.ECM(t30.MMR, 14400), fax.Plain(t30.MR, 14400), fax.Plain(t30.MH, 9600), fax.ECM(t30.MMR, 4800), fax.Plain(t30.MR, 2400)} {
		for _, tep := range []string{"0", "1"} {
			for _, sign := range []float64{-1, 1} {
				t.Run(fmt.Sprintf("%v TEP %s %+.0f", m, tep, sign), func(t *testing.T) {
					t.Parallel()
					c := newCall(t, fax.Text(2, 300)...)
					worn := func(seed uint64) *line.Line {
						return line.New(line.Model{SkewPPM: sign * 100, OffsetHz: sign * 7, Band: true, GainDB: -12, Law: line.ULaw,
							Noise: line.Noise{When: line.Always, DBm0: -58}, Seed: seed})
					}
					c.well(c.theirs(true, append(m.Options(), "--tep", tep)...), c.ours(false, m), worn(1), worn(2))
				})
			}
		}
	}
}
