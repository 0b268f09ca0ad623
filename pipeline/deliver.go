package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
)

// existsStep ends an extension that all targets have with the content that it has here, before
// anybody looks at that: nothing of it is going to be released. Where one target has to get it, or
// its index cannot be read, lint comes first, and what a target has is decided as for any other.
func existsStep(ctx context.Context, env *planning, r *release) error {
	taking := slices.DeleteFunc(slices.Clone(r.routes), func(rt *route) bool { return !rt.takes() })
	if !r.run.decides() || r.order.Cycle != nil || len(taking) == 0 {
		return nil
	}
	r.awaitIndexes(ctx, env, taking)
	for _, rt := range taking {
		exists, sure, err := rt.Exists(ctx, env.to[rt.at])
		if err == nil && !sure { // too little is known without the content
			if err := readContent(ctx, r); err != nil {
				return err
			}
			exists, _, err = rt.Exists(ctx, env.to[rt.at])
		}
		if err != nil || !exists {
			return err
		}
	}
	r.run.looks.Drop(r.parcel.Ext)
	for _, rt := range r.routes {
		if slices.Contains(taking, rt) {
			rt.end(results.Exists, "")
		} else {
			rt.end(results.LeftOut, rt.notForIt())
		}
	}
	return nil
}

// awaitIndexes waits until indexes are there. While they are on their way from far away, the extension may be looked
// at: most are new that are not known from runs before.
func (r *release) awaitIndexes(ctx context.Context, env *planning, of []*route) {
	if r.parcel.Ext == nil || r.run.skips(results.StageLint) {
		return
	}
	defer r.run.looks.Soon(r.parcel.Ext, lintOptions(r), r.limits())()
	for _, rt := range of {
		_, _ = env.to[rt.at].Index.Since(ctx, time.Time{}) // who wants it gets the error
	}
}

// notForIt is why a target does not get the version.
func (rt *route) notForIt() string {
	return "it is not for " + rt.site.Noun + ", by the settings of this target"
}

// decideStep decides what is to be done with an extension for a target. A run that releases
// nothing decides nothing, but a cycle of dependencies is a failure for it, too: after lint, whose
// findings are the more for it.
//
// Of what is to be released it says what is worth knowing, and blocks it if something that it
// requires is nowhere.
func decideStep(ctx context.Context, env *planning, rt *route) error {
	switch {
	case rt.order.Cycle != nil:
		return rt.order.Cycle
	case !rt.run.decides():
		rt.change(func() { rt.move(lifecycle.Planned{Decision: lifecycle.Keep}) })
		return nil
	case !rt.takes():
		return &delivery.Ending{Outcome: results.LeftOut, Reason: rt.notForIt()}
	}
	to := env.to[rt.at]
	d, note, err := rt.Decide(ctx, to)
	if err == nil && d == lifecycle.Send {
		err = lookAround(ctx, to, rt)
	}
	if err != nil {
		return err
	}
	rt.tell(results.Event{Kind: results.EventDecided, Target: rt.target(), Decision: d.String(), Message: note}, func() {
		rt.known.Seen.Decision = d.String()
		rt.move(lifecycle.Planned{Decision: d, Note: note})
	})
	return nil
}

// togetherStep keeps back what is another version elsewhere: a version has the same content in all
// targets, or goes nowhere until somebody has settled it.
func togetherStep(_ context.Context, _ *planning, r *release) error {
	for _, rt := range r.routes {
		if rt.known.Outcome == results.Drift && !rt.known.AsAsked {
			return delivery.Apart(rt.site.Called())
		}
	}
	return nil
}

// keeper is the way to the target in which the assets of the package are to lie: the first that
// keeps assets. It is nil where packages hold their assets, and where the package is one that is
// there already.
func (r *release) keeper() *route {
	if r.packed.from {
		return nil
	}
	for _, rt := range r.routes {
		if rt.site.Access.KeepsAssets() && rt.takes() {
			return rt
		}
	}
	return nil
}

// expectedURLs gives the assets the addresses that they are expected to get, and says by how many
// bytes the package may come out other than with these. Where no target keeps assets there are no
// addresses.
func expectedURLs(ctx context.Context, env *planning, r *release) (urls extension.URLs, within int64, err error) {
	keeper := r.keeper()
	if keeper == nil {
		return nil, 0, nil
	}
	urls, certain, err := keeper.ExpectedURLs(ctx, env.to[keeper.at])
	if err == nil && !certain {
		within = forecastWithin
	}
	return urls, within, err
}

// sameBytes takes for the package of an extension what a target has of it already, with the same
// content. So all have the same bytes, also where they were packed by another program, or of
// another commit. It says whether there is one.
//
// The archive is read, and compared: an entry of an index says what it likes. One that holds its
// assets is not for a target that keeps them elsewhere.
func (r *release) sameBytes(ctx context.Context, to func(*route) *delivery.Asking) (bool, error) {
	keeps := slices.ContainsFunc(r.open(), func(rt *route) bool { return rt.site.Access.KeepsAssets() && !rt.Waits })
	for _, rt := range r.routes {
		if !rt.over() || rt.Entry == nil || rt.known.Outcome != results.Exists {
			continue
		}
		called := rt.site.Called()
		pkg, holds, err := rt.Published(ctx, to(rt), called)
		switch {
		case err != nil:
			return false, err
		case holds && keeps:
			r.notify(fmt.Sprintf("the package that %s has holds its icon and screenshots: the others get one of the same content with their addresses", called))
			continue
		}
		r.takeOver(pkg)
		return true, nil
	}
	return false, nil
}

