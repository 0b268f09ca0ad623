// Package marketplace is the local marketplace: one http.Handler that speaks the
// interface of KubeSphere Cloud, is a Helm repository, serves the files it was given,
// and keeps all of it in a directory.
//
// It is what `ksrelease run --local` releases to, what `ksrelease marketplace serve`
// runs, and the other end in the tests of the client. A closed network can point
// KubeSphere at it.
//
// # What is kept where
//
//	state/extensions/NAME.json   the truth: one extension, its snapshots and their states
//	state/packages/DIGEST.tgz    the packages the truth speaks of, by SHA-256
//	state/serving.json           address and admin token of the process that serves it
//	state/lock                   held by that process
//	files/USER/…                 uploaded files
//	charts/, index.yaml          derived: a static Helm repository of what is submitted
//
// A write is acknowledged once its bytes and their names are on disk: package first,
// then the state that speaks of it, each written aside, synced, renamed, and the
// directory synced. charts/ and index.yaml follow in the background and are made anew
// on Open, so a crash can make them late but not wrong; over HTTP the index is always
// that of the moment.
//
// What does not belong here: the client's side of the wire (internal/cloud,
// internal/helmrepo), what a package must look like (internal/extension), and faults on
// purpose, which are put around this handler.
package marketplace

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// DefaultAddr is where `ksrelease marketplace serve` listens when not told otherwise:
// on this host alone.
const DefaultAddr = "127.0.0.1:8790"

// DefaultSizeLimit is the most bytes a package may have: the marketplace's publishing
// guide says 1 MB, after the assets were replaced.
const DefaultSizeLimit = 1 << 20

// DefaultUser is the user that every accepted token stands for.
const DefaultUser = "local"

// Options say how a marketplace behaves. The zero value is the usual one.
type Options struct {
	// ExternalURL is the base of the URLs of uploaded files, for use behind a proxy:
	// http or https, possibly with a path. Empty: scheme and host of the request.
	ExternalURL string
	// Token is the one API key that is accepted. Empty: any of the shape of a real one,
	// "kck-" and letters, digits or hyphens.
	Token string
	// User is the user_id the token stands for; extensions belong to who created them.
	// Letters, digits, '.', '_' and '-'. Empty: DefaultUser.
	User string
	// SizeLimit is the most bytes a package may have; 0: DefaultSizeLimit.
	SizeLimit int64
	// Now tells the time; nil: time.Now.
	Now func() time.Time
}

// Marketplace is a marketplace over one directory. It is an http.Handler for all of its
// addresses and is safe for use by many goroutines.
type Marketplace struct {
	options    Options
	external   *url.URL
	store      *store
	lock       *flock.Flock
	handler    http.Handler
	adminToken string
	publisher  *publisher

	// inspecting bounds how many packages are unpacked at a time: an archive at the
	// limit of its size may unpack to many times that in memory.
	inspecting chan struct{}
	// writers serialise the changes of one extension; striped by name, so that a flood
	// of names cannot grow it.
	writers [64]sync.Mutex

	// life is held by every request and taken by Close.
	life   sync.RWMutex
	closed bool

	// mu guards what is below, and is never held while the disk is written.
	mu         sync.RWMutex
	catalogue  map[string]*extensionRecord // by name; records are never changed, only replaced
	snapshots  map[string]string           // snapshot ID → extension name
	filenames  map[string]claim            // package file name → what it is the package of
	lastID     int64
	listing    *listing // of what is submitted or active; nil: to be made
	generation uint64   // rises with each change of what is listed
}

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

var userPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Open opens the marketplace in dir, creating it where there is none, and brings the
// static repository in it up to date. When another process has it open the error is a
// *LockedError. What is on disk but cannot be read is an error that names the file:
// unreadable is not absent.
func Open(dir string, options Options) (*Marketplace, error) {
	options, external, err := withDefaults(options)
	if err != nil {
		return nil, fmt.Errorf("opening marketplace %s: %w", dir, err)
	}
	store, err := openStore(dir)
	if err != nil {
		return nil, fmt.Errorf("opening marketplace %s: %w", dir, err)
	}
	lock, err := acquire(dir, store)
	if err != nil {
		store.close()
		return nil, err
	}
	m := &Marketplace{
		options:    options,
		external:   external,
		store:      store,
		lock:       lock,
		adminToken: rand.Text(),
		inspecting: make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
		catalogue:  map[string]*extensionRecord{},
		snapshots:  map[string]string{},
		filenames:  map[string]claim{},
	}
	m.handler = m.routes()
	if err := m.load(); err != nil {
		lock.Unlock()
		store.close()
		return nil, fmt.Errorf("opening marketplace %s: %w", dir, err)
	}
	m.publisher = newPublisher(m)
	if err := m.publisher.publish(); err != nil {
		lock.Unlock()
		store.close()
		return nil, fmt.Errorf("opening marketplace %s: %w", dir, err)
	}
	m.publisher.start()
	return m, nil
}

