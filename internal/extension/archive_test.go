package extension

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// entry is one entry of an archive made for a test.
type entry struct {
	name    string
	kind    byte // 0 is a file
	content string
	target  string
}

// archiveOf packs entries without looking at them.
func archiveOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Size: int64(len(e.content)), Mode: 0o644, Linkname: e.target}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

var metadataEntry = entry{name: "demo/extension.yaml", content: smallMetadata}

func TestReadPackage(t *testing.T) {
	e, err := Read("demo-1.0.0.tgz", archiveOf(t,
		entry{name: "demo/", kind: tar.TypeDir},
		entry{name: "demo/Chart.yaml", content: "apiVersion: v2\nname: demo\nversion: 1.0.0\nappVersion: 1.16\ntype: application\n"},
		entry{name: "demo/values.yaml", content: "a: 1\n"},
		metadataEntry,
		entry{name: "demo/.gitignore", content: "x"},
	), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{".gitignore", MetadataFile, "values.yaml"}; !slices.Equal(names(e), want) {
		t.Errorf("files are %q, want %q: Read leaves nothing out", names(e), want)
	}
	found, err := e.FoundChart()
	if err != nil || found.Name != "demo" || found.AppVersion != "1.16" {
		t.Errorf("the Chart.yaml found is %+v (%v)", found, err)
	}
	if recorded(t, e) != "" {
		t.Errorf("recorded digest is %q", recorded(t, e))
	}
}

// Load of a package leaves out what it leaves out of a directory.
func TestLoadPackage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "demo-1.0.0.tgz")
	data := archiveOf(t, metadataEntry, entry{name: "demo/.env", content: "TOKEN=1"}, entry{name: "demo/values.yaml", content: "a: 1\n"}, entry{name: "demo/demo-0.1.0.tgz", content: "x"})
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	e := mustLoad(t, file)
	if want := []string{MetadataFile, "values.yaml"}; !slices.Equal(names(e), want) {
		t.Errorf("files are %q, want %q", names(e), want)
	}
}

func TestReadRefuses(t *testing.T) {
	tests := []struct {
		name    string
		entries []entry
		want    string
	}{
		{"parent", []entry{metadataEntry, {name: "demo/../../etc/passwd"}}, `the entry "demo/../../etc/passwd" leads out of the package: names must not contain '..'`},
		{"parent that comes back", []entry{metadataEntry, {name: "demo/a/../b"}}, "leads out of the package"},
		{"absolute", []entry{metadataEntry, {name: "/etc/passwd"}}, `the entry "/etc/passwd" has an absolute name`},
		{"backslash", []entry{metadataEntry, {name: `demo\..\x`}}, "has a backslash or NUL in its name"},
		{"drive", []entry{metadataEntry, {name: "demo/c:/x"}}, "has a drive letter in its name"},
		{"empty part", []entry{metadataEntry, {name: "demo//x"}}, "has an empty or '.' part in its name"},
		{"dot part", []entry{metadataEntry, {name: "./demo/x"}}, "has an empty or '.' part in its name"},
		{"twice", []entry{metadataEntry, {name: "demo/a"}, {name: "demo/a"}}, `the entry "demo/a" is in it twice: readers disagree about which one counts`},
		{"file and folder", []entry{metadataEntry, {name: "demo/a"}, {name: "demo/a/b"}}, `the entry "a" is a file and a folder at once`},
		{"symbolic link", []entry{metadataEntry, {name: "demo/l", kind: tar.TypeSymlink, target: "/etc/passwd"}}, `the entry "demo/l" is a symbolic link: a package holds only files and folders`},
		{"hard link", []entry{metadataEntry, {name: "demo/l", kind: tar.TypeLink, target: "demo/extension.yaml"}}, "is a hard link"},
		{"device", []entry{metadataEntry, {name: "demo/l", kind: tar.TypeChar}}, "is a device"},
		{"block device", []entry{metadataEntry, {name: "demo/l", kind: tar.TypeBlock}}, "is a device"},
		{"pipe", []entry{metadataEntry, {name: "demo/l", kind: tar.TypeFifo}}, "is a named pipe"},
		{"two folders", []entry{metadataEntry, {name: "other/x"}}, `it has two folders at the top, "demo" and "other"`},
		{"beside", []entry{{name: "extension.yaml", content: smallMetadata}}, `the file "extension.yaml" stands next to the extension's folder`},
		{"nothing", nil, "there is no file in it"},
		{"folders only", []entry{{name: "demo/", kind: tar.TypeDir}}, "there is no file in it"},
		{"no metadata", []entry{{name: "demo/Chart.yaml", content: "name: demo"}}, "there is no extension.yaml in it"},
		{"deep", []entry{metadataEntry, {name: "demo/" + strings.Repeat("a/", 40) + "x"}}, "is more than 32 folders deep: an extension has a few; pack it again without what is no part of it (.helmignore)"},
		{"long name", []entry{metadataEntry, {name: "demo/" + strings.Repeat("x", 1020)}}, `the name "demo/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… has 1025 bytes, more than 1024: give it a shorter one, or pack it again`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read("demo.tgz", archiveOf(t, tt.entries...), Limits{})
			wantError(t, err, "reading the package demo.tgz: ", tt.want)
		})
	}
}

