// Package withdrawal takes a submitted version back: it is a draft again.
package withdrawal

import (
	"context"
	"errors"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/target"
)

// Take takes a version back from a target, which noun is in messages, and makes sure that it is. It
// says what came of it. Whatever the answer of the target says, the state decides.
func Take(ctx context.Context, from target.Target, noun, name, version, message string) (string, error) {
	withdrawer, ok := from.(target.Withdrawer)
	if !ok {
		return "", fmt.Errorf("%s takes no version back", noun)
	}
	release := name + "@" + version
	before, err := from.Snapshot(ctx, name, version)
	if err != nil {
		return "", err
	}
	switch before.Status {
	case target.StatusNone:
		return "", fmt.Errorf("%s has no %s", noun, release)
	case target.StatusDraft:
		return fmt.Sprintf("%s is a draft: there is nothing to take back.", release), nil
	} // what of all others can be taken back, the server decides
	refused := withdrawer.Withdraw(ctx, before.ID, message)
	after, err := from.Snapshot(ctx, name, version)
	switch {
	case err != nil:
		return "", errors.Join(refused, fmt.Errorf("whether %s was taken back is not known: %w", release, err))
	case after.Status == target.StatusDraft:
		return fmt.Sprintf("%s is taken back: it is a draft again (snapshot %s).", release, after.ID), nil
	case refused != nil:
		return "", refused
	}
	return "", fmt.Errorf("%s is still %s, although the marketplace took the request", release, after.Status)
}
