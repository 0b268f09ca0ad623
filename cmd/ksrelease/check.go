package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/baseline"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/worker"
	"github.com/ksrelease/ksrelease/pipeline"
)

type checkCommand struct {
	place
	deadline
}

// Run reads the config and every extension.yaml, and tells every problem of
// all of them. A broken config does not hide what is wrong with the
// extensions: those below its folder are read all the same.
func (c *checkCommand) Run(a *app) error {
	ctx, cancel := c.begin(a.stop)
	defer cancel()
	a.onlyReading.Add(1) // to the end
	defer a.onlyReading.Add(-1)
	var wrong diagnostic.List
	a.warnOnStderr()
	p, err := c.open(ctx, a)
	if err := gather(&wrong, err); err != nil {
		return err
	}
	var sources []config.Source
	known := &baseline.Baseline{}
	if p == nil {
		sources, err = reading(ctx, a, "looking for the extensions", func() ([]config.Source, error) { return c.salvage(&wrong) })
	} else {
		found, unread := p.baseline(ctx)
		if err := gather(&wrong, unread); err != nil {
			return err
		}
		known = cmp.Or(found, known)
		_, untrusted := p.servers()
		if err := gather(&wrong, untrusted); err != nil {
			return err
		}
		sources, err = p.sources(ctx, nil)
	}
	if err := gather(&wrong, err); err != nil {
		return err
	}

	configProblems := len(wrong)
	errorCount, warningCount := 0, 0
	seen := map[[2]string]string{}
	workers := worker.New(1)
	defer workers.Close()
	inspections, err := inspectAll(ctx, a, workers, sources, known)
	if err != nil {
		return err
	}
	for i, read := range inspections {
		s, name, version := sources[i], read.metadata.Name, read.metadata.Version
		for _, f := range read.found {
			switch f.severity {
			case lint.Error:
				errorCount++
			case lint.Warning:
				warningCount++
			}
			f.problem.Message = string(f.severity) + ": " + f.problem.Message
			wrong = append(wrong, f.problem)
		}
		if other, ok := seen[[2]string{name, version}]; ok && name != "" {
			errorCount++
			wrong = append(wrong, pipeline.Twice(s.Display, other, name, version))
		}
		seen[[2]string{name, version}] = s.Display
	}
	cyclic := inCycles(inspections)
	errorCount += len(cyclic)
	wrong = append(wrong, cyclic...)
	for _, p := range wrong {
		a.stdout.Print("%s", report.Problem(a.redact.problem(p), a.stdout.Columns()))
	}
	told := fmt.Sprintf("%s checked", plural(len(sources), "extension"))
	if p == nil {
		told = fmt.Sprintf("the config is broken; %s found below its folder and checked", plural(len(sources), "extension"))
	}
	switch {
	case configProblems+errorCount > 0:
		told += ": " + plural(configProblems+errorCount, "problem")
	default:
		told += ": no problems"
	}
	if warningCount > 0 {
		told += ", " + plural(warningCount, "warning")
	}
	a.stdout.Print("%s", told)
	switch {
	case configProblems > 0:
		return &outcomeError{code: exitUsage}
	case errorCount > 0:
		return &outcomeError{code: exitNotReleased}
	}
	return nil
}

// gather adds what an error tells of files to all that is wrong. Any other error
// it hands back.
func gather(wrong *diagnostic.List, err error) error {
	var problems diagnostic.List
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	*wrong = append(*wrong, problems...)
	return nil
}

// inspection is what there is to say of one extension. metadata is empty where it
// cannot be read.
type inspection struct {
	metadata extension.Metadata
	// needs are the extensions that it depends on, with the places where it says so.
	needs map[string]diagnostic.Diagnostic
	found []inspected
}

type inspected struct {
	severity lint.Severity
	problem  diagnostic.Diagnostic
}

// inspectAll inspects each extension, and those that depend on others among them
// once more, when the versions of all are known.
func inspectAll(ctx context.Context, a *app, workers *worker.Pool, sources []config.Source, known *baseline.Baseline) (all []inspection, err error) {
	all, beside := make([]inspection, len(sources)), map[string][]string{}
	for i, s := range sources {
		if all[i], err = inspect(ctx, a, workers, s, known, nil); err != nil {
			return nil, err
		}
		if name := all[i].metadata.Name; name != "" {
			beside[name] = append(beside[name], all[i].metadata.Version)
		}
	}
	for i, s := range sources {
		for name := range all[i].needs {
			if beside[name] != nil {
				if all[i], err = inspect(ctx, a, workers, s, known, beside); err != nil {
					return nil, err
				}
				break
			}
		}
	}
	return all, nil
}

// inCycles tells the extensions that need each other, as a run does when it orders
// them.
func inCycles(all []inspection) diagnostic.List {
	read := slices.DeleteFunc(slices.Clone(all), func(i inspection) bool { return i.metadata.Name == "" })
	var metadata []extension.Metadata
	for _, i := range read {
		metadata = append(metadata, i.metadata)
	}
	var problems diagnostic.List
	for i, cycle := range pipeline.CheckCycles(metadata) {
		if cycle.Err == nil {
			continue
		}
		p := read[i].needs[cycle.Next]
		p.Message, p.Hint = "error: "+cycle.Err.Error(), pipeline.Remedy(cycle.Err)
		problems = append(problems, p)
	}
	slices.SortStableFunc(problems, func(a, b diagnostic.Diagnostic) int { return strings.Compare(a.Message, b.Message) })
	return problems
}

