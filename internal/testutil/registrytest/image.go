package registrytest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/registry"
)

// PushImage puts a small image into a registry and gives its digest: an index with a
// manifest for each platform (linux/amd64), or one manifest alone where there is no
// platform. The same content gives the same image. Each platform has a layer of its own,
// and all images of one content a common one.
func PushImage(tb testing.TB, client *registry.Client, image, content string, platforms ...string) string {
	tb.Helper()
	at, err := registry.Parse(image)
	if err != nil {
		tb.Fatal(err)
	}
	if len(platforms) == 0 {
		return pushOne(tb, client, at, content, "linux/amd64").Digest.String()
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for _, platform := range platforms {
		entry := pushOne(tb, client, at.WithTag(""), content, platform)
		parts := strings.Split(platform+"//", "/")
		entry.Platform = &ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
		index.Manifests = append(index.Manifests, entry)
	}
	return pushJSON(tb, client, at, ocispec.MediaTypeImageIndex, index).Digest.String()
}

func pushOne(tb testing.TB, client *registry.Client, at registry.Reference, content, platform string) ocispec.Descriptor {
	tb.Helper()
	parts := strings.Split(platform+"//", "/")
	blob := func(mediaType string, data []byte) ocispec.Descriptor {
		described := registry.Describe(mediaType, data)
		if err := client.PushData(tb.Context(), at, described, data); err != nil {
			tb.Fatal(err)
		}
		return described
	}
	layers := []ocispec.Descriptor{blob(ocispec.MediaTypeImageLayer, []byte("common "+content)), blob(ocispec.MediaTypeImageLayer, []byte(platform+" "+content))}
	config, err := json.Marshal(ocispec.Image{
		Platform: ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{layers[0].Digest, layers[1].Digest}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return pushJSON(tb, client, at, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: blob(ocispec.MediaTypeImageConfig, config),
		Layers: layers,
	})
}

func pushJSON(tb testing.TB, client *registry.Client, at registry.Reference, mediaType string, value any) ocispec.Descriptor {
	tb.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	described, err := client.PushManifest(tb.Context(), at, mediaType, data)
	if err != nil {
		tb.Fatal(err)
	}
	return described
}
