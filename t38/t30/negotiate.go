package t30

// rungs has all modulations from the fastest down. At the same rate V.17 goes first, for its
// trellis code.
var rungs = [...]Modulation{V17At14400, V17At12000, V17At9600, V29At9600, V17At7200, V29At7200, V27ter4800, V27ter2400}

// ladder is the modulations of set up to limit bit/s, from the fastest down, one of each rate.
func ladder(set ModulationSet, limit int) (l []Modulation) {
	for _, m := range rungs {
		if !set.Has(m) || m.BitRate() > limit || len(l) > 0 && l[len(l)-1].BitRate() == m.BitRate() {
			continue
		}
		l = append(l, m)
	}
	return l
}

// capabilities is what this end states in DIS and DTC.
func (c *Config) capabilities() Capabilities {
	allowed := c.Modulations
	if c.MaxBitRate < 12000 && allowed&SetV29 != 0 {
		allowed &^= SetV17 // V.29 says "no more than 9600", which V.17 cannot
	}
	if c.MaxBitRate < 7200 {
		allowed &= SetV27ter
	}
	if c.MaxBitRate < 4800 {
		allowed = Modulations(V27ter2400)
	}
	return Capabilities{
		Receives: c.Sink != nil, HasDocument: c.Source != nil && !c.Calling,
		Modulations: allowed, Codings: c.Codings, ECM: c.ECM, Resolutions: c.Resolutions,
		Inch: !c.NoInch, Metric: true, Width: c.MaxWidth, Length: c.MaxLength, MinScan: c.MinScan,
		Subaddress: c.Sink != nil, Selective: c.Source != nil && !c.Calling, Password: true,
	}
}

// choose is the command for a page of that form to a receiver that can do what caps says.
func (c *Config) choose(f Form, caps Capabilities, m Modulation) Command {
	cmd := Command{Modulation: m, ECM: c.ECM && caps.ECM, Form: f}
	for r := f.Resolution; ; r-- {
		if caps.Resolutions.Has(r) {
			cmd.Form.Resolution = r
			break
		}
	}
	cmd.Form.Inch = cmd.Form.Resolution == R300 || f.Inch && caps.Inch
	cmd.Form.Width = min(f.Width, caps.Width)
	cmd.Form.Length = min(f.Length, caps.Length)
	cmd.Frame64 = cmd.ECM && (c.ECM64 || caps.Prefers64)
	for _, coding := range [...]Coding{MMR, MR, MH} {
		if c.Codings.Has(coding) && caps.Codings.Has(coding) && (coding != MMR || cmd.ECM) {
			cmd.Coding = coding
			break
		}
	}
	if !cmd.ECM {
		cmd.MinScan = caps.MinScanAt(cmd.Form.Resolution)
	}
	cmd.Subaddress, cmd.Secret = c.Subaddress != "", c.Password != ""
	return cmd
}

// allows tells whether a DCS asks for no more than these capabilities say. Rates are no part
// of it beyond the recommendation.
func (c Capabilities) allows(cmd Command) bool {
	said := Capabilities{Modulations: c.Modulations}.Bits().modulations()
	if c.Modulations&SetV17 != 0 {
		said = SetAll // bits 11 to 14 cannot say less
	}
	switch {
	case !said.Has(cmd.Modulation),
		cmd.ECM && !c.ECM,
		!c.Codings.Has(cmd.Coding),
		!c.Resolutions.Has(cmd.Form.Resolution),
		cmd.Form.Width > c.Width,
		cmd.Form.Length > c.Length:
		return false
	}
	return true
}