// inspect reads one extension, and says what is wrong with its extension.yaml and
// not known. beside are the versions of the extensions around it, by name.
func inspect(ctx context.Context, a *app, workers *worker.Pool, s config.Source, known *baseline.Baseline, beside map[string][]string) (inspection, error) {
	ext, err := reading(ctx, a, "reading "+s.Display, func() (*extension.Extension, error) {
		return extension.Load(s.Path, extension.Options{Display: s.Display, Ignore: []string{s.Settings.Package.Output}})
	})
	var early *cutError
	if errors.As(err, &early) {
		return inspection{}, err
	}
	if err != nil {
		var problems diagnostic.List
		if !errors.As(err, &problems) {
			problems = diagnostic.List{{File: s.Display, Message: err.Error(), Hint: pipeline.Remedy(err)}}
		}
		var unreadable inspection
		for _, p := range problems {
			unreadable.found = append(unreadable.found, inspected{lint.Error, p})
		}
		return unreadable, nil
	}
	told := inspection{metadata: ext.Metadata, needs: map[string]diagnostic.Diagnostic{}}
	for i, d := range ext.Metadata.ExternalDependencies {
		told.needs[d.Name] = ext.Document.Problem("", "", "externalDependencies", strconv.Itoa(i), "name")
	}
	limits := lint.Limits{Time: s.Settings.Lint.Timeout, Memory: s.Settings.Lint.Memory}
	report, err := workers.ExamineMetadata(ctx, ext, lint.Options{Severities: severities(s), Siblings: beside}, limits)
	switch {
	case ctx.Err() != nil:
		return inspection{}, &cutError{fmt.Errorf("%w while checking %s", context.Cause(ctx), s.Display)}
	case err != nil:
		return inspection{}, fmt.Errorf("checking %s: %w", s.Display, err)
	}
	fresh, _ := known.Sift(ext.Metadata.Name, ext.Path, report.Findings)
	for _, f := range fresh {
		told.found = append(told.found, inspected{f.Severity, diagnostic.Diagnostic{
			File: f.File, Range: diagnostic.At(f.Line, f.Column), Message: f.Message + " (" + f.Code + ")", Hint: f.Hint, Excerpt: f.Excerpt,
		}})
	}
	return told, nil
}

func severities(s config.Source) map[string]lint.Severity {
	set := map[string]lint.Severity{}
	for rule, severity := range s.Settings.Lint.Rules {
		set[rule] = lint.Severity(severity)
	}
	return set
}

// salvage finds the extensions below the folder of a config that cannot be
// used. What it cannot look into is added to all that is wrong: it must not hide
// what is wrong with the config.
func (c *checkCommand) salvage(wrong *diagnostic.List) ([]config.Source, error) {
	file, err := c.file()
	if err != nil {
		return nil, err
	}
	root := filepath.Dir(file)
	dirs, odd := searchExtensions(root)
	for _, d := range odd {
		d.File = display(d.File)
		*wrong = append(*wrong, d)
	}
	var sources []config.Source
	for _, dir := range dirs {
		path := filepath.Join(root, dir)
		sources = append(sources, config.Source{Path: path, Display: display(path), Settings: config.Default(root).Defaults})
	}
	return sources, nil
}

// findExtensions is searchExtensions for who needs all of them: the first odd place is
// an error.
func findExtensions(root string) ([]string, error) {
	found, odd := searchExtensions(root)
	if len(odd) > 0 {
		return nil, usage(fmt.Errorf("looking for extensions: %s: %s", odd[0].File, odd[0].Message), odd[0].Hint)
	}
	return found, nil
}

// searchExtensions lists the directories below root that hold an
// extension.yaml, relative to root and sorted. What is below an extension
// belongs to it, and hidden folders, packages of npm and vendored sources hold
// no extensions of this project. A place that is odd is passed over and returned.
func searchExtensions(root string) (found []string, odd diagnostic.List) {
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			odd = append(odd, diagnostic.Diagnostic{
				Code: config.CodeUnreadable, Severity: diagnostic.Error, File: path,
				Message: "cannot be read: " + plainCause(err), Hint: "make it readable to the user that runs ksrelease, or move it elsewhere",
			})
			if d != nil && !d.IsDir() {
				return nil
			}
			return filepath.SkipDir
		}
		if !d.IsDir() {
			return nil
		}
		name := d.Name()
		if path != root && (name[0] == '.' || name == "node_modules" || name == "vendor") {
			return filepath.SkipDir
		}
		is, wrong := config.Examine(path)
		if wrong != nil {
			odd = append(odd, *wrong)
			return filepath.SkipDir
		}
		if !is {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			relative = path
		}
		found = append(found, filepath.ToSlash(relative))
		return filepath.SkipDir
	})
	return found, odd
}

// plainCause is the cause of an error of a file, without its path.
func plainCause(err error) string {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err.Error()
	}
	return err.Error()
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
