package naming

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestValidName(t *testing.T) {
	tests := []struct {
		name string
		want string // "" is fine
	}{
		{"devops", ""},
		{"cert-manager", ""},
		{"a.b-c.1", ""},
		{strings.Repeat("a", 63), ""},
		{strings.Repeat("a", 64), "has 64 characters, KubeSphere takes at most 63: shorten it"},
		{"", "the name is empty"},
		{"Devops", "not a DNS-1123 subdomain: use lower-case letters"},
		{"-a", "not a DNS-1123 subdomain"},
		{"a-", "not a DNS-1123 subdomain"},
		{"a..b", "not a DNS-1123 subdomain"},
		{"../a", "not a DNS-1123 subdomain"},
		{"a_b", "not a DNS-1123 subdomain"},
		{"a\n", "not a DNS-1123 subdomain"},
	}
	for _, tt := range tests {
		checkRule(t, tt.name, ValidName(tt.name), tt.want)
	}
}

// What every reader of versions reads alike is MAJOR.MINOR.PATCH; for all else the
// hint has the version that was meant.
func TestVersionsThatEveryReaderTakes(t *testing.T) {
	for _, version := range []string{
		"1.0.0", "0.0.0", "10.20.30", "v1.2.3", "1.2.3-rc.1", "1.2.3-0", "1.2.3-alpha", "1.2.3-a-b.10", "1.2.3-0a", "1.10.0",
		"1.0.0-" + strings.Repeat("a", 57),
	} {
		if err := ValidVersion(version); err != nil {
			t.Errorf("%q: %v, want no error", version, err)
		}
	}
	for _, tt := range []struct{ version, what, near string }{
		{"1.02.3", "a number with a leading zero", "1.2.3"},
		{"01.0.0", "a number with a leading zero", "1.0.0"},
		{"1.0.00", "a number with a leading zero", "1.0.0"},
		{"v01.2.3", "a number with a leading zero", "v1.2.3"},
		{"1.0.0-01", "a number with a leading zero", "1.0.0-1"},
		{"1.0.0-rc.01", "a number with a leading zero", "1.0.0-rc.1"},
		{"01.2", "a number with a leading zero", "1.2.0"},
		{"1.0", "is not MAJOR.MINOR.PATCH", "1.0.0"},
		{"1", "is not MAJOR.MINOR.PATCH", "1.0.0"},
		{"v1", "is not MAJOR.MINOR.PATCH", "v1.0.0"},
		{"v1.0", "is not MAJOR.MINOR.PATCH", "v1.0.0"},
		{"1.0-rc.1", "is not MAJOR.MINOR.PATCH", "1.0.0-rc.1"},
		{"1.2.3.4", "is not MAJOR.MINOR.PATCH", "1.2.3"},
		{"1.0.0rc1", "is not MAJOR.MINOR.PATCH", "1.0.0-rc1"},
		{"1.0.0_beta", "is not MAJOR.MINOR.PATCH", "1.0.0-beta"},
		{"V1.0.0", "is not MAJOR.MINOR.PATCH", "v1.0.0"},
		{"version-1.0.0", "is not MAJOR.MINOR.PATCH", "1.0.0"},
		{"1.0.", "is not MAJOR.MINOR.PATCH", "1.0.0"},
		{"1.0.0-", "is not MAJOR.MINOR.PATCH", "1.0.0"},
		{"1.0.0-a..b", "is not MAJOR.MINOR.PATCH", "1.0.0-a.b"},
		{"1.0.0/../x", "is not MAJOR.MINOR.PATCH", "1.0.0-x"},
		{" 1.0.0", "begins or ends with blanks", "1.0.0"},
		{"1.0.0\n", "begins or ends with blanks", "1.0.0"},
		{"1.0.0+build.5", "has build metadata", "1.0.0"},
		{"1.0+build", "is not MAJOR.MINOR.PATCH", "1.0.0"},
		{"1.0.0-RC1", "is no DNS-1123 subdomain", "1.0.0-rc1"},
		{"1.0.0-a-.b", "is no DNS-1123 subdomain", "1.0.0-a.b"},
		{"latest", "is not MAJOR.MINOR.PATCH", ""},
		{"99999999999999999999.0.0", "is not MAJOR.MINOR.PATCH", ""},
	} {
		message, hint := VersionProblem(tt.version)
		if !strings.Contains(message, tt.what) {
			t.Errorf("%q: %q, want %q in it", tt.version, message, tt.what)
		}
		want := "write " + strconv.Quote(tt.near)
		if tt.near == "" {
			want = "write it as MAJOR.MINOR.PATCH, such as 1.0.0"
		}
		if hint != want {
			t.Errorf("%q: the hint is %q, want %q", tt.version, hint, want)
		}
	}
	checkRule(t, "", ValidVersion(""), "the version is empty: write a semantic version")
	checkRule(t, "64 characters", ValidVersion("1.0.0-"+strings.Repeat("a", 58)), "has 64 characters, KubeSphere takes at most 63: shorten it")
	if err := ValidVersion(strings.Repeat("1", 1<<20)); err == nil || len(err.Error()) > 1000 {
		t.Error("a version of a megabyte is taken, or repeated as a whole")
	}
}

