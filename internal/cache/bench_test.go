package cache

import (
	"fmt"
	"strings"
	"testing"
)

// A report of lint, or what is known of a package, has some kilobytes.
func BenchmarkGet(b *testing.B) {
	c, key := kept(b)
	b.SetBytes(16 << 10)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.Get(b.Context(), key); !ok {
			b.Fatal("it is not there")
		}
	}
}

func BenchmarkPut(b *testing.B) {
	c, _ := kept(b)
	content := []byte(strings.Repeat("x", 16<<10))
	b.SetBytes(16 << 10)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		c.Put(b.Context(), c.Key("lint/1", fmt.Sprint(n)), content)
	}
}

func kept(b *testing.B) (*Cache, Key) {
	c, err := Open(Options{Dir: b.TempDir(), Tool: "test"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.folder.close() })
	key := c.Key("lint/1", "a")
	c.Put(b.Context(), key, []byte(strings.Repeat("x", 16<<10)))
	return c, key
}
