package cache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
)

// opened is a cache in a folder, whose remarks fail the test unless it asks for them.
func opened(t *testing.T, dir string, adjust ...func(*Options)) *Cache {
	t.Helper()
	o := Options{Dir: dir, Tool: "test", Remark: func(_ About, s string) { t.Error("remark:", s) }}
	for _, f := range adjust {
		f(&o)
	}
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.folder.close() })
	return c
}

func want(t *testing.T, c *Cache, k Key, content string) {
	t.Helper()
	if got, ok := c.Get(t.Context(), k); !ok || string(got) != content {
		t.Errorf("%q, %v; want %q", got, ok, content)
	}
}

func wantMiss(t *testing.T, c *Cache, k Key) {
	t.Helper()
	if got, ok := c.Get(t.Context(), k); ok {
		t.Errorf("it has %q", got)
	}
}

func entryFile(dir string, k Key) string { return filepath.Join(dir, entriesName, k.kind, k.name()) }

func TestKeepsWhatItIsGiven(t *testing.T) {
	dir := t.TempDir()
	c := opened(t, dir)
	key := c.Key("lint/1", "a")
	wantMiss(t, c, key)
	c.Put(t.Context(), key, []byte("content"))
	want(t, c, key, "content")
	c.Put(t.Context(), key, nil)
	want(t, c, key, "")
	c.Put(t.Context(), key, []byte("other"))
	c.Close(t.Context())
	if got := c.Stats(); got != (Stats{Hits: 2, Misses: 1, Kept: 3}) {
		t.Errorf("%+v", got)
	}
	want(t, opened(t, dir), key, "other") // another process
	if tag, err := os.ReadFile(filepath.Join(dir, "CACHEDIR.TAG")); err != nil || !strings.HasPrefix(string(tag), "Signature: 8a477f597d28d172789f06886806bc55\n") {
		t.Errorf("%q, %v", tag, err)
	}
}

// All that a key is made of makes another key, also where parts only move.
func TestKeys(t *testing.T) {
	dir := t.TempDir()
	c := opened(t, dir)
	other := opened(t, dir, func(o *Options) { o.Tool = "another build" })
	seen := map[Key]string{}
	for name, k := range map[string]Key{
		"none": c.Key("lint/1"), "empty": c.Key("lint/1", ""), "two empty": c.Key("lint/1", "", ""),
		"ab": c.Key("lint/1", "ab"), "a b": c.Key("lint/1", "a", "b"), "b a": c.Key("lint/1", "b", "a"),
		"version": c.Key("lint/2", "ab"), "kind": c.Key("package/1", "ab"), "tool": other.Key("lint/1", "ab"),
	} {
		if before, ok := seen[k]; ok {
			t.Errorf("%s has the key of %s", name, before)
		}
		seen[k] = name
	}
	if again := opened(t, dir).Key("lint/1", "ab"); again != c.Key("lint/1", "ab") {
		t.Error("a key changes")
	}
	for _, kind := range []string{"lint", "lint/", "../1", "Lint/1", "/1", "lint/1/2", "lint/x"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is taken for a kind", kind)
				}
			}()
			c.Key(kind)
		}()
	}
}

// A nil *Cache may be used as any other.
func TestNone(t *testing.T) {
	var c *Cache
	k := c.Key("lint/1", "a")
	c.Put(t.Context(), k, []byte("x"))
	wantMiss(t, c, k)
	wantMiss(t, c.Local(), k)
	c.SetState("s", nil)
	if _, ok := c.State("s"); ok {
		t.Error("it has a state")
	}
	if _, ok := c.Open(k); ok {
		t.Error("it has a file")
	}
	w := c.Create("lint/1")
	if n, err := w.Write([]byte("x")); n != 1 || err != nil {
		t.Error(n, err)
	}
	w.Commit(k)
	w.Abort()
	if c.Dir() != "" || c.Stats() != (Stats{}) {
		t.Error(c.Dir(), c.Stats())
	}
	c.Close(t.Context())
}

