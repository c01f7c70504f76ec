package provisioning

import (
	"context"
	"errors"
	"slices"
	"time"

	"tipring/internal/config/generations"
)

// Restore puts the local layer of a backup in force, as a generation on trial. checked is
// called once the layer is known to have no faults, and before anything changes; nothing does
// when it fails. Restore's error is config.Faults when the layer has any, or that of checked.
func (k *Keeper) Restore(ctx context.Context, local []byte, checked func() error) (n int, err error) {
	edit := func(generations.Generation) ([]byte, error) { return local, nil }
	e := k.do(ctx, func() { n, err = k.setLocal(time.Now(), generations.ByRestore, edit, checked) })
	if err != nil {
		k.log.Warn("settings of a backup refused", "err", why(err))
	}
	return n, errors.Join(e, err)
}

// Restored is the generation that the local layer of a backup became. after is the newest one
// at the time when the restore began: a generation that a restore made since is this one's,
// whatever came of it. ok is false when it became none yet.
func Restored(store *generations.Store, local []byte, after int) (n int, ok bool) {
	list := store.List()
	i := slices.IndexFunc(list, func(g generations.Generation) bool { return g.N > after && g.By == generations.ByRestore })
	if i >= 0 {
		return list[i].N, true
	}
	cur, found := store.Current()
	return cur.N, found && string(cur.Local) == string(local)
}

// FinishRestore puts the local layer of a backup in force where a cut of the power came
// between. It is for before a Keeper is made. after is as for Restored.
func FinishRestore(store *generations.Store, local []byte, after int, check func(generations.Content) error) error {
	if _, done := Restored(store, local, after); done {
		return nil
	}
	cur, found := store.Current()
	c := generations.Content{By: generations.ByRestore, Key: cur.Key, Provisioned: cur.Provisioned, Local: local}
	if err := check(c); err != nil {
		return err
	}
	if !found {
		if err := firstOfNothing(store); err != nil {
			return err
		}
	}
	n, err := store.Write(c)
	if err != nil {
		return err
	}
	m := store.Memory()
	m.Starts = 0
	if err := store.Remember(m); err != nil {
		return err
	}
	return store.Switch(n, generations.Trial)
}

// firstOfNothing makes the generation to go back to of a device that has none yet: what the
// installed files say alone.
func firstOfNothing(store *generations.Store) error {
	n, err := store.Write(generations.Content{By: generations.ByReset})
	if err == nil {
		err = store.Switch(n, generations.Good)
	}
	return err
}
