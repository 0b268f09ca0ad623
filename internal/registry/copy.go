package registry

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// CopyOptions shape a copy.
type CopyOptions struct {
	// Platforms narrow the copy, as with Contents; none means all.
	Platforms []string
	// Parallelism is how many blobs are on their way at once; 0 means 4.
	Parallelism int
	// Progress gets how far the copy is, in bytes; those that are there already count as
	// done. It may be called from several goroutines at once, and the numbers may go
	// back when an attempt begins anew.
	Progress func(done, total int64)
}

// Copied is what came of a copy.
type Copied struct {
	// Digest is that of the image at its new place.
	Digest string
	// Sent and Mounted are blobs, There those that were there; Bytes have been sent.
	Sent, Mounted, There int
	Bytes                int64
	// Missing are the platforms that were asked for, and that the image has not got.
	Missing []string
}

// Copy brings an image to another place, with all its blobs, by digest: what is there is
// not sent, so that a copy that was cut off goes on from the blobs that it has
// brought over. The tag of to is set last, when all is there, and moved where it is
// another image's. The digest at the new place is that of from, but for an index
// that was narrowed.
func (c *Client) Copy(ctx context.Context, from, to Reference, options CopyOptions) (Copied, error) {
	contents, err := c.Contents(ctx, from, options.Platforms)
	if err != nil {
		return Copied{}, err
	}
	return c.CopyContents(ctx, contents, to, options)
}

// CopyContents is Copy of an image whose contents are known. The platforms of the options
// are without effect. No mirror is asked: what one has of the new place is not there, and the
// contents say where they were found.
func (c *Client) CopyContents(ctx context.Context, contents *Contents, to Reference, options CopyOptions) (Copied, error) {
	if options.Parallelism <= 0 {
		options.Parallelism = 4
	}
	job := &copying{client: c.Direct(), contents: contents, to: to, options: options, total: contents.Size()}
	job.result = Copied{Digest: contents.Root().Digest.String(), Missing: contents.Missing}
	root := to.WithDigest("")
	if root.Tag = to.Tag; root.Tag == "" {
		root.Digest = job.result.Digest
	}
	if found, ok, err := job.client.Resolve(ctx, root); err != nil {
		return job.result, err
	} else if ok && found.Digest == contents.Root().Digest {
		job.result.There = len(contents.Blobs)
		job.moved(job.total)
		return job.result, nil
	}
	if err := job.blobs(ctx); err != nil {
		return job.result, err
	}
	return job.result, job.manifests(ctx, root)
}

// copying is one copy.
type copying struct {
	client   *Client
	contents *Contents
	to       Reference
	options  CopyOptions
	total    int64
	absent   []Manifest // without the root

	mu     sync.Mutex
	done   int64
	result Copied
}

func (j *copying) moved(n int64) {
	j.mu.Lock()
	j.done += n
	done := j.done
	j.mu.Unlock()
	if j.options.Progress != nil {
		j.options.Progress(done, j.total)
	}
}

func (j *copying) count(n *int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	*n++
}

// blobs brings the blobs of all manifests that are not there.
func (j *copying) blobs(ctx context.Context) error {
	manifests := j.contents.Manifests
	absent := make([]bool, len(manifests))
	absent[len(manifests)-1] = true
	group, grouped := errgroup.WithContext(ctx)
	group.SetLimit(j.options.Parallelism)
	for i, m := range manifests[:len(manifests)-1] {
		group.Go(func() error {
			_, there, err := j.client.Resolve(grouped, j.to.WithDigest(m.Digest.String()))
			absent[i] = !there
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var wanted []ocispec.Descriptor
	for i, m := range manifests {
		if absent[i] {
			wanted = append(wanted, j.contents.of[m.Digest]...)
			if i < len(manifests)-1 {
				j.absent = append(j.absent, m)
			}
		}
	}
	isWanted := func(blob ocispec.Descriptor) bool {
		return slices.ContainsFunc(wanted, func(w ocispec.Descriptor) bool { return w.Digest == blob.Digest })
	}
	group, grouped = errgroup.WithContext(ctx)
	group.SetLimit(j.options.Parallelism)
	for _, blob := range j.contents.Blobs {
		if !isWanted(blob) {
			// A registry that has a manifest has its blobs.
			j.count(&j.result.There)
			j.moved(blob.Size)
			continue
		}
		group.Go(func() error { return j.blob(grouped, blob) })
	}
	return group.Wait()
}

// blob brings one blob, unless it is there.
func (j *copying) blob(ctx context.Context, blob ocispec.Descriptor) error {
	known, err := j.client.blobs.take(ctx, j.to.Host, blob.Digest)
	if err != nil {
		return err
	}
	defer known.leave()
	if slices.Contains(known.repositories, j.to.Repository) {
		j.count(&j.result.There)
		j.moved(blob.Size)
		return nil
	}
	there, err := j.client.BlobExists(ctx, j.to, blob)
	if err != nil {
		return err
	}
	if there {
		j.count(&j.result.There)
		j.moved(blob.Size)
	} else if err := j.bring(ctx, blob, known); err != nil {
		return err
	}
	known.repositories = append(known.repositories, j.to.Repository)
	return nil
}

// bring mounts or sends a blob that is not there.
func (j *copying) bring(ctx context.Context, blob ocispec.Descriptor, known *knownBlob) error {
	from := slices.Clone(known.repositories)
	if j.contents.At.Host == j.to.Host {
		from = append(from, j.contents.At.Repository)
	}
	if len(from) > 0 {
		// One that may not be mounted is sent.
		if mounted, err := j.client.Mount(ctx, j.to, blob, from[0]); mounted {
			j.count(&j.result.Mounted)
			j.moved(blob.Size)
			return nil
		} else if err != nil && ctx.Err() != nil {
			return err
		}
	}
	var moved atomic.Int64
	err := j.client.PushBlob(ctx, j.to, blob, func(ctx context.Context) (io.ReadCloser, error) {
		j.moved(-moved.Swap(0)) // that of an attempt before
		body, err := j.client.open(ctx, j.contents.At, blob)
		if err != nil {
			return nil, err
		}
		return &counted{body, func(n int) { moved.Add(int64(n)); j.moved(int64(n)) }}, nil
	})
	if err != nil {
		return fmt.Errorf("copying %s: %w", j.contents.At.Name(), err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.result.Sent++
	j.result.Bytes += blob.Size
	return nil
}

// counted is a body that says how much of it was read.
type counted struct {
	io.ReadCloser
	read func(int)
}

func (r *counted) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.read(n)
	return n, err
}

// manifests sends what names the blobs, the root last.
func (j *copying) manifests(ctx context.Context, root Reference) error {
	for _, m := range j.absent {
		if err := j.client.SettleManifest(ctx, j.to.WithTag(""), m.MediaType, m.Data); err != nil {
			return err
		}
	}
	last := j.contents.Root()
	if err := j.client.SettleManifest(ctx, root, last.MediaType, last.Data); err != nil {
		return err
	}
	var size int64
	for _, m := range j.contents.Manifests {
		size += m.Size
	}
	j.moved(size)
	return nil
}
