package pipeline

import (
	"context"
	"time"
)

// indexSource is a repository whose index is shared by all who read it.
type indexSource interface {
	// since returns an index that was asked for at t or later; the zero time
	// takes the one that the run has.
	since(ctx context.Context, t time.Time) (Index, error)
	Fetch(ctx context.Context, entry Entry) ([]byte, error)
	FetchAsset(ctx context.Context, url string) ([]byte, error)
}

// watchedRepository lets all extensions of a run share what is read of the
// index: one download while planning, and as few as possible while verifying.
type watchedRepository struct {
	Repository

	turn  chan struct{} // held by the one who asks; a channel so that waiting ends with the context
	asked time.Time     // when the request behind index was sent
	index Index
	err   error
}

func watch(repo Repository) *watchedRepository {
	return &watchedRepository{Repository: repo, turn: make(chan struct{}, 1)}
}

// since returns an index that was asked for at t or later, downloading it
// only if nobody has done so.
func (w *watchedRepository) since(ctx context.Context, t time.Time) (Index, error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if !w.asked.IsZero() && !w.asked.Before(t) {
		return w.index, w.err
	}
	asked := time.Now()
	index, err := w.Index(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, err // this caller ran out of time; that says nothing about the index
	}
	w.asked, w.index, w.err = asked, index, err
	return index, err
}
