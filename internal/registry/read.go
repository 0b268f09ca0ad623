package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// Manifest is a manifest or an index with its bytes, whose digest was checked.
type Manifest struct {
	ocispec.Descriptor
	Data []byte
	// At is where it was found, by its digest: in a mirror, or where it was asked for.
	At Reference
}

// places are where to look for something: mirrors first.
func (c *Client) places(r Reference) []Reference {
	var places []Reference
	for _, mirror := range c.options.Mirrors {
		if at, ok := mirror.of(r); ok {
			places = append(places, at)
		}
	}
	return append(places, r)
}

// somewhere asks all places until one has it. What a mirror cannot say the registry itself
// may: only where that fails, too, is the error of the mirror one.
func (c *Client) somewhere(ctx context.Context, r Reference, ask func(Reference) (bool, error)) (bool, error) {
	var failed []error
	places := c.places(r)
	for i, at := range places {
		found, err := ask(at)
		switch {
		case found:
			return true, nil
		case err == nil && i == len(places)-1:
			return false, nil
		case err != nil:
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return false, errors.Join(failed...)
}

// notFound says of the error of a read that the registry has not got it. A page for people
// does not say that.
func notFound(err error, attempt *transport.Attempt) bool {
	return errors.Is(err, errdef.ErrNotFound) && !attempt.Page()
}

// Resolve gives the descriptor of a manifest or an index: its digest, media type and size.
// False means that the registry says it has no such thing.
func (c *Client) Resolve(ctx context.Context, r Reference) (ocispec.Descriptor, bool, error) {
	var found ocispec.Descriptor
	if r.which() == "" {
		return found, false, errNoReference
	}
	ok, err := c.somewhere(ctx, r, func(at Reference) (bool, error) {
		there := false
		err := c.perform(ctx, request{op: "asking for " + at.String(), method: "HEAD", path: "/manifests/" + at.which(), at: at},
			func(ctx context.Context, attempt *transport.Attempt, repository *remote.Repository) error {
				described, err := repository.Resolve(ctx, at.which())
				if err != nil && attempt.Status() == 200 && !attempt.Page() {
					// Some registries give no digest to a HEAD.
					var body io.ReadCloser
					if described, body, err = repository.FetchReference(ctx, at.which()); err == nil {
						err = body.Close()
					}
				}
				if notFound(err, attempt) {
					return nil
				}
				if err == nil {
					err = isManifest(described)
				}
				found, there = described, err == nil
				return err
			})
		return there, err
	})
	return found, ok, err
}

// isManifest says what is wrong with an answer of success that is none.
func isManifest(described ocispec.Descriptor) error {
	if slices.Contains(manifestTypes, described.MediaType) {
		return nil
	}
	return fmt.Errorf("the answer is of type %.100q, which is none of a manifest", described.MediaType)
}

// Manifest fetches a manifest or an index. False means that the registry says it has no
// such thing.
func (c *Client) Manifest(ctx context.Context, r Reference) (Manifest, bool, error) {
	var found Manifest
	if r.which() == "" {
		return found, false, errNoReference
	}
	ok, err := c.somewhere(ctx, r, func(at Reference) (bool, error) {
		there := false
		err := c.perform(ctx, request{op: "reading the manifest of " + at.String(), method: "GET", path: "/manifests/" + at.which(), at: at},
			func(ctx context.Context, attempt *transport.Attempt, repository *remote.Repository) error {
				described, body, err := repository.FetchReference(ctx, at.which())
				if notFound(err, attempt) {
					return nil
				}
				if err != nil {
					return err
				}
				defer body.Close()
				if err := isManifest(described); err != nil {
					return err
				}
				if described.Size > ManifestLimit {
					return transport.Permanent(fmt.Errorf("its manifest has %d bytes, and %d are the most", described.Size, ManifestLimit))
				}
				data, err := content.ReadAll(body, described)
				if errors.Is(err, content.ErrMismatchedDigest) || errors.Is(err, content.ErrTrailingData) {
					// docker-registry writes manifests in place, so that somebody who reads one
					// while it is written gets a part of it.
					err = fmt.Errorf("%w: %w", err, io.ErrUnexpectedEOF)
				}
				if err != nil {
					return err
				}
				found, there = Manifest{Descriptor: described, Data: data, At: at.WithDigest(described.Digest.String())}, true
				return nil
			})
		return there, err
	})
	return found, ok, err
}

// BlobExists says whether a repository has a blob.
func (c *Client) BlobExists(ctx context.Context, r Reference, blob ocispec.Descriptor) (bool, error) {
	there := false
	err := c.perform(ctx, request{op: "asking for a blob of " + r.Name(), method: "HEAD", path: "/blobs/" + blob.Digest.String(), at: r.WithDigest("")},
		func(ctx context.Context, attempt *transport.Attempt, repository *remote.Repository) error {
			_, err := repository.Blobs().Resolve(ctx, blob.Digest.String())
			if there = err == nil; notFound(err, attempt) {
				return nil
			}
			return err
		})
	return there, err
}

// Blob fetches a blob of a repository, of at most limit bytes, and checks its digest. One
// that is not there is an error.
func (c *Client) Blob(ctx context.Context, r Reference, blob ocispec.Descriptor, limit int64) ([]byte, error) {
	if blob.Size > limit || blob.Size < 0 {
		return nil, fmt.Errorf("a blob of %s has %d bytes, and %d are the most", r.Name(), blob.Size, limit)
	}
	var data []byte
	err := c.Stream(ctx, r, blob, func(body io.Reader) (err error) {
		data, err = io.ReadAll(body)
		return err
	})
	return data, err
}

// Stream hands a blob of a repository over as it comes. The reader ends with an error
// where size or digest are not those of the descriptor. take is called anew with each
// attempt, and has to begin anew. A blob that is not there is an error.
func (c *Client) Stream(ctx context.Context, r Reference, blob ocispec.Descriptor, take func(io.Reader) error) error {
	_, err := c.somewhere(ctx, r, func(at Reference) (bool, error) {
		err := c.perform(ctx, request{op: "fetching a blob of " + at.Name(), method: "GET", path: "/blobs/" + blob.Digest.String(), at: at.WithDigest("")},
			func(ctx context.Context, attempt *transport.Attempt, repository *remote.Repository) error {
				body, err := repository.Blobs().Fetch(ctx, blob)
				if err != nil {
					return err
				}
				defer body.Close()
				return take(newChecked(body, blob, attempt.Alive))
			})
		return err == nil, err
	})
	return err
}

// checked is a blob whose end is an error where its bytes are not those that were asked for.
type checked struct {
	verify *content.VerifyReader
	alive  func()
}

func newChecked(body io.Reader, blob ocispec.Descriptor, alive func()) *checked {
	return &checked{content.NewVerifyReader(body, blob), alive}
}

func (r *checked) Read(p []byte) (int, error) {
	n, err := r.verify.Read(p)
	r.alive()
	if err == io.EOF {
		if wrong := r.verify.Verify(); wrong != nil {
			return n, fmt.Errorf("what came is not what was asked for: %w", wrong)
		}
	}
	return n, err
}

// Tags lists the tags of a repository, in the order of the registry. False means that
// the registry says it has no such repository. Mirrors are not asked: they need not have
// all tags.
func (c *Client) Tags(ctx context.Context, r Reference) ([]string, bool, error) {
	var list []string
	there := false
	err := c.perform(ctx, request{op: "listing the tags of " + r.Name(), method: "GET", path: "/tags/list", at: Reference{Host: r.Host, Repository: r.Repository}},
		func(ctx context.Context, attempt *transport.Attempt, repository *remote.Repository) error {
			list, there = nil, false
			err := repository.Tags(ctx, "", func(tags []string) error {
				attempt.Alive()
				list = append(list, tags...)
				return nil
			})
			if attempt.Status() == 404 && !attempt.Page() {
				return nil
			}
			there = err == nil
			return err
		})
	return list, there, err
}

// open begins to fetch a blob. What is read of it is checked as with Stream; the attempts
// are over once it has begun.
func (c *Client) open(ctx context.Context, r Reference, blob ocispec.Descriptor) (io.ReadCloser, error) {
	var opened io.ReadCloser
	_, err := c.somewhere(ctx, r, func(at Reference) (bool, error) {
		err := c.perform(ctx, request{op: "fetching a blob of " + at.Name(), method: "GET", path: "/blobs/" + blob.Digest.String(), at: at.WithDigest("")},
			func(attemptCtx context.Context, _ *transport.Attempt, repository *remote.Repository) error {
				// The body outlives the attempt, whose end must not end it.
				bodyCtx, cancel := context.WithCancel(context.WithoutCancel(attemptCtx))
				began := context.AfterFunc(attemptCtx, cancel)
				body, err := repository.Blobs().Fetch(bodyCtx, blob)
				if err != nil || !began() {
					cancel()
					return errors.Join(err, attemptCtx.Err())
				}
				stop := context.AfterFunc(ctx, cancel)
				opened = &openBlob{newChecked(body, blob, func() {}), func() error {
					stop()
					defer cancel()
					return body.Close()
				}}
				return nil
			})
		return err == nil, err
	})
	return opened, err
}

type openBlob struct {
	io.Reader
	close func() error
}

func (b *openBlob) Close() error { return b.close() }
