package app

import (
	"cmp"
	"context"
	"errors"
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

// Clients are what a run talks to, made in this one place. Close ends their connections.
type Clients struct {
	target.Target
	Name   string // of the target, for messages
	Places checks.Places
	Close  func()
}

// HasKey says that the target can be asked: it takes everybody, or there is a key.
func (c *Clients) HasKey() bool {
	keys, ok := c.Target.(target.KeyHolder)
	return !ok || keys.HasKey()
}

// Targets are what a run releases to.
func (c *Clients) Targets() []target.Place { return []target.Place{target.Marketplace(c.Target)} }

// Where says which marketplace a command works on.
type Where int

const (
	Configured      Where = iota // that of the config
	Local                        // the local one of the project
	LocalForReading              // likewise, of which nothing is changed; empty where there is none yet
)

// Dial makes the clients of a project: those of the config, or those of the
// local marketplace in dir. parallelism is how many connections to a host are worth
// keeping. Where ctx ends, the marketplace is left as it is: it bears the end of the
// process at any time.
func (a *App) Dial(ctx context.Context, p *Project, at Where, dir string, parallelism int) (*Clients, error) {
	doing := "reading key and certificates"
	if at != Configured {
		doing = "opening the local marketplace"
	}
	return graceful.Read(ctx, &a.Reads, doing, func() (*Clients, error) { return a.connectTo(p, at, dir, parallelism) })
}

func (a *App) connectTo(p *Project, at Where, dir string, parallelism int) (*Clients, error) {
	if at != Configured {
		web := a.Client(transport.Options{Parallelism: parallelism, Dial: a.Connect})
		return a.dialLocal(dir, at, web)
	}
	servers, err := p.Servers()
	if err != nil {
		return nil, err
	}
	web := a.Client(transport.Options{Parallelism: parallelism, Dial: a.Connect, Servers: servers, Warn: a.Warnings.Add})
	server := p.Config.Cloud.Server
	user, _ := a.Env(RepositoryUser)
	password, _ := a.Env(repositoryPassword)
	options := kscloud.Options{
		Server: server, RepositoryURL: p.Config.Repository.URL, Username: user, Password: password,
		PasswordRefused: "set " + RepositoryUser + " and " + repositoryPassword,
		Transport:       web, UserAgent: UserAgent(),
	}
	store, err := credentials.Default(a.Env)
	if err != nil {
		return nil, err
	}
	token, warnings, err := store.Find(server)
	for _, w := range warnings {
		a.Warnings.Add(w)
	}
	switch {
	case errors.Is(err, credentials.ErrNotFound):
	case err != nil:
		return nil, err
	default:
		a.Redact.Add(token.Value())
		options.Key, options.KeyRefused = token.Value(), hintOnKey(token.Source())
	}
	cloud, err := kscloud.New(options)
	if err != nil {
		return nil, err
	}
	return &Clients{cloud, a.Redact.Text(redact.URL(server)), checks.Places{Server: server, Repository: p.Config.Repository.URL, Key: options.Key, Source: token.Source()}, web.Close}, nil
}

// hintOnKey says what to do about a key that was refused, and which of the keys that may
// be lying about it is. source is where it was found.
func hintOnKey(source string) string {
	if source == credentials.Variable {
		return "the API key of " + source + " was refused: put a valid one there, or unset it and run ksrelease login"
	}
	return "the API key of " + source + " was refused: run ksrelease login, or set " + credentials.Variable
}

// Client makes a client with what all of them have.
func (a *App) Client(options transport.Options) *transport.Client {
	options.UserAgent, options.FirstWait = UserAgent(), a.RetryWait
	options.Attempts = cmp.Or(options.Attempts, a.Attempts)
	return transport.New(options)
}

// dialLocal opens the marketplace of the project inside this process, or goes
// to the process that serves it.
func (a *App) dialLocal(dir string, at Where, web *transport.Client) (*Clients, error) {
	served, err := marketplace.OpenLocal(a.Stop, dir, at == LocalForReading, a.Warnings.Add)
	if err != nil {
		return nil, err
	}
	c := &Clients{Name: "the local marketplace in " + Display(dir), Places: checks.Places{
		Server: served.Address, Repository: served.Address, Key: served.Key, Source: "the local marketplace", Local: Display(dir), Exists: marketplace.Exists(dir),
	}, Close: func() { web.Close(); served.Close() }}
	if at == LocalForReading && !marketplace.Exists(dir) {
		c.Name = "an empty local marketplace"
	}
	c.Target, err = kscloud.New(kscloud.Options{
		Server: served.Address, Key: served.Key, RepositoryURL: served.Address,
		AssetHost: served.AssetHost, AssetHostIsCertain: true,
		Transport: web, UserAgent: UserAgent(),
		Near: func(address string) string {
			if rest, ok := strings.CutPrefix(address, served.AssetHost+"/"); ok {
				return served.Address + "/" + rest
			}
			return address
		},
	})
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// The variables for a Helm repository that asks for a user and password.
const (
	RepositoryUser     = "KSRELEASE_REPOSITORY_USERNAME"
	repositoryPassword = "KSRELEASE_REPOSITORY_PASSWORD"
)
