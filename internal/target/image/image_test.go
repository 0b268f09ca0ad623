package image_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/image"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/transport"
)

func client(t *testing.T) *registry.Client {
	web := transport.New(transport.Options{FirstWait: 10 * time.Millisecond, Attempts: 6})
	t.Cleanup(web.Close)
	return registry.New(registry.Options{Transport: web})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, name string) registry.Reference {
	t.Helper()
	at, err := registry.Parse(name)
	must(t, err)
	return at
}

// baseImage is an image to build on, in a registry: as ChartMuseum's, with the media types of Docker.
func baseImage(t *testing.T, at registry.Reference, platforms ...string) {
	t.Helper()
	c := client(t)
	index := map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json"}
	var entries []any
	push := func(mediaType string, data []byte) map[string]any {
		blob := registry.Describe(mediaType, data)
		must(t, c.PushData(t.Context(), at, blob, data))
		return map[string]any{"mediaType": mediaType, "digest": blob.Digest, "size": blob.Size}
	}
	text := func(v any) []byte {
		data, err := json.Marshal(v)
		must(t, err)
		return data
	}
	for _, platform := range platforms {
		os, arch, _ := strings.Cut(platform, "/")
		config := push("application/vnd.docker.container.image.v1+json", text(map[string]any{
			"os": os, "architecture": arch, "created": "2024-01-01T00:00:00Z", "history": []any{map[string]any{"created_by": "base"}},
			"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + strings.Repeat("ab", 32)}},
			"config": map[string]any{"User": "1000:1000", "Entrypoint": []string{"/chartmuseum"}, "Healthcheck": map[string]any{"Interval": 30000000000}},
		}))
		layer := push("application/vnd.docker.image.rootfs.diff.tar.gzip", []byte("the museum for "+platform))
		m := text(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "config": config, "layers": []any{layer}})
		d, err := c.PushManifest(t.Context(), at.WithTag(""), "application/vnd.docker.distribution.manifest.v2+json", m)
		must(t, err)
		entries = append(entries, map[string]any{"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size, "platform": map[string]any{"os": os, "architecture": arch}})
	}
	index["manifests"] = entries
	_, err := c.PushManifest(t.Context(), at, "application/vnd.docker.distribution.manifest.list.v2+json", text(index))
	must(t, err)
}

// settle is short: these tests have one content for each version.
const settle = 5 * time.Millisecond

var platforms = []string{"linux/amd64", "linux/arm64"}

// proxy is in front of a registry, and has requests go wrong.
type proxy struct {
	mu    sync.Mutex
	front http.Handler
	lost  atomic.Bool // from now on no answer arrives
	back  http.Handler
	moves atomic.Int64 // how often the tag latest was moved
}

func newProxy(t *testing.T, to *registrytest.Registry) (*proxy, string) {
	p := &proxy{}
	return p, registrytest.Proxy(t, to, func(next http.Handler) http.Handler {
		p.front, p.back = next, next
		return p
	})
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.lost.Load() {
		panic(http.ErrAbortHandler)
	}
	p.mu.Lock()
	front := p.front
	p.mu.Unlock()
	if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/latest") {
		p.moves.Add(1)
	}
	front.ServeHTTP(w, r)
}

func (p *proxy) script(t *testing.T, lines ...string) {
	t.Helper()
	rules, err := faults.Parse("faults", strings.Join(lines, "\n")+"\n")
	must(t, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.front = faults.New(p.back, rules)
}

// losing carries out what is sent for the tag, and from then on answers nobody.
func (p *proxy) losing() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/latest") {
			p.back.ServeHTTP(httptest.NewRecorder(), r)
			p.lost.Store(true)
			panic(http.ErrAbortHandler)
		}
		p.back.ServeHTTP(w, r)
	})
}

func (p *proxy) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.front = p.back
	p.lost.Store(false)
}

