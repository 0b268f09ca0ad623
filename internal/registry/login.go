package registry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/redact"
)

// Login is what somebody proves himself with to one registry.
type Login struct {
	Username, Password string
	// Token is sent as it is, as a bearer. It takes the place of the others.
	Token string
}

// helperTimeout is how long a helper program may take: it may ask somebody for a password.
const helperTimeout = time.Minute

// logins looks up what to send to which registry: what was handed over for a host first,
// then the files of docker and Helm with the helper programs that they name. A helper is
// asked once for each host.
type logins struct {
	own     map[string]Login
	files   credentials.Store
	secrets *redact.Sent

	mu    sync.Mutex
	known map[string]func() (auth.Credential, error)
}

func newLogins(options Options, secrets *redact.Sent) (*logins, error) {
	l := &logins{own: options.Logins, secrets: secrets, known: map[string]func() (auth.Credential, error){}}
	var stores []credentials.Store
	for _, file := range options.DockerConfigs {
		store, err := credentials.NewStore(file, credentials.StoreOptions{})
		if err != nil {
			return nil, failure.WithHint(fmt.Errorf("reading the keys of registries in %s: %w", file, err), "correct the file, or log in anew with docker login")
		}
		stores = append(stores, store)
	}
	if len(stores) > 0 {
		l.files = credentials.NewStoreWithFallbacks(stores[0], stores[1:]...)
	}
	return l, nil
}

// look is the function that the library asks, with the host that requests go to.
func (l *logins) look(ctx context.Context, host string) (auth.Credential, error) {
	l.mu.Lock()
	once, ok := l.known[host]
	if !ok {
		// A helper that was cut off by the end of one request would have to be asked again.
		asked := context.WithoutCancel(ctx)
		once = sync.OnceValues(func() (auth.Credential, error) {
			limited, cancel := context.WithTimeout(asked, helperTimeout)
			defer cancel()
			return l.find(limited, host)
		})
		l.known[host] = once
	}
	l.mu.Unlock()
	type answer struct {
		found auth.Credential
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		found, err := once()
		answered <- answer{found, err}
	}()
	select {
	case a := <-answered:
		l.secrets.Add(a.found.Password, a.found.RefreshToken, a.found.AccessToken)
		return a.found, a.err
	case <-ctx.Done():
		return auth.EmptyCredential, context.Cause(ctx)
	}
}

func (l *logins) find(ctx context.Context, host string) (auth.Credential, error) {
	for own, login := range l.own {
		if apiHost(own) == host {
			return auth.Credential{Username: login.Username, Password: login.Password, AccessToken: login.Token}, nil
		}
	}
	if l.files == nil {
		return auth.EmptyCredential, nil
	}
	return credentials.Credential(l.files)(ctx, host)
}
