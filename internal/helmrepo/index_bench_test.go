package helmrepo

import (
	"bytes"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/bench/generate"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// 30,000 versions, as a large public repository has them. The peak is that of the
// heap while the index is read; of what is handed in nothing is counted.
func BenchmarkRead(b *testing.B) {
	var written bytes.Buffer
	if err := (generate.Index{Seed: 14, Names: 1000, Versions: 30}).Write(b.Context(), &written); err != nil {
		b.Fatal(err)
	}
	data := written.Bytes()
	asJSON, err := yaml.YAMLToJSON(data)
	if err != nil {
		b.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		body []byte
	}{
		{"YAML", data}, {"JSON", asJSON},
		{"one entry that Helm refuses", bytes.Replace(data, []byte("    version: "), []byte("    version: 1.70 #"), 1)},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.SetBytes(int64(len(tt.body)))
			b.ReportAllocs()
			var peak uint64
			for b.Loop() {
				peak = max(peak, peakOf(func() {
					if _, err := Read(bytes.NewReader(tt.body)); err != nil {
						b.Fatal(err)
					}
				}))
			}
			b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
		})
	}
}

// The same out of a cache, where the server says that it has not changed.
func BenchmarkUnchanged(b *testing.B) {
	var written bytes.Buffer
	if err := (generate.Index{Seed: 14, Names: 1000, Versions: 30}).Write(b.Context(), &written); err != nil {
		b.Fatal(err)
	}
	server := serve(b, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(written.Bytes()))
	})
	kept, client := openCache(b, b.TempDir()), transport.New(transport.Options{})
	defer client.Close()
	read := func() {
		repository, err := New(Options{URL: server.URL, Cache: kept, Transport: client})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := repository.Index(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	read()
	b.ReportAllocs()
	var peak uint64
	for b.Loop() {
		peak = max(peak, peakOf(read))
	}
	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
	if stats := kept.Stats(); stats.Misses != 1 {
		b.Errorf("%+v", stats)
	}
}

// peakOf is how much the heap grows at most while something is done, in bytes.
func peakOf(do func()) uint64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var done atomic.Bool
	peak := make(chan uint64)
	go func() {
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
