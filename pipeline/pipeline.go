// Package pipeline is the story of a release: which steps an extension goes through, in
// which order, and what each of them needs from outside.
//
// A [Run] first makes a plan of all extensions with targets that are only read, and then,
// unless the run is dry, applies that very plan. So a dry run is the first half of a real
// one, and what would fail is reported before the first write.
//
// What does not belong here: HTTP, terminals, flags and files of settings.
// The pipeline is handed its targets ([target.Place]), and reports what happens to a
// [results.Observer].
package pipeline

import (
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
)

// The two lists below are what one reads first: what happens to an extension, in order. Each
// step says in which states of the extension it is taken (state.go); what a step finds out may
// end the extension, and the steps after it are not taken then. A step is taken once for the
// extension (do), or for each target that it is released to (each).

// planSteps make the plan: they read, and cannot write. A dry run ends with them.
func planSteps() []step[*planning] {
	return []step[*planning]{
		// Stop at what cannot be read.
		{do: knownStep, when: lifecycle.IsPending, blames: results.StageLint, doing: "before it was read"},
		// Bring in the charts that it names by a repository.
		{do: resolveStep, when: lifecycle.IsPending, blames: results.StageLint, doing: "while its dependencies were brought in"},
		// End what all targets have with this content: there is nothing to look at.
		{do: existsStep, when: lifecycle.IsPending, blames: stagePlan, doing: "while planning"},
		// Read the extension as KubeSphere would, and stop at what it would refuse. Its content is
		// read for that, unless somebody has looked at it before.
		{stage: results.StageLint, do: lintStep, when: lifecycle.IsPending},
		// Read its content, if it was not needed so far, to compare it with what a target has.
		{do: contentStep, when: lifecycle.IsPending, blames: results.StageLint, doing: "before it was read"},
		// Decide for each target, by its index and by what it says, whether there is anything to
		// release. What is there already ends here, if not before: an archive that nobody will send
		// is not packed.
		{each: decideStep, when: lifecycle.IsPending, blames: stagePlan, doing: "while planning"},
		// Keep back what another target has with other content.
		{do: togetherStep, when: lifecycle.IsPlanned, blames: stagePlan, doing: "while planning"},
		// See whether clusters that have the version before it can go over to it.
		{do: upgradeStep, when: lifecycle.IsToPack, blames: results.StageLint, doing: "while it was compared with the version before it"},
		// Ask registries for its images, where the settings say so.
		{do: existStep, when: lifecycle.IsToPack, blames: results.StageLint, doing: "while its images were asked for"},
		// See which of them its mirrors lack.
		{do: copiesStep, when: lifecycle.IsToPack, blames: stageImages, doing: "while its images were looked for in mirrors"},
		// Report what would be packed and is not committed; push.dirty may end it here.
		{do: originStep, when: lifecycle.IsToPack, blames: results.StagePackage, doing: "before it was packed"},
		// Make the one archive that is measured, reported and sent to all targets, or take the one
		// that a target has already.
		{stage: results.StagePackage, do: packageStep, when: lifecycle.IsToPack},
		// Assets are uploaded when the plan is applied.
		{stage: results.StageUpload, each: nothing, when: lifecycle.IsToPack, leaves: results.StagePlanned},
		// Hold the estimated size against the limit.
		{stage: results.StageSize, do: sizeStep[*planning], when: lifecycle.IsToPack},
		// Ask each target whether it would refuse the package.
		{each: fitsStep, when: lifecycle.IsToPack, blames: results.StagePush, doing: "before it was sent"},
		// The package is sent when the plan is applied.
		{stage: results.StagePush, each: nothing, when: lifecycle.IsToPack, leaves: results.StagePlanned},
		// Look at the package as KubeSphere will look at it when it is published.
		{stage: results.StageVerify, do: inspectStep, when: lifecycle.IsToPack, leaves: results.StagePlanned},
	}
}

// applySteps carry out the plan.
func applySteps() []step[*applying] {
	return []step[*applying]{
		// Look once more whether there is something to send, if the plan is of long ago.
		{each: lookAgainStep, when: lifecycle.IsToSend, blames: stagePlan, doing: "before its turn"},
		// Wait for what was submitted before.
		{stage: results.StageVerify, each: verifyStep, when: lifecycle.IsToAwait, waits: true, ends: true},
		// Take what was found there for the package of all.
		{do: settleStep, when: lifecycle.IsToSend, blames: stagePlan, doing: "before its turn"},
		// Copy its images to where clusters pull them: it is not to be there before them.
		{do: mirrorStep, when: lifecycle.IsToSend, waits: true, blames: stageImages, doing: "while its images were copied"},
		// Send icon and screenshots, put their addresses into extension.yaml, pack again.
		{stage: results.StageUpload, each: uploadStep, when: lifecycle.IsToSend, writes: true},
		// Send nothing whose icon and screenshots could not be sent.
		{do: picturesStep, when: lifecycle.IsToSend, blames: results.StageUpload, doing: "before its turn"},
		// Hold the exact size against the limit.
		{stage: results.StageSize, do: sizeStep[*applying], when: lifecycle.IsToSend},
		// Sign the package, whose bytes are final by now.
		{do: signStep, when: lifecycle.IsToSend, blames: results.StagePush, doing: "before it was signed"},
		// Leave the archive in the output directory, as soon as it is sent.
		{do: keepStep, when: lifecycle.IsToSend, blames: results.StagePush, doing: "before its turn"},
		// Send the package, and submit it where the target has reviews.
		{stage: results.StagePush, each: pushStep, when: lifecycle.IsToSend, writes: true},
		// Walk to the version as KubeSphere will, until it is there. Mostly waiting, so it
		// takes no place from the extensions still at work.
		{stage: results.StageVerify, each: verifyStep, when: lifecycle.IsApplied, waits: true, ends: true},
	}
}

// stagePlan is where a failure happened when it was in no stage: reading the index or the
// target to decide what is to be done.
const stagePlan = "plan"

// stageImages is where a failure happened that was with images in mirrors.
const stageImages = "images"

// StageNames lists the names of all stages in order, for flags and messages.
func StageNames() []string {
	var names []string
	for _, s := range planSteps() {
		if s.stage != "" {
			names = append(names, s.stage)
		}
	}
	return names
}