func TestReadDamaged(t *testing.T) {
	good := archiveOf(t, metadataEntry, entry{name: "demo/x", content: strings.Repeat("some text ", 1000)})
	changed := slices.Clone(good)
	changed[len(changed)-6] ^= 0xff // the checksum
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "it is no gzipped tar archive: give a package that was made with ksrelease, ksbuilder or helm"},
		{"HTML", []byte("<!doctype html><title>Login</title>"), "it is no gzipped tar archive"},
		{"cut", good[:len(good)-20], "it is cut short: get it again"},
		{"cut at the checksum", good[:len(good)-4], "it is cut short: get it again"},
		{"checksum", changed, "it is damaged"},
		{"gzip of something else", gzipped(t, []byte(strings.Repeat("no tar", 1000))), "it is damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read("demo.tgz", tt.data, Limits{})
			wantError(t, err, "reading the package demo.tgz: ", tt.want)
		})
	}
}

func TestReadBadMetadataIsPlaced(t *testing.T) {
	_, err := Read("demo.tgz", archiveOf(t, entry{name: "demo/extension.yaml", content: "name: a\n1: b\n"}), Limits{})
	var problems diagnostic.List
	if !errors.As(err, &problems) {
		t.Fatalf("the error is %v, want problems with places", err)
	}
	wantError(t, err, "demo.tgz/extension.yaml:2:1")
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	if _, err := zw.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// claiming is an archive whose only header claims a file of size bytes.
func claiming(t testing.TB, size int64, content io.Reader) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	tw := tar.NewWriter(zw)
	if err := tw.WriteHeader(&tar.Header{Name: "demo/bomb", Typeflag: tar.TypeReg, Size: size, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if content != nil {
		if _, err := io.Copy(tw, content); err != nil {
			t.Fatal(err)
		}
	}
	// The archive may be cut here: whoever reads on to the end has lost already.
	if err := errors.Join(zw.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// sparse is an archive with a GNU sparse file: 512 bytes that claim to be 6 GiB.
func sparse(t testing.TB) []byte {
	t.Helper()
	block := make([]byte, 512)
	copy(block, "demo/sparse")
	copy(block[100:], "0000644\x000000000\x000000000\x00")
	copy(block[124:], "00000000000\x0000000000000\x00")
	block[156] = 'S'
	copy(block[257:], "ustar  \x00")
	copy(block[386:], "60000000000\x0000000000000\x00") // one hole to the end
	copy(block[483:], "60000000000\x00")
	sum := 0
	copy(block[148:], "        ")
	for _, b := range block {
		sum += int(b)
	}
	copy(block[148:], fmt.Sprintf("%06o\x00 ", sum))
	return gzipped(t, append(block, make([]byte, 1024)...))
}

// An archive that claims or holds gigabytes is refused within some megabytes.
func TestBombs(t *testing.T) {
	soak.Long(t)
	manyFiles := func(n int, size int) []byte {
		entries := make([]entry, n)
		for i := range entries {
			entries[i] = entry{name: fmt.Sprintf("demo/%d", i), content: strings.Repeat("\x00", size)}
		}
		return archiveOf(t, entries...)
	}
	trailing := func() []byte {
		var raw bytes.Buffer
		tw := tar.NewWriter(&raw)
		if err := tw.WriteHeader(&tar.Header{Name: "demo/extension.yaml", Typeflag: tar.TypeReg, Size: 0, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if err := tw.Close(); err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		zw, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(zw, io.MultiReader(&raw, io.LimitReader(zeros{}, 120<<20))); err != nil {
			t.Fatal(err)
		}
		if err := zw.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"a claim of 10 GiB", claiming(t, 10<<30, nil), "bomb has 10.0 GiB, and Helm loads no file larger than 5.0 MiB"},
		{"32 MiB of zeros in a file", claiming(t, 32<<20, io.LimitReader(zeros{}, 32<<20)), "bomb has 32.0 MiB"},
		{"a claim beyond all numbers", claiming(t, math.MaxInt64, nil), "Helm loads no file larger than 5.0 MiB"},
		{"a sparse file of 6 GiB", sparse(t), `the entry "demo/sparse" is a sparse file`},
		{"a high ratio", manyFiles(3, 1<<20), "the content is more than 200 times larger than the archive"},
		{"many entries", manyFiles(10_001, 0), "more than 10000 files and folders"},
		{"zeros behind the end", trailing(), "it unpacks to more than 64.0 MiB: this is no package of an extension"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			_, err := Read("bomb.tgz", tt.data, Limits{})
			runtime.ReadMemStats(&after)
			wantError(t, err, "reading the package bomb.tgz: ", tt.want)
			// All that was allocated, given back or not.
			if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
				t.Errorf("reading took %s, want at most 32 MiB", unpack.Size(int64(used)))
			}
		})
	}
}

func TestContentThatFillsMemory(t *testing.T) {
	soak.Long(t)
	// Content that does not compress, so that only the sum of sizes is exceeded.
	noise := make([]byte, 1<<20)
	state := uint64(1)
	for i := range noise {
		state = state*6364136223846793005 + 1442695040888963407
		noise[i] = byte(state >> 56)
	}
	var entries []entry
	for i := range 4 {
		entries = append(entries, entry{name: fmt.Sprintf("demo/%d", i), content: string(noise)})
	}
	data := archiveOf(t, entries...)
	_, err := Read("big.tgz", data, Limits{Unpacked: 5 << 19})
	wantError(t, err, "more than 2.5 MiB of content")
	_, err = Read("big.tgz", data, Limits{})
	wantError(t, err, "there is no extension.yaml in it")
}

// Archives within an extension are counted too, before Helm unpacks them.
func TestNestedBomb(t *testing.T) {
	bomb := claiming(t, 8<<20, io.LimitReader(zeros{}, 8<<20))
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n", "charts/sub/charts/bomb-1.0.0.tgz": string(bomb)})
	_, err := mustLoad(t, dir).Chart()
	wantError(t, err, "loading the chart of", "charts/sub/charts/bomb-1.0.0.tgz: ", "Helm loads no file larger than 5.0 MiB")
}

func TestNestedDepth(t *testing.T) {
	inner := archiveOf(t, entry{name: "sub/Chart.yaml", content: "apiVersion: v2\nname: sub\nversion: 1.0.0\n"})
	for range 5 {
		inner = archiveOf(t, entry{name: "sub/Chart.yaml", content: "apiVersion: v2\nname: sub\nversion: 1.0.0\n"}, entry{name: "sub/charts/sub-1.0.0.tgz", content: string(inner)})
	}
	dir := trees.Write(t, map[string]string{MetadataFile: smallMetadata, "charts/sub-1.0.0.tgz": string(inner)})
	if _, err := mustLoad(t, dir).Chart(); err != nil {
		t.Fatalf("six archives within each other: %v", err)
	}
	e, err := Load(dir, Options{Limits: Limits{Depth: 4}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Chart()
	wantError(t, err, "more than 4 archives within each other")
}

func TestLoadRefusesWhatIsNoPackage(t *testing.T) {
	dir := t.TempDir()
	trees.WriteFile(t, dir, "notes.tgz", "no archive")
	_, err := Load(filepath.Join(dir, "notes.tgz"), Options{Display: "notes.tgz"})
	wantError(t, err, "reading the extension notes.tgz: it is no gzipped tar archive")
	f, err := os.Create(filepath.Join(dir, "huge.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 30); err != nil {
		t.Fatal(err)
	}
	_, err = Load(f.Name(), Options{Display: "huge.tgz"})
	wantError(t, err, "it has 1.0 GiB, more than 64.0 MiB")
}

func FuzzRead(f *testing.F) {
	f.Add(archiveOf(f, metadataEntry, entry{name: "demo/static/i.svg", content: "<svg/>"}))
	f.Add(archiveOf(f, entry{name: "demo/extension.yaml", content: "name: demo\nversion: 1.0.0\nicon: a.svg\nscreenshots: [b.png, 'c.png']\n"}, entry{name: "demo/a.svg"}, entry{name: "demo/b.png"}))
	f.Add(archiveOf(f, metadataEntry, entry{name: "demo/l", kind: tar.TypeSymlink, target: "x"}))
	f.Add([]byte{0x1f, 0x8b})
	for _, name := range []string{"demo/../../up", "demo/a/../b", "/absolute", `demo\back`, "demo/c:/drive", "demo//empty", "other/top", "demo/extension.yaml", "demo/文件"} {
		f.Add(archiveOf(f, metadataEntry, entry{name: name, content: "x"}))
	}
	inner := archiveOf(f, entry{name: "sub/Chart.yaml", content: "apiVersion: v2\nname: sub\nversion: 1.0.0\n"}, entry{name: "sub/../../up", content: "x"})
	f.Add(archiveOf(f, metadataEntry, entry{name: "demo/charts/sub-1.0.0.tgz", content: string(inner)}))
	f.Add(sparse(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkReadable(t, data)
		// The tar below the compression is where most mistakes can be; a mutated
		// gzip stream rarely gets there.
		checkReadable(t, gzipped(t, data))
	})
}

// checkReadable holds what Read promises of any input.
func checkReadable(t *testing.T, data []byte) {
	limits := Limits{Unpacked: 4 << 20, Entries: 100}
	e, err := Read("x.tgz", data, limits)
	if err != nil {
		return
	}
	var sum int64
	for i, file := range e.Files {
		sum += int64(len(file.Data))
		if !filepath.IsLocal(file.Name) || strings.ContainsAny(file.Name, "\\\x00") {
			t.Fatalf("the name %q leads elsewhere", file.Name)
		}
		if i > 0 && e.Files[i-1].Name >= file.Name {
			t.Fatalf("%q and %q are out of order", e.Files[i-1].Name, file.Name)
		}
	}
	if sum > limits.Unpacked || len(e.Files) > limits.Entries {
		t.Fatalf("%d files of %d bytes are over the limits", len(e.Files), sum)
	}
	for _, urls := range []URLs{nil, testURLs(e)} {
		p, err := e.Pack(urls)
		if err != nil {
			continue
		}
		again, err := Read(p.Filename, p.Data, limits)
		if err != nil {
			t.Fatalf("what Pack made cannot be read: %v", err)
		}
		if again.Metadata.Name != e.Metadata.Name || recorded(t, again) != e.ContentDigest() {
			t.Fatalf("packed and read again, %q has the digest %q, want %q", again.Metadata.Name, recorded(t, again), e.ContentDigest())
		}
	}
	if _, err := e.Chart(); err == nil {
		p, err := e.Pack(nil)
		if err != nil {
			return
		}
		if _, err := loader.LoadArchive(bytes.NewReader(p.Data)); err != nil {
			t.Fatalf("the chart loads, its package does not: %v", err)
		}
	}
}

// The header of the sparse archive has to be right, or the test of it is none.
func TestSparseHeader(t *testing.T) {
	zr, err := gzip.NewReader(bytes.NewReader(sparse(t)))
	if err != nil {
		t.Fatal(err)
	}
	h, err := tar.NewReader(zr).Next()
	if err != nil || h.Size != 6<<30 {
		t.Fatalf("the size is %v (%v), want 6 GiB", h, err)
	}
}

// recorded is the content digest in the Chart.yaml of a package.
func recorded(t *testing.T, e *Extension) string {
	t.Helper()
	md, err := e.FoundChart()
	if err != nil {
		t.Fatal(err)
	}
	if md == nil {
		return ""
	}
	return md.Annotations[ContentDigestAnnotation]
}

// An embedded icon in a Chart.yaml that is read does not go through the parser where that
// makes no difference.
func TestIconOfAFoundChart(t *testing.T) {
	const icon = "data:image/png;base64,iVBORw0KGgo="
	for chartYAML, want := range map[string]string{
		"name: demo\nicon: " + icon + "\nversion: 1.0.0\n":                   icon,
		"name: demo\nversion: 1.0.0\nicon: " + icon:                          icon,
		"name: demo\nicon: " + icon + "\n  more\nversion: 1.0.0\n":           icon + " more",
		"name: demo\nicon: '" + icon + "'\nversion: 1.0.0\n":                 icon,
		"name: demo\nicon: " + icon + "\nversion: 1.0.0\nicon: a.png\n":      "a.png",
		"name: demo\nversion: 1.0.0\n---\nicon: " + icon + "\n":              "",
		"name: demo\nicon: " + embeddedStandIn + "\nversion: 1.0.0\n":        embeddedStandIn,
		"name: demo\ndescription: |\n  icon: " + icon + "\nversion: 1.0.0\n": "",
		"name: demo\nicon: a.png\nversion: 1.0.0\n---\nicon: " + icon + "\n": "a.png",
	} {
		e := &Extension{foundChart: []byte(chartYAML)}
		if found, err := e.FoundChart(); err != nil || found.Name != "demo" || found.Version != "1.0.0" || found.Icon != want {
			t.Errorf("%v: %+v\n%s", err, found, chartYAML)
		}
	}
}
