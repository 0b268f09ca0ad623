package compare

import (
	"encoding/json"
	"errors"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/tarball"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// mustLoad loads an extension that has to load.
func mustLoad(t testing.TB, path string) *extension.Extension {
	t.Helper()
	e, err := extension.Load(path, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fetchOf gives the assets of an extension by the names that they are uploaded under.
func fetchOf(e *extension.Extension) Fetch {
	return func(address string) ([]byte, error) {
		for _, a := range e.Assets {
			if strings.HasSuffix(address, a.RemoteName) {
				return a.Data, nil
			}
		}
		return nil, io.EOF
	}
}

func wantSummary(t *testing.T, want string, local, other *extension.Extension, fetch Fetch) {
	t.Helper()
	found, err := Compare(local, other, fetch)
	if err != nil || found.Summary() != want {
		t.Errorf("found %q (%v), want %q", found.Summary(), err, want)
	}
}

// corpusAssets fetches what ksbuilder uploaded: the files of the local tree by
// their base name.
func corpusAssets(e *extension.Extension) func(string) ([]byte, error) {
	return func(url string) ([]byte, error) {
		for _, a := range e.Assets {
			if path.Base(a.File) == path.Base(url) {
				return a.Data, nil
			}
		}
		return nil, errors.New("no such asset")
	}
}

// A version that ksbuilder pushed is the same as the tree it was pushed from.
func TestCompareWithWhatKsbuilderPushed(t *testing.T) {
	soak.Long(t)
	for _, archive := range testshared.Corpus(t) {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			local := mustLoad(t, trees.Unpack(t, archive, false))
			published, err := extension.Read("published", trees.Pushed(t, archive), extension.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			wantSummary(t, "", local, published, corpusAssets(local))
		})
	}
}

// Each change to the tree that matters is reported, and by its name.
func TestCompareNamesWhatDiffers(t *testing.T) {
	soak.Long(t)
	archive := testshared.Path(t, "corpus/opensearch-2.11.1.tgz")
	published, err := extension.Read("published", trees.Pushed(t, archive), extension.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	original := mustLoad(t, trees.Unpack(t, archive, false))
	metadata := string(trees.ReadFile(t, filepath.Join(trees.Unpack(t, archive, false), extension.MetadataFile)))
	readme := string(trees.ReadFile(t, filepath.Join(trees.Unpack(t, archive, false), "README.md")))
	tests := []struct {
		name, file, content string
		want                string
	}{
		{"template", "charts/opensearch-curator/templates/configmap.yaml", "# other\n", "charts/opensearch-curator/templates/configmap.yaml differs"},
		{"new file", "NOTES.md", "x", "NOTES.md is new"},
		{"values", "values.yaml", "a: 1\n", "values.yaml differs"},
		{"subchart metadata", "charts/opensearch-curator/Chart.yaml", "apiVersion: v2\nname: opensearch-curator\nversion: 9.9.9\n", "charts/opensearch-curator/Chart.yaml differs"},
		{"icon", "static/opensearch.svg", "<svg/>", "static/opensearch.svg: icon differs"},
		{"line ends", "README.md", strings.ReplaceAll(readme, "\n", "\r\n"), "README.md differs in line ends only"},
		{"field", extension.MetadataFile, strings.Replace(metadata, "busybox:1.35.0", "busybox:1.36.0", 1), "extension.yaml: images differs"},
		{"comment", extension.MetadataFile, "# a comment\nunheard: of\n" + metadata, ""},
		{"never packed", "charts/opensearch-curator/.gitignore", "x", ""},
		{"static", "static/other.png", "x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := trees.Unpack(t, archive, false)
			trees.WriteFile(t, dir, tt.file, tt.content)
			local := mustLoad(t, dir)
			wantSummary(t, tt.want, local, published, corpusAssets(original))
		})
	}
}

func TestCompareKnowsFetchErrors(t *testing.T) {
	archive := testshared.Path(t, "corpus/vector-1.0.4.tgz")
	local := mustLoad(t, trees.Unpack(t, archive, false))
	published, err := extension.Read("published", trees.Pushed(t, archive), extension.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Compare(local, published, func(string) ([]byte, error) { return nil, errors.New("503 Service Unavailable") })
	if err == nil || !strings.HasPrefix(err.Error(), "comparing ") || !strings.HasSuffix(err.Error(), " with its published version: 503 Service Unavailable") {
		t.Errorf("the error is %v", err)
	}
}

// published is what a tool makes of a tree: the given extension.yaml next to the
// same other files.
func publishedFrom(t *testing.T, files map[string]string, metadata string) *extension.Extension {
	t.Helper()
	packed := []extension.File{{Name: extension.ChartFile, Data: []byte("apiVersion: v2\nname: demo\nversion: 1.0.0\n")}, {Name: extension.MetadataFile, Data: []byte(metadata)}}
	for name, content := range files {
		if name != extension.MetadataFile {
			packed = append(packed, extension.File{Name: name, Data: []byte(content)})
		}
	}
	data, err := tarball.First("demo", packed)
	if err != nil {
		t.Fatal(err)
	}
	e, err := extension.Read("published", data, extension.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCompareComparesAssets(t *testing.T) {
	const head = "apiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0\n"
	files := map[string]string{
		"static/a.png": "A", "static/b.png": "B", "icon.svg": "<svg/>",
		extension.MetadataFile: head + "icon: icon.svg\nscreenshots:\n- static/a.png\n- https://x.example/r.png\n- ./static/b.png\n",
	}
	served := map[string]string{"https://f/icon.svg": "<svg/>", "https://f/a.png": "A", "https://f/b.png": "B", "https://f/c.png": "C"}
	fetch := func(url string) ([]byte, error) {
		if data, ok := served[url]; ok {
			return []byte(data), nil
		}
		return nil, errors.New("404 Not Found: " + url)
	}
	tests := []struct {
		name, published, want string
	}{
		{"in order", "icon: https://f/icon.svg\nscreenshots: [https://f/a.png, https://x.example/r.png, https://f/b.png]\n", ""},
		{"in ksbuilder's order", "icon: https://f/icon.svg\nscreenshots: [https://x.example/r.png, https://f/a.png, https://f/b.png]\n", ""},
		{"embedded icon", "icon: data:image/svg+xml;base64,PHN2Zy8+\nscreenshots: [https://x.example/r.png, https://f/a.png, https://f/b.png]\n", ""},
		{"local form", "icon: icon.svg\nscreenshots: [static/a.png, https://x.example/r.png, static/b.png]\n", ""},
		{"another remote one", "icon: https://f/icon.svg\nscreenshots: [https://f/a.png, https://x.example/other.png, https://f/b.png]\n", "extension.yaml: screenshots differs"},
		{"another picture", "icon: https://f/icon.svg\nscreenshots: [https://f/a.png, https://x.example/r.png, https://f/c.png]\n", "static/b.png: screenshots differs"},
		{"one less", "icon: https://f/icon.svg\nscreenshots: [https://f/a.png]\n", "extension.yaml: screenshots differs"},
		{"another icon", "icon: https://f/a.png\nscreenshots: [https://f/a.png, https://x.example/r.png, https://f/b.png]\n", "icon.svg: icon differs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			local := mustLoad(t, trees.Write(t, files))
			wantSummary(t, tt.want, local, publishedFrom(t, files, head+tt.published), fetch)
		})
	}
}

// ksbuilder unpacks subcharts that the tree has as archives.
func TestCompareThroughNestedArchives(t *testing.T) {
	sub := []extension.File{
		{Name: extension.ChartFile, Data: []byte("# comment\nname: sub\napiVersion: v2\nversion: 0.1.0\n")},
		{Name: "templates/x.yaml", Data: []byte("a: b\n")},
	}
	nested, err := tarball.First("sub", sub)
	if err != nil {
		t.Fatal(err)
	}
	const metadata = "apiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0\nicon: https://x/i.svg\ndependencies:\n- name: sub\n"
	local := mustLoad(t, trees.Write(t, map[string]string{extension.MetadataFile: metadata, "charts/sub-0.1.0.tgz": string(nested)}))
	published := publishedFrom(t, map[string]string{
		"charts/sub/Chart.yaml":       "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"charts/sub/templates/x.yaml": "a: b\n",
	}, metadata)
	wantSummary(t, "", local, published, nil)
	other := publishedFrom(t, map[string]string{
		"charts/sub/Chart.yaml":       "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"charts/sub/templates/x.yaml": "a: c\n",
	}, metadata)
	wantSummary(t, "charts/sub-0.1.0.tgz!/templates/x.yaml differs", local, other, nil)
}

func TestSummaryNamesThree(t *testing.T) {
	const metadata = "name: demo\nversion: 1.0.0\nicon: https://x/i.svg\n"
	files := map[string]string{extension.MetadataFile: metadata, "a": "1", "b": "1", "c": "1", "d": "1", "e": "1"}
	changed := map[string]string{"a": "2", "b": "2", "c": "2", "d": "2", "f": "1"}
	local, other := mustLoad(t, trees.Write(t, files)), publishedFrom(t, changed, metadata)
	wantSummary(t, "a differs, b differs, c differs, and 3 more", local, other, nil)
	found, err := Compare(local, other, nil)
	if err != nil || len(found) != 6 || found[4] != (Difference{"e", Added, ""}) || found[5] != (Difference{"f", Removed, ""}) {
		t.Errorf("found %v (%v), want all six", found, err)
	}
}

// The annotation is a claim that anybody can copy: all is compared.
func TestCompareDoesNotTrustTheAnnotation(t *testing.T) {
	local := mustLoad(t, trees.Write(t, map[string]string{
		extension.MetadataFile: "name: demo\nversion: 1.0.0\nicon: i.svg\n", "i.svg": "<svg/>",
	}))
	p, err := local.Pack(extension.URLs{"i.svg": "https://f/i.svg"})
	if err != nil {
		t.Fatal(err)
	}
	published, err := extension.Read(p.Filename, p.Data, extension.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(string) ([]byte, error) { return []byte("<svg/>"), nil }
	wantSummary(t, "", local, published, fetch)
	fetch = func(string) ([]byte, error) { return []byte("<svg>another</svg>"), nil }
	wantSummary(t, "i.svg: icon differs", local, published, fetch)
}

func TestLineEnds(t *testing.T) {
	const metadata = "name: demo\nversion: 1.0.0\nicon: https://x/i.svg\n"
	unix := map[string]string{extension.MetadataFile: metadata, "values.yaml": "a: 1\nb: 2\n", "bin/x.sh": "x\ny\n"}
	windows := map[string]string{}
	for name, content := range unix {
		windows[name] = strings.ReplaceAll(content, "\n", "\r\n")
	}
	local, other := mustLoad(t, trees.Write(t, windows)), mustLoad(t, trees.Write(t, unix))
	found, err := Content(local, other, nil)
	want := Differences{{"bin/x.sh", LineEnds, ""}, {extension.MetadataFile, LineEnds, ""}, {"values.yaml", LineEnds, ""}}
	if err != nil || !slices.Equal(found, want) || !found.LineEndsOnly() {
		t.Errorf("found %v (%v), want %v", found, err, want)
	}
	// To Helm extension.yaml is the same, and the files are not.
	if found, err = Compare(local, other, nil); err != nil || len(found) != 2 || !found.LineEndsOnly() {
		t.Errorf("found %v (%v)", found, err)
	}
	windows["values.yaml"] = "a: 1\r\nb: 3\r\n"
	if found, err = Content(mustLoad(t, trees.Write(t, windows)), other, nil); err != nil || found.LineEndsOnly() || len(found) != 3 {
		t.Errorf("found %v (%v)", found, err)
	}
	if (Differences{}).LineEndsOnly() {
		t.Error("no difference is one of line ends")
	}
}

// A subchart that is there or is not is one difference, by the place where it lies.
func TestWholeSubcharts(t *testing.T) {
	const metadata = "name: demo\nversion: 1.0.0\nicon: https://x/i.svg\n"
	sub := func(name string) string { return "apiVersion: v2\nname: " + name + "\nversion: 0.1.0\n" }
	packed := trees.Stamped(t, 1, "c", map[string]string{extension.ChartFile: sub("c")})
	local := mustLoad(t, trees.Write(t, map[string]string{extension.MetadataFile: metadata, "charts/a/Chart.yaml": sub("a"), "charts/c-0.1.0.tgz": packed}))
	other := mustLoad(t, trees.Write(t, map[string]string{extension.MetadataFile: metadata, "charts/b/Chart.yaml": sub("b")}))
	wantSummary(t, "charts/a/ is new, charts/b/ is gone, charts/c-0.1.0.tgz is new", local, other, nil)
}

// Where the first format does not decide, the contents do: time stamps are none, and a
// comment is one, as the digest has it.
func TestContent(t *testing.T) {
	soak.Long(t)
	published := func(files map[string]string) *extension.Extension {
		t.Helper()
		e := mustLoad(t, trees.Write(t, files))
		urls := extension.URLs{}
		for _, a := range e.Assets {
			urls[a.File] = "https://files.example/" + a.RemoteName
		}
		p, err := e.Pack(urls)
		if err != nil {
			t.Fatal(err)
		}
		read, err := extension.Read(p.Filename, p.Data, extension.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	local := mustLoad(t, trees.Write(t, trees.Updated(t, 0, nil)))
	with := func(name string, by func(string) string) map[string]string {
		files := trees.Updated(t, 1, nil)
		files[name] = by(files[name])
		return files
	}
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"the same tree":         {trees.Updated(t, 0, nil), ""},
		"updated again":         {trees.Updated(t, 1, nil), ""},
		"a changed file inside": {trees.Updated(t, 1, func(f map[string]string) { f["values.yaml"] = "x: 2\n" }), "charts/redis-1.0.0.tgz!/charts/inner-1.0.0.tgz!/values.yaml differs, charts/sub/charts/inner-1.0.0.tgz!/values.yaml differs"},
		"a new file inside":     {trees.Updated(t, 1, func(f map[string]string) { f["NEW"] = "" }), "charts/redis-1.0.0.tgz!/charts/inner-1.0.0.tgz!/NEW is gone, charts/sub/charts/inner-1.0.0.tgz!/NEW is gone"},
		"another dependency":    {with(extension.LockFile, func(s string) string { return strings.Replace(s, "1.0.0", "1.0.1", 1) }), "Chart.lock differs"},
		"a comment":             {with(extension.MetadataFile, func(s string) string { return s + "# more\n" }), "extension.yaml differs"},
		"a field":               {with(extension.MetadataFile, func(s string) string { return s + "category: x\nother: field\n" }), "extension.yaml: category differs, extension.yaml: other differs"},
		"a comment in a chart":  {with("charts/sub/Chart.yaml", func(s string) string { return s + "# more\n" }), "charts/sub/Chart.yaml differs"},
		"a new file":            {with("NEW", func(string) string { return "x" }), "NEW is gone"},
		"a picture":             {with("static/icon.svg", func(string) string { return "<svg>2</svg>" }), "static/icon.svg: icon differs"},
		"what survives":         {with(extension.ChartFile, func(string) string { return "appVersion: '2'\n" }), "Chart.yaml: appVersion differs"},
	} {
		other := published(test.files)
		found, err := Content(local, other, func(address string) ([]byte, error) {
			for _, e := range []*extension.Extension{local, mustLoad(t, trees.Write(t, test.files))} {
				if data, err := fetchOf(e)(address); err == nil {
					return data, nil
				}
			}
			return nil, io.EOF
		})
		if err != nil || found.Summary() != test.want {
			t.Errorf("%s: %q (%v), want %q", name, found.Summary(), err, test.want)
		}
	}
}

// Every field of the format is compared.
func TestAllFieldsAreCompared(t *testing.T) {
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(extension.SchemaJSON, &schema); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"icon": true, "screenshots": true, "type": true, "appVersion": true}
	for _, field := range metadataFields {
		known[field.name] = true
	}
	for name := range schema.Properties {
		if !known[name] {
			t.Errorf("%s is in the schema and not compared", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("%s is not in the schema", name)
	}
}
