// Package pipeline is the story of a release: which steps an extension goes through, in
// which order, and what each of them needs from outside.
//
// A [Run] first makes a plan of all extensions with a target that is only read, and then,
// unless the run is dry, applies that very plan. So a dry run is the first half of a real
// one, and what would fail is reported before the first write.
//
// What does not belong here: HTTP, terminals, flags and files of settings.
// The pipeline is handed a [target.Target], and reports what happens to a [results.Observer].
package pipeline

import (
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
)

// The two lists below are what one reads first: what happens to an extension, in order. Each
// step says in which states of the extension it is taken (state.go); what a step finds out may
// end the extension, and the steps after it are not taken then.

// planSteps make the plan: they read, and cannot write. A dry run ends with them.
func planSteps() []step[*planning] {
	return []step[*planning]{
		// Read the extension once more, if it was let go, as many are read.
		{do: readStep[*planning], when: lifecycle.IsPending, blames: results.StageLint, doing: "before it was read"},
		// Bring in the charts that it names by a repository.
		{do: resolveStep, when: lifecycle.IsPending, blames: results.StageLint, doing: "while its dependencies were brought in"},
		// Read the extension as KubeSphere would, and stop at what it would refuse.
		{stage: results.StageLint, do: lintStep, when: lifecycle.IsPending},
		// Decide by index and target whether there is anything to release. What is there
		// already ends here: an archive that nobody will send is not packed.
		{do: decideStep, when: lifecycle.IsPending, blames: stagePlan, doing: "while planning"},
		// See whether clusters that have the version before it can go over to it.
		{do: upgradeStep, when: lifecycle.IsToPack, blames: results.StageLint, doing: "while it was compared with the version before it"},
		// Report what would be packed and is not committed; push.dirty may end it here.
		{do: originStep, when: lifecycle.IsToPack, blames: results.StagePackage, doing: "before it was packed"},
		// Make the one archive that is measured, reported and sent.
		{stage: results.StagePackage, do: packageStep, when: lifecycle.IsToPack},
		// Assets are uploaded when the plan is applied.
		{stage: results.StageUpload, when: lifecycle.IsToPack, leaves: results.StagePlanned},
		// Hold the estimated size against the limit of the target.
		{stage: results.StageSize, do: sizeStep[*planning], when: lifecycle.IsToPack},
		// The package is sent when the plan is applied.
		{stage: results.StagePush, when: lifecycle.IsToPack, leaves: results.StagePlanned},
		// Look at the package as KubeSphere will look at it when it is published.
		{stage: results.StageVerify, do: inspectStep, when: lifecycle.IsToPack, leaves: results.StagePlanned},
	}
}

// applySteps carry out the plan.
func applySteps() []step[*applying] {
	return []step[*applying]{
		// Look once more whether there is something to send, if the plan is of long ago.
		{do: lookAgainStep, when: lifecycle.IsToSend, blames: stagePlan, doing: "before its turn"},
		// Send icon and screenshots, put their addresses into extension.yaml, pack again.
		{stage: results.StageUpload, do: uploadStep, when: lifecycle.IsToSend, writes: true},
		// Hold the exact size against the limit of the target.
		{stage: results.StageSize, do: sizeStep[*applying], when: lifecycle.IsToSend},
		// Send the package, and submit it where the target has reviews.
		{stage: results.StagePush, do: pushStep, when: lifecycle.IsToSend, writes: true},
		// Walk to the version as KubeSphere will, until it is there. Mostly waiting, so it
		// takes no place from the extensions still at work.
		{stage: results.StageVerify, do: verifyStep, when: lifecycle.IsApplied, waits: true},
	}
}

// stagePlan is where a failure happened when it was in no stage: reading the index or the
// target to decide what is to be done.
const stagePlan = "plan"

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
