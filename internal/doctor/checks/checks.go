// Package checks looks beforehand at what a release needs: config, API key, rights, servers,
// clock, proxy, limits, and this machine. It reads alone: requests are GET and HEAD, and no
// file is written.
package checks

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Status is how a check ended.
type Status string

// The statuses of a check.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Failed  Status = "failed"
	// Skipped is what could not be looked at, for another check that failed or for what
	// is not known yet.
	Skipped Status = "skipped"
)

// The names of the checks, in the order of a report.
const (
	NameConfig      = "config"
	NameMarketplace = "marketplace"
	NameServer      = "server"
	NameKey         = "key"
	NameRights      = "rights"
	NameLimits      = "limits"
	NameRepository  = "repository"
	NameAssets      = "assets"
	NameTarget      = "target" // with the name of the target behind it
	NameClock       = "clock"
	NameProxy       = "proxy"
	NameFolders     = "folders"
	NameSpace       = "space"
	NameGit         = "git"
)

// Check is one thing that a release needs.
type Check struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Unauthorized says that it failed for want of an API key that is accepted.
	Unauthorized bool `json:"-"`
}

// Project is what is known of a project before anything is asked.
type Project struct {
	// File is the config; empty: there is none.
	File string
	// Names are the names of its extensions, empty where one is not known, and Extensions
	// how many there are. Err is why they could not be found.
	Names      []string
	Extensions int
	Err        error
	// Root is the folder of the project, and Output the one that packages go to.
	Root, Output string
	// Limit is the largest package, in bytes.
	Limit int64
}

// Places are the servers of a release, and what opens them.
type Places struct {
	Server, Repository string
	// Key is the API key, and Source where it was found; empty where there is none.
	Key, Source string
	// Local is the folder of the local marketplace; empty where it is not that one.
	Local string
	// Exists says whether there is anything in that folder.
	Exists bool
}

// Target is a place to release to besides the marketplace.
type Target struct {
	Name string // of the config
	// Ask reads what it shows, and says in a few words what came of it. Nil: it is asked nothing,
	// for Why.
	Ask func(ctx context.Context) (string, error)
	Why string
}

// Checker makes the checks. Web sends each request once.
type Checker struct {
	Web     *transport.Client
	Proxy   func(*http.Request) (*url.URL, error) // nil: of the environment
	Now     func() time.Time                      // nil: time.Now
	Project Project
	Places  Places   // without a Server there is no marketplace
	Targets []Target // besides the marketplace

	answers [2]answer // of server and repository
}

// Offline are the checks that ask nobody.
func (c *Checker) Offline(ctx context.Context) []Check {
	return []Check{c.folders(), c.space(), c.git(ctx)}
}

// Config is the check of the config.
func (c *Checker) Config() Check { return c.config() }

// Online are the checks of servers, all at once.
func (c *Checker) Online(ctx context.Context) []Check {
	var (
		server, key, rights, limits, repository Check
		group                                   errgroup.Group
		targets                                 = make([]Check, len(c.Targets))
	)
	for i, t := range c.Targets {
		group.Go(func() error {
			targets[i] = t.check(ctx)
			return nil
		})
	}
	if c.Places.Server == "" {
		_ = group.Wait()
		return targets
	}
	group.Go(func() error {
		server, c.answers[0] = c.reach(ctx, NameServer, c.Places.Server)
		var usage cloud.Usage
		key, rights, usage = c.account(ctx, server.Status != Failed)
		limits = c.limits(c.answers[0], usage)
		return nil
	})
	group.Go(func() error {
		repository, c.answers[1] = c.reach(ctx, NameRepository, c.Places.Repository)
		return nil
	})
	_ = group.Wait()
	if c.Places.Local != "" {
		return []Check{c.marketplace(), server, rights, limits}
	}
	return append([]Check{server, key, rights, limits, repository}, append(targets, c.clock(), c.proxies())...)
}

// check asks a target.
func (t Target) check(ctx context.Context) Check {
	check := Check{Name: NameTarget + " " + t.Name, Status: Skipped, Message: t.Why}
	if t.Ask == nil {
		return check
	}
	message, err := t.Ask(ctx)
	if err != nil {
		check.Status, check.Message, check.Hint = Failed, err.Error(), failure.Hint(err)
		return check
	}
	check.Status, check.Message = OK, message
	return check
}

func (c *Checker) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// Unauthorized says whether the API key is what failed.
func Unauthorized(all []Check) bool {
	for _, c := range all {
		if c.Unauthorized {
			return true
		}
	}
	return false
}
