package cache

import (
	"fmt"
	"testing"
)

// BenchmarkGet reads entries of the sizes that lint reports, packages and indexes have.
func BenchmarkGet(b *testing.B) {
	for _, size := range []int{300, 20_000, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c, err := Open(Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			k := c.Key("lint/1")
			c.Put(b.Context(), k, make([]byte, size))
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, ok := c.Get(b.Context(), k); !ok {
					b.Fatal("it is not there")
				}
			}
		})
	}
}

// BenchmarkPut writes new entries, and one anew: ext4 and others bring a file to the disk that takes
// the place of another one.
func BenchmarkPut(b *testing.B) {
	for name, another := range map[string]bool{"new": true, "anew": false} {
		b.Run(name, func(b *testing.B) {
			c, err := Open(Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			k, i := c.Key("lint/1"), 0
			for b.Loop() {
				if i++; another {
					k = c.Key("lint/1", fmt.Sprint(i))
				}
				c.Put(b.Context(), k, make([]byte, 2000))
			}
		})
	}
}

// BenchmarkOpen is what a command pays that has a cache of 10,000 entries and is done at once.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	c, err := Open(Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
		c.Put(b.Context(), c.Key("lint/1", fmt.Sprint(i)), nil)
	}
	c.Close(b.Context())
	for b.Loop() {
		c, err := Open(Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		c.Close(b.Context())
	}
}

// BenchmarkTrim looks through 10,000 entries, as happens once an hour at most.
func BenchmarkTrim(b *testing.B) {
	c, err := Open(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
		c.Put(b.Context(), c.Key("lint/1", fmt.Sprint(i)), nil)
	}
	for b.Loop() {
		if _, err := Usage(b.Context(), c.Dir()); err != nil {
			b.Fatal(err)
		}
	}
}
