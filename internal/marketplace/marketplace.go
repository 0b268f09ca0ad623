// Package marketplace is the local marketplace: one http.Handler that speaks the
// interface of KubeSphere Cloud, is a Helm repository, serves the files it was given,
// and keeps all of it in a directory.
//
// It is what `ksrelease run --local` releases to, what `ksrelease marketplace serve`
// runs, and the other end in the tests of the client. A closed network can point
// KubeSphere at it.
//
// It is made of packages, each for one duty: catalog (records and their states), store
// (the directory), helmindex (index.yaml), lease (which process has the directory),
// state (what is known, and changes of it), repair, externalurl, and wire (how requests are
// read and answered). Here is what users and KubeSphere ask for, and the page.
//
// What does not belong here: the client's side of the wire (internal/cloud,
// internal/helmrepo), what a package must look like (internal/extension), and faults on
// purpose, which are put around this handler.
package marketplace

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/externalurl"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/marketplace/repair"
	"github.com/ksrelease/ksrelease/internal/marketplace/state"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// DefaultAddr is where `ksrelease marketplace serve` listens by default:
// on this host alone.
const DefaultAddr = "127.0.0.1:8790"

// DefaultSizeLimit is the most bytes a package may have: the marketplace's publishing
// guide says 1 MB, after the assets were replaced.
const DefaultSizeLimit = 1 << 20

// DefaultUser is the user that every accepted token stands for.
const DefaultUser = "local"

// Options say how a marketplace behaves. The zero value is the usual one.
type Options struct {
	// FilesURL is the base of the URLs of uploaded files where the marketplace has no
	// external URL: http or https, possibly with a path. Empty: scheme and host of the
	// request.
	FilesURL string
	// Token is the one API key that is accepted; see CheckToken. Empty: any of the shape
	// of a real one, "kck-" and letters, digits or hyphens.
	Token string
	// User is the user_id the token stands for; extensions belong to who created them.
	// Letters, digits, '.', '_' and '-'. Empty: DefaultUser.
	User string
	// ReviewToken is the key with which somebody reviews in a browser; empty: nobody does.
	ReviewToken string
	// SizeLimit is the most bytes a package may have; 0: DefaultSizeLimit.
	SizeLimit int64
	// ReadOnly opens the marketplace without a change of its directory, which need not
	// be writable and need not exist: what is not there is empty. It shows what other
	// processes write, and refuses to write itself.
	ReadOnly bool
	// Warn takes what the user should know of the directory, a sentence each; nil: nobody.
	Warn func(string)
	// Now reports the time; nil: time.Now.
	Now func() time.Time
}

// Marketplace is a marketplace over one directory. It is an http.Handler for all of its
// addresses and is safe for use by many goroutines.
type Marketplace struct {
	options Options
	files   *url.URL // Options.FilesURL
	state   *state.State
	uploads *uploads
	handler http.Handler
	ownKey  string // an API key, and the key of the review, for processes that can read the state

	// inspecting bounds how many packages are unpacked at a time: an archive at the
	// limit of its size may unpack to many times that in memory.
	inspecting chan struct{}

	// life is held by every request and taken by Close.
	life   sync.RWMutex
	closed bool
}

// Open opens the marketplace in dir, creating it where there is none, and brings the
// static repository in it up to date. When another process has it open the error is a
// *LockedError. What is on disk but is not as it was written is a *DamageError that names
// the file: unreadable is not absent. A directory of an earlier ksrelease is upgraded.
func Open(dir string, options Options) (*Marketplace, error) {
	options, files, err := withDefaults(options)
	if err != nil {
		return nil, fmt.Errorf("opening marketplace %s: %w", dir, err)
	}
	m := &Marketplace{
		options:    options,
		files:      files,
		ownKey:     "kck-" + rand.Text(),
		inspecting: make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
	}
	m.state, err = state.Open(dir, state.Options{ReadOnly: options.ReadOnly, Warn: options.Warn, Now: options.Now})
	if err != nil {
		if errors.As(err, new(*lease.LockedError)) {
			return nil, err
		}
		return nil, fmt.Errorf("opening marketplace %s: %w", dir, err)
	}
	m.uploads = &uploads{store: m.state.Store, user: options.User, readOnly: options.ReadOnly, base: m.base}
	m.handler = m.belowExternal(m.routes())
	return m, nil
}

