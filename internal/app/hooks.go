package app

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/hooks"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/worktree"
)

// HookFlags is the flag of commands that run hooks only where that is asked for: those are
// commands of the repository, which may be a stranger's.
type HookFlags struct {
	Hooks bool `help:"Run the hooks of the config, too: commands of the repository, which may write to it."`
}

// HookRun is what a command runs hooks for.
type HookRun struct {
	Run     bool   // run them at all
	Command string // the name of the command
	DryRun  bool   // nothing is released or packaged
	Output  string // the folder for packages; empty: that of the config
	Quiet   bool   // print nothing while those of the project are at work
}

// BeginHooks runs the hooks of the project that come before everything else. From then on the
// options of a run have its hooks, and the command runs those that come last.
func (p *Project) BeginHooks(ctx context.Context, run HookRun) error {
	p.mayRunHooks = true
	if !run.Run {
		return nil
	}
	p.RunCommands()
	output := p.Config.Defaults.Package.Output
	if run.Output != "" {
		var err error
		if output, err = filepath.Abs(run.Output); err != nil {
			return err
		}
	}
	set := hooks.New(hooks.Options{
		Before: p.Config.Before, After: p.Config.After, Root: p.Root, Environment: p.app.Environment(),
		Variables: map[string]string{
			"KSRELEASE_COMMAND": run.Command, "KSRELEASE_DRY_RUN": strconv.FormatBool(run.DryRun), "KSRELEASE_OUTPUT": output,
		},
		Redact: p.app.Redact.Text, Secret: p.app.Redact.Add,
	})
	p.app.hooks.Store(set)
	p.lookBeforeHooks(ctx)
	observe := p.app.showHook
	if run.Quiet {
		observe = func(results.Hook) {}
	}
	return set.Begin(ctx, observe)
}

// Environment is that of the program, NAME=value, as Env has it.
func (a *App) Environment() (all []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if value, ok := a.Env(name); ok && name != "" {
			all = append(all, name+"="+value)
		}
	}
	return all
}

// showHook says which hook of the project begins.
func (a *App) showHook(h results.Hook) {
	if h.Status == results.StageStarted {
		a.Stderr.Print("%s: %s", h.Stage, a.Redact.Text(hooks.Short(h.Run)))
	}
}

// endHooks runs the last hooks of a command that was ended before its run could.
func (a *App) endHooks() {
	set := a.hooks.Load()
	if set == nil {
		return
	}
	outcome := hooks.OutcomeFailed
	if a.Stop.Err() != nil {
		outcome = hooks.OutcomeInterrupted
	}
	if err := set.End(a.Stop, outcome, a.showHook); err != nil {
		a.warn(err.Error())
	}
}

// lookBeforeHooks finds out what is not committed before hooks write. Where git cannot say, that
// is said when it is needed.
func (p *Project) lookBeforeHooks(ctx context.Context) {
	writes := len(p.Config.Before) > 0 || slices.ContainsFunc(p.Config.Entries, func(e config.Entry) bool { return len(e.Settings.Before) > 0 })
	if !writes {
		return
	}
	sources, err := p.Config.Sources(p.Root, func(string) {})
	if err != nil { // hooks may make what is missing
		sources = nil
	}
	if tree, err := worktree.Open(ctx, p.GitFolder(ctx, sources)); err == nil {
		_ = tree.Look(ctx)
		p.tree = tree
	}
}

// warnOfHooks says that a plan was made without the hooks that there are.
func (p *Project) warnOfHooks(sources []config.Source) {
	has := len(p.Config.Before) > 0 || slices.ContainsFunc(sources, func(s config.Source) bool { return len(s.Settings.Before) > 0 })
	if !has || p.app.hooks.Load() != nil {
		return
	}
	message := "hooks were not run: what they write is missing here, and a run may come out otherwise"
	if p.mayRunHooks {
		message += "; --hooks runs them"
	}
	p.warn(message)
}

// RunCommands allows targets that are commands of the config (kind exec) to be run. Whoever only
// reads, and is not asked for it by --hooks, leaves them: on pull requests they may be a
// stranger's, as hooks may.
func (p *Project) RunCommands() { p.runs = true }

// idle says what would run the targets that are commands of the config; empty where they are run.
func (p *Project) idle() string {
	switch {
	case p.runs:
		return ""
	case p.mayRunHooks:
		return "--hooks runs it"
	}
	return "commands of the config are run by ksrelease run"
}

// BeginHooks is that of the project, for a run. Its reports say meanwhile that it has not come
// to anything else.
func (c *Selection) BeginHooks(ctx context.Context, p *Project, run HookRun) error {
	if run.Run && len(p.Config.Before) > 0 {
		c.reportBeginning(run)
	}
	run.Quiet = c.Output == "json" || c.Quiet
	return p.BeginHooks(ctx, run)
}

// reportBeginning has the reports that were asked for say that the run has not come to its
// extensions, in place of older ones, while hooks of the project are at work. What cannot be
// written is said when they are opened.
func (c *Selection) reportBeginning(run HookRun) {
	for _, asked := range c.Report {
		to, err := report.ParseDestination(asked)
		if err != nil {
			return
		}
		_ = to.WriteFailed(Tool(), results.Document{
			SchemaVersion: 1, Command: run.Command, Tool: MadeBy(), DryRun: run.DryRun && run.Command == "run", Started: time.Now(),
			Error: &results.CommandError{Message: "the hooks of the project, which come before everything else, have not ended"},
		})
	}
}
