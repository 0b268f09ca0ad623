package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/credentials"
	"github.com/ksrelease/ksrelease/internal/dependency"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/transport"
	"github.com/ksrelease/ksrelease/pipeline"
)

// projectURL is where ksrelease lives; servers see it in the User-Agent.
const projectURL = "https://github.com/ksrelease/ksrelease"

// clients are the two ends a run talks to, made in this one place.
type clients struct {
	market    *market // nil where there is no API key
	repo      *repository
	target    string // the marketplace, for messages
	assetHost string // scheme and host that the marketplace gives to uploaded files
	hostSure  bool   // whether it does so for certain
	close     func()
}

// where says which marketplace a command works on.
type where int

const (
	configured      where = iota // that of the config
	local                        // the local one of the project
	localForReading              // likewise, of which nothing is changed; empty where there is none yet
)

// whereIf is for commands with a flag --local that change nothing themselves.
func whereIf(isLocal bool) where {
	if isLocal {
		return localForReading
	}
	return configured
}

// dial makes the clients of a project: those of the config, or those of the
// local marketplace in dir. parallelism is how many connections to a host are worth
// keeping. Where ctx ends, the marketplace is left as it is: it bears the end of the
// process at any time.
func (a *app) dial(ctx context.Context, p *project, at where, dir string, parallelism int) (*clients, error) {
	doing := "reading key and certificates"
	if at != configured {
		doing = "opening the local marketplace"
	}
	return reading(ctx, a, doing, func() (*clients, error) { return a.connectTo(p, at, dir, parallelism) })
}

