package mirror

import (
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/imageref"
)

func TestNames(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for _, test := range []struct{ image, to, rename, want string }{
		{"nginx", "r.example/m", "", "r.example/m/library/nginx:latest"},
		{"kubesphere/ks-core:v4", "r.example/m", "", "r.example/m/kubesphere/ks-core:v4"},
		{"docker.io/nginx:1", "r.example/m/", "", "r.example/m/library/nginx:1"},
		{"quay.io/a/b/c:1", "r.example", "", "r.example/a/b/c:1"},
		{"quay.io/a/b/c:1", "localhost:5000/m", "{name}", "localhost:5000/m/c:1"},
		{"quay.io/a/b:1", "r.example/m", "{host}/{path}", "r.example/m/quay.io/a/b:1"},
		{"localhost:5000/a:1", "r.example/m", "{host}/{path}", "r.example/m/localhost-5000/a:1"},
		{"[::1]:5000/a:1", "r.example/m", "{host}/{path}", "r.example/m/1-5000/a:1"},
		{"Registry/a:1", "r.example/m", "x-{host}/{name}-y", "r.example/m/x-registry/a-y:1"},
		{"nginx:1" + digest, "r.example/m", "", "r.example/m/library/nginx:1" + digest},
		{"nginx" + digest, "r.example/m", "", "r.example/m/library/nginx" + digest},
		{"nginx:1", "r.example/m", "..{name}", ""},
		{"nginx:1", "r.example/m", "a//{name}", ""},
		{"nginx:1", "r.example/M", "", ""},
	} {
		got, err := (Destination{To: test.to, Rename: test.rename}).Of(parse(t, test.image))
		if test.want == "" {
			if err == nil {
				t.Errorf("%s to %s by %s is %s", test.image, test.to, test.rename, got)
			}
			continue
		}
		if err != nil || got.String() != test.want {
			t.Errorf("%s to %s by %q is %s (%v), want %s", test.image, test.to, test.rename, got, err, test.want)
		}
	}
}

func TestTasks(t *testing.T) {
	refs := func(images ...string) (all []imageref.Ref) {
		for _, image := range images {
			all = append(all, parse(t, image))
		}
		return all
	}
	d := Destination{To: "r.example/m", Platforms: []string{"linux/amd64"}}
	a, b := "@sha256:"+strings.Repeat("a", 64), "@sha256:"+strings.Repeat("b", 64)
	all, err := d.Tasks(refs("nginx:1", "docker.io/library/nginx:1", "quay.io/x/y:1", "r.example/m/own:1", "nginx"+a, "nginx"+b, "nginx:1"+a, "r.example/mirror:1"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, task := range all {
		got = append(got, task.To.String()+" "+strings.Join(task.Platforms, ","))
	}
	want := []string{
		"r.example/m/library/nginx:1 linux/amd64", "r.example/m/x/y:1 linux/amd64",
		"r.example/m/library/nginx" + a + " ", "r.example/m/library/nginx" + b + " ", "r.example/m/library/nginx:1" + a + " ", "r.example/m/mirror:1 linux/amd64",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("tasks are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, images := range [][]string{{"quay.io/x/y:1", "ghcr.io/x/y:1"}, {"quay.io/x/y:1", "ghcr.io/x/y:1" + a}} {
		if _, err := d.Tasks(refs(images...)); err == nil || !strings.Contains(err.Error(), "quay.io/x/y:1 and ghcr.io/x/y:1") {
			t.Errorf("%q: %v", images, err)
		}
	}
	if all, err := d.Tasks(refs("quay.io/x/y:1", "ghcr.io/x/y:2")); err != nil || len(all) != 2 {
		t.Errorf("one name with two tags: %v (%v)", all, err)
	}
	if _, err := (Destination{To: "r.example", Rename: "{host}/{path}"}).Tasks(refs("quay.io/x/y:1", "ghcr.io/x/y:1")); err != nil {
		t.Errorf("apart by their registries: %v", err)
	}
}
