package replay

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// listed is an entry of an index for a test.
type listed struct {
	name, version string
	own           string // its own name; empty: name
	urls          string // in YAML; empty: one
	annotations   string // in YAML
	digest        string
	chart         string            // Chart.yaml in the package; empty: name and version
	metadata      string            // extension.yaml behind name and version; "-": none
	files         map[string]string // more files
	broken        string            // what is downloaded instead
	failed        error
}

func (l listed) chartYAML() string {
	if l.chart != "" {
		return l.chart
	}
	return fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", l.name, l.version)
}

func (l listed) archive(t *testing.T) []byte {
	t.Helper()
	if l.broken != "" {
		return []byte(l.broken)
	}
	files := map[string]string{"Chart.yaml": l.chartYAML()}
	switch {
	case strings.HasPrefix(l.metadata, "!"):
		files["extension.yaml"] = l.metadata[1:]
	case l.metadata != "-":
		files["extension.yaml"] = fmt.Sprintf("name: %s\nversion: %q\n%s", l.name, l.version, l.metadata)
	}
	for name, content := range l.files {
		files[name] = content
	}
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: l.name + "/" + name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// indexOf writes an index of entries.
func indexOf(all []listed) string {
	text := "apiVersion: v1\nentries:\n"
	var names []string
	for _, l := range all {
		if !slices.Contains(names, l.name) {
			names = append(names, l.name)
		}
	}
	for _, name := range names {
		text += fmt.Sprintf("  %q:\n", name)
		for _, l := range all {
			if l.name != name {
				continue
			}
			own, urls := l.own, l.urls
			if own == "" {
				own = name
			}
			if urls == "" {
				urls = fmt.Sprintf("[https://example.com/%s-%s.tgz]", l.name, l.version)
			}
			text += fmt.Sprintf("  - name: %q\n    version: %q\n    urls: %s\n", own, l.version, urls)
			if l.annotations != "" {
				text += "    annotations: " + l.annotations + "\n"
			}
			if l.digest != "" {
				text += "    digest: " + l.digest + "\n"
			}
		}
	}
	return text
}

// replayed takes a replay to its end.
func replayed(t *testing.T, options Options, all ...listed) *Result {
	t.Helper()
	index, err := helmrepo.Parse([]byte(indexOf(all)))
	if err != nil {
		t.Fatal(err)
	}
	r := New(index, options)
	for wanted := r.Wanted(); len(wanted) > 0; wanted = r.Wanted() {
		for _, entry := range wanted {
			at := slices.IndexFunc(all, func(l listed) bool { return l.name == entry.Name && l.version == entry.Version })
			if all[at].failed != nil {
				r.Know(entry, Failed(all[at].failed))
				continue
			}
			r.Know(entry, Read(entry, all[at].archive(t)))
		}
	}
	return r.Result()
}

// seen is a result in short.
func seen(r *Result) (lines []string) {
	if !r.Loads {
		lines = append(lines, "does not load")
	}
	for _, x := range r.Extensions {
		line := x.Name + ": " + strings.Join(x.Shown, " ")
		if x.Recommended != "" {
			line += " *" + x.Recommended
		}
		for _, v := range x.Versions {
			if v.State != StateShown {
				line += fmt.Sprintf(" (%s %s)", v.Version, v.State)
			}
		}
		lines = append(lines, line)
	}
	for _, p := range r.Problems {
		line := fmt.Sprintf("%s %s:", p.Severity, p.Code)
		for _, e := range p.Entries {
			line += " " + strings.TrimSpace(e.Extension+" "+e.Version)
			if e.Detail != "" {
				line += fmt.Sprintf(" (%s)", e.Detail)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

const alright = "category: dev-tools\n"

func v(name, version string) listed { return listed{name: name, version: version, metadata: alright} }

func (l listed) with(change func(*listed)) listed {
	change(&l)
	return l
}

func TestReplay(t *testing.T) {
	of := func(version string) *semver.Version { return semver.MustParse(version) }
	defaults := Options{Depth: DefaultDepth}
	for name, c := range map[string]struct {
		options Options
		entries []listed
		want    []string
	}{
		"depth": {defaults, []listed{v("a", "1.5.1"), v("a", "2.0.0"), v("a", "2.10.0"), v("a", "2.2.0")}, []string{
			"a: 2.10.0 2.2.0 2.0.0 *2.10.0 (1.5.1 beyond-depth)",
		}},
		"depth 1": {Options{Depth: 1}, []listed{v("a", "1.0.0"), v("a", "1.1.0")}, []string{"a: 1.1.0 *1.1.0 (1.0.0 beyond-depth)"}},
		"all":     {Options{}, []listed{v("a", "1.0.0"), v("a", "1.1.0"), v("a", "1.2.0"), v("a", "1.3.0")}, []string{"a: 1.3.0 1.2.0 1.1.0 1.0.0 *1.3.0"}},
		"pre-releases push the stable one out": {defaults, []listed{v("a", "1.0.0"), v("a", "1.1.0-rc.1"), v("a", "1.1.0-rc.2"), v("a", "1.1.0-rc.10")}, []string{
			"a: 1.1.0-rc.10 1.1.0-rc.2 1.1.0-rc.1 *1.1.0-rc.10 (1.0.0 beyond-depth)",
			"warning pre-release-recommended: a 1.1.0-rc.10", "warning stable-hidden: a 1.0.0",
		}},
		"constraints": {Options{Depth: 3, KubeSphere: of("4.1.3"), Kubernetes: of("1.28.3-gke.100")}, []listed{
			v("a", "1.0.0"), v("a", "1.1.0").with(func(l *listed) { l.metadata += "ksVersion: '>=4.2.0-0'\n" }),
			v("b", "1.0.0").with(func(l *listed) { l.metadata += "kubeVersion: '>=1.19.0'\n" }),
			v("c", "1.0.0").with(func(l *listed) { l.metadata += "kubeVersion: '>=1.19.0-0'\nksVersion: 4.1+\n" }),
			v("d", "1.0.0").with(func(l *listed) { l.metadata += "ksVersion: '>=4.1.0-0, <5.0.0-0'\n" }),
		}, []string{
			"a: 1.1.0 1.0.0 *1.0.0", "b: 1.0.0", "c: 1.0.0", "d: 1.0.0 *1.0.0",
			`warning none-fits: b (1.0.0: kubeVersion ">=1.19.0") c (1.0.0: ksVersion "4.1+", kubeVersion ">=1.19.0-0")`,
			`warning constraint: c 1.0.0 (ksVersion is "4.1+")`,
			`warning console-constraint: d 1.0.0 (ksVersion is ">=4.1.0-0, <5.0.0-0")`,
		}},
		"what is dropped makes way for others": {defaults, []listed{
			v("a", "1.0.0"), v("a", "1.1.0"), v("a", "1.2.0"), v("a", "1.3.0").with(func(l *listed) { l.metadata = "-" }),
			v("a", "1.4.0").with(func(l *listed) { l.failed = errors.New("404") }),
		}, []string{
			"a: 1.2.0 1.1.0 1.0.0 *1.2.0 (1.4.0 dropped) (1.3.0 dropped)",
			"error not-downloaded: a 1.4.0 (404)", "error no-extension-yaml: a 1.3.0",
		}},
		"dropped for the entry": {defaults, []listed{
			v("a", "1.0.0").with(func(l *listed) { l.own = "other" }), v("a", "1.1.0").with(func(l *listed) { l.urls = "[]" }),
			v("b", "1.0.0-RC1"), v("b", "1.0.0+build"), v("b", "latest"), v("b", "1.0.0").with(func(l *listed) { l.urls = `["https://a b/%zz"]` }),
			v("Upper", "1.0.0"), v(strings.Repeat("x", 64), "1.0.0"),
		}, []string{
			"Upper:  (1.0.0 dropped)", "a:  (1.1.0 dropped) (1.0.0 dropped)", "b:  (1.0.0+build dropped) (1.0.0 dropped) (1.0.0-RC1 dropped) (latest dropped)",
			strings.Repeat("x", 64) + ":  (1.0.0 dropped)",
			"error name: Upper " + strings.Repeat("x", 64), `error own-name: a 1.0.0 (its own name is "other")`,
			"error no-url: a 1.1.0 b 1.0.0 (its URL is no address)",
			`error version: b 1.0.0+build (the version "1.0.0+build" has build metadata (+), and KubeSphere drops such a version silently: write "1.0.0")` +
				` b 1.0.0-RC1 (the version "1.0.0-RC1" is no DNS-1123 subdomain (lower-case letters, digits, '-' and '.', with a letter or digit at both ends of each part), and KubeSphere drops such a version silently: write "1.0.0-rc1")` +
				` b latest (the version "latest" is not MAJOR.MINOR.PATCH: write it as MAJOR.MINOR.PATCH, such as 1.0.0)`,
		}},
		"dropped for the package": {Options{}, []listed{
			v("a", "1.0.0").with(func(l *listed) { l.broken = "no archive" }),
			v("a", "1.1.0").with(func(l *listed) { l.chart = "apiVersion: v2\nname: other\nversion: 1.1.0\n" }),
			v("a", "1.2.0").with(func(l *listed) { l.metadata = "!# licence\n---\nname: a\nversion: 1.2.0\n" }),
			v("a", "1.3.0").with(func(l *listed) { l.metadata += "created: 2026-01-01\n" }),
			v("a", "1.4.0").with(func(l *listed) { l.metadata += "keywords: web\n" }),
			v("a", "1.5.0").with(func(l *listed) { l.metadata = "!name: a\nversion: latest\n" }),
			v("a", "1.6.0").with(func(l *listed) { l.chart = "name: a\n" }),
			v("a", "1.7.0").with(func(l *listed) { l.metadata = "!" }),
		}, []string{
			"a:  (1.7.0 dropped) (1.6.0 dropped) (1.5.0 dropped) (1.4.0 dropped) (1.3.0 dropped) (1.2.0 dropped) (1.1.0 dropped) (1.0.0 dropped)",
			`error version: a 1.5.0 (the version "latest" is not MAJOR.MINOR.PATCH: write it as MAJOR.MINOR.PATCH, such as 1.0.0)`,
			"error not-loaded: a 1.6.0 (validation: chart.metadata.version is required) a 1.0.0 (gzip: invalid header)",
			"error undecodable: a 1.7.0 (it is empty) a 1.4.0 (keywords is a text, and has to be a list) a 1.3.0 (created is \"2026-01-01\", and has to be a time such as 2026-01-31T12:00:00Z)",
			"error no-version: a 1.2.0 (only what stands before line 2 of extension.yaml is read, which is ---)",
			`error other-chart: a 1.1.0 (its Chart.yaml has the name "other")`,
		}},
		"refused by the cluster": {defaults, []listed{
			v("a", "1.0.0"), v("a", "1.1.0").with(func(l *listed) { l.annotations = "{my key: x, kubesphere.io/ok: fine}" }),
			v("b", "1.0.0").with(func(l *listed) { l.annotations = "{big: " + strings.Repeat("x", 262_142) + "}" }),
			v("c", "1.0.0").with(func(l *listed) { l.metadata = "category: Dev Tools\n" }),
			v("d", "1.0.0").with(func(l *listed) { l.metadata += "installationMode: hostOnly\n" }),
			v("e", "1.0.0").with(func(l *listed) {
				l.metadata += "icon: data:image/svg+xml;base64," + strings.Repeat("QUFB", 400_000) + "\n"
			}),
			v("f", "1.0.0").with(func(l *listed) {
				l.metadata += "icon: ./static/i.svg\n"
				l.files = map[string]string{"static/i.svg": "<svg>" + strings.Repeat("x", 1_300_000) + "</svg>"}
			}),
			v("g", "1.0.0").with(func(l *listed) {
				l.metadata += "screenshots:\n- data:image/png;base64," + strings.Repeat("QUFB", 400_000) + "\n"
			}),
			v("h", "1.0.0").with(func(l *listed) {
				l.annotations, l.metadata = "{Kubesphere.IO/Upper_Case.x: x}", "category: AI_1.0\ninstallationMode: Multicluster\nicon: ./static/i.svg\n"
				l.files = map[string]string{"static/i.svg": "<svg>" + strings.Repeat("x", 1_000_000) + "</svg>"}
			}),
			v("i", "1.0.0").with(func(l *listed) { l.metadata = "\n" }),
		}, []string{
			"a:  (1.1.0 refused) (1.0.0 held-back)", "b:  (1.0.0 refused)", "c:  (1.0.0 refused)", "d:  (1.0.0 refused)", "e:  (1.0.0 refused)",
			"f:  (1.0.0 refused)", "g:  (1.0.0 refused)", "h: 1.0.0 *1.0.0", "i: 1.0.0 *1.0.0",
			`error annotation-key: a 1.1.0 ("my key")`, "error annotations-size: b 1.0.0 (262145 bytes)", `error category: c 1.0.0 ("Dev Tools")`,
			`error installation-mode: d 1.0.0 ("hostOnly")`,
			"error too-large: e 1.0.0 (1600391 bytes, of which the icon and texts of the card have 1600372) f 1.0.0 (1733739 bytes, of which the icon and texts of the card have 1733720) g 1.0.0 (1600387 bytes)",
		}},
		"beyond the depth nothing is refused": {Options{Depth: 1}, []listed{
			v("a", "1.1.0"), v("a", "1.0.0").with(func(l *listed) { l.annotations = "{my key: x}" }),
		}, []string{"a: 1.1.0 *1.1.0 (1.0.0 beyond-depth)"}},
		"versions that are odd": {defaults, []listed{
			v("a", "1.0"), v("a", "2.0.0"), v("b", "1"), v("c", "01.2.3"), v("d", "v1.2.3"),
		}, []string{
			"a: 2.0.0 1.0 *2.0.0", "b: 1 *1", "c: 01.2.3 *01.2.3", "d: v1.2.3 *v1.2.3",
			`error short-version: a 1.0 (the version "1.0" is not MAJOR.MINOR.PATCH: write "1.0.0")`,
			`warning odd-version: b 1 (the version "1" is not MAJOR.MINOR.PATCH: write "1.0.0")` +
				` c 01.2.3 (the version "01.2.3" has a number with a leading zero, which KubeSphere does not read: write "1.2.3")`,
		}},
		"one version twice": {defaults, []listed{
			v("a", "1.0.0"), v("a", "1.0.0"), v("a", "1.0.0"), v("a", "0.9.0"), v("b", "1.0.0"), v("b", "v1.0.0"),
		}, []string{
			"a: 1.0.0 *1.0.0 (0.9.0 beyond-depth)", "b: 1.0.0 v1.0.0 *1.0.0",
			"warning listed-twice: a 1.0.0 a 1.0.0", "warning spelled-twice: b v1.0.0 (as 1.0.0, too)",
		}},
		"another version in extension.yaml": {defaults, []listed{
			v("a", "1.0.0").with(func(l *listed) {
				l.metadata, l.digest = "!name: a\nversion: 3.0.0\n", "sha256:"+strings.Repeat("0", 64)
			}), v("a", "2.0.0"),
		}, []string{
			"a: 3.0.0 2.0.0 *3.0.0", "warning version-differs: a 3.0.0 (the index has 1.0.0)", "warning digest: a 3.0.0",
		}},
		"relative addresses": {Options{Depth: 3, Below: true}, []listed{
			v("a", "1.0.0").with(func(l *listed) { l.urls = "[charts/a-1.0.0.tgz]" }), v("a", "1.1.0").with(func(l *listed) { l.urls = "[/charts/a-1.0.0.tgz]" }), v("a", "1.2.0"),
		}, []string{"a: 1.2.0 1.1.0 1.0.0 *1.2.0", "warning relative-url: a 1.0.0"}},
		"only some": {Options{Depth: 3, Only: []string{"b"}}, []listed{v("a", "1.0.0"), v("b", "1.0.0")}, []string{"b: 1.0.0 *1.0.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, seen(replayed(t, c.options, c.entries...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An index that does not load is reported with all entries that are the reason, and what
// would be read of the rest.
func TestIndexThatDoesNotLoad(t *testing.T) {
	for body, want := range map[string][]string{
		"  b:\n  - name: b\n    keywords: x\n    version: 1.0.0\n  - {name: b, version: 1.10}\n": {"does not load", "error index-refused: b 1.0.0 (keywords is a text, and has to be a list) b 1.10 (version is a number, and has to be a text)"},
		"  b:\n  - null\n": {"does not load", "error empty-entry: b"},
		"  a:\n  - name: a\n    version: 1.0.0\n    urls: [x]\n    flavour: sweet\n": {"a: 1.0.0 *1.0.0", "warning index-refused-by-helm: a 1.0.0 (Helm does not know the field flavour)"},
	} {
		index, err := helmrepo.Parse([]byte("apiVersion: v1\nentries:\n" + body))
		if err != nil {
			t.Fatal(err)
		}
		r := New(index, Options{Depth: 3, Only: []string{"a"}})
		if diff := cmp.Diff(want, seen(r.Result())); diff != "" {
			t.Errorf("%s\n%s", diff, body)
		}
	}
	broken := Unreadable(&helmrepo.Refused{Line: 3, Cause: "it is no YAML"})
	if diff := cmp.Diff([]string{"does not load", "error index-refused:  (it is no YAML)"}, seen(&broken)); diff != "" {
		t.Error(diff)
	}
}

// The highest versions come first; what is left out is taken for right.
func TestWanted(t *testing.T) {
	var all []listed
	for _, version := range []string{"1.0.0", "1.1.0", "1.2.0", "1.3.0"} {
		all = append(all, v("b", version), v("a", version))
	}
	index, err := helmrepo.Parse([]byte(indexOf(all)))
	if err != nil {
		t.Fatal(err)
	}
	r := New(index, Options{Depth: 2})
	texts := func() (list []string) {
		for _, entry := range r.Wanted() {
			list = append(list, entry.Name+" "+entry.Version)
		}
		return list
	}
	if diff := cmp.Diff([]string{"a 1.3.0", "b 1.3.0", "a 1.2.0", "b 1.2.0"}, texts()); diff != "" {
		t.Error(diff)
	}
	wanted := r.Wanted()
	r.Know(wanted[0], Failed(errors.New("gone")))
	r.Skip(wanted[1])
	if diff := cmp.Diff([]string{"a 1.2.0", "a 1.1.0", "b 1.2.0"}, texts()); diff != "" {
		t.Error(diff)
	}
	r.Skip(wanted[2])
	r.Skip(wanted[3])
	r.Skip(r.Wanted()[0])
	if diff := cmp.Diff([]string{"a: 1.2.0 1.1.0 *1.2.0 (1.3.0 dropped) (1.0.0 beyond-depth)", "b: 1.3.0 1.2.0 *1.3.0 (1.1.0 beyond-depth) (1.0.0 beyond-depth)", "error not-downloaded: a 1.3.0 (gone)"}, seen(r.Result())); diff != "" {
		t.Error(diff)
	}
	if len(r.Wanted()) > 0 || r.Result().Extensions[1].Versions[0].LookedAt {
		t.Error(r.Wanted())
	}
}

// Every code has a kind, and docs/doctor.md has it.
func TestCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Code]bool{}
	for _, k := range kinds {
		if seen[k.code] || k.message == "" || k.severity == "" || k.effect == "" {
			t.Errorf("%+v", k)
		}
		seen[k.code] = true
		if !strings.Contains(string(page), fmt.Sprintf("| `%s` | %s |", k.code, k.effect)) {
			t.Errorf("docs/doctor.md does not have %s with %s", k.code, k.effect)
		}
	}
	if DefaultDepth != versions.Depth {
		t.Error(DefaultDepth)
	}
}
