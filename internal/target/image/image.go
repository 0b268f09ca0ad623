// Package image is the image of a Helm repository as a target: ChartMuseum, or ksrelease itself, with all packages
// under /charts, as KubeSphere runs it in a cluster. It is built without Docker: the layers of the base are copied from
// registry to registry, and those with the packages are made here.
//
// What is in the image is known by an annotation of its index. A registry has no way to change a tag only if
// nobody else has; so each package is a tag of its own besides, which is never moved and never lost, and the image is
// built anew until it has all that have a tag (build.go).
package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/together"
)

// Options shape a target.
type Options struct {
	// Registry reads the base, by mirrors where it has some; of the image itself none is asked.
	Registry *registry.Client
	// Images are where the image is pushed to, each with a tag. What counts as released is in all of them.
	Images []registry.Reference
	// Base is the image to build on. Without one the image is built from nothing, and Binary is needed.
	Base *registry.Reference
	// Platforms are what the image is for: OS/ARCHITECTURE[/VARIANT].
	Platforms []string
	// Binary reads the program that an image without a base runs, ksrelease for a platform of Linux, linked statically.
	Binary func(platform string) ([]byte, error)
	// Settle is how long a package that got its tag waits before it counts: longer than somebody else may take from
	// looking for that tag to setting it. 0 is a second.
	Settle time.Duration
}

// Target is a museum image. It is safe for concurrent use.
type Target struct {
	options Options
	builder *builder
	builds  *together.Batches[*extension.Package]
}

// New makes a target. Nothing is asked yet.
func New(options Options) (*Target, error) {
	if len(options.Images) == 0 || len(options.Platforms) == 0 {
		return nil, errors.New("an image needs a reference and a platform")
	}
	for _, at := range options.Images {
		if at.Tag == "" || at.Digest != "" {
			return nil, failure.WithHint(fmt.Errorf("the image %s has no tag that could be moved", at), "name one: %s:latest", at.Name())
		}
	}
	if options.Base == nil && options.Binary == nil {
		return nil, errors.New("an image without a base needs a program")
	}
	if options.Settle == 0 {
		options.Settle = time.Second
	}
	bases := options.Registry
	options.Registry = bases.Direct()
	t := &Target{options: options, builder: &builder{Options: options, bases: bases}}
	t.builds = together.NewBatches(t.build)
	return t, nil
}

// Stable says of a version that it is no pre-release: those that an image for production takes.
func Stable(_, version string) bool {
	parsed, err := semver.NewVersion(version)
	return err == nil && parsed.Prerelease() == ""
}

// state is the image at one moment.
type state struct {
	digest string // of its index; empty where it is not there
	*listing
}

// read reads what a tag has.
func (b *builder) read(ctx context.Context, at registry.Reference) (state, error) {
	m, there, err := b.Registry.Manifest(ctx, at)
	if err != nil {
		return state{}, err
	}
	if !there {
		return state{listing: &listing{}}, nil
	}
	var index ocispec.Index
	if err := json.Unmarshal(m.Data, &index); err != nil {
		return state{}, fmt.Errorf("the image %s cannot be read: %w", at, err)
	}
	text, ours := index.Annotations[listingKey]
	if !ours {
		return state{}, failure.WithHint(fmt.Errorf("the image %s was made by something else, and is not replaced", at), "name another tag; an image such as this can be the base of it")
	}
	l, err := parseListing(text)
	if err != nil {
		return state{}, fmt.Errorf("the image %s: %w", at, err)
	}
	return state{m.Digest.String(), l}, nil
}

// readAll reads all references.
func (t *Target) readAll(ctx context.Context) ([]state, error) {
	states, errs := make([]state, len(t.options.Images)), make([]error, len(t.options.Images))
	var group sync.WaitGroup
	for i, at := range t.options.Images {
		group.Go(func() { states[i], errs[i] = t.builder.read(ctx, at) })
	}
	group.Wait()
	return states, errors.Join(errs...)
}

// Index reads what is in the image.
func (t *Target) Index(ctx context.Context) (target.Index, error) {
	states, err := t.readAll(ctx)
	if err != nil {
		return nil, err
	}
	return index{t.options.Images, states}, nil
}

// Snapshot says whether a version is in the image.
func (t *Target) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	read, err := t.Index(ctx)
	if err != nil {
		return target.Snapshot{}, err
	}
	_, there, err := read.Lookup(ctx, name, version)
	if err != nil || !there {
		return target.Snapshot{}, err
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

// Fetch reads a package out of its layer.
func (t *Target) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	at := t.options.Images[0]
	now, err := t.builder.read(ctx, at)
	if err != nil {
		return nil, err
	}
	p, there := now.find(e.Name, e.Version)
	if !there {
		return nil, fmt.Errorf("the image %s has no %s %s", at, e.Name, e.Version)
	}
	return t.builder.extract(ctx, at, now, p)
}

