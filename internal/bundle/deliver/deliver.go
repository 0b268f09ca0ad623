// Package deliver puts what bundles hold into a registry and into targets: on the other side of
// a gap that no network crosses. What is there already is passed over, so that a delivery that was
// cut off goes on where it was, and nothing that is there is ever replaced.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/progress"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Registry is where images are brought to: a client of internal/registry.
type Registry interface {
	Resolve(ctx context.Context, r registry.Reference) (ocispec.Descriptor, bool, error)
	BlobExists(ctx context.Context, r registry.Reference, blob ocispec.Descriptor) (bool, error)
	Copy(ctx context.Context, from, to registry.Reference, options registry.CopyOptions) (registry.Copied, error)
}

// Options say what is delivered where.
type Options struct {
	// Bundles are verified.
	Bundles bundle.Set
	Targets []target.Place // of packages
	// Registry and ImageAt, which says where an image is to be, are needed where images are delivered; without ImageAt
	// none are. From is the host of a registry that serves the bundles, for Registry to copy from.
	Registry Registry
	ImageAt  func(registry.Reference) (registry.Reference, error)
	From     string
	// Parallelism is how many images, and how many packages, are on their way at once.
	Parallelism int
	// Patience is how long a target may take to show what it was given; 0 means two minutes.
	Patience time.Duration
	// Meter shows how many bytes of the images are done; it may be nil.
	Meter *progress.Meter
}

// The outcomes. Those of packages are those of runs.
const (
	Released = "released" // sent, and seen there with the same bytes
	Exists   = "exists"   // it was there, with the same content
	Drift    = "drift"    // it is there with other content, and stays
	Skipped  = "skipped"  // the target does not take this version
	Failed   = "failed"
)

// Outcome is what became of a package in one target, or of an image.
type Outcome struct {
	Kind    string `json:"kind"` // package or image
	Name    string `json:"name"` // NAME VERSION, or the reference
	To      string `json:"to"`   // the target, or the new reference
	Outcome string `json:"outcome"`
	Bytes   int64  `json:"bytes"`           // that were sent
	Error   string `json:"error,omitempty"` // why it is not there
	Hint    string `json:"hint,omitempty"`

	err error
}

// fail makes a failure of an outcome.
func (o Outcome) fail(err error) Outcome {
	o.Outcome, o.Error, o.Hint, o.err = Failed, err.Error(), failure.Hint(err), err
	return o
}

// Result has all outcomes, in the order of the bundles.
type Result struct {
	Outcomes []Outcome `json:"outcomes"`
}

// Good says that all is where it was to be.
func (r *Result) Good() bool {
	return !slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return o.Outcome == Failed || o.Outcome == Drift })
}

// Unauthorized says that a target or registry refused a key.
func (r *Result) Unauthorized() bool {
	return slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return failure.Unauthorized(o.err) })
}

// delivery is one delivery.
type delivery struct {
	Options
	packages []bundle.Package
	images   []image
}

// image is an image on its way.
type image struct {
	bundle.Image
	from, to registry.Reference
	content  bundle.Content
}

// size is how many bytes the image has.
func (i image) size() int64 {
	var size int64
	for _, d := range slices.Concat(i.content.Manifests, i.content.Blobs) {
		size += d.Size
	}
	return size
}

// Deliver delivers: images first, since what is in a target can be installed. The error is one
// that came before anything was written; all later ones are in the result.
func Deliver(ctx context.Context, options Options) (*Result, error) {
	d := &delivery{Options: options}
	if d.Patience <= 0 {
		d.Patience = 2 * time.Minute
	}
	d.Parallelism = max(1, d.Parallelism)
	if err := d.plan(ctx); err != nil {
		return nil, err
	}
	result := &Result{Outcomes: d.bringImages(ctx)}
	bad := (&Result{Outcomes: result.Outcomes}).failedImages()
	for _, place := range d.Targets {
		result.Outcomes = append(result.Outcomes, d.bringPackages(ctx, place, bad)...)
	}
	return result, nil
}

// plan finds out what is to be brought, and refuses bundles of which the base is not there.
func (d *delivery) plan(ctx context.Context) error {
	packages, err := d.Bundles.Packages()
	if err != nil {
		return err
	}
	d.packages = packages
	taken := map[string]bundle.Image{} // by their new places
	if d.ImageAt != nil {
		for _, i := range d.Bundles.Images() {
			at, err := registry.Parse(i.Reference)
			if err != nil {
				return err
			}
			to, err := d.ImageAt(at)
			if err != nil {
				return err
			}
			if other, twice := taken[to.String()]; twice && other.Digest != i.Digest {
				return failure.WithHint(fmt.Errorf("%s and %s would both be %s", other.Reference, i.Reference, to), "keep them apart by their registries: --rename \"{host}/{path}\"")
			}
			taken[to.String()] = i
			content, err := d.Bundles.Content(i)
			if err != nil {
				return err
			}
			from := registry.Reference{Host: d.From, Repository: at.Repository, Digest: i.Digest}
			d.images = append(d.images, image{i, from, to, content})
		}
	}
	return d.checkBase(ctx)
}

