package git

import "errors"

// Reason is why git has no answer.
type Reason string

// The reasons.
const (
	NoGit       Reason = "no git"        // there is no git command
	OldGit      Reason = "old git"       // it is older than 2.30
	NoWorkTree  Reason = "no work tree"  // no work tree holds the folder
	NoCommit    Reason = "no commit"     // nothing is committed yet
	UnknownRef  Reason = "unknown ref"   // no commit has that name here
	Shallow     Reason = "shallow"       // the clone has only a part of the history
	Unrelated   Reason = "unrelated"     // two commits have no common one before them
	NotFetched  Reason = "not fetched"   // a partial clone lacks an object
	Unsupported Reason = "not supported" // the repository is configured in a way that is not supported
	NoTag       Reason = "no tag"        // a tag cannot be made or pushed
	Moved       Reason = "moved"         // somebody else has changed a branch meanwhile
	Refused     Reason = "refused"       // a remote refuses a change of a branch
	NoFile      Reason = "no file"       // a branch has something else at a path than a file
	Unreadable  Reason = "unreadable"    // a branch of a remote cannot be read
)

// Error is that of a question to which git has no answer. Its hint says what to do.
type Error struct {
	Reason Reason
	what   string
	hint   string
}

func (e *Error) Error() string { return e.what }

// Hint is what the user can do about it.
func (e *Error) Hint() string { return e.hint }

// ReasonOf is why git had no answer; empty for an error of another kind, and for nil.
func ReasonOf(err error) Reason {
	var known *Error
	if errors.As(err, &known) {
		return known.Reason
	}
	return ""
}
