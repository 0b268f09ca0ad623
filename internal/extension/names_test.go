package extension

import (
	"os"
	"path/filepath"
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

func TestValidVersion(t *testing.T) {
	tests := []struct {
		version string
		want    string
	}{
		{"1.0.0", ""},
		{"1.2.3-rc.1", ""},
		{"1.2", ""}, // the controller's semver library takes it
		{"v1.2.3", ""},
		{"", "the version is empty: write a semantic version"},
		{"1.0.0+build", "KubeSphere drops it silently: use lower-case letters, digits, '-' and '.' only, no '+build' part"},
		{"1.0.0-RC1", "not a DNS-1123 subdomain"},
		{"latest", "not a semantic version: write it as MAJOR.MINOR.PATCH"},
		{"1.0.0-" + strings.Repeat("a", 58), "has 64 characters, KubeSphere takes at most 63"},
		{"1.0.0/../x", "not a semantic version"},
	}
	for _, tt := range tests {
		checkRule(t, tt.version, ValidVersion(tt.version), tt.want)
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
		if err := os.WriteFile(filepath.Join(dir, MetadataFile), []byte(source), 0o644); err != nil {
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
	wantError(t, err, want)
}