func TestContract(t *testing.T) {
	targettest.Run(t, func(t *testing.T) targettest.Fixture {
		home := registrytest.Start(t, registrytest.Options{})
		base := parse(t, home.Host+"/helm/chartmuseum:v1")
		baseImage(t, base, platforms...)
		p, host := newProxy(t, home)
		to, err := image.New(image.Options{
			Registry: client(t), Images: []registry.Reference{parse(t, host+"/ks/museum:latest")}, Base: &base, Platforms: platforms, Settle: settle,
		})
		must(t, err)
		paths := map[targettest.Request][]string{
			targettest.Index:   {"GET /v2/**/manifests/latest"},
			targettest.Lookup:  {"GET /v2/**/manifests/latest"},
			targettest.Fetch:   {"GET /v2/**/blobs/*"},
			targettest.Publish: {"POST /v2/**", "PUT /v2/**", "PATCH /v2/**"},
		}
		whats := map[targettest.Fault]string{targettest.Fails: "before status 500", targettest.Garbage: "before login", targettest.Hangs: "before hang"}
		return targettest.Fixture{
			Target: to,
			Break: func(r targettest.Request, f targettest.Fault) bool {
				if f == targettest.LosesReply {
					p.losing()
					return true
				}
				var lines []string
				for _, path := range paths[r] {
					lines = append(lines, path+" * "+whats[f])
				}
				p.script(t, lines...)
				return true
			},
			Restore: p.restore,
		}
	})
}

// unpacked are the files of the layers of an image for a platform, as a container runtime lays them out.
func unpacked(t *testing.T, at registry.Reference, platform string) (config ocispec.Image, files map[string][]byte) {
	t.Helper()
	c := client(t)
	contents, err := c.Contents(t.Context(), at, []string{platform})
	must(t, err)
	files = map[string][]byte{}
	var m ocispec.Manifest
	must(t, json.Unmarshal(contents.Manifests[0].Data, &m))
	text, err := c.Blob(t.Context(), at, m.Config, 1<<20)
	must(t, err)
	must(t, json.Unmarshal(text, &config))
	if len(config.RootFS.DiffIDs) != len(m.Layers) {
		t.Fatalf("%d layers, and %d in the configuration", len(m.Layers), len(config.RootFS.DiffIDs))
	}
	for i, l := range m.Layers {
		data, err := c.Blob(t.Context(), at, l, 1<<30)
		must(t, err)
		if strings.HasPrefix(string(data), "the museum for") {
			files["museum"] = data
			continue
		}
		plain, err := gzip.NewReader(strings.NewReader(string(data)))
		must(t, err)
		whole, err := io.ReadAll(plain)
		must(t, err)
		if got := registry.Describe("", whole).Digest; got != config.RootFS.DiffIDs[i] {
			t.Errorf("layer %d has the diff ID %s, and the configuration %s", i, got, config.RootFS.DiffIDs[i])
		}
		archive := tar.NewReader(strings.NewReader(string(whole)))
		for {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			if header.Typeflag != tar.TypeReg {
				continue
			}
			if files[header.Name], err = io.ReadAll(archive); err != nil {
				t.Fatal(err)
			}
		}
	}
	return config, files
}

func publishAll(t *testing.T, to *image.Target, packages ...*extension.Package) {
	t.Helper()
	var group sync.WaitGroup
	for _, pkg := range packages {
		group.Go(func() {
			if s, err := to.Publish(t.Context(), pkg); err != nil || s.Status != target.StatusActive {
				t.Errorf("%s: %+v, %v", pkg.Filename, s, err)
			}
		})
	}
	group.Wait()
}

func twelve(t *testing.T) (all []*extension.Package) {
	for i := range 12 {
		all = append(all, targettest.Package(t, fmt.Sprintf("ext%d", i), "1.0.0", "one"))
	}
	return all
}

