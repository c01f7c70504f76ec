package offer

import (
	"strings"
	"testing"
)

// Comfort noise is offered when that is wanted, and answered when it is offered, too, by its
// static payload type alone.
func TestComfortNoise(t *testing.T) {
	const cn = "a=rtpmap:13 CN/8000"
	for _, comfort := range []bool{false, true} {
		caps := Capabilities{Codecs: []Codec{PCMU}, PtimeMS: 20, Comfort: comfort}
		offered := media(must(t)(New(caps, here).Offer()))
		if got := strings.HasPrefix(offered, "m=audio 16384 RTP/AVP 0 13\n") && strings.Contains(offered, cn); got != comfort {
			t.Errorf("comfort noise %v:\n%s", comfort, offered)
		}
		for _, tt := range []struct {
			name string
			tail []string
			want bool
		}{
			{"not offered", []string{"m=audio 20000 RTP/AVP 0"}, false},
			{"offered without a map", []string{"m=audio 20000 RTP/AVP 0 13"}, true},
			{"offered with one", []string{"m=audio 20000 RTP/AVP 0 13", "a=rtpmap:13 CN/8000"}, true},
			{"of another sampling rate", []string{"m=audio 20000 RTP/AVP 0 98", "a=rtpmap:98 CN/16000"}, false},
			{"13 is something else", []string{"m=audio 20000 RTP/AVP 0 13", "a=rtpmap:13 X-MINE/8000"}, false},
		} {
			answer := media(must(t)(New(caps, here).Answer(remoteOffer(t, 1, tt.tail...))))
			if got := strings.Contains(answer, cn); got != (tt.want && comfort) {
				t.Errorf("comfort noise %v, %s:\n%s", comfort, tt.name, answer)
			}
		}
	}
}
