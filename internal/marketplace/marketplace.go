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
//	public/                      what any web server may serve: a static Helm repository
//	public/index.yaml, charts/   derived from the state: what is submitted
//	public/files/USER/…          uploaded files
//	state/                       private (0700): tokens, drafts, rejected packages, reviews
//	state/extensions/NAME.json   the truth: one extension, its snapshots and their states
//	state/packages/DIGEST.tgz    the packages the truth speaks of, by SHA-256
//	state/contents.json          which extensions there are, and the external URL
//	state/lost/                  what no record speaks of, moved there instead of removed
//	state/serving.json           address and key of the process that serves it
//	state/lock                   held by that process
//
// A write is acknowledged once its bytes and their names are on disk: package first,
// then the state that speaks of it, each written aside, synced, renamed, and the
// directory synced. What is public follows in the background and is made anew on Open,
// so a crash can make it late but not wrong; over HTTP the index is always that of the
// moment.
//
// Records and contents carry their own digest (sealed.go), and packages are named by
// theirs, so a change from outside is seen wherever it is. Then Open is a *DamageError;
// Repair rebuilds what it can from the packages. Nothing that is not understood is
// removed.
//
// What does not belong here: the client's side of the wire (internal/cloud,
// internal/helmrepo), what a package must look like (internal/extension), and faults on
// purpose, which are put around this handler.
package marketplace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
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
	options   Options
	files     *url.URL // Options.FilesURL
	external  atomic.Pointer[url.URL]
	store     *store
	lock      *flock.Flock // nil when read-only
	handler   http.Handler
	ownKey    string // an API key, and the key of the review, for processes that can read the state
	publisher *publisher

	// inspecting bounds how many packages are unpacked at a time: an archive at the
	// limit of its size may unpack to many times that in memory.
	inspecting chan struct{}
	// writers serialise the changes of one extension; striped by name, so that a flood
	// of names cannot grow it.
	writers [64]sync.Mutex
	// register is held while the contents are written.
	register sync.Mutex

	// life is held by every request and taken by Close.
	life   sync.RWMutex
	closed bool

	// mu guards what is below, and is never held while the disk is written.
	mu         sync.RWMutex
	catalogue  map[string]*extensionRecord // by name; records are never changed, only replaced
	snapshots  map[string]string           // snapshot ID → extension name
	filenames  map[string]claim            // package file name → what it is the package of
	registered map[string]bool             // extensions that the contents on disk speak of
	entering   map[string]bool             // extensions with a record that they do not speak of yet
	lastID     int64
	listing    *listing // of what is submitted or active; nil: to be made
	generation uint64   // rises with each change of what is listed
	seen       stamp    // of the state that was read, when read-only
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

var userPattern = bounded{64, regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)}

// Open opens the marketplace in dir, creating it where there is none, and brings the
// static repository in it up to date. When another process has it open the error is a
// *LockedError. What is on disk but is not as it was written is a *DamageError that names
// the file: unreadable is not absent. A directory of an earlier ksrelease is upgraded.
func Open(dir string, options Options) (*Marketplace, error) {
	m, err := newMarketplace(dir, options)
	if err == nil && m.options.ReadOnly {
		err = m.openForReading()
	} else if err == nil {
		err = m.openForWriting()
	}
	if err != nil {
		if errors.As(err, new(*LockedError)) {
			return nil, err
		}
		return nil, fmt.Errorf("opening marketplace %s: %w", dir, err)
	}
	return m, nil
}

func newMarketplace(dir string, options Options) (*Marketplace, error) {
	options, files, err := withDefaults(options)
	if err != nil {
		return nil, err
	}
	m := &Marketplace{
		options:    options,
		files:      files,
		store:      &store{dir: dir},
		ownKey:     "kck-" + rand.Text(),
		inspecting: make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
	}
	m.handler = m.belowExternal(m.routes())
	m.replace(&found{})
	return m, nil
}

func (m *Marketplace) openForWriting() (err error) {
	if err := checkStateless(m.store.dir); err != nil {
		return err
	}
	if m.store, err = makeStore(m.store.dir); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			m.store.close()
		}
	}()
	if m.lock, err = acquire(m.store); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.lock.Unlock())
		}
	}()
	if err := m.load(); err != nil {
		return err
	}
	m.publisher = newPublisher(m)
	if err := m.publisher.publish(); err != nil {
		return err
	}
	m.publisher.start()
	return nil
}

// Exists says whether there is a marketplace in dir, for those who do not want to
// make one.
func Exists(dir string) bool {
	for _, name := range []string{stateDir, publicDir} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
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
	if !userPattern.MatchString(options.User) {
		return options, nil, fmt.Errorf("user %q: use 1 to 64 letters, digits, '.', '_' and '-', a letter or digit first", options.User)
	}
	if options.Token != "" {
		if err := CheckToken(options.Token); err != nil {
			return options, nil, err
		}
	}
	files, err := parseExternalURL(options.FilesURL)
	return options, files, err
}

