package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/testutil/nobody"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

func inRegistry(t *testing.T, host string, login registry.Login) *Registry {
	t.Helper()
	address := "oci://" + host + "/team/cache"
	at, err := registry.ParseLocation(address)
	if err != nil {
		t.Fatal(err)
	}
	web := transport.New(Attempts(transport.Options{}))
	options := registry.Options{Transport: web, Quoted: func(string) bool { return true }}
	if login != (registry.Login{}) {
		options.Logins = map[string]registry.Login{host: login}
	}
	return NewRegistry(registry.New(options), address, at, false, web.Close)
}

// machine is the cache of a machine with a remote, which ends with the test.
func machine(t *testing.T, remote cache.Remote, remark func(string)) *cache.Cache {
	t.Helper()
	if remark == nil {
		remark = func(s string) { t.Error("remark:", s) }
	}
	c, err := cache.Open(cache.Options{Dir: t.TempDir(), Tool: "test", Remote: remote, Remark: func(_ cache.About, s string) { remark(s) }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// each runs a test with a folder, and with each registry.
func each(t *testing.T, check func(t *testing.T, open func() cache.Remote)) {
	t.Run("folder", func(t *testing.T) {
		dir := t.TempDir()
		check(t, func() cache.Remote { return NewFolder(dir, false) })
	})
	for _, kind := range registrytest.Implementations {
		t.Run(kind.Name, func(t *testing.T) {
			r := kind.Start(t, registrytest.Options{})
			check(t, func() cache.Remote { return inRegistry(t, r.Host, registry.Login{}) })
		})
	}
}

func contentOf(i int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%d,", i), []int{0, 1, 1000, inlined / 2, inlined, 1 << 20}[i%6])
}

// What one machine has found out, the next one has from the remote.
func TestMachinesShare(t *testing.T) {
	each(t, func(t *testing.T, open func() cache.Remote) {
		a := machine(t, open(), nil)
		for i := range 30 {
			a.Put(t.Context(), a.Key("lint/1", fmt.Sprint(i)), contentOf(i))
		}
		a.Close(t.Context())
		b := machine(t, open(), nil)
		for i := range 30 {
			if got, ok := b.Get(t.Context(), b.Key("lint/1", fmt.Sprint(i))); !ok || !bytes.Equal(got, contentOf(i)) {
				t.Errorf("%d: %d bytes, %v", i, len(got), ok)
			}
		}
		if _, ok := b.Get(t.Context(), b.Key("lint/1", "nothing")); ok {
			t.Error("it has what nobody kept")
		}
		if _, ok := b.Get(t.Context(), b.Key("package/1", "0")); ok {
			t.Error("it has an entry of another kind")
		}
		b.Close(t.Context())
		if s := b.Stats(); s.Remote != 30 {
			t.Errorf("%+v", s)
		}
	})
}

// Several machines that write and read the same entries see each whole or not at all.
func TestMachinesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, open func() cache.Remote) {
		var all sync.WaitGroup
		for range 4 {
			remote := open()
			defer remote.Close()
			all.Go(func() {
				for i := range 12 {
					name := fmt.Sprintf("%064x", i)
					if err := remote.Store(t.Context(), "lint-1", name, contentOf(i)); err != nil {
						t.Errorf("storing %d: %v", i, err)
					}
					got, err := remote.Fetch(t.Context(), "lint-1", name, 16<<20)
					if err != nil || !bytes.Equal(got, contentOf(i)) {
						t.Errorf("%d: %d bytes, %v", i, len(got), err)
					}
				}
			})
		}
		all.Wait()
	})
}

