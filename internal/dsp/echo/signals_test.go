package echo

import (
	"math"
	"math/rand/v2"

	"tipring/internal/dsp"
)

// fullPower is the mean square of 0 dBm0.
var fullPower = float64(dsp.MeanSquare(0))

// level scales a signal so that its active part (blocks not 30 dB below the loudest) has dBm0.
func level(x []float64, dBm0 float64) []float64 {
	var powers []float64
	loudest := 0.0
	for i := 0; i+block <= len(x); i += block {
		p := power(x[i : i+block])
		powers = append(powers, p)
		loudest = max(loudest, p)
	}
	sum, n := 0.0, 0
	for _, p := range powers {
		if p > loudest/1000 {
			sum += p
			n++
		}
	}
	g := math.Sqrt(fullPower * math.Pow(10, dBm0/10) / (sum / float64(n)))
	for i := range x {
		x[i] *= g
	}
	return x
}

//go:norace
func power(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return sum / float64(len(x))
}

// css makes a composite source signal like that of G.168 clause 5 and Annex C (ITU-T
// P.501): 48.62 ms of a voiced sound, 200 ms of noise with a flat spectrum from 200 to
// 3600 Hz, 101.38 ms of silence, the whole then repeated with its sign turned.
func css(seconds, dBm0 float64, seed uint64) []float64 {
	return composite(seconds, dBm0, seed, 389, 1600, 811, 329)
}

// css2 is the near party's: 72.69 ms, 200 ms, 127.31 ms.
func css2(seconds, dBm0 float64, seed uint64) []float64 {
	return composite(seconds, dBm0, seed, 582, 1600, 1018, 220)
}

//go:norace
func composite(seconds, dBm0 float64, seed uint64, voiced, noisy, silent int, pitch float64) []float64 {
	rnd := rand.New(rand.NewPCG(seed, 5))
	noise := make([]float64, noisy)
	for k := 50; k < 900; k++ { // lines of 4 Hz, all of one strength
		phase := rnd.IntN(len(turn))
		for i := range noise {
			noise[i] += turn[(k*i+phase)%len(turn)]
		}
	}
	noise = scale(noise, 1)
	voice := make([]float64, voiced)
	for i := range voice {
		for k := 1; float64(k)*pitch < 3600; k++ {
			f := float64(k) * pitch
			a := 1/(1+math.Pow((f-500)/300, 2)) + 0.4/(1+math.Pow((f-1500)/300, 2)) + 0.2/(1+math.Pow((f-2500)/400, 2))
			voice[i] += a * math.Sin(2*math.Pi*f*float64(i)/8000+float64(k*k))
		}
	}
	voice = scale(voice, 1)
	out := make([]float64, int(seconds*8000))
	sign, period := 1.0, voiced+noisy+silent
	for i := range out {
		k := i % period
		if i > 0 && k == 0 {
			sign = -sign
		}
		switch {
		case k < voiced:
			out[i] = sign * voice[k]
		case k < voiced+noisy:
			out[i] = sign * noise[k-voiced]
		}
	}
	return level(out, dBm0)
}

// turn is a sine of 4 Hz.
var turn = func() (t [2000]float64) {
	for i := range t {
		t[i] = math.Sin(2 * math.Pi * float64(i) / float64(len(t)))
	}
	return t
}()

func scale(x []float64, rms float64) []float64 {
	g := rms / math.Sqrt(power(x))
	for i := range x {
		x[i] *= g
	}
	return x
}

func whiteNoise(seconds, dBm0 float64, seed uint64) []float64 {
	rnd := rand.New(rand.NewPCG(seed, 6))
	out := make([]float64, int(seconds*8000))
	rms := math.Sqrt(fullPower * math.Pow(10, dBm0/10))
	for i := range out {
		out[i] = rms * rnd.NormFloat64()
	}
	return out
}

func tone(seconds, dBm0 float64, hz ...float64) []float64 {
	out := make([]float64, int(seconds*8000))
	for i := range out {
		for _, f := range hz {
			out[i] += math.Sqrt(2*fullPower*math.Pow(10, dBm0/10)) * math.Sin(2*math.Pi*f*float64(i)/8000)
		}
	}
	return out
}

// speech makes something like speech: vowels with four formants over a glottal pulse
// whose pitch wanders, fricatives, stops and pauses.
//
//go:norace
func speech(seconds, dBm0 float64, seed uint64, pitch float64) []float64 {
	rnd := rand.New(rand.NewPCG(seed, 7))
	vowels := [][4]float64{
		{730, 1090, 2440, 3300}, {270, 2290, 3010, 3500}, {300, 870, 2240, 3300}, {530, 1840, 2480, 3400},
		{570, 840, 2410, 3300}, {440, 1020, 2240, 3200}, {490, 1350, 1690, 3300}, {250, 1100, 2200, 3000},
	}
	out := make([]float64, 0, int(seconds*8000)+8000)
	var state [4][2]float64
	now := vowels[0]
	phase := 0.0
	resonate := func(x float64, formants *[4]float64) float64 {
		for k, f := range formants {
			bw := 60 + 0.04*f
			r := math.Exp(-math.Pi * bw / 8000)
			c := 2 * r * math.Cos(2*math.Pi*f/8000)
			g := 1 - c + r*r
			y := g*x + c*state[k][0] - r*r*state[k][1]
			state[k][1], state[k][0] = state[k][0], y
			x = y
		}
		return x
	}
	last := 0.0
	for len(out) < int(seconds*8000) {
		switch p := rnd.Float64(); {
		case p < 0.6: // vowel
			n := 600 + rnd.IntN(1400)
			to := vowels[rnd.IntN(len(vowels))]
			f0 := pitch * (0.8 + 0.5*rnd.Float64())
			glide := pitch * (rnd.Float64() - 0.5) * 0.4
			loud := 0.4 + 0.8*rnd.Float64()
			for i := range n {
				for k := range now {
					now[k] += (to[k] - now[k]) * 0.004
				}
				phase += (f0 + glide*float64(i)/float64(n)) / 8000
				pulse := 0.0
				if phase >= 1 {
					phase--
					pulse = 1 + 0.05*rnd.NormFloat64()
				}
				last = 0.92*last + pulse // glottal slope, lips
				env := math.Min(1, math.Min(float64(i), float64(n-i))/160)
				out = append(out, loud*env*resonate(last-0.1+0.02*rnd.NormFloat64(), &now))
			}
		case p < 0.78: // fricative
			n := 300 + rnd.IntN(700)
			prev := 0.0
			loud := 0.01 + 0.03*rnd.Float64()
			for i := range n {
				v := rnd.NormFloat64()
				env := math.Min(1, math.Min(float64(i), float64(n-i))/100)
				out = append(out, loud*env*(v-0.8*prev))
				prev = v
			}
		case p < 0.88: // stop
			out = append(out, make([]float64, 300+rnd.IntN(300))...)
			for i := range 120 {
				out = append(out, 0.2*math.Exp(-float64(i)/30)*rnd.NormFloat64())
			}
		default:
			out = append(out, make([]float64, 800+rnd.IntN(3200))...)
		}
	}
	return level(out[:int(seconds*8000)], dBm0)
}

//go:norace
func toPCM(x []float64) []int16 {
	out := make([]int16, len(x))
	for i, v := range x {
		out[i] = int16(max(-32768, min(math.Round(v), 32767)))
	}
	return out
}

//go:norace
func add(x ...[]float64) []float64 {
	out := make([]float64, len(x[0]))
	for _, y := range x {
		for i, v := range y[:min(len(y), len(out))] {
			out[i] += v
		}
	}
	return out
}
