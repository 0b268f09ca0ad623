// Package proving is the command prove: which packages are asked for, where they are read, and
// what they are built with.
package proving

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/hooks"
	"github.com/ksrelease/ksrelease/internal/proof"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/versions"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Options are what a user asks for.
type Options struct {
	Local app.LocalFlags
	// What are packages (FILE.tgz), versions (NAME, which is the highest published, or
	// NAME@VERSION), and targets (a name of the config, an address, a folder with a slash), of
	// which all extensions are proved that the config declares. Empty are all extensions that the
	// config declares.
	What []string
	// Target is where versions are looked up; empty: the first target of the config that can be
	// read.
	Target string
	// Keyring and Key are files with public keys, OpenPGP and PEM, by which what signs a package
	// has to verify; empty: it is not looked at.
	Keyring, Key string
	// Statement is the file for statements; empty: none are written.
	Statement string
	// Revision is the commit in place of the one that the packages name; empty: theirs.
	Revision string
	Hooks    bool // run the hooks of the commit
}

// Proving proves packages. Close gives all back.
type Proving struct {
	app     *app.App
	project *app.Project
	options Options
	sources []config.Source
	builder *proof.Builder
	remote  string        // the address from which the commits can be fetched; empty where there is none
	keys    *signing.Keys // of statements; nil signs none
	ends    []func()
	key     crypto.PublicKey // of Options.Key; nil without one

	mu       sync.Mutex        // of places
	places   map[string]*place // by how they are named
	choosing sync.Mutex        // of chosen
	chosen   *place            // see usual
	naming   sync.Mutex        // of declaredNames
	known    []string          // see names
}

// Open prepares the proofs of a project.
func Open(ctx context.Context, a *app.App, p *app.Project, o Options) (*Proving, error) {
	sources, err := p.Sources(ctx, nil)
	if err != nil {
		return nil, err
	}
	if o.Target != "" && o.Local.IsLocal() {
		if err := a.CheckTargets(p, o.Local, app.TargetFlags{Target: []string{o.Target}}); err != nil {
			return nil, err
		}
	}
	var keys *signing.Keys
	if o.Statement != "" {
		if keys, err = p.StatementKey(ctx); err != nil {
			return nil, err
		}
	}
	repository, err := git.Open(ctx, p.GitFolder(ctx, sources))
	if err != nil {
		return nil, app.Usage(err, "")
	}
	if o.Revision != "" {
		if _, err := repository.Resolve(ctx, o.Revision); err != nil {
			return nil, app.Usage(err, "")
		}
	}
	opened, err := commits.Open(ctx, repository)
	if err != nil {
		return nil, err
	}
	pr := &Proving{app: a, project: p, options: o, sources: sources, remote: repository.Address(ctx), keys: keys, ends: []func(){opened.Close}, places: map[string]*place{}}
	if o.Keyring != "" {
		if err := signing.CheckKeyring(o.Keyring); err != nil {
			opened.Close()
			return nil, app.Usage(err, "")
		}
	}
	if o.Key != "" {
		if pr.key, err = signing.ReadPublic(o.Key); err != nil {
			opened.Close()
			return nil, app.Usage(err, "")
		}
	}
	pr.builder = &proof.Builder{Repository: opened, Root: p.Root, Resolve: pr.resolve, Fetch: pr.picture}
	for _, s := range sources {
		if real, err := filepath.EvalSymlinks(s.Path); err == nil {
			if rel, ok := git.Within(repository.Top, real); ok {
				pr.builder.Declared = append(pr.builder.Declared, rel)
			}
		}
	}
	if o.Hooks {
		pr.builder.Prepare = pr.prepare
	}
	return pr, nil
}

// Close gives all back.
func (p *Proving) Close() {
	for _, at := range p.places {
		at.close()
	}
	for _, end := range slices.Backward(p.ends) {
		end()
	}
}

// asked is a package that is asked for: a file, or a version in a target.
type asked struct {
	word string
	in   *place // nil for a file
}

