package deliver_test

import (
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/content/oci"

	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/bundle/collect"
	"github.com/ksrelease/ksrelease/internal/bundle/deliver"
	"github.com/ksrelease/ksrelease/internal/bundle/serve"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

func client(t *testing.T) *registry.Client {
	web := transport.New(transport.Options{})
	t.Cleanup(web.Close)
	return registry.New(registry.Options{Transport: web})
}

// content says what a test puts into a bundle.
type content struct {
	packages  []*extension.Package
	images    []string
	uses      map[string][]string // images by package
	base      []string
	platforms []string
}

// make makes a bundle.
func (c content) make(t *testing.T, images *registry.Client) (file string, sum collect.Summary) {
	t.Helper()
	base, err := bundle.OpenAll(c.base)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	collector, err := collect.New(collect.Options{
		Registry: images, Spool: t.TempDir(), Parallelism: 4, Base: base, Platforms: c.platforms,
		Picture: func(_ context.Context, address string) ([]byte, error) {
			return []byte("<svg><!-- " + address + " --></svg>"), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range c.packages {
		pictures := []string{"https://files.example/" + pkg.Name + ".svg"}
		if err := collector.AddPackage(t.Context(), pkg.Filename, pkg.Data, pictures, c.uses[pkg.Name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := collector.AddImages(t.Context(), c.images); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "bundle.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if sum, err = collector.Write(t.Context(), out, nil); err != nil {
		t.Fatal(err)
	}
	return out.Name(), sum
}

// museum is a target as the tests deliver to it.
func museum(to target.Target) []target.Place {
	return []target.Place{{Target: to, Name: "museum", Noun: "the museum"}}
}

// unbundle delivers bundles to a target, and to a registry below a prefix.
func unbundle(t *testing.T, images *registry.Client, prefix string, to target.Target, files ...string) (*deliver.Result, error) {
	t.Helper()
	set, err := bundle.OpenAll(files)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if err := set.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	handler, err := serve.New(set)
	if err != nil {
		t.Fatal(err)
	}
	from := httptest.NewServer(handler)
	defer from.Close()
	return deliver.Deliver(t.Context(), deliver.Options{
		Bundles: set, Targets: museum(to), Registry: images, From: strings.TrimPrefix(from.URL, "http://"), Parallelism: 2,
		ImageAt: func(r registry.Reference) (registry.Reference, error) {
			host, path, _ := strings.Cut(prefix, "/")
			return registry.Reference{Host: host, Repository: path + "/" + r.Repository, Tag: r.Tag, Digest: r.Digest}, nil
		},
	})
}

func outcomes(r *deliver.Result) (all []string) {
	for _, o := range r.Outcomes {
		all = append(all, o.Name[strings.LastIndex(o.Name, "/")+1:]+" "+o.Outcome)
	}
	slices.Sort(all)
	return all
}

// shelf is a target in memory.
type shelf struct {
	mu    sync.Mutex
	has   map[string]*extension.Package
	read  int // how often its index was read
	sent  int // how often something was sent to it
	hides int // so many readings of its index show nothing
	// loses is how often a package does not arrive, and no answer comes; answers that are lost come from loseAnswer.
	loses      int
	loseAnswer bool
	publishing func(ctx context.Context) // is called before a package is there
}

// noAnswer is the error of a write of which no answer came.
type noAnswer struct{}

func (noAnswer) Error() string { return "connection reset" }
func (noAnswer) InDoubt() bool { return true }

func (s *shelf) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	if s.publishing != nil {
		s.publishing(ctx)
	}
	if ctx.Err() != nil {
		return target.Snapshot{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent++
	if s.loses > 0 {
		s.loses--
		return target.Snapshot{}, noAnswer{}
	}
	s.has[pkg.Name+" "+pkg.Version] = pkg
	if s.loseAnswer {
		return target.Snapshot{}, noAnswer{}
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

func (s *shelf) Snapshot(_ context.Context, name, version string) (target.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has[name+" "+version] != nil {
		return target.Snapshot{Status: target.StatusActive}, nil
	}
	return target.Snapshot{}, nil
}

func (s *shelf) Index(context.Context) (target.Index, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read++
	if s.hides > 0 {
		s.hides--
		return catalogue{}, nil
	}
	return catalogue(maps.Clone(s.has)), nil
}

func (s *shelf) Fetch(_ context.Context, entry target.Entry) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.has[entry.Name+" "+entry.Version].Data, nil
}

func (s *shelf) FetchAsset(context.Context, string) ([]byte, error) {
	return nil, errors.New("not asked for")
}

func newShelf() *shelf { return &shelf{has: map[string]*extension.Package{}} }

// catalogue is the index of a shelf at one time.
type catalogue map[string]*extension.Package

func (c catalogue) Lookup(_ context.Context, name, version string) (target.Entry, bool, error) {
	pkg, ok := c[name+" "+version]
	if !ok {
		return target.Entry{}, false, nil
	}
	return target.Entry{Name: name, Version: version, Digest: pkg.Digest, ContentDigest: pkg.ContentDigest, Times: 1}, true, nil
}

func (catalogue) Versions(context.Context, string) ([]string, error) { return nil, nil }
func (catalogue) Refused() error                                     { return nil }
func (catalogue) Cached() string                                     { return "" }
func (catalogue) Remarks() []string                                  { return nil }

func TestThroughABundle(t *testing.T) {
	outside, inside := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	images := client(t)
	web, plain := outside.Host+"/team/web:1.0", outside.Host+"/plain:2"
	wanted := registrytest.PushImage(t, images, web, "one", "linux/amd64", "linux/arm64")
	registrytest.PushImage(t, images, plain, "one")
	c := content{
		packages: []*extension.Package{targettest.Package(t, "alc", "1.0.0", "one"), targettest.Package(t, "bell", "1.0.0", "two")},
		images:   []string{web, plain, web}, uses: map[string][]string{"alc": {web}, "bell": {plain}},
	}
	file, first := c.make(t, images)
	again, second := c.make(t, images)
	if a, b := read(t, file), read(t, again); first.Digest != second.Digest || a != b {
		t.Error("the same content gave two bundles")
	}
	outside.Kill() // from here on there is no other side

	// Other tools read it as the archive of an image layout.
	layout, err := oci.NewFromTar(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{web, plain} {
		copied := memory.New()
		if _, err := oras.Copy(t.Context(), layout, name, copied, name, oras.DefaultCopyOptions); err != nil {
			t.Errorf("%s cannot be read from the layout: %v", name, err)
		}
	}

	to := newShelf()
	result, err := unbundle(t, images, inside.Host+"/mirror", to, file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"alc 1.0.0 released", "bell 1.0.0 released", "plain:2 released", "web:1.0 released"}
	if got := outcomes(result); !slices.Equal(got, want) || !result.Good() {
		t.Fatalf("%q, %+v", got, result)
	}
	at := registry.Reference{Host: inside.Host, Repository: "mirror/team/web", Tag: "1.0"}
	if d, ok, err := images.Resolve(t.Context(), at); err != nil || !ok || d.Digest.String() != wanted {
		t.Errorf("%v, %t, %v", d, ok, err)
	}
	if contents, err := images.Contents(t.Context(), at, nil); err != nil || len(contents.Manifests) != 3 {
		t.Errorf("the image is not whole: %v", err)
	} else {
		for _, blob := range contents.Blobs {
			if _, err := images.Blob(t.Context(), at, blob, 1<<20); err != nil {
				t.Error(err)
			}
		}
	}
	for _, pkg := range c.packages {
		if got := to.has[pkg.Name+" "+pkg.Version]; got == nil || string(got.Data) != string(pkg.Data) {
			t.Errorf("%s came as other bytes", pkg.Filename)
		}
	}
	if result, err = unbundle(t, images, inside.Host+"/mirror", to, file); err != nil || strings.Contains(strings.Join(outcomes(result), ","), "released") {
		t.Errorf("once more: %q, %v", outcomes(result), err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPlatforms(t *testing.T) {
	outside, inside := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	images := client(t)
	registrytest.PushImage(t, images, outside.Host+"/web:1", "one", "linux/amd64", "linux/arm64")
	file, _ := content{images: []string{outside.Host + "/web:1"}, platforms: []string{"linux/arm64"}}.make(t, images)
	if _, err := unbundle(t, images, inside.Host+"/m", newShelf(), file); err != nil {
		t.Fatal(err)
	}
	all, ok, err := images.Platforms(t.Context(), registry.Reference{Host: inside.Host, Repository: "m/web", Tag: "1"})
	if err != nil || !ok || len(all) != 1 || all[0].Name != "linux/arm64" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestAnIncrementNeedsItsBase(t *testing.T) {
	outside, inside := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	images := client(t)
	alc, newer := targettest.Package(t, "alc", "1.0.0", "one"), targettest.Package(t, "alc", "1.1.0", "two")
	web := outside.Host + "/web:1"
	registrytest.PushImage(t, images, web, "one")
	base, whole := content{packages: []*extension.Package{alc}, images: []string{web}}.make(t, images)
	// The new tag has the layers of the old one; another repository has them, too, and there they are new.
	next, other := outside.Host+"/web:2", outside.Host+"/other:1"
	registrytest.PushImage(t, images, next, "one", "linux/amd64")
	registrytest.PushImage(t, images, other, "one")
	increment, part := content{packages: []*extension.Package{alc, newer}, images: []string{web, next}, base: []string{base}}.make(t, images)
	if part.InBase == 0 || part.Packages != 2 || whole.InBase != 0 {
		t.Errorf("the increment is %+v, its base %+v", part, whole)
	}
	shared, _ := content{packages: []*extension.Package{alc}, images: []string{web, other}, base: []string{base}}.make(t, images)

	to, at := newShelf(), inside.Host+"/m"
	if result, err := unbundle(t, images, at, to, increment); err == nil || !strings.Contains(err.Error(), "goes on from another one") || !strings.Contains(failure.Hint(err), "nothing was written") {
		t.Fatalf("without its base: %v, %v", result, err)
	}
	if _, ok, err := images.Resolve(t.Context(), registry.Reference{Host: inside.Host, Repository: "m/web", Tag: "2"}); ok || err != nil || len(to.has) > 0 {
		t.Errorf("something was written: %v", err)
	}
	if result, err := unbundle(t, images, at, to, base); err != nil || !result.Good() {
		t.Fatal(result, err)
	}
	for _, file := range []string{increment, shared} {
		if result, err := unbundle(t, images, at, to, file); err != nil || !result.Good() {
			t.Fatalf("%+v, %v", result, err)
		}
	}
	if result, err := unbundle(t, images, inside.Host+"/both", newShelf(), base, increment); err != nil || !result.Good() {
		t.Errorf("both at once: %+v, %v", result, err)
	}
	if to.has["alc 1.1.0"] == nil {
		t.Error("the new version is not there")
	}
}

func TestWhatIsThereStays(t *testing.T) {
	ours, theirs := targettest.Package(t, "alc", "1.0.0", "one"), targettest.Package(t, "alc", "1.0.0", "two")
	file, _ := content{packages: []*extension.Package{ours}}.make(t, client(t))
	to := newShelf()
	to.has["alc 1.0.0"] = theirs
	result, err := unbundle(t, client(t), "127.0.0.1:1/m", to, file)
	if err != nil || result.Good() || outcomes(result)[0] != "alc 1.0.0 drift" || to.has["alc 1.0.0"] != theirs {
		t.Errorf("%+v, %v", result, err)
	}
	// An answer that was lost is no verdict.
	to = newShelf()
	to.loseAnswer = true
	if result, err := unbundle(t, client(t), "127.0.0.1:1/m", to, file); err != nil || outcomes(result)[0] != "alc 1.0.0 released" || to.sent != 1 {
		t.Errorf("%+v, %v, sent %d times", result, err, to.sent)
	}
}

// An extension whose images are not there is not published.
func TestImagesComeFirst(t *testing.T) {
	outside, inside := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	images := client(t)
	web := outside.Host + "/web:1"
	registrytest.PushImage(t, images, web, "one")
	file, _ := content{
		packages: []*extension.Package{targettest.Package(t, "alc", "1.0.0", "one"), targettest.Package(t, "bell", "1.0.0", "two")},
		images:   []string{web}, uses: map[string][]string{"alc": {web}},
	}.make(t, images)
	inside.Kill()
	to := newShelf()
	quick := transport.New(transport.Options{Attempts: 1})
	defer quick.Close()
	result, err := unbundle(t, registry.New(registry.Options{Transport: quick}), inside.Host+"/m", to, file)
	if err != nil || !slices.Equal(outcomes(result), []string{"alc 1.0.0 failed", "bell 1.0.0 released", "web:1 failed"}) {
		t.Errorf("%+v, %v", result, err)
	}
	if to.has["alc 1.0.0"] != nil {
		t.Error("alc is there, and its image is not")
	}
}
