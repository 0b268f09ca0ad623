package dependency

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension"
)

var redisFolder = map[string]string{
	"shared/redis/Chart.yaml":        "apiVersion: v2\nname: redis\nversion: 1.5.0\n",
	"shared/redis/values.yaml":       "size: 1\n",
	"shared/redis/templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: redis}\n",
	"shared/redis/.helmignore":       "notes.txt\n",
	"shared/redis/notes.txt":         "not for the package\n",
}

func TestFolderIsPackedAlike(t *testing.T) {
	p := write(t, redisFrom("file://../shared/redis", "^1.0.0"), redisFolder)
	ext := p.mustResolve(t, p.options(t))
	expectCharts(t, ext, "redis 1.5.0")
	for name := range redisFolder {
		if err := os.Chtimes(filepath.Join(p.root, name), time.Time{}, time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(p.root, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p.mustResolve(t, p.options(t)).ContentDigest() != ext.ContentDigest() {
		t.Error("times and modes are in the package")
	}
	p.put(t, "shared/redis/notes.txt", "changed\n")
	if p.mustResolve(t, p.options(t)).ContentDigest() != ext.ContentDigest() {
		t.Error("what .helmignore leaves out is in the package")
	}
	p.put(t, "shared/redis/values.yaml", "size: 2\n")
	if p.mustResolve(t, p.options(t)).ContentDigest() == ext.ContentDigest() {
		t.Error("a change of the chart does not show")
	}
}

func TestFolderPaths(t *testing.T) {
	p := write(t, "", redisFolder)
	if err := os.Symlink(filepath.Join(p.root, "shared"), filepath.Join(p.dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"file://../shared/redis", "file://../shared/redis/", "file://link/redis", "file://" + p.root + "/shared/redis"} {
		ext, err := extension.Load(write(t, redisFrom(path, ""), nil).dir, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if ext, err = New(p.options(t)).Resolve(t.Context(), p.dir, ext); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		expectCharts(t, ext, "redis 1.5.0")
	}
}

func TestFolderErrors(t *testing.T) {
	outside := write(t, "", redisFolder)
	for name, tt := range map[string]struct {
		path, version, want, advice string
		prepare                     func(p project)
	}{
		"outside": {path: "file://" + filepath.Join(outside.root, "shared/redis"), want: "the folder is not in this repository: it must lie below that of the config",
			advice: "move the chart into the repository, or put it under charts/"},
		"outside by a link": {path: "file://../away/redis", want: "the folder is not in this repository",
			advice:  "move the chart into the repository, or put it under charts/",
			prepare: func(p project) { _ = os.Symlink(filepath.Join(outside.root, "shared"), filepath.Join(p.root, "away")) }},
		"a link in the chart": {path: "file://../shared/redis", want: "the link leak points out of the extension",
			prepare: func(p project) {
				_ = os.Symlink(filepath.Join(outside.root, "ext/values.yaml"), filepath.Join(p.root, "shared/redis/leak"))
			}},
		"nothing": {path: "file://../shared/reddis", want: "there is no such folder", advice: "write the path from the folder of the extension, such as file://../charts/redis"},
		"a file": {path: "file://../shared/redis/values.yaml", want: "it is no folder",
			advice: "name the folder of a chart; a package goes under charts/"},
		"no chart":      {path: "file://../shared", want: "there is no Chart.yaml in it: it is no chart", advice: "name the folder that has the Chart.yaml"},
		"other version": {path: "file://../shared/redis", version: "^2.0.0", want: `no version satisfies "^2.0.0"; there is 1.5.0`, advice: "ask for a version that is there"},
		"other name": {path: "file://../shared/redis", want: `the chart in it is called "cache"`, advice: "write name: cache, and alias: redis if it is to be called that",
			prepare: func(p project) { p.put(t, "shared/redis/Chart.yaml", "name: cache\nversion: 1.0.0\n") }},
		"other than the lock": {path: "file://../shared/redis", version: "^1.0.0", want: "the chart has version 1.5.0, and Chart.lock says 1.4.0",
			advice:  "make Chart.lock anew: delete it, and `ksrelease lint` shows the one to put in its place",
			prepare: func(p project) { p.put(t, "ext/Chart.lock", lockFor(t, p, "1.4.0")) }},
	} {
		t.Run(name, func(t *testing.T) {
			p := write(t, redisFrom(tt.path, tt.version), redisFolder)
			if tt.prepare != nil {
				tt.prepare(p)
			}
			_, err := p.resolve(t, p.options(t))
			expectError(t, err, tt.advice, `the dependency "redis" from file://`, tt.want)
		})
	}

	p := write(t, redisFrom("file://../shared/redis", ""), redisFolder)
	_, err := New(p.options(t)).Resolve(t.Context(), filepath.Join(p.dir, "values.yaml"), p.load(t))
	expectError(t, err, "name the source tree of the extension, or pack it with its charts", "a package has no folders next to it")
}

func FuzzFolderStaysInside(f *testing.F) {
	for _, seed := range []string{"..", "../../..", "/", "/etc", "../ext/../..", "a/../../b", "", ".", "\x00", "..//..", "%2e%2e"} {
		f.Add(seed)
	}
	outside := write(f, "", nil)
	f.Fuzz(func(t *testing.T, path string) {
		p := project{root: filepath.Join(outside.root, "ext"), dir: filepath.Join(outside.root, "ext", "sub")}
		if err := os.MkdirAll(p.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		outside.put(t, "Chart.yaml", "name: redis\nversion: 1.0.0\n")
		w := want{Dependency: &chart.Dependency{Name: "redis", Repository: "file://" + path}}
		if got, err := New(p.options(t)).fromFolder(p.dir, w); err == nil {
			t.Errorf("%q: %s", path, got.version)
		}
	})
}
