package unpack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// entry is one of an archive; it is a file unless kind says otherwise.
type entry struct {
	name, content string
	kind          byte
}

func archiveOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Typeflag: e.kind, Size: int64(len(e.content)), Mode: 0o644, Format: tar.FormatPAX}
		if e.kind == 0 {
			header.Typeflag = tar.TypeReg
		}
		if err := tw.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func meter(l Limits) *Meter { return &Meter{Limits: l.WithDefaults()} }

func noise(n int) string {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	return string(data)
}

// Files come sorted, without the folder at the top; folders are none of them.
func TestRead(t *testing.T) {
	m := meter(Limits{})
	top, files, err := ReadBytes(archiveOf(t, entry{name: "x/b", content: "B"}, entry{name: "x/", kind: tar.TypeDir}, entry{name: "x/a/c", content: "C"}, entry{name: "x/a.txt"}), m)
	if err != nil || top != "x" {
		t.Fatalf("%q, %v", top, err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name+"="+string(f.Data))
	}
	if want := []string{"a.txt=", "a/c=C", "b=B"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if m.Entries != 4 || m.Bytes != 2 {
		t.Errorf("counted %d entries with %d bytes", m.Entries, m.Bytes)
	}
}

// A name that leads out of the folder, on any system, is refused; so is one that readers of
// archives do not agree about.
func TestNamesThatLeadOut(t *testing.T) {
	for name, want := range map[string]string{
		"": "has no name", "/x/a": "absolute", "x/../a": "leads out", "../x": "leads out", "x/..": "leads out",
		`x\a`: "backslash", `x/a\..\b`: "backslash", "x//a": "empty", "x/./a": "empty", "./x/a": "empty", "x/a//": "empty",
		"c:/a": "drive letter", "x/c:/a": "drive letter",
	} {
		if _, _, err := splitEntryName(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	for _, name := range []string{"x/a", "x/a/", "x/..a", "x/a..", "x/...", "x/c:", "x/ab:/c", "x/ a", "x/\u202e"} {
		if top, rest, err := splitEntryName(name); err != nil || top != "x" || strings.Trim(name, "/") != "x/"+rest {
			t.Errorf("%q: %q, %q, %v", name, top, rest, err)
		}
	}
}

// Each limit is kept to the unit: what is at it is read, and what is above is not.
func TestLimits(t *testing.T) {
	of := func(sizes ...int) (entries []entry) {
		for i, size := range sizes {
			entries = append(entries, entry{name: fmt.Sprintf("x/%03d", i), content: noise(size)})
		}
		return entries
	}
	for _, tt := range []struct {
		name    string
		limits  Limits
		entries []entry
		want    string // empty: it is read
	}{
		{"content at the limit", Limits{Unpacked: 300}, of(100, 200), ""},
		{"content above it", Limits{Unpacked: 299}, of(100, 200), "more than 299 bytes of content"},
		{"file at the limit", Limits{File: 200}, of(200), ""},
		{"file above it", Limits{File: 199}, of(200), "no file larger than 199 bytes"},
		{"entries at the limit", Limits{Entries: 3}, of(1, 1, 1), ""},
		{"entries above it", Limits{Entries: 2}, of(1, 1, 1), "more than 2 files and folders"},
		{"depth at the limit", Limits{Depth: 2}, []entry{{name: "x/a/b/c"}}, ""},
		{"depth above it", Limits{Depth: 1}, []entry{{name: "x/a/b/c"}}, "more than 1 folders deep"},
		{"small and repetitive", Limits{Ratio: 2}, []entry{{name: "x/a", content: strings.Repeat("a", ratioFree)}}, ""},
		{"large and repetitive", Limits{}, []entry{{name: "x/a", content: strings.Repeat("a", ratioFree+1)}}, "more than 200 times larger than the archive"},
		{"a name at the limit", Limits{}, []entry{{name: "x/" + strings.Repeat("n", longestEntryName-2)}}, ""},
		{"a name above it", Limits{}, []entry{{name: "x/" + strings.Repeat("n", longestEntryName-1)}}, "has 1025 bytes, more than 1024"},
	} {
		_, files, err := ReadBytes(archiveOf(t, tt.entries...), meter(tt.limits))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if err == nil && len(files) != len(tt.entries) || err != nil && files != nil {
			t.Errorf("%s: %d files", tt.name, len(files))
		}
	}
}

// What is within a package counts against the same limits, but for the ratio.
func TestNestedArchivesCount(t *testing.T) {
	nested := archiveOf(t, entry{name: "y/a", content: noise(100)})
	m := meter(Limits{Unpacked: 250})
	for i := range 3 {
		_, _, err := ReadNested(nested, m, All)
		if wantErr := i == 2; (err != nil) != wantErr || m.Bytes != int64(100*(i+1)) || m.Entries != i+1 {
			t.Errorf("%d: %v, counted %d entries with %d bytes", i, err, m.Entries, m.Bytes)
		}
	}
}

// Every archive that is cut short or has a bit flipped is refused, or is as it was.
func TestDamage(t *testing.T) {
	entries := []entry{{name: "x/a", content: noise(300)}, {name: "x/b", content: "B"}}
	whole := archiveOf(t, entries...)
	for cut := range len(whole) {
		if _, _, err := ReadBytes(whole[:cut], meter(Limits{})); err == nil {
			t.Errorf("cut to %d of %d bytes: no error", cut, len(whole))
		}
	}
	for at := 10; at < len(whole); at++ { // behind the head, in which there is a time
		bad := bytes.Clone(whole)
		bad[at] ^= 0x10
		_, files, err := ReadBytes(bad, meter(Limits{}))
		if err == nil && (len(files) != 2 || string(files[0].Data) != entries[0].content || string(files[1].Data) != "B") {
			t.Errorf("bit flipped in byte %d: other content, and no error", at)
		}
	}
}

// An archive with more content than is kept at first is read as any other is, whatever its
// files are like; and twice through the same meter is no more than once.
func TestReadTwice(t *testing.T) {
	soak.Long(t)
	text := noise(3 << 20)
	var entries []entry
	for i := range 4 {
		entries = append(entries, entry{name: fmt.Sprintf("x/%d", i), content: text[i:]}, entry{name: fmt.Sprintf("x/small-%d", i), content: "x"})
	}
	data := archiveOf(t, entries...)
	for name, keep := range map[string]func(string) bool{
		"all": All, "some": func(name string) bool { return strings.HasPrefix(name, "small") },
	} {
		m := meter(Limits{})
		_, files, err := Read(bytes.NewReader(data), int64(len(data)), m, keep)
		if err != nil {
			t.Fatal(err)
		}
		var want int64
		for _, e := range entries {
			want += int64(len(e.content))
		}
		if m.Bytes != want || m.Entries != len(entries) || len(files) != len(entries) {
			t.Errorf("%s: %d files, counted as %d with %d bytes; want %d with %d bytes", name, len(files), m.Entries, m.Bytes, len(entries), want)
		}
		for i, f := range files {
			wanted := keep(f.Name)
			at := slices.IndexFunc(entries, func(e entry) bool { return e.name == "x/"+f.Name })
			if wanted && string(f.Data) != entries[at].content || !wanted && f.Data != nil || i > 0 && files[i-1].Name >= f.Name {
				t.Errorf("%s: %s has %d bytes", name, f.Name, len(f.Data))
			}
		}
	}
}

// A pointer of Git LFS is known, also where a package should be.
func TestIsPointer(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	for text, want := range map[string]bool{
		pointer: true, strings.Replace(pointer, "git-lfs.github", "hawser.github", 1): true,
		"": false, pointer[:44]: false, "x" + pointer: false, pointer + strings.Repeat("x", longestPointer): false,
	} {
		if got := IsPointer([]byte(text)); got != want {
			t.Errorf("%.60q: %v", text, got)
		}
	}
	if _, _, err := ReadBytes([]byte(pointer), meter(Limits{})); !errors.Is(err, ErrPointer) {
		t.Errorf("%v", err)
	}
	if _, _, err := ReadBytes([]byte("PK\x03\x04"), meter(Limits{})); !errors.Is(err, errNoGzip) {
		t.Errorf("%v", err)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 3 << 29: "1.5 GiB"} {
		if got := Size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
