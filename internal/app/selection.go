package app

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/ci"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lintcache"
	"github.com/ksrelease/ksrelease/internal/progress"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shards"
	"github.com/ksrelease/ksrelease/internal/worker"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Selection are the flags that say which extensions, and how the run is reported.
type Selection struct {
	Place
	Deadline
	CacheFlag
	Only []string `placeholder:"NAME" xor:"chosen" help:"Only the extensions of these names."`
	Asked
	Shard shards.Shard `placeholder:"I/N" help:"Only the I-th of N parts of about the same work. What requires each other is in one part."`
	Since
	Parallelism commandline.Count `placeholder:"N" help:"Extensions at work at once; default: parallelism of the config, or 8."`
	Output      string            `enum:"text,json" default:"text" help:"text, or json: one event a line on standard output."`
	Quiet       bool              `short:"q" help:"Print only what is not as asked: nothing where all is well."`
	ci.Flag
	Report []string `placeholder:"FILE" help:"Also write a report: ${reports}. The ending chooses the form, or FORMAT=FILE. May be repeated."`
	// Page makes the report that is a page, of a run with these options; nil: as it is made of a journal.
	Page func(ctx context.Context, options *pipeline.Options) func(*results.Document) ([]byte, error) `kong:"-"`
}

// Read reads the project: its config, its extensions, and the findings that are known. The
// hooks of the project that come first are run before, if the command runs hooks.
func (c *Selection) Read(ctx context.Context, a *App, paths []string, hooks HookRun) (*Project, pipeline.Options, error) {
	p, err := c.Open(ctx, a)
	if err != nil {
		return nil, pipeline.Options{}, err
	}
	options, err := c.ReadIn(ctx, p, paths, hooks)
	return p, options, err
}

// ReadIn is Read for a project that is open.
func (c *Selection) ReadIn(ctx context.Context, p *Project, paths []string, hooks HookRun) (pipeline.Options, error) {
	if err := c.BeginHooks(ctx, p, hooks); err != nil {
		return pipeline.Options{}, err
	}
	return p.Start(ctx, paths)
}

// Perform runs the pipeline and reports as the flags ask. The result is that of a run that came
// to its end, without secrets; it is nil where there was none.
func (c *Selection) Perform(ctx context.Context, a *App, p *Project, options pipeline.Options, text report.TextOptions) (*results.Document, error) {
	options.Parallelism, options.Shard = c.ParallelismOf(p), c.Shard
	said := p.askGit(ctx, options.Sources, options.Through != results.StageLint)
	defer said.Close()
	options.Revision = said.Revision
	if err := c.Asked.apply(ctx, a, p, &options); err != nil {
		return nil, err
	}
	giveBack, err := p.equip(&options, said)
	if err != nil {
		return nil, err
	}
	defer giveBack()
	if err := c.Since.Apply(ctx, a, p, &options); err != nil {
		return nil, err
	}

	job := ci.In(c.CI, a.Env, a.warn)
	asked, err := report.ParseDestinations(c.Report)
	if err != nil {
		return nil, Usage(err, "")
	}
	destinations, err := report.ParseDestinations(append(slices.Clip(c.Report), job.Reports(options.Command)...))
	if err != nil {
		return nil, Usage(err, "")
	}
	for i := range asked {
		if asked[i].Format.Name == "html" && c.Page != nil {
			of := c.Page(ctx, &options)
			asked[i].Format.Render = func(r *results.Document, _ report.Tool) ([]byte, error) { return of(r) }
		}
	}
	c.removeLeftovers(destinations, options)
	files, err := report.Open(asked, Tool(), job.Files(destinations[len(asked):], Tool(), a.Stderr)...)
	if err != nil {
		return nil, Usage(err, "name a file in a folder that can be written to")
	}
	defer files.Close()
	for _, d := range destinations {
		if absolute, err := filepath.Abs(d.Path); err == nil {
			options.Ignore = append(options.Ignore, absolute)
		}
	}
	announcer := a.announcer(ctx, p, &options)
	defer announcer.Close()
	observer := results.Lasting(report.All(append(files.Observers(), c.printer(a, text))...))
	if !c.Quiet {
		board := progress.NewBoard(a.Stderr, progress.BoardOptions{Color: a.HasColor(a.Stderr), Redraws: c.Output != "json", Stop: ctx})
		defer board.Close()
		observer = report.All(board, observer)
	}
	options.Observer = a.Redact.Observer(observer)
	options.Kept = func(ctx context.Context) {
		files.Wait(ctx)
		if c.Output == "json" {
			a.Stdout.Keep(ctx)
		}
	}
	run := pipeline.New(options)
	a.Warnings.To(run.Warn)
	for _, warning := range packedLater(destinations, options.Sources) {
		run.Warn(warning)
	}
	// Who interrupts a run should see at once that it has understood.
	defer context.AfterFunc(a.Stop, func() {
		run.Note("interrupted: nothing new is begun, and what is in flight is brought to its end; once more ends it at once")
	})()
	result, err := run.Do(ctx)
	if err != nil {
		return nil, Usage(err, "")
	}
	a.reported = true
	result = a.Redact.Document(result)
	switch unwritten := files.Close(); {
	case unwritten != nil:
		return result, unwritten
	case result.AsAsked():
		return result, nil
	case run.AuthRefused() != nil:
		return result, &OutcomeError{ExitAuth}
	default:
		return result, &OutcomeError{ExitNotReleased}
	}
}

