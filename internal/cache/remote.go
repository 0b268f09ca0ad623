package cache

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
)

// Remote shares entries with other machines: package remote has those that there are. What it gives
// is verified here: each entry has the digests of its key and of its content. That a content is right
// for its key cannot be verified, so whoever may write to a remote is trusted with results.
//
// It may be called by several goroutines, and ends with the context that it is called with.
type Remote interface {
	// Address is where it is. Entries of one address are never taken for those of another.
	Address() string
	// Fetch gives the entry of that name in a kind, of at most limit bytes; nil where there is none. An
	// error is a reason not to ask it again.
	Fetch(ctx context.Context, kind, name string, limit int64) ([]byte, error)
	// Store keeps an entry. An error is a reason to send no more.
	Store(ctx context.Context, kind, name string, entry []byte) error
	// ReadOnly says that nothing is to be stored.
	ReadOnly() bool
	// Close gives back its connections.
	Close()
}

// What a remote may cost. It is there to save time, so that none of it is worth much waiting.
const (
	fetchPatience = 2 * time.Second         // for one entry
	storePatience = 10 * time.Second        // for one entry, while the run goes on
	startCredit   = 3 * time.Second         // for entries that it has not
	hitWorth      = 40 * time.Millisecond   // what an entry saves: lint of a usual extension
	closePatience = 10 * time.Second        // for entries that are on their way when the command is done
	idlePatience  = 2500 * time.Millisecond // likewise, for the next of them to arrive
)

const (
	// largestShared bounds an entry of a remote, in bytes, in both directions.
	largestShared = 16 << 20
	// mostQueued bounds what waits to be stored, in entries, and queuedBytes in bytes.
	mostQueued  = 1024
	queuedBytes = 64 << 20
	senders     = 4
)

// layer is a remote as a cache uses it: what is slow, lies or is away is left alone for the rest of the run.
type layer struct {
	remote Remote
	remark func(string)

	ctx context.Context // of what is stored
	end context.CancelFunc

	off atomic.Bool // nothing is asked any more

	mu      sync.Mutex
	asking  int       // how many wait for an entry
	since   time.Time // up to when that was accounted for
	credit  time.Duration
	mute    bool // nothing is sent any more
	closed  bool // nothing is taken any more
	queue   chan queued
	waiting int64 // bytes in queue
	sent    chan struct{}
	all     sync.WaitGroup
}

type queued struct {
	key   Key
	entry []byte
}

func newLayer(r Remote, remark func(string)) *layer {
	ctx, end := context.WithCancel(context.Background())
	return &layer{remote: r, remark: remark, ctx: ctx, end: end, credit: startCredit, sent: make(chan struct{}, 1)}
}

// keyHere is the name in the folder of this machine of an entry that came from the remote. A run
// without this remote, or with another one, does not believe it.
func (l *layer) keyHere(k Key) Key {
	h := sha256.New()
	h.Write([]byte("remote\x00" + l.remote.Address() + "\x00"))
	h.Write(k.sum[:])
	k2 := Key{kind: k.kind}
	h.Sum(k2.sum[:0])
	return k2
}

// fetch gives the content of an entry that is whole, if it comes soon.
func (l *layer) fetch(ctx context.Context, k Key) ([]byte, bool) {
	if l.off.Load() || ctx.Err() != nil {
		return nil, false
	}
	l.account(1, false)
	bounded, cancel := context.WithTimeout(ctx, fetchPatience)
	entry, err := l.remote.Fetch(bounded, k.kind, k.name(), largestShared)
	late := bounded.Err() != nil && ctx.Err() == nil
	cancel()
	data, ok := []byte(nil), false
	if err == nil {
		data, ok = unseal(k, entry)
	}
	l.account(-1, ok)
	switch {
	case late && !ok:
		l.leave("it does not answer within %s", fetchPatience)
	case err != nil && ctx.Err() == nil:
		l.leave("%s", failure.InOneLine(err))
	}
	return data, ok
}

// account holds what a remote costs, which is the time in which anybody waits for it, against what it
// saves. by is the change of how many wait.
func (l *layer) account(by int, hit bool) {
	now := time.Now()
	l.mu.Lock()
	if l.asking > 0 {
		l.credit -= now.Sub(l.since)
	}
	l.asking, l.since = l.asking+by, now
	if hit {
		l.credit = min(l.credit+hitWorth, startCredit)
	}
	spent := l.credit < 0
	l.mu.Unlock()
	if spent {
		l.leave("it takes more time than it saves")
	}
}

// leave lets the remote alone for the rest of the run.
func (l *layer) leave(format string, args ...any) {
	if !l.off.Swap(true) {
		l.mu.Lock()
		l.mute = true
		l.mu.Unlock()
		l.remark(fmt.Sprintf("the remote cache %s is not used any more by this command: ", l.remote.Address()) + fmt.Sprintf(format, args...))
	}
}

// store sends an entry in the background. Where too much waits to be sent it is let go: some other
// run will bring it.
func (l *layer) store(k Key, entry []byte) {
	if l.remote.ReadOnly() || len(entry) > largestShared {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mute || l.closed || l.waiting+int64(len(entry)) > queuedBytes {
		return
	}
	if l.queue == nil {
		l.queue = make(chan queued, mostQueued)
		for range senders {
			l.all.Go(func() { l.send(l.queue) })
		}
	}
	select {
	case l.queue <- queued{k, entry}:
		l.waiting += int64(len(entry))
	default:
	}
}

func (l *layer) send(queue chan queued) {
	for q := range queue {
		l.mu.Lock()
		l.waiting -= int64(len(q.entry))
		mute := l.mute
		l.mu.Unlock()
		if mute || l.ctx.Err() != nil {
			continue
		}
		bounded, cancel := context.WithTimeout(l.ctx, storePatience)
		err := l.remote.Store(bounded, q.key.kind, q.key.name(), q.entry)
		cancel()
		if err != nil && l.ctx.Err() == nil {
			l.silence(err)
		}
		select {
		case l.sent <- struct{}{}:
		default:
		}
	}
}

// silence ends sending. What the remote has may still be read.
func (l *layer) silence(err error) {
	l.mu.Lock()
	was := l.mute
	l.mute = true
	l.mu.Unlock()
	if !was {
		l.remark(fmt.Sprintf("nothing more is sent to the remote cache %s by this command: %s", l.remote.Address(), failure.InOneLine(err)))
	}
}

// close waits for what is on its way as long as it moves on, but not for long.
func (l *layer) close(ctx context.Context) {
	defer l.remote.Close()
	defer l.end()
	l.mu.Lock()
	queue, mute := l.queue, l.mute
	l.closed = true
	l.mu.Unlock()
	if queue == nil {
		return
	}
	close(queue)
	if mute { // what is being sent is not waited for, but for those who send
		l.end()
	}
	done := make(chan struct{})
	go func() { l.all.Wait(); close(done) }()
	latest := time.NewTimer(closePatience)
	defer latest.Stop()
	for {
		idle := time.NewTimer(idlePatience)
		select {
		case <-done:
			idle.Stop()
			return
		case <-l.sent:
			idle.Stop()
			continue
		case <-ctx.Done():
		case <-idle.C:
		case <-latest.C:
		}
		idle.Stop()
		break
	}
	l.end()
	if ctx.Err() == nil && !mute {
		l.remark(fmt.Sprintf("the remote cache %s takes too long, so that it does not get all results", l.remote.Address()))
	}
}
