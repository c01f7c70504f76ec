package demo

import (
	"context"
	"fmt"
	"time"

	"tipring/tools/lab"
)

// waitingTone is what a telephone of North America hears in a call when another comes in, in Hz.
var waitingTone = []float64{440}

// voices of the two telephones, in Hz.
const (
	voiceOne = 700
	voiceTwo = 1100
)

// talk has both telephones hear each other.
func (s *story) talk(ctx context.Context) error {
	one, two := s.phones[0], s.phones[1]
	one.say(voiceOne)
	two.say(voiceTwo)
	defer one.hush()
	defer two.hush()
	if err := two.hear(ctx, voiceOne); err != nil {
		return fmt.Errorf("telephone 2 does not hear telephone 1: %w", err)
	}
	if err := one.hear(ctx, voiceTwo); err != nil {
		return fmt.Errorf("telephone 1 does not hear telephone 2: %w", err)
	}
	return nil
}

// idle waits until no line has a call.
func (s *story) idle(ctx context.Context) error {
	for n := range users {
		if err := s.until(ctx, func(ctx context.Context) error { return s.lineIdle(ctx, n+1) }); err != nil {
			return err
		}
	}
	return nil
}

// callHeld has telephone 1 hold one call, make another, join both, and go back.
func (s *story) callHeld(ctx context.Context) (string, error) {
	one, two := s.phones[0], s.phones[1]
	far, _, err := s.callFar(ctx)
	if err != nil {
		return "", err
	}
	one.flash()
	if err := one.hear(ctx, dialTone...); err != nil {
		return "", fmt.Errorf("no dial tone behind the flash: %w", err)
	}
	if err := one.dial(ctx, users[1].number+"#"); err != nil {
		return "", err
	}
	if err := two.ring(ctx); err != nil {
		return "", fmt.Errorf("telephone 2 does not ring: %w", err)
	}
	two.lift()
	if err := s.talk(ctx); err != nil {
		return "", err
	}
	one.flash()
	two.say(voiceTwo)
	defer two.hush()
	joined := func(context.Context) error {
		if tone, all := far.Hears(voiceTwo); tone < audible {
			return fmt.Errorf("the far telephone hears telephone 2 at %.0f dBm0 of %.0f", tone, all)
		}
		return nil
	}
	if err := s.until(ctx, joined); err != nil {
		return "", fmt.Errorf("not joined: %w", err)
	}
	two.hangUp()
	if err := s.until(ctx, func(ctx context.Context) error { return s.lineIdle(ctx, 2) }); err != nil {
		return "", err
	}
	if err := s.echo(ctx, one, far); err != nil {
		return "", fmt.Errorf("the first call: %w", err)
	}
	s.far = far
	return "It pressed its hook for a moment, the far telephone was held, and telephone 2 answered. A second flash joined all three; when telephone 2 had hung up, the first call went on.", nil
}

// callWaits has telephone 2 call telephone 1, which still talks.
func (s *story) callWaits(ctx context.Context) (string, error) {
	one, two := s.phones[0], s.phones[1]
	two.lift()
	if err := two.hear(ctx, dialTone...); err != nil {
		return "", fmt.Errorf("no dial tone: %w", err)
	}
	if err := two.dial(ctx, users[0].number+"#"); err != nil {
		return "", err
	}
	if err := one.hear(ctx, waitingTone...); err != nil {
		return "", fmt.Errorf("nothing tells telephone 1 that a call waits: %w", err)
	}
	one.flash()
	if err := s.talk(ctx); err != nil {
		return "", err
	}
	one.flash()
	if err := s.echo(ctx, one, s.far); err != nil {
		return "", fmt.Errorf("back in the first call: %w", err)
	}
	two.hangUp()
	if err := s.hangUp(ctx, s.far); err != nil {
		return "", err
	}
	return "Telephone 1 heard a tone in its call, and by two flashes it talked with telephone 2 and was back.", s.idle(ctx)
}

// callTransferred has telephone 2 call telephone 1, which sends it on to the far telephone.
func (s *story) callTransferred(ctx context.Context) (string, error) {
	one, two := s.phones[0], s.phones[1]
	two.lift()
	if err := two.hear(ctx, dialTone...); err != nil {
		return "", fmt.Errorf("no dial tone: %w", err)
	}
	if err := two.dial(ctx, users[0].number+"#"); err != nil {
		return "", err
	}
	if err := one.ring(ctx); err != nil {
		return "", fmt.Errorf("telephone 1 does not ring: %w", err)
	}
	one.lift()
	if err := s.talk(ctx); err != nil {
		return "", err
	}
	one.flash()
	if err := one.hear(ctx, dialTone...); err != nil {
		return "", fmt.Errorf("no dial tone behind the flash: %w", err)
	}
	if err := one.dial(ctx, "*98"); err != nil {
		return "", err
	}
	if err := one.hear(ctx, dialTone...); err != nil {
		return "", fmt.Errorf("no dial tone behind *98: %w", err)
	}
	begun := time.Now()
	if err := one.dial(ctx, lab.FarUser+"#"); err != nil {
		return "", err
	}
	far, err := s.farCall(ctx, 2, lab.FarUser)
	if err != nil {
		return "", err
	}
	took := time.Since(begun)
	one.hangUp()
	if err := s.echo(ctx, two, far); err != nil {
		return "", fmt.Errorf("telephone 2 and the far telephone: %w", err)
	}
	two.hangUp()
	select {
	case <-far.Ended():
	case <-ctx.Done():
		return "", fmt.Errorf("the far end was not told of the end: %w", ctx.Err())
	}
	return fmt.Sprintf("Telephone 1 flashed and dialled *98 and the number: %s later telephone 2 talked with the far telephone, and telephone 1 was out of it.", short(took)), s.idle(ctx)
}
