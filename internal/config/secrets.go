package config

// HasSecrets reports whether a layer sets a secret that its rank may set: a password, or
// a value with one in it, such as a URL with user information.
func HasSecrets(l Layer) bool {
	for _, e := range l.document().settings {
		desc, _ := sectionFor(e.Section)
		if desc == nil {
			continue
		}
		k := desc.Key(e.Key)
		if k == nil || l.Rank == Provisioned && k.Scope != FromAnywhere {
			continue
		}
		if k.Masked(e.Value) != e.Value {
			return true
		}
	}
	return false
}
