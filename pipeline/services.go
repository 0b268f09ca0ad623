package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// Baseline knows findings of lint that are not to be told again, and keep
// nothing from being released.
type Baseline interface {
	// Sift keeps those findings of an extension that are new, and counts the
	// others. folder is the extension as the files of the findings begin. It is
	// called by several goroutines at once.
	Sift(extension, folder string, all []lint.Finding) (fresh []lint.Finding, known int)
}

// Resolver brings in the subcharts that an extension names by a repository and
// does not have under charts/.
type Resolver interface {
	// Resolve returns the extension with all its dependencies, or ext itself
	// where none is missing. source is the folder or archive it was read from.
	Resolve(ctx context.Context, source string, ext *extension.Extension) (*extension.Extension, error)
}

// Examiner looks at what an extension holds: it renders the chart, reads documents and
// schemas, packs to see what would be smaller. All of that goes by what strangers
// wrote, and may last or grow without end; an Examiner keeps it within limits.
type Examiner interface {
	// Examine holds an extension to all rules. Reaching a limit is a finding
	// (lint.RuleLimits); the error is that of ctx, or says why nothing could be looked at.
	Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error)
	// Weigh says where the bytes of a package go (weight.Of). An error of a limit that
	// was reached says so by a method LimitReached.
	Weigh(ctx context.Context, ext *extension.Extension, urls extension.URLs, limits lint.Limits) (*weight.Report, error)
}

// Sleep waits for d unless ctx ends first, and says whether it waited.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Clients tell apart what an error means by these small methods, so the
// pipeline need not know who made it.
type (
	unauthorized interface{ Unauthorized() bool }
	inDoubt      interface{ InDoubt() bool }
	temporary    interface{ Temporary() bool }
	slowDown     interface{ SlowDown() bool }
	limitReached interface{ LimitReached() bool }
)

// Unauthorized says whether the target refused the key. Where an error
// has several causes (a write that failed and a read-back that did), one is
// enough; what an error says of itself counts for those within it.
func Unauthorized(err error) bool {
	if e, ok := err.(unauthorized); ok {
		return e.Unauthorized()
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return Unauthorized(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), Unauthorized)
	}
	return false
}

// SlowDown says whether a server refused for the load it has.
func SlowDown(err error) bool {
	var s slowDown
	return errors.As(err, &s) && s.SlowDown()
}

// InDoubt says of a write that failed that nobody knows whether it was done: it may be sent
// once more, after its effect was read back. What can be known not to have been done (no
// connection, a rate limit) the clients have tried again already, with more patience than
// the pipeline has.
func InDoubt(err error) bool {
	var d inDoubt
	return errors.As(err, &d) && d.InDoubt()
}
