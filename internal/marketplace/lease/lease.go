// Package lease says which process has the directory of a local marketplace: one alone, by a
// lock; and how others of this host reach that process, prove that it is the one, and ask
// it for a review.
package lease

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// LockedError says that another process has the directory.
type LockedError struct {
	Dir string
	// Address is where that process serves it, as a URL; empty when it does not (yet).
	Address string
}

func (e *LockedError) Error() string {
	if e.Address == "" {
		return fmt.Sprintf("opening marketplace %s: another process is using it; wait for it to end, or choose another directory", e.Dir)
	}
	return fmt.Sprintf("opening marketplace %s: another process is using it and serves it at %s; use that address, stop that process, or choose another directory", e.Dir, e.Address)
}

// Acquire takes the lock of the directory or says who has it.
func Acquire(s *store.Store) (*flock.Flock, error) {
	file := s.LockFile()
	if info, err := s.Root.Lstat(store.LockName); err == nil && !info.Mode().IsRegular() {
		return nil, s.Damaged(store.LockName, "%v", store.ErrIrregular)
	}
	lock := flock.New(file)
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", file, err)
	}
	if got {
		return lock, nil
	}
	locked := &LockedError{Dir: s.Dir}
	// The address is a courtesy: without it the error is still the right one.
	if served, err := Connect(context.Background(), s.Dir); err == nil {
		locked.Address = served.Address
	}
	return nil, locked
}

// serving is what a process that serves a marketplace leaves in its directory for
// others on the same host.
type serving struct {
	Address     string `json:"address"` // as a URL, without a slash at the end
	ExternalURL string `json:"external_url,omitempty"`
	Key         string `json:"key"` // an API key that is accepted, and may review
	PID         int    `json:"pid"`
}

// maxServing is the most bytes of the file with the address.
const maxServing = 64 << 10

// Forget removes the address: of this process when it ends, or of one that was
// killed before it could.
func Forget(s *store.Store) error {
	if err := s.Root.Remove(store.ServingFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Served is a marketplace that another process of this host serves.
type Served struct {
	Address     string // as a URL, without a slash at the end
	ExternalURL string // as Marketplace.ExternalURL
	key         string
	client      *http.Client
}

// Key is an API key that the process accepts, whatever its token is: who can read the
// state of a marketplace may release to it.
func (s *Served) Key() string { return s.key }

// ErrNotServed is the error of Connect for a directory that no process serves: open it
// instead.
var ErrNotServed = errors.New("no process serves this marketplace")

const (
	// connectTimeout bounds how long a process has to prove that it serves a directory.
	connectTimeout = 5 * time.Second
	// reviewTimeout bounds one request of a review: both ends are on one host.
	reviewTimeout = 30 * time.Second
)

// Connect finds the process that serves the marketplace in dir. Where there is none the
// error is ErrNotServed. The address that is on disk may be that of a process that was
// killed, and somebody else may listen there by now: so the process must prove that it
// knows the key that stands next to the address, before it is sent anything.
func Connect(ctx context.Context, dir string) (*Served, error) {
	failed := func(err error) (*Served, error) {
		return nil, fmt.Errorf("looking for the process that serves the marketplace in %s: %w", dir, err)
	}
	found, err := readServing(dir)
	if err != nil {
		return failed(err)
	}
	served := &Served{Address: found.Address, ExternalURL: found.ExternalURL, key: found.Key, client: &http.Client{
		// No proxy stands between processes of one host, whatever the environment says.
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := served.prove(ctx); err != nil {
		if ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			return failed(context.Cause(ctx))
		}
		return failed(fmt.Errorf("%w: %s does not prove that it does (%v)", ErrNotServed, found.Address, err))
	}
	return served, nil
}

func readServing(dir string) (*serving, error) {
	s, err := store.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotServed
	}
	if err != nil {
		return nil, err
	}
	defer s.Close()
	data, err := s.Read(store.ServingFile, maxServing)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotServed
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.Path(store.ServingFile), failure.WithoutPath(err))
	}
	found := &serving{}
	err = store.DecodeStrictly(bytes.NewReader(data), found)
	if address, parsing := url.Parse(found.Address); err != nil || parsing != nil || address.Host == "" || found.Key == "" {
		return nil, fmt.Errorf("%s is not the address of a marketplace; start the process that serves it again", s.Path(store.ServingFile))
	}
	return found, nil
}

// ProofPath is where a process proves that it serves a directory.
const ProofPath = "/marketplace/v1/proof"

// ProofOf is what only who knows the key can say of a number.
func ProofOf(key, number string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("ksrelease marketplace proof " + number))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *Served) prove(ctx context.Context) error {
	number := rand.Text()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address+ProofPath+"?number="+number, nil)
	if err != nil {
		return err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return unwrapURL(err)
	}
	defer answer.Body.Close()
	var body struct {
		Proof string `json:"proof"`
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	if json.Unmarshal(data, &body) != nil || !hmac.Equal([]byte(body.Proof), []byte(ProofOf(s.key, number))) {
		return errors.New("another process answers there")
	}
	return nil
}

// Announce leaves in the directory under which address this process serves it, and the
// key that it accepts.
func Announce(s *store.Store, address, externalURL, key string) error {
	data, err := json.Marshal(serving{Address: address, ExternalURL: externalURL, Key: key, PID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("encoding the address of the marketplace: %w", err)
	}
	return s.Write(store.ServingFile, append(data, '\n'), store.PrivateFileMode)
}
