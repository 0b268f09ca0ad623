package dependency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/dustin/go-humanize"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"helm.sh/helm/v3/pkg/chart/loader"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The media types of a chart in a registry (helm.sh/helm/v3/pkg/registry, which
// is not imported: its client takes no context, and prints).
const (
	configMediaType      = "application/vnd.cncf.helm.config.v1+json"
	chartMediaType       = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	legacyChartMediaType = "application/tar+gzip"
)

const (
	// registryTimeout is the deadline of one request to a registry, headers and body.
	registryTimeout = transport.DefaultReadTimeout
	// registryAttempts is how often the library sends a request at most
	// (retry.DefaultPolicy).
	registryAttempts = 6
	// manifestLimit bounds a manifest, in bytes; that of a chart has some hundreds.
	manifestLimit = 4 << 20
	// tagPages bounds the list of tags; registries give hundreds a page.
	tagPages = 1000
)

// registry speaks to OCI registries by the library that Helm uses.
type registry struct {
	client  func() (*auth.Client, error)
	secrets *redact.Sent
}

func newRegistry(options Options) *registry {
	sent := &redact.Sent{}
	// The keys are read when the first registry is asked.
	return &registry{secrets: sent, client: sync.OnceValues(func() (*auth.Client, error) {
		credential, err := keys(options.RegistryConfigs)
		if err != nil {
			return nil, err
		}
		network := options.Transport.Network()
		client := &auth.Client{
			Client: &http.Client{
				Transport:     &retelling{&deadlined{sent.Recorder(network.Transport), registryTimeout}, options.Transport},
				CheckRedirect: network.CheckRedirect,
			},
			Credential: recordKeys(sent, credential),
			Cache:      auth.NewCache(),
		}
		client.SetUserAgent(options.UserAgent)
		return client, nil
	})}
}

// keys looks credentials up in files of docker and helm. They are only read;
// helper programs that the files name are asked, as docker and helm ask them.
func keys(files []string) (auth.CredentialFunc, error) {
	var stores []credentials.Store
	for _, file := range files {
		store, err := credentials.NewStore(file, credentials.StoreOptions{})
		if err != nil {
			return nil, advised(fmt.Errorf("reading the keys of registries in %s: %w", file, err), "fix the file, or log in anew with `helm registry login`")
		}
		stores = append(stores, store)
	}
	if len(stores) == 0 {
		return nil, nil
	}
	return credentials.Credential(credentials.NewStoreWithFallbacks(stores[0], stores[1:]...)), nil
}

// fromRegistry gets a chart from an OCI registry.
func (r *Resolver) fromRegistry(ctx context.Context, w want) (found, error) {
	if f, ok := r.kept(w); ok {
		return f, nil
	}
	reference := strings.Trim(strings.TrimPrefix(w.Repository, "oci://"), "/") + "/" + w.Name
	version, err := r.registryVersion(ctx, w, reference)
	if err != nil {
		return found{}, err
	}
	data, err := r.registry.pull(ctx, reference, tagOf(version), r.cache)
	if err != nil {
		return found{}, err
	}
	return r.keep(w, version, data)
}

// registryVersion is the version to pull; only a range needs the list of tags. What
// can be read as a version, such as v1.2.3 and 1.2, is the tag of that name, as with
// Helm (Resolve of helm.sh/helm/v3/internal/resolver).
func (r *Resolver) registryVersion(ctx context.Context, w want, reference string) (string, error) {
	if w.locked != "" {
		return w.locked, nil
	}
	if w.isTag() {
		return w.Version, nil
	}
	versions, unseen, err := r.registry.versions(ctx, reference)
	if err != nil {
		return "", err
	}
	version, err := pick(w, versions)
	if err != nil && len(unseen) > 0 {
		return "", advised(err, fmt.Sprintf("the registry has the tag %s, too, and no range takes one of that form, as with Helm: write it as it is, version: %q", newestOf(unseen), newestOf(unseen)))
	}
	return version, err
}

// isTag reports whether a version names one tag of a registry, and not a range.
func (w want) isTag() bool {
	_, err := semver.NewVersion(w.Version)
	return err == nil
}

// tagOf is a version as a tag, which has no plus sign: Helm writes _ for it.
func tagOf(version string) string { return strings.ReplaceAll(version, "+", "_") }

