package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/baseline"
	"github.com/ksrelease/ksrelease/internal/explaining"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/pipeline"
)

// asked is the rule that somebody asks about, as the value of a flag; where none is named, all of
// them.
type asked string

// allRules is no name that a rule can have.
const allRules asked = "*"

// Decode takes the word behind the flag, if there is one.
func (r *asked) Decode(ctx *kong.DecodeContext) error {
	if !ctx.Scan.Peek().IsValue() {
		*r = allRules
		return nil
	}
	var name string
	if err := ctx.Scan.PopValueInto("RULE", &name); err != nil {
		return err
	}
	if *r = asked(name); name == "" {
		*r = allRules
	}
	return nil
}

type lintCommand struct {
	app.Selection
	app.HookFlags
	Paths         []string `arg:"" optional:"" name:"path" help:"Only the extensions in these paths."`
	Explain       asked    `placeholder:"RULE" may-be-empty:"" value-optional:"" xor:"instead" help:"Say what a rule asks for, why, and how to fix what it finds; without a rule, list them. Needs no project."`
	All           bool     `help:"Show each finding. Otherwise many are grouped by their cause, and the worst of each is shown."`
	Strict        bool     `help:"Let no extension pass that has warnings."`
	WriteBaseline bool     `xor:"instead" help:"Take all findings for known: write them to ${baseline}, and report only new ones from now on."`
}

// Run takes the extensions through the pipeline up to lint.
func (c *lintCommand) Run(a *app.App) error {
	switch c.Explain {
	case "":
	case allRules:
		explaining.List(a)
		return nil
	default:
		return explaining.Explain(a, string(c.Explain))
	}
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	if err := c.BeginHooks(ctx, p, app.HookRun{Run: c.Hooks, Command: "lint", DryRun: true}); err != nil {
		return err
	}
	sources, err := p.Sources(ctx, c.Paths)
	if err != nil {
		return err
	}
	if c.WriteBaseline {
		return c.writeBaseline(ctx, a, p, sources)
	}
	known, err := p.Baseline(ctx)
	if err != nil {
		return err
	}
	_, err = c.lint(ctx, a, p, sources, known)
	if gone := known.Gone(err == nil && !c.narrowed()); gone > 0 {
		a.Stderr.Print("info: %s of %s %s no longer there\n  → to drop them: %s",
			app.Plural(gone, "finding"), p.BaselineFile(), isOrAre(gone), c.writeLine())
	}
	return err
}

func (c *lintCommand) lint(ctx context.Context, a *app.App, p *app.Project, sources []config.Source, known pipeline.Baseline) (*results.Document, error) {
	options := p.Options(sources, known)
	options.Command, options.Only, options.Through, options.Strict = "lint", c.Only, results.StageLint, c.Strict
	return c.Perform(ctx, a, p, options, report.TextOptions{Findings: !c.Quiet || c.Strict, All: c.All, ShowAll: c.allLine})
}

// writeBaseline takes all findings that there are for known. Those of extensions
// that were not asked for, or could not be looked at, stay as they are.
func (c *lintCommand) writeBaseline(ctx context.Context, a *app.App, p *app.Project, sources []config.Source) error {
	var found baseline.Recorder
	result, err := c.lint(ctx, a, p, sources, &found)
	unread, ok := unreadOf(result, err)
	if !ok || ctx.Err() != nil {
		a.Stderr.Print("%s is not written: not all extensions were looked at", p.BaselineFile())
		return err
	}
	if c.narrowed() || len(unread) > 0 {
		old, unusable := p.Baseline(ctx)
		if unusable != nil {
			a.Stderr.Print("%s is not written: it cannot be read, and it may know of extensions that were not looked at", p.BaselineFile())
			return unusable
		}
		var names []string
		for _, x := range unread {
			names = append(names, x.Name)
		}
		found.Keep(old, names...)
	}
	_ = atomicfile.RemoveLeftovers(p.Root)
	if err := found.Write(p.BaselineFile()); err != nil {
		return err
	}
	if n, extensions := found.Count(); n > 0 {
		a.Stderr.Print("wrote %s: %s of %s", p.BaselineFile(), app.Plural(n, "finding"), app.Plural(extensions, "extension"))
		a.Stderr.Print("→ next: commit it; from now on lint and check report what is not in it")
	} else {
		a.Stderr.Print("there are no findings, and no need for %s", p.BaselineFile())
	}
	for _, x := range unread {
		a.Stderr.Print("%s: not all findings of this extension are known; what the baseline has of it is left as it was", whereFailed(x))
	}
	return err
}

