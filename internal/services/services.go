// Package services has what a run is handed from outside: each service is an interface with the methods
// that the pipeline uses, and knows no run.
package services

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/hooks"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/weight"
	"github.com/ksrelease/ksrelease/internal/worktree"
)

// Baseline knows findings of lint that are not to be reported again, and keep
// nothing from being released.
type Baseline interface {
	// Sift keeps those findings of an extension that are new, and counts the
	// others. It is called by several goroutines at once.
	Sift(extension string, all []lint.Finding) (fresh []lint.Finding, known int)
}

// Resolver brings in the subcharts that an extension names by a repository and
// does not have under charts/.
type Resolver interface {
	// Resolve returns the extension with all its dependencies, or ext itself
	// where none is missing. source is the folder or archive it was read from.
	Resolve(ctx context.Context, source string, ext *extension.Extension) (*extension.Extension, error)
}

// Hooks runs the commands that a config has for before and after a release (internal/hooks). Its
// methods may be called by several goroutines at once.
type Hooks interface {
	// Before runs the hooks of an extension that is going to be read, until one fails.
	Before(ctx context.Context, x hooks.Extension) error
	// After runs those of one that has ended, all of them. It goes on for a while when ctx
	// ends.
	After(ctx context.Context, x hooks.Extension) error
	// End runs those of the project that come last, as After does, with the outcome of the run.
	End(ctx context.Context, outcome string, observe func(results.Hook)) error
	// Project are the hooks of the project that were run so far.
	Project() []results.Hook
}

// Revision waits for the commit of the work tree, which git is asked for.
type Revision func() string

// Get is that commit; empty where it is not known.
func (r Revision) Get() string {
	if r == nil {
		return ""
	}
	return r()
}

// WorkTree knows what of an extension, in the folder dir, is not as it was committed.
type WorkTree interface {
	Uncommitted(ctx context.Context, dir string, ext *extension.Extension) (worktree.Found, error)
}

// Signer signs packages. It may be called by several goroutines at once.
type Signer interface {
	// Sign is a package with what signs it. Its bytes are those of pkg.
	Sign(pkg *extension.Package) (*extension.Package, error)
}

// Recaller is an Examiner that knows what it has found before (internal/lintcache).
type Recaller interface {
	// Recall is what Examine would say of an extension with this tree digest
	// (extension.TreeDigest). It is not ok where that is not known.
	Recall(ctx context.Context, tree string, opts lint.Options, limits lint.Limits) (report lint.Report, ok bool)
}

// Examiner looks at what an extension holds: it renders the chart, reads documents and
// schemas, packs to see what would be smaller. All of that goes by what strangers
// wrote, and may last or grow without end; an Examiner keeps it within limits.
type Examiner interface {
	// Examine holds an extension to all rules. Reaching a limit is a finding
	// (lint.RuleLimits); the error is that of ctx, or says why nothing could be looked at.
	Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error)
	// ExamineMetadata is the part of Examine that goes by extension.yaml alone.
	ExamineMetadata(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error)
	// Sizes says where the bytes of a package go that may have so many (weight.Of). An error of
	// a limit that was reached says so by a method LimitReached.
	Sizes(ctx context.Context, ext *extension.Extension, urls extension.URLs, size int64, limits lint.Limits) (*weight.Report, error)
	// Images finds the images of an extension, those of extension.yaml also with an error.
	Images(ctx context.Context, ext *extension.Extension, limits lint.Limits) (*images.Needed, error)
}
