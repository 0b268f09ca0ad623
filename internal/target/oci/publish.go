package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
)

// pushed is a package as a registry holds it.
type pushed struct {
	config, layer ocispec.Descriptor
	configData    []byte
	provenance    *ocispec.Descriptor // of the provenance file; nil without one
	manifest      []byte
}

// describe makes the manifest of a package as `helm push` does (Client.Push in
// pkg/registry/client.go and generateOCIAnnotations in pkg/registry/util.go of
// helm.sh/helm/v3 3.22.0), but for one annotation: org.opencontainers.image.created. Helm
// writes the time of the file on the disk there, in the time zone of the machine, so that
// the same package has another digest with each push. Two runs that push the same version
// at the same time shall push the same bytes, and a package has no other time in it.
func describe(pkg *extension.Package) (pushed, error) {
	packed, err := loader.LoadArchive(bytes.NewReader(pkg.Data))
	if err != nil {
		return pushed{}, fmt.Errorf("reading the package %s: %w", pkg.Filename, err)
	}
	config, err := json.Marshal(packed.Metadata)
	if err != nil {
		return pushed{}, err
	}
	p := pushed{config: registry.Describe(configType, config), layer: registry.Describe(chartType, pkg.Data), configData: config}
	layers := []ocispec.Descriptor{p.layer}
	if pkg.Provenance != nil {
		provenance := registry.Describe(provenanceType, pkg.Provenance)
		p.provenance, layers = &provenance, append(layers, provenance)
		slices.SortFunc(layers, func(a, b ocispec.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) }) // as Helm does
	}
	p.manifest, err = json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, Config: p.config, Layers: layers,
		Annotations: annotations(packed.Metadata),
	})
	return p, err
}

// annotations are those that Helm makes of Chart.yaml, and the annotations in it, ours among
// them: the content digest and the commit.
func annotations(metadata *chart.Metadata) map[string]string {
	all := maps.Clone(metadata.Annotations)
	if all == nil {
		all = map[string]string{}
	}
	// Those that Helm takes from Chart.yaml alone (immutableOciAnnotations).
	delete(all, ocispec.AnnotationVersion)
	delete(all, ocispec.AnnotationTitle)
	set := func(key, value string) {
		if _, there := all[key]; !there && strings.TrimSpace(value) != "" {
			all[key] = value
		}
	}
	set(ocispec.AnnotationDescription, metadata.Description)
	set(ocispec.AnnotationTitle, metadata.Name)
	set(ocispec.AnnotationVersion, metadata.Version)
	set(ocispec.AnnotationURL, metadata.Home)
	if len(metadata.Sources) > 0 {
		set(ocispec.AnnotationSource, metadata.Sources[0])
	}
	var authors []string
	for _, maintainer := range metadata.Maintainers {
		author := maintainer.Name
		if maintainer.Email != "" {
			author += " (" + maintainer.Email + ")"
		}
		authors = append(authors, author)
	}
	set(ocispec.AnnotationAuthors, strings.Join(authors, ", "))
	return all
}

// Publish pushes a package. A tag that is there is left as it is: with the same package that
// is success, with any other content an error.
//
// Registries move a tag without a word, and have no way to push one only if it is not
// there. So the tag is looked at right before the push, and read back right after it:
// if two runs push other content at once, the one whose push was overwritten in between
// says so, InDoubt, and verify finds what is there. What is left is a run that comes second
// after the first one's last look.
func (t *Target) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	p, err := describe(pkg)
	if err != nil {
		return target.Snapshot{}, err
	}
	at := t.reference(pkg.Name, pkg.Version)
	if err := t.sendBlobs(ctx, at, p, pkg); err != nil {
		return target.Snapshot{}, t.explain(err)
	}
	there, taken, err := t.read(ctx, at)
	switch {
	case err != nil:
		return target.Snapshot{}, err
	case taken && there.layer.Digest == p.layer.Digest && there.version == pkg.Version:
		return target.Snapshot{ID: there.Digest.String(), Status: target.StatusActive}, nil
	case taken && there.version != pkg.Version:
		return target.Snapshot{}, failure.WithHint(fmt.Errorf("the tag %s is that of version %s: a registry writes + as _, so that both have the same tag", at.Tag, there.version), "release it under another version")
	case taken:
		return target.Snapshot{}, failure.WithHint(fmt.Errorf("%s is there already, with another package (%s), and a tag is never moved", at, there.layer.Digest), "release it under another version")
	}
	if err := t.sign(ctx, at, registry.Describe(ocispec.MediaTypeImageManifest, p.manifest)); err != nil {
		return target.Snapshot{}, fmt.Errorf("pushing the signature of %s %s: %w", pkg.Name, pkg.Version, t.explain(err))
	}
	sent, err := t.registry.PushManifest(ctx, at, ocispec.MediaTypeImageManifest, p.manifest)
	if err != nil {
		return target.Snapshot{}, fmt.Errorf("pushing %s %s: %w", pkg.Name, pkg.Version, t.explain(err))
	}
	if err := t.readBack(ctx, at, sent); err != nil {
		return target.Snapshot{}, fmt.Errorf("pushing %s %s: %w", pkg.Name, pkg.Version, err)
	}
	return target.Snapshot{ID: sent.Digest.String(), Status: target.StatusActive}, nil
}

// sendBlobs sends what a manifest names.
func (t *Target) sendBlobs(ctx context.Context, at registry.Reference, p pushed, pkg *extension.Package) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.registry.PushData(ctx, at, p.config, p.configData) })
	if p.provenance != nil {
		group.Go(func() error { return t.registry.PushData(ctx, at, *p.provenance, pkg.Provenance) })
	}
	group.Go(func() error {
		if p.layer.Size > small {
			if there, err := t.registry.BlobExists(ctx, at, p.layer); there || err != nil {
				return err
			}
		}
		return t.registry.PushData(ctx, at, p.layer, pkg.Data)
	})
	return group.Wait()
}

// readBack finds out whether a tag names something else than what was just pushed. A tag that
// is not there yet is none of that: the registry has taken it, and whether it shows is what
// verify is for.
func (t *Target) readBack(ctx context.Context, at registry.Reference, sent ocispec.Descriptor) error {
	found, there, err := t.registry.Resolve(ctx, at)
	switch {
	case err != nil:
		return &lostError{fmt.Errorf("it was taken, and reading it back failed: %w", t.explain(err))}
	case there && found.Digest != sent.Digest:
		return &lostError{fmt.Errorf("it was taken, and %s names %s now and not %s: somebody else has pushed it at the same time", at, found.Digest, sent.Digest)}
	}
	return nil
}

// lostError is a push after which the tag does not name what was pushed, or nobody knows.
type lostError struct{ error }

func (e *lostError) Unwrap() error { return e.error }

// InDoubt says that the state has to be read.
func (e *lostError) InDoubt() bool { return true }

// Unauthorized hides that of the error within: the push itself was allowed.
func (e *lostError) Unauthorized() bool { return false }
