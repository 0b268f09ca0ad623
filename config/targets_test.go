package config

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestTargets reads each kind of target with all of its keys, and without those that it can do
// without.
func TestTargets(t *testing.T) {
	const file = "testdata/good/targets.yaml"
	c, err := Load(file, environment)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	in := func(path string) string { return filepath.Join(dir, path) }
	want := []Target{
		{Kind: TargetMarketplace, Name: "cloud"},
		{Kind: TargetDirectory, Name: "directory", Directory: &Directory{Path: in("museum")}},
		{Kind: TargetDirectory, Name: "pages", Directory: &Directory{
			URL: "https://cloud.example.com/extensions",
			Git: &TargetGit{Branch: "gh-pages", Remote: "git@git.example.com:x/y.git", Path: "charts", Message: "Publish"},
		}},
		{Kind: TargetDirectory, Name: "branch", Directory: &Directory{URL: "/charts", Git: &TargetGit{Branch: "gh-pages", Remote: "origin"}}},
		{Kind: TargetChartMuseum, Name: "chartmuseum", ChartMuseum: &ChartMuseum{
			URL: "https://museum.example.com/org1", CAFile: in("certificates/ca.pem"), Cache: 30 * time.Second,
		}},
		{Kind: TargetOCI, Name: "oci", OCI: &OCI{URL: "oci://127.0.0.1:5000", PlainHTTP: true}},
		{Kind: TargetOCI, Name: "mirror_2", OCI: &OCI{URL: "oci://registry.example.com/a/b-c", CAFile: in("ca.pem")}},
		{Kind: TargetImage, Name: "image", Image: &Image{
			Images: []string{"registry.example.com/ks/museum:latest", "localhost:5000/museum", "cloud.example.com/museum"},
			Base:   "scratch", Programs: in("bin"), Platforms: []string{"linux/amd64", "linux/arm64/v8"},
		}},
		{Kind: TargetImage, Name: "image-2", Image: &Image{
			Images: []string{"[::1]:5000/museum:v1"}, Platforms: []string{"linux/amd64", "linux/arm64"}, Prereleases: true,
			Base: "docker.io/library/nginx:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		}},
		{Kind: TargetManifests, Name: "manifests", Manifests: &Manifests{Path: in("deploy"), One: true}},
		{Kind: TargetExec, Name: "exec", Exec: &Exec{Run: "./publish.sh ${NOT_EXPANDED}", Dir: dir, Timeout: 90 * time.Second, Env: []string{"PUBLISH_KEY", "A=b"}}},
		{Kind: TargetWebhook, Name: "webhook", Webhook: &Webhook{
			URL: "https://oapi.example.com/robot/send?access_token=x", Secret: "skip", CAFile: in("ca.pem"), Timeout: time.Minute,
		}},
	}
	if diff := cmp.Diff(want, c.Targets, cmpopts.IgnoreUnexported(Target{})); diff != "" || !c.NamesTargets {
		t.Errorf("%v %s", c.NamesTargets, diff)
	}
	images := Images{Exist: Warning, Platforms: []string{"linux/amd64"}, Mirror: []Mirror{
		{To: "registry.example.com/mirror", Platforms: []string{"linux/arm64"}, Rename: "{host}/{path}", CAFile: in("ca.pem"), PlainHTTP: true},
		{To: "cloud.example.com/mirror", Rename: "{path}"},
	}}
	if diff := cmp.Diff(images, c.Defaults.Images); diff != "" {
		t.Error(diff)
	}
	images.Exist = Off // what the entry sets; the rest is the project's
	if diff := cmp.Diff(images, c.Entries[0].Settings.Images); diff != "" {
		t.Error(diff)
	}
	if got, want := c.Targets[6].Variable(VariablePassword), "KSRELEASE_MIRROR_2_PASSWORD"; got != want {
		t.Errorf("the variable is %s, want %s", got, want)
	}
	if got := c.Setting(c.Targets[4].Key("url")...); !regexp.MustCompile(`^targets\.4\.url \(.*targets\.yaml:18:`).MatchString(got) {
		t.Errorf("the setting is %s", got)
	}
}

// TestDefaultsOfTargets holds what the schema says of defaults to what is taken.
func TestDefaultsOfTargets(t *testing.T) {
	written, err := Parse("a.yaml", []byte("version: 1\nextensions: [{path: a}]\ntargets:\n"+
		"- {kind: image, images: [r.example.com/m], base: '"+DefaultBase+"', platforms: [linux/amd64, linux/arm64], prereleases: true, plain_http: false}\n"+
		"- {kind: manifests, path: a, files: each}\n- {kind: exec, run: x, timeout: 10m}\n- {kind: webhook, url: 'https://example.com', timeout: 10m}\n"+
		"- {kind: directory, git: {branch: a, remote: origin}}\n"+
		"images: {exist: \"off\", mirror: [{to: r.example.com, rename: '{path}', plain_http: false}]}\n"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	left, err := Parse("a.yaml", []byte("version: 1\nextensions: [{path: a}]\ntargets:\n"+
		"- {kind: image, images: [r.example.com/m]}\n- {kind: manifests, path: a}\n- {kind: exec, run: x}\n- {kind: webhook, url: 'https://example.com'}\n"+
		"- {kind: directory, git: {branch: a}}\nimages: {mirror: [{to: r.example.com}]}\n"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{written.Targets, written.Defaults}, []any{left.Targets, left.Defaults}, cmpopts.IgnoreUnexported(Target{})); diff != "" {
		t.Error(diff)
	}
}

// TestTargetOf reads what a command line may name a target by.
func TestTargetOf(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]Target{
		"oci://registry.example.com/charts/":   {Kind: TargetOCI, Name: "oci", OCI: &OCI{URL: "oci://registry.example.com/charts"}},
		"oci://[::1]:5000":                     {Kind: TargetOCI, Name: "oci", OCI: &OCI{URL: "oci://[::1]:5000"}},
		"https://museum.example.com/org/":      {Kind: TargetChartMuseum, Name: "chartmuseum", ChartMuseum: &ChartMuseum{URL: "https://museum.example.com/org"}},
		"museum":                               {Kind: TargetDirectory, Name: "directory", Directory: &Directory{Path: filepath.Join(here, "museum")}},
		"../x/":                                {Kind: TargetDirectory, Name: "directory", Directory: &Directory{Path: filepath.Join(filepath.Dir(here), "x")}},
		"-o":                                   {Kind: TargetDirectory, Name: "directory", Directory: &Directory{Path: filepath.Join(here, "-o")}},
		"oci://":                               {},
		"oci://Host/Upper":                     {},
		"oci://user:secret@host/x":             {},
		"https://user:secret@host/x":           {},
		"ftp://museum.example.com":             {},
		"https://museum.example.com/?token=no": {},
		"":                                     {},
		"a\x00b":                               {},
	} {
		got, err := TargetOf(ref)
		if (err != nil) != (want.Kind == "") {
			t.Errorf("%q: %v", ref, err)
		} else if err == nil && (cmp.Diff(want, got, cmpopts.IgnoreUnexported(Target{})) != "" || got.IsDeclared()) {
			t.Errorf("%q is %+v", ref, got)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error has the password: %v", ref, err)
		}
	}
}

// images.exist is the severity of a rule, which lint.rules may say, too; an entry has the last word.
func TestExistIsASeverity(t *testing.T) {
	for text, want := range map[string]Severity{
		"images: {exist: error}\n":                                             Error,
		"images: {exist: error}\nlint: {rules: {image-exists: info}}\n":        Info,
		"lint: {rules: {image-exists: warning}}\n":                             Warning,
		"lint: {rules: {name: warning}}\nimages: {exist: warning}\n":           Warning,
		"images: {platforms: [linux/amd64]}\n":                                 Off,
		"lint: {rules: {image-exists: error}}\n" + "#own\n":                    Warning,
		"lint: {rules: {image-exists: error}}\nimages: {exist: error}\n#own\n": Warning,
	} {
		own := ""
		if strings.HasSuffix(text, "#own\n") {
			own = ", images: {exist: warning}"
		}
		c, err := Parse("x.yaml", []byte("version: 1\n"+text+"extensions: [{path: a"+own+"}]\n"), noEnvironment)
		if err != nil {
			t.Fatal(err)
		}
		s := c.Entries[0].Settings
		if s.Images.Exist != want || want != Off && s.Lint.Rules["image-exists"] != want {
			t.Errorf("%q: exist is %q and the rule %q, want %q", text, s.Images.Exist, s.Lint.Rules["image-exists"], want)
		}
	}
}
