package access

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// An Account is a user, as others may see it.
type Account struct {
	Name    string
	Role    Role
	Changed time.Time // the password
}

// Users lists the users by name.
func (d *Desk) Users() []Account {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]Account, len(d.book.users))
	for i, u := range d.book.users {
		list[i] = Account{u.name, u.role, u.changed}
	}
	return list
}

// AddUser makes a user.
func (d *Desk) AddUser(ctx context.Context, name string, role Role, password string) error {
	switch {
	case !validName(name):
		return &InvalidError{"name", fmt.Sprintf("A name has 1 to %d letters, digits, dots, dashes, underscores or @.", maxName)}
	case !role.Valid():
		return &InvalidError{"role", "A role is admin or user."}
	}
	if err := checkPassword("password", name, password); err != nil {
		return err
	}
	if err := d.mayAdd(name); err != nil {
		return err
	}
	h, err := d.mill.make(ctx, password)
	if err != nil {
		return err
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	if err := d.mayAdd(name); err != nil { // meanwhile
		return err
	}
	return d.keep(user{name, role, h, d.o.Now()}, "user made")
}

func (d *Desk) mayAdd(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.book.users {
		if strings.EqualFold(u.name, name) {
			return ErrTaken
		}
	}
	if len(d.book.users) >= maxUsers {
		return ErrFull
	}
	return d.open()
}

// keep writes a user. The lock turn is held.
func (d *Desk) keep(u user, what string) error {
	if err := d.change(d.current().with(u)); err != nil {
		return err
	}
	d.o.Log.Info(what, "user", u.name, "role", string(u.role))
	return nil
}

func (d *Desk) current() *book {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.book
}

// RemoveUser removes a user and ends his sessions.
func (d *Desk) RemoveUser(name string) error {
	d.turn.Lock()
	defer d.turn.Unlock()
	b := d.current()
	if err := b.mayLose(name); err != nil {
		return err
	}
	if err := d.change(b.without(name)); err != nil {
		return err
	}
	d.endSessions(name, "")
	d.o.Log.Info("user removed", "user", name)
	return nil
}

// mayLose reports a user who does not exist, or who is the last administrator.
func (b *book) mayLose(name string) error {
	u := b.user(name)
	switch {
	case u == nil:
		return ErrUnknown
	case u.role == Admin && b.admins() == 1:
		return ErrLastAdmin
	}
	return nil
}

// SetRole changes what a user may do, and ends his sessions.
func (d *Desk) SetRole(name string, role Role) error {
	if !role.Valid() {
		return &InvalidError{"role", "A role is admin or user."}
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	b := d.current()
	u := b.user(name)
	if u == nil {
		return ErrUnknown
	}
	if u.role == role {
		return nil
	}
	if role != Admin {
		if err := b.mayLose(name); err != nil {
			return err
		}
	}
	changed := *u
	changed.role = role
	if err := d.keep(changed, "role changed"); err != nil {
		return err
	}
	d.endSessions(name, "")
	return nil
}

// ChangePassword changes a user's own password, which takes the old one, and ends his sessions
// but the one of that id. Errors: ErrWrongOld, *WaitError, *InvalidError.
func (d *Desk) ChangePassword(ctx context.Context, t Try, name, old, password, session string) error {
	switch err := d.verify(ctx, t, name, old); {
	case err == ErrWrong:
		return ErrWrongOld
	case err != nil:
		return err
	}
	if err := checkPassword("new", name, password, old); err != nil {
		return err
	}
	return d.setPassword(ctx, name, password, session)
}

// SetPassword sets a user's password without the old one: for who may do so at the device
// itself, and for administrators. It ends his sessions. Where there are no users, or their
// file is damaged, the Owner is made.
func (d *Desk) SetPassword(ctx context.Context, name, password string) error {
	if err := checkPassword("new", name, password); err != nil {
		return err
	}
	return d.setPassword(ctx, name, password, "")
}

func (d *Desk) setPassword(ctx context.Context, name, password, session string) error {
	h, err := d.mill.make(ctx, password)
	if err != nil {
		return err
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	u := d.current().user(name)
	if u == nil {
		if name != Owner || len(d.current().users) > 0 {
			return ErrUnknown
		}
		d.endSessions(name, "")
		return d.setFirst(user{Owner, Admin, h, d.o.Now()})
	}
	changed := *u
	changed.hash, changed.changed = h, d.o.Now()
	if err := d.keep(changed, "password changed"); err != nil {
		return err
	}
	d.endSessions(name, session)
	return nil
}

func (d *Desk) endSessions(name, but string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions.endOf(name, but)
}
