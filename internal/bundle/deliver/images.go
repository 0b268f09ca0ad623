package deliver

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/registry"
)

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

// bringImages copies the images, from the registry that serves the bundles.
func (d *deliverer) bringImages(ctx context.Context) []Outcome {
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

func (d *deliverer) bringImage(ctx context.Context, i image) Outcome {
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
