package main

import (
	"bytes"
	"io"

	"tipring/t38/modem"
	"tipring/tools/internal/wav"
)

const (
	blockSamples = 160 // what a call carries at a time
	// What is heard after the end of a recording: silence, for the end of a burst.
	afterSamples = modem.SampleRate / 2
)

func rx(args []string, out io.Writer) error {
	o, files, err := parse("rx", args, false)
	if err != nil {
		return err
	}
	if len(files) != 1 {
		return usageError("rx: want one file")
	}
	pcm, err := wav.ReadFile(files[0])
	if err != nil {
		return err
	}
	l := &listener{}
	r := modem.NewReceiver()
	r.Start(o.mode, o.train.short(0), l)
	pcm = append(pcm, make([]int16, afterSamples)...)
	for started := 0; len(pcm) > 0; {
		n := min(blockSamples, len(pcm))
		r.Feed(pcm[:n])
		pcm = pcm[n:]
		if l.ended > started && o.train.short(l.ended) != o.train.short(started) {
			r.Start(o.mode, o.train.short(l.ended), l)
		}
		started = l.ended
	}
	_, err = l.lines.WriteTo(out)
	return err
}

// A listener writes the bits of bursts that could be read, a line each.
type listener struct {
	lines bytes.Buffer
	reads bool // the training of the present burst succeeded
	ended int  // bursts that were read
}

func (l *listener) PutBit(bit int) { l.lines.WriteByte(byte('0' + bit)) }

func (l *listener) Status(s modem.Status) {
	switch {
	case s == modem.TrainingSucceeded:
		l.reads = true
	case s == modem.CarrierDown && l.reads:
		l.reads = false
		l.ended++
		l.lines.WriteByte('\n')
	}
}
