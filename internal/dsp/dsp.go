// Package dsp works on voice samples: the codecs of ITU-T G.711 and G.722, tones
// and their cadences, DTMF (ITU-T Q.23, Q.24), the tones of fax (ITU-T T.30, V.8, V.25),
// single-frequency detection and level. Samples are signed 16-bit, mono, 8000 a second.
// Each type is a machine whose clock is the number of samples it has seen; none reads a
// clock, starts a goroutine or allocates once made. What runs for every sample is integer
// arithmetic, because the small processors this runs on have no floating point; numbers
// computed once, when a tone is set up or a level is reported, may be floating point.
//
// It knows nothing of ports, calls or RTP.
package dsp

// SampleRate is the rate of every sample stream here, unless a name says Wide.
const SampleRate = 8000
