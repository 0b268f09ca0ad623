package presence

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
)

// Known keeps the platforms of images by their digests in a folder, a small file for each:
//
//	sha256-HEX.json   ["linux/amd64", "linux/arm64"]
//
// What a digest stands for never changes. It is a help and no more: what cannot be read is asked
// for again, and what cannot be written is nobody's concern. The methods may be called on nil, by
// several goroutines, and while other processes use the folder.
type Known struct {
	// Dir is the folder. It is made when something is kept.
	Dir string
	// Most bounds the number of files; 0 means 4,000. Beyond it the oldest half goes.
	Most int

	once sync.Once
}

// mostKnown is how many digests are kept: some hundred bytes each.
const mostKnown = 4000

// mostFile bounds a file that is read, in bytes.
const mostFile = 16 << 10

func (k *Known) file(digest string) (string, bool) {
	if k == nil || k.Dir == "" {
		return "", false
	}
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok || algorithm != "sha256" || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return "", false
	}
	return filepath.Join(k.Dir, algorithm+"-"+hex+".json"), true
}

// platforms are those of a digest, if they are known.
func (k *Known) platforms(digest string) ([]string, bool) {
	file, ok := k.file(digest)
	if !ok {
		return nil, false
	}
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > mostFile {
		return nil, false
	}
	data, err := os.ReadFile(file)
	var names []string
	if err != nil || json.Unmarshal(data, &names) != nil || names == nil {
		return nil, false
	}
	return names, true
}

// Keep remembers the platforms of a digest.
func (k *Known) Keep(digest string, platforms []string) {
	file, ok := k.file(digest)
	if !ok || os.MkdirAll(k.Dir, 0o700) != nil {
		return
	}
	k.once.Do(k.prune)
	if platforms == nil {
		platforms = []string{}
	}
	if data, err := json.Marshal(platforms); err == nil {
		_ = atomicfile.Write(file, data, 0o600)
	}
}

// prune removes the oldest half where there are too many.
func (k *Known) prune() {
	most := k.Most
	if most <= 0 {
		most = mostKnown
	}
	entries, err := os.ReadDir(k.Dir)
	if err != nil || len(entries) <= most {
		return
	}
	type aged struct {
		name string
		at   int64
	}
	var files []aged
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, aged{entry.Name(), info.ModTime().UnixNano()})
		}
	}
	slices.SortFunc(files, func(a, b aged) int { return int(min(max(a.at-b.at, -1), 1)) })
	for _, f := range files[:len(files)/2] {
		_ = os.Remove(filepath.Join(k.Dir, f.name)) // another process may have done so
	}
}