// Nothing is read beyond the limit.
func TestLimit(t *testing.T) {
	each(t, func(t *testing.T, open func() cache.Remote) {
		remote := open()
		defer remote.Close()
		name := strings.Repeat("a", 64)
		if err := remote.Store(t.Context(), "lint-1", name, make([]byte, 5000)); err != nil {
			t.Fatal(err)
		}
		if got, err := remote.Fetch(t.Context(), "lint-1", name, 4999); got != nil || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if got, err := remote.Fetch(t.Context(), "lint-1", name, 5000); len(got) != 5000 || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// A miss costs one request, as does a small entry; a large one costs two.
func TestRequests(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	var requests atomic.Int64
	host := registrytest.Proxy(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { requests.Add(1); next.ServeHTTP(w, q) })
	})
	remote := inRegistry(t, host, registry.Login{})
	defer remote.Close()
	count := func(what string, most int64, do func() error) {
		t.Helper()
		before := requests.Load()
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if n := requests.Load() - before; n > most {
			t.Errorf("%s: %d requests", what, n)
		}
	}
	fetch := func(name string, want int) func() error {
		return func() error {
			got, err := remote.Fetch(t.Context(), "lint-1", name, 16<<20)
			if len(got) != want {
				t.Errorf("%d bytes, want %d", len(got), want)
			}
			return err
		}
	}
	store := func(name string, n int) func() error {
		return func() error {
			return remote.Store(t.Context(), "lint-1", name, bytes.Repeat([]byte(name[:1]), n))
		}
	}
	small, large := strings.Repeat("a", 64), strings.Repeat("b", 64)
	count("a miss", 1, fetch(small, 0))
	count("the first entry", 6, store(small, 2000))
	count("a large entry", 3, store(large, 1<<20))
	count("a small hit", 1, fetch(small, 2000))
	count("a large hit", 2, fetch(large, 1<<20))
}

// A registry may ask who somebody is. Who may only read can still do that.
func TestLogin(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{Username: "ci", Password: "of the CI"})
	known := registry.Login{Username: "ci", Password: "of the CI"}
	a := machine(t, inRegistry(t, r.Host, known), nil)
	key := a.Key("lint/1", "a")
	a.Put(t.Context(), key, []byte("content"))
	a.Close(t.Context())
	b := machine(t, inRegistry(t, r.Host, known), nil)
	if got, ok := b.Get(t.Context(), key); !ok || string(got) != "content" {
		t.Errorf("%q, %v", got, ok)
	}
	b.Close(t.Context())

	var said []string
	c := machine(t, inRegistry(t, r.Host, registry.Login{}), func(s string) { said = append(said, s) })
	if _, ok := c.Get(t.Context(), key); ok {
		t.Error("a stranger may read it")
	}
	c.Close(t.Context())
	if len(said) != 1 || !strings.Contains(said[0], "is not used any more by this command") {
		t.Errorf("%q", said)
	}

	host := registrytest.Proxy(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method != http.MethodGet && q.Method != http.MethodHead {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, q)
		})
	})
	var mu sync.Mutex
	said = nil
	d := machine(t, inRegistry(t, host, known), func(s string) { mu.Lock(); defer mu.Unlock(); said = append(said, s) })
	d.Put(t.Context(), d.Key("lint/1", "more"), []byte("more"))
	if got, ok := d.Get(t.Context(), key); !ok || string(got) != "content" {
		t.Errorf("%q, %v", got, ok)
	}
	d.Close(t.Context())
	if len(said) != 1 || !strings.HasPrefix(said[0], "nothing more is sent to the remote cache") || !strings.Contains(said[0], "403") {
		t.Errorf("%q", said)
	}
}

// A registry that is killed, hangs, or answers with something else costs little time, and no run.
func TestRegistriesThatMisbehave(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	good := inRegistry(t, r.Host, registry.Login{})
	a := machine(t, good, nil)
	key := a.Key("lint/1", "a")
	a.Put(t.Context(), key, []byte("content"))
	a.Close(t.Context())

	var behaviour atomic.Value
	host := registrytest.Proxy(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			switch behaviour.Load() {
			case "hangs":
				<-q.Context().Done()
			case "trickles":
				w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
				w.Header().Set("Content-Length", "1000")
				for range 1000 {
					if _, err := io.WriteString(w, " "); err != nil {
						return
					}
					w.(http.Flusher).Flush()
					select {
					case <-q.Context().Done():
						return
					case <-time.After(50 * time.Millisecond):
					}
				}
			case "html":
				_, _ = io.WriteString(w, "<html>log in</html>")
			case "500":
				w.WriteHeader(http.StatusInternalServerError)
			case "cut":
				panic(http.ErrAbortHandler)
			case "endless":
				w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
				for q.Method == http.MethodGet && q.Context().Err() == nil {
					if _, err := w.Write(make([]byte, 1<<16)); err != nil {
						return
					}
				}
			default:
				next.ServeHTTP(w, q)
			}
		})
	})
	for _, name := range []string{"hangs", "trickles", "html", "500", "cut", "endless", "killed"} {
		t.Run(name, func(t *testing.T) {
			behaviour.Store(name)
			if name == "killed" {
				r.Kill()
			}
			var mu sync.Mutex
			var said []string
			c := machine(t, inRegistry(t, host, registry.Login{}), func(s string) { mu.Lock(); defer mu.Unlock(); said = append(said, s) })
			began := time.Now()
			for range 3 {
				if got, ok := c.Get(t.Context(), key); ok {
					t.Errorf("it has %q", got)
				}
			}
			c.Put(t.Context(), key, []byte("content"))
			c.Close(t.Context())
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("it took %s", took)
			}
			if len(said) != 1 || !strings.Contains(said[0], "is not used any more by this command: ") || strings.Contains(said[0], "\n") {
				t.Errorf("%q", said)
			}
		})
	}
	r.Restart(t)
	behaviour.Store("")
	b := machine(t, inRegistry(t, host, registry.Login{}), nil)
	if got, ok := b.Get(t.Context(), key); !ok || string(got) != "content" {
		t.Errorf("%q, %v", got, ok)
	}
	b.Close(t.Context())
}