// Twelve extensions at once are few builds, in two registries, and the image is what a runtime expects.
func TestManyAtOnceAreFewBuilds(t *testing.T) {
	one, two := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	base := parse(t, one.Host+"/helm/chartmuseum:v1")
	baseImage(t, base, platforms...)
	p, host := newProxy(t, one)
	images := []registry.Reference{parse(t, host+"/ks/museum:latest"), parse(t, two.Host+"/other/museum:v1")}
	to, err := image.New(image.Options{Registry: client(t), Images: images, Base: &base, Platforms: platforms, Settle: settle})
	must(t, err)
	packages := twelve(t)
	publishAll(t, to, packages...)
	if n := p.moves.Load(); n > 4 {
		t.Errorf("12 packages at once moved the tag %d times", n)
	}
	for _, at := range images {
		for _, platform := range platforms {
			config, files := unpacked(t, at, platform)
			for _, pkg := range packages {
				if string(files["charts/"+pkg.Filename]) != string(pkg.Data) {
					t.Errorf("%s for %s: %s is not there as it was sent", at, platform, pkg.Filename)
				}
			}
			if string(files["museum"]) != "the museum for "+platform || config.Platform.OS+"/"+config.Platform.Architecture != platform {
				t.Errorf("%s for %s: %q %+v", at, platform, files["museum"], config.Platform)
			}
			if got := strings.Join(config.Config.Entrypoint, " "); got != "/chartmuseum --storage-local-rootdir /charts --storage local" || config.Config.User != "1000:1000" {
				t.Errorf("it runs %q as %s", got, config.Config.User)
			}
		}
	}
}

// The digest of the image depends on what is in it, and on nothing else: not on the order, the number of
// builds, the registry or the process.
func TestReproducible(t *testing.T) {
	soak.Long(t)
	home := registrytest.Start(t, registrytest.Options{})
	base := parse(t, home.Host+"/helm/chartmuseum:v1")
	baseImage(t, base, platforms...)
	packages := twelve(t)
	var digests []string
	for i, order := range [][]*extension.Package{packages, reversed(packages)} {
		at := parse(t, fmt.Sprintf("%s/museum%d:latest", home.Host, i))
		for _, pkg := range order {
			to, err := image.New(image.Options{Registry: client(t), Images: []registry.Reference{at}, Base: &base, Platforms: platforms, Settle: settle})
			must(t, err)
			if _, err := to.Publish(t.Context(), pkg); err != nil {
				t.Fatal(err)
			}
		}
		d, _, err := client(t).Resolve(t.Context(), at)
		must(t, err)
		digests = append(digests, d.Digest.String())
	}
	at := parse(t, home.Host+"/museum2:latest")
	to, err := image.New(image.Options{Registry: client(t), Images: []registry.Reference{at}, Base: &base, Platforms: platforms, Settle: settle})
	must(t, err)
	publishAll(t, to, packages...)
	d, _, err := client(t).Resolve(t.Context(), at)
	must(t, err)
	if digests = append(digests, d.Digest.String()); digests[0] != digests[1] || digests[1] != digests[2] {
		t.Errorf("three ways to one image gave %q", digests)
	}
}

