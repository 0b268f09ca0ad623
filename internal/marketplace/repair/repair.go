// Package repair brings the directory of a damaged local marketplace into a state that
// opens, and loses nothing on the way.
package repair

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/lease"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
)

// Run brings the marketplace in dir into a state that opens, and says what it did, a
// sentence each; of one that is in order it changes nothing and says nothing. What is not
// as it was written is moved to what is lost. A record that is damaged or gone is rebuilt
// from the packages of its extension, each version as a draft of user: nothing says whether
// it was reviewed, and a draft is in no listing. A package that is damaged or gone is taken
// from its copy in the Helm repository where there is one; else its version is taken out,
// as it has nothing to install. What is left to do is what each opening does.
func Run(dir, user string, now func() time.Time) ([]string, error) {
	r := &repair{dir: dir, user: user, now: now}
	err := r.run()
	return r.done, err
}

type repair struct {
	dir, user string
	now       func() time.Time
	s         *store.Store
	done      []string

	// records are those that are in order, by name; damaged the names of the others.
	records map[string]*catalog.Extension
	damaged map[string]bool
	// external is the external URL, where the contents still say it.
	external        string
	withoutContents bool
	// copies are the files that hold a package of that digest, best first.
	copies map[string][]string
	// sent are the digests of packages that were sent, by the names of private packages and
	// by the index; published says that there are some in the index.
	sent      map[string]bool
	published bool
	lastID    int64 // of the records in order
}

func (r *repair) say(message string) { r.done = append(r.done, message) }

