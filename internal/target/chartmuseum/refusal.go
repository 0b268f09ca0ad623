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
		return failure.WithHint(err, "%s", t.access)
	case failed.Status == http.StatusRequestEntityTooLarge:
		return failure.WithHint(err, "the museum, or a proxy before it, takes no package of this size: raise --max-upload-size of ChartMuseum, or make the package smaller")
	case failed.Status == http.StatusInsufficientStorage:
		return &fullError{err}
	}
	return err
}

// fullError is a museum that takes no more: 507 is an answer of its own, so there is no doubt.
type fullError struct{ error }

func (e *fullError) Unwrap() error { return e.error }

// InDoubt hides that of the error within, which goes by the class of the status.
func (e *fullError) InDoubt() bool { return false }

// Hint says what would help.
func (e *fullError) Hint() string {
	return "the museum has as many packages as it may: raise --max-storage-objects of ChartMuseum, or take old versions out"
}

// noAPI is a server without the API. Nothing was sent.
func (t *Target) noAPI(answer error) error {
	return failure.Settled("there is no API of ChartMuseum at "+t.base.String()+": "+answer.Error(), answer,
		t.setting+" must be the address that `helm repo add` takes, with as many folders as --depth of ChartMuseum says, and ChartMuseum must run without --disable-api; a static Helm repository is a target of the kind directory")
}

// exists is a version that is there with other bytes. Nothing was changed. answer is that of the
// museum; nil where it was not sent anything.
func exists(pkg *extension.Package, answer error) error {
	return failure.Settled(fmt.Sprintf("the museum has %s %s already, with other bytes, and was not asked to overwrite it", pkg.Name, pkg.Version), answer,
		"release another version: what is in a museum stays as it is")
}

// taken is a package whose file would have the name of that of another chart, "NAME VERSION"; empty
// where that is not known.
func taken(pkg *extension.Package, other string, answer error) error {
	text := fmt.Sprintf("the museum keeps %s %s as %s, and has a file of that name already", pkg.Name, pkg.Version, pkg.Filename)
	if other != "" {
		text += ": that of " + other
	} else {
		text += ", which it does not list"
	}
	return failure.Settled(text, answer, "take that file out of the museum, or choose another version")
}

// stale is a package that the museum has not got, and of which it has a provenance file of other
// bytes.
func stale(pkg *extension.Package, answer error) error {
	return failure.Settled(fmt.Sprintf("the museum has a provenance file of %s %s, but not its package, and the file is of other bytes: it is not overwritten", pkg.Name, pkg.Version), answer,
		"take "+pkg.Filename+extension.ProvenanceEnding+" out of the storage of the museum, or release another version")
}
