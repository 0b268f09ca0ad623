package cache

import (
	"context"
)

// Remote shares entries with other machines. What it gives is data of strangers: it is verified by
// digests here, and what a key has is believed, so that whoever may write to it is trusted with results.
type Remote interface {
	// Fetch gives the entry of that name in a kind, at most limit bytes; nil, nil where there is none. An error
	// says that the remote is not to be asked again.
	Fetch(ctx context.Context, kind, name string, limit int64) ([]byte, error)
	// Store keeps an entry.
	Store(ctx context.Context, kind, name string, entry []byte) error
	// ReadOnly says that nothing is stored.
	ReadOnly() bool
}

// layer is a remote as a cache uses it.
type layer struct {
	remote Remote
	remark func(string)
}

func newLayer(r Remote, remark func(string)) *layer { return &layer{r, remark} }

func (l *layer) fetch(ctx context.Context, k Key) ([]byte, bool) { return nil, false }
func (l *layer) store(k Key, entry []byte)                       {}
func (l *layer) close(ctx context.Context)                       {}
