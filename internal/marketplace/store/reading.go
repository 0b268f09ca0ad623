package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// MaxRecord is the most bytes of the state of one extension. A version costs some
// hundred bytes and its Chart.yaml.
const MaxRecord = 64 << 20

// Inventory is what the directory of a marketplace holds, read and checked.
type Inventory struct {
	Contents *Contents // nil where an earlier ksrelease, which wrote none, was the last
	Records  []*catalog.Extension
	// old says that a record has an earlier format.
	Old bool
	// strays are the files in the place of packages that no record speaks of.
	Strays []string
}

// ReadAll reads and checks all of the state: that each record is as it was written,
// that none is missing, and that each package has the bytes that its record says. It
// changes nothing. What is not as it should be is a *DamageError, all of them joined.
func (s *Store) ReadAll() (*Inventory, error) {
	f := &Inventory{}
	var damages []error
	note := func(err error) error {
		if IsDamage(err) {
			damages = append(damages, err)
			return nil
		}
		return err
	}
	if err := s.checkFolders(); err != nil {
		return nil, err
	}
	var err error
	if f.Contents, err = s.ReadContents(); note(err) != nil {
		return nil, err
	}
	names, err := s.RecordNames()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		record, format, err := s.ReadRecord(name)
		if note(err) != nil {
			return nil, err
		}
		if err == nil {
			f.Records = append(f.Records, record)
			f.Old = f.Old || format < FormatVersion
		}
	}
	if f.Contents != nil {
		for _, name := range f.Contents.Extensions {
			if _, ok := slices.BinarySearch(names, name); !ok {
				damages = append(damages, s.Damaged(ExtensionFile(name), "it is gone, and %s speaks of it", s.Path(ContentsFile)))
			}
		}
	}
	if err := s.checkPackages(f, note); err != nil {
		return nil, err
	}
	if len(damages) == 0 {
		if f.Strays, err = s.Strays(f.Records); err != nil {
			return nil, err
		}
		if f.Contents == nil {
			if damages, err = s.withoutContents(f); err != nil {
				return nil, err
			}
		}
	}
	return f, joinSome(damages)
}

// withoutContents says what is missing where the file with the contents is. It may be a
// new marketplace, or one of an earlier ksrelease, which had no such file.
func (s *Store) withoutContents(f *Inventory) ([]error, error) {
	if len(f.Records) > 0 && !f.Old {
		return []error{s.Damaged(ContentsFile, "it is gone, and there are extensions")}, nil
	}
	known := map[string]bool{}
	for _, record := range f.Records {
		known[record.Name] = true
	}
	missing := map[string]string{}
	for _, stray := range f.Strays {
		if metadata := s.Identify(stray); metadata != nil && !known[metadata.Name] {
			missing[metadata.Name] = stray
		}
	}
	var damages []error
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		damages = append(damages, s.Damaged(ExtensionFile(name), "it is gone, and %s is a package of %s", s.Path(missing[name]), name))
	}
	if len(f.Records) > 0 || len(damages) > 0 {
		return damages, nil
	}
	// Without any state, what was published must not be taken for left over.
	for _, dir := range []string{PublicCharts, ChartsDir} {
		charts, err := s.List(dir)
		if err != nil {
			return nil, err
		}
		if len(charts) > 0 {
			return []error{s.Damaged(ContentsFile, "it is gone with all of the state, and there are packages in %s", s.Path(dir))}, nil
		}
	}
	return nil, nil
}

func IsDamage(err error) bool { return errors.As(err, new(*DamageError)) }

