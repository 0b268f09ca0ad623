package serve

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// Folder serves the packages of a folder as a Helm repository, as they are when it is made.
type Folder struct {
	root  *os.Root
	index []byte
	files map[string]string // digests of packages, and of what signs them, by file name
	count int               // of packages
}

// mostArchive bounds a package, in bytes.
const mostArchive = 64 << 20

// NewFolder reads all NAME-VERSION.tgz of a folder. Close closes it.
func NewFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{root: root, files: map[string]string{}}
	if err := f.read(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return f, nil
}

func (f *Folder) read() error {
	top, err := f.root.Open(".")
	if err != nil {
		return err
	}
	names, err := top.Readdirnames(-1)
	if err := errors.Join(err, top.Close()); err != nil {
		return err
	}
	slices.Sort(names)
	var entries []bundle.IndexEntry
	for _, name := range names {
		if filepath.Ext(name) != ".tgz" {
			continue
		}
		data, err := f.load(name)
		if err != nil {
			return fmt.Errorf("reading the package %s: %w", name, err)
		}
		p, metadata, err := bundle.Inspect(name, data)
		if err != nil {
			return err
		}
		if p.Filename() != name {
			return fmt.Errorf("the package %s is %s %s inside: name it %s", name, p.Name, p.Version, p.Filename())
		}
		f.files[name] = p.Digest
		for _, ending := range [...]string{extension.ProvenanceEnding, extension.SignatureEnding} {
			if !slices.Contains(names, name+ending) {
				continue
			}
			signs, err := f.load(name + ending)
			if err != nil {
				return fmt.Errorf("reading %s: %w", name+ending, err)
			}
			f.files[name+ending] = bundle.DigestOf(signs)
		}
		entries = append(entries, bundle.NewIndexEntry(p, metadata))
	}
	f.count = len(entries)
	f.index, err = bundle.EncodeIndex(entries)
	return err
}

// load reads a package that fits into memory.
func (f *Folder) load(name string) ([]byte, error) {
	if _, err := f.root.Stat(name); err != nil { // a link that could not be served either
		return nil, err
	}
	return regularfile.ReadWithin(f.root.Name(), filepath.Join(f.root.Name(), name), mostArchive)
}

// Len is how many packages there are.
func (f *Folder) Len() int { return f.count }

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// ServeHTTP answers a request.
func (f *Folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "packages are only read here", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == "/index.yaml" {
		sendIndex(w, r, f.index)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/charts/")
	digest, known := f.files[name]
	if !ok || !known {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	file, err := f.root.Open(name)
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	defer file.Close()
	serveContent(w, r, digest, typeOf(name), file)
}

func sendIndex(w http.ResponseWriter, r *http.Request, index []byte) {
	w.Header().Set("Content-Type", "text/yaml; charset=utf-8")
	w.Header().Set("ETag", `"`+bundle.DigestOf(index)+`"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(index)))
}
