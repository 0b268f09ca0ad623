// Package places makes the targets of a project of what its config has of them, each in a file of
// its kind. It knows no command; all that comes from outside is handed to it.
package places

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/secrets"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Options are what targets are made of besides their settings.
type Options struct {
	Config      *config.Config
	Env         func(name string) (string, bool) // a variable of the environment, and whether it is set
	Environment func() []string                  // all of them, NAME=value
	Redact      *secrets.Redactor                // gets the passwords and tokens that are read
	Warn        func(message string)

	Client        func(transport.Options) *transport.Client                            // makes connections
	Connect       func(ctx context.Context, network, address string) (net.Conn, error) // nil: TCP
	UserAgent     string                                                               // what servers see of the program
	DockerConfigs []string                                                             // files with logins of registries
	Mirrors       func() ([]registry.Mirror, error)                                    // registries that are asked in place of others
	Display       func(path string) string                                             // how a path is shown
	Parallelism   int                                                                  // how many connections to a host are worth keeping
	Cache         *cache.Cache                                                         // of the indexes of repositories; nil: none

	Keys     *signing.Keys // of packages; may be nil
	Releases bool          // what a target needs for a release has to be there
	// Idle says why commands of the config are not run, or what runs them; empty: they are run.
	Idle string
	// AtExit gets what ends the processes of a command of the config at once. It is called where the
	// program itself is ended at once, as no signal of the terminal reaches them.
	AtExit func(end func())
}

// Maker makes targets, and has their connections until it is closed.
type Maker struct {
	Options
	checks checks.Places
	ends   []func()
}

// New prepares a Maker.
func New(o Options) *Maker { return &Maker{Options: o} }

// Checks are the places of the marketplace, for those who look at it closer; zero where none was made.
func (m *Maker) Checks() checks.Places { return m.checks }

// UsageError is a mistake in what is typed or set for a target.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

// usage makes a UsageError, with a hint where that is not empty.
func usage(err error, hint string) error {
	if hint != "" {
		err = failure.WithHint(err, "%s", hint)
	}
	return &UsageError{err}
}

// Close ends the connections of all targets that were made.
func (m *Maker) Close() {
	for _, end := range slices.Backward(m.ends) {
		end()
	}
}

// Place makes a target. A mistake in what is typed or set for it is a [UsageError], or a
// [diagnostic.List] where it stands in the config.
func (m *Maker) Place(t config.Target) (target.Place, error) {
	place, err := m.place(t)
	place.Name, place.Kind, place.URL, place.Repository = t.Name, string(t.Kind), m.Redact.Text(place.URL), m.Redact.Text(place.Repository)
	return place, err
}

// place makes a target, without its name and kind.
func (m *Maker) place(t config.Target) (target.Place, error) {
	switch t.Kind {
	case config.TargetMarketplace:
		return m.marketplace()
	case config.TargetDirectory:
		return m.directory(t)
	case config.TargetChartMuseum:
		return m.chartmuseum(t)
	case config.TargetOCI:
		return m.oci(t)
	case config.TargetImage:
		return m.image(t)
	case config.TargetManifests:
		return m.manifests(t)
	case config.TargetExec:
		return m.exec(t)
	case config.TargetWebhook:
		return m.webhook(t)
	}
	panic("no target is made of the kind " + string(t.Kind)) // TestEachKindIsMade
}

// login is what the environment has for a target: user and password, or a token.
type login struct{ user, password, token string }

// login reads the credentials of a target.
func (m *Maker) login(t config.Target) (login, error) {
	read := func(what string) string {
		value, _ := m.Env(t.Variable(what))
		return strings.TrimSpace(value)
	}
	l := login{read(config.VariableUser), read(config.VariablePassword), read(config.VariableToken)}
	m.Redact.Add(l.password)
	m.Redact.Add(l.token)
	switch {
	case l.token != "" && l.password != "":
		return l, usage(fmt.Errorf("the target %s has a password and a token", t.Name), "unset "+t.Variable(config.VariablePassword)+" or "+t.Variable(config.VariableToken))
	case l.password != "" && l.user == "":
		return l, usage(fmt.Errorf("the target %s has a password, and no user", t.Name), "set "+t.Variable(config.VariableUser))
	}
	return l, nil
}

// refused is the hint where a target refuses those who have no credentials, or these.
func refused(t config.Target, l login) string {
	user, password, token := t.Variable(config.VariableUser), t.Variable(config.VariablePassword), t.Variable(config.VariableToken)
	switch {
	case l.token != "":
		return "check what " + token + " holds"
	case l.password != "":
		return "check what " + user + " and " + password + " hold"
	case l.user != "":
		return "set " + password + ", too"
	}
	return "set " + user + " and " + password + ", or " + token
}

// client makes the connections of a target to its server; without an address it is any. key leads
// to the address in the config.
func (m *Maker) client(t config.Target, address string, key ...string) (*transport.Client, error) {
	return m.clientOf(t, m.Parallelism, address, key...)
}

// clientOf is client where another number of connections is worth keeping.
func (m *Maker) clientOf(t config.Target, parallelism int, address string, key ...string) (*transport.Client, error) {
	server, err := m.server(t, address, key...)
	if err != nil {
		return nil, err
	}
	options := transport.Options{Parallelism: parallelism, Dial: m.Connect, Warn: m.Warn}
	if strings.Contains(address, "://") {
		options.Servers = []transport.Server{server}
	}
	web := m.Client(options)
	m.ends = append(m.ends, web.Close)
	return web, nil
}

// setting is what errors call the place where a key of a target is written.
func (m *Maker) setting(t config.Target, key ...string) string {
	if !t.IsDeclared() {
		return "the target on the command line"
	}
	return m.Config.Setting(t.Key(key...)...)
}

// server is the server of a target, with the authorities of its ca_file.
func (m *Maker) server(t config.Target, address string, key ...string) (transport.Server, error) {
	c := m.Config
	s := transport.Server{Address: address, Setting: m.setting(t, key...)}
	if t.IsDeclared() {
		s.CASetting = c.Setting(t.Key("ca_file")...)
	}
	if t.CAFile() == "" {
		return s, nil
	}
	pool, err := transport.LoadRootCAs(m.Display(t.CAFile()))
	if err != nil {
		return s, diagnostic.List{c.Problem(config.CodeUnusableCAFile, "ca_file of the target "+t.Name+": "+err.Error(), failure.Hint(err), t.Key("ca_file")...)}
	}
	s.RootCAs = pool
	return s, nil
}