func reversed(list []*extension.Package) []*extension.Package {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// Processes that build at once lose no package, whatever order their requests come in.
func TestProcessesAtOnceLoseNothing(t *testing.T) {
	home := registrytest.Start(t, registrytest.Options{})
	base := parse(t, home.Host+"/helm/chartmuseum:v1")
	baseImage(t, base, platforms[0])
	for round := range 3 {
		at := parse(t, fmt.Sprintf("%s/museum%d:latest", home.Host, round))
		packages := twelve(t)
		var group sync.WaitGroup
		for _, pkg := range packages {
			to, err := image.New(image.Options{Registry: client(t), Images: []registry.Reference{at}, Base: &base, Platforms: platforms[:1], Settle: settle})
			must(t, err)
			group.Go(func() {
				if _, err := to.Publish(t.Context(), pkg); err != nil {
					t.Errorf("%s: %v", pkg.Filename, err)
				}
			})
		}
		group.Wait()
		to, err := image.New(image.Options{Registry: client(t), Images: []registry.Reference{at}, Base: &base, Platforms: platforms[:1], Settle: settle})
		must(t, err)
		index, err := to.Index(t.Context())
		must(t, err)
		for _, pkg := range packages {
			if e, ok, err := index.Lookup(t.Context(), pkg.Name, pkg.Version); !ok || err != nil || "sha256:"+e.Digest != pkg.Digest {
				t.Errorf("round %d: %s was lost: %v", round, pkg.Filename, err)
			}
		}
	}
}

// A build that ended anywhere is finished by the next one.
func TestABuildThatEndedAnywhere(t *testing.T) {
	soak.Long(t)
	home := registrytest.Start(t, registrytest.Options{})
	base := parse(t, home.Host+"/helm/chartmuseum:v1")
	baseImage(t, base, platforms...)
	p, host := newProxy(t, home)
	one, two := targettest.Package(t, "alc", "1.0.0", "one"), targettest.Package(t, "bell", "1.0.0", "two")
	ends := 0
	for after := int64(0); ; after++ {
		at := parse(t, fmt.Sprintf("%s/museum%d:latest", host, after))
		var writes atomic.Int64
		ctx, kill := context.WithCancel(t.Context())
		p.mu.Lock()
		p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet && r.Method != http.MethodHead && writes.Add(1) > after {
				p.lost.Store(true)
				kill()
				panic(http.ErrAbortHandler)
			}
			p.back.ServeHTTP(w, r)
		})
		p.mu.Unlock()
		options := image.Options{Registry: client(t), Images: []registry.Reference{at}, Base: &base, Platforms: platforms, Settle: settle}
		to, err := image.New(options)
		must(t, err)
		_, failed := to.Publish(ctx, one)
		kill()
		p.restore()
		options.Registry = client(t)
		next, err := image.New(options)
		must(t, err)
		publishAll(t, next, two)
		publishAll(t, next, one)
		for _, pkg := range []*extension.Package{one, two} {
			if data, err := next.Fetch(t.Context(), target.Entry{Name: pkg.Name, Version: pkg.Version}); err != nil || string(data) != string(pkg.Data) {
				t.Errorf("ended after %d writes: %s: %v", after, pkg.Filename, err)
			}
		}
		if failed == nil {
			break
		}
		ends++
	}
	if ends < 8 {
		t.Errorf("a build was ended at %d writes only", ends)
	}
	t.Logf("ended at each of %d writes", ends)
}

func TestWhatIsNotOurs(t *testing.T) {
	home := registrytest.Start(t, registrytest.Options{})
	c := client(t)
	base := parse(t, home.Host+"/helm/chartmuseum:v1")
	baseImage(t, base, platforms...)
	before := registrytest.PushImage(t, c, home.Host+"/museum:latest", "another image")
	at := parse(t, home.Host+"/museum:latest")
	to, err := image.New(image.Options{Registry: c, Images: []registry.Reference{at}, Base: &base, Platforms: platforms, Settle: settle})
	must(t, err)
	if _, err := to.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one")); err == nil || !strings.Contains(err.Error(), "made by something else") || failure.Hint(err) == "" {
		t.Errorf("%v", err)
	}
	if d, _, err := c.Resolve(t.Context(), at); err != nil || d.Digest.String() != before {
		t.Error("it was replaced")
	}
	if _, err := to.Index(t.Context()); err == nil {
		t.Error("what is not ours has an index")
	}

	missing, err := image.New(image.Options{Registry: c, Images: []registry.Reference{parse(t, home.Host+"/m:1")}, Base: &base, Platforms: []string{"linux/riscv64"}})
	must(t, err)
	if _, err := missing.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one")); err == nil || !strings.Contains(err.Error(), "linux/riscv64") {
		t.Errorf("a platform that the base has not: %v", err)
	}
	if err := missing.Fits(t.Context(), targettest.Package(t, "alc", "1.0.0", "one")); err == nil || !strings.Contains(err.Error(), "linux/riscv64") {
		t.Errorf("in the plan: %v", err)
	}
	if _, err := image.New(image.Options{Registry: c, Images: []registry.Reference{at.WithDigest(before)}, Base: &base, Platforms: platforms, Settle: settle}); err == nil {
		t.Error("a digest is no tag")
	}
}

// What is asked of the registry that is written to is asked of itself, also where another one is
// read in its place.
func TestAMirrorIsNotThePlaceOfTheImage(t *testing.T) {
	home, other := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{})
	base := parse(t, other.Host+"/museum:base")
	baseImage(t, base, platforms...)
	web := transport.New(transport.Options{})
	t.Cleanup(web.Close)
	c := registry.New(registry.Options{Transport: web, Mirrors: []registry.Mirror{{From: home.Host, To: other.Host}}})
	at := parse(t, home.Host+"/museum:latest")
	to, err := image.New(image.Options{Registry: c, Images: []registry.Reference{at}, Base: &base, Platforms: platforms, Settle: settle})
	must(t, err)
	publishAll(t, to, targettest.Package(t, "alc", "1.0.0", "one"))
	if _, files := unpacked(t, at, "linux/amd64"); len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}