func TestState(t *testing.T) {
	dir := t.TempDir()
	c := opened(t, dir)
	if _, ok := c.State("/work/tree"); ok {
		t.Error("there is one")
	}
	for _, text := range []string{"one", "two", ""} {
		c.SetState("/work/tree", []byte(text))
		if got, ok := opened(t, dir).State("/work/tree"); !ok || string(got) != text {
			t.Errorf("%q, %v", got, ok)
		}
	}
	if _, ok := c.State("/work/other"); ok {
		t.Error("another name has it, too")
	}
	if _, ok := opened(t, dir, func(o *Options) { o.Tool = "next" }).State("/work/tree"); ok {
		t.Error("another build has it, too")
	}
}

func TestLargeEntries(t *testing.T) {
	c := opened(t, t.TempDir())
	key := c.Key("index/1", "url")
	content := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
	w := c.Create("index/1")
	if _, err := io.Copy(w, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Open(key); ok {
		t.Error("it is there before it is whole")
	}
	w.Commit(key)
	w.Abort() // as a deferred call does
	blob, ok := c.Open(key)
	if !ok {
		t.Fatal("it is not there")
	}
	defer blob.Close()
	part := make([]byte, 7)
	if _, err := blob.ReadAt(part, 35); err != nil || string(part) != "3456789" || blob.Size() != int64(len(content)) {
		t.Errorf("%q, %v, %d bytes", part, err, blob.Size())
	}
	// Who has it open keeps what it opened.
	next := c.Create("index/1")
	_, _ = next.Write([]byte("next"))
	next.Commit(key)
	if all, err := io.ReadAll(blob); err != nil || !bytes.Equal(all, content) {
		t.Errorf("%d bytes, %v", len(all), err)
	}
	want(t, c, key, "next") // and it is an entry as any other
	gone := c.Create("index/1")
	_, _ = gone.Write(content)
	gone.Abort()
	gone.Commit(key)
	want(t, c, key, "next")
	noLeftovers(t, c.Dir())
}

func noLeftovers(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, entriesName, "*", unfinished+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// An entry that was cut off, changed, extended, or that is of another key is none, and is replaced
// by the next one.
func TestDamageIsAMiss(t *testing.T) {
	dir := t.TempDir()
	c := opened(t, dir)
	key, other := c.Key("lint/1", "a"), c.Key("lint/1", "b")
	c.Put(t.Context(), other, []byte("that of another"))
	c.Put(t.Context(), key, []byte("content"))
	file := entryFile(dir, key)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := map[string][]byte{"extended": append(bytes.Clone(whole), 'x'), "zeros": make([]byte, len(whole))}
	for i := range whole {
		damaged[fmt.Sprintf("cut at %d", i)] = whole[:i]
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		damaged[fmt.Sprintf("changed at %d", i)] = changed
	}
	if damaged["of another"], err = os.ReadFile(entryFile(dir, other)); err != nil {
		t.Fatal(err)
	}
	for name, content := range damaged {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := c.Get(t.Context(), key); ok {
			t.Errorf("%s: it has %q", name, got)
		}
		if _, ok := c.Open(key); ok {
			t.Errorf("%s: it opens", name)
		}
	}
	c.Put(t.Context(), key, []byte("content"))
	want(t, c, key, "content")
}

func TestFoldersThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) || failure.Hint(err) == "" {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// Several goroutines that write and read one entry see it whole or not at all.
func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	a, b := opened(t, dir), opened(t, dir)
	content := strings.Repeat("content", 20_000)
	var all sync.WaitGroup
	for i := range 8 {
		c := []*Cache{a, b}[i%2]
		all.Go(func() {
			for n := range 50 {
				key := c.Key("lint/1", fmt.Sprint(n%3))
				c.Put(t.Context(), key, []byte(content))
				want(t, c, key, content)
			}
		})
	}
	all.Wait()
	noLeftovers(t, dir)
}

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// fill writes n entries of 8 KiB on the disk, one in each minute.
func fill(c *Cache, at *clock, kind string, n int) (keys []Key) {
	for i := range n {
		k := c.Key(kind, fmt.Sprint(i), at.at.String())
		c.Put(context.Background(), k, make([]byte, 5000))
		_ = os.Chtimes(entryFile(c.Dir(), k), at.at, at.at)
		keys = append(keys, k)
		at.at = at.at.Add(10 * time.Minute)
	}
	return keys
}

func present(t *testing.T, c *Cache, keys []Key) (n int) {
	t.Helper()
	for _, k := range keys {
		if _, err := os.Stat(entryFile(c.Dir(), k)); err == nil {
			n++
		}
	}
	return n
}

// crowded is a folder with room for 100 of the entries of fill, which is opened at the time of a clock.
func crowded(t *testing.T, now time.Time) (dir string, at *clock, open func() *Cache) {
	dir, at = t.TempDir(), &clock{now}
	return dir, at, func() *Cache {
		return opened(t, dir, func(o *Options) { o.Limit, o.Now = 100*8192, at.now })
	}
}

// A folder that has grown beyond its limit loses what was not used for longest, and not more often
// than once in an hour.
func TestTrim(t *testing.T) {
	dir, at, open := crowded(t, time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC))
	c := open()
	old := fill(c, at, "lint/1", 60)
	c.Close(t.Context())
	if n := present(t, c, old); n != 60 {
		t.Fatalf("%d are left within the limit", n)
	}
	at.at = at.at.Add(2 * time.Hour)
	c = open()
	for _, k := range old[:10] {
		if _, ok := c.Get(t.Context(), k); !ok { // used again
			t.Error("it is gone")
		}
	}
	later := fill(c, at, "package/1", 60)
	left := filepath.Join(dir, entriesName, "lint-1", unfinished+"ABC")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Chtimes(left, at.at.Add(-25*time.Hour), at.at.Add(-25*time.Hour))
	c.Close(t.Context())
	if used, unused, new := present(t, c, old[:10]), present(t, c, old[10:]), present(t, c, later); used != 10 || unused != 5 || new != 60 {
		t.Errorf("left are %d that were used, %d that were not, %d of later", used, unused, new)
	}
	noLeftovers(t, dir)

	// The next one may not follow at once, and is due an hour later.
	c = open()
	more := fill(c, &clock{at.at.Add(-time.Minute)}, "lint/1", 60)
	c.Close(t.Context())
	if n := present(t, c, more); n != 60 || present(t, c, later) != 60 {
		t.Errorf("trimmed again at once: %d", n)
	}
	at.at = at.at.Add(61 * time.Minute)
	c = open()
	c.Close(t.Context())
	if n := present(t, c, append(append(old, later...), more...)); n != 75 {
		t.Errorf("%d are left", n)
	}
}

