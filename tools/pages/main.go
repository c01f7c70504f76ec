// Pages generates the Go of the pages' components, as it is committed: templ's, with what
// templ repeats in every component rewritten into calls of tipring/webui/part. That is a
// third of the code, and the device's flash is small.
//
//	go run ./tools/pages github.com/a-h/templ/cmd/templ@VERSION webui
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pages MODULE@VERSION FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

func run(templ, dir string) error {
	if err := generate(templ, dir); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, "_templ.go") {
			return err
		}
		return slimFile(path)
	})
}

func generate(templ, dir string) error {
	said, err := exec.Command("go", "run", templ, "generate", "-include-version=false", "-path", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("templ: %w\n%s", err, said)
	}
	return nil
}

func slimFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	slim, err := Slim(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(text, slim) {
		return nil
	}
	return os.WriteFile(path, slim, 0o644)
}