// What somebody else has put under the tag of an entry is none.
func TestOtherThingsInTheRepository(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	web := transport.New(transport.Options{})
	defer web.Close()
	client := registry.New(registry.Options{Transport: web})
	remote := inRegistry(t, r.Host, registry.Login{})
	defer remote.Close()
	name := strings.Repeat("c", 64)
	// An image.
	registrytest.PushImage(t, client, remote.tag("lint-1", name).String(), "an image")
	if got, err := remote.Fetch(t.Context(), "lint-1", name, 16<<20); err == nil || !strings.Contains(err.Error(), "used for something else") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// An artifact whose data are not those of its digest: the blob counts.
	entry, layer := []byte("what has this digest"), ocispec.Descriptor{}
	layer = registry.Describe(entryType, entry)
	if err := errors.Join(remote.empty(t.Context()), client.PushData(t.Context(), remote.at, layer, entry)); err != nil {
		t.Fatal(err)
	}
	layer.Data = bytes.ToUpper(entry)
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		ArtifactType: manifestType, Config: ocispec.DescriptorEmptyJSON, Layers: []ocispec.Descriptor{layer},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PushManifest(t.Context(), remote.tag("lint-1", name), ocispec.MediaTypeImageManifest, manifest); err != nil {
		t.Fatal(err)
	}
	if got, err := remote.Fetch(t.Context(), "lint-1", name, 16<<20); err != nil || !bytes.Equal(got, entry) {
		t.Errorf("%q, %v", got, err)
	}
}

// A folder that is not there is a mount that is missing: nothing is made in its place.
func TestFoldersThatAreMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mount")
	f := NewFolder(dir, false)
	name := strings.Repeat("a", 64)
	if _, err := f.Fetch(t.Context(), "lint-1", name, 100); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := f.Store(t.Context(), "lint-1", name, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fetch(t.Context(), "lint-1", name, 100); err == nil {
		t.Error("a file is taken for a folder")
	}
}

// What is no file in a folder is no entry, and one that does not answer is left behind.
func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	f := NewFolder(dir, false)
	name := strings.Repeat("a", 64)
	if err := os.MkdirAll(filepath.Join(dir, "lint-1", name), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Fetch(t.Context(), "lint-1", name, 100); got != nil || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if runtime.GOOS == "linux" {
		zero := strings.Repeat("b", 64)
		if err := os.Symlink("/dev/zero", filepath.Join(dir, "lint-1", zero)); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Fetch(t.Context(), "lint-1", zero, 100); got != nil || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Fetch(ended, "lint-1", name, 100); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A folder that may not be written to is read all the same.
func TestFoldersThatAreOnlyRead(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		dir := t.TempDir()
		a := machine(t, NewFolder(dir, false), nil)
		key := a.Key("lint/1", "a")
		a.Put(t.Context(), key, []byte("content"))
		a.Close(t.Context())
		for _, d := range []string{filepath.Join(dir, "lint-1"), dir} {
			if err := os.Chmod(d, 0o555); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(d, 0o755)
		}
		var said []string
		b := machine(t, NewFolder(dir, false), func(s string) { said = append(said, s) })
		b.Put(t.Context(), b.Key("lint/1", "b"), nil)
		if got, ok := b.Get(t.Context(), key); !ok || string(got) != "content" {
			t.Errorf("%q, %v", got, ok)
		}
		b.Close(t.Context())
		if len(said) != 1 || !strings.Contains(said[0], "permission denied") {
			t.Errorf("%q", said)
		}
	})
}
