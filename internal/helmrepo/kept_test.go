package helmrepo

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

func openCache(t testing.TB, dir string) *cache.Cache {
	t.Helper()
	c, err := cache.Open(cache.Options{Dir: dir, Tool: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(t.Context()) })
	return c
}

// isAsKept holds an index against what comes of it where it goes to a cache and back.
func isAsKept(t *testing.T, index *Index) {
	t.Helper()
	var p packer
	p.index(index)
	for _, name := range index.Charts() {
		p.packed = append(p.packed, index.entries.of[name]...)
	}
	u := &unpacker{rest: p.packed}
	got := u.index()
	if diff := cmp.Diff(index, got, cmp.AllowUnexported(Index{}, entries{}), cmpopts.IgnoreFields(entries{}, "chart")); u.bad || diff != "" {
		t.Fatalf("bad %v, -read +kept\n%s", u.bad, diff)
	}
}

// What was kept in part, or is something else, is no index, and does not end the program.
func TestUnpackerTakesAnything(t *testing.T) {
	index, err := Parse([]byte(indexes[0] + "wheels: 4\n"))
	if err != nil {
		t.Fatal(err)
	}
	var p packer
	p.index(index)
	for end := range p.packed {
		if u := (&unpacker{rest: p.packed[:end]}); u.index() == nil || !u.bad {
			t.Errorf("%d bytes of %d are an index", end, len(p.packed))
		}
	}
	rng := rand.New(rand.NewPCG(14, 1))
	for range 5000 {
		packed := bytes.Clone(p.packed)
		packed[rng.IntN(len(packed))] = byte(rng.Uint32())
		(&unpacker{rest: packed}).index()
	}
}

// place is a server of one index, as servers of files are, with a clock of its own.
type place struct {
	now      time.Time
	body     string
	modified time.Time
	etag     func(*place) string
	whole    int // answers with a body
	asked    http.Header
}

func (p *place) put(body string) { p.body, p.modified = body, p.now }

func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked = r.Header.Clone()
	header := w.Header()
	header.Set("Date", p.now.UTC().Format(http.TimeFormat))
	modified := p.modified.UTC().Truncate(time.Second)
	if !p.modified.IsZero() {
		header.Set("Last-Modified", modified.Format(http.TimeFormat))
	}
	etag := ""
	if p.etag != nil {
		etag = p.etag(p)
		header.Set("ETag", etag)
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	switch match := r.Header.Get("If-None-Match"); {
	case match != "" && match == etag, match == "" && err == nil && !p.modified.IsZero() && !modified.After(since):
		w.WriteHeader(http.StatusNotModified)
		return
	}
	p.whole++
	_, _ = io.WriteString(w, p.body)
}

func indexOf(version string) string {
	return "apiVersion: v1\nentries:\n  alc:\n  - name: alc\n    version: " + version + "\n    urls: [a.tgz]\n"
}

func byContent(p *place) string { return fmt.Sprintf("%q", fmt.Sprintf("%x", p.body)) }

// byTime is as nginx makes it.
func byTime(p *place) string { return fmt.Sprintf(`"%x-%x"`, p.modified.Unix(), len(p.body)) }

// A later process asks once whether the index has changed, and gets the same without reading it.
func TestIndexOfAnEarlierProcess(t *testing.T) {
	then := time.Date(2020, 1, 31, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		etag     func(*place) string
		modified time.Duration // before the answer; 0: unknown
		kept     bool
	}{
		"ETag":                         {byContent, 0, true},
		"ETag and time":                {byTime, time.Hour, true},
		"time":                         {nil, time.Hour, true},
		"neither":                      {nil, 0, false},
		"changed in this second":       {nil, time.Millisecond, false},
		"ETag of this second":          {byTime, time.Millisecond, false},
		"changed in the future, clock": {nil, -time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := &place{now: then, body: indexOf("1.2.0") + "wheels: 4\n", etag: tt.etag}
			if tt.modified != 0 {
				p.modified = then.Add(-tt.modified)
			}
			server := serve(t, p.ServeHTTP)
			dir := t.TempDir()
			var first *Index
			for process := range 3 {
				repository := newRepository(t, Options{URL: server.URL, Cache: openCache(t, dir)})
				index, err := repository.Index(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if process == 0 {
					first = index
				}
				if diff := cmp.Diff(first, index, cmp.AllowUnexported(Index{}, entries{}), cmpopts.IgnoreFields(entries{}, "chart")); diff != "" {
					t.Error(diff)
				}
				if _, ok := index.Version("alc", "1.2.0"); !ok || index.RefusedByHelm() == nil {
					t.Errorf("%v", index)
				}
			}
			if want := map[bool]int{true: 1, false: 3}[tt.kept]; p.whole != want {
				t.Errorf("it came %d times, want %d", p.whole, want)
			}
			p.now = p.now.Add(time.Hour)
			p.put(indexOf("1.2.1"))
			index, err := newRepository(t, Options{URL: server.URL, Cache: openCache(t, dir)}).Index(t.Context())
			if _, ok := index.Version("alc", "1.2.1"); !ok || err != nil {
				t.Errorf("what was changed is not seen: %v", err)
			}
		})
	}
}

