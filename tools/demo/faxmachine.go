package demo

import (
	"context"
	"fmt"
	"time"

	"tipring/t38"
	"tipring/t38/t30"
	"tipring/tools/internal/faxjob"
)

// A passage is how a fax machine sent a document.
type passage struct {
	result t30.Result
	took   time.Duration // from its last digit until it hung up
}

// sendFax dials a number, and sends a file to the fax machine there. A machine begins with its
// last digit, and waits for an answer by itself.
func (p *phone) sendFax(ctx context.Context, number, ident, file string) (passage, error) {
	o := faxjob.Options{Send: file, ECM: 1, Rate: 14400, Ident: ident, TimeoutS: 35} // T1 of T.30 clause 5.4.3.1
	job, err := o.Open(ctx, nil)
	if err != nil {
		return passage{}, err
	}
	defer job.Close()
	p.lift()
	defer p.hangUp()
	if err := p.hear(ctx, dialTone...); err != nil {
		return passage{}, fmt.Errorf("no dial tone: %w", err)
	}
	if err := p.dial(ctx, number+"#"); err != nil {
		return passage{}, err
	}
	began := time.Now()
	p.begin(t38.NewMachine(job.T30, t38.DefaultLevel))
	defer p.begin(nil)
	var sent passage
	err = p.wait(ctx, func() error {
		if sent = (passage{job.T30.Result(), time.Since(began)}); !job.T30.Done() {
			return fmt.Errorf("the fax is not over: the machine is at %v", job.T30.State())
		}
		return nil
	})
	if err != nil {
		return passage{}, err
	}
	if sent.result.Code != t30.OK {
		return sent, fmt.Errorf("the machine says: %v", sent.result.Code)
	}
	return sent, nil
}

// begin has a machine take over the telephone's mouth and ear, which has silence in it; nil
// gives them back.
func (p *phone) begin(m *t38.Machine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.machine, p.line = m, make([]int16, frameSamples)
	if m != nil {
		m.Start()
	}
}

// heardEnough waits until a machine has heard as long as it is to speak: what the agent says
// to the frame before is never lost, however late it comes. It reports whether the telephone
// is still to speak.
func (p *phone) heardEnough() bool {
	for {
		p.mu.Lock()
		ok, news := p.machine == nil || len(p.line) >= frameSamples || p.lost != nil, p.news
		p.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-news:
		case <-p.quit:
			return false
		}
	}
}