// All proves what is asked for, in that order. Where all extensions of a target are asked for,
// those that are not published there are left out, and named. The error is that of ctx, or one of
// usage.
func (p *Proving) All(ctx context.Context) (all []proof.Result, unpublished []string, err error) {
	what, unpublished, err := p.asked(ctx)
	if err != nil {
		return nil, nil, p.cut(ctx, err)
	}
	all = make([]proof.Result, len(what))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(max(1, p.project.Config.Parallelism))
	for i, one := range what {
		group.Go(func() error {
			var err error
			all[i], err = p.one(within, one)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, p.cut(ctx, err)
	}
	return all, unpublished, nil
}

// cut is an error, or that of ctx, which has ended the work.
func (p *Proving) cut(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &graceful.CutError{Err: fmt.Errorf("%w before all was compared", context.Cause(ctx))}
	}
	return err
}

// asked is what the words mean, and what of it is not published.
func (p *Proving) asked(ctx context.Context) (what []asked, unpublished []string, err error) {
	addAll := func(at *place) error {
		there, not, err := p.declared(ctx, at)
		for _, name := range there {
			what = append(what, asked{name, at})
		}
		unpublished = append(unpublished, not...)
		return err
	}
	if len(p.options.What) == 0 {
		at, err := p.usual(ctx)
		if err != nil {
			return nil, nil, err
		}
		return what, unpublished, addAll(at)
	}
	for _, word := range p.options.What {
		isTarget, err := p.isTarget(ctx, word)
		switch {
		case err != nil:
			return nil, nil, err
		case isTarget && p.options.Target != "":
			return nil, nil, app.Usage(fmt.Errorf("%s names a target, and so does --target", word), "name versions as NAME@VERSION with --target, or the target alone")
		case isTarget:
			if err := addAll(p.at(word)); err != nil {
				return nil, nil, err
			}
		case strings.HasSuffix(word, ".tgz"):
			what = append(what, asked{word, nil})
		default:
			at, err := p.usual(ctx)
			if err != nil {
				return nil, nil, err
			}
			what = append(what, asked{word, at})
		}
	}
	return what, unpublished, nil
}

// names are those of the extensions that the config declares, sorted.
func (p *Proving) names(ctx context.Context) ([]string, error) {
	p.naming.Lock()
	defer p.naming.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	names := []string{}
	for _, s := range p.sources {
		ext, err := graceful.Await(ctx, func() (*extension.Extension, error) {
			return extension.Load(s.Path, extension.Options{Display: s.Display, Ignore: []string{s.Settings.Package.Output}})
		})
		if err != nil {
			return nil, err
		}
		names = append(names, ext.Metadata.Name)
	}
	slices.Sort(names)
	p.known = slices.Compact(names)
	return p.known, nil
}

// declared are the extensions of the config that are published in a target, and those that are
// not, in words.
func (p *Proving) declared(ctx context.Context, at *place) (there, not []string, err error) {
	names, err := p.names(ctx)
	if err != nil {
		return nil, nil, err
	}
	links, index, err := at.ask(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		found, err := index.Versions(ctx, name)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("asking %s for the versions of %s: %w", links.Name, name, err)
		case len(found) == 0:
			not = append(not, fmt.Sprintf("%s is not published in %s", name, links.Name))
		default:
			there = append(there, name)
		}
	}
	return there, not, nil
}

// one proves a package.
func (p *Proving) one(ctx context.Context, what asked) (proof.Result, error) {
	claim, failed, err := p.claim(ctx, what)
	switch {
	case ctx.Err() != nil:
		return proof.Result{}, ctx.Err()
	case err != nil:
		return proof.Result{}, err
	case failed != nil:
		return *failed, nil
	}
	result, err := p.builder.Prove(ctx, claim, p.options.Revision)
	if err == nil {
		result.Signed, err = p.signed(ctx, what, claim)
	}
	return result, err
}

