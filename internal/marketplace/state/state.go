// Package state is what a running local marketplace knows, and the one way to change it: to
// disk first, then into memory. It keeps the static Helm repository up to date behind it.
package state

import (
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/externalurl"
	"github.com/ksrelease/ksrelease/internal/marketplace/helmindex"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// Options say how a state is opened.
type Options struct {
	// ReadOnly reads what is in the directory, changes nothing, and refuses each change.
	ReadOnly bool
	// Warn takes what the user should know of the directory, a sentence each.
	Warn func(string)
	// Now reports the time.
	Now func() time.Time
}

// State is what is known of a marketplace: the records that are on disk, and what is found
// by them. It is safe for use by many goroutines.
type State struct {
	options   Options
	Store     *store.Store
	lock      *flock.Flock // nil when read-only
	publisher *publisher
	external  atomic.Pointer[url.URL]

	// writers serialise the changes of one extension; striped by name, so that a flood
	// of names cannot grow it.
	writers [64]sync.Mutex
	// register is held while the contents are written.
	register sync.Mutex

	// mu guards what is below, and is never held while the disk is written.
	mu         sync.RWMutex
	catalogue  map[string]*catalog.Extension // by name; records are never changed, only replaced
	snapshots  map[string]string             // snapshot ID → extension name
	filenames  map[string]catalog.Claim      // package file name → what it is the package of
	registered map[string]bool               // extensions that the contents on disk speak of
	entering   map[string]bool               // extensions with a record that they do not speak of yet
	lastID     int64
	listing    *helmindex.Index // of what is submitted or active; nil: to be made
	previous   *helmindex.Index // the one before, whose entries are taken over
	generation uint64           // rises with each change of what is listed
	seen       store.Stamp      // of the state that was read, when read-only
}

// Open opens the state in dir, makes it where there is none, and brings the static
// repository next to it up to date. Errors are those of marketplace.Open.
func Open(dir string, options Options) (*State, error) {
	st := &State{options: options, Store: &store.Store{Dir: dir}}
	st.replace(&store.Inventory{})
	if options.ReadOnly {
		return st, st.openForReading()
	}
	return st, st.openForWriting()
}

func (st *State) openForWriting() (err error) {
	if err := store.CheckStateless(st.Store.Dir); err != nil {
		return err
	}
	if st.Store, err = store.Make(st.Store.Dir); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			st.Store.Close()
		}
	}()
	if st.lock, err = lease.Acquire(st.Store); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.lock.Unlock())
		}
	}()
	if err := st.load(); err != nil {
		return err
	}
	st.publisher = newPublisher(st)
	if err := st.publisher.publish(); err != nil {
		return err
	}
	st.publisher.start()
	return nil
}

// Close brings the static repository up to date and lets go of the directory.
func (st *State) Close() error {
	if st.options.ReadOnly {
		st.Store.Close()
		return nil
	}
	err := st.publisher.stop()
	if forgetting := lease.Forget(st.Store); err == nil {
		err = forgetting
	}
	st.Store.Close()
	if unlocking := st.lock.Unlock(); err == nil {
		err = unlocking
	}
	return err
}

// SetExternal sets the address under which others reach the marketplace, nil for none. It
// is kept: whoever opens the directory later writes the same index.
func (st *State) SetExternal(external *url.URL) error {
	if st.options.ReadOnly {
		return wire.ErrReadOnly
	}
	st.register.Lock()
	defer st.register.Unlock()
	next := store.Contents{}
	if external != nil {
		next.ExternalURL = external.String()
	}
	if next.ExternalURL == st.ExternalBase() {
		return nil
	}
	st.mu.RLock()
	for name := range st.registered {
		next.Extensions = append(next.Extensions, name)
	}
	st.mu.RUnlock()
	if err := st.Store.WriteContents(next); err != nil {
		return fmt.Errorf("keeping the external URL: %w", err)
	}
	st.mu.Lock()
	st.external.Store(external)
	st.listing = nil
	st.generation++
	st.mu.Unlock()
	return st.publisher.publish()
}

// SnapshotOf is the name of the extension of which a snapshot has that ID.
func (st *State) SnapshotOf(id string) (extension string, ok bool) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	extension, ok = st.snapshots[id]
	return extension, ok
}

