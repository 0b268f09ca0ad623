package worker

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// InProcess looks at extensions in this process, and keeps no limits.
type InProcess struct{}

// Examine is that of a Pool.
func (InProcess) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, _ lint.Limits) (lint.Report, error) {
	report := lint.Examine(ctx, ext, opts)
	return report, ctx.Err()
}

// ExamineMetadata is that of a Pool.
func (InProcess) ExamineMetadata(ctx context.Context, ext *extension.Extension, opts lint.Options, _ lint.Limits) (lint.Report, error) {
	report := lint.ExamineMetadata(ctx, ext, opts)
	return report, ctx.Err()
}

// Sizes is that of a Pool.
func (InProcess) Sizes(ctx context.Context, ext *extension.Extension, urls extension.URLs, size int64, _ lint.Limits) (*weight.Report, error) {
	return weight.Of(ctx, ext, urls, size)
}

// Footprint is that of a Pool.
func (InProcess) Footprint(ctx context.Context, ext *extension.Extension, _ lint.Limits) (*footprint.Footprint, error) {
	return footprint.Of(ctx, ext)
}

// Images is that of a Pool.
func (InProcess) Images(ctx context.Context, ext *extension.Extension, _ lint.Limits) (*images.Needed, error) {
	return images.Of(ctx, ext)
}
