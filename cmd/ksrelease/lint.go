package main

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/pipeline"
)

type lintCommand struct {
	selection
	Paths   []string `arg:"" optional:"" name:"path" help:"Only the extensions in these paths."`
	Explain string   `placeholder:"RULE" help:"Say what a rule asks for, why, and how to mend what it finds; needs no project."`
}

// Run takes the extensions through the pipeline up to lint.
func (c *lintCommand) Run(a *app) error {
	if c.Explain != "" {
		return a.explain(c.Explain)
	}
	return c.through(a, c.Paths, pipeline.StageLint, report.TextOptions{Findings: true, Done: "linted"})
}

type packageCommand struct {
	selection
	Paths []string `arg:"" optional:"" name:"path" help:"Only the extensions in these paths."`
	Skip  []string `enum:"lint" placeholder:"STAGE" help:"Leave this stage out: lint."`
}

// Run takes the extensions through the pipeline up to package.
func (c *packageCommand) Run(a *app) error {
	return c.through(a, c.Paths, pipeline.StagePackage, report.TextOptions{Done: "packed"}, c.Skip...)
}

// through runs the first stages of the pipeline, which need no server.
func (c *selection) through(a *app, paths []string, last string, text report.TextOptions, skip ...string) error {
	p, err := c.open(a)
	if err != nil {
		return err
	}
	sources, err := p.sources(paths)
	if err != nil {
		return err
	}
	options := pipeline.Options{Sources: sources, Only: c.Only, Through: last, Skip: skip}
	return c.perform(context.Background(), a, p, options, text, nil, nil)
}
