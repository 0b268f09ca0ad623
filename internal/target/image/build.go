package image

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/registry"
)

// builder builds the image.
type builder struct {
	Options
	bases *registry.Client // with mirrors
	mu    sync.Mutex
	base  *base // once it was read
}

// A package has a tag of its own, package-NAME-VERSION, next to the image: an artifact with the archive
// for its layer, in the types that Helm has for charts.
const (
	tagPrefix = "package-"
	chartType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	// provenanceType is Helm's; signatureType is ours.
	provenanceType = "application/vnd.cncf.helm.chart.provenance.v1.prov"
	signatureType  = "application/vnd.ksrelease.signature"
	artifactType   = "application/vnd.ksrelease.package.v1"
	nameKey        = "ksrelease.dev/name"
	versionKey     = "ksrelease.dev/version"
	contentKey     = extension.ContentDigestAnnotation
	mostAttempts   = 20
	mostAtOnce     = 8
	emptyJSON      = "{}"
	mostTagLength  = 128
)

// tagOf is the tag of a package. Versions of extensions have no +, which no tag takes.
func tagOf(name, version string) string { return tagPrefix + name + "-" + version }

// add puts packages into the image at one reference, and gives an error for each of them.
//
// First each package gets its tag. Then the image is read, and the list of tags; what has a tag and is not in the
// image is put in, and all begins anew, until there is nothing left to do. Whoever moves the tag of
// the image looks afterwards. So of several processes the one that moves it last looks last, and finds what
// the others have left out: no package is lost, whoever is ended whenever, as long as one comes to its end.
func (b *builder) add(ctx context.Context, at registry.Reference, packages []*extension.Package) []error {
	failed := make([]error, len(packages))
	all := func(err error) []error {
		for i := range failed {
			if failed[i] == nil {
				failed[i] = err
			}
		}
		return failed
	}
	now, err := b.read(ctx, at)
	if err != nil {
		return all(err)
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, mostAtOnce)
	for i, pkg := range packages {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			failed[i] = b.tag(ctx, at, now, pkg)
		})
	}
	group.Wait()
	// Where somebody else was first, the package of that one gets into the image, so that all see what it is.
	if !slices.ContainsFunc(failed, func(err error) bool { var other *conflict; return err == nil || errors.As(err, &other) }) {
		return failed
	}
	for range mostAttempts {
		now, wanted, err := b.wanted(ctx, at)
		if err != nil {
			return all(err)
		}
		if len(wanted) == 0 {
			for i, pkg := range packages {
				p, there := now.find(pkg.Name, pkg.Version)
				switch {
				case failed[i] != nil:
				case !there: // its tag is there, and the list of tags is late
					failed[i] = failure.WithHint(fmt.Errorf("%s does not list the tag %s, which it has taken", at.Name(), tagOf(pkg.Name, pkg.Version)), "run again later: it gets into the image then")
				case p.Digest != pkg.Digest:
					failed[i] = &conflict{at, p}
				}
			}
			return failed
		}
		if settled, err := b.settled(ctx, at, wanted, packages); err != nil || !settled {
			if err != nil {
				return all(err)
			}
			continue
		}
		if err := b.move(ctx, at, now, wanted); err != nil {
			return all(err)
		}
	}
	return all(failure.WithHint(fmt.Errorf("%s was changed by somebody else %d times while it was built", at, mostAttempts), "run again later"))
}

// takes says why no image can have a package. One that got its tag all the same would keep all that
// come after it from the image, too.
func takes(pkg *extension.Package) error {
	if tag := tagOf(pkg.Name, pkg.Version); len(tag) > mostTagLength {
		return failure.WithHint(fmt.Errorf("the tag %s has more than %d characters", tag, mostTagLength), "choose a shorter version")
	}
	if size := len(pkg.Data); size > mostPackage {
		return failure.WithHint(fmt.Errorf("the package has %d bytes, and an image takes %d", size, mostPackage), "make the package smaller (docs/packaging.md)")
	}
	return nil
}

// tag gives a package its tag, unless the image or the tag has that version with other content.
func (b *builder) tag(ctx context.Context, at registry.Reference, now state, pkg *extension.Package) error {
	if p, there := now.find(pkg.Name, pkg.Version); there {
		if p.Digest != pkg.Digest {
			return &conflict{at, p}
		}
		return nil
	}
	if err := takes(pkg); err != nil {
		return err
	}
	to := at.WithTag(tagOf(pkg.Name, pkg.Version))
	if p, there, err := b.tagged(ctx, to); err != nil || there {
		if err == nil && p.Digest != pkg.Digest {
			return &conflict{to, p}
		}
		return err
	}
	var layers []ocispec.Descriptor
	for _, part := range []struct {
		mediaType string
		data      []byte
	}{{chartType, pkg.Data}, {provenanceType, pkg.Provenance}, {signatureType, pkg.Signature}} {
		if part.data == nil {
			continue
		}
		blob := registry.Describe(part.mediaType, part.data)
		if err := b.send(ctx, at, blob, part.data); err != nil {
			return err
		}
		layers = append(layers, blob)
	}
	config := registry.Describe(ocispec.MediaTypeEmptyJSON, []byte(emptyJSON))
	if err := b.send(ctx, at, config, []byte(emptyJSON)); err != nil {
		return err
	}
	text, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType,
		Config: config, Layers: layers,
		Annotations: map[string]string{nameKey: pkg.Name, versionKey: pkg.Version, contentKey: pkg.ContentDigest},
	})
	if err != nil {
		return err
	}
	if err := b.Registry.SettleManifest(ctx, to, ocispec.MediaTypeImageManifest, text); err != nil {
		return err
	}
	if !graceful.Sleep(ctx, b.Settle) {
		return context.Cause(ctx)
	}
	p, _, err := b.tagged(ctx, to)
	if err == nil && p.Digest != pkg.Digest {
		err = &conflict{to, p}
	}
	return err
}

