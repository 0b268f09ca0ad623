package dependency

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/ksrelease/ksrelease/internal/mask"
)

// heard are the secrets that registries were told: keys out of files, and tokens
// that were got for them. A registry may repeat them in its errors, which the
// library hands on as they are.
type heard struct {
	mu      sync.Mutex
	secrets []string
}

func (h *heard) add(secrets ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range secrets {
		if secret != "" && !slices.Contains(h.secrets, secret) {
			h.secrets = append(h.secrets, secret)
		}
	}
}

// hide hides them in the text of an error.
func (h *heard) hide(err error) error {
	h.mu.Lock()
	m := mask.New(h.secrets...)
	h.mu.Unlock()
	return m.Error(err)
}

// credentials listens to a look-up of keys; none stays none.
func (h *heard) credentials(look auth.CredentialFunc) auth.CredentialFunc {
	if look == nil {
		return nil
	}
	return func(ctx context.Context, host string) (auth.Credential, error) {
		found, err := look(ctx, host)
		h.add(found.Password, found.RefreshToken, found.AccessToken)
		return found, err
	}
}

// listening hears what requests prove themselves with.
type listening struct {
	next  http.RoundTripper
	heard *heard
}

// RoundTrip sends a request.
func (l *listening) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, value, found := strings.Cut(r.Header.Get("Authorization"), " "); found {
		l.heard.add(value)
	}
	return l.next.RoundTrip(r)
}
