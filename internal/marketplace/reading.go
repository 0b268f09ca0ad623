package marketplace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// maxRecord is the most bytes of the state of one extension. A version costs some
// hundred bytes and its Chart.yaml.
const maxRecord = 64 << 20

// found is what the directory of a marketplace holds, read and checked.
type found struct {
	contents *contents // nil where an earlier ksrelease, which wrote none, was the last
	records  []*extensionRecord
	// old says that a record has an earlier format.
	old bool
	// strays are the files in the place of packages that no record speaks of.
	strays []string
}

// readState reads and checks all of the state: that each record is as it was written,
// that none is missing, and that each package has the bytes that its record says. It
// changes nothing. What is not as it should be is a *DamageError, all of them joined.
func (s *store) readState() (*found, error) {
	f := &found{}
	var damages []error
	note := func(err error) error {
		if isDamage(err) {
			damages = append(damages, err)
			return nil
		}
		return err
	}
	if err := s.checkFolders(); err != nil {
		return nil, err
	}
	var err error
	if f.contents, err = s.readContents(); note(err) != nil {
		return nil, err
	}
	names, err := s.recordNames()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		record, format, err := s.readRecord(name)
		if note(err) != nil {
			return nil, err
		}
		if err == nil {
			f.records = append(f.records, record)
			f.old = f.old || format < formatVersion
		}
	}
	if f.contents != nil {
		for _, name := range f.contents.Extensions {
			if _, ok := slices.BinarySearch(names, name); !ok {
				damages = append(damages, s.damaged(extensionFile(name), "it is gone, and %s speaks of it", s.path(contentsFile)))
			}
		}
	}
	if err := s.checkPackages(f, note); err != nil {
		return nil, err
	}
	if len(damages) == 0 {
		if f.strays, err = s.strays(f.records); err != nil {
			return nil, err
		}
		if f.contents == nil {
			if damages, err = s.withoutContents(f); err != nil {
				return nil, err
			}
		}
	}
	return f, joinSome(damages)
}

// withoutContents says what is missing where the file with the contents is. It may be a
// new marketplace, or one of an earlier ksrelease, which had no such file.
func (s *store) withoutContents(f *found) ([]error, error) {
	if len(f.records) > 0 && !f.old {
		return []error{s.damaged(contentsFile, "it is gone, and there are extensions")}, nil
	}
	known := map[string]bool{}
	for _, record := range f.records {
		known[record.Name] = true
	}
	missing := map[string]string{}
	for _, stray := range f.strays {
		if metadata := s.identify(stray); metadata != nil && !known[metadata.Name] {
			missing[metadata.Name] = stray
		}
	}
	var damages []error
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		damages = append(damages, s.damaged(extensionFile(name), "it is gone, and %s is a package of %s", s.path(missing[name]), name))
	}
	if len(f.records) > 0 || len(damages) > 0 {
		return damages, nil
	}
	// Without any state, what was published must not be taken for left over.
	for _, dir := range []string{publicCharts, chartsDir} {
		charts, err := s.list(dir)
		if err != nil {
			return nil, err
		}
		if len(charts) > 0 {
			return []error{s.damaged(contentsFile, "it is gone with all of the state, and there are packages in %s", s.path(dir))}, nil
		}
	}
	return nil, nil
}

func isDamage(err error) bool { return errors.As(err, new(*DamageError)) }

