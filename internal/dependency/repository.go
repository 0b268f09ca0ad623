package dependency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// fromRepository gets a chart from a Helm repository.
func (r *Resolver) fromRepository(ctx context.Context, w want) (found, error) {
	if f, ok := r.kept(w); ok {
		return f, nil
	}
	from, err := r.open(ctx, w.Repository)
	if err != nil {
		return found{}, err
	}
	version, err := pick(w, downloadable(from.index, w.Name))
	if err != nil {
		return found{}, unknownName(err, from.index, w)
	}
	entry, _ := from.index.Version(w.Name, version)
	digest := hexDigest(entry.Digest)
	data, ok := r.cache.chart(digest)
	if !ok {
		if data, err = r.download(ctx, from.repository, entry); err != nil {
			return found{}, err
		}
		if got := digestOf(data); digest != "" && got != digest {
			return found{}, advised(fmt.Errorf("the package of %s %s has another digest than the index says: %s, not %s", w.Name, version, short(got), short(digest)),
				"try again; if it stays so, the repository has to be fixed: its package was changed, or its index is old")
		}
	}
	return r.keep(w, version, data)
}

// downloadable are the versions of a chart that have an address.
func downloadable(index *helmrepo.Index, name string) []string {
	var versions []string
	for _, version := range index.Versions(name) {
		if entry, ok := index.Version(name, version); ok && len(entry.URLs) > 0 {
			versions = append(versions, version)
		}
	}
	return versions
}

// unknownName says that a repository has no such chart at all.
func unknownName(err error, index *helmrepo.Index, w want) error {
	if len(index.Versions(w.Name)) > 0 {
		return err
	}
	return advised(fmt.Errorf("the repository has no chart of that name"), "check name and repository: `helm search repo` lists what is there")
}

// access is what to do where a repository wants to know who asks.
const access = "what is not public goes under charts/, unless it is on the server of repository.url in the config, which gets KSRELEASE_REPOSITORY_USERNAME and KSRELEASE_REPOSITORY_PASSWORD"

// open reads the index of a repository, once for all that ask.
func (r *Resolver) open(ctx context.Context, address string) (*source, error) {
	address = strings.TrimRight(address, "/")
	return r.indexes.get(ctx, address, func() (*source, error) {
		options := helmrepo.Options{
			URL: address, Setting: "repository", Transport: r.options.Transport,
			Access: access, Describe: true, Cache: r.options.Indexes,
		}
		if isSameServer(address, r.options.RepositoryURL) {
			options.Describe = false
			options.Username, options.Password = r.options.Username, r.options.Password
		}
		repository, err := helmrepo.New(options)
		if err != nil {
			return nil, err
		}
		index, err := repository.Index(ctx)
		if err != nil {
			return nil, unreachable(err)
		}
		return &source{repository, index}, nil
	})
}

// isSameServer reports whether two addresses are of one server.
func isSameServer(a, b string) bool {
	left, err := url.Parse(a)
	right, other := url.Parse(b)
	return err == nil && other == nil && left.Host != "" && transport.SameOrigin(left, right)
}

// unreachable adds what to do where a server gave no answer at all. What to do
// about a certificate the cause says itself.
func unreachable(err error) error {
	failure, ok := transport.As(err)
	if !ok || failure.Status != 0 || failure.Untrusted() {
		return err
	}
	var blocked *BlockedError
	if errors.As(err, &blocked) {
		return advised(err, blocked.Hint())
	}
	return advised(err, "try again where the server can be reached, or put the chart under charts/, which needs no network")
}

// undelivered adds what to do where a package did not come that is in the index.
func undelivered(err error) error {
	failure, ok := transport.As(err)
	switch {
	case !ok || failure.Status == 0:
		return unreachable(err)
	case failure.Unauthorized():
		return advised(err, access)
	case failure.NotFound():
		return advised(err, "the index names a package that is not there: ask for another version, or put the chart under charts/")
	}
	return advised(err, "try again later, or put the chart under charts/, which needs no network")
}

// download gets the package of an entry; some Helm repositories are only the
// index of a registry.
func (r *Resolver) download(ctx context.Context, repository *helmrepo.Repository, entry helmrepo.Entry) ([]byte, error) {
	address, err := repository.ChartURL(entry)
	if err != nil {
		return nil, advised(err, "ask for another version, or put the chart under charts/")
	}
	switch address.Scheme {
	case "oci":
		name, tag, _ := strings.Cut(address.Path, ":")
		if tag == "" {
			tag = tagOf(entry.Version)
		}
		return r.registry.pull(ctx, address.Host+name, tag, noCache)
	case "http", "https":
		data, err := repository.FetchChart(ctx, entry)
		if err != nil {
			return nil, undelivered(err)
		}
		return data, nil
	}
	return nil, advised(fmt.Errorf("the index says that its package is at %s, which is neither http nor oci", redact.URL(address.String())),
		"put the chart under charts/")
}

// kept is a locked chart that was brought in before: a version that is locked
// does not change, so nobody needs to be asked.
func (r *Resolver) kept(w want) (found, bool) {
	if w.locked == "" {
		return found{}, false
	}
	version, digest, ok := r.cache.locked(w)
	if !ok {
		return found{}, false
	}
	data, ok := r.cache.chart(digest)
	return found{version, data}, ok && r.isChart(w, version, data) == nil
}

// keep checks what came and keeps it for other days.
func (r *Resolver) keep(w want, version string, data []byte) (found, error) {
	if err := r.isChart(w, version, data); err != nil {
		return found{}, err
	}
	r.cache.keep(digestOf(data), data)
	if w.locked != "" {
		r.cache.keepLocked(w, version, digestOf(data))
	}
	return found{version, data}, nil
}

// isChart holds a package to what was asked for.
func (r *Resolver) isChart(w want, version string, data []byte) error {
	md, err := extension.ReadChart(data, extension.Limits{})
	if err != nil {
		return advised(fmt.Errorf("what came for version %s is no chart: %w", version, err), "ask for another version, or put the chart under charts/")
	}
	if md.Name != w.Name || !isSameVersion(version, md.Version) && !w.admits(version, md.Version) {
		return advised(fmt.Errorf("the package of version %s holds the chart %s %s", version, md.Name, md.Version),
			"ask for another version: the repository has to be fixed")
	}
	return nil
}

// isSameVersion passes over a v in front of a version, as Helm does. One that names a
// build is no other build.
func isSameVersion(asked, has string) bool {
	if asked == has {
		return true
	}
	left, err := semver.NewVersion(asked)
	right, other := semver.NewVersion(has)
	return errors.Join(err, other) == nil && left.Equal(right) && (left.Metadata() == "" || left.Metadata() == right.Metadata())
}

// admits reports whether a tag such as 1.2, which names no version alone, may hold a
// chart of a version.
func (w want) admits(tag, has string) bool {
	if !strings.HasPrefix(w.Repository, "oci://") || strings.Count(tag, ".") > 1 {
		return false
	}
	constraint, err := newConstraint(tag)
	if err != nil {
		return false
	}
	version, err := semver.NewVersion(has)
	return err == nil && constraint.Check(version)
}

// digestOf is the sha256 of data in hex.
func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// hexDigest is a digest of an index in hex; "" where it is none that is known.
func hexDigest(digest string) string {
	digest = strings.ToLower(strings.TrimPrefix(digest, "sha256:"))
	if data, err := hex.DecodeString(digest); err != nil || len(data) != sha256.Size {
		return ""
	}
	return digest
}

func short(digest string) string { return digest[:min(12, len(digest))] + "…" }