// versions lists the tags of a chart that are versions for Helm, and those that only
// people take for one: v1.2.3, 1.2.
func (r *registry) versions(ctx context.Context, reference string) (versions, unseen []string, err error) {
	repository, err := r.repository(reference)
	if err != nil {
		return nil, nil, err
	}
	err = repository.Tags(ctx, "", func(tags []string) error {
		for _, tag := range tags {
			version := strings.ReplaceAll(tag, "_", "+")
			if _, err := semver.StrictNewVersion(version); err == nil {
				versions = append(versions, version)
			} else if _, err := semver.NewVersion(version); err == nil {
				unseen = append(unseen, tag)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, r.explain(ctx, "listing the versions in the registry", "the registry has no such chart", repository, err)
	}
	return versions, unseen, nil
}

// pull downloads the package that a tag names, unless kept has it.
func (r *registry) pull(ctx context.Context, reference, tag string, kept cache) ([]byte, error) {
	repository, err := r.repository(reference)
	if err != nil {
		return nil, err
	}
	manifest, err := r.manifest(ctx, repository, tag)
	if err != nil {
		return nil, err
	}
	layer, err := chartLayer(manifest, tag)
	if err != nil {
		return nil, err
	}
	if data, ok := kept.chart(hexDigest(layer.Digest.String())); ok {
		return data, nil
	}
	data, err := content.FetchAll(ctx, repository.Blobs(), layer)
	if err != nil {
		return nil, r.explain(ctx, "downloading the package "+tag+" from the registry", "the registry has lost the package", repository, err)
	}
	return data, nil
}

// manifest reads the manifest of a chart; where the tag names an index, that of
// the first chart in it.
func (r *registry) manifest(ctx context.Context, repository *remote.Repository, reference string) (*ocispec.Manifest, error) {
	const doing, absent = "reading the manifest in the registry", "the registry has no such version"
	options := oras.FetchBytesOptions{MaxBytes: manifestLimit}
	described, data, err := oras.FetchBytes(ctx, repository, reference, options)
	if err != nil {
		return nil, r.explain(ctx, doing, absent, repository, err)
	}
	if described.MediaType != ocispec.MediaTypeImageIndex {
		return parseManifest(data)
	}
	var index ocispec.Index
	if json.Unmarshal(data, &index) != nil {
		return nil, notAChart(reference)
	}
	for _, entry := range index.Manifests {
		if entry.MediaType != ocispec.MediaTypeImageManifest {
			continue
		}
		_, data, err := oras.FetchBytes(ctx, repository, entry.Digest.String(), options)
		if err != nil {
			return nil, r.explain(ctx, doing, absent, repository, err)
		}
		if manifest, err := parseManifest(data); err == nil && manifest.Config.MediaType == configMediaType {
			return manifest, nil
		}
	}
	return nil, notAChart(reference)
}

func parseManifest(data []byte) (*ocispec.Manifest, error) {
	manifest := new(ocispec.Manifest)
	if err := json.Unmarshal(data, manifest); err != nil {
		return nil, errors.New("what the registry has under that tag is no manifest")
	}
	return manifest, nil
}

// chartLayer finds the package in a manifest.
func chartLayer(manifest *ocispec.Manifest, tag string) (ocispec.Descriptor, error) {
	if manifest.Config.MediaType != configMediaType {
		return ocispec.Descriptor{}, notAChart(tag)
	}
	for _, layer := range manifest.Layers {
		if layer.MediaType != chartMediaType && layer.MediaType != legacyChartMediaType {
			continue
		}
		if layer.Size > loader.MaxDecompressedFileSize {
			return ocispec.Descriptor{}, advised(fmt.Errorf("its package has %s, and Helm loads no file larger than %s", humanize.IBytes(uint64(layer.Size)), humanize.IBytes(uint64(loader.MaxDecompressedFileSize))),
				"let users of the extension install it by themselves, or ask for a version that is smaller")
		}
		return layer, nil
	}
	return ocispec.Descriptor{}, notAChart(tag)
}

func notAChart(tag string) error {
	return advised(fmt.Errorf("what the registry has as %s is no chart of Helm, but an image or something else", tag), "check name and repository")
}

func (r *registry) repository(reference string) (*remote.Repository, error) {
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	repository, err := remote.NewRepository(reference)
	if err != nil {
		return nil, advised(fmt.Errorf("oci://%s is no address of a chart in a registry", reference),
			"write repository: oci://HOST/FOLDER, in lower case and without the name of the chart")
	}
	repository.Client = client
	repository.PlainHTTP = isLoopback(repository.Reference.Host())
	repository.TagListMaxPages = tagPages
	repository.ManifestMediaTypes = []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, "application/vnd.docker.distribution.manifest.v2+json"}
	return repository, nil
}

// isLoopback reports whether a registry is on this machine. Such are spoken to
// without TLS, as docker does.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// explain puts an error of the library into words, with advice.
func (r *registry) explain(ctx context.Context, doing, absent string, repository *remote.Repository, err error) error {
	err = r.secrets.Error(err)
	host := repository.Reference.Host()
	var answer *errcode.ErrorResponse
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: gave up: %w", doing, context.Cause(ctx))
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden),
		errors.Is(err, auth.ErrBasicCredentialNotFound):
		return advised(fmt.Errorf("%s: %s refuses%s", doing, host, statusOf(answer)), "log in: helm registry login "+host)
	case errors.Is(err, errdef.ErrNotFound), errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound:
		return advised(fmt.Errorf("%s: %s", doing, absent), "check name, version and repository: `helm show chart oci://"+host+"/"+repository.Reference.Repository+"`")
	case errors.As(err, &answer):
		return advised(fmt.Errorf("%s: %s answers%s", doing, host, statusOf(answer)), "try again later")
	}
	var blocked *BlockedError
	if errors.As(err, &blocked) {
		return advised(fmt.Errorf("%s: %w", doing, blocked), blocked.Hint())
	}
	var sent *url.Error
	if errors.As(err, &sent) {
		err = fmt.Errorf("%w (%s %s)", transport.PlainCause(err), strings.ToUpper(sent.Op), sent.URL)
	}
	return advised(fmt.Errorf("%s: %w", doing, err), "try again where the registry can be reached, or put the chart under charts/, which needs no network")
}

