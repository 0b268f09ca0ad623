package remote

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The types of what a cache has in a registry.
const (
	manifestType = "application/vnd.ksrelease.cache.v1"
	entryType    = "application/vnd.ksrelease.cache.entry.v1"
)

// inlined is the size of an entry, in bytes, up to which it stands in its manifest, too, so that it takes one
// request to fetch it ("data" of a descriptor, OCI Image Specification 1.1,
// https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#embedded-content).
// Registries take manifests of 4 MiB; that of a usual entry has some kilobytes.
const inlined = 256 << 10

// Attempts are those of requests to a registry: some, for docker-registry 2.8 answers 500 to who asks
// for a tag that is being written, and soon after each other, for nobody waits long.
func Attempts(o transport.Options) transport.Options {
	o.Attempts, o.FirstWait, o.LongestWait = 3, 100*time.Millisecond, 300*time.Millisecond
	return o
}

// Registry is a repository of a registry: each entry is an artifact with a tag of its own, made of
// its kind and name, whose one layer is the entry.
type Registry struct {
	place
	client *registry.Client
	at     registry.Reference
	empty  func(context.Context) error // pushes the configuration that all artifacts have
}

// NewRegistry is the remote cache in a repository. close gives back what the client has.
func NewRegistry(client *registry.Client, address string, at registry.Reference, readOnly bool, close func()) *Registry {
	r := &Registry{place: place{address, readOnly, close}, client: client.Direct(), at: at}
	var (
		mu   sync.Mutex
		done bool
	)
	r.empty = func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return nil
		}
		err := r.blob(ctx, ocispec.DescriptorEmptyJSON, ocispec.DescriptorEmptyJSON.Data)
		done = err == nil
		return err
	}
	return r
}

// tag is that of an entry: at most 128 characters may be in one.
func (r *Registry) tag(kind, name string) registry.Reference { return r.at.WithTag(kind + "-" + name) }

// Fetch costs one request where there is nothing, or where the entry is small, and two otherwise.
func (r *Registry) Fetch(ctx context.Context, kind, name string, limit int64) ([]byte, error) {
	found, there, err := r.client.Manifest(ctx, r.tag(kind, name))
	if err != nil || !there {
		return nil, err
	}
	var manifest ocispec.Manifest
	if json.Unmarshal(found.Data, &manifest) != nil || manifest.ArtifactType != manifestType || len(manifest.Layers) != 1 {
		return nil, errors.New("what stands under the tag of an entry is none: the repository is used for something else, too")
	}
	layer := manifest.Layers[0]
	if layer.Size < 0 || layer.Size > limit {
		return nil, nil
	}
	if int64(len(layer.Data)) == layer.Size && digest.FromBytes(layer.Data) == layer.Digest {
		return layer.Data, nil
	}
	return r.client.Blob(ctx, r.tag(kind, name), layer, limit)
}

// Store sends an entry, and its tag last, so that what has a tag is whole.
func (r *Registry) Store(ctx context.Context, kind, name string, entry []byte) error {
	if err := r.empty(ctx); err != nil {
		return err
	}
	layer := registry.Describe(entryType, entry)
	if err := r.client.PushData(ctx, r.at, layer, entry); err != nil {
		return err
	}
	if len(entry) <= inlined {
		layer.Data = entry
	}
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		ArtifactType: manifestType, Config: ocispec.DescriptorEmptyJSON, Layers: []ocispec.Descriptor{layer},
	})
	if err != nil {
		return err
	}
	return r.client.SettleManifest(ctx, r.tag(kind, name), ocispec.MediaTypeImageManifest, manifest)
}

// blob sends a blob that is not there.
func (r *Registry) blob(ctx context.Context, blob ocispec.Descriptor, data []byte) error {
	there, err := r.client.BlobExists(ctx, r.at, blob)
	if err != nil || there {
		return err
	}
	return r.client.PushData(ctx, r.at, blob, data)
}
