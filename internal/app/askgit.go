package app

import (
	"context"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/worktree"
	"github.com/ksrelease/ksrelease/pipeline"
)

// gitAnswers are what git says of the work tree of a run. Its processes take some milliseconds each, and what
// they say is needed when extensions are read; so it is asked meanwhile.
type gitAnswers struct {
	done     chan struct{} // closed when the others are there
	revision string
	tree     *worktree.Tree
}

// askGit begins to ask git about extensions: for the commit that is checked out, and, if the run is to know
// what is not committed, for the work tree. What git has not said by the end of ctx is not waited for. Close has
// to be called.
func (p *Project) askGit(ctx context.Context, sources []config.Source, forTree bool) *gitAnswers {
	g := &gitAnswers{done: make(chan struct{})}
	go func() {
		defer close(g.done)
		dir := p.GitFolder(graceful.Finish(ctx), sources)
		if forTree {
			g.tree = p.tree
		}
		if !git.MayHold(dir) {
			return
		}
		if forTree && g.tree == nil {
			// git is not needed: without it nothing is known of what is committed.
			if tree, err := worktree.Open(ctx, dir); err == nil {
				g.tree, g.revision = tree, tree.Revision()
				return
			}
		}
		g.revision = git.Commit(graceful.Finish(ctx), dir)
	}()
	return g
}

// Revision waits for the commit that is checked out; empty where there is none.
func (g *gitAnswers) Revision() string {
	<-g.done
	return g.revision
}

// WorkTree waits for what knows what is not committed; nil where nothing does.
func (g *gitAnswers) WorkTree() pipeline.WorkTree {
	if <-g.done; g.tree == nil {
		return nil
	}
	return g.tree
}

// Close ends the processes of git.
func (g *gitAnswers) Close() {
	if <-g.done; g.tree != nil {
		g.tree.Close()
	}
}
