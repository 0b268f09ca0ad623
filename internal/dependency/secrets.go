package dependency

import (
	"context"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/ksrelease/ksrelease/internal/redact"
)

// recordKeys notes the answers of a look-up of keys; none stays none.
func recordKeys(sent *redact.Sent, look auth.CredentialFunc) auth.CredentialFunc {
	if look == nil {
		return nil
	}
	return func(ctx context.Context, host string) (auth.Credential, error) {
		found, err := look(ctx, host)
		sent.Add(found.Password, found.RefreshToken, found.AccessToken)
		return found, err
	}
}
