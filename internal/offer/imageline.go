package offer

import (
	"net/netip"
	"strings"
)

func (m Media) isImage() bool { return strings.EqualFold(m.Kind, "image") }

// readImage reads stream i of a peer's description. A hold has no meaning for a fax: its
// direction is not looked at, and 0.0.0.0 leaves Remote without an address.
func readImage(d *Description, i int) (remote netip.AddrPort, theirs T38, err error) {
	m := &d.Media[i]
	if !strings.EqualFold(m.Proto, "udptl") {
		return remote, theirs, refusal(warnTransport, "transport %.20s", m.Proto)
	}
	if !m.hasFormat("t38") {
		return remote, theirs, refusal(warnFormat, "m=image without t38")
	}
	place, err := d.place(i)
	switch {
	case err != nil:
		return remote, theirs, err
	case place.host != "":
		return remote, theirs, refusal(warnAddress, "a name for an address: %.60s", place.host)
	}
	return place.remote, readT38(m), nil
}

func (m *Media) hasFormat(name string) bool {
	for _, f := range m.Formats {
		if strings.EqualFold(f, name) {
			return true
		}
	}
	return false
}

// Mode tells which media a description has in use. One without any counts as of sound, and so does one
// with T.38 over anything but UDPTL.
func (d *Description) Mode() Mode {
	t38 := d.lineOf(0, func(m Media) bool { return m.isImage() && strings.EqualFold(m.Proto, "udptl") && m.hasFormat("t38") }) >= 0
	switch {
	case !t38:
		return Sound
	case d.lineOf(0, Media.isAudio) < 0:
		return Fax
	}
	return SoundAndFax
}

// answerImage answers stream i of an offer.
func (s *Session) answerImage(offer *Description, i int) (Media, *Image, error) {
	remote, theirs, err := readImage(offer, i)
	if err != nil {
		return Media{}, nil, err
	}
	local := s.imageLocal()
	if err := reached(local, remote); err != nil {
		return Media{}, nil, err
	}
	image := s.agree(s.caps.T38.both(&theirs), theirs, s.keep(remote), local)
	m := s.imageMedia(local, &image.Ours)
	m.Kind, m.Proto = offer.Media[i].Kind, offer.Media[i].Proto // in the peer's letters
	if image.Ours.EC == NoCorrection && theirs.EC == NoCorrection {
		m.Attributes.Add("T38FaxUdpEC", correctionNames[NoCorrection])
	}
	return m, image, nil
}

// takeImage reads what an answer says to our image line m.
func (s *Session) takeImage(m *Media, answer *Description, i int) (*Image, error) {
	at := answer.lineOf(i, Media.isImage)
	if at < 0 {
		return nil, refusal(warnMedia, "the peer refused the image stream")
	}
	remote, theirs, err := readImage(answer, at)
	if err != nil {
		return nil, err
	}
	local := s.local.RTP
	if u := s.local.UDPTL; u.IsValid() && m.Port == int(u.Port()) {
		local = u
	}
	if err := reached(local, remote); err != nil {
		return nil, err
	}
	ours := readT38(m)
	if _, said := m.image("T38FaxUdpEC"); !said {
		ours.EC = NoCorrection
	}
	return s.agree(ours, theirs, s.keep(remote), local), nil
}

// agree joins what both sides said.
func (s *Session) agree(ours, theirs T38, remote, local netip.AddrPort) *Image {
	return &Image{
		Remote: remote, Local: local, Ours: ours, Theirs: theirs,
		Version: min(ours.Version, theirs.Version), MaxBitRate: min(ours.MaxBitRate, theirs.MaxBitRate),
	}
}

// keep is where to send: to a peer that puts a running fax on hold, where it was sent before.
func (s *Session) keep(remote netip.AddrPort) netip.AddrPort {
	if i := s.agreed.image; !remote.Addr().IsValid() && i != nil {
		return i.Remote
	}
	return remote
}

// reached refuses a peer of another family than our socket, and one that receives where we do.
func reached(local, remote netip.AddrPort) error {
	if err := sameFamily(local, remote); err != nil {
		return err
	}
	if remote.Addr().IsValid() && remote == unmapped(local) {
		return refusal(warnAddress, "%v is this side's own address", remote)
	}
	return nil
}

// imageLocal is where this side takes T.38: at the second socket as long as a fax runs there,
// else in the place of sound.
func (s *Session) imageLocal() netip.AddrPort {
	if i := s.agreed.image; i != nil && s.local.UDPTL.IsValid() && i.Local.Port() == s.local.UDPTL.Port() {
		return s.local.UDPTL
	}
	return s.local.RTP
}

// imageMedia writes our m=image line.
func (s *Session) imageMedia(local netip.AddrPort, t *T38) Media {
	m := Media{Kind: "image", Proto: "udptl", Formats: []string{"t38"}}
	s.locate(&m, local)
	t.write(&m.Attributes)
	return m
}

// locate gives our m=image line its place: of its own where it is not that of sound.
func (s *Session) locate(m *Media, local netip.AddrPort) {
	m.Port, m.Connection = int(local.Port()), Address{}
	if local.Addr() != s.local.RTP.Addr() {
		m.Connection = addressOf(local.Addr())
	}
}
