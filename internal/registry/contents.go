package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// indexDepth is how deep indexes may stand in indexes.
	indexDepth = 4
	// mostManifests bounds the manifests of one image.
	mostManifests = 1000
	// configLimit bounds the configuration of an image, in bytes.
	configLimit = 8 << 20
	// referrerOf is the annotation by which BuildKit names the manifest that an attestation
	// in the same index is about.
	referrerOf = "vnd.docker.reference.digest"
)

// Platform is a manifest of an image, and what it is for: OS/ARCHITECTURE[/VARIANT].
type Platform struct {
	Name string
	ocispec.Descriptor
}

// PlatformName is OS/ARCHITECTURE[/VARIANT], in the short form in which it is asked for:
// arm64 is always v8.
func PlatformName(p ocispec.Platform) string {
	name := p.OS + "/" + p.Architecture
	if p.Variant != "" && (p.Architecture != "arm64" || p.Variant != "v8") {
		name += "/" + p.Variant
	}
	return name
}

// Matches says that a platform is one that was asked for; without a variant any is.
func Matches(asked, name string) bool {
	asked = strings.Replace(asked, "/arm64/v8", "/arm64", 1)
	return asked == name || strings.Count(asked, "/") == 1 && strings.HasPrefix(name, asked+"/")
}

// Platforms says for which platforms an image is there, of indexes in indexes too, in the
// order of the image and without attestations. False means that there is no such image.
func (c *Client) Platforms(ctx context.Context, r Reference) ([]Platform, bool, error) {
	root, found, err := c.Manifest(ctx, r)
	if !found || err != nil {
		return nil, false, err
	}
	if !IsIndex(root.MediaType) {
		one, err := c.platformOf(ctx, root)
		return []Platform{one}, err == nil, err
	}
	var all []Platform
	err = c.addPlatforms(ctx, root, 0, new(int), &all)
	return all, true, err
}

// IsForPlatform says that an entry of an index says of itself for which platform it is.
func IsForPlatform(entry ocispec.Descriptor) bool {
	return entry.Platform != nil && entry.Platform.OS != "unknown" && entry.Platform.OS != ""
}

// addPlatforms adds the entries of an index, and of those in it, that are for a platform.
func (c *Client) addPlatforms(ctx context.Context, index Manifest, depth int, count *int, all *[]Platform) error {
	entries, err := entriesOf(index, depth, count)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		switch {
		case IsIndex(entry.MediaType):
			inner, err := c.child(ctx, index.At, entry)
			if err != nil {
				return err
			}
			if err := c.addPlatforms(ctx, inner, depth+1, count, all); err != nil {
				return err
			}
		case IsForPlatform(entry):
			*all = append(*all, Platform{PlatformName(*entry.Platform), entry})
		}
	}
	return nil
}

// entriesOf are the entries of an index, which is in depth others. count is that of all entries so
// far.
func entriesOf(index Manifest, depth int, count *int) ([]ocispec.Descriptor, error) {
	var parsed ocispec.Index
	if err := json.Unmarshal(index.Data, &parsed); err != nil {
		return nil, fmt.Errorf("the index of %s is no JSON of an index", index.At)
	}
	for _, entry := range parsed.Manifests {
		if entry.Digest.Validate() != nil {
			return nil, fmt.Errorf("the index of %s has an entry without a digest", index.At)
		}
	}
	*count += len(parsed.Manifests)
	if *count > mostManifests || depth >= indexDepth && len(parsed.Manifests) > 0 {
		return nil, fmt.Errorf("%s has more than %d manifests, or indexes in %d others", index.At, mostManifests, indexDepth)
	}
	return parsed.Manifests, nil
}

// child fetches what an index names, which has to be there.
func (c *Client) child(ctx context.Context, at Reference, entry ocispec.Descriptor) (Manifest, error) {
	m, found, err := c.Manifest(ctx, at.WithDigest(entry.Digest.String()))
	if err == nil && !found {
		err = fmt.Errorf("%s names %s, and the registry has it not", at, entry.Digest)
	}
	return m, err
}

