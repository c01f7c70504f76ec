package cli

import (
	"errors"
	"flag"
	"fmt"
	"strconv"

	"tipring/internal/config"
)

// once is a flag that may be given one time: of two values, one would be passed over.
type once struct {
	flag.Value
	given bool
}

// Set takes the value.
func (o *once) Set(text string) error {
	if o.given {
		return errors.New("it was given before")
	}
	o.given = true
	return o.Value.Set(text)
}

// String is asked of a zero value too, by package flag.
func (o *once) String() string {
	if o.Value == nil {
		return ""
	}
	return o.Value.String()
}

// IsBoolFlag tells package flag that the value may be left out.
func (o *once) IsBoolFlag() bool {
	b, ok := o.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// A number is that of a line or a port: decimal digits, nothing else.
type number int

// Set takes the digits.
func (n *number) Set(text string) error {
	v, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(v) != text || v < 1 || v > config.MaxNumber {
		return fmt.Errorf("want a number from 1 to %d", config.MaxNumber)
	}
	*n = number(v)
	return nil
}

func (n *number) String() string { return strconv.Itoa(int(*n)) }

// dashed is a flag as it is written.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
