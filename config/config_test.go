package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ksrelease/ksrelease/internal/configfile"
	"github.com/ksrelease/ksrelease/internal/tags"
)

func noEnvironment(string) (string, bool) { return "", false }

// TestEverything reads a file that sets every key, some of them per entry.
func TestEverything(t *testing.T) {
	const file = "testdata/good/everything.yaml"
	got, err := Load(file, environment)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	project := Settings{
		Lint:    Lint{Rules: map[string]Severity{"node-selector": Error, "images": Info}, Timeout: 45 * time.Second, Memory: 512 << 20},
		Package: Package{Output: filepath.Join(dir, "build", "packages")},
		Size:    Size{Limit: 512 << 10},
		Push:    Push{Existing: FailExisting, Drift: WarnDrift, Dirty: AllowDirty},
		Verify:  Verify{Until: UntilIndexed, Timeout: 90 * time.Minute},
		Images:  Images{Exist: Off},
	}
	want := &Config{
		File: file, Dir: dir,
		Cloud:       Cloud{Server: "https://cloud.example.com", CAFile: filepath.Join(dir, "certificates", "cloud.pem")},
		Repository:  Repository{URL: "http://127.0.0.1:8790", CAFile: "/etc/ssl/company.pem"},
		Targets:     []Target{{Kind: TargetMarketplace, Name: "marketplace"}},
		Sign:        Sign{PGPKeyFile: filepath.Join(dir, "keys", "skip.asc")},
		Cache:       Cache{Limit: 512 << 20, Remote: "oci://cloud.example.com:5000/ksrelease/cache"},
		Parallelism: 4,
		Tags:        tagPatterns(nil, &configfile.Tags{Patterns: []string{"{name}/v{version}", "charts/cloud.example.com/{name}-{version}", "v{version}"}}, nil),
		Announcements: []Announcement{
			{Kind: AnnounceFeishu, URL: "https://cloud.example.com/open-apis/bot/v2/hook/0a1b2c", Secret: "signed", Language: "zh-CN", Only: []string{"alc"}},
			{Kind: AnnounceSlack, URL: "https://hooks.example.com/services/T0/B0/x", Language: "en"},
			{Kind: AnnounceDingTalk, URL: "https://oapi.example.com/robot/send?access_token=x", Language: "en"},
		},
		Before: []Hook{
			{Run: "make charts", Timeout: DefaultHookTimeout},
			{Run: "test -n \"${NOBODY_HAS_THIS:-}\" || exit 0\necho \"$$ ${KSRELEASE_TOKEN}\"\n", Timeout: DefaultHookTimeout},
		},
		Defaults: project,
		Entries: []Entry{
			{Path: "extensions/*", Exclude: []string{"extensions/legacy-*", "extensions/{a,b}"}, Settings: project, Line: 6, Column: 11},
			{Path: "../elsewhere/alc", Line: 8, Column: 11, Settings: Settings{
				Lint:    Lint{Rules: map[string]Severity{"node-selector": Error, "images": Off}, Timeout: 3 * time.Minute, Memory: 512 << 20},
				Package: Package{Output: "/tmp/out"},
				Size:    Size{Limit: 1 << 20},
				Push:    Push{Existing: SkipExisting, Drift: WarnDrift, Dirty: AllowDirty},
				Verify:  Verify{Until: UntilActive, Timeout: 90 * time.Minute},
				Images:  Images{Exist: Off},
				Before: []Hook{
					{Run: "./build-chart.sh", Timeout: DefaultHookTimeout},
					{Run: "helm pull ${UPSTREAM} -d charts", Dir: filepath.Join(dir, "cloud.example.com", "tools"), Timeout: 90 * time.Second, Env: []string{"GITHUB_TOKEN", "MODE=cloud.example.com", "EMPTY="}},
				},
				After: []Hook{{Run: "rm -rf charts/upstream", Timeout: DefaultHookTimeout}},
			}},
			{Path: "/srv/$money/*.tgz", Settings: project, Line: 16, Column: 11},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Config{}, Entry{}, Target{}), cmp.AllowUnexported(tags.Pattern{})); diff != "" {
		t.Error(diff)
	}
}