// What the controller of KubeSphere takes is more than what all of KubeSphere reads.
func TestIndexableVersion(t *testing.T) {
	for version, want := range map[string]string{
		"1.0.0": "", "1.2.3-rc.1": "", "1.2": "", "v1.2.3": "",
		"":                                 "the version is empty: write a semantic version",
		"1.0.0+build":                      "KubeSphere drops it silently: use lower-case letters, digits, '-' and '.' only, no '+build' part",
		"1.0.0-RC1":                        "not a DNS-1123 subdomain",
		"latest":                           "not a semantic version: write it as MAJOR.MINOR.PATCH",
		"1.0.0-" + strings.Repeat("a", 58): "has 64 characters, KubeSphere takes at most 63",
		"1.0.0/../x":                       "not a semantic version",
	} {
		checkRule(t, version, IndexableVersion(version), want)
	}
}

// What cannot be read has a name all the same, for those that depend on it.
func TestGuessName(t *testing.T) {
	for source, want := range map[string]string{
		"name: alc\nversion: [\n":                 "alc",
		"# first\r\nname: 'alc' # ours\r\nx: {":   "alc",
		"\tname: alc\n":                           "",
		"name: [\n":                               "",
		"name: ../x\n":                            "",
		"displayName: {en: x}\nname:   \"a-b\"\n": "a-b",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "extension.yaml"), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := GuessName(dir); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
	for path, want := range map[string]string{
		"x/alc-1.0.0.tgz": "alc", "my-2-ext-1.0.0-rc.1.tgz": "my-2-ext", "alc.tgz": "alc", "alc-1.0.0.zip": "", t.TempDir(): "",
	} {
		if got := GuessName(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func checkRule(t *testing.T, value string, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%q: %v, want no error", value, err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%q: %v, want an error with %q", value, err, want)
	}
}

// A text is known by its name in any case, and only at the top of the extension.
func TestDocLanguage(t *testing.T) {
	for name, want := range map[string]string{
		"README.md": "", "readme.MD": "", "README_zh.md": "zh", "README-zh-CN.md": "zh-cn", "README.fr.md": "fr", "README_old.md": "old",
		"READMES.md": "none", "README_.md": "none", "README.markdown": "none", "CHANGELOG.md": "none", "docs/README.md": "none", "README.md.bak": "none",
	} {
		if got, ok := DocLanguage(name, "README"); ok != (want != "none") || ok && got != want || IsDoc(name, "README") != ok {
			t.Errorf("%s: %q %t, want %q", name, got, ok, want)
		}
	}
}
