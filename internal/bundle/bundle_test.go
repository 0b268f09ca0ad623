package bundle_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
)

// contents are the files of a small bundle by path, and its manifest.
func contents(t *testing.T) (bundle.Manifest, map[string][]byte) {
	t.Helper()
	files := map[string][]byte{}
	var m bundle.Manifest
	add := func(path string, data []byte) bundle.File {
		f := bundle.FileOf(path, data)
		if _, ok := files[path]; !ok {
			m.Files = append(m.Files, f)
		}
		files[path] = data
		return f
	}
	blob := func(mediaType string, data []byte) map[string]any {
		f := add(bundle.BlobPath(bundle.DigestOf(data)), data)
		return map[string]any{"mediaType": mediaType, "digest": f.Digest, "size": f.Size}
	}
	document := func(v any) []byte {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var manifests []any
	for _, arch := range []string{"amd64", "arm64"} {
		config := blob("application/vnd.oci.image.config.v1+json", document(map[string]any{"architecture": arch, "os": "linux"}))
		layer := blob("application/vnd.oci.image.layer.v1.tar+gzip", bytes.Repeat([]byte(arch), 1000))
		manifests = append(manifests, blob("application/vnd.oci.image.manifest.v1+json", document(map[string]any{"schemaVersion": 2, "config": config, "layers": []any{layer}})))
	}
	index := document(map[string]any{"schemaVersion": 2, "manifests": manifests})
	blob("application/vnd.oci.image.index.v1+json", index)
	m.Images = []bundle.Image{{Reference: "docker.io/library/web:1.0", Digest: bundle.DigestOf(index), MediaType: "application/vnd.oci.image.index.v1+json", Size: int64(len(index))}}

	picture := []byte("\x89PNG\r\n\x1a\n and so on")
	m.Pictures = []bundle.Picture{{URL: "https://files.example/a/icon.png", Digest: bundle.DigestOf(picture), Size: int64(len(picture)), MediaType: "image/png"}}
	add(m.Pictures[0].Path(), picture)

	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	p, metadata, err := bundle.Inspect(pkg.Filename, pkg.Data)
	if err != nil {
		t.Fatal(err)
	}
	m.Packages = []bundle.Package{p}
	add(p.Path(), pkg.Data)
	helm, err := bundle.EncodeIndex([]bundle.IndexEntry{bundle.NewIndexEntry(p, metadata)})
	if err != nil {
		t.Fatal(err)
	}
	add(bundle.IndexFile, helm)
	for path, data := range bundle.LayoutFiles(&m) {
		add(path, data)
	}
	return m, files
}

// write writes a bundle of these files.
func write(m *bundle.Manifest, files map[string][]byte, to io.Writer) (string, error) {
	return bundle.Write(context.Background(), to, m, func(_ context.Context, f bundle.File, take func(io.Reader) error) error {
		return take(bytes.NewReader(files[f.Path]))
	})
}

func writeFile(t *testing.T, m *bundle.Manifest, files map[string][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.tar")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := write(m, files, file); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSameContentSameBytes(t *testing.T) {
	var first, second bytes.Buffer
	m, files := contents(t)
	one, err := write(&m, files, &first)
	if err != nil {
		t.Fatal(err)
	}
	again, files := contents(t)
	slices.Reverse(again.Files)
	two, err := write(&again, files, &second)
	if err != nil {
		t.Fatal(err)
	}
	if one != two || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same content gave other bytes")
	}
}

func TestReadsWhatIsWritten(t *testing.T) {
	m, files := contents(t)
	set, err := bundle.OpenAll([]string{writeFile(t, &m, files)})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var read atomic.Int64
	if err := set.Verify(t.Context(), func(n int) { read.Add(int64(n)) }); err != nil {
		t.Fatal(err)
	}
	var all int64
	for _, f := range m.Files {
		all += f.Size
		if data, err := set.Read(f); err != nil || !bytes.Equal(data, files[f.Path]) {
			t.Errorf("%s: %v", f.Path, err)
		}
	}
	if read.Load() != all {
		t.Errorf("%d bytes of %d were read", read.Load(), all)
	}
	content, err := set.Content(set.Images()[0])
	if err != nil || len(content.Manifests) != 3 || len(content.Blobs) != 4 || content.Manifests[2].Digest.String() != m.Images[0].Digest {
		t.Errorf("%+v, %v", content, err)
	}
	pkg, _, err := set.PackageOf(m.Packages[0])
	if err != nil || pkg.Name != "alc" || pkg.ContentDigest == "" || pkg.Digest != m.Packages[0].Digest {
		t.Errorf("%+v, %v", pkg, err)
	}
}

// A stream that breaks off begins anew, and what is written already is not written twice.
func TestAStreamThatBreaksOff(t *testing.T) {
	m, files := contents(t)
	var plain, broken bytes.Buffer
	if _, err := write(&m, files, &plain); err != nil {
		t.Fatal(err)
	}
	_, err := bundle.Write(t.Context(), &broken, &m, func(_ context.Context, f bundle.File, take func(io.Reader) error) error {
		data := files[f.Path]
		if err := take(io.MultiReader(bytes.NewReader(data[:len(data)/2]), failing{})); err == nil {
			t.Errorf("%s: the break was not seen", f.Path)
		}
		return take(bytes.NewReader(data))
	})
	if err != nil || !bytes.Equal(plain.Bytes(), broken.Bytes()) {
		t.Errorf("other bytes, %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestWriteHoldsSourcesToTheirDigests(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"other":   func(data []byte) []byte { return append(data[:len(data)-1:len(data)-1], data[len(data)-1]^1) },
		"shorter": func(data []byte) []byte { return data[:len(data)-1] },
		"longer":  func(data []byte) []byte { return append(data[:len(data):len(data)], 'x') },
	} {
		m, files := contents(t)
		path := m.Packages[0].Path()
		files[path] = change(files[path])
		if _, err := write(&m, files, io.Discard); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// entry is a file of an archive that a test makes.
type entry struct {
	header tar.Header
	data   []byte
}

// archive is a bundle as files of a tar, for a test to change.
func archive(t *testing.T, change func(*bundle.Manifest, map[string][]byte)) []entry {
	t.Helper()
	m, files := contents(t)
	if _, err := m.Encode(); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&m, files)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	list := []entry{{tar.Header{Name: bundle.ManifestFile}, text}}
	for _, f := range m.Files {
		list = append(list, entry{tar.Header{Name: f.Path}, files[f.Path]})
	}
	return list
}

func pack(t *testing.T, list []entry) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range list {
		if e.header.Typeflag == 0 {
			e.header.Typeflag = tar.TypeReg
		}
		if e.header.Typeflag == tar.TypeReg {
			e.header.Size = int64(len(e.data))
		}
		if err := w.WriteHeader(&e.header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil && e.header.Typeflag == tar.TypeReg {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hostile.tar")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refused opens and verifies a bundle, and gives the refusal.
func refused(path string) error {
	set, err := bundle.OpenAll([]string{path})
	if err != nil {
		return err
	}
	defer set.Close()
	return set.Verify(context.Background(), nil)
}

func TestHostileBundlesAreRefused(t *testing.T) {
	manifest := func(change func(m *bundle.Manifest)) func(*testing.T) string {
		return func(t *testing.T) string {
			return pack(t, archive(t, func(m *bundle.Manifest, _ map[string][]byte) { change(m) }))
		}
	}
	content := func(change func(m *bundle.Manifest, files map[string][]byte)) func(*testing.T) string {
		return func(t *testing.T) string { return pack(t, archive(t, change)) }
	}
	entries := func(change func([]entry) []entry) func(*testing.T) string {
		return func(t *testing.T) string { return pack(t, change(archive(t, nil))) }
	}
	// replaced puts another file in the place of one, with an honest digest.
	replaced := func(m *bundle.Manifest, files map[string][]byte, path string, data []byte) {
		files[path] = data
		at := slices.IndexFunc(m.Files, func(f bundle.File) bool { return f.Path == path })
		m.Files[at] = bundle.FileOf(path, data)
	}
	for name, c := range map[string]struct {
		make func(*testing.T) string
		says string
	}{
		"path upwards":             {manifest(func(m *bundle.Manifest) { m.Files[0].Path = "../../etc/passwd" }), "no bundle has"},
		"absolute path":            {manifest(func(m *bundle.Manifest) { m.Files[0].Path = "/etc/passwd" }), "no bundle has"},
		"control characters":       {manifest(func(m *bundle.Manifest) { m.Files[0].Path = "charts/a\x1b[2J.tgz" }), `\x1b`},
		"a digest that is none":    {manifest(func(m *bundle.Manifest) { m.Files[0].Digest = "sha256:../x" }), "no digest"},
		"a negative size":          {manifest(func(m *bundle.Manifest) { m.Files[0].Size = -1 }), "bytes, and may have"},
		"a size beyond all":        {manifest(func(m *bundle.Manifest) { m.Files[len(m.Files)-1].Size = 1 << 60 }), "bytes, and may have"},
		"a blob under another":     {manifest(func(m *bundle.Manifest) { m.Files[len(m.Files)-1].Digest = m.Files[0].Digest }), "the digest of another file"},
		"a file twice":             {manifest(func(m *bundle.Manifest) { m.Files = append(m.Files, m.Files[len(m.Files)-1]) }), "twice"},
		"out of order":             {manifest(func(m *bundle.Manifest) { slices.Reverse(m.Files) }), "not in order"},
		"a name that is none":      {manifest(func(m *bundle.Manifest) { m.Packages[0].Name = "../x" }), "the name"},
		"a version that is none":   {manifest(func(m *bundle.Manifest) { m.Packages[0].Version = "1/../../x" }), "of version"},
		"a package without a file": {manifest(func(m *bundle.Manifest) { m.Packages[0].Version = "9.9.9" }), "not among its files"},
		"a file without a package": {manifest(func(m *bundle.Manifest) { m.Packages = nil }), "belongs to nothing"},
		"what signs nothing": {content(func(m *bundle.Manifest, files map[string][]byte) {
			files[m.Packages[0].Path()+".prov"] = []byte("signed")
			m.Files = append(m.Files, bundle.FileOf(m.Packages[0].Path()+".prov", []byte("signed")))
			slices.SortFunc(m.Files, func(a, b bundle.File) int { return strings.Compare(a.Path, b.Path) })
			if _, err := m.Encode(); err != nil {
				t.Fatal(err)
			}
		}), "belongs to nothing"},
		"a signature that is not there": {manifest(func(m *bundle.Manifest) {
			m.Packages[0].Signature = bundle.Signs{Digest: bundle.DigestOf(nil), Size: 0}
		}), "not among its files"},
		"an image without a file":  {manifest(func(m *bundle.Manifest) { m.Images[0].Size++ }), "not among its files"},
		"a reference that is none": {manifest(func(m *bundle.Manifest) { m.Images[0].Reference = "web" }), "no full one"},
		"a picture of a script":    {manifest(func(m *bundle.Manifest) { m.Pictures[0].MediaType = "text/html" }), "of the type"},
		"a picture of a file":      {manifest(func(m *bundle.Manifest) { m.Pictures[0].URL = "file:///etc/passwd" }), "of the address"},
		"a later schema":           {manifest(func(m *bundle.Manifest) { m.SchemaVersion = 2 }), "schema_version 2"},
		"needs without a base": {manifest(func(m *bundle.Manifest) {
			m.Needs = []bundle.File{{bundle.BlobPath(bundle.DigestOf(nil)), bundle.DigestOf(nil), 0}}
		}), "names none"},
		"changed content": {content(func(m *bundle.Manifest, files map[string][]byte) {
			files[m.Pictures[0].Path()][9] ^= 1
		}), "is damaged"},
		"a package of another name": {content(func(m *bundle.Manifest, files map[string][]byte) {
			pkg := targettest.Package(t, "other", "1.0.0", "one")
			replaced(m, files, m.Packages[0].Path(), pkg.Data)
			m.Packages[0].Digest, m.Packages[0].Size, m.Packages[0].ContentDigest = pkg.Digest, pkg.Size, pkg.ContentDigest
		}), "holds other 1.0.0"},
		"a package that is none": {content(func(m *bundle.Manifest, files map[string][]byte) {
			replaced(m, files, m.Packages[0].Path(), []byte("<html>"))
			m.Packages[0].Digest, m.Packages[0].Size = bundle.DigestOf([]byte("<html>")), 6
		}), "reading the package"},
		"another index for others": {content(func(m *bundle.Manifest, files map[string][]byte) {
			replaced(m, files, bundle.ImagesFile, bytes.ReplaceAll(files[bundle.ImagesFile], []byte("library/web"), []byte("library/bad")))
		}), "says other things"},
		"an image whose layer is missing": {content(func(m *bundle.Manifest, files map[string][]byte) {
			at := slices.IndexFunc(m.Files, func(f bundle.File) bool { return strings.HasPrefix(string(files[f.Path]), "amd64") })
			delete(files, m.Files[at].Path)
			m.Files = slices.Delete(m.Files, at, at+1)
		}), "not among the files"},
		"a link": {entries(func(list []entry) []entry {
			list[1].header.Typeflag, list[1].header.Linkname, list[1].data = tar.TypeSymlink, "/etc/passwd", nil
			return list
		}), "no plain file"},
		"a folder": {entries(func(list []entry) []entry {
			return append(list, entry{tar.Header{Name: "x/", Typeflag: tar.TypeDir}, nil})
		}), "goes on behind"},
		"one more file": {entries(func(list []entry) []entry { return append(list, entry{tar.Header{Name: "x"}, nil}) }), "goes on behind"},
		"a file less":   {entries(func(list []entry) []entry { return list[:len(list)-1] }), "ends too early"},
		"another file":  {entries(func(list []entry) []entry { list[1].header.Name = "x"; return list }), "where its bundle.json says"},
		"another size":  {entries(func(list []entry) []entry { list[1].data = append(list[1].data, 0); return list }), "where its bundle.json says"},
		"extra attributes": {entries(func(list []entry) []entry {
			list[1].header.PAXRecords = map[string]string{"SCHILY.xattr.user.x": "1"}
			return list
		}), "attribute"},
		"no manifest":    {entries(func(list []entry) []entry { return list[1:] }), "no bundle"},
		"no archive":     {func(t *testing.T) string { return raw(t, []byte(strings.Repeat("x", 2048))) }, "no bundle"},
		"nothing":        {func(t *testing.T) string { return raw(t, nil) }, "no bundle"},
		"bytes after it": {func(t *testing.T) string { return raw(t, append(readFile(t, pack(t, archive(t, nil))), "x"...)) }, "behind the end"},
		"cut off in a layer": {func(t *testing.T) string {
			data := readFile(t, pack(t, archive(t, nil)))
			return raw(t, data[:len(data)-2000])
		}, "unexpected EOF"},
		"unknown keys": {entries(func(list []entry) []entry {
			list[0].data = bytes.Replace(list[0].data, []byte("{"), []byte(`{"more":1,`), 1)
			return list
		}), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			err := refused(c.make(t))
			var refusal *bundle.RefusedError
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want a refusal with %q, got %v", c.says, err)
			}
		})
	}
	if err := refused(pack(t, archive(t, nil))); err != nil {
		t.Errorf("what was not changed is refused: %v", err)
	}
}

func raw(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.tar")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Damage anywhere in a bundle is seen, or changes nothing that is read.
func TestAnyChangedByteIsSeen(t *testing.T) {
	m, files := contents(t)
	good := readFile(t, writeFile(t, &m, files))
	step := 97
	if !testing.Short() {
		step = 31
	}
	for at := 0; at < len(good); at += step {
		bad := bytes.Clone(good)
		bad[at] ^= 0x20
		set, err := bundle.OpenAll([]string{raw(t, bad)})
		if err == nil {
			err = set.Verify(t.Context(), nil)
			for _, f := range m.Files {
				data, failed := set.Read(f)
				if err == nil && (failed != nil || !bytes.Equal(data, files[f.Path])) {
					t.Errorf("byte %d was changed, and %s has other content: %v", at, f.Path, failed)
				}
			}
			_ = set.Close()
		}
	}
}

func TestIncrement(t *testing.T) {
	m, files := contents(t)
	base, err := bundle.Open(writeFile(t, &m, files))
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	next, files := contents(t)
	next.Base = []string{base.Digest}
	next.Files = slices.DeleteFunc(next.Files, func(f bundle.File) bool {
		if strings.HasPrefix(string(files[f.Path]), "amd64") {
			next.Needs = append(next.Needs, f)
		}
		return strings.HasPrefix(string(files[f.Path]), "amd64")
	})
	increment, err := bundle.Open(writeFile(t, &next, files))
	if err != nil {
		t.Fatal(err)
	}
	defer increment.Close()
	alone, both := bundle.Set{increment}, bundle.Set{base, increment}
	if missing := alone.Missing(); len(missing) != 1 || missing[0] != next.Needs[0] {
		t.Errorf("missing: %v", missing)
	}
	for _, set := range []bundle.Set{alone, both} {
		if err := set.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	if missing := both.Missing(); len(missing) != 0 {
		t.Errorf("missing: %v", missing)
	}
}
