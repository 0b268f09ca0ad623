// Package deliver puts what bundles hold into a registry and into targets: on the other side of
// a gap that no network crosses. What is there already is passed over, so that a delivery that was
// cut off goes on where it was, and nothing that is there is ever replaced.
package deliver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/failure"
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
	// Note gets what somebody should know of packages while they are brought, such as what is tried
	// again; it may be nil.
	Note func(message string)
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

// deliverer makes one delivery.
type deliverer struct {
	Options
	packages []bundle.Package
	images   []image
	ways     []*way // of each package to each target, target by target
}

// Deliver delivers: images first, since what is in a target can be installed. What targets have, and
// would refuse, is asked before. The error is one that came before anything was written; all later
// ones are in the result.
//
// When ctx ends nothing new is begun. If it is one of package graceful, a package that is being
// sent is sent to the end.
func Deliver(ctx context.Context, options Options) (*Result, error) {
	d := &deliverer{Options: options}
	if d.Patience <= 0 {
		d.Patience = 2 * time.Minute
	}
	if d.Note == nil {
		d.Note = func(string) {}
	}
	d.Parallelism = max(1, d.Parallelism)
	if err := d.plan(ctx); err != nil {
		return nil, err
	}
	d.decidePackages(ctx)
	result := &Result{Outcomes: d.bringImages(ctx)}
	d.bringPackages(ctx, result.failedImages())
	for _, w := range d.ways {
		result.Outcomes = append(result.Outcomes, w.outcome)
	}
	return result, nil
}

// plan finds out what is to be brought, and refuses bundles of which the base is not there.
func (d *deliverer) plan(ctx context.Context) error {
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
	if err := d.checkBase(ctx); err != nil {
		return err
	}
	for _, place := range d.Targets {
		site := delivery.NewSite(place, func(error) {}) // outcomes tell it
		for _, p := range d.packages {
			d.ways = append(d.ways, newWay(site, p, d.Patience, d.Note))
		}
	}
	return nil
}

// has says that the bundles hold a package, and not only name it as one of their base.
func (d *deliverer) has(p bundle.Package) bool {
	return d.Bundles.Has(bundle.File{Path: p.Path(), Digest: p.Digest})
}

// checkBase asks the other side for what an increment leaves out.
func (d *deliverer) checkBase(ctx context.Context) error {
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
		if d.has(p) {
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
