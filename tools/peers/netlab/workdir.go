package netlab

import (
	"os"
	"path/filepath"
	"strings"
)

// WorkDir returns a directory for the test's files. It is short, because
// socket paths have 107 octets at most; after a failed test it is kept under
// build/failed at the top of the repository.
func WorkDir(t T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tr")
	if err != nil {
		t.Fatalf("netlab: %v", err)
	}
	t.Cleanup(func() {
		defer func() { _ = os.RemoveAll(dir) }()
		if !t.Failed() {
			return
		}
		kept := filepath.Join(failedDir(), strings.ReplaceAll(t.Name(), "/", "_"), filepath.Base(dir))
		_ = os.RemoveAll(kept)
		if err := os.CopyFS(kept, os.DirFS(dir)); err != nil {
			t.Logf("files kept in %s, but not all: %v", kept, err)
			return
		}
		t.Logf("files kept in %s", kept)
	})
	return dir
}

func failedDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return os.TempDir()
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".ci")); err == nil {
			return filepath.Join(dir, "build", "failed")
		}
	}
	return os.TempDir()
}
