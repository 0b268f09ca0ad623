package tarball

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// some are files like those of an extension.
func some() []unpack.File {
	long := strings.Repeat("a", 60) + "/" + strings.Repeat("b", 150) + ".yaml" // needs PAX
	files := []unpack.File{
		{Name: naming.ChartFile, Data: []byte("apiVersion: v2\nicon: https://example.com/icon.svg\n")},
		{Name: "README.md", Data: []byte(strings.Repeat("words and more words\n", 300))},
		{Name: "empty"},
		{Name: naming.MetadataFile, Data: []byte("icon: https://example.com/icon.svg\n# " + strings.Repeat("x", 8<<10) + "\nscreenshots: [https://example.com/1.png]\n")},
		{Name: "templates/ü.yaml", Data: []byte("a: 1\n")},
		{Name: long, Data: []byte("b: 2\n")},
	}
	slices.SortFunc(files, func(a, b unpack.File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

// The same files give the same bytes, in each way, today and in the next release: packages
// are compared by their digest, and proved by packing them again.
func TestTheSameBytes(t *testing.T) {
	first := func(level int) func() ([]byte, error) {
		return func() ([]byte, error) { return firstAt(level, "demo", some()) }
	}
	second := func(hardness Hardness) func() ([]byte, error) {
		return func() ([]byte, error) { return MakeAt(hardness, "demo", some()) }
	}
	for _, way := range []struct {
		name string
		make func() ([]byte, error)
		want string
	}{
		{"the first form", first(firstFastLevel), "3725c018c8a548134459a285218ef9c16e650b14506445b547ef050cb4de3fad"},
		{"the first form, small", first(firstSmallLevel), "4586d84ed96f69aba5e288782c65ff0440365eaa95ed149f7f92819ad358af0b"},
		{"usual", second(Usual), "d33df3da583eb738ae2b67da38b26e58c45a5f36bf78de0f46deda75ae4c5966"},
		{"hard", second(Hard), "23d1071984b15e3b3db15f18e0e4c7e43f3c09c4640a983ab27d1c12713d178c"},
	} {
		var first []byte
		for range 3 {
			packed, err := way.make()
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = packed
			}
			if !bytes.Equal(packed, first) {
				t.Errorf("%s: other bytes", way.name)
			}
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(first)); got != way.want {
			t.Errorf("%s: the digest is %s, and was %s", way.name, got, way.want)
		}
	}
}

// What any reader of gzip and tar finds is what was packed, without a trace of the machine.
func TestMakeIsRead(t *testing.T) {
	archive, err := Make("demo", some(), 0)
	if err != nil {
		t.Fatal(err)
	}
	packed := archive.Data
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if zr.Name != "" || !zr.ModTime.IsZero() || zr.OS != 255 {
		t.Errorf("the head is %+v", zr.Header)
	}
	tr := tar.NewReader(zr)
	files := some()
	for _, i := range order(files) {
		f := files[i]
		h, err := tr.Next()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil || h.Name != "demo/"+f.Name || !bytes.Equal(data, f.Data) {
			t.Errorf("%s: %q, %d bytes, %v", f.Name, h.Name, len(data), err)
		}
		if h.Mode != 0o644 || h.ModTime.Unix() != 0 || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s: %+v", f.Name, h)
		}
	}
	if _, err := tr.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("there is more: %v", err)
	}
	top, read, err := unpack.ReadBytes(packed, &unpack.Meter{Limits: unpack.Limits{}.WithDefaults()})
	if err != nil || top != "demo" || len(read) != len(files) {
		t.Errorf("read back: %q, %d files, %v", top, len(read), err)
	}
}

