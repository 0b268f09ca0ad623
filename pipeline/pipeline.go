// Package pipeline is the story of a release: which stages an extension goes
// through, in which order, and what each of them needs from outside.
//
// A [Run] first makes a plan of all extensions with a target that is only read, and then,
// unless the run is dry, applies that very plan. So a dry run is the first half of a real
// one, and what would fail is reported before the first write.
//
// What does not belong here: HTTP, terminals, flags and files of settings.
// The pipeline is handed a [Target], and reports to an [Observer] what happens.
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
		{Name: StageLint, plan: lintStage},
		// Make the one archive that is measured, reported and sent.
		{Name: StagePackage, plan: packageStage},
		// Send icon and screenshots, put their addresses into extension.yaml, pack again.
		{Name: StageUpload, apply: uploadStage, writes: true},
		// Hold the exact size against the limit of the target.
		{Name: StageSize, plan: sizeStage, apply: sizeStage},
		// Send the package, and submit it where the target has reviews.
		{Name: StagePush, apply: pushStage, writes: true},
		// Walk to the version as KubeSphere will, until it is there. Mostly
		// waiting, so it takes no place from the extensions still at work. A plan looks at the
		// package itself in this way.
		{Name: StageVerify, plan: inspectStage, apply: verifyStage, waits: true},
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

	// plan is what it does in a plan, and apply when the plan is applied; nil is nothing.
	// A stage with a plan alone is done when the plan is.
	plan, apply func(ctx context.Context, env *environment, r *release) error
	writes      bool // it changes something outside: observers keep evidence before it starts
	waits       bool // it needs no slot while it runs
}

// StageNames lists the names of all stages in order, for flags and messages.
func StageNames() []string {
	var names []string
	for _, s := range Stages() {
		names = append(names, s.Name)
	}
	return names
}

// environment is what stages reach outside the extension while a plan is made, or applied: the
// target, which a plan only reads, and how to wait.
type environment struct {
	planning bool // for the runner; no stage asks it
	target   reader
	send     writer // refuses all while planning
	reviews  bool   // what is sent is a draft until it is submitted
	index    *watchedIndex
	unasked  bool // the target cannot be asked
	uploads  bool // assets are uploaded in this run: the package has the pushed form
	message  string
	keep     func(r *release) error // leaves the archive in the output directory; nil keeps nothing
	// refused is done when the marketplace has refused the key, which is its cause.
	refused context.Context
	slots   *semaphore.Weighted // for what costs work while waiting; nil where a slot is held already
}
