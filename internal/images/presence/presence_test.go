package presence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/registry"
)

// fake has images with their platforms, and counts what it is asked.
type fake struct {
	images map[string][]string // by reference
	wrong  map[string]error
	mu     sync.Mutex
	asked  []string
}

func (f *fake) ask(what string, r registry.Reference) ([]string, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what+" "+r.String())
	for image, platforms := range f.images {
		if r.String() == image || r.Digest == digest.FromString(image).String() {
			return platforms, true, f.wrong[what]
		}
	}
	return nil, false, f.wrong[r.Host]
}

func (f *fake) Resolve(_ context.Context, r registry.Reference) (ocispec.Descriptor, bool, error) {
	_, ok, err := f.ask("resolve", r)
	return ocispec.Descriptor{Digest: digest.FromString(r.String())}, ok, err
}

func (f *fake) Platforms(_ context.Context, r registry.Reference) (all []registry.Platform, ok bool, err error) {
	names, ok, err := f.ask("platforms", r)
	for _, name := range names {
		all = append(all, registry.Platform{Name: name})
	}
	return all, ok, err
}

type refusal struct{ status int }

func (e refusal) Error() string      { return fmt.Sprintf("status %d", e.status) }
func (e refusal) Unauthorized() bool { return e.status == 401 }
func (e refusal) SlowDown() bool     { return e.status == 429 }

func parse(t *testing.T, image string) imageref.Ref {
	t.Helper()
	ref, err := imageref.Parse(image)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestAsk(t *testing.T) {
	f := &fake{images: map[string][]string{
		"docker.io/library/nginx:1": {"linux/arm64", "linux/amd64", "linux/arm/v7"},
		"quay.io/x/y:1":             {"linux/amd64"},
	}, wrong: map[string]error{"private.example": refusal{401}, "docker.io": refusal{429}, "down.example": errors.New("no route to host")}}
	a := &Asker{Registries: f, Known: &Known{Dir: t.TempDir()}}
	for _, test := range []struct {
		image     string
		platforms string
		state     State
		lacks     string
		hint      string
	}{
		{"nginx:1", "", There, "", ""},
		{"nginx:1", "linux/amd64 linux/arm", There, "", ""},
		{"quay.io/x/y:1", "linux/amd64 linux/arm64", NotFor, "linux/arm64", ""},
		{"quay.io/x/y:2", "", Missing, "", ""},
		{"private.example/x:1", "", Unknown, "", "it is private, or there is no repository of that name"},
		{"redis:7", "", Unknown, "", "Docker Hub lets"},
		{"down.example/x:1", "", Unknown, "", ""},
	} {
		got := a.Ask(t.Context(), parse(t, test.image), strings.Fields(test.platforms))
		if got.State != test.state || strings.Join(got.Lacks, " ") != test.lacks || (got.Err != nil) != (test.state == Unknown) {
			t.Errorf("%s for %q: %+v", test.image, test.platforms, got)
		}
		if got.Err != nil && !strings.Contains(failure.Hint(got.Err), test.hint) {
			t.Errorf("%s: the hint is %q", test.image, failure.Hint(got.Err))
		}
	}
	// What cannot be read of an image that is there is not known, and not missing.
	f.wrong["platforms"] = errors.New("broken")
	f.images["quay.io/x/broken:1"] = nil
	if got := a.Ask(t.Context(), parse(t, "quay.io/x/broken:1"), []string{"linux/amd64"}); got.State != Unknown {
		t.Errorf("%+v", got)
	}
}

// Each image is asked for once, however many need it, and what a digest stands for is kept.
func TestAsksOnce(t *testing.T) {
	f := &fake{images: map[string][]string{"docker.io/library/nginx:1": {"linux/amd64"}}}
	dir := t.TempDir()
	a := &Asker{Registries: f, Known: &Known{Dir: dir}}
	refs := slices.Repeat([]Question{{parse(t, "nginx:1"), []string{"linux/amd64"}}}, 50)
	var done atomic.Int32
	answers, err := a.All(t.Context(), refs, func() { done.Add(1) })
	if err != nil || len(answers) != 50 || done.Load() != 50 || answers[49].State != There {
		t.Fatalf("%d answers, %d reported (%v)", len(answers), done.Load(), err)
	}
	if len(f.asked) != 2 {
		t.Errorf("asked were %q", f.asked)
	}
	f.asked = nil
	again := &Asker{Registries: f, Known: &Known{Dir: dir}}
	if got := again.Ask(t.Context(), refs[0].Ref, []string{"linux/amd64", "linux/arm64"}); got.State != NotFor || !slices.Equal(got.Platforms, []string{"linux/amd64"}) {
		t.Errorf("%+v", got)
	}
	if len(f.asked) != 1 {
		t.Errorf("asked were %q", f.asked)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := again.All(ctx, refs, nil); err == nil {
		t.Error("a context that has ended ends nothing")
	}
}

// The folder is a help and no more: what stands in it may be anything, and it does not grow without end.
func TestKnown(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "known")
	of := func(i int) string { return digest.FromString(fmt.Sprint(i)).String() }
	k := &Known{Dir: dir, Most: 10}
	for i := range 40 {
		k.Keep(of(i), []string{"linux/amd64"})
	}
	if names, ok := k.platforms(of(39)); !ok || !slices.Equal(names, []string{"linux/amd64"}) {
		t.Errorf("%q, %t", names, ok)
	}
	(&Known{Dir: dir, Most: 10}).Keep(of(40), nil)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 21 {
		t.Errorf("%d files are left (%v)", len(entries), err)
	}
	if names, ok := k.platforms(of(40)); !ok || len(names) != 0 {
		t.Errorf("an image without platforms: %q, %t", names, ok)
	}
	file, _ := k.file(of(39))
	for _, text := range []string{"", "null", "{", `{"a": 1}`, `[1]`, `["` + strings.Repeat("x", mostFile) + `"]`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if names, ok := k.platforms(of(39)); ok {
			t.Errorf("%.20q reads as %q", text, names)
		}
	}
	for _, digest := range []string{"", "sha256:", "sha256:../../etc/passwd", "md5:" + strings.Repeat("a", 64), "sha256:" + strings.Repeat("G", 64)} {
		if _, ok := k.file(digest); ok {
			t.Errorf("%q has a file", digest)
		}
	}
	var none *Known
	none.Keep(of(1), nil)
	if _, ok := none.platforms(of(1)); ok {
		t.Error("nothing knows something")
	}
}