// A file of a time that is yet to come is no reason to remove all others.
func TestTrimAfterAClockWasWrong(t *testing.T) {
	_, at, open := crowded(t, time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC))
	c := open()
	wrong := fill(c, at, "lint/1", 70)
	c.Close(t.Context())
	at.at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c = open()
	if _, ok := c.Get(t.Context(), wrong[0]); !ok {
		t.Error("it is gone")
	}
	right := fill(c, at, "lint/1", 70)
	c.Close(t.Context())
	if w, r := present(t, c, wrong), present(t, c, right); w > 6 || r < 69 || present(t, c, wrong[:1]) != 1 {
		t.Errorf("%d of the wrong time and %d of the right one are left", w, r)
	}
}

func TestToolID(t *testing.T) {
	for version, want := range map[string]bool{
		"1.2.3": true, "v1.2.3": true, "devel": false, "1.2.3-4-gabcdef": false, "1.2.3-dirty": false, "1.2": false, "1.2.": false, "": false,
		"1.2.3-0.20260102030405-abcdefabcdef": false, "1.2.3+dirty": false,
	} {
		if released(version) != want {
			t.Errorf("%q: %v", version, !want)
		}
	}
	if a, b := ToolID("1.2.3"), ToolID("1.2.4"); a == b || strings.Count(a, " ") != 3 {
		t.Errorf("%q, %q", a, b)
	}
	if id := ToolID("devel"); strings.Count(id, " ") < 5 || id != ToolID("devel") {
		t.Errorf("%q", id)
	}
}