// settled says whether the tags of packages stay what they are. Those of our own have been waited for.
func (b *builder) settled(ctx context.Context, at registry.Reference, wanted []packed, ours []*extension.Package) (bool, error) {
	var others []packed
	for _, p := range wanted {
		if !slices.ContainsFunc(ours, func(pkg *extension.Package) bool { return p.is(pkg.Name, pkg.Version) && p.Digest == pkg.Digest }) {
			others = append(others, p)
		}
	}
	if len(others) == 0 {
		return true, nil
	}
	if !graceful.Sleep(ctx, b.Settle) {
		return false, context.Cause(ctx)
	}
	for _, p := range others {
		now, _, err := b.tagged(ctx, at.WithTag(tagOf(p.Name, p.Version)))
		if err != nil || now.Digest != p.Digest {
			return false, err
		}
	}
	return true, nil
}

// tagged reads the tag of a package.
func (b *builder) tagged(ctx context.Context, at registry.Reference) (packed, bool, error) {
	m, there, err := b.Registry.Manifest(ctx, at)
	if err != nil || !there {
		return packed{}, false, err
	}
	var read ocispec.Manifest
	if err := json.Unmarshal(m.Data, &read); err != nil || len(read.Layers) == 0 || read.Layers[0].MediaType != chartType {
		return packed{}, false, failure.WithHint(fmt.Errorf("%s is no package of ksrelease", at), "remove this tag from the registry")
	}
	p := packed{
		Name: read.Annotations[nameKey], Version: read.Annotations[versionKey], ContentDigest: read.Annotations[contentKey],
		Digest: read.Layers[0].Digest.String(), Size: read.Layers[0].Size,
	}
	for _, layer := range read.Layers[1:] {
		switch signs := (content{layer.Digest.String(), layer.Size}); layer.MediaType {
		case provenanceType:
			p.Provenance = signs
		case signatureType:
			p.Signature = signs
		}
	}
	if tagOf(p.Name, p.Version) != at.Tag {
		return packed{}, false, failure.WithHint(fmt.Errorf("%s says that it is %q %q", at, p.Name, p.Version), "remove this tag from the registry")
	}
	return p, true, nil
}

// wanted are the packages that have a tag and are not in the image.
func (b *builder) wanted(ctx context.Context, at registry.Reference) (now state, wanted []packed, err error) {
	// The tags first: a package that comes between the two readings is one too few here, and is put in by who sent it.
	tags, _, err := b.Registry.Tags(ctx, at)
	if err != nil {
		return state{}, nil, err
	}
	if now, err = b.read(ctx, at); err != nil {
		return state{}, nil, err
	}
	known := map[string]bool{}
	for _, p := range now.Packages {
		known[tagOf(p.Name, p.Version)] = true
	}
	for _, tag := range tags {
		if !strings.HasPrefix(tag, tagPrefix) || known[tag] {
			continue
		}
		p, there, err := b.tagged(ctx, at.WithTag(tag))
		if err != nil {
			return state{}, nil, err
		}
		if there { // else it was removed meanwhile
			wanted = append(wanted, p)
		}
	}
	return now, wanted, nil
}

// send sends a blob that is not there.
func (b *builder) send(ctx context.Context, at registry.Reference, blob ocispec.Descriptor, data []byte) error {
	there, err := b.Registry.BlobExists(ctx, at, blob)
	if err != nil || there {
		return err
	}
	return b.Registry.PushData(ctx, at, blob, data)
}

// move makes the image with packages that it has not got, and moves the tag to it, unless somebody else has
// moved it meanwhile.
func (b *builder) move(ctx context.Context, at registry.Reference, now state, wanted []packed) error {
	next, err := b.addLayers(ctx, at, now, wanted)
	if err != nil {
		return fmt.Errorf("adding %s to %s: %w", versionsOf(wanted), at, err)
	}
	text, err := b.assemble(ctx, at, next)
	if err != nil {
		return err
	}
	if len(text) > registry.ManifestLimit {
		return failure.WithHint(fmt.Errorf("the list of %d packages is longer than a registry takes", len(next.Packages)), "begin another image, with another tag")
	}
	found, there, err := b.Registry.Resolve(ctx, at)
	if err != nil {
		return err
	}
	if there != (now.digest != "") || there && found.Digest.String() != now.digest {
		return nil // the caller looks again
	}
	return b.Registry.SettleManifest(ctx, at, ocispec.MediaTypeImageIndex, text)
}

