package directory_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/directory"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/storetest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir, url string) *directory.Target {
	t.Helper()
	d, err := directory.New(directory.Options{Store: sharedfiles.NewFolder(dir, "museum"), Shown: "museum", URL: url})
	must(t, err)
	return d
}

func TestContract(t *testing.T) {
	targettest.Run(t, func(t *testing.T) targettest.Fixture {
		dir := filepath.Join(t.TempDir(), "museum")
		restore := func() {}
		return targettest.Fixture{
			Target: open(t, dir, ""),
			Break: func(r targettest.Request, f targettest.Fault) bool {
				index, pkg := filepath.Join(dir, directory.IndexFile), filepath.Join(dir, "alc-1.0.0.tgz")
				text := "<html><body>It works!</body></html>\n"
				switch {
				case f == targettest.Fails && r == targettest.Publish: // a file in the place of the folder
					restore = storetest.Replace(t, dir, func() error { return os.WriteFile(dir, nil, 0o644) })
				case f == targettest.Fails && r == targettest.Fetch:
					restore = storetest.Replace(t, pkg, func() error { return nil })
				case f == targettest.Fails:
					restore = storetest.Replace(t, index, func() error { return os.Mkdir(index, 0o755) })
				case f == targettest.Garbage && r == targettest.Fetch:
					restore = storetest.Replace(t, pkg, func() error { return os.WriteFile(pkg, []byte(text), 0o644) })
				case f == targettest.Garbage && r != targettest.Publish:
					restore = storetest.Replace(t, index, func() error { return os.WriteFile(index, []byte(text), 0o644) })
				case f == targettest.Hangs && r == targettest.Publish: // another process has the lock
					restore = storetest.Lock(t, dir)
				default:
					return false
				}
				return true
			},
			Restore: func() { restore() },
		}
	})
}

func publish(t *testing.T, d target.Target, pkg *extension.Package) {
	t.Helper()
	if _, err := d.Publish(t.Context(), pkg); err != nil {
		t.Fatalf("publishing %s: %v", pkg.Filename, err)
	}
}

// What stands in an index stays, to the byte; a stock helm and KubeSphere read what is added.
func TestStockHelmReadsIt(t *testing.T) {
	for version, helm := range map[string]string{"3": helmtest.Binary(t), "4": helmtest.BinaryOf(t, helmtest.Helm4)} {
		t.Run("helm "+version, func(t *testing.T) { stockHelmReadsIt(t, helm) })
	}
}

func stockHelmReadsIt(t *testing.T, helm string) {
	for _, path := range []string{"", "/charts/stable"} {
		dir := t.TempDir()
		mux := http.NewServeMux()
		mux.Handle(path+"/", http.StripPrefix(path, http.FileServer(http.Dir(dir))))
		server := httptest.NewServer(mux)
		defer server.Close()
		others := "# ours\napiVersion: v1\nentries:\n  zzz:\n  - name: zzz # of others\n    version: 1.0.0\n    urls: [https://example.com/zzz.tgz]\n    created: 2020-01-01T00:00:00Z\n"
		must(t, os.WriteFile(filepath.Join(dir, "index.yaml"), []byte(others), 0o644))
		url := ""
		if path != "" {
			url = server.URL + path + "/"
		}
		d := open(t, dir, url)
		for _, version := range []string{"1.0.0", "1.2.0", "1.1.0"} {
			publish(t, d, targettest.Package(t, "alc", version, version))
		}
		index, err := os.ReadFile(filepath.Join(dir, "index.yaml"))
		must(t, err)
		head, rest, _ := strings.Cut(string(index), "  alc:\n")
		if _, tail, found := strings.Cut(rest, "  zzz:\n"); !found || head+"  zzz:\n"+tail != others {
			t.Errorf("the entries of others are not as they were:\n%s", index)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 4 {
			t.Errorf("files: %v", entries)
		}
		home := t.TempDir()
		run := func(args ...string) string {
			t.Helper()
			command := exec.Command(helm, args...)
			command.Dir = home
			command.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "HELM_CACHE_HOME=" + home + "/cache", "HELM_CONFIG_HOME=" + home + "/config", "HELM_DATA_HOME=" + home + "/data"}
			out, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("helm %q: %v\n%s", args, err, out)
			}
			return string(out)
		}
		run("repo", "add", "museum", server.URL+path)
		found := run("search", "repo", "museum/alc", "--versions")
		if at := strings.Index(found, "1.2.0"); at < 0 || strings.Index(found, "1.1.0") < at || strings.Index(found, "1.0.0") < strings.Index(found, "1.1.0") {
			t.Errorf("helm finds\n%s", found)
		}
		run("pull", "museum/alc", "--version", "1.1.0")
		pulled, err := os.ReadFile(filepath.Join(home, "alc-1.1.0.tgz"))
		must(t, err)
		if want := targettest.Package(t, "alc", "1.1.0", "1.1.0"); string(pulled) != string(want.Data) {
			t.Error("helm pulls another package")
		}
	}
}

