// Package access is a target as one run reaches it: with the abilities that it has, and until
// it refuses the key.
package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Reader is what a run asks of its target, in a plan and when it is applied.
type Reader interface {
	CheckKey(ctx context.Context) error
	AssetURLs(ctx context.Context, name, version string, assets []extension.Asset) (urls []string, certain bool, err error)
	Snapshot(ctx context.Context, name, version string) (target.Snapshot, error)
	// Ahead proves the key, once for all, and asks for a version that somebody may want to know of.
	Ahead(ctx context.Context, name, version string) Answer
	// StatusAtHand is the status of a version, where it is known without a request; empty elsewhere.
	StatusAtHand(name, version string) string
	// Fits says why the target would refuse a package.
	Fits(ctx context.Context, pkg *extension.Package) error
}

// Writer is what a run sends to its target.
type Writer interface {
	UploadAssets(ctx context.Context, name, version string, assets []extension.Asset) ([]string, error)
	Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error)
	Submit(ctx context.Context, snapshotID, message string) error
}

// Access is a target until it refuses the key. From then on nothing is asked of
// it or sent to it any more, and every request ends with that refusal: a key that has
// expired stays so, and each further try would only be one more line of the same. The
// index needs no key, and is read as before.
type Access struct {
	place   target.Target
	words   func(error) error // a refusal in words for users
	keys    target.KeyHolder  // nil where it has none, as with all abilities
	assets  target.AssetStore
	checks  target.Checker
	reviews target.Reviewer
	atHand  target.AtHand

	// refused ends with the first refusal, which is its cause.
	refused context.Context
	refuse  context.CancelCauseFunc
	note    func(error) // is given each refusal
}

var (
	_ Reader = (*Access)(nil)
	_ Writer = (*Access)(nil)
)

// New finds out what a target can do; a place without one can do nothing. note is given each
// refusal of the key.
func New(at target.Place, note func(error)) *Access {
	place := at.Target
	a := &Access{place: place, note: note}
	a.words = func(err error) error { return &RefusedError{First: err, Noun: at.Noun, Key: at.Key()} }
	a.keys, _ = place.(target.KeyHolder)
	a.assets, _ = place.(target.AssetStore)
	a.checks, _ = place.(target.Checker)
	a.reviews, _ = place.(target.Reviewer)
	a.atHand, _ = place.(target.AtHand)
	a.refused, a.refuse = context.WithCancelCause(context.Background())
	return a
}

// Closed says that the target cannot be asked: there is none, or no key of it, or it may not be asked here.
func (a *Access) Closed() bool {
	return a.place == nil || a.Keyless() || target.Silence(a.place) != nil
}

// Keyless says that the target has keys, and that there is none here.
func (a *Access) Keyless() bool { return a.keys != nil && !a.keys.HasKey() }

// KeepsAssets says that icons and screenshots are uploaded apart from packages.
func (a *Access) KeepsAssets() bool { return a.assets != nil }

// Reviews says that what is sent is a draft until it is submitted.
func (a *Access) Reviews() bool { return a.reviews != nil }

// Refused is done when the target has refused the key, which is its cause then.
func (a *Access) Refused() context.Context { return a.refused }

// RefusedError is why a target is asked nothing more.
type RefusedError struct {
	First     error
	Noun, Key string // what messages call the target and its key: "the marketplace", "the API key"
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s refused %s: %v", e.Noun, e.Key, e.First)
}

// Unwrap is the refusal.
func (e *RefusedError) Unwrap() error { return e.First }

// unsent is the error of a request that was not made, as the key was refused before.
type unsent struct{ refusal error }

func (e *unsent) Error() string { return e.refusal.Error() }
func (e *unsent) Unwrap() error { return e.refusal }

// Unsent says of the error of a request that it was not made, as the key was refused before.
func Unsent(err error) bool {
	var u *unsent
	return errors.As(err, &u)
}

// ask makes a request, unless the key was refused.
func (a *Access) ask(request func() error) error {
	if err := context.Cause(a.refused); err != nil {
		return &unsent{err}
	}
	err := request()
	if !failure.Unauthorized(err) {
		return err
	}
	a.refuse(a.words(err)) // the first one counts
	err = context.Cause(a.refused)
	a.note(err)
	return err
}

