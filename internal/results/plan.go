package results

import "fmt"

// Seen is what a plan saw of a version in the target, and what it decided.
type Seen struct {
	// Decision is DecisionRelease or DecisionWait; empty for an extension that the plan has
	// ended.
	Decision string `json:"decision,omitempty"`
	// Listed says that the version is in the index of the target; Digest is the
	// digest there of its package, and ContentDigest that of its content, where it has one.
	Listed        bool   `json:"listed,omitempty"`
	Digest        string `json:"digest,omitempty"`
	ContentDigest string `json:"content_digest,omitempty"`
	// Status is that of the target; empty where it has no such version, StatusUnknown
	// where it was not asked.
	Status     string `json:"status,omitempty"`
	SnapshotID string `json:"snapshot_id,omitempty"`
}

// What a plan does with an extension that it does not end.
const (
	DecisionRelease = "release"
	DecisionWait    = "wait" // it was submitted before
)

// StatusUnknown is the status of a version that nobody asked the target for.
const StatusUnknown = "unknown"

// Moved is an extension that is not as a plan that somebody approved has it.
type Moved struct {
	Name, Version string
	What          string // is not as in that plan, in words
}

// NotAsPlanned says why nothing of the extensions is sent that are open, one reason for each, where
// some are not as in the plan that was approved. warnings are about those of moved that are not open.
func NotAsPlanned(moved []Moved, open []Extension) (reasons, warnings []string) {
	type id struct{ name, version string }
	why := map[id]string{}
	for _, m := range moved {
		why[id{m.Name, m.Version}] = m.What
	}
	for _, x := range open {
		this := id{x.Name, x.Version}
		if what, ok := why[this]; ok {
			reasons = append(reasons, "not as planned: "+what)
		} else {
			reasons = append(reasons, fmt.Sprintf("nothing is sent: %s is not as planned", moved[0].Name))
		}
		delete(why, this)
	}
	for _, m := range moved {
		if what, ok := why[id{m.Name, m.Version}]; ok {
			warnings = append(warnings, fmt.Sprintf("%s is not as planned: %s", m.Name, what))
		}
	}
	return reasons, warnings
}
