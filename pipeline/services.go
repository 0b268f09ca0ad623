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

// Marketplace is what a release needs of KubeSphere Cloud. Reading and writing
// are apart so that a dry run can wrap the one and must answer for the other.
type Marketplace interface {
	MarketplaceReader
	MarketplaceWriter
}

// MarketplaceReader asks and changes nothing.
type MarketplaceReader interface {
	// AssetFolder is the folder of this account's uploaded files, such as
	// "/files/usr-0001". It is asked once a run, and proves the API key.
	AssetFolder(ctx context.Context) (string, error)
	// Snapshot is the state of one version; its Status is [StatusNone] when
	// the marketplace has no such version. Unreadable is an error, never none.
	Snapshot(ctx context.Context, name, version string) (Snapshot, error)
}

// MarketplaceWriter changes the marketplace. Every method here has to say in
// dry.go what it means in a dry run before the program compiles.
type MarketplaceWriter interface {
	// UploadAssets stores the assets of one version and returns their URLs,
	// one each, in order. Sending the same assets again is harmless.
	UploadAssets(ctx context.Context, name, version string, assets []extension.Asset) ([]string, error)
	// PushPackage sends the archive as a draft; a draft of the same version
	// is replaced.
	PushPackage(ctx context.Context, pkg *extension.Package) (Snapshot, error)
	// Submit hands a draft in for review.
	Submit(ctx context.Context, snapshotID, message string) error
}

// Snapshot is one version of an extension in the marketplace.
type Snapshot struct {
	ID     string
	Status string
	// Message is what the reviewer said of a version that is neither draft nor
	// submitted nor active.
	Message string
	// Imagined marks one that is only in the imagination of a plan.
	Imagined bool
}

// The statuses of a snapshot on which the pipeline decides
// (KubeSphere Cloud: draft → submitted → active). There are others, a
// rejection for one, which are shown as they are.
const (
	StatusNone      = ""
	StatusDraft     = "draft"
	StatusSubmitted = "submitted"
	StatusActive    = "active"
)

// Baseline knows findings of lint that are not to be told again, and keep
// nothing from being released.
type Baseline interface {
	// Sift keeps those findings of an extension that are new, and counts the
	// others. folder is the extension as the files of the findings begin. It is
	// called by several goroutines at once.
	Sift(extension, folder string, all []lint.Finding) (fresh []lint.Finding, known int)
}

// Repository is the Helm repository in which releases appear.
type Repository interface {
	// Index reads index.yaml; each call is a (conditional) request.
	Index(ctx context.Context) (Index, error)
	// Fetch downloads the archive of an entry by KubeSphere's URL rule.
	Fetch(ctx context.Context, entry Entry) ([]byte, error)
	// FetchAsset downloads an uploaded icon or screenshot.
	FetchAsset(ctx context.Context, url string) ([]byte, error)
}

// Index is one state of the repository's index.yaml.
type Index interface {
	// Lookup finds a version by string equality of name and version, which is
	// what existing means to KubeSphere; never a SemVer match. The error is why
	// the index cannot tell: an entry of that name cannot be read.
	Lookup(name, version string) (Entry, bool, error)
	// Refused is why Helm and KubeSphere load nothing of the index, whatever else
	// is in it; nil where they load it.
	Refused() error
	// Cached says that a cache answered in place of the repository, and how old
	// its answer is; empty where none did.
	Cached() string
	// Remarks are what somebody should know of an index that can be loaded.
	Remarks() []string
	// Versions lists the versions of a name, each once.
	Versions(name string) []string
}

// Entry is a version in the index.
type Entry struct {
	Name, Version string
	Digest        string   // sha256 of the archive in hex, "sha256:" before it or not; may be empty
	URLs          []string // as they stand in the index
	ContentDigest string   // annotation ksrelease.dev/content-digest; empty if another tool pushed it
	// OwnName is the name that the entry has for itself, where that is not Name:
	// KubeSphere passes over such an entry.
	OwnName string
	// Times is how often the index has the version; of several entries this is the
	// last, which is the one that KubeSphere takes.
	Times int
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

// Unauthorized says whether the marketplace refused the API key. Where an error
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

// worthAnotherTry says whether a write that failed may be sent once more, after
// its effect was read back: nobody knows whether it was done. What can be known
// not to have been done (no connection, a rate limit) the clients have tried
// again already, with more patience than is left here.
func worthAnotherTry(err error) bool {
	var d inDoubt
	return errors.As(err, &d) && d.InDoubt()
}
