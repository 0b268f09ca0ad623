package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// TargetFlags narrow a command to some of the targets that the config names.
type TargetFlags struct {
	Target []string `placeholder:"TARGET" help:"Only these targets of the config."`
}

// Words are the flags as they were given, quoted for a shell.
func (f TargetFlags) Words() []string {
	if len(f.Target) == 0 {
		return nil
	}
	return []string{"--target", strings.Join(f.Target, ",")} // names need no quotes
}

// Targets are the targets of the config that have these names, in the order of the config; all
// of them where there are no names. An error is one of usage.
func (p *Project) Targets(names []string) ([]config.Target, error) {
	var declared []string
	for _, t := range p.Config.Targets {
		declared = append(declared, t.Name)
	}
	if unknown := request.UnknownTarget(names, declared); unknown != nil {
		return nil, Usage(unknown, "")
	}
	if len(names) == 0 {
		return p.Config.Targets, nil
	}
	return slices.DeleteFunc(slices.Clone(p.Config.Targets), func(t config.Target) bool { return !slices.Contains(names, t.Name) }), nil
}

// Marketplace is the target of the config that is one.
func (p *Project) Marketplace() (config.Target, bool) {
	at := slices.IndexFunc(p.Config.Targets, func(t config.Target) bool { return t.Kind == config.TargetMarketplace })
	if at < 0 {
		return config.Target{}, false
	}
	return p.Config.Targets[at], true
}

// ResolveTarget connects to a target that is named on a command line: by its name in the config,
// by its address (oci://HOST/PATH, or https://HOST of a ChartMuseum) or by the path of its folder.
// An address or folder that the config has is that target. What is named in another way takes its
// credentials from the variables of its kind. The target is the one of the Clients.
func (a *App) ResolveTarget(ctx context.Context, p *Project, ref string, parallelism int) (*Clients, error) {
	return a.resolveTargets(ctx, p, []string{ref}, parallelism)
}

// resolveTargets is ResolveTarget for several. Each has a name that no other has.
func (a *App) resolveTargets(ctx context.Context, p *Project, refs []string, parallelism int) (*Clients, error) {
	var all []config.Target
	for _, ref := range refs {
		t, err := p.targetOf(ref)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other config.Target) bool {
			return other.Name == t.Name && other.IsDeclared() == t.IsDeclared() && t.IsDeclared()
		}) {
			continue // it was named twice
		}
		kind := t.Name
		for n := 2; slices.ContainsFunc(slices.Concat(all, p.Config.Targets), func(other config.Target) bool { return !t.IsDeclared() && other.Name == t.Name }); n++ {
			t.Name = fmt.Sprintf("%s-%d", kind, n)
		}
		all = append(all, t)
	}
	return graceful.Read(ctx, &a.Reads, "reading keys and certificates", func() (*Clients, error) {
		return a.connectToAll(p, all, DialOptions{Parallelism: parallelism})
	})
}

// targetOf is the target that a reference means.
func (p *Project) targetOf(ref string) (config.Target, error) {
	named, err := config.TargetOf(ref)
	var names []string
	for _, t := range p.Config.Targets {
		if t.Name == ref || err == nil && t.IsAt(named) {
			return t, nil
		}
		names = append(names, t.Name)
	}
	if err != nil {
		return config.Target{}, Usage(err, "name a target of the config, oci://HOST/PATH, https://HOST of a ChartMuseum, or a folder")
	}
	// A word without a slash that is no folder is a name that was misspelt.
	if _, missing := os.Stat(ref); named.Directory != nil && missing != nil && !strings.ContainsAny(ref, `/\.`) {
		unknown := request.UnknownTarget([]string{ref}, names)
		hint := "a folder is written with a slash: " + ref + "/"
		if near := failure.Hint(unknown); near != "" {
			hint = near + "; " + hint
		}
		return config.Target{}, Usage(unknown, hint)
	}
	return named, nil
}

// connectToAll connects to targets of a project.
func (a *App) connectToAll(p *Project, targets []config.Target, o DialOptions) (*Clients, error) {
	m := &placeMaker{app: a, project: p, parallelism: o.Parallelism, keys: o.Keys, releases: o.Releases}
	for _, t := range targets {
		place, err := m.place(t)
		if err != nil {
			m.close()
			return nil, err
		}
		place.Name, place.Kind, place.URL = t.Name, string(t.Kind), a.Redact.Text(place.URL)
		m.places = append(m.places, place)
	}
	return &Clients{Target: showingPlace(m.places).Target, Name: nameOfAll(m.places), Places: m.checks, Close: m.close, all: m.places}, nil
}

// ReleasesTo says what the targets of a run are, in words that are the same wherever it is run.
func (p *Project) ReleasesTo(places []target.Place) string {
	if !p.Config.NamesTargets && len(places) == 1 {
		return places[0].URL
	}
	var all []string
	for _, place := range places {
		at := place.URL
		for _, t := range p.Config.Targets {
			if path := t.Path(); t.Name == place.Name && path != "" {
				at = path
				if below, err := filepath.Rel(p.Root, path); err == nil {
					at = filepath.ToSlash(below)
				}
			}
		}
		all = append(all, fmt.Sprintf("%s (%s %s)", place.Name, place.Kind, at))
	}
	return strings.Join(all, ", ")
}

// nameOfAll is what messages call the targets of a run.
func nameOfAll(places []target.Place) string {
	if len(places) == 1 {
		return places[0].URL
	}
	var names []string
	for _, p := range places {
		names = append(names, p.Name)
	}
	return fmt.Sprintf("%d targets (%s)", len(names), strings.Join(names, ", "))
}