// ExamineInWorkers has the extensions of a run looked at in processes of their own,
// until over is called.
func (a *App) ExamineInWorkers(options *pipeline.Options) (over func()) {
	if a.InProcess {
		options.Examiner = worker.InProcess{}
		return func() {}
	}
	workers := worker.New(options.Parallelism)
	options.Examiner = workers
	if kept := a.openCache(); kept != nil {
		options.Examiner = lintcache.New(workers, kept)
	}
	return workers.Close
}

// removeLeftovers removes what runs that were killed left in the folders that this one
// writes to. What cannot be removed is no reason not to run.
func (c *Selection) removeLeftovers(reports []report.Destination, options pipeline.Options) {
	folders := map[string]bool{}
	for _, d := range reports {
		folders[filepath.Dir(d.Path)] = true
	}
	if !options.DryRun && options.Through != results.StageLint {
		for _, s := range options.Sources {
			folders[s.Settings.Package.Output] = true
		}
	}
	for folder := range folders {
		_ = atomicfile.RemoveLeftovers(folder)
	}
}

// packedLater warns of reports that lie in an extension: this run does not pack them,
// but one that does not know of them would, and report drift.
func packedLater(reports []report.Destination, sources []config.Source) []string {
	var warnings []string
	for _, d := range reports {
		file := d.Path
		for _, s := range sources {
			if extension.WouldPack(s.Path, file, extension.Options{Ignore: []string{s.Settings.Package.Output}}) {
				warnings = append(warnings, fmt.Sprintf("the report %s lies in the extension %s and would be packed by a run without it: write it elsewhere, such as %s, or leave it out with .helmignore",
					file, s.Display, Display(filepath.Join(filepath.Dir(s.Path), filepath.Base(file)))))
			}
		}
	}
	return warnings
}

// ParallelismOf is that of the flag, else that of the config.
func (c *Selection) ParallelismOf(p *Project) int {
	if c.Parallelism > 0 {
		return int(c.Parallelism)
	}
	return p.Config.Parallelism
}

// printer prints the run to the standard streams.
func (c *Selection) printer(a *App, options report.TextOptions) results.Observer {
	if c.Output == "json" {
		return report.Events(a.Stdout)
	}
	options.Color = a.HasColor(a.Stdout)
	options.Width = a.Stdout.Columns()
	options.Quiet = c.Quiet
	return report.NewText(a.Stdout, a.Stderr, options)
}
