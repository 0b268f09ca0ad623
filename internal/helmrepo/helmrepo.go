// Package helmrepo reads a Helm repository: its index, lean and conditional,
// and the packages in it. Fetch finds them by the rules that KubeSphere follows
// when it reads a repository of extensions, FetchChart by those of Helm.
//
// It reads only. What an entry that is there, or is not, means for a release
// is decided by the pipeline; what is in a package is told by
// internal/extension.
package helmrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// DefaultURL is the Helm repository in which submitted extensions appear.
const DefaultURL = "https://beta.app.kubesphere.cloud"

// Caps on what is read, in bytes.
const (
	// IndexLimit bounds index.yaml after decompression.
	IndexLimit = 64 << 20
	// PackageLimit bounds one package; the marketplace takes 1 MB.
	PackageLimit = 64 << 20
)

// Options of a Repository.
type Options struct {
	// URL is the address that `helm repo add` would be given; empty means DefaultURL.
	URL string
	// Username and Password are for a repository that needs them; they take
	// precedence over those in URL. They go to the repository's own host alone.
	Username, Password string
	// Setting is what errors call the place where URL is written; empty means
	// repository.url, which is that of the config.
	Setting string
	// Access says, where the repository refuses, how to get in; empty means by
	// the environment variables for Username and Password.
	Access string
	// Describe says that errors quote nothing of what the repository answers (see
	// transport.Request): it is none that the config names.
	Describe bool
	// Transport sends the requests. Nil: one of its own with the defaults and UserAgent.
	Transport *transport.Client
	// UserAgent is used where Transport is nil.
	UserAgent string
}

// Repository is one Helm repository. It is safe for concurrent use.
type Repository struct {
	base            *url.URL // without user, password and slash at the end
	authorization   string
	setting, access string
	describe        bool
	transport       *transport.Client

	// turn lets one caller ask at a time; a channel, so that a caller whose
	// context ends stops queueing.
	turn chan struct{}

	mu      sync.Mutex
	started int // how many downloads have begun
	cached  *cachedIndex
}

// cachedIndex is the last index that was read, with what a conditional request needs.
type cachedIndex struct {
	index              *Index
	etag, lastModified string
	download           int // the download that brought or confirmed it
}

// New makes a repository; the error tells what is wrong with its address.
func New(options Options) (*Repository, error) {
	if options.URL == "" {
		options.URL = DefaultURL
	}
	if options.Setting == "" {
		options.Setting = "repository.url"
	}
	if options.Access == "" {
		options.Access = "set KSRELEASE_REPOSITORY_USERNAME and KSRELEASE_REPOSITORY_PASSWORD"
	}
	base, err := transport.ParseServer(options.Setting, options.URL)
	if err != nil {
		return nil, err
	}
	r := &Repository{
		base: base, setting: options.Setting, access: options.Access, describe: options.Describe,
		transport: options.Transport, turn: make(chan struct{}, 1),
	}
	if r.transport == nil {
		r.transport = transport.New(transport.Options{UserAgent: options.UserAgent})
	}
	r.authorization = authorizationOf(options, base.User)
	base.User = nil
	return r, nil
}

func authorizationOf(options Options, user *url.Userinfo) string {
	switch {
	case options.Username != "" || options.Password != "":
		return transport.BasicAuthorization(options.Username, options.Password)
	case user != nil:
		password, _ := user.Password()
		return transport.BasicAuthorization(user.Username(), password)
	}
	return ""
}

// Index returns the repository's index as it is now. The first call downloads
// it; later ones ask conditionally (ETag, Last-Modified) and return the same
// *Index where it has not changed. Callers that come while another one asks
// share the next answer, so many of them cost at most one more request.
//
// An index that is not there (404) is an error that names the remedy, never an
// empty index.
func (r *Repository) Index(ctx context.Context) (*Index, error) {
	r.mu.Lock()
	seen := r.started
	r.mu.Unlock()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("reading %s: %w", r.indexURL(), context.Cause(ctx))
	}
	r.mu.Lock()
	cached := r.cached
	if cached != nil && cached.download > seen {
		r.mu.Unlock()
		return cached.index, nil
	}
	r.started++
	download := r.started
	r.mu.Unlock()
	fresh, err := r.download(ctx, cached)
	if err != nil {
		return nil, err
	}
	fresh.download = download
	r.mu.Lock()
	r.cached = fresh
	r.mu.Unlock()
	return fresh.index, nil
}

func (r *Repository) indexURL() string { return r.base.String() + "/index.yaml" }

// download asks for the index, conditionally where one is known.
func (r *Repository) download(ctx context.Context, known *cachedIndex) (*cachedIndex, error) {
	var index *Index
	request := transport.Request{
		Op:            "reading the index of the Helm repository",
		URL:           r.indexURL(),
		Header:        http.Header{},
		Authorization: r.authorization,
		Limit:         IndexLimit,
		Describe:      r.describe,
		Check: func(answer *transport.Response) (err error) {
			index, err = r.parseAnswer(answer)
			return err
		},
	}
	if known != nil && known.etag != "" {
		request.Header.Set("If-None-Match", known.etag)
	}
	if known != nil && known.lastModified != "" {
		request.Header.Set("If-Modified-Since", known.lastModified)
	}
	answer, err := r.transport.Do(ctx, request)
	if err != nil {
		return nil, r.withRemedy(err)
	}
	if answer.Status == http.StatusNotModified {
		return &cachedIndex{index: known.index, etag: known.etag, lastModified: known.lastModified}, nil
	}
	return &cachedIndex{index: index, etag: answer.Header.Get("ETag"), lastModified: answer.Header.Get("Last-Modified")}, nil
}

