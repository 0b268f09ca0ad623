package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

type marketplaceCommand struct {
	Serve   serveCommand   `cmd:"" help:"Serve the local marketplace: the API of KubeSphere Cloud under /apis, a Helm repository at the root."`
	Approve approveCommand `cmd:"" help:"Approve a submitted version: it becomes active."`
	Reject  rejectCommand  `cmd:"" help:"Reject a submitted version."`
}

// shelf is the flag that says where a local marketplace is kept.
type shelf struct {
	Dir string `default:".ksrelease/marketplace" placeholder:"DIR" help:"Where it is kept; default: ${default}."`
}

type serveCommand struct {
	shelf
	Addr        string `default:"${marketplace_addr}" placeholder:"HOST:PORT" help:"Where to listen; default: ${default}."`
	Faults      string `placeholder:"FILE" help:"Misbehave as this script says, to rehearse a bad day; see docs/local-marketplace.md."`
	ExternalURL string `placeholder:"URL" help:"Address at which others reach it, for the URLs of uploaded files; default: that of each request."`
}

// marketplaceKey is the variable with the one API key that a standing
// marketplace takes. It is no flag: command lines are seen by others.
const marketplaceKey = "KSRELEASE_MARKETPLACE_TOKEN"

// Help tells what no flag does.
func (c *serveCommand) Help() string {
	return "Any API key that looks like one is accepted, unless " + marketplaceKey + " names the one that is."
}

// Run serves until it is interrupted.
func (c *serveCommand) Run(a *app) error {
	key, _ := a.env(marketplaceKey)
	script, err := c.script()
	if err != nil {
		return err
	}
	// The address first: without it there is no need for a folder.
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return usage(fmt.Errorf("cannot listen at %s: %w", c.Addr, err), "choose another address with --addr HOST:PORT")
	}
	m, err := marketplace.Open(c.Dir, marketplace.Options{Token: key, ExternalURL: c.ExternalURL})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	address := listener.Addr().String()
	if err := m.SetAddress(address); err != nil {
		return errors.Join(err, listener.Close(), m.Close())
	}
	here := "http://" + address
	a.stderr.Print(`serving the marketplace in %s at %s

  ksrelease   cloud: {server: %s}
              repository: {url: %s}
  helm        helm repo add local %s
  ksbuilder   ksbuilder login --server %s

Ctrl-C ends it.`, filepath.Clean(c.Dir), here, here, here, here, here)
	if host, _, err := net.SplitHostPort(address); err == nil && !loopback(host) && key == "" {
		a.stderr.Print("warning: others can reach this address, and any API key is accepted; set %s", marketplaceKey)
	}
	server := marketplace.NewServer(a.withFaults(m, script))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
	case <-a.stop.Done():
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err = server.Shutdown(ctx); err != nil {
			err = server.Close()
		}
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, m.Close())
}

// script reads the faults that were asked for.
func (c *serveCommand) script() ([]faults.Rule, error) {
	if c.Faults == "" {
		return nil, nil
	}
	text, err := regularfile.Read(c.Faults, 1<<20)
	if err != nil {
		return nil, usage(fmt.Errorf("reading the faults in %s: %w", c.Faults, err), "")
	}
	rules, err := faults.Parse(c.Faults, string(text))
	if err != nil {
		return nil, usage(err, faults.Usage)
	}
	return rules, nil
}

// withFaults puts a script in front of the marketplace and tells of each fault
// as it happens.
func (a *app) withFaults(m http.Handler, script []faults.Rule) http.Handler {
	if len(script) == 0 {
		return m
	}
	handler := faults.New(m, script)
	handler.Told = func(r *http.Request, rule faults.Rule) {
		a.stderr.Print("%s %s: %s", r.Method, r.URL.Path, rule)
	}
	return handler
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

type approveCommand struct {
	shelf
	Release released `arg:"" name:"name@version" help:"The version to approve."`
}

// Run approves a version, in the process that serves the marketplace or,
// where there is none, in its directory.
func (c *approveCommand) Run(a *app) error {
	err := c.review(
		func(remote *marketplace.Admin) error {
			return remote.Approve(a.stop, c.Release.Name, c.Release.Version)
		},
		func(m *marketplace.Marketplace) error { return m.Approve(c.Release.Name, c.Release.Version) })
	if err != nil {
		return fmt.Errorf("approving %s: %w", c.Release, err)
	}
	a.stdout.Print("%s is active.", c.Release)
	return nil
}

type rejectCommand struct {
	shelf
	Release released `arg:"" name:"name@version" help:"The version to reject."`
	Message string   `may-be-empty:"" help:"What its author is told."`
}

// Run rejects a version, like approveCommand.
func (c *rejectCommand) Run(a *app) error {
	err := c.review(
		func(remote *marketplace.Admin) error {
			return remote.Reject(a.stop, c.Release.Name, c.Release.Version, c.Message)
		},
		func(m *marketplace.Marketplace) error {
			return m.Reject(c.Release.Name, c.Release.Version, c.Message)
		})
	if err != nil {
		return fmt.Errorf("rejecting %s: %w", c.Release, err)
	}
	a.stdout.Print("%s is rejected.", c.Release)
	return nil
}

func (c shelf) review(remotely func(*marketplace.Admin) error, here func(*marketplace.Marketplace) error) error {
	remote, err := marketplace.Remote(c.Dir)
	switch {
	case err == nil:
		return remotely(remote)
	case !errors.Is(err, marketplace.ErrNotServed):
		return err
	}
	if !marketplace.Exists(c.Dir) {
		return usage(fmt.Errorf("there is no marketplace in %s", c.Dir), "name its folder with --dir, or go to the project first")
	}
	m, err := marketplace.Open(c.Dir, marketplace.Options{})
	if err != nil {
		return err
	}
	return errors.Join(here(m), m.Close())
}
