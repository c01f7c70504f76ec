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

var errRole = &InvalidError{"role", "A role is admin or user."}

// AddUser makes a user.
func (d *Desk) AddUser(ctx context.Context, name string, role Role, password string) error {
	switch {
	case !validName(name):
		return &InvalidError{"name", fmt.Sprintf("A name has 1 to %d letters, digits, dots, dashes, underscores or @.", maxName)}
	case !role.Valid():
		return errRole
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
	return d.change(d.current().with(user{name, role, h, d.o.Now()}))
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

// ChangeUser changes what a user may do, his password, or both, and ends his sessions; what is
// empty stays as it is. Where one is refused, neither is changed.
func (d *Desk) ChangeUser(ctx context.Context, name string, role Role, password string) error {
	if role != "" && !role.Valid() {
		return errRole
	}
	if _, err := d.current().changed(name, role); err != nil {
		return err
	}
	var made *hash
	if password != "" {
		if err := checkPassword("password", name, password); err != nil {
			return err
		}
		h, err := d.mill.make(ctx, password)
		if err != nil {
			return err
		}
		made = &h
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	u, err := d.current().changed(name, role) // others may have changed him meanwhile
	if err != nil || made == nil && u.role == d.current().user(name).role {
		return err
	}
	return d.set(u, made, "")
}

// changed is a user with another role; empty: his own.
func (b *book) changed(name string, role Role) (user, error) {
	u := b.user(name)
	switch {
	case u == nil:
		return user{}, ErrUnknown
	case role == "" || role == u.role:
		return *u, nil
	case role != Admin:
		if err := b.mayLose(name); err != nil {
			return user{}, err
		}
	}
	now := *u
	now.role = role
	return now, nil
}

// set keeps what a user is now, with another password if there is one, and ends his sessions but
// the one of that id. The lock turn is held.
func (d *Desk) set(u user, made *hash, session string) error {
	if made != nil {
		u.hash, u.changed = *made, d.o.Now()
	}
	if err := d.change(d.current().with(u)); err != nil {
		return err
	}
	d.endSessions(u.name, session)
	return nil
}

// ChangePassword changes a user's own password, which takes the old one, and ends his sessions
// but the one of that id. Errors: ErrWrongOld, *WaitError, *InvalidError.
func (d *Desk) ChangePassword(ctx context.Context, t Try, name, old, password, session string) error {
	switch err := d.verify(ctx, t, name, old, func(user) {}); {
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
// itself. It ends his sessions. Where there are no users, or their file is damaged, the Owner is
// made.
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
	return d.set(*u, &h, session)
}

func (d *Desk) endSessions(name, but string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions.endOf(name, but)
}
