package killpoints

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tipring/internal/config/generations"
)

const tinyEnv = "TIPRING_TINY" // where to mount

const (
	tinySize = 64 << 10
	block    = 4 << 10
)

// On a file system of 64 KiB that somebody else fills, up to the last block, every apply
// works or fails with the old configuration in force. On one that can only be read the
// configuration is in force that is there, an edit of local.ini included.
func TestTinyFileSystem(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), tinyEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// tiny runs inside a mount namespace of its own and returns its exit status.
func tiny(dir string) int {
	full, worked := 0, 0
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err != nil {
		err = fmt.Errorf("this kernel lets us make no mounts of our own: %w", err)
	}
	for _, a := range applies {
		for free := 0; err == nil && free <= tinySize/block; free++ {
			var ok bool
			ok, err = tinyApply(dir, a, free)
			if ok {
				worked++
			} else {
				full++
			}
			if err != nil {
				err = fmt.Errorf("%s with %d blocks: %w", a.name, free, err)
			}
		}
	}
	for _, a := range applies {
		if err == nil {
			err = readOnlyApply(dir, a)
		}
	}
	if err == nil && (full < 10 || worked < 10) {
		err = errors.New("it was always full, or never")
	}
	fmt.Printf("%d without space, %d with enough\n", full, worked)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// tinyApply does one apply with so many blocks free, and tells whether it worked.
func tinyApply(dir string, a apply, free int) (worked bool, err error) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", tinySize)); err != nil {
		return false, fmt.Errorf("mount: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH)) }()
	state := filepath.Join(dir, "state")
	if err := prepare(state); err != nil {
		return false, fmt.Errorf("prepare: %w", err)
	}
	if err := fill(dir, free); err != nil {
		return false, err
	}
	s, _, err := generations.Open(state, generations.Options{})
	if err != nil {
		return false, err
	}
	applied := a.do(s)
	running := mark(s)
	if err := s.Close(); err != nil {
		return false, err
	}
	want := a.after
	if applied != nil {
		want = a.before
		if !errors.Is(applied, syscall.ENOSPC) || !strings.Contains(applied.Error(), state) {
			return false, fmt.Errorf("the error names no file or no cause: %w", applied)
		}
	}
	if running != want {
		return false, fmt.Errorf("%s in force after %v, want %s", running, applied, want)
	}
	if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
		return false, err
	}
	if found, err := next(state); err != nil || found != want {
		return false, fmt.Errorf("at the next start %s, %v, want %s", found, err, want)
	}
	return applied == nil, nil
}

func readOnlyApply(dir string, a apply) (err error) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=700"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH)) }()
	state := filepath.Join(dir, "state")
	local := filepath.Join(state, "config", "local.ini")
	if err := errors.Join(prepare(state), os.WriteFile(local, content("", "", "edit").Local, 0o600)); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("remount: %w", err)
	}
	s, r, err := generations.Open(state, generations.Options{})
	if err != nil {
		return err
	}
	if _, _, err := generations.Open(state, generations.Options{}); !errors.Is(err, generations.ErrLocked) {
		return fmt.Errorf("opened twice: %w", err)
	}
	applied := a.do(s)
	running := mark(s)
	if running != "p2,edit" || !errors.Is(r.Unwritten, syscall.EROFS) || !errors.Is(applied, syscall.EROFS) || !strings.Contains(applied.Error(), state) {
		return fmt.Errorf("%s in force, report %v, %s: %w", running, r.Lines(), a.name, applied)
	}
	return s.Close()
}

// fill leaves so many blocks free, or as many as there are.
func fill(dir string, free int) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return err
	}
	size := max(0, int64(fs.Bfree)-int64(free)) * int64(fs.Bsize)
	return os.WriteFile(filepath.Join(dir, "filler"), make([]byte, size), 0o600)
}