// platformOf reads the platform of an image without an index out of its configuration.
func (c *Client) platformOf(ctx context.Context, m Manifest) (Platform, error) {
	image, err := parseManifest(m)
	if err != nil {
		return Platform{}, err
	}
	data, err := c.Blob(ctx, m.At, image.Config, configLimit)
	if err != nil {
		return Platform{}, err
	}
	var config ocispec.Platform
	if json.Unmarshal(data, &config) != nil || config.OS == "" || config.Architecture == "" {
		return Platform{}, fmt.Errorf("the configuration of %s names no platform: it is no image of a container", m.At)
	}
	return Platform{PlatformName(config), m.Descriptor}, nil
}

// parseManifest reads a manifest whose blobs are wanted.
func parseManifest(m Manifest) (ocispec.Manifest, error) {
	var image ocispec.Manifest
	if m.MediaType != ocispec.MediaTypeImageManifest && m.MediaType != dockerManifest {
		return image, fmt.Errorf("the manifest of %s has the media type %q, which is not supported: build the image anew with a current tool", m.At, m.MediaType)
	}
	if err := json.Unmarshal(m.Data, &image); err != nil {
		return image, fmt.Errorf("the manifest of %s is no JSON of a manifest", m.At)
	}
	for _, blob := range append(slices.Clone(image.Layers), image.Config) {
		if blob.Digest.Validate() != nil || blob.Size < 0 {
			return image, fmt.Errorf("the manifest of %s names a blob without a digest", m.At)
		}
	}
	return image, nil
}

// Contents is all that an image consists of.
type Contents struct {
	// At is where it was found, by the digest that it has there.
	At Reference
	// Manifests has those that others name before these, and the root last.
	Manifests []Manifest
	// Blobs has configurations and layers, each once. What is not to be had from
	// registries (foreign layers) is left out.
	Blobs []ocispec.Descriptor
	// Missing are the platforms that were asked for, and that the image has not got.
	Missing []string
	// Narrowed says that the root is another one than that of the registry.
	Narrowed bool

	of map[digest.Digest][]ocispec.Descriptor // the blobs of a manifest
}

// Root is the manifest or index of the image.
func (c *Contents) Root() Manifest { return c.Manifests[len(c.Manifests)-1] }

// Size is how many bytes manifests and blobs have.
func (c *Contents) Size() int64 {
	var size int64
	for _, m := range c.Manifests {
		size += m.Size
	}
	for _, blob := range c.Blobs {
		size += blob.Size
	}
	return size
}

// PlatformError is an image that is for none of the platforms that were asked for.
type PlatformError struct {
	Image       string
	Asked, Have []string
}

func (e *PlatformError) Error() string {
	return fmt.Sprintf("%s is not for %s, but for %s", e.Image, strings.Join(e.Asked, ", "), strings.Join(e.Have, ", "))
}

// absentError is an image that was to be there.
type absentError struct{ at Reference }

func (e *absentError) Error() string {
	return e.at.String() + " is not there: the registry has no such image"
}
func (e *absentError) NotFound() bool { return true }

// Contents reads the manifests of an image: all of them, or where platforms
// (OS/ARCHITECTURE[/VARIANT]) are named those for these. An index then becomes an
// index of the rest, with another digest; attestations stay with what they are about.
// An image that is not there is an error with NotFound, and one that is for none of the
// platforms is a *PlatformError.
func (c *Client) Contents(ctx context.Context, r Reference, platforms []string) (*Contents, error) {
	root, found, err := c.Manifest(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, &absentError{r}
	}
	contents := &Contents{At: root.At, of: map[digest.Digest][]ocispec.Descriptor{}}
	g := &gathering{client: c, contents: contents, asked: platforms}
	if IsIndex(root.MediaType) {
		_, err = g.index(ctx, root, 0)
	} else {
		err = g.single(ctx, root)
	}
	if err != nil {
		return nil, err
	}
	for _, asked := range platforms {
		if !slices.ContainsFunc(g.have, func(have string) bool { return Matches(asked, have) }) {
			contents.Missing = append(contents.Missing, asked)
		}
	}
	if len(platforms) > 0 && len(contents.Missing) == len(platforms) {
		return nil, &PlatformError{r.String(), platforms, g.have}
	}
	contents.Narrowed = contents.Root().Digest != root.Digest
	return contents, nil
}

// gathering is an image on its way into Contents.
type gathering struct {
	client   *Client
	contents *Contents
	asked    []string
	have     []string // platforms that the image has
	count    int
}

func (g *gathering) wants(name string) bool {
	return len(g.asked) == 0 || slices.ContainsFunc(g.asked, func(asked string) bool { return Matches(asked, name) })
}

