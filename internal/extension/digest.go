package extension

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/yamledit"
)

// The formats of content digests. What the digest begins with names its format; each
// has a name that is hashed as well, so that a new format has new digests.
const (
	// contentDigestName is that of the format of ContentDigest, contentDigestPrefix
	// what such a digest begins with.
	contentDigestName   = "ksrelease.dev/content-digest/v2"
	contentDigestPrefix = "v2:sha256:"
	// firstDigestName is the format that ksrelease wrote first, for which each byte of
	// Chart.lock and of charts/*.tgz is content, time stamps included.
	firstDigestName   = "ksrelease.dev/content-digest/v1"
	firstDigestPrefix = "sha256:"
)

// ContentDigest is a digest of what the extension consists of, "v2:sha256:" and 64
// hex digits. It is the same for the same content wherever it is packed, and in
// both forms of the package: where assets were uploaded to, time stamps, the
// order of files and the derived Chart.yaml have no part in it. Of extension.yaml
// it takes every byte, with each reference to a file by the digest of that file;
// files of the static directory count by these references only, as they do in
// the pushed package.
//
// `helm dependency update` makes Chart.lock and charts/*.tgz anew, with other time
// stamps, each time. So of a lock the digest takes what it says, without `generated`,
// and of a packaged subchart the names and the content of its files, those of
// packages within packages likewise. A package that cannot be read, or is beyond the
// limits of the extension, counts by its bytes.
//
// It is computed from a source tree or the local form of the package. The pushed
// form has addresses in place of the assets, so of one that was read back
// take the annotation in FoundChart, as far as it is to be trusted.
func (e *Extension) ContentDigest() string {
	return e.digest.get(e.computeDigest)
}

// fact is a digest that is computed when it is asked for first.
type fact struct {
	once  sync.Once
	value atomic.Pointer[string]
}

func (f *fact) get(compute func() string) string {
	f.once.Do(func() {
		value := compute()
		f.value.Store(&value)
	})
	return *f.value.Load()
}

// known is the digest if it was asked for before, and empty if not.
func (f *fact) known() string {
	if value := f.value.Load(); value != nil {
		return *value
	}
	return ""
}

// IsContentDigest reports whether a text is a whole content digest, of any format that
// ksrelease ever wrote.
func IsContentDigest(text string) bool {
	sum, ok := strings.CutPrefix(text, contentDigestPrefix)
	if !ok {
		sum, ok = strings.CutPrefix(text, firstDigestPrefix)
	}
	return ok && len(sum) == hex.EncodedLen(sha256.Size) && strings.Trim(sum, "0123456789abcdef") == ""
}

// DigestVerdict is what the content digest of a published version says.
type DigestVerdict int

const (
	// DigestUnknown: there is none, or none that decides. One of the first format that
	// differs may do so for time stamps alone. The contents have to be compared.
	DigestUnknown DigestVerdict = iota
	// DigestSame: it is that of the extension.
	DigestSame
	// DigestOther: the version has other content.
	DigestOther
)

// CompareDigest holds the content digest that a published version carries against the
// extension.
func (e *Extension) CompareDigest(published string) DigestVerdict {
	switch {
	case !IsContentDigest(published):
		return DigestUnknown
	case strings.HasPrefix(published, contentDigestPrefix):
		if published == e.ContentDigest() {
			return DigestSame
		}
		return DigestOther
	case published == e.firstDigest():
		return DigestSame
	}
	return DigestUnknown
}

func (e *Extension) computeDigest() string {
	h := e.beginDigest(contentDigestName)
	m := &unpack.Meter{Limits: e.Limits}
	for _, f := range e.contentFiles() {
		hashContent(h, f, m, 0)
	}
	return contentDigestPrefix + hex.EncodeToString(h.Sum(nil))
}

// firstDigest is the content digest in the first format.
func (e *Extension) firstDigest() string {
	h := e.beginDigest(firstDigestName)
	for _, f := range e.contentFiles() {
		hashField(h, []byte(f.Name))
		hashField(h, f.Data)
	}
	return firstDigestPrefix + hex.EncodeToString(h.Sum(nil))
}

// beginDigest begins with the format and what survives of Chart.yaml.
func (e *Extension) beginDigest(format string) hash.Hash {
	h := sha256.New()
	hashField(h, []byte(format))
	hashField(h, []byte(e.ChartType))
	hashField(h, []byte(e.AppVersion))
	return h
}

