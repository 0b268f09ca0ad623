package catalog

import (
	"errors"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

var (
	// namePattern takes all that was ever accepted as a name; extension.ValidName may
	// become stricter, which must not make old records damaged ones.
	namePattern   = bounded{253, lazyregexp.New(`^[a-z0-9][a-z0-9.-]*$`)}
	idPattern     = lazyregexp.New(`^[1-9][0-9]{17}$`)
	digestPattern = lazyregexp.New(`^[0-9a-f]{64}$`)
)

// bounded is a pattern for texts of a largest length in bytes. As a repetition in the
// pattern itself the length would make each start of the program slower: 12 ms for
// the three of this package.
type bounded struct {
	longest int
	pattern *lazyregexp.Regexp
}

func (b bounded) MatchString(text string) bool {
	return len(text) <= b.longest && b.pattern.MatchString(text)
}

// Check says what is wrong with a record, as the end of a sentence.
func (e *Extension) Check(name string) error {
	switch {
	case e.Name != name:
		return fmt.Errorf("it is the state of %q", e.Name)
	case !namePattern.MatchString(name):
		return fmt.Errorf("%q is no name of an extension", name)
	case !ValidID(e.ID):
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

func (s *Snapshot) check(name string) error {
	p := s.Package
	switch {
	case !ValidID(s.ID):
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

var userPattern = bounded{64, lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)}

// KnownName says whether a text is a name that an extension on disk may have.
func KnownName(name string) bool { return namePattern.MatchString(name) }

// ValidID says whether a text is the ID of an extension or a snapshot.
func ValidID(id string) bool { return idPattern.MatchString(id) }

// IsDigest says whether a text is a SHA-256 as packages have it, in hex.
func IsDigest(text string) bool { return digestPattern.MatchString(text) }

// ValidUser says whether a text can be the name of a user.
func ValidUser(name string) bool { return userPattern.MatchString(name) }