// single takes an image without an index.
func (g *gathering) single(ctx context.Context, m Manifest) error {
	if len(g.asked) > 0 {
		platform, err := g.client.platformOf(ctx, m)
		if err != nil {
			return err
		}
		g.have = append(g.have, platform.Name)
	}
	return g.manifest(m)
}

// manifest takes a manifest with its blobs.
func (g *gathering) manifest(m Manifest) error {
	image, err := parseManifest(m)
	if err != nil {
		return err
	}
	for _, blob := range append([]ocispec.Descriptor{image.Config}, image.Layers...) {
		if len(blob.URLs) > 0 || strings.Contains(blob.MediaType, ".foreign.") || strings.Contains(blob.MediaType, ".nondistributable.") {
			continue
		}
		g.contents.of[m.Digest] = append(g.contents.of[m.Digest], blob)
		if !slices.ContainsFunc(g.contents.Blobs, func(known ocispec.Descriptor) bool { return known.Digest == blob.Digest }) {
			g.contents.Blobs = append(g.contents.Blobs, blob)
		}
	}
	g.contents.Manifests = append(g.contents.Manifests, m)
	return nil
}

// index takes an index with what is wanted of it. It is nil where nothing is.
func (g *gathering) index(ctx context.Context, index Manifest, depth int) (*ocispec.Descriptor, error) {
	entries, err := entriesOf(index, depth, &g.count)
	if err != nil {
		return nil, err
	}
	kept := map[int]ocispec.Descriptor{}
	wanted := map[string]bool{}
	for i, entry := range entries {
		switch {
		case IsIndex(entry.MediaType):
			inner, err := g.client.child(ctx, index.At, entry)
			if err != nil {
				return nil, err
			}
			left, err := g.index(ctx, inner, depth+1)
			if err != nil {
				return nil, err
			}
			if left != nil {
				// Only what tells it apart changes.
				entry.Digest, entry.Size = left.Digest, left.Size
				kept[i] = entry
			}
		case IsForPlatform(entry):
			name := PlatformName(*entry.Platform)
			g.have = append(g.have, name)
			if g.wants(name) {
				kept[i], wanted[entry.Digest.String()] = entry, true
			}
		case len(g.asked) == 0:
			kept[i] = entry
		}
	}
	for i, entry := range entries {
		if about := entry.Annotations[referrerOf]; about != "" && wanted[about] {
			kept[i] = entry
		}
	}
	for i, entry := range entries {
		if _, ok := kept[i]; ok && !IsIndex(entry.MediaType) {
			child, err := g.client.child(ctx, index.At, entry)
			if err == nil {
				err = g.manifest(child)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if len(kept) == 0 && (len(entries) > 0 || depth > 0) {
		return nil, nil
	}
	narrowed, err := narrow(index, entries, kept)
	if err != nil {
		return nil, err
	}
	g.contents.Manifests = append(g.contents.Manifests, narrowed)
	return &narrowed.Descriptor, nil
}

// narrow is an index with some of its entries; the same one where these are all.
func narrow(index Manifest, entries []ocispec.Descriptor, kept map[int]ocispec.Descriptor) (Manifest, error) {
	same := len(kept) == len(entries)
	var fields map[string]json.RawMessage
	var raw []json.RawMessage
	err := json.Unmarshal(index.Data, &fields)
	if err == nil && len(entries) > 0 {
		err = json.Unmarshal(fields["manifests"], &raw)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("the index of %s is no JSON of an index", index.At)
	}
	left := []json.RawMessage{}
	for i, entry := range entries {
		now, ok := kept[i]
		if !ok {
			continue
		}
		if now.Digest != entry.Digest {
			same = false
			var changed map[string]json.RawMessage
			if err := json.Unmarshal(raw[i], &changed); err != nil {
				return Manifest{}, fmt.Errorf("the index of %s is no JSON of an index", index.At)
			}
			changed["digest"], _ = json.Marshal(now.Digest)
			changed["size"], _ = json.Marshal(now.Size)
			raw[i], _ = json.Marshal(changed)
		}
		left = append(left, raw[i])
	}
	if same {
		return index, nil
	}
	fields["manifests"], _ = json.Marshal(left)
	data, err := json.Marshal(fields)
	if err != nil {
		return Manifest{}, err
	}
	described := Describe(index.MediaType, data)
	return Manifest{Descriptor: described, Data: data, At: index.At}, nil
}