// joinSome joins errors, of many the first ten.
func joinSome(errs []error) error {
	const most = 10
	if more := len(errs) - most; more > 0 {
		errs = append(errs[:most:most], fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}

// recordNames are the names of the extensions of which there is a record, sorted.
func (s *store) recordNames() ([]string, error) {
	entries, err := s.list(extensionsDir)
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

func extensionFile(name string) string { return path.Join(extensionsDir, name+".json") }

// writeExtension makes a record the truth on disk.
func (s *store) writeExtension(record *extensionRecord) error {
	data, err := seal(record)
	if err != nil {
		return fmt.Errorf("encoding the state of %s: %w", record.Name, err)
	}
	if len(data) > maxRecord {
		return refuse(507, "the state of %s would have %d bytes, more than %d: it has too many versions for one marketplace", record.Name, len(data), maxRecord)
	}
	return s.write(extensionFile(record.Name), data, privateFileMode)
}

func (s *store) readExtension(name string) (*extensionRecord, error) {
	record, _, err := s.readRecord(name)
	return record, err
}

// readRecord reads a record and says which format it has.
func (s *store) readRecord(name string) (*extensionRecord, int, error) {
	file := extensionFile(name)
	data, err := s.read(file, maxRecord)
	switch {
	case errors.Is(err, errIrregular), errors.Is(err, errTooLarge):
		return nil, 0, s.damaged(file, "%v", cause(err))
	case err != nil:
		return nil, 0, fmt.Errorf("reading %s: %w", s.path(file), err)
	}
	format := formatOf(data)
	if format > formatVersion {
		return nil, 0, &FormatError{s.path(file), format}
	}
	record := &extensionRecord{}
	if format == 1 {
		err = decodeFirst(data, record)
	} else {
		err = unseal(data, record)
	}
	if err == nil {
		err = record.check(name)
	}
	if err != nil {
		return nil, 0, s.damaged(file, "%v", err)
	}
	return record, format, nil
}

// decodeFirst decodes a record of format 1.
func decodeFirst(data []byte, into *extensionRecord) error {
	var first struct {
		Format int `json:"format"`
		extensionRecord
	}
	if err := decodeStrictly(bytes.NewReader(data), &first); err != nil {
		return err
	}
	*into = first.extensionRecord
	return nil
}

var (
	// namePattern takes all that was ever accepted as a name; extension.ValidName may
	// become stricter, which must not make old records damaged ones.
	namePattern   = bounded{253, regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)}
	idPattern     = regexp.MustCompile(`^[1-9][0-9]{17}$`)
	digestPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// bounded is a pattern for texts of a largest length in bytes. As a repetition in the
// pattern itself the length would make each start of the program slower: 12 ms for
// the three of this package.
type bounded struct {
	longest int
	pattern *regexp.Regexp
}

func (b bounded) MatchString(text string) bool {
	return len(text) <= b.longest && b.pattern.MatchString(text)
}

// check says what is wrong with a record, as the end of a sentence.
func (e *extensionRecord) check(name string) error {
	switch {
	case e.Name != name:
		return fmt.Errorf("it is the state of %q", e.Name)
	case !namePattern.MatchString(name):
		return fmt.Errorf("%q is no name of an extension", name)
	case !idPattern.MatchString(e.ID):
		return fmt.Errorf("%q is no ID of an extension", e.ID)
	case !userPattern.MatchString(e.Owner):
		return fmt.Errorf("%q is no user", e.Owner)
	}
	ids, versions := map[string]bool{}, map[string]bool{}
	for i := range e.Snapshots {
		snapshot := &e.Snapshots[i]
		if ids[snapshot.ID] || versions[snapshot.Version] {
			return fmt.Errorf("it has version %q, or its ID, twice", snapshot.Version)
		}
		ids[snapshot.ID], versions[snapshot.Version] = true, true
		if err := snapshot.check(name); err != nil {
			return fmt.Errorf("version %q: %w", snapshot.Version, err)
		}
	}
	return nil
}

func (s *snapshotRecord) check(name string) error {
	p := s.Package
	switch {
	case !idPattern.MatchString(s.ID):
		return fmt.Errorf("%q is no ID of a snapshot", s.ID)
	case !s.Status.known():
		return fmt.Errorf("%q is no status", string(s.Status))
	case s.CreatedAt.IsZero(), s.UpdatedAt.IsZero():
		return errors.New("it does not say when it was made or changed")
	case p == nil || p.Chart == nil:
		return errors.New("it says nothing of the package")
	case !digestPattern.MatchString(p.Digest):
		return fmt.Errorf("%q is no digest of a package", p.Digest)
	case p.Size <= 0:
		return fmt.Errorf("its package cannot have %d bytes", p.Size)
	case p.Chart.Name != name, p.Chart.Version != s.Version, p.Filename != name+"-"+s.Version+".tgz":
		return fmt.Errorf("its package is %q with the chart %q in version %q", p.Filename, p.Chart.Name, p.Chart.Version)
	}
	return nil
}

// checkPackages makes sure that the packages of all records are there with the bytes
// they were sent with; note takes the damages.
func (s *store) checkPackages(f *found, note func(error) error) error {
	type job struct {
		name string
		p    *packageRecord
	}
	var jobs []job
	for _, record := range f.records {
		for i := range record.Snapshots {
			jobs = append(jobs, job{record.Name, record.Snapshots[i].Package})
		}
	}
	results := make([]error, len(jobs))
	group := errgroup.Group{}
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, j := range jobs {
		group.Go(func() error {
			results[i] = s.checkPackage(j.name, j.p, f.old)
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

func (s *store) checkPackage(extension string, p *packageRecord, old bool) error {
	name := packageFile(p.Digest)
	file, err := s.openPackage(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.damaged(name, "it is gone, and %s speaks of it", s.path(extensionFile(extension)))
	case errors.Is(err, errIrregular):
		return s.damaged(name, "%v", errIrregular)
	case isDamage(err):
		return err
	case err != nil:
		return fmt.Errorf("reading %s: %w", s.path(name), err)
	}
	file.Close()
	if !old {
		return nil
	}
	return s.checkChart(extension, p)
}

// checkChart compares what a record of the first format, which has no digest of its own,
// says of a chart with what stands in the package.
func (s *store) checkChart(extension string, p *packageRecord) error {
	metadata := s.identify(packageFile(p.Digest))
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
		return s.damaged(extensionFile(extension), "what it says of %s is not what stands in the package", p.Filename)
	}
	return nil
}

// strays are the files among the packages that no record speaks of, sorted.
func (s *store) strays(records []*extensionRecord) ([]string, error) {
	spoken := map[string]bool{}
	for _, record := range records {
		for i := range record.Snapshots {
			spoken[packageFile(record.Snapshots[i].Package.Digest)] = true
		}
	}
	entries, err := s.list(packagesDir)
	if err != nil {
		return nil, err
	}
	var strays []string
	for _, entry := range entries {
		if name := path.Join(packagesDir, entry.Name()); !spoken[name] {
			strays = append(strays, name)
		}
	}
	return strays, nil
}
