package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/marketplace/externalurl"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

type marketplaceCommand struct {
	Serve   serveCommand   `cmd:"" help:"Serve the local marketplace: the API of KubeSphere Cloud under /apis, a Helm repository at the root."`
	Approve approveCommand `cmd:"" help:"Approve a submitted version: it becomes active."`
	Reject  rejectCommand  `cmd:"" help:"Reject a submitted version."`
	Repair  repairCommand  `cmd:"" help:"Rebuild what is damaged or gone of the folder, from the packages; removes nothing."`
}

// marketplaceFlags are those that say where a local marketplace is kept.
type marketplaceFlags struct {
	Dir string `default:".ksrelease/marketplace" placeholder:"DIR" help:"Where it is kept; default: ${default}."`
}

type serveCommand struct {
	marketplaceFlags
	Addr        string   `default:"${marketplace_addr}" placeholder:"HOST:PORT" help:"Where to listen; default: ${default}."`
	Faults      string   `placeholder:"FILE" help:"Answer with the faults in this script, to test how a client copes with them; see docs/local-marketplace.md."`
	Bundle      []string `placeholder:"FILE" xor:"instead" help:"Serve what this bundle holds in place of a marketplace, to be read: the Helm repository, pictures, and images as a registry to pull from. A base before what goes on from it."`
	Charts      string   `placeholder:"DIR" xor:"instead" help:"Serve the packages in this folder in place of a marketplace, as a Helm repository to be read."`
	ExternalURL string   `placeholder:"URL" help:"Address at which others reach it, for the URLs of packages in the index and of uploaded files; default: relative URLs in the index, and the address of each request."`
}

// marketplaceKey is the variable with the one API key that a permanent
// marketplace takes. It is no flag: command lines are seen by others.
const marketplaceKey = "KSRELEASE_MARKETPLACE_TOKEN"

// reviewKey is the variable with the key by which somebody reviews in a browser.
const reviewKey = "KSRELEASE_MARKETPLACE_REVIEW_TOKEN"

// Help says what no flag does.
func (c *serveCommand) Help() string {
	return "Any API key that looks like one is accepted, unless " + marketplaceKey + " names the one that is. With a key of its own in " + reviewKey + " the page at / approves and rejects, for who signs in with it."
}

// Run serves until it is interrupted, which is how it ends well.
func (c *serveCommand) Run(a *app.App) error {
	if len(c.Bundle) > 0 || c.Charts != "" {
		return c.serveReadOnly(a)
	}
	key, err := c.key(a, marketplaceKey, marketplace.CheckToken)
	if err != nil {
		return err
	}
	review, err := c.key(a, reviewKey, func(review string) error { return marketplace.CheckReviewToken(review, key) })
	if err != nil {
		return err
	}
	if err := externalurl.Check(c.ExternalURL); err != nil {
		return app.Usage(err, "")
	}
	script, err := c.script()
	if err != nil {
		return err
	}
	// The address first: without it there is no need for a folder.
	listener, err := listen(c.Addr)
	if err != nil {
		return err
	}
	a.WarnOnStderr()
	m, err := marketplace.Open(c.Dir, marketplace.Options{Token: key, ReviewToken: review, Warn: a.Warnings.Add})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	err = m.SetExternalURL(c.ExternalURL)
	if err == nil {
		err = m.SetAddress(listener.Addr().String())
	}
	if err != nil {
		return errors.Join(err, listener.Close(), m.Close())
	}
	c.announce(a, m, listener.Addr(), key == "")
	server := marketplace.NewServer(m.GuardHost(listener.Addr(), withFaults(a, m, script)))
	if len(script) > 0 {
		// A request that hangs by the script must not hold up the end.
		server.BaseContext = func(net.Listener) context.Context { return a.Stop }
	}
	return errors.Join(serveUntilStopped(a, server, listener), m.Close())
}

// key is the key in a variable, "" where there is none.
func (c *serveCommand) key(a *app.App, variable string, check func(string) error) (string, error) {
	key, set := a.Env(variable)
	if !set {
		return "", nil
	}
	if err := check(key); err != nil {
		hint := "set " + variable + " to an API key of letters, digits and hyphens, or unset it, and any key that looks like one is accepted"
		if variable == reviewKey {
			hint = "set " + variable + " to a secret of 16 letters, digits and hyphens or more, or unset it, and nobody reviews in a browser"
		}
		return "", app.Usage(fmt.Errorf("%s cannot be used: %w", variable, err), hint)
	}
	return key, nil
}

// listen listens at HOST:PORT. An address of IPv4 means IPv4: for 0.0.0.0 Go would
// listen on all addresses of IPv6 as well.
func listen(addr string) (net.Listener, error) {
	network := "tcp"
	if host, _, err := net.SplitHostPort(addr); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
			network = "tcp4"
		}
	}
	listener, err := net.Listen(network, addr)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, app.Usage(fmt.Errorf("cannot listen at %s: %w", addr, err), "choose another address with --addr HOST:PORT")
	}
	return listener, nil
}

