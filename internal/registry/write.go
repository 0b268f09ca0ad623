package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The waits of SettleManifest between its attempts.
const (
	firstWait   = 50 * time.Millisecond
	longestWait = 4 * time.Second
)

// Describe is the descriptor of data.
func Describe(mediaType string, data []byte) ocispec.Descriptor {
	return content.NewDescriptorFromBytes(mediaType, data)
}

// PushBlob sends a blob to a repository as a stream; open is called anew with each attempt.
// The registry checks the digest. To send what is there is harmless.
func (c *Client) PushBlob(ctx context.Context, r Reference, blob ocispec.Descriptor, open func(context.Context) (io.ReadCloser, error)) error {
	return c.push(ctx, r, blob, func(ctx context.Context, alive func()) (io.ReadCloser, error) {
		body, err := open(ctx)
		if err != nil {
			// Its own attempts were made.
			return nil, &sourceError{err}
		}
		return &moving{body, alive}, nil
	})
}

// PushData sends a blob that is in memory.
func (c *Client) PushData(ctx context.Context, r Reference, blob ocispec.Descriptor, data []byte) error {
	return c.push(ctx, r, blob, func(_ context.Context, alive func()) (io.ReadCloser, error) {
		return &moving{io.NopCloser(bytes.NewReader(data)), alive}, nil
	})
}

func (c *Client) push(ctx context.Context, r Reference, blob ocispec.Descriptor, open func(context.Context, func()) (io.ReadCloser, error)) error {
	at := Reference{Host: r.Host, Repository: r.Repository}
	err := c.perform(ctx, request{op: "sending a blob to " + at.Name(), method: "POST", path: "/blobs/uploads/", at: at, repeatable: true},
		func(ctx context.Context, attempt *transport.Attempt, repository *remote.Repository) error {
			body, err := open(ctx, attempt.Alive)
			if err != nil {
				return err
			}
			defer body.Close()
			return repository.Blobs().Push(ctx, blob, body)
		})
	var source *sourceError
	if errors.As(err, &source) {
		return source.err
	}
	return err
}

// sourceError is the error of where a blob comes from. It is not that of the registry to
// which it goes.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// Permanent says whether another attempt may help.
func (e *sourceError) Permanent() bool { return !failure.Temporary(e.err) }

// moving is a body that says when some of it was read.
type moving struct {
	io.ReadCloser
	alive func()
}

func (r *moving) Read(p []byte) (int, error) {
	r.alive()
	return r.ReadCloser.Read(p)
}

// errNotMounted is why a library that would send the blob itself does not.
var errNotMounted = errors.New("not mounted")

// Mount makes a blob of another repository of the same registry one of this repository,
// without sending it. False means that the registry does not do so; nothing has changed
// then.
func (c *Client) Mount(ctx context.Context, to Reference, blob ocispec.Descriptor, from string) (bool, error) {
	at := Reference{Host: to.Host, Repository: to.Repository}
	mounted := false
	err := c.perform(ctx, request{op: "mounting a blob in " + at.Name(), method: "POST", path: "/blobs/uploads/", at: at, repeatable: true},
		func(ctx context.Context, _ *transport.Attempt, repository *remote.Repository) error {
			err := repository.Mount(ctx, blob, from, func() (io.ReadCloser, error) { return nil, errNotMounted })
			if mounted = err == nil; errors.Is(err, errNotMounted) {
				return nil
			}
			return err
		})
	return mounted, err
}

// PushManifest sends a manifest or an index under a tag, or under its digest where r has no
// tag. A tag that is there is moved without a word by most registries: whoever does
// not want that has to look before, and after. An answer that is lost is InDoubt.
func (c *Client) PushManifest(ctx context.Context, r Reference, mediaType string, data []byte) (ocispec.Descriptor, error) {
	manifest := Describe(mediaType, data)
	at := Reference{Host: r.Host, Repository: r.Repository, Tag: r.Tag}
	if at.Tag == "" {
		at.Digest = manifest.Digest.String()
	}
	doubted := false
	err := c.perform(ctx, request{op: "sending the manifest of " + at.String(), method: "PUT", path: "/manifests/" + at.which(), at: at, repeatable: at.Tag == ""},
		func(ctx context.Context, _ *transport.Attempt, repository *remote.Repository) error {
			err := repository.PushReference(ctx, manifest, bytes.NewReader(data), at.which())
			var answer *errcode.ErrorResponse
			doubted = errors.As(err, &answer) && slices.ContainsFunc(answer.Errors, func(e errcode.Error) bool { return e.Code == errcode.ErrorCodeDigestInvalid })
			return err
		})
	if err != nil && doubted {
		err = &doubtedError{err}
	}
	return manifest, err
}

// doubtedError is a manifest of which the registry says that a digest is not right. It was
// made of these bytes. docker-registry 2.8 says so while somebody else pushes the same: it
// writes files in place, and reads an empty one (findings/registry-same-chart-at-once.sh).
type doubtedError struct{ err error }

func (e *doubtedError) Error() string   { return e.err.Error() }
func (e *doubtedError) Unwrap() error   { return e.err }
func (e *doubtedError) InDoubt() bool   { return true }
func (e *doubtedError) Temporary() bool { return true }

// SettleManifest is PushManifest for somebody who may move the tag: what is in doubt is
// read back, and sent again.
func (c *Client) SettleManifest(ctx context.Context, r Reference, mediaType string, data []byte) error {
	wait := firstWait
	for {
		manifest, err := c.PushManifest(ctx, r, mediaType, data)
		if !failure.InDoubt(err) {
			return err
		}
		at := r.WithDigest(manifest.Digest.String())
		if r.Tag != "" {
			at = r.WithTag(r.Tag)
		}
		found, there, readErr := c.Resolve(ctx, at)
		if readErr == nil && there && found.Digest == manifest.Digest {
			return nil
		}
		if wait > longestWait || !failure.Temporary(err) {
			return err
		}
		if !graceful.Sleep(ctx, wait) {
			return err
		}
		wait *= 2
	}
}

// blobs is what a client knows of the blobs in registries: one that is on its way to a
// registry is waited for, and one that is there is mounted from its repository.
type blobs struct {
	mu    sync.Mutex
	known map[blobKey]*knownBlob
}

type blobKey struct {
	host   string
	digest digest.Digest
}

type knownBlob struct {
	turn chan struct{} // holds one token: whoever has it may send
	// repositories of the host that have it; for the holder of the token.
	repositories []string
}

// take waits until nobody else sends a blob to a registry.
func (b *blobs) take(ctx context.Context, host string, d digest.Digest) (*knownBlob, error) {
	b.mu.Lock()
	k := b.known[blobKey{host, d}]
	if k == nil {
		k = &knownBlob{turn: make(chan struct{}, 1)}
		k.turn <- struct{}{}
		b.known[blobKey{host, d}] = k
	}
	b.mu.Unlock()
	select {
	case <-k.turn:
		return k, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (k *knownBlob) leave() { k.turn <- struct{}{} }
