// Package pipeline is the story of a release: which stages an extension goes
// through, in which order, and what each of them needs of the world.
//
// A [Run] first makes a plan of all extensions with clients that only
// imagine their writes, and then, unless the run is dry, applies that very
// plan with the real ones. So a dry run is the real path, and what would fail
// is told before the first write.
//
// What does not belong here: HTTP, terminals, flags and files of settings.
// The pipeline is handed a [Marketplace] and a [Repository], and tells an
// [Observer] what happens.
package pipeline

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// Stages is the list one reads first: what happens to an extension, in order.
// A plan takes the decision whether a version is to be released at all between
// lint and package: an archive that nobody will send is not packed.
func Stages() []Stage {
	return []Stage{
		// Read the extension as KubeSphere would, and stop at what it would refuse.
		{Name: StageLint, run: lintStage, planned: true},
		// Make the one archive that is measured, reported and sent.
		{Name: StagePackage, run: packageStage, planned: true},
		// Send icon and screenshots, put their addresses into extension.yaml, pack again.
		{Name: StageUpload, run: uploadStage, writes: true},
		// Hold the exact size against the limit of the marketplace.
		{Name: StageSize, run: sizeStage},
		// Send the package as a draft and submit it for review.
		{Name: StagePush, run: pushStage, writes: true},
		// Walk to the version as KubeSphere will, until it is there. Mostly
		// waiting, so it takes no place from the extensions still at work.
		{Name: StageVerify, run: verifyStage, waits: true},
	}
}

// Names of the stages, as they stand in flags, reports and events.
const (
	StageLint    = "lint"
	StagePackage = "package"
	StageUpload  = "upload"
	StageSize    = "size"
	StagePush    = "push"
	StageVerify  = "verify"
	// stagePlan is where a failure happened when it was in no stage: reading
	// the index or the marketplace to decide what is to be done.
	stagePlan = "plan"
)

// Stage is one step of the story.
type Stage struct {
	Name string

	run     func(ctx context.Context, w *world, r *release) error
	planned bool // it is done when the plan is; applying does not repeat it
	writes  bool // it changes something outside: observers keep evidence before it starts
	waits   bool // it needs no slot while it runs
}

// StageNames lists the names of all stages in order, for flags and messages.
func StageNames() []string {
	var names []string
	for _, s := range Stages() {
		names = append(names, s.Name)
	}
	return names
}

// world is what stages reach outside the extension: the clients of this phase,
// imagined while planning and real while applying, and how to wait.
type world struct {
	planning bool // for the runner; no stage asks it
	market   Marketplace
	repo     indexSource
	unasked  bool // the marketplace cannot be asked
	uploads  bool // assets are uploaded in this run: the package has the pushed form
	message  string
	// within is by how many bytes a package with uploaded assets may come out
	// other than it is here.
	within int64
	keep   func(r *release) error // leaves the archive in the output directory; nil keeps nothing
	// refused is done when the marketplace has refused the API key, which is its cause.
	refused context.Context
	stop    context.Context     // done: wait for nothing any more
	slots   *semaphore.Weighted // for what costs work while waiting; nil where a slot is held already
}