// Packages that nobody has listed yet are listed with the first that is released.
func TestAFolderWithoutAnIndex(t *testing.T) {
	dir := t.TempDir()
	old, other := targettest.Package(t, "old", "1.0.0", "one"), targettest.Package(t, "alc", "1.0.0", "other")
	must(t, os.WriteFile(filepath.Join(dir, old.Filename), old.Data, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, other.Filename), other.Data, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "copy-of-alc.tgz"), other.Data, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "notes.tgz"), []byte("no chart"), 0o644))
	d := open(t, dir, "")
	if s, err := d.Snapshot(t.Context(), "old", "1.0.0"); err != nil || s.Status != target.StatusNone {
		t.Errorf("before there is an index: %+v, %v", s, err)
	}
	publish(t, d, targettest.Package(t, "new", "1.0.0", "one"))
	if _, err := d.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one")); err == nil {
		t.Error("a package that was there is overwritten")
	}
	index, err := d.Index(t.Context())
	must(t, err)
	for _, name := range []string{"old", "alc", "new"} {
		e, ok, err := index.Lookup(t.Context(), name, "1.0.0")
		if !ok || err != nil || e.Times != 1 {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

// What a killed run left behind is listed by the next one, where it is what is released; else
// it is kept, and nothing lists it.
func TestWhatAKilledRunLeaves(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, "")
	publish(t, d, targettest.Package(t, "first", "1.0.0", "one"))
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	file := filepath.Join(dir, pkg.Filename)
	must(t, os.WriteFile(file, pkg.Data, 0o644))
	if s, err := d.Snapshot(t.Context(), "alc", "1.0.0"); err != nil || s.Status != target.StatusNone {
		t.Errorf("it counts already: %+v, %v", s, err)
	}
	_, err := d.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "two"))
	if err == nil || !strings.Contains(failure.Hint(err), "remove it") {
		t.Errorf("%v (%s)", err, failure.Hint(err))
	}
	if s, err := d.Snapshot(t.Context(), "alc", "1.0.0"); err != nil || s.Status != target.StatusNone {
		t.Errorf("it was listed: %+v, %v", s, err)
	}
	// The same content of another commit: what is there is not replaced.
	again, err := extension.Load(targettest.Folder(t, "alc", "1.0.0", "one"), extension.Options{})
	must(t, err)
	other, err := extension.WithOrigin(again, extension.Origin{Revision: strings.Repeat("ab", 20)}).Pack(nil)
	must(t, err)
	if other.Digest == pkg.Digest || other.ContentDigest != pkg.ContentDigest {
		t.Fatalf("%s and %s", other.Digest, pkg.Digest)
	}
	publish(t, d, other)
	index, err := d.Index(t.Context())
	must(t, err)
	if e, ok, err := index.Lookup(t.Context(), "alc", "1.0.0"); !ok || err != nil || "sha256:"+e.Digest != pkg.Digest {
		t.Errorf("%+v, %v", e, err)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != string(pkg.Data) {
		t.Errorf("the package was replaced: %v", err)
	}
}

