package extension

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// LockFile is the name of the file, next to extension.yaml, that names the exact
// versions of the dependencies. It is Helm's, which keeps it next to Chart.yaml.
const LockFile = "Chart.lock"

// Lock reads Chart.lock; it is nil, with no error, where there is none. The
// error is a diagnostic.List, whose file is relative to the extension.
func (e *Extension) Lock() (*chart.Lock, error) {
	source, ok := e.fileData(LockFile)
	if !ok {
		return nil, nil
	}
	doc, err := yamldoc.Parse(LockFile, source)
	if err != nil {
		return nil, err
	}
	lock := new(chart.Lock)
	if yaml.Unmarshal(trimMark(source), lock) != nil || lock.Digest == "" {
		return nil, diagnostic.List{doc.Problem("this is no lock of Helm's: it has a digest and a list of dependencies with name, repository and version",
			"delete it, and `ksrelease lint` shows the one to put in its place")}
	}
	for _, d := range lock.Dependencies {
		if d == nil {
			return nil, diagnostic.List{doc.Problem("an entry of the lock is empty", "delete the file, and `ksrelease lint` shows the one to put in its place", "dependencies")}
		}
	}
	return lock, nil
}

// LockInSync reports whether a lock was made for the dependencies that
// extension.yaml has now. It is Helm's own test (HashReq of
// helm.sh/helm/v3/internal/resolver): the lock's digest covers both lists.
func (e *Extension) LockInSync(lock *chart.Lock) bool {
	if len(lock.Dependencies) != len(e.Metadata.Dependencies) {
		return false
	}
	for i, d := range e.Metadata.Dependencies {
		if lock.Dependencies[i].Name != d.Name {
			return false
		}
	}
	return LockDigest(e.Metadata.Dependencies, lock.Dependencies) == lock.Digest
}

// LockDigest is the digest of a lock for dependencies. Where they name a
// repository by an alias, Helm puts its address there first; the lock has it.
func LockDigest(declared, locked []*chart.Dependency) string {
	required := make([]*chart.Dependency, len(declared))
	for i, d := range declared {
		copied := *d
		// Helm takes unprintable characters out when it loads a chart; what else
		// may be wrong with a dependency is for lint to report. It does so in place,
		// and what was declared is read by others at the same time.
		copied.Tags = slices.Clone(d.Tags)
		_ = copied.Validate()
		if IsRepositoryAlias(copied.Repository) && i < len(locked) {
			copied.Repository = locked[i].Repository
		}
		required[i] = &copied
	}
	data, err := json.Marshal([2][]*chart.Dependency{required, locked})
	if err != nil {
		return "" // no digest of a lock
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// IsRepositoryAlias reports whether a repository is named in the way of `helm repo
// add`, which has a meaning only on the machine where that was typed.
func IsRepositoryAlias(repository string) bool {
	return strings.HasPrefix(repository, "@") || strings.HasPrefix(repository, "alias:")
}

// ProposedLock is the Chart.lock that makes the package what it is now on any
// day. ok is false where the version of a dependency is not known.
func (e *Extension) ProposedLock() (text string, ok bool) {
	present := e.Subcharts()
	var locked []*chart.Dependency
	for _, d := range e.Metadata.Dependencies {
		entry := &chart.Dependency{Name: d.Name, Repository: d.Repository, Version: d.Version}
		if d.Repository != "" {
			c, found := fills(d, present)
			if !found || IsRepositoryAlias(d.Repository) {
				return "", false
			}
			entry.Version = c.Version
		}
		locked = append(locked, entry)
	}
	data, err := yaml.Marshal(struct {
		Dependencies []*chart.Dependency `json:"dependencies"`
		Digest       string              `json:"digest"`
	}{locked, LockDigest(e.Metadata.Dependencies, locked)})
	return string(data), err == nil
}

func trimMark(data []byte) []byte { return bytes.TrimPrefix(data, unpack.ByteOrderMark) }
