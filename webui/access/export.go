package access

// Export is who may use the device, for a backup of it: users and tokens as they are kept. It
// holds no password and no secret of a token, but what those are known by.
func (d *Desk) Export() []byte { return d.current().text() }

// CheckExport tells how many users and tokens an export holds, or that it is none.
func CheckExport(text []byte) (users, tokens int, err error) {
	b, err := parseBook(text)
	if err != nil {
		return 0, 0, err
	}
	return len(b.users), len(b.tokens), nil
}

// Import puts an export in the place of all users and tokens, whole or not at all, and ends
// the sessions of those who are not what they were. One without a user changes nothing: the
// device would be anybody's.
func (d *Desk) Import(text []byte) error {
	b, err := parseBook(text)
	if err != nil || len(b.users) == 0 {
		return err
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	before := d.current()
	if err := d.change(b); err != nil {
		return err
	}
	d.mu.Lock()
	for key, s := range d.sessions {
		was, is := before.user(s.pass.Name), b.user(s.pass.Name)
		if was == nil || is == nil || was.hash != is.hash || was.role != is.role {
			delete(d.sessions, key)
		}
	}
	d.mu.Unlock()
	d.o.Log.Info("users and tokens were restored", "users", len(b.users), "tokens", len(b.tokens))
	d.forgetClaim()
	return nil
}
