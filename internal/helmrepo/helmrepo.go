// Package helmrepo reads a Helm repository: its index, lean and conditional,
// and the packages in it. Fetch finds them by the rules that KubeSphere follows
// when it reads a repository of extensions, FetchChart by those of Helm.
//
// It reads only. What an entry that is there, or is not, means for a release
// is decided by the pipeline; what is in a package is reported by
// internal/extension.
package helmrepo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/redact"
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
	// Token is a bearer token in place of user and password, over which it takes
	// precedence; it goes to the repository's own host alone, too.
	Token string
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
	// Cache keeps the index, so that a later process asks whether it has changed, and reads it
	// only then. It does not leave this machine. Nil: none.
	Cache *cache.Cache
}

// Repository is one Helm repository. It is safe for concurrent use.
type Repository struct {
	base            *url.URL // without user, password and slash at the end
	authorization   string
	setting, access string
	describe        bool
	transport       *transport.Client
	cache           *cache.Cache
	reader          string // who reads it, without secrets

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
	download           int  // the download that brought or confirmed it
	recalled           bool // an earlier process has read it, and no answer has confirmed it yet
}

// New makes a repository; the error says what is wrong with its address.
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
		transport: options.Transport, cache: options.Cache.Local(), turn: make(chan struct{}, 1),
	}
	if r.transport == nil {
		r.transport = transport.New(transport.Options{UserAgent: options.UserAgent})
	}
	r.authorization = authorizationOf(options, base.User)
	r.reader = readerOf(r.authorization)
	base.User = nil
	return r, nil
}

func authorizationOf(options Options, user *url.Userinfo) string {
	switch {
	case options.Token != "":
		return "Bearer " + options.Token
	case options.Username != "" || options.Password != "":
		return transport.BasicAuthorization(options.Username, options.Password)
	case user != nil:
		password, _ := user.Password()
		return transport.BasicAuthorization(user.Username(), password)
	}
	return ""
}

// Index returns the repository's index as it is now. The first call downloads
// it, unless the cache has it; later ones ask conditionally (ETag, Last-Modified) and return the same
// *Index where it has not changed. Callers that come while another one asks
// share the next answer, so many of them cost at most one more request.
//
// An index that is not there (404) is an error that names the hint, never an
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
	if cached == nil {
		cached = r.recall(ctx)
	}
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
		Header:        current(),
		Authorization: r.authorization,
		Limit:         IndexLimit,
		Describe:      r.describe,
		Stream: func(answer *transport.Response, body io.Reader) (err error) {
			index, err = r.parseAnswer(answer, body)
			return err
		},
	}
	if known != nil && known.etag != "" {
		request.Header.Set("If-None-Match", known.etag)
	}
	if known != nil && known.lastModified != "" && !(known.recalled && known.etag != "") { // see isSame
		request.Header.Set("If-Modified-Since", known.lastModified)
	}
	answer, err := r.transport.Do(ctx, request)
	if err != nil {
		return nil, r.withHint(err)
	}
	fresh := &cachedIndex{index: index, etag: answer.Header.Get("ETag"), lastModified: answer.Header.Get("Last-Modified")}
	switch {
	case answer.Status != http.StatusNotModified:
		r.remember(fresh, answer.Header)
	case !known.isSame(answer.Header):
		return r.download(ctx, nil)
	default:
		fresh = &cachedIndex{index: known.index, etag: known.etag, lastModified: known.lastModified}
	}
	if cached := cachedBy(answer.Header); cached != fresh.index.cached {
		same := *fresh.index
		same.cached = cached
		fresh.index = &same
	}
	return fresh, nil
}

// current are the headers of a request whose answer has to be that of the server
// at this moment. A cache on the way asks the server then (RFC 9111, 5.2.1.4).
func current() http.Header { return http.Header{"Cache-Control": {"no-cache"}} }

// cachedBy says whether a cache answered, by the header that one has to set (RFC
// 9111, 5.1).
func cachedBy(header http.Header) Cached {
	age, err := strconv.Atoi(strings.TrimSpace(header.Get("Age")))
	if err != nil || age <= 0 {
		return Cached{}
	}
	c := Cached{Age: seconds(age)}
	for _, directive := range strings.Split(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		kept, err := strconv.Atoi(strings.Trim(value, `"`))
		if err == nil && kept > 0 && (name == "s-maxage" || name == "max-age" && c.Keeps == 0) {
			c.Keeps = seconds(kept)
		}
	}
	return c
}

// seconds is a duration of whole seconds, of at most some years.
func seconds(n int) time.Duration { return time.Duration(min(n, 1<<28)) * time.Second }

// pageLimit is how much of a page is read for its title, in bytes.
const pageLimit = 64 << 10

