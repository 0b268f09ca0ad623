package bundle_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// Memory stays bounded whatever a bundle has: it is written, opened and verified as a stream.
func TestMemoryIsBounded(t *testing.T) {
	soak.Long(t)
	const layers = 8
	each := int64(soak.Cases(t, 256, 5<<10)) << 20 / layers
	m, files := contents(t)
	blob := func(f bundle.File, mediaType string) map[string]any {
		return map[string]any{"mediaType": mediaType, "digest": f.Digest, "size": f.Size}
	}
	streams := map[string]byte{} // by path: what the stream is made of
	var of []any
	for i := range byte(layers) {
		sum := sha256.New()
		if _, err := io.Copy(sum, io.LimitReader(pattern(i), each)); err != nil {
			t.Fatal(err)
		}
		digest := "sha256:" + hex.EncodeToString(sum.Sum(nil))
		f := bundle.File{Path: bundle.BlobPath(digest), Digest: digest, Size: each}
		streams[f.Path] = i
		m.Files = append(m.Files, f)
		of = append(of, blob(f, "application/vnd.oci.image.layer.v1.tar+gzip"))
	}
	manifest, err := json.Marshal(map[string]any{"schemaVersion": 2, "layers": of})
	if err != nil {
		t.Fatal(err)
	}
	f := bundle.FileOf(bundle.BlobPath(bundle.DigestOf(manifest)), manifest)
	files[f.Path] = manifest
	m.Files = append(m.Files, f)
	m.Images[0] = bundle.Image{Reference: "docker.io/library/big:1", Digest: f.Digest, Size: f.Size, MediaType: "application/vnd.oci.image.manifest.v1+json"}
	layout := bundle.LayoutFiles(&m)
	for i, f := range m.Files {
		if data, ok := layout[f.Path]; ok {
			m.Files[i], files[f.Path] = bundle.FileOf(f.Path, data), data
		}
	}

	path := filepath.Join(t.TempDir(), "big.tar")
	peak := peakOf(func() {
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		_, err = bundle.Write(t.Context(), out, &m, func(_ context.Context, f bundle.File, take func(io.Reader) error) error {
			if i, ok := streams[f.Path]; ok {
				return take(io.LimitReader(pattern(i), f.Size))
			}
			return take(bytes.NewReader(files[f.Path]))
		})
		if err != nil {
			t.Fatal(err)
		}
		set, err := bundle.OpenAll([]string{path})
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		if err := set.Verify(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%d MiB in %d layers, with %.1f MiB of memory at most", layers*each>>20, layers, float64(peak)/(1<<20))
	if peak > 64<<20 {
		t.Errorf("%d MiB of memory for a bundle of %d MiB", peak>>20, layers*each>>20)
	}
}

// pattern is an endless stream of one byte.
type pattern byte

func (p pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(p)
	}
	return len(b), nil
}

// peakOf is the most memory in use while something is done, in bytes.
func peakOf(do func()) uint64 {
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var done atomic.Bool
	peak := make(chan uint64)
	go func() {
		var now runtime.MemStats
		var most uint64
		for !done.Load() {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
			time.Sleep(5 * time.Millisecond)
		}
		peak <- most
	}()
	do()
	done.Store(true)
	if most := <-peak; most > before.HeapAlloc {
		return most - before.HeapAlloc
	}
	return 0
}