// unreadOf are the extensions of a run that could not be looked at; ok says that all others were.
func unreadOf(result *results.Document, err error) (unread []results.Extension, ok bool) {
	if err == nil {
		return nil, true
	}
	var ended *app.OutcomeError
	if !errors.As(err, &ended) || ended.Code != app.ExitNotReleased {
		return nil, false
	}
	for _, x := range result.Extensions {
		if !x.AsAsked {
			unread = append(unread, x)
		}
	}
	return unread, true
}

// whereFailed is the file that is to blame for an extension, or the extension.
func whereFailed(x results.Extension) string {
	for _, f := range x.Findings {
		if f.Severity == string(lint.Error) && f.File != "" {
			return f.File
		}
	}
	return x.Path
}

// writeLine is the command line that writes the baseline of this project anew.
func (c *lintCommand) writeLine() string {
	words := append([]string{"ksrelease", "lint", "--write-baseline"}, c.Words()...)
	if c.Hooks {
		words = append(words, "--hooks")
	}
	return strings.Join(words, " ")
}

// allLine is the command line that shows each finding of this run.
func (c *lintCommand) allLine() string {
	words := append([]string{"ksrelease", "lint", "--all"}, c.Words()...)
	if c.Strict {
		words = append(words, "--strict")
	}
	if c.Hooks {
		words = append(words, "--hooks")
	}
	words = append(words, c.Given()...)
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, shellword.Quote(value))
		}
	}
	if !c.Shard.IsWhole() {
		add("--shard", c.Shard.String())
	}
	add("--since", c.Ref)
	add("--only", strings.Join(c.Only, ","))
	for _, path := range c.Paths {
		words = append(words, shellword.Quote(path))
	}
	return strings.Join(words, " ")
}

// narrowed says that there may be extensions that are not looked at.
func (c *lintCommand) narrowed() bool {
	return len(c.Paths) > 0 || len(c.Only) > 0 || c.Any() || !c.Shard.IsWhole() || c.Ref != ""
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

type packageCommand struct {
	app.Selection
	Paths     []string `arg:"" optional:"" name:"path" help:"Only the extensions in these paths."`
	Skip      []string `enum:"lint" placeholder:"STAGE" help:"Leave this stage out: lint."`
	OutputDir string   `placeholder:"DIR" help:"Leave the packages there; default: package.output of the config, or dist."`
	Sizes     bool     `help:"Report where the bytes of each package go when it is pushed, and what would make it smaller."`
}

// Run takes the extensions through the pipeline up to package.
func (c *packageCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	p, options, err := c.Read(ctx, a, c.Paths, app.HookRun{Run: true, Command: "package", Output: c.OutputDir})
	if err != nil {
		return err
	}
	if c.OutputDir != "" {
		dir, err := filepath.Abs(c.OutputDir)
		if err != nil {
			return err
		}
		for i := range options.Sources {
			options.Sources[i].Settings.Package.Output = dir
		}
	}
	options.Command, options.Only, options.Through, options.Skip = "package", c.Only, results.StagePackage, c.Skip
	options.Sizes, options.Targets = c.Sizes, []target.Place{target.Marketplace(kscloud.Unconnected(p.Config.Cloud.Server))}
	if _, err := p.SignWith(ctx, &options, false); err != nil {
		return err
	}
	_, err = c.Perform(ctx, a, p, options, report.TextOptions{})
	return err
}