func (r *repair) run() (err error) {
	if err := r.clearState(); err != nil {
		return err
	}
	if r.s, err = store.Open(r.dir); err != nil {
		return err
	}
	defer r.s.Close()
	if err := r.s.MakeDir(store.StateDir, store.PrivateDirMode); err != nil {
		return err
	}
	if info, err := r.s.Root.Lstat(store.LockName); err == nil && !info.Mode().IsRegular() {
		if err := r.lose(store.LockName, store.ErrIrregular.Error()); err != nil {
			return err
		}
	}
	lock, err := lease.Acquire(r.s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if _, err := r.s.ReadAll(); err == nil {
		return nil // in order
	} else if !store.IsDamage(err) {
		return err // unreadable is not damaged
	}
	for _, folder := range store.Folders {
		if info, err := r.s.Root.Lstat(folder.Name); err == nil && !info.IsDir() {
			if err := r.lose(folder.Name, "it is no folder"); err != nil {
				return err
			}
		}
	}
	if err := r.s.MakeFolders(); err != nil {
		return err
	}
	for _, step := range []func() error{r.readContents, r.readRecords, r.findCopies, r.completeRecords, r.rebuild} {
		if err := step(); err != nil {
			return err
		}
	}
	// The contents last: until then the state asks for a repair.
	next := store.Contents{ExternalURL: r.external, Extensions: slices.Collect(maps.Keys(r.records))}
	return r.s.WriteContents(next)
}

// clearState moves what stands in the place of the private folder out of the way.
func (r *repair) clearState() error {
	s, err := store.Open(r.dir)
	if err != nil {
		return err
	}
	defer s.Close()
	info, err := s.Root.Lstat(store.StateDir)
	if err != nil || info.IsDir() {
		return nil // or Make says what is wrong
	}
	for i := 1; ; i++ {
		aside := fmt.Sprintf("%s-lost-%d", store.StateDir, i)
		if taken, err := s.Exists(aside); err != nil || taken {
			if err != nil {
				return err
			}
			continue
		}
		if err := s.Root.Rename(store.StateDir, aside); err != nil {
			return err
		}
		r.say(fmt.Sprintf("%s: it is no folder; it is moved to %s", s.Path(store.StateDir), s.Path(aside)))
		return s.SyncDir(".")
	}
}

// lose moves a file to what is lost and says why.
func (r *repair) lose(name, why string) error {
	lost, err := r.s.Lose(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, names := range r.copies {
		if i := slices.Index(names, name); i >= 0 {
			names[i] = lost
		}
	}
	r.say(fmt.Sprintf("%s: %s; it is moved to %s", r.s.Path(name), why, r.s.Path(lost)))
	return nil
}

const contentsUnknown = "which extensions there were is no longer known, but for those that left something behind, nor which external URL there was: where others reach the marketplace by one, run marketplace serve with --external-url again"

func (r *repair) readContents() error {
	r.damaged = map[string]bool{}
	found, err := r.s.ReadContents()
	var damage *store.DamageError
	switch {
	case errors.As(err, &damage):
		r.say(contentsUnknown)
		return r.lose(store.ContentsFile, damage.What)
	case err != nil:
		return err
	case found == nil:
		r.withoutContents = true
		return nil
	}
	r.external = found.ExternalURL
	for _, name := range found.Extensions {
		r.damaged[name] = true // until its record is read
	}
	return nil
}

func (r *repair) readRecords() error {
	r.records = map[string]*catalog.Extension{}
	names, err := r.s.RecordNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		record, format, err := r.s.ReadRecord(name)
		if err == nil && format == 1 {
			for i := range record.Snapshots {
				err = errors.Join(err, r.s.CheckChart(name, record.Snapshots[i].Package))
			}
		}
		var damage *store.DamageError
		switch {
		case errors.As(err, &damage):
			r.damaged[name] = true
			if err := r.lose(store.ExtensionFile(name), damage.What); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			r.records[name] = record
			delete(r.damaged, name)
			// An earlier ksrelease wrote no contents.
			r.withoutContents = r.withoutContents && format == store.FormatVersion
		}
	}
	if r.withoutContents {
		r.say(contentsUnknown)
	}
	return nil
}

// findCopies learns which package is in which file, by its bytes.
func (r *repair) findCopies() error {
	r.copies = map[string][]string{}
	r.sent = map[string]bool{}
	if index, err := r.s.Read(store.PublicIndex, store.MaxRecord); err == nil {
		for _, digest := range digestInText.FindAllString(string(index), -1) {
			r.sent[digest], r.published = true, true
		}
	}
	for _, dir := range []string{store.PackagesDir, store.PublicCharts, store.ChartsDir, store.LostDir} {
		entries, err := r.s.List(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			name := path.Join(dir, entry.Name())
			if digest, ok := strings.CutSuffix(entry.Name(), ".tgz"); ok && dir == store.PackagesDir && catalog.IsDigest(digest) {
				r.sent[digest] = true
			}
			digest, _, err := r.s.Digest(name)
			switch {
			case errors.Is(err, store.ErrIrregular):
				continue
			case err != nil:
				return fmt.Errorf("reading %s: %w", r.s.Path(name), err)
			}
			r.copies[digest] = append(r.copies[digest], name)
		}
	}
	return nil
}

// restore puts a package in its place, from any file that has its bytes.
func (r *repair) restore(digest string) (bool, error) {
	name := store.PackageFile(digest)
	if slices.Contains(r.copies[digest], name) {
		return true, nil
	}
	sources := r.copies[digest]
	if len(sources) == 0 {
		return false, nil
	}
	source := sources[0]
	data, err := r.s.Read(source, store.MaxPackage)
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", r.s.Path(source), err)
	}
	if err := r.lose(name, "its bytes are not those that were sent"); err != nil {
		return false, err
	}
	if err := r.s.Write(name, data, store.PrivateFileMode); err != nil {
		return false, err
	}
	r.say(fmt.Sprintf("%s is put back from %s", r.s.Path(name), r.s.Path(source)))
	r.copies[digest] = append(sources, name)
	return true, nil
}

// completeRecords makes sure that each version of the records in order has its package.
func (r *repair) completeRecords() error {
	for _, name := range slices.Sorted(maps.Keys(r.records)) {
		record := r.records[name]
		next := *record
		next.Snapshots = nil
		for i := range record.Snapshots {
			snapshot := record.Snapshots[i]
			there, err := r.restore(snapshot.Package.Digest)
			if err != nil {
				return err
			}
			if !there {
				if err := r.lose(store.PackageFile(snapshot.Package.Digest), "its bytes are not those that were sent"); err != nil {
					return err
				}
				r.say(fmt.Sprintf("%s %s was %s and has lost its package: it is taken out; release it again", name, snapshot.Version, snapshot.Status))
				continue
			}
			next.Snapshots = append(next.Snapshots, snapshot)
		}
		if len(next.Snapshots) == len(record.Snapshots) {
			continue
		}
		if err := r.s.WriteExtension(&next); err != nil {
			return err
		}
		r.records[name] = &next
	}
	return nil
}

