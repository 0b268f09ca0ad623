package app

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/pipeline"
)

// DryRun plans a run for a command that shows in a form of its own what comes of it: there are no
// events and no reports. Since narrows it; its zero value does not. Warnings are in the result.
func (p *Project) DryRun(ctx context.Context, options pipeline.Options, since Since) (*pipeline.Run, *results.Document, error) {
	options.DryRun = true
	giveBack, err := p.Equip(&options)
	if err != nil {
		return nil, nil, err
	}
	defer giveBack()
	if err := since.Apply(ctx, p.app, p, &options); err != nil {
		return nil, nil, err
	}
	run := pipeline.New(options)
	result, err := run.Do(ctx)
	if err != nil {
		return nil, nil, Usage(err, "")
	}
	return run, result, nil
}
