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
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/places"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/internal/target"
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
	maker := places.New(places.Options{
		Cache:  a.openCache(),
		Config: p.Config, Env: a.Env, Environment: a.Environment, Redact: &a.Redact, Warn: a.Warnings.Add,
		Client: a.Client, Connect: a.Connect, UserAgent: UserAgent(), DockerConfigs: a.registryConfigs(), Mirrors: a.registryMirrors,
		Display: Display, Parallelism: o.Parallelism, Keys: o.Keys, Releases: o.Releases, Idle: p.idle(), AtExit: a.commands.add,
	})
	var all []target.Place
	for _, t := range targets {
		place, err := maker.Place(t)
		var wrong *places.UsageError
		if errors.As(err, &wrong) {
			err = Usage(err, "")
		}
		if err != nil {
			maker.Close()
			return nil, err
		}
		all = append(all, place)
	}
	return &Clients{Target: showingPlace(all).Target, Name: places.NameOfAll(all), Places: maker.Checks(), Close: maker.Close, all: all}, nil
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
