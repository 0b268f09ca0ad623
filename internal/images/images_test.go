package images

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

func load(t testing.TB, files map[string]string) *extension.Extension {
	t.Helper()
	ext, err := extension.Load(trees.Write(t, files), extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

const pinned = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// All that a cluster will pull is found, whichever way it is written, with each place.
func TestOf(t *testing.T) {
	ext := load(t, map[string]string{
		"extension.yaml": `name: web
version: 1.0.0
images:
  - docker.io/library/nginx:1.27
  - ghcr.io/x/only-listed:2
  - Not An Image
annotations:
  executor-hook-image.kubesphere.io/install: kubesphere/hook:1
`,
		"templates/web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      initContainers:
        - name: wait
          image: busybox
      containers:
        - name: web
          image: {{ .Values.image }}
        - name: side
          image: quay.io/x/side@` + pinned + `
      ephemeralContainers:
        - {name: debug, image: "localhost:5000/debug:1"}
      volumes:
        - {name: model, image: {reference: "quay.io/x/model:1"}}
`,
		"templates/test.yaml": `apiVersion: v1
kind: Pod
metadata:
  name: try
  annotations: {helm.sh/hook: test}
spec: {containers: [{name: try, image: "curl:8"}]}
`,
		"templates/bad.yaml": `apiVersion: v1
kind: Pod
metadata: {name: bad}
spec: {containers: [{name: bad, image: "x/UPPER:1"}]}
`,
		"templates/broken.yaml": `{{ fail "no" }}`,
		"values.yaml":           "image: nginx:1.27\n",
	})
	needed, err := Of(t.Context(), ext)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, use := range needed.Uses {
		line := use.Ref.String()
		for _, place := range use.Places {
			line += " | " + place.String() + " " + place.By
		}
		got = append(got, line)
	}
	want := []string{
		`docker.io/library/nginx:1.27 | extension.yaml:4 images | templates/web.yaml:12 container "web" of Deployment "web"`,
		`ghcr.io/x/only-listed:2 | extension.yaml:5 images`,
		`docker.io/kubesphere/hook:1 | extension.yaml:8 the annotation executor-hook-image.kubesphere.io/install`,
		`quay.io/x/side@` + pinned + ` | templates/web.yaml:14 container "side" of Deployment "web"`,
		`docker.io/library/busybox:latest | templates/web.yaml:9 init container "wait" of Deployment "web"`,
		`localhost:5000/debug:1 | templates/web.yaml:16 ephemeral container "debug" of Deployment "web"`,
		`quay.io/x/model:1 | templates/web.yaml:18 image volume "model" of Deployment "web"`,
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var bad []string
	for _, u := range needed.Unreadable {
		bad = append(bad, u.String()+": "+u.Diagnostic().Message)
	}
	wantBad := []string{
		`extension.yaml:6: images: "Not An Image" is no image reference`,
		`templates/bad.yaml:4: container "bad" of Pod "bad": "x/UPPER:1" is no image reference`,
	}
	if !slices.Equal(bad, wantBad) {
		t.Errorf("unreadable are %q, want %q", bad, wantBad)
	}
	if !slices.Equal(needed.Unknown, []string{"templates/broken.yaml"}) {
		t.Errorf("unknown is %q", needed.Unknown)
	}
}

// What extension.yaml names is known, also where the chart cannot be read.
func TestOfWithoutAChart(t *testing.T) {
	ext := load(t, map[string]string{
		"extension.yaml": "name: web\nversion: 1.0.0\nimages: [\"nginx:1\"]\n",
		"values.yaml":    "a: [\n",
	})
	needed, err := Of(t.Context(), ext)
	if err == nil || len(needed.Uses) != 1 {
		t.Errorf("found %+v (%v)", needed, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ext = load(t, map[string]string{"extension.yaml": "name: web\nversion: 1.0.0\n", "templates/a.yaml": "kind: Pod\n"})
	if _, err := Of(ctx, ext); err == nil {
		t.Error("a context that has ended ends nothing")
	}
}

func TestTogether(t *testing.T) {
	one := Extension{Name: "b", Version: "1.0.0", Path: "extensions/b"}
	two := Extension{Name: "a", Version: "1.0.0", Path: "extensions/a"}
	for x, list := range map[*Extension]string{&one: `["nginx:1.27", "redis:7"]`, &two: `["docker.io/library/nginx:1.27"]`} {
		needed, err := Of(t.Context(), load(t, map[string]string{"extension.yaml": "name: x\nversion: 1.0.0\nimages: " + list + "\n"}))
		if err != nil {
			t.Fatal(err)
		}
		x.Needed = *needed
	}
	all := Together([]Extension{one, two})
	var got []string
	for _, image := range all {
		line := image.Ref.String()
		for _, user := range image.Users {
			line += " " + user.Name + ":" + user.Places[0].Written
		}
		got = append(got, line)
	}
	want := []string{"docker.io/library/nginx:1.27 a:docker.io/library/nginx:1.27 b:nginx:1.27", "docker.io/library/redis:7 b:redis:7"}
	if !slices.Equal(got, want) {
		t.Errorf("together %q, want %q", got, want)
	}
}

// Real packages need the images that they list.
func TestOfRealPackages(t *testing.T) {
	for _, file := range testshared.Corpus(t) {
		ext, err := extension.Load(file, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		needed, err := Of(t.Context(), ext)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if len(needed.Uses) < len(ext.Metadata.Images) || len(needed.Unreadable) > 0 {
			t.Errorf("%s lists %d images, and %d were found; unreadable are %v", file, len(ext.Metadata.Images), len(needed.Uses), needed.Unreadable)
		}
	}
}
