package proving

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
)

// place is a target in which what is published is looked up. It is connected to when it is needed
// first.
type place struct {
	connect func(ctx context.Context) (*app.Clients, error)

	mu    sync.Mutex
	links *app.Clients
	index target.Index
}

// dial connects to the target.
func (p *place) dial(ctx context.Context) (*app.Clients, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialled(ctx)
}

func (p *place) dialled(ctx context.Context) (*app.Clients, error) {
	if p.links == nil {
		links, err := p.connect(ctx)
		if err != nil {
			return nil, err
		}
		p.links = links
	}
	return p.links, nil
}

// ask asks the target what is published, once.
func (p *place) ask(ctx context.Context) (*app.Clients, target.Index, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	links, err := p.dialled(ctx)
	if err != nil {
		return nil, nil, err
	}
	if p.index == nil {
		if p.index, err = links.Index(ctx); err != nil {
			return nil, nil, failure.WithHint(fmt.Errorf("asking %s what is published: %w", links.Name, err), "%s", failure.Hint(err))
		}
	}
	return links, p.index, nil
}

func (p *place) close() {
	if p.links != nil {
		p.links.Close()
	}
}

// isTarget says that a word names a target, and no extension or package: an address, a path, or
// the name of a target of the config that no extension has.
func (p *Proving) isTarget(ctx context.Context, word string) (bool, error) {
	switch {
	case strings.HasSuffix(word, ".tgz"):
		return false, nil
	case strings.Contains(word, "://"):
		return true, nil
	case strings.ContainsAny(word, `/\`) || word == "." || word == "..":
		if _, err := os.Stat(word); err != nil {
			return false, app.Usage(fmt.Errorf("looking for the folder %s: %w", word, failure.WithoutPath(err)), "name a folder with an index.yaml, another target, or a version as NAME@VERSION")
		}
		return true, nil
	}
	for _, t := range p.project.Config.Targets {
		if t.Name != word || !p.project.Config.NamesTargets {
			continue
		}
		names, err := p.names(ctx)
		if err != nil {
			return false, err
		}
		for _, name := range names {
			if name == word {
				return false, nil
			}
		}
		return true, nil
	}
	return false, nil
}

// at is the target that a reference means: a name of the config, an address or a folder.
func (p *Proving) at(ref string) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.places[ref]; known != nil {
		return known
	}
	made := &place{connect: func(ctx context.Context) (*app.Clients, error) {
		return p.app.ResolveTarget(ctx, p.project, ref, p.project.Config.Parallelism)
	}}
	p.places[ref] = made
	return made
}

// usual is where versions are looked up that are named without a target: the one that --target
// names, the local marketplace, or the first target of the config that can be read.
func (p *Proving) usual(ctx context.Context) (*place, error) {
	p.choosing.Lock()
	defer p.choosing.Unlock()
	if p.chosen != nil {
		return p.chosen, nil
	}
	var refs []string
	switch {
	case p.options.Target != "":
		refs = []string{p.options.Target}
	case p.options.Local.IsLocal():
		local := &place{connect: func(ctx context.Context) (*app.Clients, error) { return p.options.Local.Dial(ctx, p.app, p.project) }}
		p.mu.Lock()
		p.places[""] = local
		p.mu.Unlock()
		p.chosen = local
		return local, nil
	default:
		refs = p.project.Showing()
	}
	var first error
	for _, ref := range refs {
		at := p.at(ref)
		_, _, err := at.ask(ctx)
		if err == nil || len(refs) == 1 {
			p.chosen = at
			return at, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if first == nil {
			first = err
		}
		p.app.Warnings.Add(fmt.Sprintf("%s; the next target is asked", failure.InOneLine(err)))
	}
	return nil, first
}