// statusOf is the status of an answer, without a word of who gave it: the address of
// a registry comes out of an extension or an index.
func statusOf(answer *errcode.ErrorResponse) string {
	if answer == nil {
		return ""
	}
	return fmt.Sprintf(" with %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
}

// retelling sends requests again as the library does, and reports it before
// each wait.
type retelling struct {
	next http.RoundTripper
	to   *transport.Client
}

// RoundTrip sends a request until it is answered or given up.
func (t *retelling) RoundTrip(request *http.Request) (*http.Response, error) {
	again := retry.Transport{Base: t.next, Policy: func() retry.Policy {
		return &toldPolicy{retry.DefaultPolicy, request, t.to}
	}}
	return again.RoundTrip(request)
}

// toldPolicy is the policy of the library for one request.
type toldPolicy struct {
	retry.Policy
	request *http.Request
	to      *transport.Client
}

// Retry says how long to wait before the next attempt; less than nothing is that
// there is none.
func (p *toldPolicy) Retry(attempt int, answer *http.Response, failed error) (time.Duration, error) {
	wait, err := p.Policy.Retry(attempt, answer, failed)
	if err != nil || wait < 0 {
		return wait, err
	}
	cause := &transport.Error{
		Op: "asking the registry " + p.request.URL.Host, Method: p.request.Method,
		URL: redact.URL(p.request.URL.String()), Err: failed,
	}
	if answer != nil {
		cause.Status = answer.StatusCode
	}
	p.to.Notify(p.request.Context(), transport.Retry{Op: cause.Op, Attempt: attempt + 2, Of: registryAttempts, Wait: wait, Cause: cause})
	return wait, nil
}

// deadlined gives each request a deadline of its own, which covers the reading
// of the answer too.
type deadlined struct {
	next  http.RoundTripper
	after time.Duration
}

// lateError is an answer that was not there in time. It is a timeout in the
// sense of the package net, so that the library asks again.
type lateError struct{ after time.Duration }

func (e lateError) Error() string   { return fmt.Sprintf("no complete answer within %s", e.after) }
func (e lateError) Timeout() bool   { return true }
func (e lateError) Temporary() bool { return true }

// RoundTrip sends a request within the deadline.
func (d *deadlined) RoundTrip(request *http.Request) (*http.Response, error) {
	late := lateError{d.after}
	ctx, cancel := context.WithTimeoutCause(request.Context(), d.after, late)
	answer, err := d.next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		defer cancel()
		if errors.Is(context.Cause(ctx), late) {
			return nil, late
		}
		return nil, err
	}
	answer.Body = &deadlinedBody{answer.Body, ctx, cancel}
	return answer, nil
}

type deadlinedBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelFunc
}

func (b *deadlinedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	return n, err
}

func (b *deadlinedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