// joinSome joins errors, of many the first ten.
func joinSome(errs []error) error {
	const most = 10
	if more := len(errs) - most; more > 0 {
		errs = append(errs[:most:most], fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}

// RecordNames are the names of the extensions of which there is a record, sorted.
func (s *Store) RecordNames() ([]string, error) {
	entries, err := s.List(ExtensionsDir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if name, isRecord := strings.CutSuffix(entry.Name(), ".json"); isRecord {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func ExtensionFile(name string) string { return path.Join(ExtensionsDir, name+".json") }

// WriteExtension makes a record the truth on disk.
func (s *Store) WriteExtension(record *catalog.Extension) error {
	data, err := seal(record)
	if err != nil {
		return fmt.Errorf("encoding the state of %s: %w", record.Name, err)
	}
	if len(data) > MaxRecord {
		return wire.Refuse(507, "the state of %s would have %d bytes, more than %d: it has too many versions for one marketplace", record.Name, len(data), MaxRecord)
	}
	return s.Write(ExtensionFile(record.Name), data, PrivateFileMode)
}

func (s *Store) ReadExtension(name string) (*catalog.Extension, error) {
	record, _, err := s.ReadRecord(name)
	return record, err
}

// ReadRecord reads a record and says which format it has.
func (s *Store) ReadRecord(name string) (*catalog.Extension, int, error) {
	file := ExtensionFile(name)
	data, err := s.Read(file, MaxRecord)
	switch {
	case errors.Is(err, ErrIrregular), errors.Is(err, errTooLarge):
		return nil, 0, s.Damaged(file, "%v", failure.WithoutPath(err))
	case err != nil:
		return nil, 0, fmt.Errorf("reading %s: %w", s.Path(file), err)
	}
	format := formatOf(data)
	if format > FormatVersion {
		return nil, 0, &FormatError{s.Path(file), format}
	}
	record := &catalog.Extension{}
	if format == 1 {
		err = decodeFirst(data, record)
	} else {
		err = unseal(data, record)
	}
	if err == nil {
		err = record.Check(name)
	}
	if err != nil {
		return nil, 0, s.Damaged(file, "%v", err)
	}
	return record, format, nil
}

// decodeFirst decodes a record of format 1.
func decodeFirst(data []byte, into *catalog.Extension) error {
	var first struct {
		Format int `json:"format"`
		catalog.Extension
	}
	if err := DecodeStrictly(bytes.NewReader(data), &first); err != nil {
		return err
	}
	*into = first.Extension
	return nil
}

// checkPackages makes sure that the packages of all records are there with the bytes
// they were sent with; note takes the damages.
func (s *Store) checkPackages(f *Inventory, note func(error) error) error {
	type job struct {
		name string
		p    *catalog.Package
	}
	var jobs []job
	for _, record := range f.Records {
		for i := range record.Snapshots {
			jobs = append(jobs, job{record.Name, record.Snapshots[i].Package})
		}
	}
	results := make([]error, len(jobs))
	group := errgroup.Group{}
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, j := range jobs {
		group.Go(func() error {
			results[i] = s.checkPackage(j.name, j.p, f.Old)
			return nil
		})
	}
	_ = group.Wait()
	for _, err := range results {
		if err := note(err); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) checkPackage(extension string, p *catalog.Package, old bool) error {
	name := PackageFile(p.Digest)
	file, err := s.OpenPackage(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.Damaged(name, "it is gone, and %s speaks of it", s.Path(ExtensionFile(extension)))
	case errors.Is(err, ErrIrregular):
		return s.Damaged(name, "%v", ErrIrregular)
	case IsDamage(err):
		return err
	case err != nil:
		return fmt.Errorf("reading %s: %w", s.Path(name), err)
	}
	file.Close()
	if !old {
		return nil
	}
	return s.CheckChart(extension, p)
}

// CheckChart compares what a record of the first format, which has no digest of its own,
// says of a chart with what stands in the package.
func (s *Store) CheckChart(extension string, p *catalog.Package) error {
	metadata := s.Identify(PackageFile(p.Digest))
	if metadata == nil {
		return nil // accepted by other rules than those of today
	}
	said, err := json.Marshal(p.Chart)
	if err != nil {
		return err
	}
	is, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	if !bytes.Equal(said, is) {
		return s.Damaged(ExtensionFile(extension), "what it says of %s is not what stands in the package", p.Filename)
	}
	return nil
}

// Strays are the files among the packages that no record speaks of, sorted.
func (s *Store) Strays(records []*catalog.Extension) ([]string, error) {
	spoken := map[string]bool{}
	for _, record := range records {
		for i := range record.Snapshots {
			spoken[PackageFile(record.Snapshots[i].Package.Digest)] = true
		}
	}
	entries, err := s.List(PackagesDir)
	if err != nil {
		return nil, err
	}
	var strays []string
	for _, entry := range entries {
		if name := path.Join(PackagesDir, entry.Name()); !spoken[name] {
			strays = append(strays, name)
		}
	}
	return strays, nil
}
