package marketplace

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// stockHelm runs a real helm with a home of its own.
type stockHelm struct {
	t      *testing.T
	binary string
	home   string
}

func newStockHelm(t *testing.T) *stockHelm {
	t.Helper()
	return &stockHelm{t: t, binary: helmtest.Binary(t), home: t.TempDir()}
}

func (h *stockHelm) run(args ...string) string {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), h.binary, args...)
	cmd.Dir = h.home
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+h.home+"/cache", "HELM_CONFIG_HOME="+h.home+"/config", "HELM_DATA_HOME="+h.home+"/data", "KUBECONFIG="+h.home+"/none")
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// columns are the first n columns of each line below the head of a table.
func columns(table string, n int) []string {
	var rows []string
	for line := range strings.Lines(table) {
		if cells := strings.Fields(line); len(cells) >= n && cells[0] != "NAME" {
			rows = append(rows, strings.Join(cells[:n], " "))
		}
	}
	return rows
}

func TestStockHelm(t *testing.T) {
	helm := newStockHelm(t)
	c := serve(t, open(t, t.TempDir(), Options{}))
	c.release("alc", "1.0.0")
	c.release("alc", "1.1.0-rc.1")
	c.release("web-ui", "0.2.0", "values.yaml", "replicas: 7\n")
	c.draft("web-ui", "0.3.0")

	helm.run("repo", "add", "local", c.base)
	got := columns(helm.run("search", "repo", "local", "--versions", "--devel"), 2)
	want := []string{"local/alc 1.1.0-rc.1", "local/alc 1.0.0", "local/web-ui 0.2.0"}
	if !slices.Equal(got, want) {
		t.Errorf("helm search repo = %q, want %q", got, want)
	}
	helm.run("pull", "local/web-ui", "--version", "0.2.0")
	archive := filepath.Join(helm.home, "web-ui-0.2.0.tgz")
	if got, err := os.ReadFile(archive); err != nil || !slices.Equal(got, packed("web-ui", "0.2.0", "values.yaml", "replicas: 7\n")) {
		t.Errorf("what was pulled is not what was pushed (%v)", err)
	}
	if got := helm.run("template", "mine", archive); !strings.Contains(got, "name: mine") || !strings.Contains(got, `replicas: "7"`) {
		t.Errorf("helm template = %s", got)
	}
	if got := helm.run("lint", archive); !strings.Contains(got, "1 chart(s) linted, 0 chart(s) failed") {
		t.Errorf("helm lint = %s", got)
	}

	// A submission later, helm sees it after an update, which asks with the tag it has.
	c.release("alc", "2.0.0")
	helm.run("repo", "update", "local")
	if got := columns(helm.run("search", "repo", "local/alc"), 2); !slices.Equal(got, []string{"local/alc 2.0.0"}) {
		t.Errorf("helm search repo after update = %q", got)
	}
}

// The real packages, by way of a stock helm.
func TestStockHelmWithRealPackages(t *testing.T) {
	soak.Long(t)
	archives := testshared.Corpus(t)
	helm := newStockHelm(t)
	c := serve(t, open(t, t.TempDir(), Options{}))
	for _, archive := range archives {
		data, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(archive), ".tgz")
		name := base[:strings.LastIndex(base, "-")]
		var answer struct{ Snapshot wireSnapshot }
		c.want(200, c.push(name, data)).decode(t, &answer)
		c.want(200, c.step(answer.Snapshot.ID, "submit"))
	}
	helm.run("repo", "add", "local", c.base)
	rows := columns(helm.run("search", "repo", "local", "--versions", "--devel"), 2)
	if len(rows) != len(archives) {
		t.Errorf("helm search repo = %q", rows)
	}
	for _, row := range rows {
		chart, version, _ := strings.Cut(row, " ")
		helm.run("pull", chart, "--version", version)
		pulled := filepath.Join(helm.home, filepath.Base(chart)+"-"+version+".tgz")
		if got := helm.run("template", "mine", pulled); !strings.Contains(got, "kind: ") {
			t.Errorf("helm template %s renders nothing", chart)
		}
	}
}
