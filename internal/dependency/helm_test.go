package dependency

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
)

// A lock that stock helm wrote is in sync here, the one proposed here is for
// stock helm, and both bring in the same charts.
func TestLockIsThatOfHelm(t *testing.T) {
	helm := helmtest.Binary(t)
	s := shop(t)
	dependencies := redisFrom(s.URL+"/stable", "^1.0.0") +
		"    alias: cache\n    condition: cache.enabled\n    tags: [extension, agent]\n    import-values:\n      - data\n      - {child: a, parent: b}\n" +
		"  - name: near\n    version: '>=0.1'\n    repository: file://../shared/near\n"
	p := write(t, dependencies, map[string]string{"shared/near/Chart.yaml": "apiVersion: v2\nname: near\nversion: 0.3.0\n"})
	chartYAML := "apiVersion: v2\nname: web\nversion: 1.0.0\n" + dependencies
	p.put(t, "helm/Chart.yaml", chartYAML)
	home := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), helm, args...)
		command.Dir = filepath.Join(p.root, "helm")
		command.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("repo", "add", "shop", s.URL+"/stable")
	run("dependency", "update")
	lock, err := os.ReadFile(filepath.Join(p.root, "helm/Chart.lock"))
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, "ext/Chart.lock", string(lock))
	locked := p.mustResolve(t, p.options(t))
	expectCharts(t, locked, "near 0.3.0", "redis 1.10.0")
	for _, r := range locked.Resolved {
		if !r.Locked {
			t.Errorf("%s is not locked", r.Name)
		}
	}

	if err := os.Remove(filepath.Join(p.dir, "Chart.lock")); err != nil {
		t.Fatal(err)
	}
	proposed, ok := p.mustResolve(t, p.options(t)).ProposedLock()
	if !ok {
		t.Fatal("no lock is proposed")
	}
	var ours, theirs map[string]any
	if err := yaml.Unmarshal([]byte(proposed), &ours); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(lock, &theirs); err != nil {
		t.Fatal(err)
	}
	if ours["digest"] != theirs["digest"] {
		t.Errorf("proposed\n%s\nhelm wrote\n%s", proposed, lock)
	}
	p.put(t, "helm/Chart.lock", proposed)
	run("dependency", "build")
	theirChart, err := loader.LoadDir(filepath.Join(p.root, "helm"))
	if err != nil {
		t.Fatal(err)
	}
	ourChart, err := locked.Chart()
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, c := range theirChart.Dependencies() {
		versions[c.Name()] = c.Metadata.Version
	}
	for _, c := range ourChart.Dependencies() {
		if versions[c.Name()] != c.Metadata.Version {
			t.Errorf("%s %s, helm has %q", c.Name(), c.Metadata.Version, versions[c.Name()])
		}
		delete(versions, c.Name())
	}
	if len(versions) > 0 {
		t.Errorf("only helm has %v", versions)
	}
	if _, err := extension.ReadChart(locked.Resolved[0].Data, extension.Limits{}); err != nil {
		t.Error(err)
	}
}

// Stock helm brings the dependencies in again: other time stamps in Chart.lock and in the
// packages, and the same content. Another version of one is other content.
func TestDependencyUpdateOfHelmIsNoDrift(t *testing.T) {
	helm := helmtest.Binary(t)
	s := shop(t)
	dependencies := redisFrom(s.URL+"/stable", "~1.2") + "  - name: near\n    version: '>=0.1'\n    repository: file://../shared/near\n"
	p := write(t, dependencies, map[string]string{
		"shared/near/Chart.yaml":       "apiVersion: v2\nname: near\nversion: 0.3.0\n",
		"shared/near/values.yaml":      "x: 1\n",
		"shared/near/templates/a.yaml": "a: {}\n",
	})
	p.put(t, "ext/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"+dependencies)
	home := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), helm, args...)
		command.Dir = p.dir
		command.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	read := func() (content, packed string) {
		t.Helper()
		e, err := extension.Load(p.dir, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		pkg, err := e.Pack(nil)
		if err != nil {
			t.Fatal(err)
		}
		return e.ContentDigest(), pkg.Digest
	}
	run("repo", "add", "shop", s.URL+"/stable")
	run("dependency", "update")
	content, packed := read()
	time.Sleep(1100 * time.Millisecond) // tar counts seconds
	for _, again := range []string{"update", "build"} {
		run("dependency", again)
		againContent, againPacked := read()
		if againContent != content {
			t.Errorf("after helm dependency %s the content is %s, and was %s", again, againContent, content)
		}
		if againPacked == packed {
			t.Errorf("helm dependency %s has changed no byte: this test shows nothing", again)
		}
	}
	p.put(t, "shared/near/values.yaml", "x: 2\n")
	run("dependency", "update")
	if other, _ := read(); other == content {
		t.Error("another file in a dependency is the same content")
	}
}
