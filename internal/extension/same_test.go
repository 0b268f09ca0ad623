package extension

import (
	"errors"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension/tarball"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// corpusAssets fetches what ksbuilder uploaded: the files of the local tree by
// their base name.
func corpusAssets(e *Extension) func(string) ([]byte, error) {
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
func TestSameAsKsbuilderPushed(t *testing.T) {
	soak.Long(t)
	for _, archive := range corpusPackages(t) {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			local := mustLoad(t, unpackTo(t, archive, false))
			published, err := Read("published", pushedPackage(t, archive), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			same, reason, err := Same(local, published, corpusAssets(local))
			if err != nil || !same {
				t.Fatalf("same is %v, because %q (%v)", same, reason, err)
			}
		})
	}
}

// Each change to the tree that matters is reported, and by its name.
func TestSameTellsWhatDiffers(t *testing.T) {
	soak.Long(t)
	archive := testshared.Path(t, "corpus/opensearch-2.11.1.tgz")
	published, err := Read("published", pushedPackage(t, archive), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	original := mustLoad(t, unpackTo(t, archive, false))
	metadata := string(readFile(t, filepath.Join(unpackTo(t, archive, false), MetadataFile)))
	tests := []struct {
		name, file, content string
		want                string
	}{
		{"template", "charts/opensearch-curator/templates/configmap.yaml", "# other\n", "charts/opensearch-curator/templates/configmap.yaml differs"},
		{"new file", "NOTES.md", "x", "NOTES.md is not in the published version"},
		{"values", "values.yaml", "a: 1\n", "values.yaml differs"},
		{"subchart metadata", "charts/opensearch-curator/Chart.yaml", "apiVersion: v2\nname: opensearch-curator\nversion: 9.9.9\n", "charts/opensearch-curator/Chart.yaml differs"},
		{"icon", "static/opensearch.svg", "<svg/>", "extension.yaml: icon differs"},
		{"field", MetadataFile, strings.Replace(metadata, "busybox:1.35.0", "busybox:1.36.0", 1), "extension.yaml: images differs"},
		{"comment", MetadataFile, "# a comment\nunheard: of\n" + metadata, ""},
		{"never packed", "charts/opensearch-curator/.gitignore", "x", ""},
		{"static", "static/other.png", "x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := unpackTo(t, archive, false)
			writeFile(t, dir, tt.file, tt.content)
			local := mustLoad(t, dir)
			same, reason, err := Same(local, published, corpusAssets(original))
			if err != nil {
				t.Fatal(err)
			}
			if reason != tt.want || same != (tt.want == "") {
				t.Errorf("same is %v because %q, want %q", same, reason, tt.want)
			}
		})
	}
}

func TestSameKnowsFetchErrors(t *testing.T) {
	archive := testshared.Path(t, "corpus/vector-1.0.4.tgz")
	local := mustLoad(t, unpackTo(t, archive, false))
	published, err := Read("published", pushedPackage(t, archive), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Same(local, published, func(string) ([]byte, error) { return nil, errors.New("503 Service Unavailable") })
	wantError(t, err, "comparing", "with its published version", "503 Service Unavailable")
}

// published is what a tool makes of a tree: the given extension.yaml next to the
// same other files.
func publishedFrom(t *testing.T, files map[string]string, metadata string) *Extension {
	t.Helper()
	packed := []File{{Name: ChartFile, Data: []byte("apiVersion: v2\nname: demo\nversion: 1.0.0\n")}, {Name: MetadataFile, Data: []byte(metadata)}}
	for name, content := range files {
		if name != MetadataFile {
			packed = append(packed, File{Name: name, Data: []byte(content)})
		}
	}
	data, err := tarball.Make("demo", packed)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Read("published", data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSameComparesAssets(t *testing.T) {
	const head = "apiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0\n"
	files := map[string]string{
		"static/a.png": "A", "static/b.png": "B", "icon.svg": "<svg/>",
		MetadataFile: head + "icon: icon.svg\nscreenshots:\n- static/a.png\n- https://x.example/r.png\n- ./static/b.png\n",
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
		{"another picture", "icon: https://f/icon.svg\nscreenshots: [https://f/a.png, https://x.example/r.png, https://f/c.png]\n", "extension.yaml: screenshots differs"},
		{"one less", "icon: https://f/icon.svg\nscreenshots: [https://f/a.png]\n", "extension.yaml: screenshots differs"},
		{"another icon", "icon: https://f/a.png\nscreenshots: [https://f/a.png, https://x.example/r.png, https://f/b.png]\n", "extension.yaml: icon differs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			local := mustLoad(t, writeTree(t, files))
			same, reason, err := Same(local, publishedFrom(t, files, head+tt.published), fetch)
			if err != nil {
				t.Fatal(err)
			}
			if reason != tt.want || same != (tt.want == "") {
				t.Errorf("same is %v because %q, want %q", same, reason, tt.want)
			}
		})
	}
}

// ksbuilder unpacks subcharts that the tree has as archives.
func TestSameThroughNestedArchives(t *testing.T) {
	sub := []File{
		{Name: ChartFile, Data: []byte("# comment\nname: sub\napiVersion: v2\nversion: 0.1.0\n")},
		{Name: "templates/x.yaml", Data: []byte("a: b\n")},
	}
	nested, err := tarball.Make("sub", sub)
	if err != nil {
		t.Fatal(err)
	}
	const metadata = "apiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0\nicon: https://x/i.svg\ndependencies:\n- name: sub\n"
	local := mustLoad(t, writeTree(t, map[string]string{MetadataFile: metadata, "charts/sub-0.1.0.tgz": string(nested)}))
	published := publishedFrom(t, map[string]string{
		"charts/sub/Chart.yaml":       "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"charts/sub/templates/x.yaml": "a: b\n",
	}, metadata)
	if same, reason, err := Same(local, published, nil); err != nil || !same {
		t.Errorf("same is %v, because %q (%v)", same, reason, err)
	}
	other := publishedFrom(t, map[string]string{
		"charts/sub/Chart.yaml":       "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"charts/sub/templates/x.yaml": "a: c\n",
	}, metadata)
	if same, reason, err := Same(local, other, nil); err != nil || same || reason != "charts/sub/templates/x.yaml differs" {
		t.Errorf("same is %v, because %q (%v)", same, reason, err)
	}
}

func TestSameNamesAtMostThree(t *testing.T) {
	const metadata = "name: demo\nversion: 1.0.0\nicon: https://x/i.svg\n"
	files := map[string]string{MetadataFile: metadata, "a": "1", "b": "1", "c": "1", "d": "1", "e": "1"}
	changed := map[string]string{"a": "2", "b": "2", "c": "2", "d": "2", "f": "1"}
	_, reason, err := Same(mustLoad(t, writeTree(t, files)), publishedFrom(t, changed, metadata), nil)
	if want := "a differs, b differs, c differs, and 3 more"; err != nil || reason != want {
		t.Errorf("reason is %q (%v), want %q", reason, err, want)
	}
}

// recorded is the content digest in the Chart.yaml of a package.
func recorded(t *testing.T, e *Extension) string {
	t.Helper()
	md, err := e.FoundChart()
	if err != nil {
		t.Fatal(err)
	}
	if md == nil {
		return ""
	}
	return md.Annotations[ContentDigestAnnotation]
}

// The annotation is a claim that anybody can copy: all is compared.
func TestSameDoesNotTrustTheAnnotation(t *testing.T) {
	local := mustLoad(t, writeTree(t, map[string]string{
		MetadataFile: "name: demo\nversion: 1.0.0\nicon: i.svg\n", "i.svg": "<svg/>",
	}))
	p, err := local.Pack(URLs{"i.svg": "https://f/i.svg"})
	if err != nil {
		t.Fatal(err)
	}
	published, err := Read(p.Filename, p.Data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if recorded(t, published) != local.ContentDigest() {
		t.Errorf("the package records %q, want %q", recorded(t, published), local.ContentDigest())
	}
	fetch := func(string) ([]byte, error) { return []byte("<svg/>"), nil }
	if same, reason, err := Same(local, published, fetch); err != nil || !same {
		t.Errorf("same is %v, because %q (%v)", same, reason, err)
	}
	fetch = func(string) ([]byte, error) { return []byte("<svg>another</svg>"), nil }
	if same, reason, err := Same(local, published, fetch); err != nil || same || !strings.Contains(reason, "icon differs") {
		t.Errorf("same is %v, because %q (%v)", same, reason, err)
	}
}
