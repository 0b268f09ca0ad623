// Package lookahead begins to look at extensions of which it is not known yet whether they have to be looked at,
// because the index that says so is on its way from a server far away. Nothing else can be done meanwhile, and most
// of what is not known from earlier runs has to be looked at.
//
// What comes of it is what comes of a look later, which takes it.
package lookahead

import (
	"context"
	"reflect"
	"runtime"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// patience is how long somebody waits before a look begins: less than a distant server takes, and more than one
// that is near.
const patience = 25 * time.Millisecond

// most is how many looks begin for each processor: about as many as end before the index of a distant server is
// there. A large index takes as long from near, and lists what need not be looked at.
const most = 2

// Examiner looks at extensions: see services.Examiner.
type Examiner interface {
	Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error)
}

// Looks are those that have begun. Their methods may be called by several goroutines.
type Looks struct {
	examiner Examiner
	places   chan struct{} // one for each processor
	ctx      context.Context
	end      context.CancelFunc
	all      sync.WaitGroup

	mu    sync.Mutex
	left  int // how many may begin
	begun map[*extension.Extension]*look
}

type look struct {
	opts   lint.Options
	limits lint.Limits
	done   chan struct{} // closed when the others are there
	report lint.Report
	err    error
}

// New makes looks by an examiner. Close ends them.
func New(x Examiner) *Looks {
	l := &Looks{examiner: x, places: make(chan struct{}, runtime.GOMAXPROCS(0)), begun: map[*extension.Extension]*look{}}
	l.left = most * cap(l.places)
	l.ctx, l.end = context.WithCancel(context.Background())
	return l
}

// Close ends all looks and waits for them.
func (l *Looks) Close() {
	l.end()
	l.all.Wait()
}

// Soon begins a look, unless known is called soon, when it is known whether there has to be one.
func (l *Looks) Soon(ext *extension.Extension, opts lint.Options, limits lint.Limits) (known func()) {
	waiting, known := context.WithCancel(l.ctx)
	l.all.Go(func() {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-waiting.Done():
			return
		}
		select {
		case l.places <- struct{}{}:
			defer func() { <-l.places }()
		case <-waiting.Done():
			return
		}
		if k := l.begin(waiting, ext, opts, limits); k != nil {
			defer close(k.done)
			k.report, k.err = l.examiner.Examine(l.ctx, ext, opts, limits)
		}
	})
	return known
}

// begin notes a look that begins; nil if it is known by now whether there has to be one, and somebody may be at it, or
// if enough have begun.
func (l *Looks) begin(waiting context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if waiting.Err() != nil || l.left == 0 {
		return nil
	}
	l.left--
	k := &look{opts: opts, limits: limits, done: make(chan struct{})}
	l.begun[ext] = k
	return k
}

// Drop forgets a look that nobody needs.
func (l *Looks) Drop(ext *extension.Extension) { l.take(ext) }

func (l *Looks) take(ext *extension.Extension) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.begun[ext]
	delete(l.begun, ext)
	return k
}

// Examine is that of the examiner, or what comes of the look that has begun. The call of known comes before.
func (l *Looks) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	if k := l.take(ext); k != nil && k.limits == limits && reflect.DeepEqual(k.opts, opts) {
		select {
		case <-k.done:
			if k.err == nil {
				return k.report, nil
			}
		case <-ctx.Done():
			return lint.Report{}, ctx.Err()
		}
	}
	return l.examiner.Examine(ctx, ext, opts, limits)
}
