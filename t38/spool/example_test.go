package spool_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tipring/t38/spool"
	"tipring/t38/t4"
	"tipring/t38/t4/tiff"
)

// A document is handed in, and delivered by a function that makes the call.
func Example() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	ended := make(chan spool.Record, 1)
	store, report, err := spool.Open(filepath.Join(dir, "faxes"), spool.Config{Changed: func(r spool.Record) {
		if r.State.Finished() {
			ended <- r
		}
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range report.Lines() {
		fmt.Println(line)
	}
	queue := spool.NewQueue(spool.QueueConfig{Store: store, Retries: 3, Deliver: call})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan struct{})
	go func() { defer close(done); queue.Run(ctx) }()

	letter, err := blank(filepath.Join(dir, "letter.tif"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer letter.Close()
	if _, err := store.Submit(ctx, letter, spool.Meta{Line: 1, Peer: "+49 30 1234567"}); err != nil {
		fmt.Println(err)
		return
	}
	r := <-ended
	fmt.Println(r.Peer, r.State, r.Tries, r.Pages[0].Result)
	stop()
	<-done
	if err := store.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// calling +49 30 1234567 with 1 page
	// +49 30 1234567 sent 1 confirmed
}

// call is where a program makes its call, with the Source as that of the t30.Terminal.
func call(ctx context.Context, j *spool.Job) spool.Result {
	source, err := j.Source(ctx, nil)
	if err != nil {
		return spool.Result{Permanent: true, Error: err.Error()}
	}
	defer source.Close()
	fmt.Println("calling", j.Record.Peer, "with", j.Pages(), "page")
	j.State(spool.Sending)
	return spool.Result{OK: true, Pages: []spool.Page{{N: j.Record.FirstPage + 1, Result: spool.Confirmed}}}
}

// blank makes a white page.
func blank(name string) (*os.File, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	w, err := tiff.NewWriter(f)
	if err == nil {
		err = w.BeginPage(tiff.PageConfig{Columns: 1728, XDPI: 204, YDPI: 196, Coding: t4.MMR})
	}
	for row := 0; err == nil && row < 100; row++ {
		err = w.WriteRow(make([]byte, t4.RowOctets(1728)))
	}
	if err == nil {
		err = w.EndPage()
	}
	return f, err
}
