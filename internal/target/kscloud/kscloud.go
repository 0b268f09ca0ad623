// Package kscloud is KubeSphere Cloud as a target: the marketplace, which takes packages,
// reviews them and keeps icons and screenshots, and the Helm repository in which clusters
// see what was released. A local marketplace is the same target at another address.
//
// It fits the clients (internal/cloud, internal/helmrepo) to what the pipeline asks for.
// It reads no environment, no files and no flags: keys and hints come in [Options].
package kscloud

import (
	"cmp"
	"context"
	"errors"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/dependency"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Options of a [Target].
type Options struct {
	// Server is the address of the marketplace.
	Server string
	// Key is the API key. Without one the target is read as everybody can read it: the
	// Helm repository alone.
	Key string
	// KeyRefused is the hint where the marketplace refuses the key; empty leaves it to
	// the caller.
	KeyRefused string

	// AssetHost is what the addresses of uploaded files begin with, and AssetHostIsCertain
	// whether they are sure to; empty is Server.
	AssetHost          string
	AssetHostIsCertain bool

	// RepositoryURL, Username and Password are those of the Helm repository.
	RepositoryURL, Username, Password string
	// RepositorySetting is what errors call the place where RepositoryURL is written; empty
	// means repository.url of the config.
	RepositorySetting string
	// PasswordRefused is the hint where the repository asks for a password.
	PasswordRefused string
	// Near is where this process reaches what has an address for others; nil is that
	// address. A local marketplace gives out addresses at which it will be served later.
	Near func(address string) string

	// AtHand knows the status of a version without a request, for a marketplace in this process; nil
	// is one elsewhere.
	AtHand func(name, version string) string

	// Transport sends the requests. The caller closes it.
	Transport *transport.Client
	// UserAgent is for requests to OCI registries.
	UserAgent string
	// Cache keeps the index of the Helm repository; nil: none.
	Cache *cache.Cache
}

// Target is KubeSphere Cloud for one account. It is safe for concurrent use.
type Target struct {
	client     *cloud.Client // nil without a key
	keyRefused string
	user       func(context.Context) (string, error)
	folder     func(context.Context) (string, error)

	assetHost          string
	assetHostIsCertain bool

	repository      *helmrepo.Repository
	passwordRefused string
	web             *transport.Client
	near            func(address string) string
	atHand          func(name, version string) string // nil where nothing is
	// registry is asked without credentials: KubeSphere has none for registries, so a
	// package that needs some does not exist for it (createChartGetter in
	// pkg/controller/core/util.go of kubesphere/kubesphere, 4.1.3 to 4.2).
	registry *dependency.Registry
}

var (
	_ target.Target     = (*Target)(nil)
	_ target.KeyHolder  = (*Target)(nil)
	_ target.AssetStore = (*Target)(nil)
	_ target.Reviewer   = (*Target)(nil)
	_ target.Withdrawer = (*Target)(nil)
	_ target.Historian  = (*Target)(nil)
	_ target.AtHand     = (*Target)(nil)
)

// New makes the target; it sends nothing yet. The error says which address, or that the
// key, cannot be right.
func New(options Options) (*Target, error) {
	t := &Target{
		keyRefused: options.KeyRefused, passwordRefused: options.PasswordRefused,
		assetHost: cmp.Or(options.AssetHost, options.Server), assetHostIsCertain: options.AssetHostIsCertain,
		web: options.Transport, near: options.Near, atHand: options.AtHand,
		registry: dependency.NewRegistry(dependency.Options{Transport: options.Transport, UserAgent: options.UserAgent}),
	}
	if t.near == nil {
		t.near = func(address string) string { return address }
	}
	t.user, t.folder = once(t.askUser), once(t.askFolder)
	var err error
	if options.Key != "" {
		t.client, err = cloud.New(cloud.Options{Server: options.Server, Token: options.Key, Transport: options.Transport})
		if err != nil {
			return nil, err
		}
	}
	t.repository, err = helmrepo.New(helmrepo.Options{
		URL: options.RepositoryURL, Username: options.Username, Password: options.Password, Transport: options.Transport,
		Setting: options.RepositorySetting, Access: options.PasswordRefused, Cache: options.Cache,
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Unconnected is a target of which nothing is known but the address of the marketplace: it
// estimates addresses of assets, and all else fails.
func Unconnected(server string) *Target { return &Target{assetHost: server} }

// errUnconnected is what comes of asking such a target.
var errUnconnected = errors.New("there is no connection to the target")

// HasKey says whether the target was made with an API key. Without one, whatever asks the
// marketplace ends with [target.ErrNoToken].
func (t *Target) HasKey() bool { return t.client != nil }

// once asks one at a time and keeps the answer for all; a failure is kept, too, unless the
// context of who asked has ended. Who waits for the answer to another one stops with its
// own context.
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
