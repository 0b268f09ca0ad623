package target

import "errors"

// StillDraft is the error of a submission that was answered well and not done.
type StillDraft struct{ ID string } // of the snapshot

func (e StillDraft) Error() string {
	return "submitting snapshot " + e.ID + ": the answer was one of success, but the version is a draft still"
}

// InDoubt says that it may be tried again.
func (StillDraft) InDoubt() bool { return true }

// Summary is what it comes to.
func (StillDraft) Summary() string { return "answered well, but the version is a draft still" }

// HasOther says of the error of Publish that the target has the version with other content, which
// stays as it is: for targets that say no more of what they have.
func HasOther(err error) bool {
	var other interface{ HasOther() bool }
	return errors.As(err, &other) && other.HasOther()
}
