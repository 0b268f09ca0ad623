package published

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/tarball"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// TestFilesAsHelmReadsThem: what is not unpacked again is what Helm finds in the archive, to the
// byte, for each real package, in the form that is pushed and in that of this machine.
func TestFilesAsHelmReadsThem(t *testing.T) {
	for _, file := range testshared.Corpus(t) {
		ext, err := extension.Load(file, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		addresses := extension.URLs{}
		for _, asset := range ext.Assets {
			addresses[asset.File] = "https://example.com/" + asset.File
		}
		for _, urls := range []extension.URLs{nil, addresses} {
			pkg, err := ext.Pack(urls)
			if err != nil {
				t.Fatal(err)
			}
			packed, err := ext.PackedFiles(urls)
			if err != nil {
				t.Fatal(err)
			}
			sameFiles(t, file, pkg.Data, packed, true)
		}
	}
}

// TestOddFilesAreReadByHelm: what Helm refuses, or calls by another name, is not taken as known.
func TestOddFilesAreReadByHelm(t *testing.T) {
	chart := extension.File{Name: "Chart.yaml", Data: []byte("\uFEFFname: a\n")}
	for name, known := range map[string]bool{
		"values.yaml": true, "a/b c.txt": true, "a/\uFEFF.txt": true, ".helmignore": true, "a/..b": true,
		"..b": false, "a//b": false, "./a": false, `a\b`: false, "c:/x": false, "../a": false, "a/../../b": false, "/a": false,
	} {
		packed := []extension.File{chart, {Name: name, Data: []byte("x")}}
		archive, err := tarball.MakeAt(tarball.Usual, "top", packed)
		if err != nil {
			t.Fatal(name, err)
		}
		sameFiles(t, name, archive, packed, known)
	}
	for _, size := range []int{int(loader.MaxDecompressedFileSize), int(loader.MaxDecompressedFileSize) + 1} {
		packed := []extension.File{chart, {Name: "large", Data: bytes.Repeat([]byte("x"), size)}}
		archive, err := tarball.MakeAt(tarball.Usual, "top", packed)
		if err != nil {
			t.Fatal(err)
		}
		sameFiles(t, "large", archive, packed, size == int(loader.MaxDecompressedFileSize))
	}
	if _, known := asHelmReads(nil); known {
		t.Error("of an archive from elsewhere nothing is known")
	}
}

func sameFiles(t *testing.T, name string, archive []byte, packed []extension.File, known bool) {
	t.Helper()
	got, ok := asHelmReads(packed)
	if ok != known {
		t.Errorf("%s: known %v", name, ok)
	}
	if !ok {
		return
	}
	want, err := loader.LoadArchiveFiles(bytes.NewReader(archive))
	if err != nil {
		t.Fatalf("%s: Helm does not read it: %v", name, err)
	}
	if len(want) != len(got) {
		t.Fatalf("%s: %d files, and Helm finds %d", name, len(got), len(want))
	}
	byName := func(a, b *loader.BufferedFile) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(want, byName) // Helm sorts them into charts, whatever their order is
	slices.SortFunc(got, byName)
	for i := range want {
		if want[i].Name != got[i].Name || !bytes.Equal(want[i].Data, got[i].Data) {
			t.Errorf("%s (-Helm +here):\n%s", name, cmp.Diff(want[i], got[i]))
		}
	}
}

// TestIsWhole: what was damaged on its way to the archive, or within, is unpacked by Helm, which says what it is.
func TestIsWhole(t *testing.T) {
	var text strings.Builder
	for i := range 4_000 {
		fmt.Fprintf(&text, "key%d: %d\n", i, i*i)
	}
	archive, err := tarball.MakeAt(tarball.Usual, "a", []extension.File{{Name: "values.yaml", Data: []byte(text.String())}})
	if err != nil {
		t.Fatal(err)
	}
	if !IsWhole(archive) {
		t.Error("it is whole")
	}
	for _, broken := range [][]byte{nil, archive[:10], archive[:len(archive)/2], archive[:len(archive)-1], append(bytes.Clone(archive), "more"...)} {
		if IsWhole(broken) {
			t.Errorf("%d of %d bytes are not whole", len(broken), len(archive))
		}
	}
	want, err := loader.LoadArchiveFiles(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for i := 10; i < len(archive); i += len(archive) / 20 {
		broken := bytes.Clone(archive)
		broken[i] ^= 0x55
		if got, err := loader.LoadArchiveFiles(bytes.NewReader(broken)); IsWhole(broken) && (err != nil || !cmp.Equal(got, want)) { // some bits mean nothing
			t.Errorf("byte %d is another, and it is whole", i)
		}
	}
	if !IsWhole(archive) {
		t.Error("after others it is whole as before")
	}
}

// BenchmarkIsWhole is what is done with an archive that came as it was sent, and what Helm does to unpack it.
func BenchmarkIsWhole(b *testing.B) {
	archive, err := tarball.MakeAt(tarball.Usual, "a", []extension.File{{Name: "values.yaml", Data: []byte(strings.Repeat("key: {a: 1, b: [2, 3]}\n", 40_000))}})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			if !IsWhole(archive) {
				b.Fatal("it is not whole")
			}
		}
	})
	b.Run("Helm", func(b *testing.B) {
		for b.Loop() {
			if _, err := loader.LoadArchiveFiles(bytes.NewReader(archive)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkInspect is a look at an archive that was made just now, and at one from elsewhere.
func BenchmarkInspect(b *testing.B) {
	packed := []extension.File{
		{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: a\nversion: 1.0.0\ncategory: c\n")},
		{Name: "extension.yaml", Data: []byte("apiVersion: kubesphere.io/v1alpha1\nname: a\nversion: 1.0.0\ncategory: c\n")},
		{Name: "values.yaml", Data: []byte(strings.Repeat("key: {a: 1, b: [2, 3]}\n", 40_000))},
	}
	archive, err := tarball.MakeAt(tarball.Usual, "a", packed)
	if err != nil {
		b.Fatal(err)
	}
	for name, files := range map[string][]extension.File{"packed here": packed, "from elsewhere": nil} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := Inspect(b.Context(), Candidate{Name: "a", Version: "1.0.0", Archive: archive, Packed: files, Loads: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
