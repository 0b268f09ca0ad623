package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/internal/credentials"
	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// projectURL is where ksrelease lives; servers see it in the User-Agent.
const projectURL = "https://github.com/ksrelease/ksrelease"

// clients are what a run talks to, made in this one place.
type clients struct {
	target.Target
	name   string // of the target, for messages
	places checks.Places
	close  func()
}

// HasKey says that the target can be asked: it takes everybody, or there is a key.
func (c *clients) HasKey() bool {
	keys, ok := c.Target.(target.KeyHolder)
	return !ok || keys.HasKey()
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
	return graceful.Read(ctx, &a.reads, doing, func() (*clients, error) { return a.connectTo(p, at, dir, parallelism) })
}

func (a *app) connectTo(p *project, at where, dir string, parallelism int) (*clients, error) {
	if at != configured {
		web := a.client(transport.Options{Parallelism: parallelism, Dial: a.connect})
		return a.dialLocal(dir, at, web)
	}
	servers, err := p.servers()
	if err != nil {
		return nil, err
	}
	web := a.client(transport.Options{Parallelism: parallelism, Dial: a.connect, Servers: servers, Warn: a.warnings.Add})
	server := p.config.Cloud.Server
	user, _ := a.env(repositoryUser)
	password, _ := a.env(repositoryPassword)
	options := kscloud.Options{
		Server: server, RepositoryURL: p.config.Repository.URL, Username: user, Password: password,
		PasswordRefused: "set " + repositoryUser + " and " + repositoryPassword,
		Transport:       web, UserAgent: userAgent(),
	}
	store, err := credentials.Default(a.env)
	if err != nil {
		return nil, err
	}
	token, warnings, err := store.Find(server)
	for _, w := range warnings {
		a.warnings.Add(w)
	}
	switch {
	case errors.Is(err, credentials.ErrNotFound):
	case err != nil:
		return nil, err
	default:
		a.redact.Add(token.Value())
		options.Key, options.KeyRefused = token.Value(), hintOnKey(token.Source())
	}
	cloud, err := kscloud.New(options)
	if err != nil {
		return nil, err
	}
	return &clients{cloud, a.redact.Text(redact.URL(server)), checks.Places{Server: server, Repository: p.config.Repository.URL, Key: options.Key, Source: token.Source()}, web.Close}, nil
}

// hintOnKey says what to do about a key that was refused, and which of the keys that may
// be lying about it is. source is where it was found.
func hintOnKey(source string) string {
	if source == credentials.Variable {
		return "the API key of " + source + " was refused: put a valid one there, or unset it and run ksrelease login"
	}
	return "the API key of " + source + " was refused: run ksrelease login, or set " + credentials.Variable
}

// client makes a client with what all of them have.
func (a *app) client(options transport.Options) *transport.Client {
	options.UserAgent, options.FirstWait = userAgent(), a.retryWait
	return transport.New(options)
}

func userAgent() string { return "ksrelease/" + programVersion() + " (+" + projectURL + ")" }

// dialLocal opens the marketplace of the project inside this process, or goes
// to the process that serves it.
func (a *app) dialLocal(dir string, at where, web *transport.Client) (*clients, error) {
	served, err := marketplace.OpenLocal(a.stop, dir, at == localForReading, a.warnings.Add)
	if err != nil {
		return nil, err
	}
	c := &clients{name: "the local marketplace in " + display(dir), places: checks.Places{
		Server: served.Address, Repository: served.Address, Key: served.Key, Source: "the local marketplace", Local: display(dir), Exists: marketplace.Exists(dir),
	}, close: func() { web.Close(); served.Close() }}
	if at == localForReading && !marketplace.Exists(dir) {
		c.name = "an empty local marketplace"
	}
	c.Target, err = kscloud.New(kscloud.Options{
		Server: served.Address, Key: served.Key, RepositoryURL: served.Address,
		AssetHost: served.AssetHost, AssetHostIsCertain: true,
		Transport: web, UserAgent: userAgent(),
		Near: func(address string) string {
			if rest, ok := strings.CutPrefix(address, served.AssetHost+"/"); ok {
				return served.Address + "/" + rest
			}
			return address
		},
	})
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// localDir is where a project keeps its local marketplace.
func localDir(root string) string { return filepath.Join(root, ".ksrelease", "marketplace") }

// The variables for a Helm repository that asks for a user and password.
const (
	repositoryUser     = "KSRELEASE_REPOSITORY_USERNAME"
	repositoryPassword = "KSRELEASE_REPOSITORY_PASSWORD"
)