// contentFiles are the files of the pushed form, with extension.yaml as metadataByDigest
// has it.
func (e *Extension) contentFiles() []File {
	files := make([]File, 0, len(e.Files))
	for _, f := range e.Files {
		switch {
		case f.Name == MetadataFile:
			files = append(files, File{Name: f.Name, Data: e.metadataByDigest()})
		case !e.isStatic(f.Name):
			files = append(files, f)
		}
	}
	return files
}

// hashContent hashes the name of a file and what of it is content.
func hashContent(h hash.Hash, f File, m *unpack.Meter, depth int) {
	kind, content := ContentOf(f, m, depth)
	hashField(h, []byte(f.Name))
	hashField(h, []byte(kind))
	hashField(h, content)
}

// ContentOf is what of a file is content, and which kind of content that is: "lock" for
// what a Chart.lock says, "archive" for the digest of a packaged subchart, or "file" for
// all bytes. depth is how many archives the file lies in; m holds what is unpacked to limits.
func ContentOf(f File, m *unpack.Meter, depth int) (kind string, content []byte) {
	switch isLock, isArchive := countsByMeaning(f.Name); {
	case isLock:
		if said, ok := whatLockSays(f.Data); ok {
			return "lock", said
		}
	case isArchive:
		if sum, ok := archiveDigest(f.Data, m, depth); ok {
			return "archive", sum
		}
	}
	return "file", f.Data
}

// countsByMeaning says of which files other bytes may be the same content.
func countsByMeaning(name string) (isLock, isArchive bool) {
	inChart := nameInChart(name)
	isLock = inChart == LockFile || inChart == "requirements.lock"
	return isLock, !isLock && path.Dir(inChart)+"/" == chartsFolder && path.Ext(inChart) == ".tgz"
}

// hasAllOf reports whether the content digest of an extension covers each byte of one of its files.
func hasAllOf(e *Extension, name string) bool {
	isLock, isArchive := countsByMeaning(name)
	return name != MetadataFile && !isLock && !isArchive && !e.isStatic(name)
}

// nameInChart is the name of a file within the subchart in whose folder it lies, as
// Helm loads them: charts/a/charts/b/x is x of the chart b. Names below charts/ that
// begin with _ or . are no charts to it.
func nameInChart(name string) string {
	for {
		below, ok := strings.CutPrefix(name, chartsFolder)
		folder, rest, isFolder := strings.Cut(below, "/")
		if !ok || !isFolder || strings.HasPrefix(folder, "_") || strings.HasPrefix(folder, ".") {
			return name
		}
		name = rest
	}
}

// whatLockSays is a Chart.lock without the time at which it was made. ok is false for
// a file that is no lock.
func whatLockSays(data []byte) (said []byte, ok bool) {
	var lock map[string]any
	if err := yaml.Unmarshal(trimMark(data), &lock); err != nil || lock["digest"] == nil {
		return nil, false
	}
	delete(lock, "generated")
	said, err := json.Marshal(lock)
	return said, err == nil
}

// archiveDigest is a digest of the names and contents of the files in a packaged
// chart. ok is false for one that cannot be read within the limits.
func archiveDigest(archive []byte, m *unpack.Meter, depth int) (sum []byte, ok bool) {
	if depth >= m.Limits.Depth {
		return nil, false
	}
	_, files, err := unpack.ReadNested(archive, m, unpack.All)
	if err != nil {
		return nil, false
	}
	h := sha256.New()
	for _, f := range files {
		hashContent(h, f, m, depth+1)
	}
	return h.Sum(nil), true
}

// metadataByDigest is extension.yaml with the digest of each asset in place of
// the reference to it. One that cannot be edited is taken as it is, followed by
// the digests: Pack says why.
func (e *Extension) metadataByDigest() []byte {
	edits := e.assetEdits(func(a Asset) string { return a.Digest })
	if data, err := yamledit.Apply(e.Document, edits); err == nil {
		return data
	}
	data := append([]byte(nil), e.Document.Source()...)
	for _, edit := range edits {
		data = append(data, edit.Value...)
	}
	return data
}

// assetEdits replaces each reference to an asset by what value gives for it.
func (e *Extension) assetEdits(value func(Asset) string) []yamledit.Edit {
	var edits []yamledit.Edit
	for _, a := range e.Assets {
		for _, pointer := range a.Pointers {
			edits = append(edits, yamledit.Edit{Pointer: pointer, Value: value(a)})
		}
	}
	return edits
}

// hashField hashes data behind its length, so that no two lists of fields look
// the same.
func hashField(h hash.Hash, data []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(data)))
	h.Write(length[:])
	h.Write(data)
}