// candidate is a package that may be a version of an extension without a record.
type candidate struct {
	name    string // of the file
	digest  string
	size    int64
	changed time.Time
	chart   *chart.Metadata
}

// rebuild makes records of the packages that no record speaks of, for extensions that
// have none. What is published counts, too, where the private copy is gone.
func (r *repair) rebuild() error {
	wanted, err := r.candidates()
	if err != nil {
		return err
	}
	for _, record := range r.records {
		r.lastID = max(r.lastID, record.LastID())
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := r.rebuildRecord(name, wanted[name]); err != nil {
			return err
		}
		delete(r.damaged, name)
	}
	for _, name := range slices.Sorted(maps.Keys(r.damaged)) {
		r.say(fmt.Sprintf("nothing is left of the extension %s: neither its record nor a package", name))
	}
	return nil
}

// candidates are the packages of extensions without a record, by extension and version,
// of each the one that came last.
func (r *repair) candidates() (map[string]map[string]candidate, error) {
	strays, err := r.s.Strays(slices.Collect(maps.Values(r.records)))
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{store.PublicCharts, store.ChartsDir} {
		entries, err := r.s.List(dir)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			strays = append(strays, path.Join(dir, entry.Name()))
		}
	}
	wanted := map[string]map[string]candidate{}
	for _, name := range strays {
		c, err := r.candidate(name)
		if err != nil {
			return nil, err
		}
		if c == nil || r.records[c.chart.Name] != nil {
			continue // Open moves it to what is lost
		}
		versions := wanted[c.chart.Name]
		if versions == nil {
			versions = map[string]candidate{}
			wanted[c.chart.Name] = versions
		}
		// What was sent, before what was published; of two, the one that came last.
		if known, ok := versions[c.chart.Version]; !ok || path.Dir(name) == store.PackagesDir && c.changed.After(known.changed) {
			versions[c.chart.Version] = *c
		}
	}
	return wanted, nil
}

var digestInText = lazyregexp.New(`\b[0-9a-f]{64}\b`)

// candidate looks into a file; nil where it is no package of an extension.
func (r *repair) candidate(name string) (*candidate, error) {
	metadata := r.s.Identify(name)
	if metadata == nil {
		return nil, nil
	}
	info, err := r.s.Root.Lstat(name)
	if err != nil {
		return nil, err
	}
	digest, size, err := r.s.Digest(name)
	if err != nil {
		return nil, err
	}
	// A package can be damaged and still be read as one, with the name and the version of
	// the one that was sent.
	if !r.sent[digest] && (path.Dir(name) == store.PackagesDir || r.published) {
		return nil, nil
	}
	return &candidate{name: name, digest: digest, size: size, changed: info.ModTime(), chart: metadata}, nil
}

func (r *repair) rebuildRecord(name string, versions map[string]candidate) error {
	now := r.now().UTC()
	record := &catalog.Extension{ID: r.newID(), Name: name, Owner: r.user}
	for _, version := range slices.Sorted(maps.Keys(versions)) {
		c := versions[version]
		if _, err := r.restore(c.digest); err != nil {
			return err
		}
		*record = *record.With(catalog.Snapshot{
			ID: r.newID(), Version: version, Status: catalog.Draft, CreatedAt: now, UpdatedAt: now,
			Message: "rebuilt from its package by ksrelease marketplace repair",
			Package: &catalog.Package{Filename: name + "-" + version + ".tgz", Size: c.size, Digest: c.digest, UploadedAt: c.changed.UTC(), Chart: c.chart},
		})
		r.say(fmt.Sprintf("%s %s is rebuilt from its package, as a draft: what state it was in is no longer known; release it again to submit it", name, version))
	}
	if err := r.s.WriteExtension(record); err != nil {
		return err
	}
	r.records[name] = record
	return nil
}

// newID hands out the next ID, above those of the records in order.
func (r *repair) newID() string {
	r.lastID = catalog.NextID(r.lastID, r.now())
	return catalog.FormatID(r.lastID)
}
