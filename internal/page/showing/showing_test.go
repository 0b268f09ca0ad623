package showing

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// load makes an extension of files, and reads it.
func load(t *testing.T, files map[string]string) *extension.Extension {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ext, err := extension.Load(dir, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg"/>`

var plenty = Budget{Icon: 1 << 20, Screenshots: 1 << 20, Texts: 1 << 20, Wide: 1000}

func TestAsTheConsoleShowsIt(t *testing.T) {
	ext := load(t, map[string]string{
		"extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: web\nversion: 1.2.0\ncategory: networking\n" +
			"displayName: {en: Web, zh: 网站}\ndescription: {en: A server.}\nprovider: {en: {name: Lakeside, url: 'javascript:alert(1)'}}\n" +
			"icon: icon.svg\nscreenshots: [a.svg, 'data:image/png;base64,aGk=', 'https://example.com/far.png']\n",
		"icon.svg": svg, "a.svg": svg,
		"README.md": "# plain", "readme-ZH.md": "# 网站", "README_tc.md": "# other", "CHANGELOG.md": "## 1.2.0",
	})
	s := Of(ext, plenty, nil)
	en, zh := s.Texts[0], s.Texts[1]
	if en.Name != "Web" || zh.Name != "网站" || zh.Description != "A server." {
		t.Errorf("%+v, %+v", en, zh)
	}
	if en.Readme.File != "README.md" || zh.Readme.File != "readme-ZH.md" || en.Changelog != zh.Changelog || !strings.Contains(string(zh.Readme.HTML), "网站") {
		t.Errorf("%+v, %+v", en.Readme, zh.Readme)
	}
	if zh.Provider != "Lakeside" {
		t.Errorf("provider %q", zh.Provider)
	}
	if s.InstallationMode != "HostOnly" || s.Namespace != "extension-web" || s.Icon.Data == "" {
		t.Errorf("%+v", s)
	}
	if len(s.Hidden) != 1 || !strings.HasPrefix(s.Hidden[0], "data:") || len(s.Screenshots) != 2 || s.Screenshots[0].Data == "" || s.Screenshots[1].Data != "" {
		t.Errorf("hidden %q, shown %+v", s.Hidden, s.Screenshots)
	}
}

// TestListsWithoutEnd: of what a stranger writes without an end there is the beginning.
func TestListsWithoutEnd(t *testing.T) {
	var keywords, screenshots strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&keywords, "k%d, ", i)
		fmt.Fprintf(&screenshots, "https://example.com/%d.png, 'data:,%d', ", i, i)
	}
	long := strings.Repeat("名", 10_000)
	s := Of(load(t, map[string]string{
		"extension.yaml": "name: web\nversion: 1.0.0\ndisplayName: {en: " + long + "}\ndescription: {en: " + long + "}\ncategory: " + long + "\nhome: " + long +
			"\nkeywords: [" + keywords.String() + "]\nscreenshots: [" + screenshots.String() + "]\n",
	}), plenty, nil)
	if len(s.Keywords) != mostOfAList || len(s.Screenshots) != mostOfAList || len(s.Hidden) != mostOfAList || s.Unshown != 3*(1000-mostOfAList) {
		t.Errorf("%d keywords, %d screenshots, %d hidden, %d not shown", len(s.Keywords), len(s.Screenshots), len(s.Hidden), s.Unshown)
	}
	for _, text := range []string{s.Category, s.Home, s.Texts[0].Name, s.Texts[1].Description} {
		if len(text) > mostDescription+len("…") || !strings.HasSuffix(text, "名…") {
			t.Errorf("%d bytes: %.30q", len(text), text)
		}
	}
}

// TestReadmeInEnglish: a reader of a language without a README gets the English one before the one
// without a language.
func TestReadmeInEnglish(t *testing.T) {
	s := Of(load(t, map[string]string{"extension.yaml": "name: web\nversion: 1.0.0\n", "README.md": "plain", "README_en.md": "english"}), plenty, nil)
	if s.Texts[1].Readme.File != "README_en.md" || s.Texts[1].Changelog != nil || s.Texts[0].Name != "web" {
		t.Errorf("%+v", s.Texts)
	}
}

// TestSamePictures: what is published has addresses, which end in the names of the files.
func TestSamePictures(t *testing.T) {
	files := map[string]string{"extension.yaml": "name: web\nversion: 1.1.0\nicon: icon.svg\nscreenshots: [a.svg, b.svg]\n", "icon.svg": svg, "a.svg": svg, "b.svg": svg + " "}
	ext := load(t, files)
	address := func(file string) string {
		for _, a := range ext.Assets {
			if a.File == file {
				return "https://example.com/web/" + a.RemoteName
			}
		}
		t.Fatal(file)
		return ""
	}
	now := Of(ext, plenty, nil)
	before := Of(load(t, map[string]string{"extension.yaml": "name: web\nversion: 1.0.0\nicon: " + address("icon.svg") + "\nscreenshots: ['" + address("a.svg") + "', https://example.com/other.svg]\n"}), plenty, nil)
	before.Borrow(ext.Assets, now)
	if before.Icon.Data != now.Icon.Data || !before.Screenshots[0].Same || before.Screenshots[1].Same {
		t.Errorf("%+v %+v", before.Icon, before.Screenshots)
	}
}
