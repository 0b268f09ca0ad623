package pipeline

import (
	"context"
	"errors"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// keyed is the target of a run until it refuses the key. From then on nothing is asked of
// it or sent to it any more, and every request ends with that refusal: a key that has
// expired stays so, and each further try would only be one more line of the same. The
// index needs no key, and is read as before.
type keyed struct {
	target abilities
	// refused ends with the first refusal, which is its cause.
	refused context.Context
	refuse  context.CancelCauseFunc
	note    func(error) // is given each refusal
}

var (
	_ reader = (*keyed)(nil)
	_ writer = (*keyed)(nil)
)

func withKey(target abilities, note func(error)) *keyed {
	k := &keyed{target: target, note: note}
	k.refused, k.refuse = context.WithCancelCause(context.Background())
	return k
}

// refusal is why a target is asked nothing more.
type refusal struct{ first error }

func (e *refusal) Error() string { return "the marketplace refused the API key: " + e.first.Error() }
func (e *refusal) Unwrap() error { return e.first }

// unsent is the error of a request that was not made, as the key was refused before.
type unsent struct{ refusal error }

func (e *unsent) Error() string { return e.refusal.Error() }
func (e *unsent) Unwrap() error { return e.refusal }

// notSent is the end of an extension of which a write was not sent, as the key was refused
// before; nil for another error. what completes "the API key was refused before …".
func notSent(err error, what string) error {
	if e := (*unsent)(nil); errors.As(err, &e) {
		return &ended{outcome: NotReached, reason: "the API key was refused before " + what}
	}
	return nil
}

// ask makes a request, unless the key was refused.
func (k *keyed) ask(request func() error) error {
	if err := context.Cause(k.refused); err != nil {
		return &unsent{err}
	}
	err := request()
	if !Unauthorized(err) {
		return err
	}
	k.refuse(&refusal{err}) // the first one counts
	err = context.Cause(k.refused)
	k.note(err)
	return err
}

// planReader is the target while planning. Each extension gets an answer of its own, so that
// a plan does not depend on who asked first; the refusal is kept for the end of the plan.
type planReader struct{ *keyed }

func (k planReader) CheckKey(ctx context.Context) error { return k.see(k.target.checkKey(ctx)) }

func (k planReader) Snapshot(ctx context.Context, name, version string) (Snapshot, error) {
	s, err := k.target.Snapshot(ctx, name, version)
	return s, k.see(err)
}

func (k planReader) AssetURLs(ctx context.Context, name, version string, assets []extension.Asset) ([]string, bool, error) {
	urls, certain, err := k.target.assets.AssetURLs(ctx, name, version, assets)
	return urls, certain, k.see(err)
}

func (k planReader) see(err error) error {
	if !Unauthorized(err) {
		return err
	}
	err = &refusal{err}
	k.refuse(err) // the first one counts
	k.note(err)
	return err
}

func (k *keyed) CheckKey(ctx context.Context) error {
	return k.ask(func() error { return k.target.checkKey(ctx) })
}

func (k *keyed) Snapshot(ctx context.Context, name, version string) (s Snapshot, err error) {
	err = k.ask(func() (err error) { s, err = k.target.Snapshot(ctx, name, version); return err })
	return s, err
}

func (k *keyed) AssetURLs(ctx context.Context, name, version string, assets []extension.Asset) (urls []string, certain bool, err error) {
	err = k.ask(func() (err error) {
		urls, certain, err = k.target.assets.AssetURLs(ctx, name, version, assets)
		return err
	})
	return urls, certain, err
}

func (k *keyed) UploadAssets(ctx context.Context, name, version string, assets []extension.Asset) (urls []string, err error) {
	err = k.ask(func() (err error) { urls, err = k.target.assets.UploadAssets(ctx, name, version, assets); return err })
	return urls, err
}

func (k *keyed) Publish(ctx context.Context, pkg *extension.Package) (s Snapshot, err error) {
	err = k.ask(func() (err error) { s, err = k.target.Publish(ctx, pkg); return err })
	return s, err
}

func (k *keyed) Submit(ctx context.Context, snapshotID, message string) error {
	return k.ask(func() error { return k.target.reviews.Submit(ctx, snapshotID, message) })
}