// showing is where in a list of kinds the target is that commands ask which read what is published:
// the first that shows its versions. An image, manifests and commands of the project are asked only
// where there is nothing else.
func showing[T any](all []T, kind func(T) config.TargetKind) int {
	return max(0, slices.IndexFunc(all, func(t T) bool { return shows(kind(t)) }))
}

// shows says that targets of a kind show their versions.
func shows(kind config.TargetKind) bool {
	switch kind {
	case config.TargetMarketplace, config.TargetDirectory, config.TargetChartMuseum, config.TargetOCI:
		return true
	}
	return false
}

// showingPlace is the target of a run of which commands ask what is published.
func showingPlace(places []target.Place) target.Place {
	return places[showing(places, func(p target.Place) config.TargetKind { return config.TargetKind(p.Kind) })]
}

// Showing are the names of the targets of the config that show their versions, in its order. Where
// none does, it is the first one.
func (p *Project) Showing() (names []string) {
	for rest := p.Config.Targets; len(rest) > 0; {
		at := showing(rest, func(t config.Target) config.TargetKind { return t.Kind })
		if !shows(rest[at].Kind) {
			break
		}
		names, rest = append(names, rest[at].Name), rest[at+1:]
	}
	if len(names) == 0 {
		names = []string{p.showingTarget().Name}
	}
	return names
}

// showingTarget is that of a config.
func (p *Project) showingTarget() config.Target {
	all := p.Config.Targets
	return all[showing(all, func(t config.Target) config.TargetKind { return t.Kind })]
}

// placeMaker makes the targets of a project of what its config has of them. Each kind has a file
// of its own.
type placeMaker struct {
	app         *App
	project     *Project
	parallelism int
	keys        *signing.Keys // of packages; may be nil
	releases    bool

	places []target.Place
	checks checks.Places // of the marketplace, for doctor
	ends   []func()
}

func (m *placeMaker) close() {
	for _, end := range slices.Backward(m.ends) {
		end()
	}
}

// place makes one target. Name and Kind are set by who calls it.
func (m *placeMaker) place(t config.Target) (target.Place, error) {
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
func (m *placeMaker) login(t config.Target) (login, error) {
	read := func(what string) string {
		value, _ := m.app.Env(t.Variable(what))
		return strings.TrimSpace(value)
	}
	l := login{read(config.VariableUser), read(config.VariablePassword), read(config.VariableToken)}
	m.app.Redact.Add(l.password)
	m.app.Redact.Add(l.token)
	switch {
	case l.token != "" && l.password != "":
		return l, Usage(fmt.Errorf("the target %s has a password and a token", t.Name), "unset "+t.Variable(config.VariablePassword)+" or "+t.Variable(config.VariableToken))
	case l.password != "" && l.user == "":
		return l, Usage(fmt.Errorf("the target %s has a password, and no user", t.Name), "set "+t.Variable(config.VariableUser))
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
func (m *placeMaker) client(t config.Target, address string, key ...string) (*transport.Client, error) {
	return m.clientOf(t, m.parallelism, address, key...)
}

// clientOf is client where another number of connections is worth keeping.
func (m *placeMaker) clientOf(t config.Target, parallelism int, address string, key ...string) (*transport.Client, error) {
	server, err := m.server(t, address, key...)
	if err != nil {
		return nil, err
	}
	options := transport.Options{Parallelism: parallelism, Dial: m.app.Connect, Warn: m.app.Warnings.Add}
	if strings.Contains(address, "://") {
		options.Servers = []transport.Server{server}
	}
	web := m.app.Client(options)
	m.ends = append(m.ends, web.Close)
	return web, nil
}

// setting is what errors call the place where a key of a target is written.
func (m *placeMaker) setting(t config.Target, key ...string) string {
	if !t.IsDeclared() {
		return "the target on the command line"
	}
	return m.project.Config.Setting(t.Key(key...)...)
}

// server is the server of a target, with the authorities of its ca_file.
func (m *placeMaker) server(t config.Target, address string, key ...string) (transport.Server, error) {
	c := m.project.Config
	s := transport.Server{Address: address, Setting: m.setting(t, key...)}
	if t.IsDeclared() {
		s.CASetting = c.Setting(t.Key("ca_file")...)
	}
	if t.CAFile() == "" {
		return s, nil
	}
	pool, err := transport.LoadRootCAs(Display(t.CAFile()))
	if err != nil {
		return s, diagnostic.List{c.Problem(config.CodeUnusableCAFile, "ca_file of the target "+t.Name+": "+err.Error(), failure.Hint(err), t.Key("ca_file")...)}
	}
	s.RootCAs = pool
	return s, nil
}

// Marketplace is the marketplace, or the Helm repository of --repository; nil where the config
// names targets, and none of them is one.
func (c *Clients) Marketplace() target.Target {
	for _, t := range c.all {
		if t.Kind == target.KindMarketplace {
			return t.Target
		}
	}
	return nil
}

// CheckTargets says that there are no targets of such names, or that --target and --local do not
// go together, and warns of what --local leaves out.
func (a *App) CheckTargets(p *Project, local LocalFlags, flags TargetFlags) error {
	if !local.IsLocal() {
		_, err := p.Targets(flags.Target)
		return err
	}
	if len(flags.Target) > 0 {
		return Usage(errors.New("--target names targets of the config, and --local is the local marketplace alone"), "give one of them")
	}
	if !p.Config.NamesTargets {
		return nil
	}
	var left []string
	for _, t := range p.Config.Targets {
		left = append(left, t.Name)
	}
	a.Warnings.Add("the local marketplace takes the place of the targets of the config: " + strings.Join(left, ", "))
	return nil
}
