package site

import (
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/baresip"
	"tipring/tools/peers/netlab"
)

// Hold lets a call go on until so much more of it was heard.
func (s *Site) Hold(heard func(time.Duration) []int16, d time.Duration) {
	s.T.Helper()
	before := len(heard(time.Hour))
	if !netlab.Until(Patience, func() bool { return len(heard(time.Hour))-before >= int(d*audio.Rate/time.Second) }) {
		s.T.Errorf("the call brings no sound any more")
	}
}

// Recorded checks that baresip's last recording holds half a second of the tone
// and nothing else in it.
func (s *Site) Recorded(b *baresip.Baresip, freq float64) {
	s.T.Helper()
	var err error
	if !netlab.Until(Patience, func() bool { // it writes the end of the file after it tells of the call's end
		err = audio.Heard(audio.Loudest(b.Heard(), freq, 4000), freq, -12)
		return err == nil
	}) {
		s.T.Errorf("baresip heard: %v", err)
	}
}
