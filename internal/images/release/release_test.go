package release

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/images/mirror"
	"github.com/ksrelease/ksrelease/internal/images/presence"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// none has no image, and says of those of one registry that it cannot be asked.
type none struct{ asked atomic.Int64 }

func (n *none) Resolve(_ context.Context, r registry.Reference) (found ocispec.Descriptor, there bool, err error) {
	n.asked.Add(1)
	switch r.Host {
	case "down.example":
		return found, false, failure.WithHint(errors.New("nobody answers"), "start it")
	case "mirror.example":
		return ocispec.Descriptor{Digest: digest.FromString(r.String())}, strings.HasSuffix(r.Repository, "nginx"), nil
	}
	return found, false, nil
}

func (n *none) Platforms(context.Context, registry.Reference) ([]registry.Platform, bool, error) {
	return nil, false, nil
}

func (n *none) Contents(_ context.Context, r registry.Reference, _ []string) (*registry.Contents, error) {
	return nil, errors.New(r.String() + " is not to be had")
}

func (n *none) CopyContents(context.Context, *registry.Contents, registry.Reference, registry.CopyOptions) (registry.Copied, error) {
	panic("something is copied")
}

func newImages() (*Images, *none) {
	asked := &none{}
	asker := &presence.Asker{Registries: asked}
	return &Images{Asker: asker, Mirror: &mirror.Mirror{Registries: asked, Asker: asker}}, asked
}

func load(t *testing.T, list string) *extension.Extension {
	t.Helper()
	ext, err := extension.Load(trees.Write(t, map[string]string{"extension.yaml": "name: web\nversion: 1.0.0\nimages: " + list + "\n"}), extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

func find(ctx context.Context, ext *extension.Extension, _ lint.Limits) (*images.Needed, error) {
	return images.Of(ctx, ext)
}

// Who asks for nothing costs nothing: neither a rendering nor a request.
func TestNothingIsAskedByDefault(t *testing.T) {
	all, asked := newImages()
	never := func(context.Context, *extension.Extension, lint.Limits) (*images.Needed, error) {
		t.Error("images are looked for")
		return nil, nil
	}
	for _, exist := range []config.Severity{"", config.Off} {
		own, err := all.Of(t.Context(), load(t, "[nginx]"), config.Settings{Images: config.Images{Exist: exist}}, never, nil)
		if own != nil || err != nil || asked.asked.Load() != 0 {
			t.Errorf("%q: %v, %v", exist, own, err)
		}
	}
}

// The rule gets what registries said, and is the only one that is run.
func TestExist(t *testing.T) {
	all, _ := newImages()
	ext := load(t, "[\"mirror.example/nginx:1\", \"quay.io/x/y:1\", \"down.example/z:1\"]")
	settings := config.Settings{Images: config.Images{Exist: config.Error}}
	own, err := all.Of(t.Context(), ext, settings, find, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	examine := own.Exist(func(ctx context.Context, ext *extension.Extension, opts lint.Options, _ lint.Limits) (lint.Report, error) {
		return lint.Examine(ctx, ext, opts), nil
	})
	report, err := examine(t.Context(), ext, lint.Options{Severities: map[string]lint.Severity{lint.RuleImageExists: lint.Error}}, lint.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range report.Findings {
		got = append(got, f.Code+" "+f.Subject+" "+f.Hint)
	}
	want := []string{
		"image-exists/missing quay.io/x/y:1 push it before the extension is released, or correct the tag",
		"image-exists/not-known down.example/z:1 start it",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if planned, _, err := own.Plan(t.Context()); planned != nil || err != nil {
		t.Errorf("without a mirror there is a plan: %+v (%v)", planned, err)
	}
}

// What a mirror lacks and nobody has fails the plan, with a hint, and is no refusal of a key.
func TestPlan(t *testing.T) {
	all, _ := newImages()
	settings := config.Settings{Images: config.Images{Exist: config.Off, Mirror: []config.Mirror{{To: "mirror.example"}}}}
	for list, want := range map[string]string{
		"[\"nginx:1\"]":                          "",
		"[\"nginx:1\", \"redis:1\", \"x/y:1\"]":  "the image docker.io/library/redis:1 cannot be mirrored: docker.io/library/redis:1 is not to be had, and 1 more",
		"[\"quay.io/x/y:1\", \"ghcr.io/x/y:1\"]": "two images would have one name in the mirror: quay.io/x/y:1 and ghcr.io/x/y:1 would both be mirror.example/x/y:1",
	} {
		own, err := all.Of(t.Context(), load(t, list), settings, find, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		planned, message, err := own.Plan(t.Context())
		if want == "" {
			if err != nil || message != "" || planned.Total != 1 || planned.There != 1 {
				t.Errorf("%s: %+v, %q, %v", list, planned, message, err)
			}
			continue
		}
		if err == nil || err.Error() != want || failure.Hint(err) == "" || failure.Unauthorized(err) {
			t.Errorf("%s: %v (%s)", list, err, failure.Hint(err))
		}
	}
}