func (r *Repository) parseAnswer(answer *transport.Response, body io.Reader) (*Index, error) {
	counted := &counter{source: body}
	begun := bufio.NewReaderSize(counted, 1<<10)
	head, err := begun.Peek(512)
	switch {
	case len(bytes.TrimSpace(head)) == 0 && err == io.EOF:
		return nil, fmt.Errorf("the index is empty: %w", io.ErrUnexpectedEOF)
	case transport.IsPage(head):
		page, err := io.ReadAll(io.LimitReader(begun, pageLimit))
		if err != nil {
			return nil, err
		}
		title := ""
		if !r.describe {
			title = transport.Excerpt(page)
		}
		if title != "" {
			title += ": "
		}
		if answer.Redirected {
			return nil, fmt.Errorf("%sa page came instead of an index, after a redirect to %s: check %s and the proxy settings", title, answer.URL, r.setting)
		}
		return nil, fmt.Errorf("%sa page came instead of an index: check %s and the proxy settings", title, r.setting)
	}
	index, err := Read(begun)
	var refused *Refused
	if r.describe && errors.As(err, &refused) {
		if refused.Cause != noAPIVersion { // which quotes what came
			refused = &Refused{Line: refused.Line, Cause: "it is no YAML, or another document than an index"}
		}
		return nil, refused
	}
	if err != nil && r.describe {
		return nil, fmt.Errorf("what came is no index of charts: %s", transport.DescribeStream(answer, counted.read))
	}
	return index, err
}

// counter counts what is read.
type counter struct {
	source io.Reader
	read   int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.source.Read(p)
	c.read += n
	return n, err
}

func (r *Repository) withHint(err error) error {
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
// here: whoever verifies wants to report a wrong one.
//
// A package that is not to be had has a hint of its own where KubeSphere looks
// for it at another address than Helm does.
func (r *Repository) Fetch(ctx context.Context, entry Entry) ([]byte, error) {
	data, err := r.fetch(ctx, entry, r.PackageURL)
	if err != nil {
		return nil, r.explainAddress(entry, err)
	}
	return data, nil
}

// explainAddress says how KubeSphere comes to the address of a package, where it
// is not there.
func (r *Repository) explainAddress(entry Entry, err error) error {
	failure, ok := transport.As(err)
	if !ok || !failure.Unauthorized() && failure.Status != http.StatusNotFound && failure.Status != http.StatusGone {
		return err
	}
	asHelm, otherwise := r.ChartURL(entry)
	asKubeSphere, wrong := r.PackageURL(entry)
	if otherwise != nil || wrong != nil || asHelm.String() == asKubeSphere.String() {
		return err
	}
	reference := redact.URL(entry.URLs[0])
	return &MisplacedError{err, fmt.Sprintf("KubeSphere drops the path of the repository where the index has a relative URL, so that %s leads to %s, and not to %s as with Helm: write absolute URLs into the index (helm repo index --url %s), or serve the repository at the root of a host",
		reference, redact.URL(asKubeSphere.String()), redact.URL(asHelm.String()), r.base)}
}

// MisplacedError is a package that KubeSphere looks for at another address than
// Helm, and does not find.
type MisplacedError struct {
	error
	hint string
}

// Unwrap gives the cause.
func (m *MisplacedError) Unwrap() error { return m.error }

// Hint says why, and what to do.
func (m *MisplacedError) Hint() string { return m.hint }

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
		Header:   current(),
		Describe: r.describe || !r.IsOwn(address),
	}
	request.Header.Set("Accept-Encoding", "identity")
	request.Check = func(answer *transport.Response) error { return checkPackage(answer) }
	if r.IsOwn(address) {
		request.Authorization = r.authorization
	}
	answer, err := r.transport.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// IsOwn says whether an address is on the server of the repository, which gets its
// user and password.
func (r *Repository) IsOwn(address *url.URL) bool { return transport.SameOrigin(address, r.base) }

// PackageURL is where KubeSphere downloads the package of an entry from: with
// http, https or oci (createChartGetter in pkg/controller/core/util.go, 4.1.3 to
// 4.2). Fetch cannot download with oci.
func (r *Repository) PackageURL(entry Entry) (*url.URL, error) {
	if len(entry.URLs) == 0 || entry.URLs[0] == "" {
		return nil, errors.New("its entry in the index has no URL, so KubeSphere cannot download it")
	}
	reference, err := url.Parse(entry.URLs[0])
	if err != nil {
		return nil, fmt.Errorf("its URL %q in the index is no address", redact.URL(entry.URLs[0]))
	}
	root := &url.URL{Scheme: r.base.Scheme, Host: r.base.Host, Path: "/"}
	address := root.ResolveReference(reference)
	if address.Scheme != "http" && address.Scheme != "https" && address.Scheme != "oci" || address.Host == "" {
		return nil, fmt.Errorf("its URL %q in the index is neither http nor https nor oci, so KubeSphere cannot download it", redact.URL(entry.URLs[0]))
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
		return nil, fmt.Errorf("its URL %q in the index is no address", redact.URL(entry.URLs[0]))
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
func checkPackage(answer *transport.Response) error {
	if len(answer.Body) >= 2 && answer.Body[0] == 0x1f && answer.Body[1] == 0x8b {
		return nil
	}
	if len(answer.Body) == 0 {
		return fmt.Errorf("nothing came instead of a package: %w", io.ErrUnexpectedEOF)
	}
	if answer.Describe {
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