// Repair brings the marketplace in dir into a state that opens, and says what it did, a
// sentence each (internal/marketplace/repair). Options.Warn is not used.
func Repair(dir string, options Options) ([]string, error) {
	options.ReadOnly = false
	options, _, err := withDefaults(options)
	if err != nil {
		return nil, fmt.Errorf("repairing marketplace %s: %w", dir, err)
	}
	done, err := repair.Run(dir, options.User, options.Now)
	if errors.As(err, new(*lease.LockedError)) {
		return nil, err
	}
	if err != nil {
		return done, fmt.Errorf("repairing marketplace %s: %w", dir, err)
	}
	// What is left is what each opening does.
	options.Warn = func(message string) { done = append(done, message) }
	opened, err := Open(dir, options)
	if err != nil {
		return done, err
	}
	err = opened.Close()
	return done, err
}

// Exists says whether there is a marketplace in dir, for those who do not want to
// make one.
func Exists(dir string) bool {
	return store.HasMarketplace(dir)
}

func withDefaults(options Options) (Options, *url.URL, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Warn == nil {
		options.Warn = func(string) {}
	}
	if options.SizeLimit == 0 {
		options.SizeLimit = DefaultSizeLimit
	}
	if options.User == "" {
		options.User = DefaultUser
	}
	if !catalog.ValidUser(options.User) {
		return options, nil, fmt.Errorf("user %q: use 1 to 64 letters, digits, '.', '_' and '-', a letter or digit first", options.User)
	}
	if options.Token != "" {
		if err := CheckToken(options.Token); err != nil {
			return options, nil, err
		}
	}
	if options.ReviewToken != "" {
		if err := CheckReviewToken(options.ReviewToken, options.Token); err != nil {
			return options, nil, err
		}
	}
	files, err := externalurl.Parse(options.FilesURL)
	return options, files, err
}

// CheckToken says why a text cannot be the API key of a marketplace: a request carries
// it in a header, where neither blanks nor anything but visible ASCII arrive as they
// were sent. The text is not repeated.
func CheckToken(token string) error { return checkKey("the API key", token) }

func checkKey(what, token string) error {
	const most = 1024
	switch {
	case token == "":
		return fmt.Errorf("%s is empty", what)
	case len(token) > most:
		return fmt.Errorf("%s has %d bytes, more than %d", what, len(token), most)
	}
	for i, c := range []byte(token) {
		switch {
		case c == ' ' || c == '\t':
			return fmt.Errorf("%s has a blank at byte %d, and no request can carry it", what, i+1)
		case c == '\n' || c == '\r':
			return fmt.Errorf("%s has the end of a line at byte %d, and no request can carry it", what, i+1)
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("%s has a control character at byte %d, and no request can carry it", what, i+1)
		case c > 0x7f:
			return fmt.Errorf("%s has a character other than ASCII at byte %d, and no request can carry it", what, i+1)
		}
	}
	return nil
}

// CheckReviewToken says why a text cannot be the key of the review: it is a secret that others may
// guess at, and not the API key with which they release.
func CheckReviewToken(token, apiKey string) error {
	const least = 16
	if err := checkKey("the key of the review", token); err != nil {
		return err
	}
	if len(token) < least {
		return fmt.Errorf("the key of the review has %d characters, and needs %d", len(token), least)
	}
	if same(token, apiKey) {
		return errors.New("the key of the review is the API key: everybody who releases could approve")
	}
	return nil
}

// ServeHTTP answers for the API under /apis, the Helm repository at the root, uploaded
// files under /files, the administration under /marketplace, and the page at /. Where
// there is an external URL with a path, all of it is below that path as well.
func (m *Marketplace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.life.RLock()
	defer m.life.RUnlock()
	if m.closed {
		wire.AnswerRefusal(w, wire.Refuse(http.StatusServiceUnavailable, "the marketplace is closed"))
		return
	}
	if m.options.ReadOnly {
		if err := m.state.Refresh(); err != nil {
			wire.AnswerError(w, err)
			return
		}
	}
	m.handler.ServeHTTP(w, r)
}

// Close waits for the requests under way, brings the static repository up to date and
// lets go of the directory. Requests that come later are answered with 503. Only the
// first call does anything.
func (m *Marketplace) Close() error {
	m.life.Lock()
	defer m.life.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	if err := m.state.Close(); err != nil {
		return fmt.Errorf("closing marketplace %s: %w", m.state.Store.Dir, err)
	}
	return nil
}

// base is the address under which the client of r reaches this marketplace, without a
// slash at the end.
func (m *Marketplace) base(r *http.Request) *url.URL {
	for _, given := range []*url.URL{m.state.ExternalURL(), m.files} {
		if given != nil {
			base := *given
			return &base
		}
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return &url.URL{Scheme: scheme, Host: r.Host}
}
