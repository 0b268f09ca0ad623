package marketplace

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
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

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

// SetAddress makes known that the marketplace is served at addr, HOST:PORT or a URL, so
// that another process can find it (Connect, LockedError). A host that stands for all
// addresses is written as 127.0.0.1, since it is for processes of this host. The file
// holds a key and is readable by its owner alone.
func (m *Marketplace) SetAddress(addr string) error {
	data, err := json.Marshal(serving{Address: LocalURL(addr), ExternalURL: m.ExternalURL(), Key: m.ownKey, PID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("encoding the address of the marketplace: %w", err)
	}
	return m.store.write(servingFile, append(data, '\n'), privateFileMode)
}

// LocalURL is the address for a client on the host that listens on addr, HOST:PORT or a
// URL: a host that stands for all addresses is none that can be asked.
func LocalURL(addr string) string {
	if strings.Contains(addr, "://") {
		return strings.TrimSuffix(addr, "/")
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// forgetServing removes the address: of this process when it ends, or of one that was
// killed before it could.
func (s *store) forgetServing() error {
	if err := s.root.Remove(servingFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	s, err := openStore(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotServed
	}
	if err != nil {
		return nil, err
	}
	defer s.close()
	data, err := s.read(servingFile, maxServing)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotServed
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.path(servingFile), cause(err))
	}
	found := &serving{}
	err = decodeStrictly(bytes.NewReader(data), found)
	if address, parsing := url.Parse(found.Address); err != nil || parsing != nil || address.Host == "" || found.Key == "" {
		return nil, fmt.Errorf("%s is not the address of a marketplace; start the process that serves it again", s.path(servingFile))
	}
	return found, nil
}

// proofPath is where a process proves that it serves a directory.
const proofPath = "/marketplace/v1/proof"

// proofOf is what only who knows the key can say of a number.
func proofOf(key, number string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("ksrelease marketplace proof " + number))
	return hex.EncodeToString(mac.Sum(nil))
}

// getProof answers a challenge.
func (m *Marketplace) getProof(w http.ResponseWriter, r *http.Request) error {
	number := r.URL.Query().Get("number")
	if len(number) < 16 || len(number) > 64 {
		return refuse(http.StatusBadRequest, "number has to have 16 to 64 characters")
	}
	answerJSON(w, http.StatusOK, map[string]string{"proof": proofOf(m.ownKey, number)})
	return nil
}

func (s *Served) prove(ctx context.Context) error {
	number := rand.Text()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address+proofPath+"?number="+number, nil)
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
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxJSONBody))
	if err != nil {
		return err
	}
	if json.Unmarshal(data, &body) != nil || !same(body.Proof, proofOf(s.key, number)) {
		return errors.New("another process answers there")
	}
	return nil
}