func (a *app) connectTo(p *project, at where, dir string, parallelism int) (*clients, error) {
	if at != configured {
		web := transport.New(transport.Options{UserAgent: userAgent(), Parallelism: parallelism, Dial: a.connect})
		return a.dialLocal(dir, at, web)
	}
	servers, err := p.servers()
	if err != nil {
		return nil, err
	}
	web := transport.New(transport.Options{UserAgent: userAgent(), Parallelism: parallelism, Dial: a.connect, Servers: servers, Warn: a.warnings.tell})
	server := p.config.Cloud.Server
	c := &clients{target: a.redact.text(redact.URL(server)), assetHost: server, close: web.Close}
	store, err := credentials.Default(a.env)
	if err != nil {
		return nil, err
	}
	token, warnings, err := store.Find(server)
	for _, w := range warnings {
		a.warnings.tell(w)
	}
	switch {
	case errors.Is(err, credentials.ErrNotFound):
	case err != nil:
		return nil, err
	default:
		a.redact.add(token.Value())
		if c.market, err = newMarket(server, token.Value(), token.Source(), web); err != nil {
			return nil, err
		}
	}
	user, _ := a.env(repositoryUser)
	password, _ := a.env(repositoryPassword)
	c.repo, err = newRepository(helmrepo.Options{URL: p.config.Repository.URL, Username: user, Password: password, Transport: web}, web)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// marketplace is what the pipeline writes to; nil where there is no API key.
func (c *clients) marketplace() pipeline.Marketplace {
	if c.market == nil {
		return nil // and no interface around a nil pointer
	}
	return c.market
}

func userAgent() string { return "ksrelease/" + programVersion() + " (+" + projectURL + ")" }

// dialLocal opens the marketplace of the project inside this process, or goes
// to the process that serves it.
func (a *app) dialLocal(dir string, at where, web *transport.Client) (*clients, error) {
	served, err := a.serveLocal(dir, at == localForReading)
	if err != nil {
		return nil, err
	}
	c := &clients{target: "the local marketplace in " + display(dir), assetHost: served.assetHost, hostSure: true, close: func() { web.Close(); served.close() }}
	if at == localForReading && !marketplace.Exists(dir) {
		c.target = "an empty local marketplace"
	}
	if c.market, err = newMarket(served.address, served.token, "", web); err == nil {
		c.repo, err = newRepository(helmrepo.Options{URL: served.address, Transport: web}, web)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	c.repo.near = func(address string) string {
		if rest, ok := strings.CutPrefix(address, served.assetHost+"/"); ok {
			return served.address + "/" + rest
		}
		return address
	}
	return c, nil
}

// localDir is where a project keeps its local marketplace.
func localDir(root string) string { return filepath.Join(root, ".ksrelease", "marketplace") }

// servedMarketplace is a local marketplace that answers.
type servedMarketplace struct {
	address   string // where it answers
	assetHost string // what its addresses of files and packages begin with
	token     string
	close     func()
}

// serveLocal serves the marketplace in dir on a port of the loopback address
// for the time of a run. Uploaded files get addresses at the port on which
// `ksrelease marketplace serve` would serve them, so that they outlive the run,
// unless the marketplace has an external URL.
func (a *app) serveLocal(dir string, readOnly bool) (*servedMarketplace, error) {
	options := marketplace.Options{FilesURL: "http://" + marketplace.DefaultAddr, Token: "kck-" + rand.Text(), ReadOnly: readOnly, Warn: a.warnings.tell}
	m, err := marketplace.Open(dir, options)
	var locked *marketplace.LockedError
	if errors.As(err, &locked) && locked.Address != "" {
		return connectLocal(a.stop, dir)
	}
	if err != nil {
		return nil, err
	}
	assetHost := options.FilesURL
	if external := m.ExternalURL(); external != "" {
		assetHost = external
	} else if readOnly {
		// What is read is the same, but addresses of files would be those of that process.
		if served, err := connectLocal(a.stop, dir); err == nil {
			assetHost = served.assetHost
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serving the local marketplace: %w", err), m.Close())
	}
	server := marketplace.NewServer(m.GuardHost(listener.Addr(), m))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Close, below
	}()
	return &servedMarketplace{
		address: "http://" + listener.Addr().String(), assetHost: assetHost, token: options.Token,
		close: func() {
			_ = server.Close()
			<-done
			_ = m.Close() // the static repository is made anew on the next Open
		},
	}, nil
}

// connectLocal goes to the process that serves the marketplace in dir.
func connectLocal(ctx context.Context, dir string) (*servedMarketplace, error) {
	served, err := marketplace.Connect(ctx, dir)
	if err != nil {
		return nil, err
	}
	local := &servedMarketplace{address: served.Address, assetHost: served.Address, token: served.Key(), close: func() {}}
	if served.ExternalURL != "" {
		local.assetHost = served.ExternalURL
	}
	return local, nil
}

// market fits the client of the marketplace to what the pipeline needs.
type market struct {
	*cloud.Client
	source string // where the API key was found
	user   func(context.Context) (string, error)
	dir    func(context.Context) (string, error)
}

var _ pipeline.Marketplace = (*market)(nil)

// newMarket makes the client; source is where the token was found, for the
// remedy where it is refused.
func newMarket(server, token, source string, web *transport.Client) (*market, error) {
	client, err := cloud.New(cloud.Options{Server: server, Token: token, Transport: web})
	if err != nil {
		return nil, err
	}
	m := &market{Client: client, source: source}
	m.user = once(func(ctx context.Context) (string, error) {
		user, err := client.User(ctx)
		return user, m.ofKey(err)
	})
	m.dir = once(func(ctx context.Context) (string, error) {
		user, err := m.user(ctx)
		if err != nil {
			return "", err
		}
		dir, err := client.FilesDir(ctx, user)
		return dir, m.ofKey(err)
	})
	return m, nil
}

// refusedKey says which of the keys that may be lying about was refused.
type refusedKey struct {
	error
	source string
}

func (e *refusedKey) Unwrap() error { return e.error }

// Remedy names the place to put another key into.
func (e *refusedKey) Remedy() string {
	if e.source == credentials.Variable {
		return "the API key of " + e.source + " was refused: put a valid one there, or unset it and run ksrelease login"
	}
	return "the API key of " + e.source + " was refused: run ksrelease login, or set " + credentials.Variable
}

// once asks at most once at a time and keeps the answer for all; a failure is
// kept too, unless it was only the asker whose time ran out. Who waits for the
// answer to another one stops with its context.
func once(ask func(context.Context) (string, error)) func(context.Context) (string, error) {
	var (
		turn   = make(chan struct{}, 1)
		known  bool
		answer string
		failed error
	)
	return func(ctx context.Context) (string, error) {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
		if known {
			return answer, failed
		}
		got, err := ask(ctx)
		if err != nil && ctx.Err() != nil {
			return "", err
		}
		known, answer, failed = true, got, err
		return answer, failed
	}
}

func (m *market) AssetFolder(ctx context.Context) (string, error) { return m.dir(ctx) }

func (m *market) Snapshot(ctx context.Context, name, version string) (pipeline.Snapshot, error) {
	s, err := m.Version(ctx, name, version)
	var refused *transport.Error
	switch {
	case errors.As(err, &refused) && refused.NotFound():
		return pipeline.Snapshot{}, nil
	case err != nil:
		return pipeline.Snapshot{}, m.ofExtension(err, name)
	}
	return snapshotOf(s), nil
}

// snapshotOf passes on what the reviewer said where the review has ended; at first a
// snapshot carries what its author said.
func snapshotOf(s cloud.Snapshot) pipeline.Snapshot {
	found := pipeline.Snapshot{ID: s.ID, Status: s.Status}
	switch s.Status {
	case pipeline.StatusDraft, pipeline.StatusSubmitted, pipeline.StatusActive:
	default:
		found.Message = s.Message
	}
	return found
}

func (m *market) UploadAssets(ctx context.Context, name, version string, assets []extension.Asset) ([]string, error) {
	user, err := m.user(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := m.dir(ctx)
	if err != nil {
		return nil, err
	}
	var files []cloud.Upload
	for _, asset := range assets {
		files = append(files, cloud.Upload{
			Name: asset.RemoteName, Path: path.Join(dir, name, version, asset.RemoteName), Data: asset.Data,
		})
	}
	urls, err := m.UploadFiles(ctx, user, "the assets of "+name+" "+version, files)
	return urls, m.ofExtension(err, name)
}

func (m *market) PushPackage(ctx context.Context, pkg *extension.Package) (pipeline.Snapshot, error) {
	user, err := m.user(ctx)
	if err != nil {
		return pipeline.Snapshot{}, err
	}
	s, err := m.Client.PushPackage(ctx, user, pkg.Name, pkg.Filename, pkg.Data)
	return snapshotOf(s), m.ofExtension(err, pkg.Name)
}

func (m *market) Submit(ctx context.Context, snapshotID, message string) error {
	user, err := m.user(ctx)
	if err != nil {
		return err
	}
	return m.ofExtension(m.Client.Submit(ctx, user, snapshotID, message), "the extension")
}

// ofExtension keeps a refusal that concerns one extension (403) apart from one
// of the key (401): the key is good for others.
func (m *market) ofExtension(err error, name string) error {
	var refused *transport.Error
	if errors.As(err, &refused) && refused.Status == http.StatusForbidden {
		return &notTheKey{err, "the API key does not let you do this: does " + name + " belong to another account?"}
	}
	return m.ofKey(err)
}

// ofKey names the key that was refused, where one was.
func (m *market) ofKey(err error) error {
	if pipeline.Unauthorized(err) && m.source != "" {
		return &refusedKey{err, m.source}
	}
	return err
}

// notTheKey is a refusal that a new API key would not fix.
type notTheKey struct {
	error
	remedy string
}

func (e *notTheKey) Unwrap() error { return e.error }

// Unauthorized hides that of the error within.
func (e *notTheKey) Unauthorized() bool { return false }

// Remedy says what would.
func (e *notTheKey) Remedy() string { return e.remedy }

// repository fits the client of the Helm repository to what the pipeline needs.
type repository struct {
	*helmrepo.Repository
	web *transport.Client
	// near is where this process reaches what has an address for others.
	// A local marketplace gives out addresses at which somebody will serve it.
	near func(address string) string
	// registry is asked as nobody: KubeSphere has no keys of registries, so a package
	// that asks for one is not there for it (createChartGetter in
	// pkg/controller/core/util.go, 4.1.3 to 4.2).
	registry *dependency.Registry
}

var _ pipeline.Repository = (*repository)(nil)

func newRepository(options helmrepo.Options, web *transport.Client) (*repository, error) {
	r, err := helmrepo.New(options)
	if err != nil {
		return nil, err
	}
	return &repository{
		Repository: r, web: web, near: func(address string) string { return address },
		registry: dependency.NewRegistry(dependency.Options{Transport: web, UserAgent: userAgent()}),
	}, nil
}

func (r *repository) Index(ctx context.Context) (pipeline.Index, error) {
	index, err := r.Repository.Index(ctx)
	if err != nil {
		return nil, ofRepository(err)
	}
	return indexView{index}, nil
}

// Fetch downloads a package as KubeSphere does, from a registry too.
func (r *repository) Fetch(ctx context.Context, e pipeline.Entry) ([]byte, error) {
	urls := make([]string, len(e.URLs))
	for i, address := range e.URLs {
		urls[i] = r.near(address)
	}
	entry := helmrepo.Entry{Name: e.Name, Version: e.Version, Digest: e.Digest, URLs: urls}
	address, err := r.PackageURL(entry)
	if err == nil && address.Scheme == "oci" {
		archive, err := r.registry.Pull(ctx, address)
		if err != nil {
			err = &notTheKey{fmt.Errorf("downloading package %s %s: %w", e.Name, e.Version, err), "check the address in the index, and that everybody may pull it: helm pull " + redact.URL(e.URLs[0])}
		}
		return archive, err
	}
	archive, err := r.Repository.Fetch(ctx, entry)
	return archive, ofPackage(err, err != nil && address != nil && r.IsOwn(address))
}

// ofPackage says what to do about a package that does not come. own is whether it
// is on the server of the repository.
func ofPackage(err error, own bool) error {
	var misplaced *helmrepo.MisplacedError
	failure, answered := transport.As(err)
	switch {
	case errors.As(err, &misplaced):
		return &notTheKey{err, misplaced.Remedy()}
	case answered && failure.Unauthorized() && own:
		return ofRepository(err)
	case answered && failure.Unauthorized():
		return &notTheKey{err, "nobody's user and password are sent to that host, by KubeSphere neither: let everybody read the packages there"}
	case answered && (failure.Status == http.StatusNotFound || failure.Status == http.StatusGone):
		return &notTheKey{err, "the index names a package that is not there: upload it, or correct its URL in the index"}
	}
	return err
}

// FetchAsset asks without credentials: icons and screenshots are public, and
// may lie on another host.
func (r *repository) FetchAsset(ctx context.Context, address string) ([]byte, error) {
	shown := address
	if u, err := url.Parse(address); err == nil {
		shown = path.Base(u.Path)
	}
	answer, err := r.web.Do(ctx, transport.Request{Op: "downloading the published asset " + shown, URL: r.near(address), Check: checkPicture})
	if err != nil {
		return nil, &notTheKey{err, "check that the published asset can be read by everybody, and run again"}
	}
	return answer.Body, nil
}

// checkPicture refuses what is no picture of any kind: a login page, or an error
// in words, would pass for other content otherwise.
func checkPicture(answer *transport.Response) error {
	body := answer.Body
	if len(body) == 0 {
		return fmt.Errorf("nothing came instead of a picture: %w", io.ErrUnexpectedEOF)
	}
	head := bytes.ToLower(body[:min(len(body), 4096)])
	text := strings.HasPrefix(http.DetectContentType(body), "text/")
	if text && (!bytes.Contains(head, []byte("<svg")) || bytes.Contains(head, []byte("<html"))) {
		return fmt.Errorf("%q came instead of a picture", transport.Excerpt(body))
	}
	return nil
}

// ofRepository keeps a refusal of the Helm repository apart from one of the
// marketplace, which has another key.
func ofRepository(err error) error {
	if pipeline.Unauthorized(err) {
		return &notTheKey{err, "set " + repositoryUser + " and " + repositoryPassword}
	}
	return err
}

// The variables for a Helm repository that asks for a user and password.
const (
	repositoryUser     = "KSRELEASE_REPOSITORY_USERNAME"
	repositoryPassword = "KSRELEASE_REPOSITORY_PASSWORD"
)

type indexView struct{ *helmrepo.Index }

func (i indexView) Lookup(name, version string) (pipeline.Entry, bool, error) {
	e, ok := i.Version(name, version)
	if !ok {
		return pipeline.Entry{}, false, i.Unreadable(name)
	}
	return pipeline.Entry{
		Name: e.Name, OwnName: e.OwnName, Version: e.Version, Digest: e.Digest, URLs: e.URLs, Times: e.Times,
		ContentDigest: e.Annotations[extension.ContentDigestAnnotation],
	}, true, nil
}

func (i indexView) Refused() error {
	if refused := i.Index.Refused(); refused != nil {
		return refused
	}
	return nil // and no interface around a nil pointer
}

func (i indexView) Cached() string { return i.Index.Cached().String() }

func (i indexView) Remarks() []string {
	if empty := i.Empty(); empty != nil {
		return []string{fmt.Sprintf("the index has an empty entry of %s in line %d: Helm passes over it, but KubeSphere may fail to read the index because of it", empty.Chart, empty.Line)}
	}
	return nil
}
