// Package spandsp compiles and runs the small C programs of tools/spandsp: Debian's
// libspandsp as modem bench, audio fax machine, T.38 terminal and gateway. It is the
// yardstick that our own fax stack is held to, and the other machine in its tests.
//
// The programs that talk exchange samples and packets in lock step on their standard
// input and output, so they are ends for package lockstep.
package spandsp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// sources says which files make a program. All of them include headers beside them.
var sources = map[string][]string{
	"sp-modem": {"sp-modem.c", "modem.c", "sound.c", "common.c"},
	"sp-fax":   {"sp-fax.c", "machine.c", "pipe.c", "common.c"},
	"sp-t38":   {"sp-t38.c", "machine.c", "link.c", "udptl.c", "pipe.c", "common.c"},
	"sp-gw":    {"sp-gw.c", "link.c", "udptl.c", "pipe.c", "common.c"},
	"sp-card":  {"sp-card.c", "card.c", "ear.c", "machine.c", "sound.c", "common.c"},
	"sp-tiff":  {"sp-tiff.c", "common.c"},
	"sp-dtmf":  {"sp-dtmf.c", "common.c"},
	"sp-adsi":  {"sp-adsi.c", "common.c"},
	"sp-g726":  {"sp-g726.c"},
}

var flags = []string{"-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"}

// program returns the path of a compiled program, which the user's cache keeps for as
// long as the sources and the library stay the same.
func program(name string) (string, error) {
	dir, err := build()
	return filepath.Join(dir, name), err
}

// Card is the path of sp-card, the fax machine on the line-card socket.
func Card() (string, error) { return program("sp-card") }

var build = sync.OnceValues(func() (string, error) {
	from, err := sourceDir()
	if err != nil {
		return "", err
	}
	with, err := exec.Command("pkg-config", "--cflags", "--libs", "spandsp", "libtiff-4").Output()
	if err != nil {
		return "", fmt.Errorf("libspandsp is not installed (Debian packages libspandsp-dev, libtiff-dev, pkg-config): %w", err)
	}
	link := append(strings.Fields(string(with)), "-lm")
	key, err := digest(from, link)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "tipring-spandsp", key)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, compile(from, dir, link)
})

// compile builds everything beside dir and renames it to dir, so that test binaries
// which run at the same time never see half of it.
func compile(from, dir string, link []string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "fresh")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	for name, files := range sources {
		args := append(slices.Clone(flags), "-o", filepath.Join(fresh, name))
		args = append(append(args, files...), link...)
		gcc := exec.Command("gcc", args...)
		gcc.Dir = from
		if text, err := gcc.CombinedOutput(); err != nil {
			return fmt.Errorf("%s does not compile: %w\n%s", name, err, text)
		}
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

// digest tells builds apart: by sources, flags, and the library's version.
func digest(from string, link []string) (string, error) {
	h := sha256.New()
	files, err := filepath.Glob(filepath.Join(from, "*.[ch]"))
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(file), len(text), text)
	}
	version, _ := exec.Command("pkg-config", "--modversion", "spandsp", "libtiff-4").Output()
	fmt.Fprintln(h, flags, link, sources, string(version))
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// sourceDir is tools/spandsp: beside this package's source, or for a binary built with
// -trimpath below the repository's top above the working directory.
func sourceDir() (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		return filepath.Join(filepath.Dir(file), "..", "..", "spandsp"), nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		from := filepath.Join(dir, "tools", "spandsp")
		if _, err := os.Stat(filepath.Join(from, "sp-fax.c")); err == nil {
			return from, nil
		}
	}
	return "", fmt.Errorf("tools/spandsp is not above the working directory")
}
