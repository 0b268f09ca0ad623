package extension

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/gzip"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/testutil/nobody"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

func demo(t testing.TB) *Extension { return mustLoad(t, trees.Write(t, trees.Demo())) }

// packedContents are the files of a package by their full name in the archive.
func packedContents(t testing.TB, data []byte) map[string]string {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = string(content)
	}
}

func TestPackPushedForm(t *testing.T) {
	e := demo(t)
	p, err := e.Pack(testURLs(e))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "demo" || p.Version != "1.0.0" || p.Filename != "demo-1.0.0.tgz" || p.Size != int64(len(p.Data)) || p.ContentDigest != e.ContentDigest() || !strings.HasPrefix(p.Digest, "sha256:") {
		t.Errorf("the package is %+v", Package{Name: p.Name, Version: p.Version, Filename: p.Filename, Digest: p.Digest, Size: p.Size, ContentDigest: p.ContentDigest})
	}
	got := packedContents(t, p.Data)
	base := "https://files.example/usr-1/demo/1.0.0/"
	want := trees.Demo()
	metadata := want[MetadataFile]
	for old, url := range map[string]string{
		`"./static/icon.svg"`:    `"` + base + e.Assets[0].RemoteName + `"`,
		"[static/one/shot.png":   "[" + base + e.Assets[1].RemoteName,
		" static/two/shot.png":   " " + base + e.Assets[2].RemoteName,
		" ./static/one/shot.png": " " + base + e.Assets[1].RemoteName,
	} {
		metadata = strings.Replace(metadata, old, url, 1)
	}
	want[MetadataFile] = metadata
	files := want
	want = map[string]string{}
	for name, content := range files {
		if !strings.HasPrefix(name, "static/") {
			want["demo/"+name] = content
		}
	}
	want["demo/Chart.yaml"] = `annotations:
  a: b
  flag: "true"
  ksrelease.dev/content-digest: ` + e.ContentDigest() + `
apiVersion: v2
dependencies:
- condition: sub.enabled
  name: sub
  repository: ""
  tags:
  - extension
description: A demo
home: https://demo.example
icon: ` + base + `` + e.Assets[0].RemoteName + `
keywords:
- a
- b
kubeVersion: '>=1.19.0-0'
maintainers:
- email: jo@demo.example
  name: Jo
  url: https://jo.example
name: demo
sources:
- https://git.example
version: 1.0.0
`
	for name := range got {
		if strings.HasPrefix(name, "demo/static/") {
			t.Errorf("%s is in the package, in spite of staticFileDirectory", name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPackLocalForm(t *testing.T) {
	e := demo(t)
	p, err := e.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	got := packedContents(t, p.Data)
	for name, content := range trees.Demo() {
		if got["demo/"+name] != content {
			t.Errorf("%s is %q, want %q", name, got["demo/"+name], content)
		}
	}
	if !strings.Contains(got["demo/Chart.yaml"], "\nicon: data:image/svg+xml;base64,PHN2Zy8+\n") {
		t.Errorf("Chart.yaml is\n%s\nwant the icon embedded", got["demo/Chart.yaml"])
	}
}

// Only what is declared static is left out, and only below the extension.
func TestStaticDirectory(t *testing.T) {
	for dir, want := range map[string]string{"static": "static", "./static/": "static", "/static": "static", "a/../static": "static", "": "", ".": "", "..": "", "../x": "", "/": "", "a/..": ""} {
		e := &Extension{Metadata: Metadata{StaticFileDirectory: dir}}
		got, ok := e.staticDirectory()
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q (%v), want %q", dir, got, ok, want)
		}
	}
	files := trees.Demo()
	files[MetadataFile] = strings.Replace(files[MetadataFile], "staticFileDirectory: ./static/", "staticFileDirectory: ..", 1)
	e := mustLoad(t, trees.Write(t, files))
	wantError(t, e.AssetProblems, `staticFileDirectory ".." is no folder of the extension`, "name the folder with the assets")
	p, err := e.Pack(testURLs(e))
	if err != nil {
		t.Fatal(err)
	}
	if got := packedContents(t, p.Data); len(got) != len(files)+1 {
		t.Errorf("%d files are packed, want all %d", len(got), len(files)+1)
	}
}

func TestPackErrors(t *testing.T) {
	tests := []struct {
		name, metadata string
		urls           URLs
		want           []string
	}{
		{"no address", "name: demo\nversion: 1.0.0\nicon: i.svg\n", URLs{}, []string{"packing apps/demo: there is no address for i.svg: it has to be uploaded first"}},
		{"no name", "version: 1.0.0\n", nil, []string{"packing apps/demo: apps/demo/extension.yaml:", "the name is empty"}},
		{"a name that leads elsewhere", "name: ../x\nversion: 1.0.0\n", nil, []string{"extension.yaml:1:7", "not a DNS-1123 subdomain"}},
		{"no version", "name: demo\n", nil, []string{"the version is empty"}},
		{"unquoted version", "name: demo\nversion: 1.10\n", nil, []string{"extension.yaml:2:10", "the version 1.10 is not text", `put it in quotes: "1.10.0"`}},
		{"build metadata", "name: demo\nversion: 1.0.0+1\n", nil, []string{"KubeSphere drops such a version silently", `write "1.0.0"`}},
		{"a shared icon", "name: demo\nversion: 1.0.0\nicon: &i i.svg\nlogo: *i\n", URLs{"i.svg": "https://f/i.svg"}, []string{"icon cannot be replaced in place", "without anchor or alias"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Load(trees.Write(t, map[string]string{MetadataFile: tt.metadata, "i.svg": "<svg/>"}), Options{Display: "apps/demo"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.Pack(tt.urls)
			wantError(t, err, tt.want...)
		})
	}
}

// The very bytes: whoever changes the packing or the compressor sees it here,
// and that all packages get other digests with it (not other content digests).
func TestPackedBytesStay(t *testing.T) {
	e := demo(t)
	p, err := e.Pack(URLs{"static/icon.svg": "https://f/i", "static/one/shot.png": "https://f/1", "static/two/shot.png": "https://f/2"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "sha256:dbe89f28d8b37f42e8b9d9defe69050768dc76bea43bdef4d786a76f0674f6fd"; p.Digest != want {
		t.Errorf("the package is %s, want %s", p.Digest, want)
	}
	if want := "v2:sha256:6b1535686eba98cf39cec0b4cb504f6ce7b83b832cf5378652587e262b2d719e"; p.ContentDigest != want {
		t.Errorf("the content is %s, want %s: with another digest, all that is published looks like drift", p.ContentDigest, want)
	}
	if want := "sha256:26e573693f1365a4376ecfb01099184229f3e81bf9f6d4fb0dabaaa747141917"; e.CompareDigest(want) != DigestSame {
		t.Errorf("the digest that earlier versions of ksrelease published is not known any more: %s, now %s", want, e.firstDigest())
	}
}

// The whole head of a package and of each entry in it: nothing in them is of the machine,
// the user or the moment. It is tried as a user who is not root, too, whose id is not the
// zero that has to stand there.
func TestHeaders(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		files := trees.Demo()
		files["files/"+strings.Repeat("long/", 30)+"name"] = "prefix of USTAR"
		files["files/"+strings.Repeat("x", 120)] = "PAX"
		files["files/文件.txt"] = "PAX"
		dir := trees.Write(t, files)
		for name := range files {
			if err := os.Chmod(filepath.Join(dir, filepath.FromSlash(name)), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		e := mustLoad(t, dir)
		for form, urls := range map[string]URLs{"local": nil, "pushed": testURLs(e)} {
			p, err := e.Pack(urls)
			if err != nil {
				t.Fatal(err)
			}
			checkHeaders(t, form, p.Data)
		}
		chart := trees.Write(t, map[string]string{ChartFile: "apiVersion: v2\nname: near\nversion: 0.3.0\n", "values.yaml": "x: 1\n"})
		_, packed, err := PackChart(chart, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		checkHeaders(t, "a dependency", packed)
	})
}

func checkHeaders(t *testing.T, form string, data []byte) {
	t.Helper()
	// Every byte of the head: no flags, no time, an unknown system.
	if want := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}; !bytes.Equal(data[:len(want)], want) {
		t.Errorf("%s: the head of gzip is % x, want % x", form, data[:len(want)], want)
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	zr.Multistream(false)
	var raw bytes.Buffer
	tr := tar.NewReader(io.TeeReader(zr, &raw))
	last, seen := "", map[string]bool{}
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		want := &tar.Header{Typeflag: tar.TypeReg, Name: h.Name, Size: h.Size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if path, ok := h.PAXRecords["path"]; ok {
			want.Format, want.PAXRecords = tar.FormatPAX, map[string]string{"path": path}
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s: the header of %s (-want +got):\n%s", form, h.Name, diff)
		}
		if seen[h.Name] {
			t.Errorf("%s: %s comes twice", form, h.Name)
		}
		seen[h.Name] = true
		last = h.Name
	}
	if last == "" {
		t.Errorf("%s: the package is empty", form)
	}
	checkRawHeaders(t, form, raw.Bytes())
}

// checkRawHeaders looks at all headers as they are written, those of PAX records among
// them, which archive/tar does not show.
func checkRawHeaders(t *testing.T, form string, raw []byte) {
	t.Helper()
	const block = 512
	for at := 0; at+block <= len(raw) && raw[at] != 0; {
		h := raw[at : at+block]
		size, err := strconv.ParseInt(strings.Trim(string(h[124:136]), " \x00"), 8, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range []struct {
			name       string
			begin, end int
			want       string
		}{
			{"mode", 100, 108, "0000644"}, {"uid", 108, 116, "0000000"}, {"gid", 116, 124, "0000000"}, {"mtime", 136, 148, "00000000000"},
			{"linkname", 157, 257, ""}, {"magic", 257, 265, "ustar\x0000"}, {"uname", 265, 297, ""}, {"gname", 297, 329, ""},
			{"devmajor", 329, 337, "0000000"}, {"devminor", 337, 345, "0000000"}, {"padding", 500, 512, ""},
		} {
			want := field.want
			if h[156] == tar.TypeXHeader && (field.name == "mode" || strings.HasPrefix(field.name, "dev")) {
				continue // archive/tar writes zeros there, or nothing
			}
			if got := strings.TrimRight(string(h[field.begin:field.end]), "\x00"); got != want {
				t.Errorf("%s: %s of the header at %d (type %c) is %q, want %q", form, field.name, at, h[156], got, want)
			}
		}
		at += block + int((size+block-1)/block*block)
	}
}

// Chart gives what Helm makes of the local package without what the pushed one
// lacks, each time anew.
func TestChartIsThatOfThePackage(t *testing.T) {
	soak.Long(t)
	check := func(t *testing.T, e *Extension) {
		t.Helper()
		p, err := e.Pack(nil)
		if err != nil {
			t.Fatal(err)
		}
		files, err := loader.LoadArchiveFiles(bytes.NewReader(p.Data))
		if err != nil {
			t.Fatal(err)
		}
		want, err := loader.LoadFiles(slices.DeleteFunc(files, func(f *loader.BufferedFile) bool { return e.LeavesOut(f.Name) }))
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Chart()
		if err != nil {
			t.Fatal(err)
		}
		byName := cmpopts.SortSlices(func(a, b chartView) bool { return a.Metadata.Name < b.Metadata.Name })
		if diff := cmp.Diff(viewOf(want), viewOf(got), byName); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(contents(want.Raw), contents(got.Raw)); diff != "" {
			t.Error(diff)
		}
		got.Metadata.Name, got.Values["changed"] = "changed", true
		got.Templates = append(got.Templates, &chart.File{Name: "templates/changed"})
		again, err := e.Chart()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(viewOf(want), viewOf(again), byName); diff != "" {
			t.Errorf("a chart that was given out before is the same object:\n%s", diff)
		}
	}
	check(t, demo(t))
	for _, archive := range corpusPackages(t) {
		t.Run(filepath.Base(archive), func(t *testing.T) { check(t, mustLoad(t, trees.Unpack(t, archive, false))) })
	}
}

func TestByteOrderMarks(t *testing.T) {
	files := trees.Demo()
	for name := range files {
		files[name] = "\ufeff" + files[name]
	}
	e := mustLoad(t, trees.Write(t, files))
	c, err := e.Chart()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Dependencies()) != 1 || c.Values["sub"] == nil {
		t.Errorf("the chart has %d dependencies and the values %v", len(c.Dependencies()), c.Values)
	}
	p, err := e.Pack(testURLs(e))
	if err != nil {
		t.Fatal(err)
	}
	if got := packedContents(t, p.Data)["demo/extension.yaml"]; !strings.HasPrefix(got, "\ufeff# ours") {
		t.Errorf("extension.yaml begins with %q", got[:10])
	}
}

func TestSurvivingFields(t *testing.T) {
	const base = "name: demo\nversion: 1.0.0\nicon: https://x/i.svg\n"
	tests := []struct {
		name, metadata, chartFile string
		chartType, appVersion     string
	}{
		{"neither", base, "", "", ""},
		{"from Chart.yaml", base, "name: x\ntype: application\nappVersion: \"1.16\"\n", "application", "1.16"},
		{"from extension.yaml", base + "type: application\nappVersion: 2.0.0\n", "", "application", "2.0.0"},
		{"extension.yaml goes before", base + "appVersion: 2.0.0\n", "type: application\nappVersion: 1.0.0\n", "application", "2.0.0"},
		{"Chart.yaml in JSON", base, `{"type":"application","appVersion":"3"}`, "application", "3"},
		{"a Chart.yaml that is none", base, "type: [\nappVersion", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{MetadataFile: tt.metadata}
			if tt.chartFile != "" {
				files[ChartFile] = tt.chartFile
			}
			c, err := mustLoad(t, trees.Write(t, files)).Chart()
			if err != nil {
				t.Fatal(err)
			}
			if c.Metadata.Type != tt.chartType || c.Metadata.AppVersion != tt.appVersion {
				t.Errorf("type is %q, appVersion %q, want %q, %q", c.Metadata.Type, c.Metadata.AppVersion, tt.chartType, tt.appVersion)
			}
		})
	}
}

func TestDescriptionFallsBack(t *testing.T) {
	for description, want := range map[string]string{"{zh: 中, en: English}": "English", "{zh: 中, de: Deutsch}": "Deutsch", "{zh: 中}": "中", "{}": ""} {
		c, err := mustLoad(t, trees.Write(t, map[string]string{MetadataFile: smallMetadata + "description: " + description + "\n"})).Chart()
		if err != nil {
			t.Fatal(err)
		}
		if c.Metadata.Description != want {
			t.Errorf("of %s the description is %q, want %q", description, c.Metadata.Description, want)
		}
	}
}

// An icon that looks like the stand-in for one, and texts that do.
func TestStandInForIcons(t *testing.T) {
	for _, icon := range []string{"data:embedded", "data:image/png;base64,AAAA", "data:image/png;base64,not base64!", "https://x/i.svg"} {
		metadata := "name: demo\nversion: 1.0.0\nicon: '" + icon + "'\ndescription:\n  en: |\n    x\n    icon: data:embedded\n\n    icon: data:embedded\n"
		c, err := mustLoad(t, trees.Write(t, map[string]string{MetadataFile: metadata})).Chart()
		if err != nil {
			t.Fatal(err)
		}
		if c.Metadata.Icon != icon || !strings.Contains(c.Metadata.Description, "icon: data:embedded  icon: data:embedded") {
			t.Errorf("the icon is %q, the description %q", c.Metadata.Icon, c.Metadata.Description)
		}
	}
}

// TestFilesOfOtherAddresses: what was made for some addresses is not taken for others.
func TestFilesOfOtherAddresses(t *testing.T) {
	e, err := FromContent(Content{Files: []File{
		{Name: MetadataFile, Data: []byte("name: a\nversion: 1.0.0\nicon: i.svg\n")}, {Name: "i.svg", Data: []byte("<svg/>")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"https://a.example/i", "https://a.example/i", "https://b.example/i", "https://a.example/i"} {
		urls := URLs{"i.svg": at}
		for name, want := range map[string]string{ChartFile: "icon: " + at + "\n", MetadataFile: "icon: " + at + "\n"} {
			files, err := e.PackedFiles(urls)
			i := slices.IndexFunc(files, func(f File) bool { return f.Name == name })
			if err != nil || i < 0 || !bytes.Contains(files[i].Data, []byte(want)) {
				t.Errorf("%s with %s: %v, %+v", name, at, err, files)
			}
		}
		urls["i.svg"] = "https://changed.example/i" // by who asked, later
	}
	if _, err := e.PackedFiles(URLs{}); err == nil {
		t.Error("no address is needed once there was one")
	}
}
