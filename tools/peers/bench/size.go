package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

const sizesEnv = "TIPRING_BENCH_SIZES"

func absolute(path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return full
}

// sizes builds the mipsle binary beside the one measured and notes, for the
// sandbox: its size, its size in squashfs, the same of baresip without and
// with OpenSSL.
func sizes() error {
	dir, err := os.MkdirTemp("", "tb")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	top, err := agent.Top()
	if err != nil {
		return err
	}
	mipsle := filepath.Join(dir, "tipring")
	cmd := exec.Command(filepath.Join(top, "tools", "setup", "build.sh"), mipsle)
	cmd.Env = append(os.Environ(), "LDFLAGS=-s -w", "TAGS=nodemo", "GOOS=linux", "GOARCH=mipsle", "GOMIPS=softfloat")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build for mipsle: %w: %s", err, out)
	}
	lib := "/usr/lib/x86_64-linux-gnu/"
	bare := []string{"/usr/bin/baresip", lib + "libre.so.*", lib + "librem.so.*"}
	for _, m := range []string{"account", "g711", "ausine", "aufile", "menu"} {
		bare = append(bare, "/usr/lib/baresip/modules/"+m+".so")
	}
	full := append(append([]string(nil), bare...), lib+"libssl.so.*", lib+"libcrypto.so.*", lib+"libz.so.*")
	var notes []string
	for _, files := range [][]string{{mipsle}, {absolute(*binary)}, bare, full} {
		bytes, flash, err := flashed(dir, files)
		if err != nil {
			return err
		}
		notes = append(notes, fmt.Sprint(bytes))
		for _, octets := range flash {
			notes = append(notes, fmt.Sprint(octets))
		}
	}
	return os.Setenv(sizesEnv, strings.Join(notes, " "))
}

// blocks are what squashfs is made with: large blocks compress better and cost memory when they
// are read. A board with little flash has those of 1 MiB (OpenWrt's own choice for such boards);
// 128 KiB is what mksquashfs takes by itself.
var blocks = [...]string{"1M", "128K"}

// flashed is the size of files, links followed, as they are and as squashfs with xz of each size
// of blocks.
func flashed(dir string, globs []string) (bytes int64, flash [len(blocks)]int64, err error) {
	seen := map[string]bool{}
	root, err := os.MkdirTemp(dir, "root")
	if err != nil {
		return 0, flash, err
	}
	for _, g := range globs {
		found, err := filepath.Glob(g)
		if err != nil || len(found) == 0 {
			return 0, flash, fmt.Errorf("no file %s", g)
		}
		for _, f := range found {
			real, err := filepath.EvalSymlinks(f)
			if err != nil || seen[real] {
				continue
			}
			seen[real] = true
			text, err := os.ReadFile(real)
			if err != nil {
				return 0, flash, err
			}
			bytes += int64(len(text))
			if err := os.WriteFile(filepath.Join(root, filepath.Base(real)), text, 0o755); err != nil {
				return 0, flash, err
			}
		}
	}
	for i, block := range blocks {
		image := root + "." + block
		if out, err := exec.Command("mksquashfs", root, image, "-comp", "xz", "-b", block, "-no-progress", "-quiet").CombinedOutput(); err != nil {
			return 0, flash, fmt.Errorf("mksquashfs: %w: %s", err, out)
		}
		info, err := os.Stat(image)
		if err != nil {
			return 0, flash, err
		}
		flash[i] = info.Size()
	}
	return bytes, flash, nil
}

func sizeRows(t netlab.T) []row {
	var n []float64
	for f := range strings.FieldsSeq(os.Getenv(sizesEnv)) {
		v, _ := strconv.ParseFloat(f, 64)
		n = append(n, v/1e6)
	}
	if len(n) != 4*(1+len(blocks)) {
		t.Fatalf("sizes were not measured")
	}
	mb := func(v float64) string { return fmt.Sprintf("%.2f MB", v) }
	mipsle, own, bare, full := n[0:3], n[3:6], n[6:9], n[9:12]
	return []row{
		{"flash, squashfs-xz of 1 MiB blocks: ours mipsle, baresip amd64", mb(mipsle[1]), mb(full[1]) + ", no TLS " + mb(bare[1]), "4 MB", "3.5 MB"},
		{"the same, of 128 KiB blocks", mb(mipsle[2]), mb(full[2]) + ", no TLS " + mb(bare[2]), "", ""},
		{"binary on disk, mipsle (amd64)", mb(mipsle[0]) + " (" + mb(own[0]) + ")", mb(full[0]) + ", no TLS " + mb(bare[0]), "12 MB", "11 MB"},
	}
}
