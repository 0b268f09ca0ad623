package pipeline

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// await does work that nothing interrupts: reading, hashing, packing. Where ctx ends
// before the work does, the work is left behind: it goes on by itself to its end, or
// to that of the process, and its result is lost. So it must not touch a release.
//
// Work that a stranger's content can make last for more than some seconds, or that
// can end the process, is for an [Examiner].
func await[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := work()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// compareDigest holds a content digest of the index against the extension. It reads
// all of the content, the first time.
func (r *release) compareDigest(ctx context.Context, listed string) (extension.DigestVerdict, error) {
	ext := r.ext
	return await(ctx, func() (extension.DigestVerdict, error) { return ext.CompareDigest(listed), nil })
}

// inProcess is the Examiner where none was given: it keeps no limits.
type inProcess struct{}

func (inProcess) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, _ lint.Limits) (lint.Report, error) {
	report := lint.Examine(ctx, ext, opts)
	return report, ctx.Err()
}

func (inProcess) Weigh(ctx context.Context, ext *extension.Extension, urls extension.URLs, _ lint.Limits) (*weight.Report, error) {
	return weight.Of(ctx, ext, urls)
}