// Longer addresses make the package larger by no more than they are longer, whatever follows
// them.
func TestSizeWithOtherAddresses(t *testing.T) {
	sizeWith := func(address string) int64 {
		files := some()
		for i := range files {
			if holdsAddresses(files[i]) {
				files[i].Data = bytes.ReplaceAll(files[i].Data, []byte("https://example.com/"), []byte(address))
			}
		}
		size, err := Size("demo", files, 0)
		if err != nil {
			t.Fatal(err)
		}
		return size
	}
	const short, long, addresses = "https://a.io/", "https://files.example.com/abcdefghij/", 3
	if growth := sizeWith(long) - sizeWith(short); growth < 0 || growth > addresses*int64(len(long)-len(short)) {
		t.Errorf("with longer addresses it grows by %d bytes", growth)
	}
}

// The shares are of the package as it is: none is less than a byte, and their sum is its size.
func TestSharesAreTheSize(t *testing.T) {
	shares, err := Shares("demo", some(), 0)
	if err != nil {
		t.Fatal(err)
	}
	size, err := Size("demo", some(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for i, share := range shares {
		sum += share
		if share < 1 {
			t.Errorf("%s has a share of %d", some()[i].Name, share)
		}
	}
	if len(shares) != len(some()) || sum != size {
		t.Errorf("%d shares of %d bytes in all, for a package of %d", len(shares), sum, size)
	}
}

func TestSharesAreStretchedAndTakenOff(t *testing.T) {
	shares := []int64{1, 10, 100}
	takeOff(shares, 30)
	if !slices.Equal(shares, []int64{1, 1, 79}) {
		t.Errorf("taken off: %v", shares)
	}
	stretch(shares, 81, 162)
	if !slices.Equal(shares, []int64{2, 2, 158}) {
		t.Errorf("stretched: %v", shares)
	}
}

// A package near the size that KubeSphere takes is packed as small as can be.
func TestPackSmallNearTheLimit(t *testing.T) {
	soak.Long(t)
	r := rand.New(rand.NewPCG(5, 6))
	text := []byte("the same again and again, but not quite")
	for len(text) < 1<<20 {
		at := r.IntN(len(text) - 20)
		text = append(text, text[at:at+5+r.IntN(15)]...)
		if r.IntN(4) == 0 {
			text = fmt.Appendf(text, "%x", r.Uint32N(1<<12))
		}
	}
	files := []unpack.File{{Name: "a.txt", Data: text}}
	usual, err := MakeAt(Usual, "demo", files)
	if err != nil {
		t.Fatal(err)
	}
	for percent, want := range map[int64]Hardness{50: Usual, 70: Usual, 80: Hard, 100: Hard, 150: Hard} {
		got, err := Make("demo", files, int64(len(usual))*100/percent)
		if err != nil {
			t.Fatal(err)
		}
		if got.Hardness != want {
			t.Errorf("at %d %% of the limit it is packed with %d, want %d", percent, got.Hardness, want)
		}
		if smaller := len(got.Data) < len(usual); smaller != (want == Hard) {
			t.Errorf("at %d %%: %d bytes, in the usual way %d", percent, len(got.Data), len(usual))
		}
	}
}

// What does not compress has the share of its size, and what repeats has next to none.
func TestSharesOfFilesThatDoNotCompress(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	noise := func(n int) []byte {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		return data
	}
	words := func(n int) (text []byte) {
		for len(text) < n {
			text = fmt.Appendf(text, "%s ", []string{"alpha", "beta", "gamma"}[r.IntN(3)])
		}
		return text
	}
	files := []unpack.File{{Name: "big", Data: noise(200 << 10)}}
	for i := range 400 { // small ones, which the ends of blocks cost most
		files = append(files, unpack.File{Name: fmt.Sprintf("small-%03d", i), Data: words(300)})
	}
	files = append(files, unpack.File{Name: "twice", Data: files[0].Data[:20<<10]}, unpack.File{Name: "twice-again", Data: files[0].Data[:20<<10]})
	shares, err := Shares("x", files, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(200 << 10); shares[0] < want*98/100 || shares[0] > want*102/100 {
		t.Errorf("200 KiB of noise have a share of %d bytes", shares[0])
	}
	if again := shares[len(shares)-1]; again > 1<<10 {
		t.Errorf("a file that repeats the one before it has a share of %d bytes", again)
	}
}
