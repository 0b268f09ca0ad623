package chartmuseum

import (
	"fmt"
	"net/http"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// explain adds what can be done about an error of a request, where the answer says it.
func (t *Target) explain(err error) error {
	failed, answered := transport.As(err)
	if !answered {
		return err
	}
	switch {
	case failed.Unauthorized():
		return &refusedError{err, t.access}
	case failed.Status == http.StatusRequestEntityTooLarge:
		return failure.WithHint(err, "the museum, or a proxy before it, takes no package of this size: raise --max-upload-size of ChartMuseum, or make the package smaller")
	case failed.Status == http.StatusInsufficientStorage:
		return &fullError{err}
	}
	return err
}

// refusedError is a museum that wants another user, password or token.
type refusedError struct {
	error
	hint string
}

func (e *refusedError) Unwrap() error { return e.error }

// Hint says where they are taken from.
func (e *refusedError) Hint() string { return e.hint }

// notTheKey is a refusal that another user or password would not change.
type notTheKey struct {
	error
	hint string
}

func (e *notTheKey) Unwrap() error { return e.error }

// Unauthorized hides that of the error within.
func (e *notTheKey) Unauthorized() bool { return false }

// Hint says what would change it.
func (e *notTheKey) Hint() string { return e.hint }

// fullError is a museum that takes no more: 507 is an answer of its own, so there is no doubt.
type fullError struct{ error }

func (e *fullError) Unwrap() error { return e.error }

// InDoubt hides that of the error within, which goes by the class of the status.
func (e *fullError) InDoubt() bool { return false }

// Hint says what would help.
func (e *fullError) Hint() string {
	return "the museum has as many packages as it may: raise --max-storage-objects of ChartMuseum, or take old versions out"
}

// noAPIError is a server without the API.
type noAPIError struct {
	error
	address, setting string
}

func (e *noAPIError) Error() string {
	return "there is no API of ChartMuseum at " + e.address + ": " + e.error.Error()
}

func (e *noAPIError) Unwrap() error { return e.error }

// InDoubt says that nothing was sent.
func (e *noAPIError) InDoubt() bool { return false }

// Temporary says that trying again changes nothing.
func (e *noAPIError) Temporary() bool { return false }

// Hint says what may be wrong.
func (e *noAPIError) Hint() string {
	return e.setting + " must be the address that `helm repo add` takes, with as many folders as --depth of ChartMuseum says, and ChartMuseum must run without --disable-api; a static Helm repository is a target of the kind directory"
}

// existsError is a version that is there with other bytes. Nothing was changed.
type existsError struct {
	pkg   *extension.Package
	cause error // the answer of the museum; nil where it was not sent anything
}

func (e *existsError) Error() string {
	return fmt.Sprintf("the museum has %s %s already, with other bytes, and was not asked to overwrite it", e.pkg.Name, e.pkg.Version)
}

func (e *existsError) Unwrap() error { return e.cause }

// InDoubt hides that of the answer: what is there was read.
func (e *existsError) InDoubt() bool { return false }

// Temporary says that trying again changes nothing.
func (e *existsError) Temporary() bool { return false }

// Hint says what to do.
func (e *existsError) Hint() string {
	return "release another version: what is in a museum stays as it is"
}

// takenError is a package whose file would have the name of another chart's.
type takenError struct {
	pkg   *extension.Package
	other string // "NAME VERSION"; empty where that is not known
	cause error
}

func (e *takenError) Error() string {
	text := fmt.Sprintf("the museum keeps %s %s as %s, and has a file of that name already", e.pkg.Name, e.pkg.Version, e.pkg.Filename)
	if e.other != "" {
		return text + ": that of " + e.other
	}
	return text + ", which it does not list"
}

func (e *takenError) Unwrap() error { return e.cause }

// InDoubt hides that of the answer.
func (e *takenError) InDoubt() bool { return false }

// Temporary says that trying again changes nothing.
func (e *takenError) Temporary() bool { return false }

// Hint says what to do.
func (e *takenError) Hint() string {
	return "take that file out of the museum, or choose another version"
}

// staleError is a package that the museum has not got, and of which it has a provenance file
// of other bytes.
type staleError struct {
	pkg   *extension.Package
	cause error
}

func (e *staleError) Error() string {
	return fmt.Sprintf("the museum has a provenance file of %s %s, but not its package, and the file is of other bytes: it is not overwritten", e.pkg.Name, e.pkg.Version)
}

func (e *staleError) Unwrap() error { return e.cause }

// InDoubt hides that of the answer: what is there was read.
func (e *staleError) InDoubt() bool { return false }

// Temporary says that trying again changes nothing.
func (e *staleError) Temporary() bool { return false }

// Hint says what to do.
func (e *staleError) Hint() string {
	return "take " + e.pkg.Filename + extension.ProvenanceEnding + " out of the storage of the museum, or release another version"
}