// A damaged index stays as it is.
func TestADamagedIndexIsKept(t *testing.T) {
	for _, text := range []string{"", "<<<<<<< HEAD\n", "apiVersion: v1\nentries:\n  alc:\n  - name: alc\n    version: 1.10\n"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "index.yaml")
		must(t, os.WriteFile(file, []byte(text), 0o644))
		d := open(t, dir, "")
		if _, err := d.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one")); err == nil || failure.Hint(err) == "" || failure.InDoubt(err) {
			t.Errorf("%q: %v", text, err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != text {
			t.Errorf("%q became %q: %v", text, got, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("%q: files %v", text, entries)
		}
	}
}

// A package comes from where its entry leads: the folder at any of its addresses, or elsewhere.
func TestFetch(t *testing.T) {
	dir := t.TempDir()
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/elsewhere/alc.tgz" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(pkg.Data)
	}))
	defer server.Close()
	web := transport.New(transport.Options{})
	defer web.Close()
	d, err := directory.New(directory.Options{Store: sharedfiles.NewFolder(dir, "museum"), Shown: "museum", URL: "https://example.com/a b/charts", Transport: web})
	must(t, err)
	publish(t, d, pkg)
	must(t, os.Mkdir(filepath.Join(dir, "old"), 0o755))
	must(t, os.Link(filepath.Join(dir, pkg.Filename), filepath.Join(dir, "old", "x.tgz")))
	index, err := d.Index(t.Context())
	must(t, err)
	e, _, err := index.Lookup(t.Context(), "alc", "1.0.0")
	must(t, err)
	if len(e.URLs) != 1 || e.URLs[0] != "https://example.com/a b/charts/alc-1.0.0.tgz" {
		t.Errorf("URLs: %q", e.URLs)
	}
	for url, want := range map[string]string{
		e.URLs[0]: "",
		"https://example.com/a%20b/charts/alc-1.0.0.tgz": "",
		"alc-1.0.0.tgz":                            "",
		"./old/../alc-1.0.0.tgz":                   "",
		"old/x.tgz":                                "",
		"/a b/charts/alc-1.0.0.tgz":                "",
		"https://before.example.com/alc-1.0.0.tgz": "", // by its digest
		server.URL + "/elsewhere/alc.tgz":          "",
		server.URL + "/none.tgz":                   "from where its entry leads",
		"oci://example.com/alc:1.0.0":              "leads to no file",
		"../alc-1.0.0.tgz":                         "no file of the folder",
		"none.tgz":                                 "no such file",
		"":                                         "no URL",
	} {
		data, err := d.Fetch(t.Context(), target.Entry{Name: "alc", Version: "1.0.0", URLs: []string{url}, Digest: pkg.Digest})
		if want == "" && (err != nil || string(data) != string(pkg.Data)) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %d bytes, %v", url, len(data), err)
		}
	}
}

func TestNewRefusesAddresses(t *testing.T) {
	for _, url := range []string{"charts.example.com", "ftp://example.com", "https://"} {
		if _, err := directory.New(directory.Options{URL: url}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
	for url, want := range map[string]string{"": "alc-1.0.0.tgz", "/": "/alc-1.0.0.tgz", "/charts/": "/charts/alc-1.0.0.tgz", "https://example.com/": "https://example.com/alc-1.0.0.tgz"} {
		d := open(t, t.TempDir(), url)
		publish(t, d, targettest.Package(t, "alc", "1.0.0", "one"))
		index, err := d.Index(t.Context())
		must(t, err)
		if e, _, err := index.Lookup(t.Context(), "alc", "1.0.0"); err != nil || e.URLs[0] != want {
			t.Errorf("with %q: %q, %v", url, e.URLs, err)
		}
		e, _, _ := index.Lookup(t.Context(), "alc", "1.0.0")
		if _, err := d.Fetch(t.Context(), e); err != nil {
			t.Errorf("with %q: %v", url, err)
		}
	}
}

// Many targets on one folder, as many processes: no entry is lost, and of two packages of one
// version one is refused.
func TestRaces(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "museum")
	var group sync.WaitGroup
	var mu sync.Mutex
	published := map[string]string{} // the digest by the version
	for i := range 10 {
		d := open(t, dir, "")
		for n := range 4 {
			pkg := targettest.Package(t, fmt.Sprintf("e%d", n), "1.0.0", fmt.Sprint(i))
			own := targettest.Package(t, fmt.Sprintf("own%d", i), fmt.Sprintf("1.%d.0", n), "x")
			group.Go(func() {
				if _, err := d.Publish(t.Context(), pkg); err == nil {
					mu.Lock()
					defer mu.Unlock()
					if published[pkg.Name] != "" {
						t.Errorf("%s was published twice", pkg.Name)
					}
					published[pkg.Name] = pkg.Digest
				}
			})
			group.Go(func() {
				if _, err := d.Publish(t.Context(), own); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	index, err := open(t, dir, "").Index(t.Context())
	must(t, err)
	for n := range 4 {
		name := fmt.Sprintf("e%d", n)
		if e, _, err := index.Lookup(t.Context(), name, "1.0.0"); err != nil || "sha256:"+e.Digest != published[name] || e.Times != 1 {
			t.Errorf("%s: %+v, published was %s, %v", name, e, published[name], err)
		}
	}
	for i := range 10 {
		if versions, err := index.Versions(t.Context(), fmt.Sprintf("own%d", i)); err != nil || len(versions) != 4 {
			t.Errorf("own%d: %q, %v", i, versions, err)
		}
	}
}
