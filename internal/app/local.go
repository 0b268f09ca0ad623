package app

import (
	"cmp"
	"context"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/shellword"
)

// LocalFlags are for commands that may work on a local marketplace.
type LocalFlags struct {
	Local    bool   `help:"Use the local marketplace of this project, in .ksrelease/marketplace."`
	LocalDir string `placeholder:"DIR" help:"Use the local marketplace in this folder."`
}

// IsLocal says whether either flag was given.
func (f LocalFlags) IsLocal() bool { return f.Local || f.LocalDir != "" }

// Folder is the folder of the local marketplace of a project.
func (f LocalFlags) Folder(p *Project) string { return cmp.Or(f.LocalDir, localDir(p.Root)) }

// Words are the flags as they were given, quoted for a shell.
func (f LocalFlags) Words() (words []string) {
	if f.Local {
		words = append(words, "--local")
	}
	if f.LocalDir != "" {
		words = append(words, "--local-dir", shellword.Quote(f.LocalDir))
	}
	return words
}

// Dial makes the clients of a command that asks what is published: of the first target of the
// config that shows its versions, or of the local marketplace.
func (f LocalFlags) Dial(ctx context.Context, a *App, p *Project) (*Clients, error) {
	return a.Dial(ctx, p, DialOptions{At: f.ForReading(), Dir: f.Folder(p), Targets: []string{p.showingTarget().Name}, Parallelism: p.Config.Parallelism})
}

// DialAll makes the clients of a command that changes nothing itself and asks all targets, or
// those that are named.
func (f LocalFlags) DialAll(ctx context.Context, a *App, p *Project, targets TargetFlags) (*Clients, error) {
	if err := a.CheckTargets(p, f, targets); err != nil {
		return nil, err
	}
	return a.Dial(ctx, p, DialOptions{At: f.ForReading(), Dir: f.Folder(p), Targets: targets.Target, Parallelism: p.Config.Parallelism})
}

// DialRefs is DialAll for targets that are named as ResolveTarget has it.
func (f LocalFlags) DialRefs(ctx context.Context, a *App, p *Project, refs ...string) (*Clients, error) {
	if len(refs) == 0 || f.IsLocal() {
		return f.DialAll(ctx, a, p, TargetFlags{refs})
	}
	return a.resolveTargets(ctx, p, refs, p.Config.Parallelism)
}

// ForReading says which marketplace a command works on that changes nothing itself.
func (f LocalFlags) ForReading() Where {
	if f.IsLocal() {
		return LocalForReading
	}
	return Configured
}

// localDir is where a project keeps its local marketplace.
func localDir(root string) string { return filepath.Join(root, ".ksrelease", "marketplace") }
