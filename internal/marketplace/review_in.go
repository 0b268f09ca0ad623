package marketplace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// stepOf is the change of state that a review asks for.
func stepOf(v lease.Verdict) catalog.Step {
	if v.Approve {
		return catalog.Approval
	}
	return catalog.Rejection
}

// ReviewIn carries out a review of the marketplace in dir: through the process that
// serves it, or in the directory where there is none. It goes by what is on disk
// afterwards, so an answer that was lost does no harm, nor does a process that ends in
// the middle. Where the directory is in use and nobody serves it, the error is a
// *LockedError. warn takes what Options.Warn takes.
func ReviewIn(ctx context.Context, dir string, v lease.Verdict, warn func(string)) error {
	// A process that is about to serve, or to end, is in between for a moment.
	const most = 20
	var err error
	for range most {
		if err = reviewOnce(ctx, dir, v, warn); err == nil {
			break
		}
		var locked *lease.LockedError
		if !errors.As(err, &locked) && !errors.As(err, new(*lease.DoubtError)) {
			return err
		}
		if reviewed(dir, v) == nil && errors.As(err, new(*lease.DoubtError)) {
			return nil
		}
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
	if err != nil {
		return err
	}
	return reviewed(dir, v)
}

func reviewOnce(ctx context.Context, dir string, v lease.Verdict, warn func(string)) error {
	m, err := Open(dir, Options{Warn: warn})
	if errors.As(err, new(*lease.LockedError)) {
		served, connecting := lease.Connect(ctx, dir)
		switch {
		case errors.Is(connecting, lease.ErrNotServed):
			return err
		case connecting != nil:
			return connecting
		}
		return served.Review(ctx, v)
	}
	if err != nil {
		return err
	}
	return errors.Join(m.review(v.Name, v.Version, stepOf(v), v.Message), m.Close())
}

// reviewed reads the state back, and says what is other than the review asked for.
func reviewed(dir string, v lease.Verdict) error {
	s, err := store.Open(dir)
	if err != nil {
		return err
	}
	defer s.Close()
	record, err := s.ReadExtension(v.Name)
	if err != nil {
		return fmt.Errorf("reading the state back: %w", err)
	}
	snapshot, ok := record.Version(v.Version)
	switch {
	case !ok:
		return fmt.Errorf("reading the state back: there is no version %s of %s", v.Version, v.Name)
	case snapshot.Status != stepOf(v).To:
		return fmt.Errorf("reading the state back: version %s of %s is %s", v.Version, v.Name, snapshot.Status)
	}
	return nil
}
