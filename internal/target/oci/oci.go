// Package oci is a folder of an OCI registry as a target: each extension is a repository below
// it, and each version a tag, in the form in which `helm push` writes charts and `helm pull`
// reads them.
//
// A registry has no index: a name or version is asked for when it is looked up, and an
// index keeps the answers. Tags can be moved by everybody who may push, and registries
// do so without a word, so nothing here is pushed without a look right before it, and
// what is there is read back afterwards.
//
// Requests: a look-up is one GET; the versions of a name are one GET a page of tags, and
// one more for each tag with `_` in it; a package is fetched by one GET, after a look-up; to
// publish are four (POST and PUT of configuration and of package, both at the same time), a
// GET right before, a PUT, and a HEAD after it.
package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/picture"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The media types of a chart in a registry (pkg/registry/constants.go of helm.sh/helm/v3
// 3.22.0, which is not imported: it brings Helm's client of registries with it).
const (
	configType     = "application/vnd.cncf.helm.config.v1+json"
	chartType      = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	legacyType     = "application/tar+gzip"
	provenanceType = "application/vnd.cncf.helm.chart.provenance.v1.prov"
)

const (
	// packageLimit bounds a package that is fetched, in bytes: Helm unpacks no larger one
	// (loader.MaxDecompressedChartSize).
	packageLimit = 100 << 20
	// configLimit bounds what holds a Chart.yaml, in bytes.
	configLimit = 4 << 20
	// small is a blob that is sent without asking whether it is there, which would
	// take as long.
	small = 1 << 20
)

// Options of a [Target].
type Options struct {
	// Address is oci://HOST[:PORT][/FOLDER].
	Address string
	// Registry sends the requests. Its mirrors are not asked.
	Registry *registry.Client
	// Signer signs what is pushed; nil signs nothing.
	Signer Signer
	// Transport downloads the pictures of packages that have their addresses.
	Transport *transport.Client
}

// Target is a folder of a registry. It is safe for concurrent use.
type Target struct {
	at       registry.Reference // the repository is the folder, which may be empty
	registry *registry.Client
	web      *transport.Client
	signer   Signer
	packages sync.Map // where a package is, by its digest: located
}

// located is a package in the registry.
type located struct {
	at    registry.Reference
	layer ocispec.Descriptor
}

var (
	_ target.Target = (*Target)(nil)
	_ target.Signed = (*Target)(nil)
)

// New makes the target; it sends nothing yet. The error says what is wrong with the address.
func New(options Options) (*Target, error) {
	address := strings.TrimRight(options.Address, "/")
	// A host alone is no place in a registry until there is a name below it.
	parsed, err := registry.ParseLocation(address + "/name")
	if err != nil || !strings.HasPrefix(address, "oci://") || parsed.Tag != "" || parsed.Digest != "" {
		return nil, fmt.Errorf("%q is no folder of a registry: write oci://HOST/FOLDER, in lower case", options.Address)
	}
	parsed.Repository = strings.TrimSuffix(strings.TrimSuffix(parsed.Repository, "name"), "/")
	return &Target{at: parsed, registry: options.Registry.Direct(), web: options.Transport, signer: options.Signer}, nil
}

// reference is the place of a version.
func (t *Target) reference(name, version string) registry.Reference {
	at := t.at
	if at.Repository != "" {
		at.Repository += "/"
	}
	at.Repository += name
	at.Tag = tagOf(version)
	return at
}

// tagOf is a version as a tag, which has no plus sign: Helm writes _ for it.
func tagOf(version string) string { return strings.ReplaceAll(version, "+", "_") }

// version is what a tag holds.
type version struct {
	registry.Manifest
	chart ocispec.Manifest
	layer ocispec.Descriptor // the package
	// name and version are what it says of itself.
	name, version string
}

// provenance is the provenance file; false where there is none.
func (v version) provenance() (ocispec.Descriptor, bool) {
	i := slices.IndexFunc(v.chart.Layers, func(layer ocispec.Descriptor) bool { return layer.MediaType == provenanceType })
	if i < 0 {
		return ocispec.Descriptor{}, false
	}
	return v.chart.Layers[i], true
}

