package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/outputdir"
)

// packageStep makes the archive, or takes that of a target which has the version already. Where
// assets are going to be uploaded it is packed with the URLs that they are expected to get: if
// they come true, the archive that was measured in the plan is the one that is sent.
func packageStep(ctx context.Context, env *planning, r *release) error {
	if len(env.others) > 0 || r.run.Sizes || !r.run.DryRun { // else it may be known without
		if err := readContent(ctx, r); err != nil {
			return err
		}
	}
	if there, err := r.sameBytes(ctx, func(rt *route) *delivery.Asking { return env.to[rt.at] }); err != nil {
		return err
	} else if there {
		return nil
	}
	if there, err := r.sameAsOthers(ctx, env.others); there || err != nil {
		return err
	}
	if err := r.withoutPictures(); err != nil {
		return err
	}
	var urls extension.URLs
	if env.uploads {
		var err error
		if urls, r.packed.within, err = expectedURLs(ctx, env, r); err != nil {
			return err
		}
		r.noteAssets(urls)
	}
	if pkg := knownPackage(ctx, r, urls); pkg != nil {
		r.packed.known = true
		r.hold(pkg, urls)
	} else if err := r.pack(ctx, urls); err != nil {
		return err
	}
	r.change(func() { r.result.Package.SizeWithin = r.sizeWithin() })
	if r.run.Sizes {
		if err := measureAsPushed(ctx, env, r); err != nil {
			return err
		}
	}
	if env.keep != nil {
		if err := r.sign(ctx); err != nil {
			return err
		}
		defer r.change(func() { r.result.Package.Path = r.packed.archive })
		return env.keep(r)
	}
	return nil
}

// knownPackage is what the package would be, where a plan before this one has made it and found it to
// be in order, and this one needs no more of it. It has no bytes.
func knownPackage(ctx context.Context, r *release, urls extension.URLs) *extension.Package {
	if !r.run.DryRun || !r.run.decides() || r.run.Sizes || slices.ContainsFunc(r.open(), func(rt *route) bool { return rt.site.Access.Checks() }) {
		return nil
	}
	pkg := r.run.Packages.Recall(ctx, r.run.Packages.Of(r.parcel.Ext, r.read.known, urls, r.source.Settings.Size.Limit, r.parcel.Loads))
	if pkg != nil && r.parcel.Ext == nil {
		r.read.byTree = true
	}
	return pkg
}

// sign has the package signed, where there are keys for it. That is done once, when its bytes are
// final: all targets get the same.
func (r *release) sign(ctx context.Context) error {
	if r.run.Signer == nil {
		return nil
	}
	pkg := r.parcel.Package
	signed, err := graceful.Await(ctx, func() (*extension.Package, error) { return r.run.Signer.Sign(pkg) })
	if err == nil {
		r.parcel.Package = signed
	}
	return err
}

// keepIfPossible is keepPackage for a run, which needs no archive on this machine: a
// checkout that may not be written keeps none, and nothing else changes. A disk that
// is full, or fails, is an error like any other.
func keepIfPossible(r *release) error {
	err := keepPackage(r)
	if err == nil || !outputdir.MayNotWrite(err) {
		return err
	}
	r.run.Warn(fmt.Sprintf("the packages are not kept in %s: %s", r.run.Display(r.source.Settings.Package.Output), failure.WithoutPath(err)))
	return nil
}

// measureAsPushed says where the bytes of the package go in the form in which it
// would be pushed: that is the one which the limit is about.
func measureAsPushed(ctx context.Context, env *planning, r *release) error {
	urls, within, err := expectedURLs(ctx, env, r)
	if err != nil {
		return err
	}
	pushed, err := r.packWith(ctx, urls)
	if err != nil {
		return err
	}
	r.change(func() {
		r.result.Package.PushedSize = pushed.Size
		r.result.Package.PackedHard = r.result.Package.PackedHard || pushed.Hard
		if len(urls) > 0 {
			r.result.Package.SizeWithin = within
		}
	})
	return r.measure(ctx, urls)
}

// keepPackage leaves the archive and its checksum in the output directory. The result has its place with the next event.
func keepPackage(r *release) error {
	file, err := outputdir.Keep(r.source.Settings.Package.Output, r.parcel.Package)
	if err == nil {
		r.packed.archive = r.run.Display(file)
	}
	return err
}