// claim is the package that is asked for, or the result of one that could not be had.
func (p *Proving) claim(ctx context.Context, what asked) (*proof.Claim, *proof.Result, error) {
	if what.in == nil {
		return fromFile(ctx, what.word)
	}
	name, version, _ := strings.Cut(what.word, "@")
	links, index, err := what.in.ask(ctx)
	if err != nil {
		return nil, nil, err
	}
	failed := func(err error) (*proof.Claim, *proof.Result, error) {
		r := proof.Failed(name, version, links.Name, err)
		return nil, &r, nil
	}
	there, err := index.Versions(ctx, name)
	if err != nil {
		return failed(err)
	}
	if version == "" && len(there) > 0 {
		version = slices.MaxFunc(there, versions.Compare)
	}
	entry, ok, err := index.Lookup(ctx, name, version)
	switch {
	case err != nil:
		return failed(err)
	case !ok && target.Silence(links.Target) != nil:
		return failed(failure.WithHint(target.Silence(links.Target), "prove the package itself: ksrelease prove FILE.tgz"))
	case !ok && len(there) == 0:
		return failed(failure.WithHint(fmt.Errorf("%s has no %s", links.Name, name), "ksrelease status shows what is where"))
	case !ok:
		slices.SortFunc(there, func(a, b string) int { return versions.Compare(b, a) })
		return failed(failure.WithHint(fmt.Errorf("%s has no %s %s", links.Name, name, version), "it has %s", strings.Join(there[:min(len(there), 5)], ", ")))
	}
	archive, err := links.Fetch(ctx, entry)
	if err != nil {
		return failed(err)
	}
	if complaint := published.WrongDigest(entry, archive); complaint != "" {
		return failed(failure.WithHint(errors.New(complaint), "run again later; if it stays so, somebody has replaced the package, or a cache is late: tell those who run %s", links.Name))
	}
	claim, err := proof.Read(ctx, name+" "+version, links.Name, archive)
	if err != nil {
		return failed(err)
	}
	if claim.Name != name || claim.Version != version {
		return failed(fmt.Errorf("the package that is served as %s %s holds %s %s", name, version, claim.Name, claim.Version))
	}
	return claim, nil, nil
}

// fromFile reads a package in a file.
func fromFile(ctx context.Context, file string) (*proof.Claim, *proof.Result, error) {
	archive, err := graceful.Await(ctx, func() ([]byte, error) { return os.ReadFile(file) })
	if err != nil {
		return nil, nil, app.Usage(err, "name a package, or a version as NAME@VERSION")
	}
	claim, err := proof.Read(ctx, file, file, archive)
	if err != nil {
		r := proof.Failed(filepath.Base(file), "", file, err)
		return nil, &r, nil
	}
	return claim, nil, nil
}

// picture downloads what is at an address.
func (p *Proving) picture(ctx context.Context, address string) ([]byte, error) {
	at, err := p.usual(ctx)
	if err != nil {
		return nil, err
	}
	links, err := at.dial(ctx)
	if err != nil {
		return nil, err
	}
	return links.FetchAsset(ctx, address)
}

// resolve brings in the charts that an extension names by a repository. Those in folders are
// those of the commit, too.
func (p *Proving) resolve(ctx context.Context, root, dir string, ext *extension.Extension) (*extension.Extension, error) {
	there, options := *p.project, pipeline.Options{Through: results.StageLint}
	there.Root = root
	over, err := there.Equip(&options)
	if err != nil {
		return nil, err
	}
	defer over()
	return options.Resolver.Resolve(ctx, dir, ext)
}

// prepare runs the hooks that the config of the commit has, in the folder with the commit.
func (p *Proving) prepare(ctx context.Context, root, dir, name, version string) error {
	file := filepath.Join(root, config.Name)
	loaded, err := config.Load(file, p.app.Env)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it had none
	}
	if err != nil {
		return failure.WithHint(fmt.Errorf("reading the config of the commit, for its hooks: %w", err), "%s", failure.Hint(err))
	}
	output := loaded.Defaults.Package.Output
	set := hooks.New(hooks.Options{
		Before: loaded.Before, Root: root, Environment: p.app.Environment(),
		Variables: map[string]string{"KSRELEASE_COMMAND": "prove", "KSRELEASE_DRY_RUN": "true", "KSRELEASE_OUTPUT": output},
		Redact:    p.app.Redact.Text, Secret: p.app.Redact.Add,
	})
	if err := set.Begin(ctx, func(results.Hook) {}); err != nil {
		return err
	}
	sources, err := loaded.Sources(root, func(string) {})
	if err != nil {
		return fmt.Errorf("looking for the extensions of the commit: %w", err)
	}
	for _, s := range sources {
		if s.Path == dir {
			return set.Before(ctx, hooks.Extension{
				Path: dir, Settings: s.Settings, Result: &results.Extension{Name: name, Version: version}, Observe: func(results.Hook) {},
			})
		}
	}
	return nil
}