// load reads the truth from disk, upgrades what an earlier ksrelease wrote, and tidies
// what a crash may have left behind.
func (st *State) load() error {
	s := st.Store
	if err := lease.Forget(s); err != nil {
		return err
	}
	earlier, err := s.Exists(store.ExtensionsDir)
	if err != nil {
		return err
	}
	read, err := s.ReadAll()
	if err != nil {
		return err
	}
	if err := s.MakeFolders(); err != nil {
		return err
	}
	if earlier && (read.Old || read.Contents == nil) {
		if err := st.upgrade(read); err != nil {
			return fmt.Errorf("upgrading what an earlier ksrelease wrote: %w", err)
		}
	}
	st.replace(read)
	if err := st.completeContents(read); err != nil {
		return err
	}
	if err := s.TidyStaging(); err != nil {
		return err
	}
	for _, stray := range read.Strays {
		lost, err := s.Lose(stray)
		if err != nil {
			return err
		}
		st.options.Warn(fmt.Sprintf("no version speaks of the package %s: it is moved to %s", s.Path(stray), s.Path(lost)))
	}
	return nil
}

// completeContents writes the contents where they lack something that is there: a crash
// may come between the first record of an extension and the contents.
func (st *State) completeContents(read *store.Inventory) error {
	if read.Contents == nil {
		read.Contents = &store.Contents{}
	} else if len(read.Contents.Extensions) == len(read.Records) {
		return nil // ReadAll has found a record for each
	}
	next := store.Contents{ExternalURL: read.Contents.ExternalURL}
	for _, record := range read.Records {
		next.Extensions = append(next.Extensions, record.Name)
	}
	if err := st.Store.WriteContents(next); err != nil {
		return err
	}
	read.Contents = &next
	st.replace(read)
	return nil
}

// replace makes what was read all that is known. The caller holds mu, or is alone.
func (st *State) replace(read *store.Inventory) {
	st.catalogue = map[string]*catalog.Extension{}
	st.snapshots = map[string]string{}
	st.filenames = map[string]catalog.Claim{}
	st.registered = map[string]bool{}
	st.entering = map[string]bool{}
	st.listing = nil
	st.generation++
	if read.Contents != nil {
		for _, name := range read.Contents.Extensions {
			st.registered[name] = true
		}
		// ReadContents has parsed it before.
		external, _ := externalurl.Parse(read.Contents.ExternalURL)
		st.external.Store(external)
	}
	for _, record := range read.Records {
		st.adopt(record)
	}
}

// adopt makes record what is known of its extension. The caller holds mu, or is alone.
func (st *State) adopt(record *catalog.Extension) {
	if !slices.Equal(st.catalogue[record.Name].Listed(), record.Listed()) {
		st.listing = nil
		st.generation++
	}
	st.catalogue[record.Name] = record
	st.lastID = max(st.lastID, record.LastID())
	for _, snapshot := range record.Snapshots {
		st.snapshots[snapshot.ID] = record.Name
		st.filenames[snapshot.Package.Filename] = catalog.Claim{Extension: record.Name, Version: snapshot.Version}
	}
}

// Find returns the extension of that name as it is now.
func (st *State) Find(name string) (*catalog.Extension, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	extension, ok := st.catalogue[name]
	if !ok {
		return nil, wire.Refuse(http.StatusNotFound, "there is no extension %q", name)
	}
	return extension, nil
}

// All returns every extension, sorted by name.
func (st *State) All() []*catalog.Extension {
	st.mu.RLock()
	defer st.mu.RUnlock()
	extensions := make([]*catalog.Extension, 0, len(st.catalogue))
	for _, name := range helmindex.SortedKeys(st.catalogue) {
		extensions = append(extensions, st.catalogue[name])
	}
	return extensions
}

// Change replaces the record of an extension: what decide makes of the one there is
// (nil: none) goes to disk, then into the catalogue. Changes of one extension follow one
// another; those of others go on meanwhile.
func (st *State) Change(name string, decide func(old *catalog.Extension) (*catalog.Extension, error)) error {
	if st.options.ReadOnly {
		return wire.ErrReadOnly
	}
	writer := &st.writers[maphash.String(nameSeed, name)%uint64(len(st.writers))]
	writer.Lock()
	defer writer.Unlock()
	st.mu.RLock()
	old := st.catalogue[name]
	st.mu.RUnlock()
	next, err := decide(old)
	if err != nil {
		return err
	}
	if err := st.Store.WriteExtension(next); err != nil {
		st.Store.DropUnwritten(old, next)
		return err
	}
	if old == nil {
		if err := st.enter(name); err != nil {
			st.Store.WithdrawRecord(next)
			return err
		}
	}
	st.mu.Lock()
	st.adopt(next)
	st.mu.Unlock()
	st.publisher.wake()
	st.Store.DropReplaced(old, next)
	return nil
}

