// Package proving is the command prove: which packages are asked for, where they are read, and
// what they are built with.
package proving

import (
	"context"
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
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/versions"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Options are what a user asks for.
type Options struct {
	Local app.LocalFlags
	// What are packages (FILE.tgz) and versions (NAME, which is the highest published, or
	// NAME@VERSION); empty are all extensions that the config declares.
	What []string
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
	// Remote is the address from which the commits can be fetched; empty where there is none.
	Remote string

	mu    sync.Mutex // of what is opened when it is needed
	links *app.Clients
	ends  []func()

	asking sync.Mutex
	index  target.Index
}

// Open prepares the proofs of a project.
func Open(ctx context.Context, a *app.App, p *app.Project, o Options) (*Proving, error) {
	sources, err := p.Sources(ctx, nil)
	if err != nil {
		return nil, err
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
	pr := &Proving{app: a, project: p, options: o, sources: sources, Remote: repository.Address(ctx), ends: []func(){opened.Close}}
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
	for _, end := range slices.Backward(p.ends) {
		end()
	}
}

// All proves what is asked for, in that order. Where all extensions are asked for, those that are
// not published are left out, and named. The error is that of ctx, or one of usage.
func (p *Proving) All(ctx context.Context) (all []proof.Result, unpublished []string, err error) {
	what := p.options.What
	if len(what) == 0 {
		if what, unpublished, err = p.declared(ctx); err != nil {
			return nil, nil, err
		}
	}
	all = make([]proof.Result, len(what))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(max(1, p.project.Config.Parallelism))
	for i, word := range what {
		group.Go(func() error {
			var err error
			all[i], err = p.one(within, word)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			err = &graceful.CutError{Err: fmt.Errorf("%w before all was compared", context.Cause(ctx))}
		}
		return nil, nil, err
	}
	return all, unpublished, nil
}

// declared are the extensions of the config that are published, and those that are not.
func (p *Proving) declared(ctx context.Context) (there, not []string, err error) {
	links, index, err := p.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for _, s := range p.sources {
		ext, err := graceful.Await(ctx, func() (*extension.Extension, error) {
			return extension.Load(s.Path, extension.Options{Display: s.Display, Ignore: []string{s.Settings.Package.Output}})
		})
		if err != nil {
			return nil, nil, err
		}
		name := ext.Metadata.Name
		if seen[name] {
			continue
		}
		seen[name] = true
		found, err := index.Versions(ctx, name)
		if err != nil {
			return nil, nil, fmt.Errorf("asking %s for the versions of %s: %w", links.Name, name, err)
		}
		if len(found) == 0 {
			not = append(not, name)
			continue
		}
		there = append(there, name)
	}
	slices.Sort(there)
	slices.Sort(not)
	return there, not, nil
}

// one proves what a word means.
func (p *Proving) one(ctx context.Context, word string) (proof.Result, error) {
	claim, failed, err := p.claim(ctx, word)
	switch {
	case ctx.Err() != nil:
		return proof.Result{}, ctx.Err()
	case err != nil:
		return proof.Result{}, err
	case failed != nil:
		return *failed, nil
	}
	return p.builder.Prove(ctx, claim, p.options.Revision)
}

// claim is the package that a word means, or the result of one that could not be had.
func (p *Proving) claim(ctx context.Context, word string) (*proof.Claim, *proof.Result, error) {
	if strings.HasSuffix(word, ".tgz") {
		return fromFile(ctx, word)
	}
	name, version, _ := strings.Cut(word, "@")
	links, index, err := p.connect(ctx)
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
	case len(there) == 0:
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

// dial connects to the target, when it is needed first.
func (p *Proving) dial(ctx context.Context) (*app.Clients, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.links == nil {
		links, err := p.options.Local.Dial(ctx, p.app, p.project)
		if err != nil {
			return nil, err
		}
		p.links, p.ends = links, append(p.ends, links.Close)
	}
	return p.links, nil
}

// connect asks the target what is published, once.
func (p *Proving) connect(ctx context.Context) (*app.Clients, target.Index, error) {
	links, err := p.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	if p.index == nil {
		if p.index, err = links.Index(ctx); err != nil {
			return nil, nil, failure.WithHint(fmt.Errorf("asking %s what is published: %w", links.Name, err), "%s", failure.Hint(err))
		}
	}
	return links, p.index, nil
}

// picture downloads what is at an address.
func (p *Proving) picture(ctx context.Context, address string) ([]byte, error) {
	links, err := p.dial(ctx)
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
