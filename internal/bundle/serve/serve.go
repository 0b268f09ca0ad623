// Package serve shows bundles over HTTP to those who read: a Helm repository with its packages
// and pictures, and the images in them as a registry that can be pulled from and not pushed to.
package serve

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/ksrelease/ksrelease/internal/bundle"
)

// Handler serves bundles. It is safe for concurrent use.
type Handler struct {
	set      bundle.Set
	mux      *http.ServeMux
	index    []byte
	packages map[string]bundle.File    // and what signs them, by file name
	pictures map[string]bundle.Picture // by path
	images   map[string]*repository    // by name
}

// repository is what a name in the registry has.
type repository struct {
	tags      map[string][]tagged
	manifests map[string]manifest // by digest
	blobs     map[string]int64    // sizes by digest
}

// tagged is what a tag names, in the registry of that host: two registries may have an image of one name.
type tagged struct{ host, digest string }

type manifest struct {
	mediaType string
	size      int64
}

// New makes a handler of bundles that are verified. What only a base has that is not among them is not served.
func New(set bundle.Set) (*Handler, error) {
	packages, err := set.Packages()
	if err != nil {
		return nil, err
	}
	packages = slices.DeleteFunc(packages, func(p bundle.Package) bool { return !set.Has(bundle.File{Path: p.Path(), Digest: p.Digest}) })
	h := &Handler{set: set, mux: http.NewServeMux(), packages: map[string]bundle.File{}, pictures: map[string]bundle.Picture{}, images: map[string]*repository{}}
	if h.index, err = set.Index(packages); err != nil {
		return nil, err
	}
	for _, p := range packages {
		for _, f := range p.Files() {
			h.packages[path.Base(f.Path)] = f
		}
	}
	for _, p := range set.Pictures() {
		h.pictures[p.Path()] = p
		// Where the name of the host of the picture leads here, its own path does, too.
		if u, err := url.Parse(p.URL); err == nil {
			h.pictures[strings.TrimPrefix(path.Clean("/"+u.Path), "/")] = p
		}
	}
	for _, image := range set.Images() {
		if err := h.addImage(image); err != nil {
			return nil, err
		}
	}
	h.routes()
	return h, nil
}

func (h *Handler) addImage(image bundle.Image) error {
	named, err := reference.ParseNormalizedNamed(image.Reference)
	if err != nil {
		return err
	}
	content, err := h.set.Content(image)
	if err != nil {
		return err
	}
	r := h.images[reference.Path(named)]
	if r == nil {
		r = &repository{tags: map[string][]tagged{}, manifests: map[string]manifest{}, blobs: map[string]int64{}}
		h.images[reference.Path(named)] = r
	}
	if t, ok := named.(reference.Tagged); ok {
		r.tags[t.Tag()] = append(r.tags[t.Tag()], tagged{reference.Domain(named), image.Digest})
	}
	for _, m := range content.Manifests {
		r.manifests[m.Digest.String()] = manifest{m.MediaType, m.Size}
	}
	for _, b := range content.Blobs {
		r.blobs[b.Digest.String()] = b.Size
	}
	return nil
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// Pictures and what claims to be one are shown as pictures alone, and run no script.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.mux.ServeHTTP(w, r)
}

func (h *Handler) routes() {
	h.mux.HandleFunc("GET /index.yaml", func(w http.ResponseWriter, r *http.Request) { sendIndex(w, r, h.index) })
	h.mux.HandleFunc("GET /charts/{file}", func(w http.ResponseWriter, r *http.Request) {
		f, ok := h.packages[r.PathValue("file")]
		h.file(w, r, bundle.File{Path: f.Path, Digest: f.Digest}, typeOf(f.Path), ok)
	})
	h.mux.HandleFunc("GET /v2/{$}", func(w http.ResponseWriter, r *http.Request) { answer(w, r, http.StatusOK, map[string]any{}) })
	h.mux.HandleFunc("/v2/", h.registry)
	h.mux.HandleFunc("GET /{$}", h.page)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "a bundle is only read here", http.StatusMethodNotAllowed)
			return
		}
		p, ok := h.pictures[strings.TrimPrefix(path.Clean(r.URL.Path), "/")]
		h.file(w, r, bundle.File{Path: p.Path(), Digest: p.Digest}, p.MediaType, ok)
	})
}

// file sends a file of the bundles, or parts of it where these are asked for.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, f bundle.File, mediaType string, ok bool) {
	content, there := h.set.Open(f)
	if !ok || !there {
		http.Error(w, "there is no such file in the bundle", http.StatusNotFound)
		return
	}
	serveContent(w, r, f.Digest, mediaType, content)
}

func serveContent(w http.ResponseWriter, r *http.Request, digest, mediaType string, content io.ReadSeeker) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("ETag", `"`+digest+`"`)
	if size, err := content.Seek(0, io.SeekEnd); err == nil {
		// The server bounds all answers alike, and a layer may take hours. Where there is no deadline, there is none to be moved.
		allowed := answering + time.Duration(size/slowest)*time.Second
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(allowed))
	}
	http.ServeContent(w, r, "", time.Time{}, content)
}

// An answer may take a while, and as long as the slowest line that is borne with needs, in bytes a second.
const (
	answering = 2 * time.Minute
	slowest   = 32 << 10
)

