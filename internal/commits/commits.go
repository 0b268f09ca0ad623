// Package commits reads what the commits of a repository have, through the submodules that are
// checked out, and writes parts of them to folders.
package commits

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"sync"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/shellword"
)

// Repository is one whose objects are read: that of a project, or a submodule in it. It may be
// used by several goroutines. Close ends it.
type Repository struct {
	*git.Repository
	Objects *git.Objects

	prefix  string // of a submodule: its path in that of the project, with a slash at the end
	mu      sync.Mutex
	modules map[string]*Repository // by their paths in this one
}

// Open begins to read the objects of a repository. The processes end with the context, or by
// Close.
func Open(ctx context.Context, r *git.Repository) (*Repository, error) {
	objects, err := r.Objects(ctx)
	if err != nil {
		return nil, err
	}
	return &Repository{Repository: r, Objects: objects, modules: map[string]*Repository{}}, nil
}

// Close ends the processes of git.
func (r *Repository) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, module := range r.modules {
		module.Close()
	}
	r.Objects.Close()
}

// Place is where a commit has something.
type Place struct {
	// Repository has it: that of the project or a submodule.
	Repository *Repository
	// Commit is that of the repository, and Path where it is there, without links on the way.
	Commit, Path string
	Entry        git.Entry
}

// InProject is the path in the repository of the project, without links on the way.
func (p *Place) InProject() string { return path.Join(p.Repository.prefix, p.Path) }

// Below looks for what is at a path below a folder, which is in the same repository.
func (p *Place) Below(name string) (found git.Found, ok bool, err error) {
	return p.Repository.Objects.Lookup(p.Commit, path.Join(p.Path, name))
}

// Find finds what is at a path in a commit, as git.Objects.Lookup does, and in submodules, too;
// nil where there is nothing. The error of a submodule that is not checked out, or lacks the
// commit, has a hint.
func (r *Repository) Find(ctx context.Context, commit, name string) (*Place, error) {
	for {
		found, ok, err := r.Objects.Lookup(commit, name)
		if err != nil || !ok {
			return nil, err
		}
		if found.Mode != git.ModeSubmodule {
			return &Place{Repository: r, Commit: commit, Path: found.Path, Entry: found.Entry}, nil
		}
		if r, err = r.module(ctx, found.Path, found.Object); err != nil {
			return nil, err
		}
		commit, name = found.Object, path.Join(".", found.Below)
	}
}

// errNotCheckedOut is the error of a submodule that has no files.
var errNotCheckedOut = errors.New("it is not checked out")

// module is the submodule at a path, which has to have a commit.
func (r *Repository) module(ctx context.Context, at, commit string) (*Repository, error) {
	shown := shellword.Quote(r.prefix + at)
	module, err := r.openModule(ctx, at, shown)
	if err != nil {
		return nil, err
	}
	_, err = module.Objects.Tree(commit)
	switch {
	case git.ReasonOf(err) == git.NotFetched:
		return nil, failure.WithHint(fmt.Errorf("the submodule %s does not have the commit %s", shown, git.Short(commit)), "git -C %s fetch --unshallow, or git -C %s fetch where the clone is not shallow", shown, shown)
	case err != nil:
		return nil, fmt.Errorf("the submodule %s: %w", shown, err)
	}
	return module, nil
}

func (r *Repository) openModule(ctx context.Context, at, shown string) (*Repository, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.modules[at]; ok {
		return known, nil
	}
	repository, err := git.Open(ctx, filepath.Join(r.Top, filepath.FromSlash(at)))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil, repository.Top == r.Top:
		return nil, failure.WithHint(fmt.Errorf("the submodule %s: %w", shown, errNotCheckedOut), "git submodule update --init --recursive %s", shown)
	}
	module, err := Open(ctx, repository)
	if err != nil {
		return nil, err
	}
	module.prefix = r.prefix + at + "/"
	r.modules[at] = module
	return module, nil
}
