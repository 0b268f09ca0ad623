package dependency

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/ksrelease/ksrelease/internal/redact"
)

// sentSecrets are the secrets that were sent to registries: keys out of files, and
// tokens that were got for them. A registry may repeat them in its errors, which the
// library hands on as they are.
type sentSecrets struct {
	mu      sync.Mutex
	secrets []string
}

func (s *sentSecrets) add(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if secret != "" && !slices.Contains(s.secrets, secret) {
			s.secrets = append(s.secrets, secret)
		}
	}
}

// redact takes them out of the text of an error.
func (s *sentSecrets) redact(err error) error {
	s.mu.Lock()
	m := redact.New(s.secrets...)
	s.mu.Unlock()
	return m.Error(err)
}

// credentials records the answers of a look-up of keys; none stays none.
func (s *sentSecrets) credentials(look auth.CredentialFunc) auth.CredentialFunc {
	if look == nil {
		return nil
	}
	return func(ctx context.Context, host string) (auth.Credential, error) {
		found, err := look(ctx, host)
		s.add(found.Password, found.RefreshToken, found.AccessToken)
		return found, err
	}
}

// recorder records what requests prove themselves with.
type recorder struct {
	next    http.RoundTripper
	secrets *sentSecrets
}

// RoundTrip sends a request.
func (t *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, value, found := strings.Cut(r.Header.Get("Authorization"), " "); found {
		t.secrets.add(value)
	}
	return t.next.RoundTrip(r)
}
