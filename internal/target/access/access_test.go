package access

import (
	"context"
	"errors"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
)

type unauthorized struct{}

func (unauthorized) Error() string      { return "401" }
func (unauthorized) Unauthorized() bool { return true }

// plain is a target without any ability.
type plain struct {
	target.Reader
	asked int
	err   error
}

func (p *plain) Snapshot(context.Context, string, string) (target.Snapshot, error) {
	p.asked++
	return target.Snapshot{ID: "1"}, p.err
}

func (p *plain) Publish(context.Context, *extension.Package) (target.Snapshot, error) {
	p.asked++
	return target.Snapshot{ID: "2"}, p.err
}

// able is one with all abilities.
type able struct {
	plain
	key bool
}

func (a *able) HasKey() bool                   { return a.key }
func (a *able) CheckKey(context.Context) error { a.asked++; return a.err }
func (a *able) AssetURLs(context.Context, string, string, []extension.Asset) ([]string, bool, error) {
	a.asked++
	return []string{"https://x"}, true, a.err
}
func (a *able) UploadAssets(context.Context, string, string, []extension.Asset) ([]string, error) {
	a.asked++
	return []string{"https://y"}, a.err
}
func (a *able) Fits(context.Context, *extension.Package) error { a.asked++; return a.err }
func (a *able) Submit(context.Context, string, string) error   { a.asked++; return a.err }

func TestAbilities(t *testing.T) {
	for _, test := range []struct {
		place                           target.Target
		closed, assets, reviews, proves bool
	}{
		{nil, true, false, false, false}, {&plain{}, false, false, false, false},
		{&able{}, true, true, true, true}, {&able{key: true}, false, true, true, true},
	} {
		a := New(target.Marketplace(test.place), nil)
		if a.Closed() != test.closed || a.KeepsAssets() != test.assets || a.Reviews() != test.reviews {
			t.Errorf("%T: %v, %v, %v", test.place, a.Closed(), a.KeepsAssets(), a.Reviews())
		}
		if err := errors.Join(a.CheckKey(t.Context()), a.Fits(t.Context(), nil)); err != nil {
			t.Errorf("%T: %v", test.place, err)
		}
	}
}

// requests are all that may be asked of a target.
func requests(a *Access, r Reader) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"check":    func(ctx context.Context) error { return r.CheckKey(ctx) },
		"urls":     func(ctx context.Context) error { _, _, err := r.AssetURLs(ctx, "alc", "1.0.0", nil); return err },
		"snapshot": func(ctx context.Context) error { _, err := r.Snapshot(ctx, "alc", "1.0.0"); return err },
		"fits":     func(ctx context.Context) error { return r.Fits(ctx, nil) },
		"upload":   func(ctx context.Context) error { _, err := a.UploadAssets(ctx, "alc", "1.0.0", nil); return err },
		"publish":  func(ctx context.Context) error { _, err := a.Publish(ctx, nil); return err },
		"submit":   func(ctx context.Context) error { return a.Submit(ctx, "1", "") },
	}
}

// After the first refusal nothing is asked any more, and the refusal is the answer to all.
func TestARefusalEndsTheTalk(t *testing.T) {
	for name := range requests(nil, nil) {
		place := &able{key: true}
		place.err = unauthorized{}
		var noted []error
		a := New(target.Marketplace(place), func(err error) { noted = append(noted, err) })
		err := requests(a, a)[name](t.Context())
		var refused *RefusedError
		if !errors.As(err, &refused) || !failure.Unauthorized(err) || Unsent(err) || a.Refused().Err() == nil || len(noted) != 1 {
			t.Errorf("%s: %v, noted %v", name, err, noted)
		}
		for next, request := range requests(a, a) {
			if err := request(t.Context()); !Unsent(err) || !failure.Unauthorized(err) || err.Error() != refused.Error() {
				t.Errorf("%s after %s: %v", next, name, err)
			}
		}
		if place.asked != 1 || len(noted) != 1 {
			t.Errorf("%s: asked %d times, noted %d", name, place.asked, len(noted))
		}
	}
}

// While a plan is made each gets an answer of its own, and the refusal is kept.
func TestAPlanAsksForEach(t *testing.T) {
	place := &able{key: true}
	place.err = unauthorized{}
	noted := 0
	a := New(target.Marketplace(place), func(error) { noted++ })
	r := a.ForPlan()
	for _, name := range []string{"check", "urls", "snapshot", "fits"} {
		err := requests(a, r)[name](t.Context())
		var refused *RefusedError
		if !errors.As(err, &refused) || Unsent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if place.asked != 4 || noted != 4 || a.Refused().Err() == nil {
		t.Errorf("asked %d times, noted %d", place.asked, noted)
	}
	if err := a.Submit(t.Context(), "1", ""); !Unsent(err) {
		t.Errorf("and is applied: %v", err)
	}
}

// Any other error ends nothing.
func TestOtherErrorsEndNothing(t *testing.T) {
	place := &able{key: true}
	place.err = errors.New("502")
	a := New(target.Marketplace(place), func(error) { t.Error("noted") })
	for _, r := range []Reader{a, a.ForPlan()} {
		for name, request := range requests(a, r) {
			if err := request(t.Context()); err != place.err {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if place.asked != 14 || a.Refused().Err() != nil {
		t.Errorf("asked %d times", place.asked)
	}
}