// announce says how to use the marketplace: by its external URL where it has one, else by
// an address that can be typed on this host.
func (c *serveCommand) announce(a *app.App, m *marketplace.Marketplace, at net.Addr, anyKey bool) {
	local := externalurl.LocalURL(at.String())
	here := m.ExternalURL()
	if here == "" {
		here = local
	}
	a.Stderr.Print("serving the marketplace in %s at %s", filepath.Clean(c.Dir), here)
	if here != local {
		a.Stderr.Print("listening at %s", local)
	}
	host, port, err := net.SplitHostPort(at.String())
	open := err == nil && !loopback(host)
	if ip, err := netip.ParseAddr(host); open && here == local && err == nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil && name != "" {
			a.Stderr.Print("others reach it by a name of this host, such as http://%s", net.JoinHostPort(name, port))
		}
	}
	accepted := "that of KSRELEASE_MARKETPLACE_TOKEN"
	if anyKey {
		accepted = "any that begins with kck-"
	}
	a.Stderr.Print(`
  ksrelease   cloud: {server: %s}
              repository: {url: %s}
  helm        helm repo add local %s
  ksbuilder   ksbuilder login --server %s
  API key     %s

Ctrl-C ends it.`, here, here, here, here, accepted)
	if open && anyKey {
		a.Stderr.Print("warning: others can reach this address, and any API key is accepted; set %s", marketplaceKey)
	}
}

// serveUntilStopped serves until the first signal, and then brings what is in flight to
// its end, which the deadlines of the server bound. That is a good end, exit code 0. The
// second signal ends the process at once.
func serveUntilStopped(a *app.App, server *http.Server, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-a.Stop.Done():
	}
	a.StopIsEnd = true
	a.Stderr.Print("stopping: requests in flight are brought to their end; once more ends it at once")
	err := server.Shutdown(context.Background())
	if serving := <-served; !errors.Is(serving, http.ErrServerClosed) {
		err = errors.Join(err, serving)
	}
	return err
}

// script reads the faults that were asked for.
func (c *serveCommand) script() ([]faults.Rule, error) {
	if c.Faults == "" {
		return nil, nil
	}
	text, err := regularfile.Read(c.Faults, 1<<20)
	if err != nil {
		return nil, app.Usage(fmt.Errorf("reading the faults in %s: %w", c.Faults, err), "name a readable regular file of at most 1 MiB with --faults")
	}
	rules, err := faults.Parse(c.Faults, string(text))
	if err != nil {
		return nil, app.Usage(err, faults.Usage)
	}
	return rules, nil
}

// withFaults puts a script in front of the marketplace and prints each fault
// as it happens.
func withFaults(a *app.App, m http.Handler, script []faults.Rule) http.Handler {
	if len(script) == 0 {
		return m
	}
	handler := faults.New(m, script)
	handler.OnFault = func(r *http.Request, rule faults.Rule) {
		a.Stderr.Print("%s %s: %s", r.Method, r.URL.Path, rule)
	}
	return handler
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

type approveCommand struct {
	marketplaceFlags
	Release released `arg:"" name:"name@version" help:"The version to approve."`
}

// Run approves a version, in the process that serves the marketplace or,
// where there is none, in its directory.
func (c *approveCommand) Run(a *app.App) error {
	if err := c.review(a, lease.Verdict{Name: c.Release.Name, Version: c.Release.Version, Approve: true}); err != nil {
		return fmt.Errorf("approving %s: %w", c.Release, err)
	}
	a.Stdout.Print("%s is active.", c.Release)
	return nil
}

type rejectCommand struct {
	marketplaceFlags
	Release released `arg:"" name:"name@version" help:"The version to reject."`
	Message string   `may-be-empty:"" help:"The message to its author."`
}

// Run rejects a version, like approveCommand.
func (c *rejectCommand) Run(a *app.App) error {
	if err := c.review(a, lease.Verdict{Name: c.Release.Name, Version: c.Release.Version, Message: c.Message}); err != nil {
		return fmt.Errorf("rejecting %s: %w", c.Release, err)
	}
	a.Stdout.Print("%s is rejected.", c.Release)
	return nil
}

func (c marketplaceFlags) review(a *app.App, verdict lease.Verdict) error {
	if err := c.exists(); err != nil {
		return err
	}
	a.WarnOnStderr()
	return marketplace.ReviewIn(a.Stop, c.Dir, verdict, a.Warnings.Add)
}

// exists is an error where the folder is none of a marketplace.
func (c marketplaceFlags) exists() error {
	if marketplace.Exists(c.Dir) {
		return nil
	}
	return app.Usage(fmt.Errorf("there is no marketplace in %s", c.Dir), "name its folder with --dir, or go to the project first")
}

type repairCommand struct{ marketplaceFlags }

// Help says what it does not do.
func (c *repairCommand) Help() string {
	return "A record that is damaged or gone is rebuilt from the packages, each version as a draft: what state it was in is no longer known. What cannot be used is moved to state/lost in the folder; nothing is removed."
}

// Run repairs the folder and says what it did.
func (c *repairCommand) Run(a *app.App) error {
	if err := c.exists(); err != nil {
		return err
	}
	done, err := marketplace.Repair(c.Dir, marketplace.Options{})
	for _, line := range done {
		a.Stdout.Print("%s", a.Redact.Text(line))
	}
	if err != nil {
		return err
	}
	if len(done) == 0 {
		a.Stdout.Print("The marketplace in %s is in order.", filepath.Clean(c.Dir))
	} else {
		a.Stdout.Print("The marketplace in %s is repaired.", filepath.Clean(c.Dir))
	}
	return nil
}
