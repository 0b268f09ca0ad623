package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/bundle/serve"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
)

const (
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
)

// made is a bundle on its way into a file.
type made struct {
	bundle.Manifest
	files   map[string][]byte
	entries []bundle.IndexEntry
}

func (m *made) add(path string, data []byte) bundle.File {
	f := bundle.FileOf(path, data)
	if _, ok := m.files[path]; !ok {
		m.Files = append(m.Files, f)
	}
	m.files[path] = data
	return f
}

// image adds an image of one layer, and returns its digest and that of the layer.
func (m *made) image(t *testing.T, reference, content string) (image, layer string) {
	f := m.add(bundle.BlobPath(bundle.DigestOf([]byte(content))), []byte(content))
	text, err := json.Marshal(map[string]any{"schemaVersion": 2, "layers": []any{map[string]any{"mediaType": layerType, "digest": f.Digest, "size": f.Size}}})
	if err != nil {
		t.Fatal(err)
	}
	top := m.add(bundle.BlobPath(bundle.DigestOf(text)), text)
	m.Images = append(m.Images, bundle.Image{Reference: reference, Digest: top.Digest, Size: top.Size, MediaType: manifestType})
	return top.Digest, f.Digest
}

func (m *made) extension(t *testing.T, name, version string) {
	pkg := targettest.Package(t, name, version, "one")
	p, metadata, err := bundle.Inspect(pkg.Filename, pkg.Data)
	if err != nil {
		t.Fatal(err)
	}
	m.add(p.Path(), pkg.Data)
	m.Packages = append(m.Packages, p)
	m.entries = append(m.entries, bundle.NewIndexEntry(p, metadata))
}

// write writes the bundle to a file.
func (m *made) write(t *testing.T) string {
	t.Helper()
	index, err := bundle.EncodeIndex(m.entries)
	if err != nil {
		t.Fatal(err)
	}
	m.add(bundle.IndexFile, index)
	if _, err := m.Encode(); err != nil {
		t.Fatal(err)
	}
	for path, data := range bundle.LayoutFiles(&m.Manifest) {
		m.add(path, data)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "a.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_, err = bundle.Write(t.Context(), file, &m.Manifest, func(_ context.Context, f bundle.File, take func(io.Reader) error) error {
		return take(bytes.NewReader(m.files[f.Path]))
	})
	if err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

func start(t *testing.T, files ...string) *httptest.Server {
	t.Helper()
	set, err := bundle.OpenAll(files)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := serve.New(set)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() { server.Close(); _ = set.Close() })
	return server
}

