package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"tipring/t38/modem"
	"tipring/tools/internal/wav"
)

const (
	aroundSamples  = 300 * modem.SampleRate / 1000
	betweenSamples = modem.SampleRate
)

func tx(args []string, _ io.Writer) error {
	o, files, err := parse("tx", args, true)
	if err != nil {
		return err
	}
	if o.out == "" || len(files) == 0 {
		return usageError("tx: want -o and files of bits")
	}
	pcm := make([]int16, aroundSamples)
	t := modem.NewTransmitter(o.level)
	for i, name := range files {
		if i > 0 {
			pcm = append(pcm, make([]int16, betweenSamples)...)
		}
		bits, err := readBits(name)
		if err != nil {
			return err
		}
		if seconds := len(bits) / o.mode.BitRate(); len(pcm)/wav.SampleRate+seconds > wav.MaxSamples/wav.SampleRate {
			return fmt.Errorf("%s: %d bits last too long", name, len(bits))
		}
		t.Start(o.mode, o.train.short(i), &bits)
		pcm = send(pcm, t)
	}
	return wav.WriteFile(o.out, append(pcm, make([]int16, aroundSamples)...))
}

func send(pcm []int16, t *modem.Transmitter) []int16 {
	var block [blockSamples]int16
	for t.Busy() {
		n := t.Read(block[:])
		pcm = append(pcm, block[:n]...)
	}
	return pcm
}

// bits is a modem.BitSource.
type bits []byte

func (b *bits) NextBit() int {
	if len(*b) == 0 {
		return modem.End
	}
	bit := (*b)[0]
	*b = (*b)[1:]
	return int(bit)
}

// readBits reads the characters 0 and 1; blanks and ends of lines may be between them.
func readBits(name string) (b bits, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	for at := 1; ; at++ {
		c, err := in.ReadByte()
		switch {
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		case c == '0' || c == '1':
			b = append(b, c-'0')
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			return nil, fmt.Errorf("%s: character %d is %q: want 0 and 1", name, at, c)
		}
	}
}
