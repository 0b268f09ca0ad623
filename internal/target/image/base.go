package image

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
)

// base is what the image is built on.
type base struct {
	contents  *registry.Contents // nil where it is built from nothing
	platforms []platformBase
}

// platformBase is the base for one platform.
type platformBase struct {
	ocispec.Platform
	layers []ocispec.Descriptor
	own    []ownLayer      // of layers, those that are made here
	fields json.RawMessage // the configuration of the base
	diffs  []string        // the digests of layers without compression
}

type ownLayer struct {
	blob ocispec.Descriptor
	data []byte
}

// mostConfig bounds the configuration of a base, in bytes.
const mostConfig = 8 << 20

// readBase reads the base, once.
func (b *builder) readBase(ctx context.Context) (*base, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.base != nil {
		return b.base, nil
	}
	read := b.fromImage
	if b.Base == nil {
		read = b.fromNothing
	}
	found, err := read(ctx)
	if err != nil {
		return nil, err
	}
	b.base = found
	return found, nil
}

func (b *builder) fromImage(ctx context.Context) (*base, error) {
	contents, err := b.bases.Contents(ctx, *b.Base, b.Platforms)
	if err != nil {
		return nil, fmt.Errorf("reading the base image: %w", err)
	}
	if len(contents.Missing) > 0 {
		return nil, failure.WithHint(fmt.Errorf("the base image %s is not there for %s", b.Base, strings.Join(contents.Missing, ", ")), "name other platforms, or another base")
	}
	found := &base{contents: contents}
	for _, m := range contents.Manifests {
		if registry.IsIndex(m.MediaType) {
			continue
		}
		p, err := b.platformOf(ctx, contents, m)
		if err != nil {
			return nil, fmt.Errorf("the base image %s: %w", b.Base, err)
		}
		if p != nil {
			found.platforms = append(found.platforms, *p)
		}
	}
	return found, nil
}

// platformOf reads a manifest of the base; nil where it is none of a container, but an attestation.
func (b *builder) platformOf(ctx context.Context, contents *registry.Contents, m registry.Manifest) (*platformBase, error) {
	var image ocispec.Manifest
	if err := json.Unmarshal(m.Data, &image); err != nil {
		return nil, fmt.Errorf("its manifest %s cannot be read: %w", m.Digest, err)
	}
	text, err := b.bases.Blob(ctx, contents.At, image.Config, mostConfig)
	if err != nil {
		return nil, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("its configuration %s cannot be read: %w", image.Config.Digest, err)
	}
	if config.OS == "" || config.OS == "unknown" {
		return nil, nil
	}
	if len(config.RootFS.DiffIDs) != len(image.Layers) {
		return nil, fmt.Errorf("its configuration %s has %d layers, and its manifest %d", image.Config.Digest, len(config.RootFS.DiffIDs), len(image.Layers))
	}
	p := &platformBase{Platform: config.Platform, fields: text}
	for i, l := range image.Layers {
		// The bytes of a layer stay the same; in an OCI manifest its type is that of OCI.
		l.MediaType = ociTypes(l.MediaType)
		p.layers = append(p.layers, ocispec.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size, URLs: l.URLs})
		p.diffs = append(p.diffs, config.RootFS.DiffIDs[i].String())
	}
	return p, nil
}

// ociTypes is the media type of a layer in an OCI manifest.
func ociTypes(mediaType string) string {
	switch mediaType {
	case "application/vnd.docker.image.rootfs.diff.tar.gzip":
		return ocispec.MediaTypeImageLayerGzip
	case "application/vnd.docker.image.rootfs.diff.tar":
		return ocispec.MediaTypeImageLayer
	}
	return mediaType
}

// program is where ksrelease is in an image without a base.
const program = "/ksrelease"

// fromNothing makes a base of ksrelease alone.
func (b *builder) fromNothing(context.Context) (*base, error) {
	found := &base{}
	for _, name := range b.Platforms {
		binary, err := b.Binary(name)
		if err != nil {
			return nil, err
		}
		data, diffID, err := packLayer([]file{{strings.TrimPrefix(program, "/"), binary, 0o755}}, gzip.DefaultCompression)
		if err != nil {
			return nil, err
		}
		parts := strings.Split(name+"//", "/")
		platform := ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
		config, err := json.Marshal(ocispec.Image{
			Platform: platform, RootFS: ocispec.RootFS{Type: "layers"},
			Config: ocispec.ImageConfig{
				User: "65534:65534", WorkingDir: "/", ExposedPorts: map[string]struct{}{"8080/tcp": {}},
				Entrypoint: []string{program, "marketplace", "serve", "--charts", "/" + chartsDir, "--addr", "0.0.0.0:8080"},
			},
		})
		if err != nil {
			return nil, err
		}
		blob := registry.Describe(ocispec.MediaTypeImageLayerGzip, data)
		found.platforms = append(found.platforms, platformBase{
			Platform: platform, layers: []ocispec.Descriptor{blob}, own: []ownLayer{{blob, data}}, fields: config, diffs: []string{diffID},
		})
	}
	return found, nil
}

// museum is the program of ChartMuseum's image.
const museum = "/chartmuseum"

// config is the configuration of the image for a platform: that of the base, with the layers of packages. Whatever
// else the base has in it stays.
func (p platformBase) config(l *listing) ([]byte, error) {
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(p.fields))
	decoder.UseNumber() // times of health checks are nanoseconds, and stay whole numbers
	if err := decoder.Decode(&fields); err != nil {
		return nil, err
	}
	diffs := slices.Clone(p.diffs)
	history, _ := fields["history"].([]any)
	if b := len(p.own); b > 0 {
		history = append(history, map[string]any{"created_by": "ksrelease"})
	}
	for _, x := range l.Layers {
		diffs = append(diffs, x.DiffID)
		history = append(history, map[string]any{"created_by": "ksrelease", "comment": "packages of extensions, group " + fmt.Sprint(x.Group)})
	}
	fields["rootfs"] = map[string]any{"type": "layers", "diff_ids": diffs}
	fields["history"] = history
	inner, ok := fields["config"].(map[string]any)
	if !ok {
		return nil, errors.New("the configuration of the base has no config")
	}
	if first, _ := inner["Entrypoint"].([]any); len(first) == 1 && first[0] == museum {
		// As the Dockerfile of KubeSphere's own image of extensions has it. ks-core names the program itself.
		inner["Entrypoint"] = []string{museum, "--storage-local-rootdir", "/" + chartsDir, "--storage", "local"}
	}
	return json.Marshal(fields)
}
