package weight

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// packedWith is a packed chart of files, as helm package makes it.
func packedWith(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		err := tw.WriteHeader(&tar.Header{Name: name + "/" + file, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[file]))})
		if _, other := io.WriteString(tw, files[file]); errors.Join(err, other) != nil {
			t.Fatal(err, other)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// A packed subchart is looked into: what takes most of it is named, and what nobody
// reads can be left out once it is unpacked. What is promised of that comes true.
func TestPackedSubcharts(t *testing.T) {
	redis := map[string]string{
		"Chart.yaml": strings.Replace(subset, "app", "redis", 1), "values.yaml": "a: 1\n", "LICENSE": noise("license", 3000),
		"templates/x.yaml":    `{{ .Files.Get "dashboards/one.json" }}{{ tpl (.Files.Get "run.tpl") . }}`,
		"run.tpl":             `{{ (.Files.Glob "more/*").AsConfig }}`,
		"more/two.json":       noise64("two", 4000),
		"dashboards/one.json": noise64("one", 9000),
		"docs/manual.pdf":     noise("manual", 20_000), "docs/small.txt": noise("small", 2000), "README.md": noise("readme", 5000),
	}
	app := map[string]string{"Chart.yaml": subset, "templates/y.yaml": "# " + noise64("y", 2000), "ci/values.bin": noise("ci", 6000)}
	tree := map[string]string{
		"charts/redis-1.0.0.tgz":               packedWith(t, "redis", redis),
		"charts/web/Chart.yaml":                strings.Replace(subset, "app", "web", 1),
		"charts/web/charts/app-1.0.0.tgz":      packedWith(t, "app", app),
		"charts/web/charts/_none/charts/x.tgz": packedWith(t, "x", app), // in no chart
	}
	const dependencies = "dependencies: [{name: redis}, {name: web}]\n"
	e := load(t, dependencies, tree)
	report := weigh(t, e, addresses(e))
	checkReport(t, e, report)
	inside := map[string][]string{}
	for _, c := range report.Contributors {
		var sum int64
		for _, within := range c.Inside {
			inside[c.File] = append(inside[c.File], within.File)
			sum += within.Compressed
		}
		if sum > c.Compressed {
			t.Errorf("%s accounts for %d bytes, what is in it for %d", c.File, c.Compressed, sum)
		}
	}
	if want := []string{"docs/manual.pdf", "dashboards/one.json", "README.md"}; !slices.Equal(inside["charts/redis-1.0.0.tgz"], want) {
		t.Errorf("in redis the largest are %q, want %q", inside["charts/redis-1.0.0.tgz"], want)
	}
	if want := []string{"ci/values.bin", "templates/y.yaml"}; !slices.Equal(inside["charts/web/charts/app-1.0.0.tgz"], want) {
		t.Errorf("in app the largest are %q, want %q", inside["charts/web/charts/app-1.0.0.tgz"], want)
	}
	want := []string{
		"unpack charts/redis-1.0.0.tgz to charts/redis/ and leave charts/redis/README.md and charts/redis/docs/ (2 files) out with .helmignore: no template reads them, and KubeSphere does not show them",
		"leave charts/web/charts/_none/ (1 file) out with .helmignore: no template reads it, and KubeSphere does not show it",
		"unpack charts/web/charts/app-1.0.0.tgz to charts/web/charts/app/ and leave charts/web/charts/app/ci/ (1 file) out with .helmignore: no template reads it, and KubeSphere does not show it",
	}
	if got := advised(report); !slices.Equal(got, want) {
		t.Errorf("advised:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	followed := map[string]string{"charts/web/Chart.yaml": tree["charts/web/Chart.yaml"]}
	for folder, files := range map[string]map[string]string{"charts/redis/": redis, "charts/web/charts/app/": app} {
		for name, content := range files {
			if !strings.HasPrefix(name, "docs/") && !strings.HasPrefix(name, "ci/") && name != "README.md" {
				followed[folder+name] = content
			}
		}
	}
	after := load(t, dependencies, followed)
	if got := weigh(t, after, addresses(after)); got.Size < report.Advised-40 || got.Size > report.Advised+40 { // the content digest in Chart.yaml is another
		t.Errorf("%d bytes were promised, it has %d", report.Advised, got.Size)
	}
}

// What is packed and cannot be read is named as it is, and nothing is advised
// for it: lint says what is wrong.
func TestPackedSubchartsThatAreNone(t *testing.T) {
	e := load(t, "", map[string]string{"charts/broken-1.0.0.tgz": noise("broken", 5000), "charts/twice/Chart.yaml": subset,
		"charts/twice-1.0.0.tgz": packedWith(t, "twice", map[string]string{"Chart.yaml": subset, "docs/x": noise("x", 9000)})})
	report := weigh(t, e, addresses(e))
	for _, c := range report.Contributors {
		if len(c.Inside) > 0 {
			t.Errorf("%s has %v in it", c.File, c.Inside)
		}
	}
	if len(report.Advice) > 0 {
		t.Errorf("advised: %q", advised(report))
	}
}
