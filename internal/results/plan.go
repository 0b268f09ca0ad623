package results

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