// find reads what the tag of a version holds. False means that there is no such tag, or that
// it is that of another version: 1.0.0+a and 1.0.0_a have the same one.
func (t *Target) find(ctx context.Context, name, wanted string) (version, bool, error) {
	v, there, err := t.read(ctx, t.reference(name, wanted))
	if err != nil || !there || v.version != wanted {
		return v, false, err
	}
	return v, true, nil
}

// read reads what a tag holds; of an index the first chart in it, as Helm does.
func (t *Target) read(ctx context.Context, at registry.Reference) (version, bool, error) {
	m, there, err := t.registry.Manifest(ctx, at)
	if err != nil || !there {
		return version{}, false, t.explain(err)
	}
	if registry.IsIndex(m.MediaType) {
		if m, err = t.chartIn(ctx, m); err != nil {
			return version{}, false, err
		}
	}
	v := version{Manifest: m}
	if err := json.Unmarshal(m.Data, &v.chart); err != nil || v.chart.Config.MediaType != configType {
		return version{}, false, notAChart(at)
	}
	i := slices.IndexFunc(v.chart.Layers, func(layer ocispec.Descriptor) bool {
		return layer.MediaType == chartType || layer.MediaType == legacyType
	})
	if i < 0 {
		return version{}, false, notAChart(at)
	}
	v.layer = v.chart.Layers[i]
	v.name, v.version = v.chart.Annotations[ocispec.AnnotationTitle], v.chart.Annotations[ocispec.AnnotationVersion]
	if v.name == "" || v.version == "" {
		// Helm before 3.8 and other tools write no annotations.
		if err := t.readConfig(ctx, &v); err != nil {
			return version{}, false, err
		}
	}
	t.packages.Store(v.layer.Digest.String(), located{m.At, v.layer})
	return v, true, nil
}

func (t *Target) readConfig(ctx context.Context, v *version) error {
	data, err := t.registry.Blob(ctx, v.At, v.chart.Config, configLimit)
	if err != nil {
		return t.explain(err)
	}
	var metadata chart.Metadata
	if json.Unmarshal(data, &metadata) != nil || metadata.Name == "" || metadata.Version == "" {
		return notAChart(v.At)
	}
	v.name, v.version = metadata.Name, metadata.Version
	return nil
}

// mostInIndex is how many manifests of an index are looked at for a chart.
const mostInIndex = 20

func (t *Target) chartIn(ctx context.Context, index registry.Manifest) (registry.Manifest, error) {
	var parsed ocispec.Index
	if json.Unmarshal(index.Data, &parsed) != nil {
		return index, notAChart(index.At)
	}
	for i, entry := range parsed.Manifests {
		if i == mostInIndex || entry.Digest.Validate() != nil {
			break
		}
		m, there, err := t.registry.Manifest(ctx, index.At.WithDigest(entry.Digest.String()))
		if err != nil {
			return m, t.explain(err)
		}
		var one ocispec.Manifest
		if there && json.Unmarshal(m.Data, &one) == nil && one.Config.MediaType == configType {
			return m, nil
		}
	}
	return index, notAChart(index.At)
}

func notAChart(at registry.Reference) error {
	return failure.WithHint(fmt.Errorf("what the registry has as %s is no chart of Helm, but an image or something else", at),
		"release to another folder of the registry, or take out what is there")
}

// Index is empty at first: each name is asked for when it is looked up.
func (t *Target) Index(ctx context.Context) (target.Index, error) {
	return &index{target: t, known: map[[2]string]lookup{}, versions: map[string][]string{}}, ctx.Err()
}

// Snapshot asks for the tag of a version. Its ID is the digest of the manifest.
func (t *Target) Snapshot(ctx context.Context, name, wanted string) (target.Snapshot, error) {
	v, there, err := t.find(ctx, name, wanted)
	if err != nil || !there {
		return target.Snapshot{}, err
	}
	return target.Snapshot{ID: v.Digest.String(), Status: target.StatusActive}, nil
}