// sameAsOthers is sameBytes for the targets of the project that this run leaves out.
func (r *release) sameAsOthers(ctx context.Context, others []*delivery.Other) (bool, error) {
	for _, o := range others {
		pkg, holds, err := o.Has(ctx, &r.parcel, r.run.Warn)
		if err != nil || pkg != nil && (!holds || r.keeper() == nil) {
			if err == nil {
				r.takeOver(pkg)
			}
			return err == nil, err
		}
	}
	return false, nil
}

// takeOver has the package be one that is there already.
func (r *release) takeOver(pkg *extension.Package) {
	r.packed.from, r.packed.within = true, 0
	r.parcel.Loads = false
	r.hold(pkg, nil)
}

// fitsStep has what a target would refuse fail before anything is sent anywhere.
func fitsStep(ctx context.Context, env *planning, rt *route) error {
	if !rt.run.sends() {
		return nil
	}
	return env.to[rt.at].Target.Fits(ctx, rt.parcel.Package)
}

// lookAgainStep asks once more for what the plan saw, where that is long ago.
func lookAgainStep(ctx context.Context, env *applying, rt *route) error {
	return rt.LookAgain(ctx, env.to[rt.at])
}

// settleStep has what is sent to the other targets be what was found in one that was waited for.
// What is not known to be there cannot be sent to others.
func settleStep(ctx context.Context, env *applying, r *release) error {
	if r.packed.from {
		return nil
	}
	waited := false
	for _, rt := range r.routes {
		switch {
		case !rt.Waits:
		case rt.known.Outcome == results.NotReached && rt.over():
			return &delivery.Ending{Outcome: results.NotReached, Reason: rt.known.Reason}
		case rt.known.Outcome != results.Exists:
			return &delivery.Ending{Outcome: results.Blocked, Reason: fmt.Sprintf("%s has got the version before, and what it has is not known: all are to have the same", rt.site.Called())}
		default:
			waited = true
		}
	}
	if waited {
		_, err := r.sameBytes(ctx, func(rt *route) *delivery.Asking { return &env.to[rt.at].Asking })
		return err
	}
	return nil
}

// uploadStep sends icon and screenshots and puts their addresses into the package.
func uploadStep(ctx context.Context, env *applying, rt *route) error {
	urls, err := rt.Upload(ctx, env.to[rt.at])
	if err != nil {
		return err
	}
	if len(urls) > 0 {
		rt.noteAssets(urls)
	}
	if !maps.Equal(urls, rt.parcel.URLs) {
		if err := rt.pack(ctx, urls); err != nil {
			return err
		}
	} // else they got the addresses that the plan packed with
	rt.packed.within = 0
	rt.change(func() { rt.result.Package.SizeWithin = 0 })
	return nil
}

// picturesStep keeps the package from all where the assets in it could not be uploaded.
func picturesStep(_ context.Context, _ *applying, r *release) error {
	return r.withoutPictures()
}

// withoutPictures ends what would have a package of which the icon lies nowhere.
func (r *release) withoutPictures() error {
	keeper := r.keeper()
	if keeper == nil || !keeper.over() || len(r.parcel.Assets()) == 0 || r.run.skips(results.StageUpload) {
		return nil
	}
	if keeper.known.Outcome == results.NotReached {
		return &delivery.Ending{Outcome: results.NotReached, Reason: fmt.Sprintf("its icon and screenshots were to lie in %s, which was not reached", keeper.site.Called())}
	}
	return &delivery.Ending{Outcome: results.Blocked, Reason: fmt.Sprintf("its icon and screenshots were to lie in %s, where it is %s", keeper.site.Called(), keeper.known.Outcome)}
}

// noteAssets puts the assets into the result, with their URLs by file.
func (r *release) noteAssets(urls extension.URLs) {
	if len(urls) == 0 {
		return
	}
	var assets []results.Asset
	for _, a := range r.parcel.Assets() {
		assets = append(assets, results.Asset{File: a.File, URL: urls[a.File], Size: a.Size, Digest: a.Digest})
	}
	r.change(func() { r.result.Assets = assets })
}

// pushStep sends the package, and submits it where that makes a draft.
func pushStep(ctx context.Context, env *applying, rt *route) error {
	if err := rt.packed.kept(); err != nil {
		return err
	}
	defer rt.change(func() { rt.result.Package.Path = rt.packed.archive })
	return rt.Push(ctx, env.to[rt.at])
}

// signStep has the package signed.
func signStep(ctx context.Context, _ *applying, r *release) error { return r.sign(ctx) }

// keepStep has the package left in the output directory by the first that sends it.
func keepStep(_ context.Context, env *applying, r *release) error {
	r.packed.kept = sync.OnceValue(func() error { return env.keep(r) })
	return nil
}

// verifyStep walks to the version as KubeSphere does until it is there.
func verifyStep(ctx context.Context, env *applying, rt *route) error {
	return rt.Verify(ctx, env.to[rt.at])
}
