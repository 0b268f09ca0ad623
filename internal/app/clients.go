package app

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Clients are what a run talks to, made in this one place. Close ends their connections.
type Clients struct {
	// Target is that of which commands ask what is published: the first that shows its versions.
	target.Target
	Name   string // of the target, or of all targets, for messages
	Places checks.Places
	Close  func()
	all    []target.Place
	others []target.Place
}

// ClientsOf are clients of one place, for a command that makes it itself.
func ClientsOf(place target.Place, places checks.Places, end func()) *Clients {
	return &Clients{Target: place.Target, Name: place.URL, Places: places, Close: end, all: []target.Place{place}}
}

// HasKey says that the target can be asked: it takes everybody, or there is a key.
func (c *Clients) HasKey() bool { return HasKey(c.Target) }

// HasKey says that a target can be asked: it takes everybody, or there is a key.
func HasKey(t target.Target) bool {
	keys, ok := t.(target.KeyHolder)
	return !ok || keys.HasKey()
}

// Targets are what a run releases to.
func (c *Clients) Targets() []target.Place { return c.all }

// Others are the targets of the config that show their versions and are not among Targets.
func (c *Clients) Others() []target.Place { return c.others }

// Where says which marketplace a command works on.
type Where int

const (
	Configured      Where = iota // that of the config
	Local                        // the local one of the project
	LocalForReading              // likewise, of which nothing is changed; empty where there is none yet
)

// DialOptions say what a command is connected to.
type DialOptions struct {
	At          Where
	Dir         string   // of the local marketplace, where At is not Configured
	Targets     []string // names of the config; none means all
	Others      bool     // reach the other targets of the config, too
	Parallelism int      // how many connections to a host are worth keeping
	// Releases says that the command releases, or plans to: then what a target needs for that has to be there.
	Releases bool
	// Keys sign what is pushed, where a target has signatures of its own; nil sign nothing.
	Keys *signing.Keys
}

// Dial makes the clients of a project: those of the targets of the config, or those of the
// local marketplace. Where ctx ends, the marketplace is left as it is: it bears the end of the
// process at any time.
func (a *App) Dial(ctx context.Context, p *Project, o DialOptions) (*Clients, error) {
	if o.At != Configured {
		return graceful.Read(ctx, &a.Reads, "opening the local marketplace", func() (*Clients, error) {
			return a.dialLocal(o.Dir, o.At, a.Client(transport.Options{Parallelism: o.Parallelism, Dial: a.Connect}))
		})
	}
	chosen, err := p.Targets(o.Targets)
	if err != nil {
		return nil, err
	}
	return graceful.Read(ctx, &a.Reads, "reading keys and certificates", func() (*Clients, error) {
		c, err := a.connectToAll(p, chosen, o)
		if err != nil || !o.Others {
			return c, err
		}
		return a.withOthers(p, c), nil
	})
}

// withOthers has clients reach what the project has besides the targets that were chosen. What
// cannot be connected to is left out, with a warning.
func (a *App) withOthers(p *Project, c *Clients) *Clients {
	for _, t := range p.Config.Targets {
		chosen := slices.ContainsFunc(c.all, func(place target.Place) bool { return place.Name == t.Name })
		if chosen || !shows(t.Kind) {
			continue
		}
		other, err := a.connectToAll(p, []config.Target{t}, DialOptions{Parallelism: 1})
		if err != nil {
			a.Warnings.Add(fmt.Sprintf("the target %s is not asked for packages that it may have: %v", t.Name, err))
			continue
		}
		end := c.Close
		c.others, c.Close = append(c.others, other.all...), func() { other.Close(); end() }
	}
	return c
}

// Client makes a client with what all of them have.
func (a *App) Client(options transport.Options) *transport.Client {
	options.UserAgent, options.FirstWait = UserAgent(), cmp.Or(a.RetryWait, options.FirstWait)
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
	cloud, err := kscloud.New(kscloud.Options{
		Server: served.Address, Key: served.Key, RepositoryURL: served.Address,
		AssetHost: served.AssetHost, AssetHostIsCertain: true, AtHand: served.Status,
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
	place := target.Marketplace(cloud)
	place.URL, place.Base = c.Name, Display(filepath.Join(dir, "public"))
	c.Target, c.all = cloud, []target.Place{place}
	return c, nil
}
