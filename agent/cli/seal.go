package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/google/renameio/v2"

	"tipring/internal/config"
	"tipring/provisioning/format"
	"tipring/provisioning/seal"
)

// sealFlags is the command line of tipring seal.
type sealFlags struct {
	key, sign       string
	device          string
	version         sealVersion
	expires         sealDate
	newKey, newSign string
}

func (c *call) sealFlags(set *flag.FlagSet) {
	f := &c.seal
	set.StringVar(&f.key, "key", "", "`FILE` with the device's key, 64 hex digits. The digits themselves are taken too; other users of this machine can see those in its list of processes")
	set.StringVar(&f.sign, "sign", "", "`FILE` with the signing key, as --new-sign makes it, or Ed25519 in PEM")
	set.StringVar(&f.device, "device", "", "`MAC` address or serial number of the only device that may open it (default any that has the key)")
	set.Var(&f.version, "version", "version `N`; a device refuses one that is older than its own (default the time in seconds)")
	set.Var(&f.expires, "expires", "`DATE` from which on no device takes it: 2030-12-31, or 2030-12-31T18:00:00Z (default never)")
	set.StringVar(&f.newKey, "new-key", "", "make a device key in a new `FILE`, for seal_key")
	set.StringVar(&f.newSign, "new-sign", "", "make a signing key in a new `FILE`, and print its verify_key")
}

// sealVersion is a version of a sealed file; 0: not given.
type sealVersion uint64

// Set takes decimal digits.
func (v *sealVersion) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n == 0 {
		return errors.New("want a number from 1 up")
	}
	*v = sealVersion(n)
	return nil
}

func (v *sealVersion) String() string { return strconv.FormatUint(uint64(*v), 10) }

// sealDate is a day, from its beginning in UTC, or a time.
type sealDate struct{ time.Time }

// Set takes 2030-12-31 or RFC 3339.
func (d *sealDate) Set(text string) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			d.Time = t.UTC()
			return nil
		}
	}
	return errors.New("want a date such as 2030-12-31, or 2030-12-31T18:00:00Z")
}

func (d *sealDate) String() string { return d.Format(time.RFC3339) }

// sealFile makes keys, or a sealed file of a configuration file.
func (c *call) sealFile() error {
	f := &c.seal
	if f.newKey != "" || f.newSign != "" {
		if len(c.args) > 0 || f.key != "" || f.sign != "" {
			return usageError{"keys are made by themselves, without --key, --sign, IN and OUT"}
		}
		return c.makeKeys()
	}
	if len(c.args) < 2 || f.key == "" || f.sign == "" {
		return usageError{"--key, --sign, IN and OUT are wanted"}
	}
	return c.sealInto(c.args[0], c.args[1], time.Now())
}

func (c *call) makeKeys() error {
	if name := c.seal.newKey; name != "" {
		_, text := seal.NewKey()
		if err := writeSecret(name, text); err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "%s: a device's key; its 64 digits are seal_key in [provisioning] of that device\n", name)
	}
	if name := c.seal.newSign; name != "" {
		_, text, verify := seal.NewSign()
		if err := writeSecret(name, text); err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "%s: a signing key; devices that believe it have in [provisioning]:\nverify_key = %s\n", name, verify)
	}
	return nil
}

// writeSecret writes a file that was not there before and that only its owner reads.
func writeSecret(name, text string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		os.Remove(name)
	}
	return err
}

func (c *call) sealInto(in, out string, now time.Time) error {
	o := seal.Options{Device: c.seal.device, Version: uint64(c.seal.version), Expires: c.seal.expires.Time}
	if o.Version == 0 {
		o.Version = uint64(max(now.Unix(), 1))
	}
	if !o.Expires.IsZero() && !now.Before(o.Expires) {
		return fmt.Errorf("--expires %s is over: no device would take the file", &c.seal.expires)
	}
	var err error
	if o.Key, err = c.deviceKey(c.seal.key); err != nil {
		return err
	}
	text, err := c.readSecret(c.seal.sign)
	if err != nil {
		return err
	}
	if o.Sign, err = seal.ParseSign(text); err != nil {
		return fmt.Errorf("--sign %s: %w", c.seal.sign, err)
	}
	payload, err := readWhole(in, seal.MaxPayload)
	if err != nil {
		return err
	}
	read, err := format.Read(payload)
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	data, err := seal.Seal(payload, o)
	if err != nil {
		return err
	}
	if err := replace(out, data); err != nil {
		return err
	}
	return c.tellSealed(out, o, read, len(data))
}

func (c *call) tellSealed(out string, o seal.Options, read format.File, size int) error {
	who, until := "any device that has the key", "never expires"
	if o.Device != "" {
		who = "device " + o.Device
	}
	if !o.Expires.IsZero() {
		until = "expires " + o.Expires.Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(c.stdout, "%s: %s for %s, version %d, %s, %d octets, verify_key %s\n", out, read.Format, who, o.Version, until, size, seal.VerifyText(o.Sign))
	return err
}

// deviceKey takes a file's name, or the digits.
func (c *call) deviceKey(name string) ([]byte, error) {
	if key, err := seal.ParseKey(name); err == nil {
		fmt.Fprintln(c.stderr, "warning: --key was given as digits, which other users of this machine can see: name a file")
		return key, nil
	}
	text, err := c.readSecret(name)
	if err != nil {
		return nil, err
	}
	key, err := seal.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("--key %s: %w", name, err)
	}
	return key, nil
}

// readSecret reads a key's file, which may be a pipe, and warns of one that others may
// read.
func (c *call) readSecret(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		fmt.Fprintf(c.stderr, "warning: %s can be read by others: chmod 600\n", name)
	}
	data, err := readMost(file, name, 4096)
	return string(data), err
}

func readWhole(name string, most int) ([]byte, error) {
	file, err := config.OpenRegular(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readMost(file, name, most)
}

func readMost(file io.Reader, name string, most int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(file, int64(most)+1))
	if err == nil && len(data) > most {
		err = fmt.Errorf("%s: more than %d octets", name, most)
	}
	return data, err
}

// replace writes a file whole or not at all. What is there and no file is not replaced.
func replace(name string, data []byte) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "write", Path: name, Err: config.ErrNotRegular}
	}
	return renameio.WriteFile(name, data, 0o644)
}