// addLayers makes the layers anew that get a package, and sends them.
func (b *builder) addLayers(ctx context.Context, at registry.Reference, now state, wanted []packed) (*listing, error) {
	next := &listing{Layers: slices.Clone(now.Layers), Packages: slices.Concat(now.Packages, wanted)}
	byGroup := map[int][]packed{}
	for _, p := range wanted {
		byGroup[groupOf(p.Name)] = append(byGroup[groupOf(p.Name)], p)
	}
	for group, added := range byGroup {
		var files []file
		if old, ok := now.layerOf(group); ok {
			var err error
			if files, err = b.filesOf(ctx, at, now, old); err != nil {
				return nil, err
			}
		}
		for _, p := range added {
			for _, part := range p.parts() {
				data, err := b.Registry.Blob(ctx, at, ocispec.Descriptor{MediaType: part.mediaType, Digest: digest.Digest(part.Digest), Size: part.Size}, mostPackage)
				if err != nil {
					return nil, err
				}
				files = append(files, file{chartsDir + "/" + part.filename, data, 0o644})
			}
		}
		data, diffID, err := packLayer(files, gzip.NoCompression)
		if err != nil {
			return nil, err
		}
		blob := registry.Describe(ocispec.MediaTypeImageLayerGzip, data)
		if err := b.send(ctx, at, blob, data); err != nil {
			return nil, err
		}
		next.Layers = slices.DeleteFunc(next.Layers, func(l layer) bool { return l.Group == group })
		next.Layers = append(next.Layers, layer{Group: group, Digest: blob.Digest.String(), Size: blob.Size, DiffID: diffID})
	}
	next.sorted()
	return next, nil
}

// filesOf are the packages of a layer that are listed, with what signs them.
func (b *builder) filesOf(ctx context.Context, at registry.Reference, now state, l layer) (files []file, err error) {
	listed := map[string]string{}
	for _, p := range now.Packages {
		if groupOf(p.Name) == l.Group {
			for _, part := range p.parts() {
				listed[part.filename] = part.Digest
			}
		}
	}
	err = b.Registry.Stream(ctx, at, l.descriptor(), func(from io.Reader) error {
		files = nil
		return eachPackage(from, func(filename string, content io.Reader) (bool, error) {
			data, err := io.ReadAll(content)
			if err == nil && listed[filename] != digest.FromBytes(data).String() {
				err = fmt.Errorf("%s in its layer is not the one that is listed", filename)
			}
			files = append(files, file{chartsDir + "/" + filename, data, 0o644})
			return false, err
		})
	})
	if err == nil && len(files) != len(listed) {
		err = fmt.Errorf("a layer of %s has %d files of packages, and %d are listed", at, len(files), len(listed))
	}
	return files, err
}

// assemble sends configurations and manifests of all platforms, and gives the index of the image.
func (b *builder) assemble(ctx context.Context, at registry.Reference, l *listing) ([]byte, error) {
	from, err := b.readBase(ctx)
	if err != nil {
		return nil, err
	}
	if from.contents != nil {
		// Its layers come by way of its manifests, from another repository of the registry where that has them.
		if _, err := b.bases.CopyContents(ctx, from.contents, at.WithTag(""), registry.CopyOptions{}); err != nil {
			return nil, fmt.Errorf("copying the base image %s: %w", b.Base, err)
		}
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Annotations: map[string]string{}}
	if from.contents != nil {
		index.Annotations[ocispec.AnnotationBaseImageName] = b.Base.String()
		index.Annotations[ocispec.AnnotationBaseImageDigest] = from.contents.At.Digest
	}
	for _, p := range from.platforms {
		for _, l := range p.own {
			if err := b.send(ctx, at, l.blob, l.data); err != nil {
				return nil, err
			}
		}
		config, err := p.config(l)
		if err != nil {
			return nil, err
		}
		described := registry.Describe(ocispec.MediaTypeImageConfig, config)
		if err := b.send(ctx, at, described, config); err != nil {
			return nil, err
		}
		manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: described, Layers: slices.Clone(p.layers)}
		for _, x := range l.Layers {
			manifest.Layers = append(manifest.Layers, x.descriptor())
		}
		text, err := json.Marshal(manifest)
		if err != nil {
			return nil, err
		}
		entry := registry.Describe(ocispec.MediaTypeImageManifest, text)
		if err := b.Registry.SettleManifest(ctx, at.WithTag(""), ocispec.MediaTypeImageManifest, text); err != nil {
			return nil, err
		}
		platform := p.Platform
		entry.Platform = &platform
		index.Manifests = append(index.Manifests, entry)
	}
	listed, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	index.Annotations[listingKey] = string(listed)
	return json.Marshal(index)
}