func TestLeastIsDefault(t *testing.T) {
	got, err := Load("testdata/good/least.yaml", noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	want := Default("testdata/good")
	if diff := cmp.Diff([]any{want.Dir, want.Cloud, want.Repository, want.Parallelism, want.Defaults},
		[]any{got.Dir, got.Cloud, got.Repository, got.Parallelism, got.Defaults}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.Defaults, got.Entries[0].Settings); diff != "" {
		t.Error(diff)
	}
}

// TestAnchorsAndMerges reads values that stand elsewhere in the file.
func TestAnchorsAndMerges(t *testing.T) {
	got, err := Load("testdata/good/anchors.yaml", noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]Severity{{"images": Error}, {"images": Error, "icon": Off}}
	for i, rules := range want {
		if diff := cmp.Diff(rules, got.Entries[i].Settings.Lint.Rules); diff != "" {
			t.Errorf("entry %d: %s", i, diff)
		}
	}
}

// TestEntriesShareNothing changes one entry's rules, as nobody should, to see
// that the settings of the project and of other entries are not the same map.
func TestEntriesShareNothing(t *testing.T) {
	got, err := Parse("a.yaml", []byte("version: 1\nextensions:\n- {path: a, lint: {rules: {icon: off}}}\n- {path: b, lint: {rules: {icon: info}}}\nlint: {rules: {images: off}}\n"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	got.Entries[0].Settings.Lint.Rules["name"] = Off
	if len(got.Defaults.Lint.Rules) != 1 || len(got.Entries[1].Settings.Lint.Rules) != 2 {
		t.Error("settings share a map")
	}
}

// TestSizesAndDurations holds the schema's patterns to the parsers behind them:
// what the one takes, the other reads.
func TestSizesAndDurations(t *testing.T) {
	sizes := map[string]int64{
		"1": 1, "1B": 1, `"1024"`: 1024, "1KiB": 1024, "1 kib": 1024, "1k": 1000, "1KB": 1000, "1.5MiB": 3 << 19, "1M": 1e6, "1e3": 1000, "0x10B": 0x10B, "1Mi": 1 << 20,
		"2GiB": 2 << 30, "999GB": 999e9, "0.5 MiB": 1 << 19, "0.001KB": 1,
		"0": 0, "0B": 0, "-1": 0, "1.5": 0, "1.5B": 0, "0.0001KB": 0, "MiB": 0, "1TiB": 0, "1MiBB": 0, "1,5MiB": 0, "٣MiB": 0,
	}
	for text, want := range sizes {
		got, err := Parse("a.yaml", []byte("version: 1\nextensions: [{path: a}]\nsize: {limit: "+text+"}\n"), noEnvironment)
		switch {
		case want == 0 && err == nil:
			t.Errorf("size %s is taken, as %d", text, got.Defaults.Size.Limit)
		case want != 0 && err != nil:
			t.Errorf("size %s: %v", text, err)
		case want != 0 && got.Defaults.Size.Limit != want:
			t.Errorf("size %s is %d, want %d", text, got.Defaults.Size.Limit, want)
		}
	}
	durations := map[string]time.Duration{
		"5m": 5 * time.Minute, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "1h": time.Hour, "1h5s": time.Hour + 5*time.Second,
		"1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond, "99999h": 99999 * time.Hour,
		"0.5h": 30 * time.Minute, ".5h": 30 * time.Minute, "0h5m": 5 * time.Minute, "05m": 5 * time.Minute, "1m1h": 61 * time.Minute, "100us": 100 * time.Microsecond,
		"0s": 0, "0h0m0.0s": 0, "-5m": 0, "+5m": 0, "5": 0, "0": 0, "5 m": 0, "5min": 0, "1d": 0, "999999h": 0, `""`: 0, "1h-5m": 0, "0.5ns": 0, "0.0001us": 0, "0.0000001ms": 0, "0.0000000001s": 0, ".h": 0, "h": 0, "1e3s": 0, "5M": 0,
	}
	for text, want := range durations {
		got, err := Parse("a.yaml", []byte("version: 1\nextensions: [{path: a}]\nverify: {timeout: "+text+"}\n"), noEnvironment)
		switch {
		case want == 0 && err == nil:
			t.Errorf("timeout %s is taken, as %s", text, got.Defaults.Verify.Timeout)
		case want != 0 && err != nil:
			t.Errorf("timeout %s: %v", text, err)
		case want != 0 && got.Defaults.Verify.Timeout != want:
			t.Errorf("timeout %s is %s, want %s", text, got.Defaults.Verify.Timeout, want)
		}
	}
}

// A cache that lies in the project would come with a pull request.
func TestRemoteCachesOfAConfig(t *testing.T) {
	root := t.TempDir()
	for remote, want := range map[string]string{
		"/mnt/cache": "", filepath.Dir(root): "", root + "-more": "", "": "", "oci://registry.example:5000/a/b": "",
		root: "in the project", root + "/cache": "in the project", root + "/x/../cache": "in the project", "/": "",
		"cache": "must be the absolute path", "oci://registry.example": "must be the absolute path", "oci://h/A": "a path of small letters",
	} {
		c, err := Parse(filepath.Join(root, Name), []byte("version: 1\nextensions: [{path: a}]\ncache: {remote: '"+remote+"'}\n"), noEnvironment)
		switch {
		case want == "" && (err != nil || c.Cache != Cache{Limit: DefaultCacheLimit, Remote: remote}):
			t.Errorf("%s: %v", remote, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", remote, err, want)
		}
	}
	for text, want := range map[string]int64{"1MiB": 1 << 20, "2GiB": 2 << 30, "1048576": 1 << 20, "1KiB": 0, "": 0, "-1": 0, "much": 0} {
		if got, err := ParseCacheLimit(text); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

// TestSecretsStayOut looks for what a variable holds, and for a password in an
// address, in the message about it.
func TestSecretsStayOut(t *testing.T) {
	const canary = "s3cr3t-canary"
	env := func(string) (string, bool) { return canary, true }
	src := "version: 1\nextensions: [{path: a}]\ncloud: {server: \"https://me:" + canary + "@example.com\"}\n" +
		"repository: {url: \"https://me:${P}@example.com\"}\npush: {existing: \"${P}\", drift: \"x${P}\"}\n" +
		"size: {limit: \"${P}\"}\nverify: {timeout: \"${P}\", until: \"${P}\"}\nlint: {rules: {icon: \"${P}\"}}\n"
	_, err := Parse("a.yaml", []byte(src), env)
	if err == nil {
		t.Fatal("it is taken")
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the secret is told:\n%v", err)
	}
}

// TestSettingsAreNamedWithTheirPlace names keys as messages of other rooms do.
func TestSettingsAreNamedWithTheirPlace(t *testing.T) {
	got, err := Parse("a.yaml", []byte("version: 1\nextensions: [{path: a}]\ncloud:\n  server: https://h\n  ca_file: \"\"\n"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	if got.Cloud.CAFile != "" {
		t.Errorf("an empty value is %q", got.Cloud.CAFile)
	}
	for _, tt := range []struct {
		config *Config
		key    []string
		want   string
	}{
		{got, []string{"cloud", "ca_file"}, "cloud.ca_file (a.yaml:5:12)"},
		{got, []string{"repository", "ca_file"}, "repository.ca_file in a.yaml"},
		{Default("."), []string{"cloud", "server"}, "cloud.server in .ksrelease.yaml"},
	} {
		if name := tt.config.Setting(tt.key...); name != tt.want {
			t.Errorf("%s, want %s", name, tt.want)
		}
	}
	if p := got.Problem(CodeUnusableCAFile, "message", "hint", "cloud", "ca_file"); p.Range.Start.Line != 5 || p.Range.Start.Column != 12 || p.File != "a.yaml" || p.Excerpt == "" {
		t.Errorf("%+v", p)
	}
	if p := Default(".").Problem(CodeUnusableCAFile, "message", "hint", "cloud", "ca_file"); p.Error() != ".ksrelease.yaml: message (configuration/unusable-ca-file)\n  → hint" {
		t.Errorf("%q", p.Error())
	}
}

func TestLoadWithoutFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "absent.yaml"), noEnvironment)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "absent.yaml: no such file") {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Find(deep)
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "ksrelease init writes one") {
		t.Errorf("no file: %v", err)
	}
	write(t, filepath.Join(deep, ".ksrelease.yml"), "")
	if _, err = Find(deep); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "rename it to .ksrelease.yaml") {
		t.Errorf("another ending: %v", err)
	}
	write(t, filepath.Join(root, Name), "")
	if file, err := Find(deep); err != nil || file != filepath.Join(root, Name) {
		t.Errorf("above: %s, %v", file, err)
	}
	write(t, filepath.Join(deep, Name), "")
	if file, err := Find(deep); err != nil || file != filepath.Join(deep, Name) {
		t.Errorf("here: %s, %v", file, err)
	}
	if err := os.Mkdir(filepath.Join(root, "a", Name), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(filepath.Join(root, "a")); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
