package helmrepo

import (
	"bytes"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// 30,000 versions, as a large public repository has them. The peak is that of the
// heap while the index is read; of what is handed in nothing is counted.
func BenchmarkRead(b *testing.B) {
	data := bigIndex(b, 1000, 30)
	// Icons by their address, as most have them.
	data = []byte(strings.ReplaceAll(string(data), strings.Repeat("PHN2ZyB4bWxucz0i", 60), "x"))
	asJSON, err := yaml.YAMLToJSON(data)
	if err != nil {
		b.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		body []byte
	}{
		{"YAML", data}, {"JSON", asJSON},
		{"one entry that Helm refuses", bytes.Replace(data, []byte("version: 1.7.0"), []byte("version: 1.70"), 1)},
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
