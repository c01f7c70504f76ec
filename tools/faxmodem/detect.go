package main

import (
	"fmt"
	"io"

	"tipring/internal/dsp"
	"tipring/tools/internal/wav"
)

func detect(args []string, out io.Writer) error {
	if len(args) != 1 {
		return usageError("detect: want one file")
	}
	pcm, err := wav.ReadFile(args[0])
	if err != nil {
		return err
	}
	var d dsp.FaxDetector
	for _, e := range d.Feed(nil, pcm) {
		if e.Ended || e.Tone == dsp.Reversal {
			continue
		}
		if _, err := fmt.Fprintf(out, "%.3f %v\n", float64(e.At)/dsp.SampleRate, e.Tone); err != nil {
			return err
		}
	}
	return nil
}