// FetchAsset has nothing to fetch: packages hold their pictures.
func (t *Target) FetchAsset(context.Context, string) ([]byte, error) {
	return nil, errors.New("an image keeps no pictures but those in its packages")
}

// extract reads a package out of its layer.
func (b *builder) extract(ctx context.Context, at registry.Reference, now state, p packed) ([]byte, error) {
	l, ok := now.layerOf(groupOf(p.Name))
	if !ok {
		return nil, fmt.Errorf("the image %s has no layer with %s", at, p.filename())
	}
	var data []byte
	err := b.Registry.Stream(ctx, at, l.descriptor(), func(from io.Reader) error {
		data = nil
		return eachPackage(from, func(filename string, content io.Reader) (bool, error) {
			if filename != p.filename() {
				return false, nil
			}
			var err error
			data, err = io.ReadAll(content)
			return true, err
		})
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s out of the image %s: %w", p.filename(), at, err)
	case digest.FromBytes(data).String() != p.Digest:
		return nil, fmt.Errorf("reading %s out of the image %s: its digest is %s, and %s is listed", p.filename(), at, digest.FromBytes(data), p.Digest)
	}
	return data, nil
}

func (l layer) descriptor() ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.Digest(l.Digest), Size: l.Size}
}

// index is what several registries have.
type index struct {
	images []registry.Reference
	states []state
}

// Lookup finds a version that all registries have.
func (i index) Lookup(_ context.Context, name, version string) (target.Entry, bool, error) {
	var found packed
	missing := false
	for n, s := range i.states {
		p, ok := s.find(name, version)
		switch {
		case !ok:
			missing = true
		case found.Digest != "" && found.Digest != p.Digest:
			return target.Entry{}, false, failure.WithHint(fmt.Errorf("%s %s in the image %s is another than in %s", name, version, i.images[n], i.images[0]), "release it as another version, which all of them get")
		default:
			found = p
		}
	}
	if missing || found.Digest == "" {
		return target.Entry{}, false, nil
	}
	return target.Entry{
		Name: name, OwnName: name, Version: version, Digest: strings.TrimPrefix(found.Digest, "sha256:"),
		URLs: []string{chartsDir + "/" + found.filename()}, ContentDigest: found.ContentDigest, Times: 1,
	}, true, nil
}

// Versions are those that all registries have.
func (i index) Versions(ctx context.Context, name string) ([]string, error) {
	var all []string
	for _, p := range i.states[0].Packages {
		if p.Name != name {
			continue
		}
		_, there, err := i.Lookup(ctx, name, p.Version)
		if err != nil {
			return nil, err
		}
		if there {
			all = append(all, p.Version)
		}
	}
	return all, nil
}

func (index) Refused() error    { return nil }
func (index) Cached() string    { return "" }
func (index) Remarks() []string { return nil }

// Fits says why a package cannot get into the image: by its own size or name, or because the image
// that it is built on is not there. Of programs those say it who hand them over.
func (t *Target) Fits(ctx context.Context, pkg *extension.Package) error {
	if err := takes(pkg); err != nil || t.options.Base == nil {
		return err
	}
	_, err := t.builder.readBase(ctx)
	return err
}

// Publish puts a package into the image. Packages that come while an image is built wait for the next one, and
// all of them get into that: 12 extensions are two builds and not 12.
func (t *Target) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	if err := t.builds.Do(ctx, pkg); err != nil {
		return target.Snapshot{}, fmt.Errorf("putting %s into the image: %w", pkg.Filename, err)
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

// build puts packages into the image at all references.
func (t *Target) build(ctx context.Context, packages []*extension.Package) []error {
	errs := make([]error, len(packages))
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, at := range t.options.Images {
		group.Go(func() {
			failed := t.builder.add(ctx, at, packages)
			mu.Lock()
			defer mu.Unlock()
			for i, err := range failed {
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	group.Wait()
	return errs
}

// conflict is a version that is there with other content.
type conflict struct {
	at registry.Reference
	packed
}

func (c *conflict) Error() string {
	return fmt.Sprintf("%s has %s %s with other content (%s)", c.at, c.Name, c.Version, c.Digest)
}

// Hint says that nothing is replaced.
func (c *conflict) Hint() string { return "what is there stays; give it another version" }

var (
	_ target.Target  = (*Target)(nil)
	_ target.Checker = (*Target)(nil)
)

// versionsOf are the packages of a list in a form for messages.
func versionsOf(list []packed) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Name+" "+p.Version)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
