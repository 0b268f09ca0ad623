package dependency

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
)

// cache keeps charts by their digest:
//
//	sha256/HEX.tgz    a package; what does not have that digest any more is not used
//	locked/HEX.json   which digest a locked version of a repository had
//
// It is a help and no more: what cannot be written is downloaded again the next
// time, so that its errors are nobody's concern.
type cache struct{ dir string }

// noCache has nothing and keeps nothing.
var noCache = cache{}

// lockedEntry is what stands in locked/HEX.json.
type lockedEntry struct {
	Repository string `json:"repository"`
	Name       string `json:"name"`
	Locked     string `json:"locked"`  // as in Chart.lock
	Version    string `json:"version"` // as in the repository
	Digest     string `json:"digest"`
}

func (c cache) chartFile(digest string) string {
	return filepath.Join(c.dir, "sha256", digest+".tgz")
}

func (c cache) lockedFile(w want) string {
	return filepath.Join(c.dir, "locked", digestOf([]byte(w.Repository+"\n"+w.Name+"\n"+w.locked))+".json")
}

// chart gives the package with that digest.
func (c cache) chart(digest string) ([]byte, bool) {
	if c.dir == "" || digest == "" {
		return nil, false
	}
	data, err := os.ReadFile(c.chartFile(digest))
	if err != nil || digestOf(data) != digest {
		return nil, false
	}
	return data, true
}

func (c cache) keep(digest string, data []byte) {
	if _, there := c.chart(digest); !there {
		c.write(c.chartFile(digest), data)
	}
}

// locked says what a locked version was when it was downloaded.
func (c cache) locked(w want) (version, digest string, ok bool) {
	if c.dir == "" {
		return "", "", false
	}
	data, err := os.ReadFile(c.lockedFile(w))
	if err != nil {
		return "", "", false
	}
	var entry lockedEntry
	if json.Unmarshal(data, &entry) != nil || entry.Repository != w.Repository || entry.Name != w.Name || entry.Locked != w.locked {
		return "", "", false
	}
	return entry.Version, hexDigest(entry.Digest), true
}

func (c cache) keepLocked(w want, version, digest string) {
	data, err := json.Marshal(lockedEntry{Repository: w.Repository, Name: w.Name, Locked: w.locked, Version: version, Digest: digest})
	if err == nil {
		c.write(c.lockedFile(w), data)
	}
}

// write puts a file in its place in one step, so that nobody reads half of it.
// It is not synced to the disk: a reader checks what it reads.
func (c cache) write(file string, data []byte) {
	if c.dir == "" || os.MkdirAll(filepath.Dir(file), 0o700) != nil {
		return
	}
	_ = atomicfile.Write(file, data, 0o600)
}
