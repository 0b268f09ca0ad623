package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"
	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/doctor/replay"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Attempts is how often a request of doctor is sent at most: it should say soon what does not
// answer.
const Attempts = 2

// Source is a Helm repository.
type Source interface {
	// Listing reads the whole index.
	Listing(ctx context.Context) (*helmrepo.Index, error)
	// Fetch downloads the package of an entry as KubeSphere does.
	Fetch(ctx context.Context, entry target.Entry) ([]byte, error)
}

// Cluster is the cluster of a replay, and what it may cost.
type Cluster struct {
	// URL is the address of the Helm repository.
	URL string
	// HasPassword says that the repository is read with a user and a password.
	HasPassword bool
	Depth       int // as replay.Options has it
	// KubeSphere and Kubernetes are versions; empty: not judged.
	KubeSphere, Kubernetes string
	Only                   []string // names of extensions; empty: all
	// Downloads is how many packages are downloaded at most.
	Downloads int
	// Progress gets how many packages were downloaded so far, by several goroutines; nil:
	// nobody is interested.
	Progress func(done int)
}

// maxBytes is how much is downloaded at most; what is under way when that is reached is
// brought to its end. parallelism is how many packages are downloaded at once.
const (
	maxBytes    = 512 << 20
	parallelism = 4
)

// Validate says what cannot be meant, in words of the command line.
func (c *Cluster) Validate() error {
	for _, v := range []struct{ flag, version string }{{"--kubesphere-version", c.KubeSphere}, {"--kubernetes-version", c.Kubernetes}} {
		if _, err := semver.NewVersion(v.version); v.version != "" && err != nil {
			return failure.WithHint(fmt.Errorf("%s %q is no version", v.flag, v.version), "such as %s 1.30.2", v.flag)
		}
	}
	if c.Depth < 0 || c.Downloads < 0 {
		return errors.New("--depth and --max-downloads take no negative number")
	}
	return nil
}

// absolute is the version of KubeSphere from which on relative addresses of packages lead to
// the root of the host (resolveChartURL, 4.1.3); before they were put behind the repository.
var absolute = semver.New(4, 1, 3, "0", "")

// Replay replays what the cluster makes of a repository. What cannot be read is in the
// result; the error is that of ctx.
func Replay(ctx context.Context, source Source, cluster Cluster) (*Repository, error) {
	r := &Repository{
		URL: redact.URL(cluster.URL), Depth: cluster.Depth,
		KubeSphereVersion: cluster.KubeSphere, KubernetesVersion: cluster.Kubernetes,
		Result:      replay.Result{Extensions: []replay.Extension{}, Problems: []replay.Problem{}},
		NotLookedAt: []NotLookedAt{}, Warnings: []string{}, assets: map[string][]string{},
	}
	index, err := source.Listing(ctx)
	var refused *helmrepo.Refused
	switch {
	case err != nil && ctx.Err() != nil:
		return r, err
	case errors.As(err, &refused):
		r.Result = replay.Unreadable(refused)
		return r, nil
	case err != nil:
		r.Error = &Failure{err.Error(), failure.Hint(err)}
		return r, nil
	}
	if cached := index.Cached().String(); cached != "" {
		r.Warnings = append(r.Warnings, cached)
	}
	if u, err := url.Parse(cluster.URL); cluster.HasPassword || err == nil && u.User != nil {
		r.Warnings = append(r.Warnings, "the repository is read with a user and a password; KubeSphere installs from it without them, so packages have to be there for everybody")
	}
	options := replay.Options{Depth: cluster.Depth, Only: cluster.Only, Below: isBelow(cluster.URL)}
	options.KubeSphere, _ = semver.NewVersion(cluster.KubeSphere)
	options.Kubernetes, _ = semver.NewVersion(cluster.Kubernetes)
	reading := &reading{
		source: source, cluster: cluster, into: r, replay: replay.New(index, options), left: cluster.Downloads, maxBytes: maxBytes,
		behind: options.Below && options.KubeSphere != nil && options.KubeSphere.LessThan(absolute),
	}
	err = reading.all(ctx)
	r.Result = *reading.replay.Result()
	return r, err
}

// isBelow says whether a repository is not at the root of its host.
func isBelow(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.Trim(u.Path, "/") != ""
}

// reading downloads what the replay wants to see.
type reading struct {
	source   Source
	cluster  Cluster
	into     *Repository
	replay   *replay.Replay
	left     int // downloads
	maxBytes int64
	behind   bool // relative addresses are put behind that of the repository

	mu   sync.Mutex // of into
	load sync.Mutex // one archive is unpacked at a time: anybody may have made it
}

func (r *reading) all(ctx context.Context) error {
	for {
		wanted := r.replay.Wanted()
		if len(wanted) == 0 {
			return nil
		}
		now := wanted[:min(len(wanted), max(0, r.left))]
		found := make([]*replay.Package, len(now))
		var group errgroup.Group
		group.SetLimit(parallelism)
		for i, entry := range now {
			group.Go(func() error {
				if ctx.Err() == nil && !r.isFull() {
					found[i] = r.look(ctx, entry)
				}
				return nil
			})
		}
		_ = group.Wait()
		for i, entry := range now {
			if found[i] == nil {
				r.skip(ctx, entry)
				continue
			}
			r.left--
			r.replay.Know(entry, found[i])
			r.into.assets[entry.Name] = append(r.into.assets[entry.Name], found[i].Assets...)
		}
		for _, entry := range wanted[len(now):] {
			r.skip(ctx, entry)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

func (r *reading) isFull() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.into.Bytes >= r.maxBytes
}

// skip leaves out a package, and says why.
func (r *reading) skip(ctx context.Context, entry helmrepo.Entry) {
	reason := fmt.Sprintf("%d packages were downloaded, which is the limit (--max-downloads)", r.cluster.Downloads)
	switch {
	case ctx.Err() != nil:
		reason = context.Cause(ctx).Error()
	case r.isFull():
		reason = fmt.Sprintf("packages of %d MiB were downloaded, which is the limit", r.maxBytes>>20)
	}
	r.into.NotLookedAt = append(r.into.NotLookedAt, NotLookedAt{entry.Name, entry.Version, reason})
	r.replay.Skip(entry)
}

// look downloads a package and looks at it; nil where ctx ended.
func (r *reading) look(ctx context.Context, entry helmrepo.Entry) *replay.Package {
	asked := target.Entry{Name: entry.Name, Version: entry.Version, Digest: entry.Digest, URLs: entry.URLs}
	if below, err := url.Parse(strings.TrimRight(r.cluster.URL, "/") + "/"); r.behind && err == nil {
		if u, err := below.Parse(entry.URLs[0]); err == nil {
			asked.URLs = []string{u.String()}
		}
	}
	archive, err := r.source.Fetch(ctx, asked)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	r.mu.Lock()
	r.into.Downloads++
	r.into.Bytes += int64(len(archive))
	done := r.into.Downloads
	r.mu.Unlock()
	if r.cluster.Progress != nil {
		r.cluster.Progress(done)
	}
	if err != nil {
		return replay.Failed(err)
	}
	r.load.Lock()
	defer r.load.Unlock()
	return replay.Read(entry, archive)
}