// ask sends a request and gives status, headers and body.
func ask(t *testing.T, method, address string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func TestServesTwoBundlesAsOne(t *testing.T) {
	base, next := &made{files: map[string][]byte{}}, &made{files: map[string][]byte{}}
	base.extension(t, "alc", "1.0.0")
	picture := []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")
	base.Pictures = []bundle.Picture{{URL: "https://files.example/users/1/icon.svg?v=2", Digest: bundle.DigestOf(picture), Size: int64(len(picture)), MediaType: "image/svg+xml"}}
	base.add(base.Pictures[0].Path(), picture)
	old, _ := base.image(t, "registry.example/team/web:1.0", "one")
	next.extension(t, "alc", "1.1.0")
	moved, _ := next.image(t, "registry.example/team/web:1.0", "two")
	server := start(t, base.write(t), next.write(t))

	_, text := ask(t, "GET", server.URL+"/index.yaml")
	index, err := helmrepo.Parse([]byte(text))
	if err != nil || index.Refused() != nil || len(index.Versions("alc")) != 2 {
		t.Fatalf("%v, %v:\n%s", err, index.Refused(), text)
	}
	for _, p := range append(base.Packages, next.Packages...) {
		answer, body := ask(t, "GET", server.URL+"/charts/"+p.Filename())
		if answer.StatusCode != 200 || bundle.DigestOf([]byte(body)) != p.Digest {
			t.Errorf("%s: %s", p.Filename(), answer.Status)
		}
	}
	for _, path := range []string{"/" + base.Pictures[0].Path(), "/users/1/icon.svg"} {
		answer, body := ask(t, "GET", server.URL+path)
		if body != string(picture) || answer.Header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(answer.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %s, %v", path, answer.Status, answer.Header)
		}
	}
	// The tag is that of the later bundle; by its digest the older image is not named any more.
	answer, _ := ask(t, "HEAD", server.URL+"/v2/team/web/manifests/1.0")
	if got := answer.Header.Get("Docker-Content-Digest"); got != moved || got == old {
		t.Errorf("the tag is %s", got)
	}
	for _, path := range []string{"/charts/alc-9.9.9.tgz", "/charts/..%2findex.yaml", "/bundle.json", "/blobs/sha256/" + strings.TrimPrefix(moved, "sha256:"), "/users/1/other.svg", "/apis/user/v1/user"} {
		if answer, _ := ask(t, "GET", server.URL+path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
	if answer, _ := ask(t, "POST", server.URL+"/index.yaml"); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", answer.Status)
	}
}

func TestARegistryToPullFrom(t *testing.T) {
	m := &made{files: map[string][]byte{}}
	image, layer := m.image(t, "docker.io/library/web:1.0", "the layer")
	other, _ := m.image(t, "ghcr.io/library/web:1.0", "another one")
	only, _ := m.image(t, "ghcr.io/library/web:2.0", "a third one")
	pinned, _ := m.image(t, "ghcr.io/team/pinned@"+pinnedDigest(t), "pinned")
	server := start(t, m.write(t))
	base := server.URL + "/v2/"
	for _, c := range []struct {
		method, path, header, value string
		status                      int
		digest, body                string
	}{
		{"GET", "", "", "", 200, "", "{}"},
		{"GET", "library/web/manifests/1.0?ns=docker.io", "Accept", manifestType, 200, image, ""},
		{"GET", "library/web/manifests/1.0?ns=ghcr.io", "", "", 200, other, ""},
		{"GET", "library/web/manifests/1.0", "", "", 404, "", "MANIFEST_UNKNOWN"}, // which one?
		{"HEAD", "library/web/manifests/2.0", "", "", 200, only, ""},
		{"GET", "library/web/manifests/" + image, "", "", 200, image, `"schemaVersion":2`},
		{"GET", "team/pinned/manifests/" + pinned, "", "", 200, pinned, ""},
		{"GET", "library/web/manifests/3.0", "", "", 404, "", "MANIFEST_UNKNOWN"},
		{"GET", "library/web/blobs/" + layer, "", "", 200, layer, "the layer"},
		{"GET", "library/web/blobs/" + layer, "Range", "bytes=4-", 206, "", "layer"},
		{"HEAD", "library/web/blobs/" + layer, "", "", 200, layer, ""},
		{"GET", "team/pinned/blobs/" + layer, "", "", 404, "", "BLOB_UNKNOWN"}, // of another repository
		{"GET", "nothing/here/manifests/1.0", "", "", 404, "", "NAME_UNKNOWN"},
		{"GET", "library/web/referrers/" + image, "", "", 404, "", "NAME_UNKNOWN"},
		{"GET", "library/web/tags/list", "", "", 200, "", `"tags":["1.0","2.0"]`},
		{"GET", "library/web/tags/list?n=1", "", "", 200, "", `"tags":["1.0"]`},
		{"GET", "library/web/tags/list?n=1&last=1.0", "", "", 200, "", `"tags":["2.0"]`},
		{"GET", "_catalog", "", "", 200, "", `["library/web","team/pinned"]`},
		{"POST", "library/web/blobs/uploads/", "", "", 405, "", "UNSUPPORTED"},
		{"PUT", "library/web/manifests/4.0", "", "", 405, "", "UNSUPPORTED"},
		{"DELETE", "library/web/manifests/" + image, "", "", 405, "", "UNSUPPORTED"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			var headers []string
			if c.header != "" {
				headers = []string{c.header, c.value}
			}
			answer, body := ask(t, c.method, base+c.path, headers...)
			if answer.StatusCode != c.status || !strings.Contains(body, c.body) || c.digest != "" && answer.Header.Get("Docker-Content-Digest") != c.digest {
				t.Errorf("%s %v\n%s", answer.Status, answer.Header, body)
			}
			if c.method == "HEAD" && (body != "" || answer.ContentLength <= 0) {
				t.Errorf("HEAD: %q, %d", body, answer.ContentLength)
			}
			if c.digest != "" && c.method == "GET" && answer.StatusCode == 200 && bundle.DigestOf([]byte(body)) != c.digest {
				t.Errorf("other bytes than those of %s", c.digest)
			}
		})
	}
}

// pinnedDigest is the digest that the image of a test has.
func pinnedDigest(t *testing.T) string {
	m := &made{files: map[string][]byte{}}
	image, _ := m.image(t, "x", "pinned")
	return image
}

// A blob that only the base has is not there, and that is said.
func TestABlobOfTheBase(t *testing.T) {
	base, next := &made{files: map[string][]byte{}}, &made{files: map[string][]byte{}}
	_, layer := base.image(t, "docker.io/library/web:1.0", "one")
	file := base.write(t)
	opened, err := bundle.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	next.image(t, "docker.io/library/web:1.1", "one")
	next.Base, next.Needs = []string{opened.Digest}, next.Files[:1:1]
	next.Files = next.Files[1:]
	_ = opened.Close()
	increment := next.write(t)
	if answer, body := ask(t, "GET", fmt.Sprint(start(t, increment).URL, "/v2/library/web/blobs/", layer)); answer.StatusCode != 404 || !strings.Contains(body, "not served here") {
		t.Errorf("%s %s", answer.Status, body)
	}
	if answer, body := ask(t, "GET", fmt.Sprint(start(t, file, increment).URL, "/v2/library/web/blobs/", layer)); answer.StatusCode != 200 || body != "one" {
		t.Errorf("%s %s", answer.Status, body)
	}
}

// A folder of packages, as it is in an image, is a Helm repository.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(pkg.Filename, pkg.Data)
	write("notes.txt", []byte("not a package"))
	write(pkg.Filename+".prov", []byte("signed"))
	write("other-1.0.0.tgz.prov", []byte("of no package"))
	folder, err := serve.NewFolder(dir)
	if err != nil || folder.Len() != 1 {
		t.Fatalf("%+v, %v", folder, err)
	}
	defer folder.Close()
	server := httptest.NewServer(folder)
	defer server.Close()
	_, text := ask(t, "GET", server.URL+"/index.yaml")
	if index, err := helmrepo.Parse([]byte(text)); err != nil || index.Refused() != nil || len(index.Versions("alc")) != 1 {
		t.Errorf("%v:\n%s", err, text)
	}
	if answer, body := ask(t, "GET", server.URL+"/charts/"+pkg.Filename); answer.StatusCode != 200 || body != string(pkg.Data) {
		t.Errorf("%s", answer.Status)
	}
	if answer, body := ask(t, "GET", server.URL+"/charts/"+pkg.Filename+".prov"); answer.StatusCode != 200 || body != "signed" {
		t.Errorf("%s: %q", answer.Status, body)
	}
	for _, path := range []string{"/charts/" + pkg.Filename + ".sig", "/charts/other-1.0.0.tgz.prov", "/charts/notes.txt", "/charts/../index.yaml", "/"} {
		if answer, _ := ask(t, "GET", server.URL+path); answer.StatusCode != 404 && path != "/charts/../index.yaml" {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
	write("bell-1.0.0.tgz", pkg.Data)
	if _, err := serve.NewFolder(dir); err == nil || !strings.Contains(err.Error(), "alc 1.0.0 inside") {
		t.Errorf("a package under another name: %v", err)
	}
}

// What signs a package is served next to it.
func TestWhatSignsAPackage(t *testing.T) {
	m := &made{files: map[string][]byte{}}
	m.extension(t, "alc", "1.0.0")
	signed := m.add(m.Packages[0].Path()+".prov", []byte("signed"))
	m.Packages[0].Provenance = bundle.Signs{Digest: signed.Digest, Size: signed.Size}
	server := start(t, m.write(t))
	if answer, body := ask(t, "GET", server.URL+"/charts/alc-1.0.0.tgz.prov"); answer.StatusCode != 200 || body != "signed" {
		t.Errorf("%s: %q", answer.Status, body)
	}
	if answer, _ := ask(t, "GET", server.URL+"/charts/alc-1.0.0.tgz.sig"); answer.StatusCode != 404 {
		t.Errorf("%s", answer.Status)
	}
}
