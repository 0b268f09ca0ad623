package extension

import (
	"mime"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// assetsOf loads an extension whose extension.yaml has these lines and which has
// these files.
func assetsOf(t *testing.T, metadata string, files map[string]string) *Extension {
	t.Helper()
	tree := map[string]string{MetadataFile: "name: demo\nversion: 1.0.0\n" + metadata}
	for name, content := range files {
		tree[name] = content
	}
	e, err := Load(trees.Write(t, tree), Options{Display: "apps/demo"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAssets(t *testing.T) {
	e := assetsOf(t, "icon: ./static/../static/i.svg\nscreenshots: [b.png, https://x/y.png, a.png, ./b.png, /static/i.svg, 'data:image/png;base64,AA==']\n",
		map[string]string{"static/i.svg": "<svg/>", "a.png": "A", "b.png": "B"})
	want := []Asset{
		{Ref: "./static/../static/i.svg", File: "static/i.svg", RemoteName: "i-d4dc5666.svg", Size: 6, Pointers: [][]string{{"icon"}, {"screenshots", "4"}}},
		{Ref: "b.png", File: "b.png", RemoteName: "b-df7e70e5.png", Size: 1, Pointers: [][]string{{"screenshots", "0"}, {"screenshots", "3"}}},
		{Ref: "a.png", File: "a.png", RemoteName: "a-559aead0.png", Size: 1, Pointers: [][]string{{"screenshots", "2"}}},
	}
	if diff := cmp.Diff(want, e.Assets, cmpopts.IgnoreFields(Asset{}, "Data", "Digest")); diff != "" {
		t.Error(diff)
	}
	if a := e.Assets[2]; string(a.Data) != "A" || a.Digest != "sha256:559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd" {
		t.Errorf("data is %q, digest %s", a.Data, a.Digest)
	}
	if len(e.AssetProblems) > 0 {
		t.Error(e.AssetProblems)
	}
}

// Two assets never replace one another on the server.
func TestRemoteNamesAreUnique(t *testing.T) {
	e := assetsOf(t, "icon: a/shot.png\nscreenshots: [b/shot.png, c/Shot.PNG, d/shot.png, other.png, shot-559aead0.png]\n", map[string]string{
		"a/shot.png": "A", "b/shot.png": "B", "c/Shot.PNG": "C", "d/shot.png": "A", "other.png": "X", "shot-559aead0.png": "Y",
	})
	got := map[string]string{}
	taken := map[string]bool{}
	for _, a := range e.Assets {
		got[a.File] = a.RemoteName
		if taken[strings.ToLower(a.RemoteName)] {
			t.Errorf("two assets are called %s", a.RemoteName)
		}
		taken[strings.ToLower(a.RemoteName)] = true
		if filepath.Ext(a.RemoteName) != filepath.Ext(a.File) {
			t.Errorf("%s became %s: the ending says what it is", a.File, a.RemoteName)
		}
	}
	if got["b/shot.png"] != "shot-df7e70e5.png" || got["c/Shot.PNG"] != "Shot-6b23c0d5.PNG" || got["other.png"] != "other-4b68ab38.png" || got["shot-559aead0.png"] != "shot-559aead0-18f5384d.png" {
		t.Errorf("the names are %v", got)
	}
	// The order of the screenshots is no part of the names.
	again := assetsOf(t, "icon: c/Shot.PNG\nscreenshots: [b/shot.png, other.png]\n", map[string]string{"b/shot.png": "B", "c/Shot.PNG": "C", "other.png": "X"})
	if again.Assets[1].RemoteName != got["b/shot.png"] || again.Assets[0].RemoteName != got["c/Shot.PNG"] {
		t.Errorf("in another order the names are %s and %s", again.Assets[0].RemoteName, again.Assets[1].RemoteName)
	}
}

// Two runs that release one version with other pictures lay them into one
// folder of the server: a package would show the pictures of the other, if
// names did not go by the content.
func TestRemoteNamesGoByTheContent(t *testing.T) {
	name := func(content string) string {
		return assetsOf(t, "icon: i.svg\n", map[string]string{"i.svg": content}).Assets[0].RemoteName
	}
	first, again, other := name("<svg/>"), name("<svg/>"), name("<svg />")
	if first != again || first == other {
		t.Errorf("%s, %s; with other content %s", first, again, other)
	}
}

func TestRemoteNamesFitAFileSystem(t *testing.T) {
	long := strings.Repeat("图", 83) + ".svg" // 253 bytes
	e := assetsOf(t, "icon: "+long+"\n", map[string]string{long: "<svg/>"})
	name := e.Assets[0].RemoteName
	if len(name) > 255 || len(name) < 250 || !utf8.ValidString(name) || !strings.HasSuffix(name, ".svg") {
		t.Errorf("%d bytes: %q", len(name), name)
	}
}

// What leads out of the extension is reported, and never read.
func TestAssetProblems(t *testing.T) {
	outside := t.TempDir()
	trees.WriteFile(t, outside, "secret", "s3cret")
	tests := []struct {
		name, metadata string
		want           []string
	}{
		{"parent", "icon: ../../secret\n", []string{"extension.yaml:3:7", `icon "../../secret" leads out of the extension`, "put the file into the extension and name it from there"}},
		{"parent in the middle", "icon: static/../../secret\n", []string{"leads out of the extension"}},
		{"parent behind a slash", "icon: /../secret\n", []string{"leads out of the extension"}},
		{"absolute", "icon: " + filepath.ToSlash(filepath.Join(outside, "secret")) + "\n", []string{"names no file of the extension"}},
		{"missing", "icon: static/icons.svg\n", []string{`icon "static/icons.svg" names no file of the extension`, `did you mean "static/icon.svg"?`}},
		{"in another folder", "icon: icon.svg\n", []string{`did you mean "static/icon.svg"?`}},
		{"nothing like it", "icon: qqqqqqqqqqqqq.gif\n", []string{"add the file, or give an http(s) URL"}},
		{"folder", "icon: static\n", []string{"names no file of the extension"}},
		{"the extension itself", "icon: ./\n", []string{"names no file of the extension"}},
		{"backslash", "icon: static\\icon.svg\n", []string{"separate the folders by '/'"}},
		{"a secret", "icon: .env\n", []string{`icon ".env" names no file of the extension`, "files of that name are no part of an extension"}},
		{"screenshot", "screenshots:\n- https://x/a.png\n- gone.png\n", []string{"extension.yaml:5:3", `screenshots "gone.png" names no file of the extension`}},
		{"scheme", "icon: file:///etc/passwd\n", []string{"names no file of the extension"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := assetsOf(t, tt.metadata, map[string]string{"static/icon.svg": "<svg/>", ".env": "TOKEN=1"})
			wantError(t, e.AssetProblems.Err(), tt.want...)
			if len(e.Assets) > 0 {
				t.Errorf("it became the asset %s", e.Assets[0].File)
			}
		})
	}
}

func TestAssetBehindALink(t *testing.T) {
	outside := t.TempDir()
	trees.WriteFile(t, outside, "secret.svg", "s3cret")
	dir := trees.Write(t, map[string]string{MetadataFile: "name: demo\nversion: 1.0.0\nicon: art/i.svg\n", ".helmignore": "art/\n", "pictures/i.svg": "<svg/>"})
	link(t, "../pictures/i.svg", dir, "art/i.svg")
	if e := mustLoad(t, dir); len(e.Assets) != 1 || string(e.Assets[0].Data) != "<svg/>" {
		t.Errorf("assets are %v, problems %v", e.Assets, e.AssetProblems)
	}
	dir = trees.Write(t, map[string]string{MetadataFile: "name: demo\nversion: 1.0.0\nicon: art/i.svg\n", ".helmignore": "art/\n"})
	link(t, filepath.Join(outside, "secret.svg"), dir, "art/i.svg")
	e := mustLoad(t, dir)
	wantError(t, e.AssetProblems.Err(), "cannot be read: the link art/i.svg points out of the extension")
	if len(e.Assets) > 0 {
		t.Error("it is an asset all the same")
	}
}

// An icon that .helmignore keeps out of the package is uploaded all the same.
func TestIgnoredAsset(t *testing.T) {
	e := assetsOf(t, "icon: static/i.svg\n", map[string]string{"static/i.svg": "<svg/>", ".helmignore": "static/\n"})
	if len(e.Assets) != 1 || string(e.Assets[0].Data) != "<svg/>" || slices.Contains(names(e), "static/i.svg") {
		t.Errorf("assets are %v, files %q", e.Assets, names(e))
	}
}

func TestIsLocalRef(t *testing.T) {
	for ref, want := range map[string]bool{"a.svg": true, "./a.svg": true, "/a": true, "": true, "http://x": false, "https://x": false, "HTTPS://x": false, "data:image/png;base64,AA": false, "h": true, "https:/x": true, "database.png": true} {
		if got := IsLocalRef(ref); got != want {
			t.Errorf("IsLocalRef(%q) is %v", ref, got)
		}
	}
}

// The media type of an embedded icon is that of ksbuilder, wherever it runs.
func TestDataURI(t *testing.T) {
	for ending, want := range imageTypes {
		if got := dataURI("a"+strings.ToUpper(ending), nil); got != "data:"+want+";base64," {
			t.Errorf("%s is embedded as %s", ending, got)
		}
		if std := mime.TypeByExtension(ending); std != "" && ending != ".ico" && ending != ".bmp" && std != want {
			t.Errorf("%s is %s here, %s in the standard library", ending, want, std)
		}
	}
	if got := dataURI("logo", []byte("\x89PNG\r\n\x1a\n")); got != "data:image/png;base64,iVBORw0KGgo=" {
		t.Errorf("without ending it is %s", got)
	}
}
