package image

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/target"
)

var _ target.Signed = (*Target)(nil)

// Signatures reads what lies next to a package in the image.
func (t *Target) Signatures(ctx context.Context, name, version string) (target.Signatures, error) {
	at := t.options.Images[0]
	now, err := t.builder.read(ctx, at)
	if err != nil {
		return target.Signatures{}, err
	}
	p, there := now.find(name, version)
	if !there {
		return target.Signatures{}, nil
	}
	var all target.Signatures
	for _, part := range p.parts()[1:] {
		data, err := t.options.Registry.Blob(ctx, at, ocispec.Descriptor{MediaType: part.mediaType, Digest: digest.Digest(part.Digest), Size: part.Size}, target.MostSigns)
		if err != nil {
			return target.Signatures{}, fmt.Errorf("reading %s: %w", part.filename, err)
		}
		if part.mediaType == provenanceType {
			all.Provenance = data
		} else {
			all.Signatures = []target.Signature{{Value: data}}
		}
	}
	return all, nil
}