// Exists says whether there is a marketplace in dir, for those who do not want to
// make one.
func Exists(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(extensionsDir)))
	return err == nil && info.IsDir()
}

func withDefaults(options Options) (Options, *url.URL, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.SizeLimit == 0 {
		options.SizeLimit = DefaultSizeLimit
	}
	if options.User == "" {
		options.User = DefaultUser
	}
	if !userPattern.MatchString(options.User) {
		return options, nil, fmt.Errorf("user %q: use 1 to 64 letters, digits, '.', '_' and '-', a letter or digit first", options.User)
	}
	if options.ExternalURL == "" {
		return options, nil, nil
	}
	external, err := url.Parse(options.ExternalURL)
	if err != nil || external.Host == "" || (external.Scheme != "http" && external.Scheme != "https") {
		return options, nil, fmt.Errorf("external URL %q: give an address like https://marketplace.example.org", options.ExternalURL)
	}
	return options, external, nil
}

// acquire takes the lock of the directory or says who has it.
func acquire(dir string, store *store) (*flock.Flock, error) {
	lock := flock.New(store.lockFile())
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("opening marketplace %s: locking %s: %w", dir, store.lockFile(), err)
	}
	if got {
		return lock, nil
	}
	locked := &LockedError{Dir: dir}
	// The address is a courtesy: without it the error is still the right one.
	if serving, err := readServing(dir); err == nil {
		locked.Address = serving.Address
	}
	return nil, locked
}

// load reads the truth from disk and tidies what a crash may have left behind.
func (m *Marketplace) load() error {
	if err := m.store.forgetServing(); err != nil {
		return err
	}
	records, err := m.store.readExtensions()
	if err != nil {
		return err
	}
	for _, record := range records {
		m.adopt(record)
	}
	return m.store.tidy(records)
}

// adopt makes record what is known of its extension. The caller holds mu, or is alone.
func (m *Marketplace) adopt(record *extensionRecord) {
	if !slices.Equal(m.catalogue[record.Name].listed(), record.listed()) {
		m.listing = nil
		m.generation++
	}
	m.catalogue[record.Name] = record
	m.lastID = max(m.lastID, idNumber(record.ID))
	for _, snapshot := range record.Snapshots {
		m.snapshots[snapshot.ID] = record.Name
		m.filenames[snapshot.Package.Filename] = claim{record.Name, snapshot.Version}
		m.lastID = max(m.lastID, idNumber(snapshot.ID))
	}
}

// ServeHTTP answers for the API under /apis, the Helm repository at the root, uploaded
// files under /files, the administration under /marketplace, and the page at /.
func (m *Marketplace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.life.RLock()
	defer m.life.RUnlock()
	if m.closed {
		refuse(http.StatusServiceUnavailable, "the marketplace is closed").answer(w)
		return
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
	err := m.publisher.stop()
	if forgetting := m.store.forgetServing(); err == nil {
		err = forgetting
	}
	m.store.close()
	if unlocking := m.lock.Unlock(); err == nil {
		err = unlocking
	}
	if err != nil {
		return fmt.Errorf("closing marketplace %s: %w", m.store.dir, err)
	}
	return nil
}

// base is the address under which the client of r reaches this marketplace, without a
// slash at the end.
func (m *Marketplace) base(r *http.Request) *url.URL {
	if m.external != nil {
		base := *m.external
		base.Path = strings.TrimSuffix(base.Path, "/")
		base.RawPath, base.RawQuery, base.Fragment, base.User = "", "", "", nil
		return &base
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return &url.URL{Scheme: scheme, Host: r.Host}
}
