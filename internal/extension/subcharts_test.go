package extension

import (
	"archive/tar"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// subchartPackage is a chart of one file.
func subchartPackage(t testing.TB, name, version string) []byte {
	t.Helper()
	return archiveOf(t, entry{name: name + "/Chart.yaml", content: "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n"})
}

const withDependencies = `apiVersion: kubesphere.io/v1alpha1
name: demo
version: 1.0.0
dependencies:
  - {name: agent, tags: [agent]}
  - {name: redis, version: ^1.0.0, repository: "https://charts.example.com/stable"}
  - {name: nginx, version: 2.0.0, repository: "oci://registry.example.com/charts", alias: web}
`

func TestMissingDependencies(t *testing.T) {
	chartFile := func(name, version string) string { return "name: " + name + "\nversion: " + version + "\n" }
	for name, tt := range map[string]struct {
		files map[string]string
		want  []int
	}{
		"all":                       {nil, []int{1, 2}},
		"a folder":                  {map[string]string{"charts/redis/Chart.yaml": chartFile("redis", "1.2.0")}, []int{2}},
		"a folder of another name":  {map[string]string{"charts/store/Chart.yaml": chartFile("redis", "1.2.0")}, []int{2}},
		"a folder of any version":   {map[string]string{"charts/redis/Chart.yaml": chartFile("redis", "0.1.0")}, []int{2}},
		"a package":                 {map[string]string{"charts/redis-1.2.0.tgz": string(subchartPackage(t, "redis", "1.2.0"))}, []int{2}},
		"a package that is too old": {map[string]string{"charts/redis-0.2.0.tgz": string(subchartPackage(t, "redis", "0.2.0"))}, []int{1, 2}},
		"a package that is none":    {map[string]string{"charts/redis-1.2.0.tgz": "nothing"}, []int{1, 2}},
		"what Helm passes over":     {map[string]string{"charts/_redis/Chart.yaml": chartFile("redis", "1.2.0")}, []int{1, 2}},
		"deeper than Helm looks":    {map[string]string{"charts/a/redis/Chart.yaml": chartFile("redis", "1.2.0")}, []int{1, 2}},
	} {
		files := map[string]string{"extension.yaml": withDependencies}
		for file, text := range tt.files {
			files[file] = text
		}
		if got := mustLoad(t, trees.Write(t, files)).MissingDependencies(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestWithCharts(t *testing.T) {
	e := mustLoad(t, trees.Write(t, map[string]string{"extension.yaml": withDependencies, "values.yaml": "a: b\n", "charts/agent/Chart.yaml": "name: agent\nversion: 0.1.0\napiVersion: v2\n"}))
	before, digest := names(e), e.ContentDigest()
	charts := []Resolved{
		{Dependency: 1, Name: "redis", Version: "1.2.0", Data: subchartPackage(t, "redis", "1.2.0")},
		{Dependency: 2, Name: "nginx", Version: "2.0.0", Data: subchartPackage(t, "nginx", "2.0.0")},
	}
	with, err := e.WithCharts(charts)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names(e), before) || e.ContentDigest() != digest || len(e.Resolved) != 0 {
		t.Error("the extension was changed")
	}
	want := []string{"charts/agent/Chart.yaml", "charts/nginx-2.0.0.tgz", "charts/redis-1.2.0.tgz", "extension.yaml", "values.yaml"}
	if !slices.Equal(names(with), want) || with.ContentDigest() == digest || len(with.MissingDependencies()) != 0 {
		t.Errorf("%q, missing %v", names(with), with.MissingDependencies())
	}
	slices.Reverse(charts)
	other, err := e.WithCharts(charts)
	if err != nil {
		t.Fatal(err)
	}
	one, err := with.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := other.Pack(nil); err != nil || one.Digest != two.Digest {
		t.Errorf("the order of charts is in the package: %v", err)
	}
	loaded := loadChart(t, one.Data)
	if len(loaded.Dependencies()) != 3 {
		t.Errorf("Helm finds %d charts", len(loaded.Dependencies()))
	}
	if same, err := e.WithCharts(nil); err != nil || same != e {
		t.Errorf("%v", err)
	}
}

func TestWithChartsRefuses(t *testing.T) {
	e := mustLoad(t, trees.Write(t, map[string]string{"extension.yaml": withDependencies, "charts/redis-1.2.0.tgz": string(subchartPackage(t, "redis", "1.3.0"))}))
	for name, tt := range map[string]struct {
		chart Resolved
		want  string
	}{
		"a name that leads away": {Resolved{Name: "../../x", Version: "1"}, `the chart "../../x" "1" has a name or version that is none`},
		"a version with a slash": {Resolved{Name: "x", Version: "1/2"}, `the chart "x" "1/2" has a name or version that is none`},
		"other content":          {Resolved{Name: "redis", Version: "1.2.0", Data: []byte("x")}, "two different charts are called charts/redis-1.2.0.tgz: give one of them another version"},
		"too large":              {Resolved{Name: "x", Version: "1", Data: make([]byte, 5<<20+1)}, "Helm loads no file larger than 5.0 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.WithCharts([]Resolved{tt.chart})
			wantError(t, err, "adding the dependencies of ", tt.want)
		})
	}
}

func TestReadChart(t *testing.T) {
	md, err := ReadChart(subchartPackage(t, "redis", "1.2.0"), Limits{})
	if err != nil || md.Name != "redis" || md.Version != "1.2.0" {
		t.Errorf("%+v, %v", md, err)
	}
	for want, archive := range map[string][]byte{
		"it is no gzipped tar archive":  []byte("x"),
		"there is no Chart.yaml in it":  archiveOf(t, entry{name: "redis/values.yaml"}),
		"its Chart.yaml cannot be read": archiveOf(t, entry{name: "redis/Chart.yaml", content: "a: [\n"}),
		"no name or no version":         archiveOf(t, entry{name: "redis/Chart.yaml", content: "name: redis\n"}),
		"is none for a chart":           archiveOf(t, entry{name: "redis/Chart.yaml", content: "name: ../redis\nversion: 1.0.0\n"}),
		"leads out of the package":      archiveOf(t, entry{name: "redis/../../x", content: "x"}),
		"is a symbolic link":            archiveOf(t, entry{name: "redis/Chart.yaml", kind: tar.TypeSymlink}),
	} {
		_, err := ReadChart(archive, Limits{})
		wantError(t, err, want)
	}
}

func TestLock(t *testing.T) {
	tree := map[string]string{"extension.yaml": withDependencies, "charts/agent/Chart.yaml": "name: agent\nversion: 0.1.0\n"}
	e := mustLoad(t, trees.Write(t, tree))
	if lock, err := e.Lock(); lock != nil || err != nil {
		t.Errorf("a lock of nothing: %v, %v", lock, err)
	}
	if text, ok := e.ProposedLock(); ok {
		t.Errorf("a lock without versions:\n%s", text)
	}
	with, err := e.WithCharts([]Resolved{
		{Dependency: 1, Name: "redis", Version: "1.2.0", Data: subchartPackage(t, "redis", "1.2.0")},
		{Dependency: 2, Name: "nginx", Version: "2.0.0", Data: subchartPackage(t, "nginx", "2.0.0")},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, ok := with.ProposedLock()
	if !ok {
		t.Fatal("no lock")
	}
	tree["Chart.lock"] = text
	locked := mustLoad(t, trees.Write(t, tree))
	lock, err := locked.Lock()
	if err != nil || !locked.LockInSync(lock) {
		t.Fatalf("%v\n%s", err, text)
	}
	for i, want := range []string{"", "1.2.0", "2.0.0"} {
		if lock.Dependencies[i].Version != want {
			t.Errorf("%d: %q, want %q", i, lock.Dependencies[i].Version, want)
		}
	}

	// Whatever changes in either list, the lock is for others.
	for name, change := range map[string]func(tree map[string]string){
		"a constraint": func(tree map[string]string) {
			tree["extension.yaml"] = strings.Replace(tree["extension.yaml"], "^1.0.0", "^1.1.0", 1)
		},
		"a tag": func(tree map[string]string) {
			tree["extension.yaml"] = strings.Replace(tree["extension.yaml"], "[agent]", "[extension]", 1)
		},
		"an order": func(tree map[string]string) {
			tree["extension.yaml"] = strings.Replace(strings.Replace(tree["extension.yaml"], "redis", "x", 1), "nginx", "redis", 1)
		},
		"one more": func(tree map[string]string) { tree["extension.yaml"] += "  - {name: more}\n" },
		"a version": func(tree map[string]string) {
			tree["Chart.lock"] = strings.Replace(tree["Chart.lock"], "1.2.0", "1.3.0", 1)
		},
		"a locked place": func(tree map[string]string) {
			tree["Chart.lock"] = strings.Replace(tree["Chart.lock"], "charts.example.com", "evil.example.com", 1)
		},
	} {
		changed := map[string]string{}
		for file, text := range tree {
			changed[file] = text
		}
		change(changed)
		e := mustLoad(t, trees.Write(t, changed))
		if lock, err := e.Lock(); err != nil || e.LockInSync(lock) {
			t.Errorf("%s: %v, in sync", name, err)
		}
	}
}

func TestLockThatIsNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "Chart.lock",
		"digest: [\n":                           "Chart.lock:1:9:",
		"a list\n":                              "Chart.lock:1:1: this is no lock of Helm's: it has a digest and a list of dependencies with name, repository and version",
		"dependencies: []\n":                    "this is no lock of Helm's",
		"dependencies: [~]\ndigest: sha256:0\n": "Chart.lock:1:15: an entry of the lock is empty",
		"digest: x\ndigest: y\n":                "Chart.lock:2:1:",
	} {
		e := mustLoad(t, trees.Write(t, map[string]string{"extension.yaml": withDependencies, "Chart.lock": text}))
		_, err := e.Lock()
		wantError(t, err, want)
	}
}

// The digest is that of Helm: `helm dependency update` of Helm 3.22 wrote this one.
func TestLockDigestIsThatOfHelm(t *testing.T) {
	declared := []*chart.Dependency{{Name: "near", Version: ">=0.1", Repository: "file://../near"}}
	locked := []*chart.Dependency{{Name: "near", Version: "0.3.0", Repository: "file://../near"}}
	if got := LockDigest(declared, locked); got != "sha256:86f27be0a8a85ed3fbfd1f21e69b40ce8a3db295e853e93c2d94f4bdf35a2a9e" {
		t.Error(got)
	}
	var aliased chart.Dependency
	if err := yaml.Unmarshal([]byte(`{name: near, version: ">=0.1", repository: "@mine"}`), &aliased); err != nil {
		t.Fatal(err)
	}
	if got, want := LockDigest([]*chart.Dependency{&aliased}, locked), LockDigest(declared, locked); got != want {
		t.Errorf("an alias: %s, want %s", got, want)
	}
}

func TestPackChartIsTheSameAlways(t *testing.T) {
	tree := map[string]string{"Chart.yaml": "name: redis\nversion: 1.0.0\n", "values.yaml": "a: b\n", "templates/x.yaml": "x: y\n", ".git/config": "x"}
	md, first, err := PackChart(trees.Write(t, tree), Limits{})
	if err != nil || md.Name != "redis" {
		t.Fatal(err)
	}
	_, second, err := PackChart(trees.Write(t, tree), Limits{})
	if err != nil || string(first) != string(second) {
		t.Errorf("two packages of one chart: %v", err)
	}
	_, files, err := unpack.ReadBytes(first, &unpack.Meter{Limits: Limits{}.WithDefaults()})
	if err != nil || len(files) != 3 {
		t.Errorf("%d files, %v", len(files), err)
	}
	_, _, err = PackChart(trees.Write(t, map[string]string{"values.yaml": "a: b\n"}), Limits{})
	wantError(t, err, "there is no Chart.yaml in it")
	_, _, err = PackChart("nowhere", Limits{})
	wantError(t, err, "no such file")
}

// The .helmignore of a chart that is packed on the way must not leave out what makes it.
func TestChartThatItsHelmIgnoreEmpties(t *testing.T) {
	chart := func(ignore string) string {
		return trees.Write(t, map[string]string{
			ChartFile: "apiVersion: v2\nname: near\nversion: 0.3.0\n", "values.yaml": "x: 1\n", "templates/a.yaml": "a: {}\n",
			"templates/NOTES.txt": "hi", "charts/in/Chart.yaml": "apiVersion: v2\nname: in\nversion: 0.3.0\n", "docs/a.md": "x", ".helmignore": ignore,
		})
	}
	for ignore, want := range map[string]string{
		"docs/\nNOTES.txt\n":   "",
		"# a\ntemplates/\n":    `line 2 of its .helmignore, "templates/", leaves out templates/a.yaml, which the chart needs: remove that line`,
		"values.yaml\n":        "leaves out values.yaml",
		"charts\n":             "leaves out charts/in/Chart.yaml",
		"docs/\n/Chart.yaml\n": "leaves out Chart.yaml",
	} {
		_, _, err := PackChart(chart(ignore), Limits{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", ignore, err, want)
		}
	}
}