// Fetch downloads a package, by its digest where the entry has one.
func (t *Target) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	digest := e.Digest
	if digest != "" && !strings.Contains(digest, ":") {
		digest = "sha256:" + digest
	}
	known, ok := t.packages.Load(digest)
	if !ok {
		v, there, err := t.find(ctx, e.Name, e.Version)
		switch {
		case err != nil:
			return nil, err
		case !there:
			return nil, fmt.Errorf("downloading package %s %s: the registry has no such version", e.Name, e.Version)
		case digest != "" && v.layer.Digest.String() != digest:
			return nil, fmt.Errorf("downloading package %s %s: the registry has another one by now, %s and not %s", e.Name, e.Version, v.layer.Digest, digest)
		}
		known = located{v.At, v.layer}
	}
	where := known.(located)
	data, err := t.registry.Blob(ctx, where.at, where.layer, packageLimit)
	if err != nil {
		return nil, fmt.Errorf("downloading package %s %s: %w", e.Name, e.Version, t.explain(err))
	}
	return data, nil
}

// FetchAsset downloads a picture of a package that has its address: a registry keeps none.
func (t *Target) FetchAsset(ctx context.Context, address string) ([]byte, error) {
	return picture.Download(ctx, t.web, address, nil)
}

// index is what was looked up so far.
type index struct {
	target *Target

	mu       sync.Mutex
	known    map[[2]string]lookup
	versions map[string][]string
}

type lookup struct {
	entry target.Entry
	there bool
}

// Lookup asks for a version once.
func (i *index) Lookup(ctx context.Context, name, wanted string) (target.Entry, bool, error) {
	key := [2]string{name, wanted}
	i.mu.Lock()
	kept, ok := i.known[key]
	i.mu.Unlock()
	if ok {
		return kept.entry, kept.there, nil
	}
	v, there, err := i.target.find(ctx, name, wanted)
	if err != nil {
		return target.Entry{}, false, err
	}
	found := lookup{there: there}
	if there {
		found.entry = target.Entry{
			Name: name, Version: wanted, Digest: v.layer.Digest.String(), Times: 1,
			URLs:          []string{"oci://" + i.target.reference(name, wanted).String()},
			ContentDigest: v.chart.Annotations[extension.ContentDigestAnnotation],
		}
		if v.name != name {
			found.entry.OwnName = v.name
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known[key] = found
	return found.entry, found.there, nil
}

// Versions lists the tags that are versions, and asks for them once.
func (i *index) Versions(ctx context.Context, name string) ([]string, error) {
	i.mu.Lock()
	kept, ok := i.versions[name]
	i.mu.Unlock()
	if ok {
		return slices.Clone(kept), nil
	}
	versions, err := i.target.versions(ctx, name)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.versions[name] = versions
	return slices.Clone(versions), nil
}

// versions reads the tags of a name. One with _ in it does not say where the version has
// a plus sign, so its manifest does.
func (t *Target) versions(ctx context.Context, name string) ([]string, error) {
	at := t.reference(name, "")
	tags, _, err := t.registry.Tags(ctx, at)
	if err != nil {
		return nil, t.explain(err)
	}
	var versions []string
	for _, tag := range tags {
		// latest, and the signatures of cosign, are no versions.
		if _, err := semver.NewVersion(strings.ReplaceAll(tag, "_", "+")); err != nil {
			continue
		}
		if strings.Contains(tag, "_") {
			v, there, err := t.read(ctx, at.WithTag(tag))
			if err != nil {
				return nil, err
			}
			if !there || tagOf(v.version) != tag {
				continue
			}
			versions = append(versions, v.version)
			continue
		}
		versions = append(versions, tag)
	}
	slices.Sort(versions)
	return slices.Compact(versions), nil
}

// Refused is nil: one entry that is wrong spoils no other.
func (*index) Refused() error { return nil }

// Cached is empty: a manifest is asked for with each look-up.
func (*index) Cached() string { return "" }

// Remarks are none.
func (*index) Remarks() []string { return nil }

// explain distinguishes a refusal of one repository (403) from one of the login (401).
func (t *Target) explain(err error) error {
	var answer *transport.Error
	if errors.As(err, &answer) && answer.Status == http.StatusForbidden {
		return failure.NotTheKey(err, "whoever runs "+t.at.Host+" has to allow this login to read and push below "+t.at.Name())
	}
	return err
}
