package bundle

import (
	"encoding/json"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// imageName is the annotation by which containerd knows the name of an image that it imports
// (AnnotationImageName of github.com/containerd/containerd/v2/core/images); others go by
// org.opencontainers.image.ref.name.
const imageName = "io.containerd.image.name"

// LayoutFiles are the two files that make an OCI image layout of a bundle.
func LayoutFiles(m *Manifest) map[string][]byte {
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	for _, image := range m.Images {
		index.Manifests = append(index.Manifests, ocispec.Descriptor{
			MediaType: image.MediaType, Digest: digest.Digest(image.Digest), Size: image.Size,
			Annotations: map[string]string{ocispec.AnnotationRefName: image.Reference, imageName: image.Reference},
		})
	}
	return map[string][]byte{
		LayoutFile: encode(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}),
		ImagesFile: encode(index),
	}
}

// encode gives JSON of what is known to have some.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers, and maps of them
	}
	return append(text, '\n')
}