// enter puts an extension that has a record by now into the contents. Many that come at
// once are written in one go.
func (st *State) enter(name string) error {
	st.mu.Lock()
	st.entering[name] = true
	st.mu.Unlock()
	st.register.Lock()
	defer st.register.Unlock()
	st.mu.Lock()
	done := st.registered[name]
	next := store.Contents{ExternalURL: st.ExternalBase()}
	entered := maps.Clone(st.entering)
	for known := range st.registered {
		next.Extensions = append(next.Extensions, known)
	}
	for known := range entered {
		next.Extensions = append(next.Extensions, known)
	}
	st.mu.Unlock()
	if done {
		return nil // by the one before, whose list had it
	}
	err := st.Store.WriteContents(next)
	st.mu.Lock()
	defer st.mu.Unlock()
	if err != nil {
		delete(st.entering, name)
		return err
	}
	for known := range entered {
		st.registered[known] = true
		delete(st.entering, known)
	}
	return nil
}

func NoVersion(name, version string) *wire.Refusal {
	return wire.Refuse(http.StatusNotFound, "there is no version %q of %s", version, name)
}

var nameSeed = maphash.MakeSeed()

// Current returns the listing of this moment. It is made when asked for after a change,
// not with each change.
func (st *State) Current() (*helmindex.Index, error) {
	st.mu.RLock()
	made := st.listing
	st.mu.RUnlock()
	if made != nil {
		return made, nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.listing != nil {
		return st.listing, nil
	}
	made, err := helmindex.Make(st.catalogue, st.generation, st.ExternalBase(), st.previous)
	if err != nil {
		return nil, err
	}
	st.listing, st.previous = made, made
	return made, nil
}

// NewID hands out the next ID.
func (st *State) NewID() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.lastID = catalog.NextID(st.lastID, st.options.Now())
	return catalog.FormatID(st.lastID)
}

// Picker chooses the snapshot of an extension that a step is for.
type Picker func(*catalog.Extension) (*catalog.Snapshot, error)

func ByVersion(version string) Picker {
	return func(e *catalog.Extension) (*catalog.Snapshot, error) {
		if snapshot, ok := e.Version(version); ok {
			return snapshot, nil
		}
		return nil, NoVersion(e.Name, version)
	}
}

// OwnByID is for authors, who have a snapshot's ID and may touch only their own.
func OwnByID(id, user string) Picker {
	return func(e *catalog.Extension) (*catalog.Snapshot, error) {
		if err := e.OwnedBy(user); err != nil {
			return nil, err
		}
		if snapshot, ok := e.Snapshot(id); ok {
			return snapshot, nil
		}
		return nil, fmt.Errorf("the state of %s has lost snapshot %s", e.Name, id)
	}
}

// Take applies a step to the snapshot that pick chooses.
func (st *State) Take(name string, pick Picker, change catalog.Step, message string) error {
	if _, err := st.Find(name); err != nil {
		return err
	}
	return st.Change(name, func(old *catalog.Extension) (*catalog.Extension, error) {
		snapshot, err := pick(old)
		if err != nil {
			return nil, err
		}
		next, err := snapshot.Take(change, name, message, st.options.Now().UTC())
		if err != nil {
			return nil, err
		}
		return old.With(next), nil
	})
}

// IsListed finds a package that is in the index at this moment.
func (st *State) IsListed(filename string) (*catalog.Package, bool) {
	current, err := st.Current()
	if err != nil {
		return nil, false
	}
	listed, ok := current.Packages[filename]
	return listed, ok
}

// ExternalURL is the address under which others reach the marketplace, nil where there is
// none.
func (st *State) ExternalURL() *url.URL { return st.external.Load() }

// Publish waits until the static repository shows all changes so far.
func (st *State) Publish() error { return st.publisher.publish() }

// ExternalBase is the external URL as text, "" where there is none.
func (st *State) ExternalBase() string {
	if external := st.external.Load(); external != nil {
		return external.String()
	}
	return ""
}