// CheckToken says why a text cannot be the API key of a marketplace: a request carries
// it in a header, where neither blanks nor anything but visible ASCII arrive as they
// were sent. The text is not repeated.
func CheckToken(token string) error {
	const most = 1024
	switch {
	case token == "":
		return errors.New("the API key is empty")
	case len(token) > most:
		return fmt.Errorf("the API key has %d bytes, more than %d", len(token), most)
	}
	for i, c := range []byte(token) {
		switch {
		case c == ' ' || c == '\t':
			return fmt.Errorf("the API key has a blank at byte %d, and no request can carry it", i+1)
		case c == '\n' || c == '\r':
			return fmt.Errorf("the API key has the end of a line at byte %d, and no request can carry it", i+1)
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("the API key has a control character at byte %d, and no request can carry it", i+1)
		case c > 0x7f:
			return fmt.Errorf("the API key has a character other than ASCII at byte %d, and no request can carry it", i+1)
		}
	}
	return nil
}

// acquire takes the lock of the directory or says who has it.
func acquire(s *store) (*flock.Flock, error) {
	file := s.lockFile()
	if info, err := s.root.Lstat(lockName); err == nil && !info.Mode().IsRegular() {
		return nil, s.damaged(lockName, "%v", errIrregular)
	}
	lock := flock.New(file)
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", file, err)
	}
	if got {
		return lock, nil
	}
	locked := &LockedError{Dir: s.dir}
	// The address is a courtesy: without it the error is still the right one.
	if served, err := Connect(context.Background(), s.dir); err == nil {
		locked.Address = served.Address
	}
	return nil, locked
}

// load reads the truth from disk, upgrades what an earlier ksrelease wrote, and tidies
// what a crash may have left behind.
func (m *Marketplace) load() error {
	s := m.store
	if err := s.forgetServing(); err != nil {
		return err
	}
	earlier, err := s.exists(extensionsDir)
	if err != nil {
		return err
	}
	read, err := s.readState()
	if err != nil {
		return err
	}
	if err := s.makeFolders(); err != nil {
		return err
	}
	if earlier && (read.old || read.contents == nil) {
		if err := m.upgrade(read); err != nil {
			return fmt.Errorf("upgrading what an earlier ksrelease wrote: %w", err)
		}
	}
	m.replace(read)
	if err := m.completeContents(read); err != nil {
		return err
	}
	if err := s.tidyStaging(); err != nil {
		return err
	}
	for _, stray := range read.strays {
		lost, err := s.lose(stray)
		if err != nil {
			return err
		}
		m.options.Warn(fmt.Sprintf("no version speaks of the package %s: it is moved to %s", s.path(stray), s.path(lost)))
	}
	return nil
}

// completeContents writes the contents where they lack something that is there: a crash
// may come between the first record of an extension and the contents.
func (m *Marketplace) completeContents(read *found) error {
	if read.contents == nil {
		read.contents = &contents{}
	} else if len(read.contents.Extensions) == len(read.records) {
		return nil // readState has found a record for each
	}
	next := contents{ExternalURL: read.contents.ExternalURL}
	for _, record := range read.records {
		next.Extensions = append(next.Extensions, record.Name)
	}
	if err := m.store.writeContents(next); err != nil {
		return err
	}
	read.contents = &next
	m.replace(read)
	return nil
}

// replace makes what was read all that is known. The caller holds mu, or is alone.
func (m *Marketplace) replace(read *found) {
	m.catalogue = map[string]*extensionRecord{}
	m.snapshots = map[string]string{}
	m.filenames = map[string]claim{}
	m.registered = map[string]bool{}
	m.entering = map[string]bool{}
	m.listing = nil
	m.generation++
	if read.contents != nil {
		for _, name := range read.contents.Extensions {
			m.registered[name] = true
		}
		// readContents has parsed it before.
		external, _ := parseExternalURL(read.contents.ExternalURL)
		m.external.Store(external)
	}
	for _, record := range read.records {
		m.adopt(record)
	}
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
// files under /files, the administration under /marketplace, and the page at /. Where
// there is an external URL with a path, all of it is below that path as well.
func (m *Marketplace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.life.RLock()
	defer m.life.RUnlock()
	if m.closed {
		refuse(http.StatusServiceUnavailable, "the marketplace is closed").answer(w)
		return
	}
	if m.options.ReadOnly {
		if err := m.refresh(); err != nil {
			answerError(w, err)
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
	if m.options.ReadOnly {
		m.store.close()
		return nil
	}
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
	for _, given := range []*url.URL{m.external.Load(), m.files} {
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
