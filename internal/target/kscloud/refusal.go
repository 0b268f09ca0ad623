package kscloud

import (
	"errors"
	"net/http"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// ofKey adds the hint to an error where the API key was refused.
func (t *Target) ofKey(err error) error {
	if failure.Unauthorized(err) && t.keyRefused != "" {
		return failure.WithHint(err, "%s", t.keyRefused)
	}
	return err
}

// ofExtension distinguishes a refusal that concerns one extension (403) from one of the
// key (401): the key is good for others.
func (t *Target) ofExtension(err error, name string) error {
	var refused *transport.Error
	if errors.As(err, &refused) && refused.Status == http.StatusForbidden {
		return failure.NotTheKey(err, "the API key does not let you do this: does "+name+" belong to another account?")
	}
	return t.ofKey(err)
}

// ofRepository distinguishes a refusal of the Helm repository from one of the marketplace,
// which has another key.
func (t *Target) ofRepository(err error) error {
	if failure.Unauthorized(err) {
		return failure.NotTheKey(err, t.passwordRefused)
	}
	return err
}

// ofPackage says what to do about a package that does not come. own is whether it is on the
// server of the repository.
func (t *Target) ofPackage(err error, own bool) error {
	var misplaced *helmrepo.MisplacedError
	refused, answered := transport.As(err)
	switch {
	case errors.As(err, &misplaced):
		return failure.NotTheKey(err, misplaced.Hint())
	case answered && refused.Unauthorized() && own:
		return t.ofRepository(err)
	case answered && refused.Unauthorized():
		return failure.NotTheKey(err, "nobody's user and password are sent to that host, by KubeSphere neither: let everybody read the packages there")
	case answered && (refused.Status == http.StatusNotFound || refused.Status == http.StatusGone):
		return failure.NotTheKey(err, "the index names a package that is not there: upload it, or correct its URL in the index")
	}
	return err
}
