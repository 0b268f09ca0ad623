package cache

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk that is full keeps what was there, tears nothing, and is said once.
func TestAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k,nr_inodes=60"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(disk, "cache")
	for _, size := range []int{100_000, 10} { // no space left, and no files left
		var said remarks
		c := opened(t, dir, func(o *Options) { o.Remark = func(_ About, s string) { said.add(s) } })
		content := strings.Repeat("x", size)
		var keys []Key
		for i := range 80 {
			k := c.Key("lint/1", fmt.Sprint(size, i))
			c.Put(t.Context(), k, []byte(content))
			w := c.Create("index/1")
			_, _ = w.Write([]byte(content))
			w.Commit(c.Key("index/1", fmt.Sprint(size, i)))
			keys = append(keys, k)
		}
		want(t, c, keys[0], content)
		for _, k := range keys[1:] {
			if got, ok := c.Get(t.Context(), k); ok && string(got) != content {
				t.Errorf("%d bytes of %d", len(got), size)
			}
		}
		c.Close(context.Background())
		if len(said.said) != 1 || !strings.HasSuffix(said.said[0], "no space left on device") {
			t.Errorf("%q", said.said)
		}
		noLeftovers(t, dir)
		if _, err := Clean(t.Context(), dir); err != nil {
			t.Error(err)
		}
	}
	// With space again it is as before.
	c := opened(t, dir)
	c.Put(t.Context(), c.Key("lint/1"), []byte("again"))
	want(t, c, c.Key("lint/1"), "again")
}