func (r *Repository) parseAnswer(answer *transport.Response) (*Index, error) {
	if transport.IsPage(answer.Body) {
		if answer.Redirected {
			return nil, fmt.Errorf("a page came instead of an index, after a redirect to %s: check %s and the proxy settings", answer.URL, r.setting)
		}
		return nil, fmt.Errorf("a page came instead of an index: check %s and the proxy settings", r.setting)
	}
	if len(bytes.TrimSpace(answer.Body)) == 0 {
		return nil, fmt.Errorf("the index is empty: %w", io.ErrUnexpectedEOF)
	}
	index, err := Parse(answer.Body)
	if err != nil && r.describe {
		return nil, fmt.Errorf("what came is no index of charts: %s", transport.Describe(answer))
	}
	return index, err
}

func (r *Repository) withRemedy(err error) error {
	failure, ok := transport.As(err)
	switch {
	case ok && failure.Status == http.StatusNotFound:
		return fmt.Errorf("%w; there is no Helm repository at %s: %s must be the address that `helm repo add` takes", err, r.base, r.setting)
	case ok && failure.Unauthorized():
		return fmt.Errorf("%w; %s", err, r.access)
	}
	return err
}

// Fetch downloads the package of an entry, as KubeSphere does: the first of
// its URLs, a relative one resolved against scheme and host of the repository
// alone (the repository's own path is dropped). The digest is not compared
// here: whoever verifies wants to tell a wrong one.
func (r *Repository) Fetch(ctx context.Context, entry Entry) ([]byte, error) {
	return r.fetch(ctx, entry, r.PackageURL)
}

// FetchChart downloads the package of an entry, as Helm does: see ChartURL.
func (r *Repository) FetchChart(ctx context.Context, entry Entry) ([]byte, error) {
	return r.fetch(ctx, entry, r.ChartURL)
}

// fetch downloads the package of an entry from where a rule finds it.
func (r *Repository) fetch(ctx context.Context, entry Entry, rule func(Entry) (*url.URL, error)) ([]byte, error) {
	what := "downloading package " + entry.Name + " " + entry.Version
	address, err := rule(entry)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	request := transport.Request{
		Op:    what,
		URL:   address.String(),
		Limit: PackageLimit,
		// A package is gzip itself. A server that labels it as gzip-encoded
		// would have it unpacked on the way, and its digest would be another.
		Header:   http.Header{"Accept-Encoding": {"identity"}},
		Describe: r.describe || !transport.SameOrigin(address, r.base),
	}
	request.Check = func(answer *transport.Response) error { return checkPackage(answer, request.Describe) }
	if transport.SameOrigin(address, r.base) {
		request.Authorization = r.authorization
	}
	answer, err := r.transport.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// PackageURL is where KubeSphere downloads the package of an entry from.
func (r *Repository) PackageURL(entry Entry) (*url.URL, error) {
	if len(entry.URLs) == 0 || entry.URLs[0] == "" {
		return nil, errors.New("its entry in the index has no URL, so KubeSphere cannot download it")
	}
	reference, err := url.Parse(entry.URLs[0])
	if err != nil {
		return nil, fmt.Errorf("its URL %q in the index is no address", transport.RedactURL(entry.URLs[0]))
	}
	root := &url.URL{Scheme: r.base.Scheme, Host: r.base.Host, Path: "/"}
	address := root.ResolveReference(reference)
	if address.Scheme != "http" && address.Scheme != "https" || address.Host == "" {
		return nil, fmt.Errorf("its URL %q in the index is neither http nor https, so KubeSphere cannot download it", transport.RedactURL(entry.URLs[0]))
	}
	return address, nil
}

// ChartURL is where Helm downloads the package of an entry from: the first of
// its URLs, a relative one resolved against the address of the repository
// (ResolveReferenceURL of helm.sh/helm/v3/pkg/repo). Its scheme may
// be any: some repositories lead to a registry, with oci.
func (r *Repository) ChartURL(entry Entry) (*url.URL, error) {
	if len(entry.URLs) == 0 || entry.URLs[0] == "" {
		return nil, errors.New("its entry in the index has no URL")
	}
	reference, err := url.Parse(entry.URLs[0])
	if err != nil {
		return nil, fmt.Errorf("its URL %q in the index is no address", transport.RedactURL(entry.URLs[0]))
	}
	folder := *r.base
	folder.Path += "/"
	if folder.RawPath != "" {
		folder.RawPath += "/"
	}
	return folder.ResolveReference(reference), nil
}

// checkPackage refuses what is no package. Only the words of the server that somebody
// configured are shown.
func checkPackage(answer *transport.Response, describe bool) error {
	if len(answer.Body) >= 2 && answer.Body[0] == 0x1f && answer.Body[1] == 0x8b {
		return nil
	}
	if len(answer.Body) == 0 {
		return fmt.Errorf("nothing came instead of a package: %w", io.ErrUnexpectedEOF)
	}
	if describe {
		return fmt.Errorf("something else came instead of a package: %s", transport.Describe(answer))
	}
	came := "something else"
	switch excerpt := transport.Excerpt(answer.Body); {
	case transport.IsPage(answer.Body):
		came = "a page"
	case strings.TrimSpace(excerpt) != "":
		came = fmt.Sprintf("%q", excerpt)
	}
	return fmt.Errorf("%s came instead of a package", came)
}
