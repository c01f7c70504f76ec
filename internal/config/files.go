package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Where the files are when a command line does not say.
const (
	DefaultFile    = "/etc/tipring/tipring.ini"
	DefaultFactory = "/etc/tipring/factory.ini"
)

// Files names the files that a command line named. An empty name stands for the
// default, which need not exist.
type Files struct {
	Factory, File string
	StateDir      string // from --state-dir; wins over the file's
}

// Layers reads the factory's, the operator's and the local file.
func (f Files) Layers() ([]Layer, error) {
	layers, err := f.Installed()
	if err != nil {
		return nil, err
	}
	local, err := ReadLocal(f.StateDirOf(layers))
	if err != nil {
		return nil, err
	}
	return append(layers, local), nil
}

// Installed reads the factory's and the operator's file, the two that do not lie in
// the state directory.
func (f Files) Installed() ([]Layer, error) {
	var layers []Layer
	factory, given, err := readNamed(f.Factory, DefaultFactory)
	if err != nil {
		return nil, err
	}
	if factory != nil {
		layers = append(layers, FactoryLayer(given, factory))
	}
	file, given, err := readNamed(f.File, DefaultFile)
	if err != nil {
		return nil, err
	}
	if file != nil {
		layers = append(layers, FileLayer(given, file))
	}
	return layers, nil
}

// FindStateDir tells the state directory: the one given, else what the files say,
// even if other lines of theirs are faulty, else the built-in one. A file that is named
// must be there, also when nothing is asked of it.
func (f Files) FindStateDir() (string, error) {
	if f.StateDir != "" && f.File == "" && f.Factory == "" {
		return f.StateDir, nil
	}
	layers, err := f.Installed()
	if err != nil {
		return "", err
	}
	return f.StateDirOf(layers), nil
}

// StateDirOf is FindStateDir for files that were read already: layers are Installed's.
func (f Files) StateDirOf(layers []Layer) string {
	if f.StateDir != "" {
		return f.StateDir
	}
	return Rescue(layers).Device.StateDir
}

func readNamed(name, fallback string) (text []byte, used string, err error) {
	if name == "" {
		text, err = readText(fallback)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fallback, nil
		}
		return text, fallback, err
	}
	text, err = readText(name)
	return text, name, err
}

// readText reads a file whole, but never more than Load would take.
func readText(name string) ([]byte, error) {
	file, err := OpenRegular(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, MaxText+1))
	if err != nil {
		return nil, err
	}
	return nonNil(text), nil
}

// ErrNotRegular is wrapped by the error of OpenRegular for what is there and no file.
var ErrNotRegular = errors.New("it is not a regular file")

// OpenRegular opens a file to read it, and nothing else: a pipe or a device may keep who
// opens it, or reads from it, for ever. The null device alone counts as an empty file.
func OpenRegular(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if errors.Is(err, syscall.ENXIO) { // a socket
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() && !isNull(info) {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func isNull(info fs.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

// LocalPath is where the local layer is kept below a state directory.
func LocalPath(stateDir string) string { return filepath.Join(stateDir, "config", "local.ini") }

// ReadLocal reads the local layer; it is empty when there is no such file yet.
func ReadLocal(stateDir string) (Layer, error) {
	path := LocalPath(stateDir)
	text, err := readText(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Layer{}, fmt.Errorf("local settings: %w", err)
	}
	return LocalLayer(path, text), nil
}