// page is for people who open the address in a browser.
func (h *Handler) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "Extensions of a bundle: a Helm repository at this address, with /index.yaml, and a registry of images.\n\n")
	for _, p := range slices.Sorted(mapKeys(h.packages)) {
		_, _ = fmt.Fprintf(w, "  charts/%s\n", p)
	}
	for _, name := range slices.Sorted(mapKeys(h.images)) {
		for _, tag := range slices.Sorted(mapKeys(h.images[name].tags)) {
			_, _ = fmt.Fprintf(w, "  %s:%s\n", name, tag)
		}
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// registry answers what those ask who pull: the "pull" category of the OCI Distribution
// Specification 1.1 (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md), and
// the lists of tags and repositories.
func (h *Handler) registry(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, r, http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry shows a bundle, and takes nothing")
		return
	}
	rest := strings.TrimPrefix(r.URL.Path, "/v2/")
	if rest == "_catalog" {
		list(w, r, "repositories", slices.Sorted(mapKeys(h.images)), nil)
		return
	}
	parts := strings.Split(rest, "/")
	if len(parts) < 3 {
		refuse(w, r, http.StatusNotFound, "NAME_UNKNOWN", "there is nothing at this address")
		return
	}
	name, kind, what := strings.Join(parts[:len(parts)-2], "/"), parts[len(parts)-2], parts[len(parts)-1]
	from, ok := h.images[name]
	if !ok {
		refuse(w, r, http.StatusNotFound, "NAME_UNKNOWN", "the bundle has no image of this name")
		return
	}
	switch {
	case kind == "manifests":
		h.manifest(w, r, from, what)
	case kind == "blobs":
		h.blob(w, r, from, what)
	case kind == "tags" && what == "list":
		list(w, r, "tags", slices.Sorted(mapKeys(from.tags)), map[string]any{"name": name})
	default:
		refuse(w, r, http.StatusNotFound, "NAME_UNKNOWN", "there is nothing at this address")
	}
}

func (h *Handler) manifest(w http.ResponseWriter, r *http.Request, from *repository, what string) {
	digest := what
	if !strings.Contains(what, ":") {
		digest = from.named(what, r.URL.Query().Get("ns"))
	}
	m, ok := from.manifests[digest]
	if !ok {
		refuse(w, r, http.StatusNotFound, "MANIFEST_UNKNOWN", "the bundle has no such image")
		return
	}
	text, err := h.set.Read(bundle.File{Path: bundle.BlobPath(digest), Digest: digest})
	if err != nil {
		refuse(w, r, http.StatusInternalServerError, "MANIFEST_INVALID", "the bundle is damaged")
		return
	}
	w.Header().Set("Docker-Content-Digest", digest)
	serveContent(w, r, digest, m.mediaType, strings.NewReader(string(text)))
}

// named is the digest of a tag. host is the registry that containerd would have asked (its parameter ns), in
// place of which it asks this one. Without it a tag that two registries have for different
// images names none.
func (r *repository) named(tag, host string) string {
	all := r.tags[tag]
	found := ""
	for _, t := range all {
		switch {
		case t.host == host:
			return t.digest
		case found != "" && found != t.digest:
			return ""
		}
		found = t.digest
	}
	return found
}

func (h *Handler) blob(w http.ResponseWriter, r *http.Request, from *repository, digest string) {
	_, ok := from.blobs[digest]
	if _, isManifest := from.manifests[digest]; !ok && !isManifest {
		refuse(w, r, http.StatusNotFound, "BLOB_UNKNOWN", "the image has no such blob")
		return
	}
	content, there := h.set.Blob(digest)
	if !there {
		refuse(w, r, http.StatusNotFound, "BLOB_UNKNOWN", "this blob is in a bundle that is not served here")
		return
	}
	w.Header().Set("Docker-Content-Digest", digest)
	serveContent(w, r, digest, "application/octet-stream", content)
}

// list sends names in pages: those behind last, n of them.
func list(w http.ResponseWriter, r *http.Request, key string, names []string, more map[string]any) {
	query := r.URL.Query()
	if last := query.Get("last"); last != "" {
		at, found := slices.BinarySearch(names, last)
		if found {
			at++
		}
		names = names[at:]
	}
	if n, err := strconv.Atoi(query.Get("n")); err == nil && n >= 0 && n < len(names) {
		names = names[:n]
		if n > 0 {
			next := url.URL{Path: r.URL.Path, RawQuery: url.Values{"n": {strconv.Itoa(n)}, "last": {names[n-1]}}.Encode()}
			w.Header().Set("Link", "<"+next.String()+`>; rel="next"`)
		}
	}
	body := map[string]any{key: append([]string{}, names...)}
	for k, v := range more {
		body[k] = v
	}
	answer(w, r, http.StatusOK, body)
}

// refuse answers with an error in the form of the specification.
func refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	answer(w, r, status, map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
}

func answer(w http.ResponseWriter, r *http.Request, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	w.Header().Set("Content-Type", mime.FormatMediaType("application/json", map[string]string{"charset": "utf-8"}))
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text)
	}
}

// typeOf is the media type of a package, or of what signs it.
func typeOf(name string) string {
	if strings.HasSuffix(name, ".tgz") {
		return "application/gzip"
	}
	return "text/plain; charset=utf-8"
}