// checkBase asks the other side for what an increment leaves out.
func (d *delivery) checkBase(ctx context.Context) error {
	var missing []string
	for _, i := range d.images {
		for _, blob := range i.content.Blobs {
			if _, here := d.Bundles.Blob(blob.Digest.String()); here {
				continue
			}
			there, err := d.Registry.BlobExists(ctx, i.to, blob)
			if err != nil {
				return err
			}
			if !there {
				missing = append(missing, fmt.Sprintf("layers of %s in %s", i.Reference, i.to.Name()))
			}
		}
	}
	for _, p := range d.packages {
		if d.Bundles.Has(bundle.File{Path: p.Path(), Digest: p.Digest}) {
			continue
		}
		for _, place := range d.Targets {
			if place.Takes != nil && !place.Takes(p.Name, p.Version) {
				continue
			}
			s, err := place.Snapshot(ctx, p.Name, p.Version)
			if err != nil {
				return fmt.Errorf("asking %s for %s %s: %w", place.Name, p.Name, p.Version, err)
			}
			if s.Status == target.StatusNone {
				missing = append(missing, fmt.Sprintf("%s %s in %s", p.Name, p.Version, place.Name))
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	more := ""
	if len(missing) > 5 {
		more = fmt.Sprintf(" and %d more", len(missing)-5)
		missing = missing[:5]
	}
	return failure.WithHint(fmt.Errorf("this bundle goes on from another one, and what that has is not there: %s%s", strings.Join(missing, "; "), more),
		"nothing was written; name the base before it (ksrelease unbundle BASE INCREMENT …), or unbundle the base first")
}

// bringImages copies the images, from the registry that serves the bundles.
func (d *delivery) bringImages(ctx context.Context) []Outcome {
	outcomes := make([]Outcome, len(d.images))
	var size int64
	for _, i := range d.images {
		size += i.size()
	}
	d.Meter.Begin("bringing images", 0, size)
	var group errgroup.Group
	group.SetLimit(d.Parallelism)
	for i, image := range d.images {
		group.Go(func() error {
			outcomes[i] = d.bringImage(ctx, image)
			return nil // the others are brought all the same
		})
	}
	_ = group.Wait()
	return outcomes
}

func (d *delivery) bringImage(ctx context.Context, i image) Outcome {
	o := Outcome{Kind: "image", Name: i.Reference, To: i.to.String()}
	if graceful.Over(ctx) {
		return o.fail(fmt.Errorf("%s before it was begun", graceful.Interruption(ctx)))
	}
	at := i.to.WithTag(i.to.Tag)
	if at.Tag == "" {
		at = i.to.WithDigest(i.Digest)
	}
	isThere := func() (bool, error) {
		found, ok, err := d.Registry.Resolve(ctx, at)
		return ok && found.Digest.String() == i.Digest, err
	}
	there, err := isThere()
	if err != nil {
		return o.fail(err)
	}
	progress := d.Meter.Part()
	if there {
		progress(i.size(), i.size())
		o.Outcome = Exists
		return o
	}
	copied, err := d.Registry.Copy(ctx, i.from, i.to, registry.CopyOptions{Progress: progress})
	if err != nil {
		return o.fail(err)
	}
	switch there, err := isThere(); {
	case err != nil:
		return o.fail(fmt.Errorf("reading it back: %w", err))
	case !there:
		return o.fail(fmt.Errorf("%s does not have the digest %s after it was sent: somebody else writes there", at, i.Digest))
	}
	o.Outcome, o.Bytes = Released, copied.Bytes
	return o
}

// failedImages are the references of images that are not there.
func (r *Result) failedImages() map[string]bool {
	bad := map[string]bool{}
	for _, o := range r.Outcomes {
		if o.Kind == "image" && o.Outcome == Failed {
			bad[o.Name] = true
		}
	}
	return bad
}

// bringPackages publishes the packages in one target.
func (d *delivery) bringPackages(ctx context.Context, place target.Place, badImages map[string]bool) []Outcome {
	outcomes := make([]Outcome, len(d.packages))
	index, unread := place.Index(ctx)
	keys, hasKeys := place.Target.(target.KeyHolder)
	if unread == nil && hasKeys {
		unread = keys.CheckKey(ctx)
	}
	var group errgroup.Group
	group.SetLimit(d.Parallelism)
	for i, p := range d.packages {
		group.Go(func() error {
			o := Outcome{Kind: "package", Name: p.Name + " " + p.Version, To: place.Name}
			bad := slices.IndexFunc(p.Images, func(image string) bool { return badImages[image] })
			switch {
			case place.Takes != nil && !place.Takes(p.Name, p.Version):
				o.Outcome = Skipped
			case unread != nil:
				o = o.fail(unread)
			case graceful.Over(ctx):
				o = o.fail(fmt.Errorf("%s before it was begun", graceful.Interruption(ctx)))
			case bad >= 0:
				o = o.fail(fmt.Errorf("its image %s is not there", p.Images[bad]))
			default:
				o = d.bringPackage(ctx, place, index, p, o)
			}
			outcomes[i] = o
			return nil
		})
	}
	_ = group.Wait()
	return outcomes
}

func (d *delivery) bringPackage(ctx context.Context, place target.Place, index target.Index, p bundle.Package, o Outcome) Outcome {
	entry, there, err := index.Lookup(ctx, p.Name, p.Version)
	if err != nil {
		return o.fail(err)
	}
	if there {
		return d.compare(ctx, place, entry, p, o)
	}
	pkg, err := d.Bundles.PackageOf(p)
	if err != nil {
		return o.fail(err)
	}
	if err := publish(ctx, place, pkg); err != nil {
		return o.fail(err)
	}
	o.Bytes = pkg.Size
	entry, err = d.wait(ctx, place, p)
	if err != nil {
		return o.fail(err)
	}
	seen := d.compare(ctx, place, entry, p, o)
	if seen.Outcome == Exists {
		seen.Outcome = Released
	}
	return seen
}

// compare says whether what a target has is the package: by its digest, or by the digest of its content, which a
// marketplace that packs anew keeps.
func (d *delivery) compare(ctx context.Context, place target.Place, entry target.Entry, p bundle.Package, o Outcome) Outcome {
	digest := entry.Digest
	if digest == "" {
		archive, err := place.Fetch(ctx, entry)
		if err != nil {
			return o.fail(err)
		}
		digest = bundle.DigestOf(archive)
	}
	same := strings.TrimPrefix(digest, "sha256:") == strings.TrimPrefix(p.Digest, "sha256:")
	if same || p.ContentDigest != "" && entry.ContentDigest == p.ContentDigest {
		o.Outcome = Exists
		return o
	}
	o = o.fail(failure.WithHint(fmt.Errorf("it is there with other content: its digest is sha256:%s, and that of the bundle %s", strings.TrimPrefix(digest, "sha256:"), p.Digest), "nothing is replaced; give one of them another version"))
	o.Outcome = Drift
	return o
}

// publish sends a package, and hands it in where there are reviews. What becomes of it is decided by what the
// target says afterwards, and by no answer to a write.
func publish(ctx context.Context, place target.Place, pkg *extension.Package) error {
	s, err := place.Snapshot(ctx, pkg.Name, pkg.Version)
	if err != nil {
		return err
	}
	if s.Status == target.StatusNone || s.Status == target.StatusDraft {
		var failed error
		if s, failed = place.Publish(ctx, pkg); failed != nil {
			if s, err = place.Snapshot(ctx, pkg.Name, pkg.Version); err != nil {
				return failure.Lost(failed, err, "whether it is there")
			}
			if s.Status == target.StatusNone {
				return failed
			}
		}
	}
	reviews, ok := place.Target.(target.Reviewer)
	if !ok || s.Status != target.StatusDraft {
		return nil
	}
	if failed := reviews.Submit(ctx, s.ID, ""); failed != nil {
		now, err := place.Snapshot(ctx, pkg.Name, pkg.Version)
		if err != nil {
			return failure.Lost(failed, err, "whether it is submitted")
		}
		if now.Status == target.StatusDraft || now.Status == target.StatusNone {
			return failed
		}
	}
	return nil
}

var errNotSeen = errors.New("it was sent, and the target does not show it")

// wait waits until the target shows a package.
func (d *delivery) wait(ctx context.Context, place target.Place, p bundle.Package) (target.Entry, error) {
	began := time.Now()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		index, err := place.Index(ctx)
		if err == nil {
			var entry target.Entry
			var there bool
			if entry, there, err = index.Lookup(ctx, p.Name, p.Version); there && err == nil {
				return entry, nil
			}
		}
		if ctx.Err() != nil {
			return target.Entry{}, context.Cause(ctx)
		}
		if time.Since(began) > d.Patience {
			return target.Entry{}, failure.WithHint(errors.Join(errNotSeen, err), "run it again later: what is there is passed over")
		}
		graceful.Sleep(ctx, pause)
	}
}