// ForPlan is the target while a plan is made. Each extension gets an answer of its own, so that
// a plan does not depend on who asked first; the refusal is kept for the end of the plan.
func (a *Access) ForPlan() Reader { return planning{a} }

type planning struct{ *Access }

func (p planning) CheckKey(ctx context.Context) error { return p.see(p.checkKey(ctx)) }

func (p planning) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	s, err := p.place.Snapshot(ctx, name, version)
	return s, p.see(err)
}

func (p planning) AssetURLs(ctx context.Context, name, version string, assets []extension.Asset) ([]string, bool, error) {
	urls, certain, err := p.assets.AssetURLs(ctx, name, version, assets)
	return urls, certain, p.see(err)
}

func (p planning) Fits(ctx context.Context, pkg *extension.Package) error {
	return p.see(p.fits(ctx, pkg))
}

func (p planning) see(err error) error {
	if !failure.Unauthorized(err) {
		return err
	}
	err = p.words(err)
	p.refuse(err) // the first one counts
	p.note(err)
	return err
}

// Answer is what a target says of a version that was asked for before it is certain that anybody
// wants to know. A refusal of the key counts when the answer is taken.
type Answer struct {
	snapshot target.Snapshot
	err      error
	count    func(error) error
}

// Refuses says that the key was refused.
func (x Answer) Refuses() bool { return failure.Unauthorized(x.err) }

// Take is for who wants to know.
func (x Answer) Take() (target.Snapshot, error) { return x.snapshot, x.count(x.err) }

// Ahead is for a plan. It proves the key first: with one that is refused nothing more is asked.
func (a *Access) Ahead(ctx context.Context, name, version string) Answer {
	x := Answer{count: planning{a}.see}
	if x.err = a.checkKey(ctx); x.err == nil {
		x.snapshot, x.err = a.place.Snapshot(ctx, name, version)
	}
	return x
}

// checkKey proves the key, where the target has keys.
func (a *Access) checkKey(ctx context.Context) error {
	if a.keys == nil {
		return nil
	}
	return a.keys.CheckKey(ctx)
}

// CheckKey proves the key.
func (a *Access) CheckKey(ctx context.Context) error {
	return a.ask(func() error { return a.checkKey(ctx) })
}

// Snapshot is that of the target.
func (a *Access) Snapshot(ctx context.Context, name, version string) (s target.Snapshot, err error) {
	err = a.ask(func() (err error) { s, err = a.place.Snapshot(ctx, name, version); return err })
	return s, err
}

// StatusAtHand is the status of a version, where it is known without a request.
func (a *Access) StatusAtHand(name, version string) string {
	if a.atHand == nil {
		return target.StatusNone
	}
	return a.atHand.StatusAtHand(name, version)
}

// Checks says that the target may know of packages that it would refuse.
func (a *Access) Checks() bool { return a.checks != nil }

// fits asks where the target knows of packages that it would refuse.
func (a *Access) fits(ctx context.Context, pkg *extension.Package) error {
	if a.checks == nil {
		return nil
	}
	return a.checks.Fits(ctx, pkg)
}

// Fits says why the target would refuse a package.
func (a *Access) Fits(ctx context.Context, pkg *extension.Package) error {
	return a.ask(func() error { return a.fits(ctx, pkg) })
}

// AssetURLs are those that the target estimates.
func (a *Access) AssetURLs(ctx context.Context, name, version string, assets []extension.Asset) (urls []string, certain bool, err error) {
	err = a.ask(func() (err error) {
		urls, certain, err = a.assets.AssetURLs(ctx, name, version, assets)
		return err
	})
	return urls, certain, err
}

// UploadAssets gives the assets to the target.
func (a *Access) UploadAssets(ctx context.Context, name, version string, assets []extension.Asset) (urls []string, err error) {
	err = a.ask(func() (err error) { urls, err = a.assets.UploadAssets(ctx, name, version, assets); return err })
	return urls, err
}

// Publish sends a package.
func (a *Access) Publish(ctx context.Context, pkg *extension.Package) (s target.Snapshot, err error) {
	err = a.ask(func() (err error) { s, err = a.place.Publish(ctx, pkg); return err })
	return s, err
}

// Submit hands in a draft.
func (a *Access) Submit(ctx context.Context, snapshotID, message string) error {
	return a.ask(func() error { return a.reviews.Submit(ctx, snapshotID, message) })
}