// A registry whose list of tags is late is called that, and nothing else.
func TestAListOfTagsThatIsLate(t *testing.T) {
	home := registrytest.Start(t, registrytest.Options{})
	base := parse(t, home.Host+"/helm/chartmuseum:v1")
	baseImage(t, base, platforms...)
	p, host := newProxy(t, home)
	p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/tags/list") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"name": "museum", "tags": []}`)
			return
		}
		p.back.ServeHTTP(w, r)
	})
	to, err := image.New(image.Options{Registry: client(t), Images: []registry.Reference{parse(t, host+"/museum:latest")}, Base: &base, Platforms: platforms, Settle: settle})
	must(t, err)
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	if _, err := to.Publish(t.Context(), pkg); err == nil || !strings.Contains(err.Error(), "does not list the tag package-alc-1.0.0") || !strings.Contains(failure.Hint(err), "run again later") {
		t.Errorf("%v", err)
	}
	p.restore()
	publishAll(t, to, pkg)
}

// What no image can have is refused before it gets a tag, which would keep all others from the image.
func TestWhatDoesNotFit(t *testing.T) {
	home := registrytest.Start(t, registrytest.Options{})
	at := parse(t, home.Host+"/museum:latest")
	to, err := image.New(image.Options{Registry: client(t), Images: []registry.Reference{at}, Platforms: platforms, Settle: settle, Binary: func(string) ([]byte, error) {
		return nil, errors.New("nobody asks for a program before there is something to build")
	}})
	must(t, err)
	large := targettest.Package(t, "alc", "1.0.0", "one")
	large.Data = append(large.Data, make([]byte, 64<<20)...)
	long := targettest.Package(t, strings.Repeat("a", 63), "1.0.0-"+strings.Repeat("x", 57), "one")
	for want, pkg := range map[string]*extension.Package{"an image takes 67108864": large, "more than 128 characters": long} {
		for what, err := range map[string]error{"planned": to.Fits(t.Context(), pkg), "sent": func() error { _, err := to.Publish(t.Context(), pkg); return err }()} {
			if err == nil || !strings.Contains(err.Error(), want) || failure.Hint(err) == "" {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	if tags, _, err := client(t).Tags(t.Context(), at); err != nil || len(tags) > 0 {
		t.Errorf("tags %q, %v", tags, err)
	}
	if err := to.Fits(t.Context(), targettest.Package(t, "alc", "1.0.0", "one")); err != nil {
		t.Errorf("%v", err)
	}
}

// One extension more sends a layer with it, and none of the others.
func TestOneMoreSendsLittle(t *testing.T) {
	home := registrytest.Start(t, registrytest.Options{})
	base := parse(t, home.Host+"/helm/chartmuseum:v1")
	baseImage(t, base, platforms...)
	p, host := newProxy(t, home)
	at := parse(t, host+"/museum:latest")
	to, err := image.New(image.Options{Registry: client(t), Images: []registry.Reference{at}, Base: &base, Platforms: platforms, Settle: settle})
	must(t, err)
	publishAll(t, to, twelve(t)...)
	var uploads atomic.Int64
	p.mu.Lock()
	p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			uploads.Add(1)
		}
		p.back.ServeHTTP(w, r)
	})
	p.mu.Unlock()
	publishAll(t, to, targettest.Package(t, "one-more", "1.0.0", "one"))
	// The package, its layer, and a configuration for each platform.
	if n := uploads.Load(); n != 4 {
		t.Errorf("%d blobs were sent", n)
	}
}

func TestStable(t *testing.T) {
	for version, want := range map[string]bool{"1.0.0": true, "v1.0.0": true, "1.0.0-rc.1": false, "1.0.0-0": false, "latest": false} {
		if image.Stable("alc", version) != want {
			t.Errorf("%s is stable: %t", version, !want)
		}
	}
}
