package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/baseline"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/pipeline"
)

type checkCommand struct {
	place
	deadline
}

// Run reads the config and every extension.yaml, and reports every problem of
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
	options := p.options(sources, known)
	options.Parallelism = 1
	defer a.examineInWorkers(&options)()
	extensions, cycles, err := pipeline.New(options).Check(ctx)
	if err != nil && ctx.Err() != nil {
		return &cutError{err}
	}
	if err != nil {
		return err
	}
	errorCount, warningCount := 0, 0
	note := func(all diagnostic.List) {
		for _, d := range all {
			switch d.Severity {
			case diagnostic.Error:
				errorCount++
			case diagnostic.Warning:
				warningCount++
			}
			d.Message = string(d.Severity) + ": " + d.Message
			wrong = append(wrong, d)
		}
	}
	for _, x := range extensions {
		note(x.Problems)
		if x.Twice != nil {
			errorCount++
			wrong = append(wrong, *x.Twice)
		}
	}
	note(cycles)
	for _, p := range wrong {
		a.stdout.Print("%s", report.Problem(a.redact.Diagnostic(p), a.stdout.Columns()))
	}
	summary := fmt.Sprintf("%s checked", plural(len(extensions), "extension"))
	if p == nil {
		summary = fmt.Sprintf("the config is broken; %s found below its folder and checked", plural(len(extensions), "extension"))
	}
	switch {
	case configProblems+errorCount > 0:
		summary += ": " + plural(configProblems+errorCount, "problem")
	default:
		summary += ": no problems"
	}
	if warningCount > 0 {
		summary += ", " + plural(warningCount, "warning")
	}
	a.stdout.Print("%s", summary)
	switch {
	case configProblems > 0:
		return &outcomeError{code: exitUsage}
	case errorCount > 0:
		return &outcomeError{code: exitNotReleased}
	}
	return nil
}

// gather adds what an error says of files to all that is wrong. Any other error
// it hands back.
func gather(wrong *diagnostic.List, err error) error {
	var problems diagnostic.List
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	*wrong = append(*wrong, problems...)
	return nil
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
