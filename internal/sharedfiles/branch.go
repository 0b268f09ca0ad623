package sharedfiles

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/together"
)

// BranchOptions of a [Branch].
type BranchOptions struct {
	// Home is a folder in the repository of the project.
	Home string
	// Remote is the name of a remote of that repository, or an address.
	Remote string
	// Branch is its name. One that is not there begins without files.
	Branch string
	// Path is the folder on the branch, with slashes; empty is its top.
	Path string
}

// Branch is a folder on a branch of a remote repository. Changes are commits, each on top of the
// one that the remote has by then; nothing is ever forced.
type Branch struct {
	remote *git.RemoteBranch
	path   string
	tips   *together.Shared[string]
	locks  string // the folder of the locks of this machine
	// turn lets one change the branch at a time. What comes meanwhile is better put into one
	// change (together.Batches) than into many.
	turn chan struct{}
}

// NewBranch is such a folder; nothing is asked yet.
func NewBranch(options BranchOptions) *Branch {
	b := &Branch{
		remote: git.NewRemoteBranch(options.Home, options.Remote, options.Branch),
		path:   path.Clean("/" + options.Path)[1:], locks: os.TempDir(), turn: make(chan struct{}, 1),
	}
	b.tips = together.NewShared(b.remote.Tip)
	return b
}

// Shown is what messages call the folder.
func (b *Branch) Shown() string {
	if b.path == "" {
		return "the branch " + b.remote.Shown
	}
	return b.path + " on the branch " + b.remote.Shown
}

// Close removes what was brought from the remote.
func (b *Branch) Close() error { return b.remote.Close() }

// View is the newest commit that the remote has.
func (b *Branch) View(ctx context.Context) (View, error) {
	tip, err := b.tips.Get(ctx)
	if err != nil {
		return nil, plain(err)
	}
	return branchView{b, tip}, nil
}

type branchView struct {
	*Branch
	commit string
}

// Read reads a file of the commit.
func (v branchView) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if _, err := localName(name); err != nil {
		return nil, err
	}
	data, err := v.remote.File(ctx, v.commit, path.Join(v.path, name), limit)
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", name, v.Shown(), plain(err))
	}
	return data, nil
}

// Names are those of the files in the folder of the commit.
func (v branchView) Names(ctx context.Context) ([]string, error) {
	names, err := v.remote.Files(ctx, v.commit, v.path)
	return names, plain(err)
}

// plain is an error of git without user and password of an address.
func plain(err error) error { return (*redact.Redactor)(nil).Error(err) }

const (
	// patience is for how long a change is made anew because others changed the branch.
	patience = 10 * time.Minute
	// mostRefusals is how often a remote may refuse a commit although nobody changed the branch.
	// It does so for a moment, too, while it lets somebody else change it.
	mostRefusals = 3
	// leastWait and mostWait bound the time between two attempts.
	leastWait, mostWait = 100 * time.Millisecond, 10 * time.Second
)

// Change makes a commit and pushes it. Where others were quicker, it is made anew on top of theirs,
// after a time that is drawn from twice the span as the time before: so hundreds at once get
// through one after the other, and nobody has to know of the others.
func (b *Branch) Change(ctx context.Context, edit func(context.Context, View) (Change, error)) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var (
		began   = time.Now()
		span    = leastWait
		refused int
		at      = "no commit" // the tip on which the last attempt was made
		unknown error         // of a push of which nobody knows whether it was done
	)
	unlock := b.lock(ctx)
	defer unlock()
	for {
		before := at
		moved, err := b.attempt(ctx, edit, &at, &unknown)
		if at != before { // somebody was quicker, so that it may have been refused for that alone
			refused = 0
		}
		if err == nil && !moved {
			return nil
		}
		switch {
		case ctx.Err() != nil, unknown == nil && !moved:
			return err
		case unknown != nil && !moved: // it could not be read afterwards
			return &lost{fmt.Errorf("%w; whether it was done is not known, as the branch cannot be read: %w", unknown, err), "run again when the remote answers: a run goes on from what is there"}
		case err != nil:
			if refused++; refused < mostRefusals {
				break
			}
			if unknown != nil {
				return &lost{err, "run again when the remote answers: a run goes on from what is there"}
			}
			return err
		}
		if time.Since(began) > patience {
			return &busy{fmt.Errorf("others have changed %s all the time, for %s", b.Shown(), patience)}
		}
		timer := time.NewTimer(leastWait/2 + rand.N(span))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		span = min(2*span, mostWait)
	}
}

// lock takes a lock that the processes of this machine have for the branch, so that they take turns
// and need not try it again. It is a courtesy: without it, or after some time, the change is made
// all the same.
func (b *Branch) lock(ctx context.Context) (unlock func()) {
	const longest = 2 * time.Minute
	place, err := b.remote.Place(ctx)
	if err != nil {
		return func() {} // reading the branch says why
	}
	sum := sha256.Sum256([]byte(place))
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	unlock, err = lockFile(ctx, filepath.Join(b.locks, fmt.Sprintf("ksrelease-branch-%x-%d.lock", sum[:8], os.Getuid())), 0o600)
	if err != nil {
		return func() {}
	}
	return unlock
}

// attempt tries a change once. It says whether to try it again: after an error, the remote may
// have refused it for the moment, or nobody knows whether it was done.
func (b *Branch) attempt(ctx context.Context, edit func(context.Context, View) (Change, error), at *string, unknown *error) (again bool, err error) {
	tip, err := b.remote.Tip(ctx)
	if err != nil {
		return false, plain(err)
	}
	*at, *unknown = tip, nil // it can be read
	change, err := edit(ctx, branchView{b, tip})
	if err != nil || len(change.Files) == 0 {
		return false, err
	}
	files := make([]git.NewFile, len(change.Files))
	for i, file := range change.Files {
		files[i] = git.NewFile{Name: path.Join(b.path, file.Name), Data: file.Data}
	}
	commit, err := b.remote.Commit(ctx, tip, files, change.Message)
	if err != nil {
		return false, plain(err)
	}
	err = plain(b.remote.Push(ctx, tip, commit))
	switch {
	case err == nil:
		return false, nil
	case ctx.Err() != nil:
		return false, &lost{err, "run again: a run goes on from what is there"}
	case git.ReasonOf(err) == git.Moved:
		return true, nil
	case git.ReasonOf(err) == git.Refused:
		return true, err
	}
	*unknown = err
	return true, err
}

// busy is an error that passes by itself.
type busy struct{ error }

// Temporary says so.
func (*busy) Temporary() bool { return true }