// What the server did not confirm in so many words, what is damaged, and what came for somebody else is
// not taken from the cache.
func TestIndexIsNotTakenFromTheCache(t *testing.T) {
	dir := t.TempDir()
	p := &place{now: time.Date(2020, 1, 31, 12, 0, 0, 0, time.UTC), body: indexOf("1.2.0")}
	p.modified = p.now.Add(-time.Hour)
	server := serve(t, p.ServeHTTP)
	read := func(options Options) (whole bool) {
		t.Helper()
		before := p.whole
		options.URL, options.Cache = server.URL, openCache(t, dir)
		index, err := newRepository(t, options).Index(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Contains(p.body, "1.2.0"); (len(index.Entries("alc")) == 1 && index.Entries("alc")[0].Version == "1.2.0") != want {
			t.Errorf("%v, and the server has\n%s", index.Entries("alc"), p.body)
		}
		return p.whole > before
	}
	read(Options{})
	if read(Options{}) {
		t.Fatal("it was not kept")
	}
	t.Run("put back to an older one", func(t *testing.T) {
		p.body, p.modified = indexOf("1.1.0"), p.modified.Add(-time.Hour)
		if !read(Options{}) {
			t.Error("not modified since a later time is taken for the same")
		}
	})
	t.Run("a key", func(t *testing.T) {
		for _, options := range []Options{{Username: "somebody", Password: canary}, {Token: canary}} {
			if !read(options) || read(options) {
				t.Errorf("%+v", options)
			}
			if p.asked.Get("Authorization") == "" {
				t.Error("the server did not see who asks")
			}
		}
		if read(Options{}) {
			t.Error("that without a key has gone")
		}
		if !read(Options{Username: "another", Password: canary}) {
			t.Error("the index of somebody else is taken")
		}
	})
	t.Run("damaged", func(t *testing.T) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.Contains(path, "index-1") || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if bytes.Contains(data, []byte(canary)) {
				t.Errorf("%s has a password", path)
			}
			data[len(data)-1]++
			return os.WriteFile(path, data, 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
		if !read(Options{}) || p.asked.Get("If-Modified-Since") != "" {
			t.Errorf("%v", p.asked)
		}
	})
}

// Thousands of histories of an index: changes within a second, of the same size, back to older
// ones, read by processes with a cache at any time. Each sees what the server has.
func TestHistoriesOfAnIndex(t *testing.T) {
	type state struct {
		body     string
		modified time.Time
	}
	var p place
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { p.ServeHTTP(w, r) })
	cases, taken, read := soak.Cases(t, 150, 10_000), 0, 0
	history := func(seed int) {
		rng := rand.New(rand.NewPCG(14, uint64(seed)))
		p = place{now: time.Date(2020, 1, 31, 12, 0, 0, rng.IntN(1e9), time.UTC), etag: []func(*place) string{nil, byContent, byTime}[rng.IntN(3)]}
		var past []state // that were there at the end of their second
		p.put(indexOf("1.0.100"))
		c, err := cache.Open(cache.Options{Dir: t.TempDir(), Tool: "test"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(t.Context()) // ten thousand of them are more than a process may have open
		for step := range 30 {
			switch rng.IntN(9) {
			case 0, 1:
				before := state{p.body, p.modified}
				if p.now.Unix() > p.modified.Unix() {
					past = append(past, before)
				}
				p.put(indexOf(fmt.Sprintf("1.%d.%d", seed%10, 100+step)))
			case 2:
				if len(past) > 0 && p.now.Unix() > p.modified.Unix() {
					past = append(past, state{p.body, p.modified})
					back := past[rng.IntN(len(past))]
					p.body, p.modified = back.body, back.modified
				}
			case 3:
				p.now = p.now.Add(time.Duration(rng.IntN(10e9)))
			default:
				before := p.whole
				index, err := newRepository(t, Options{URL: server.URL, Cache: c}).Index(t.Context())
				if err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, step, err)
				}
				want, _ := Parse([]byte(p.body))
				if diff := cmp.Diff(allOf(want), allOf(index)); diff != "" {
					t.Fatalf("seed %d, step %d:\n%s", seed, step, diff)
				}
				if read++; p.whole == before {
					taken++
				}
			}
		}
	}
	for seed := range cases {
		history(seed)
		server.CloseClientConnections()
	}
	t.Logf("%d histories, %d of %d readings out of the cache", cases, taken, read)
	if taken < read/10 || taken == read {
		t.Errorf("%d of %d readings came out of the cache, so the rest proves little", taken, read)
	}
}
