package tags

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
)

func patterns(t testing.TB, texts ...string) (all []Pattern) {
	t.Helper()
	for _, text := range texts {
		p, err := ParsePattern(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, p)
	}
	return all
}

func TestRead(t *testing.T) {
	declared := []string{"foo", "foo-bar", "whizard-logging", "whizard", "a.b", "1.0.0"}
	for _, c := range []struct {
		tag, want string
		patterns  []string
	}{
		{tag: "foo/v1.2.3", want: "foo@1.2.3"},
		{tag: "foo/1.2.3", want: "foo@1.2.3"},
		{tag: "foo-1.2.3", want: "foo@1.2.3"},
		{tag: "foo-v1.2.3", want: "foo@1.2.3"},
		{tag: "refs/tags/foo/v1.2.3", want: "foo@1.2.3"},
		{tag: "foo-bar-1.0.0", want: "foo-bar@1.0.0"},
		{tag: "whizard-logging/v1.5.0", want: "whizard-logging@1.5.0"},
		{tag: "foo/v1.0.0-rc.1", want: "foo@1.0.0-rc.1"},
		{tag: "foo-1.0.0-rc-2", want: "foo@1.0.0-rc-2"},
		{tag: "foo/1.0.0-rc.1+build.5", want: "foo@1.0.0-rc.1+build.5"},
		{tag: "foo-1.0.0-1.0.0", want: "foo@1.0.0-1.0.0"},
		{tag: "a.b-1.0.0", want: "a.b@1.0.0"},
		{tag: "1.0.0/2.0.0", want: "1.0.0@2.0.0"},
		{tag: "release/foo@1.0.0", patterns: []string{"release/{name}@{version}"}, want: "foo@1.0.0"},
		{tag: "foo-1.0.0-kse", patterns: []string{"{name}-{version}-kse"}, want: "foo@1.0.0"},
		{tag: "v1.0.0-foo-bar", patterns: []string{"v{version}-{name}"}, want: "foo-bar@1.0.0"},
		{tag: "foo/1.0.0", patterns: []string{"refs/tags/{name}/{version}"}, want: "foo@1.0.0"},
	} {
		got, err := NewReader(patterns(t, c.patterns...), declared).Read(c.tag)
		if err != nil || got.String() != c.want || got.Text != strings.TrimPrefix(c.tag, "refs/tags/") {
			t.Errorf("%s: %v (%q), %v; want %s", c.tag, got, got.Text, err, c.want)
		}
	}
}

func TestTagsThatAreNotRead(t *testing.T) {
	declared := []string{"foo", "foo-bar", "1.0.0", "2.0.0"}
	for _, c := range []struct {
		tag, message, hint string
		patterns           []string
		kind               error
	}{
		{tag: "v1.2.3", message: `the tag "v1.2.3" means no declared extension`, hint: "tags have the form {name}/v{version}, {name}/{version} or {name}-{version}, with one of these names: 1.0.0, 2.0.0, foo, foo-bar"},
		{tag: "fooo/v1.2.3", message: `the tag "fooo/v1.2.3" means no declared extension`, hint: "did you mean foo/v1.2.3?"},
		{tag: "foo/v1.2", message: `the tag "foo/v1.2" means no declared extension`},
		{tag: "foo/vv1.2.3", message: `means no declared extension`},
		{tag: "foo/v01.2.3", message: `means no declared extension`},
		{tag: "foo/v1.2.3/x", message: `means no declared extension`},
		{tag: "foo/v1.2.3 ", message: `means no declared extension`},
		{tag: "foo/v1.2.3\x1b[2J", message: `the tag "foo/v1.2.3\x1b[2J" means no declared extension`},
		{tag: "-x", message: `the tag "-x" means no declared extension`},
		{tag: "", message: `the tag "" means no declared extension`},
		{tag: "refs/heads/foo/v1.2.3", message: `"refs/heads/foo/v1.2.3" is a branch, and no tag`},
		{tag: "foo/v1.2.3-" + strings.Repeat("a", 300), message: `has 311 characters`},
		{
			tag: "2.0.0/1.0.0", patterns: []string{"{name}/{version}", "{version}/{name}"}, kind: ErrAmbiguous,
			message: `the tag "2.0.0/1.0.0" is ambiguous: it may be 2.0.0@1.0.0 and 1.0.0@2.0.0`,
			hint:    "make a tag that only one of the patterns reads ({name}/{version} or {version}/{name}), or change tags.patterns in .ksrelease.yaml",
		},
		{tag: "foo-1.0.0-rc", patterns: []string{"{name}-{version}", "{name}-{version}-rc"}, kind: ErrAmbiguous, message: `it may be foo@1.0.0-rc and foo@1.0.0`},
		{tag: "v1.0.0", patterns: []string{"v{version}"}, message: `the tag "v1.0.0" does not say which extension: its pattern v{version} is for a project with one extension, and 4 are declared`, hint: "name the extension in the tag, such as 1.0.0/v1.0.0"},
	} {
		if c.kind == nil {
			c.kind = ErrUnmatched
		}
		got, err := NewReader(patterns(t, c.patterns...), declared).Read(c.tag)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.message) || !strings.Contains(failure.Hint(err), c.hint) || failure.Hint(err) == "" {
			t.Errorf("%q: %v, %v (hint: %s)", c.tag, got, err, failure.Hint(err))
		}
	}
	if _, err := NewReader(nil, nil).Read("foo/v1.0.0"); !strings.Contains(failure.Hint(err), "no extension is declared") {
		t.Errorf("without extensions: %v (%s)", err, failure.Hint(err))
	}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("extension-%02d", i))
	}
	if _, err := NewReader(nil, many).Read("main"); !strings.HasSuffix(failure.Hint(err), "extension-09 and 90 more") {
		t.Errorf("with many extensions: %s", failure.Hint(err))
	}
}

func TestMeans(t *testing.T) {
	r := NewReader(nil, []string{"foo"})
	for tag, version := range map[string]string{"foo/v1.0.0": "1.0.0", "foo/1.0.0": "v1.0.0", "foo-v1.0.0": "v1.0.0"} {
		if got, err := r.Read(tag); err != nil || !got.Means(version) || got.Means("1.0.1") {
			t.Errorf("%s: %v, %v", tag, got, err)
		}
	}
}

func TestOneExtensionNeedsNoName(t *testing.T) {
	r := NewReader(patterns(t, "v{version}"), []string{"tower"})
	if got, err := r.Read("v1.0.0"); err != nil || got.String() != "tower@1.0.0" {
		t.Errorf("read: %v, %v", got, err)
	}
	if got, err := r.Format("tower", "1.0.0"); err != nil || got != "v1.0.0" {
		t.Errorf("formatted: %q, %v", got, err)
	}
}

func TestFormat(t *testing.T) {
	declared := []string{"foo", "foo-1.0.0", "x.lock"}
	for _, c := range []struct {
		name, version, want string
		patterns            []string
	}{
		{name: "foo", version: "1.2.3", want: "foo/v1.2.3"},
		{name: "foo", version: "v1.2.3", want: "foo/v1.2.3"},
		{name: "foo", version: "v1.2.3", patterns: []string{"{name}/{version}"}, want: "foo/v1.2.3"},
		{name: "foo", version: "1.2.3-rc.1", patterns: []string{"{name}-{version}"}, want: "foo-1.2.3-rc.1"},
		{name: "foo", version: "1.2.3", patterns: []string{"v{version}", "rel/{version}/{name}"}, want: "rel/1.2.3/foo"},
		{name: "x.lock", version: "1.2.3", want: "x.lock-1.2.3"}, // git takes no x.lock/v1.2.3
		{name: "foo", version: "1.0.0-2.0.0", want: "foo/v1.0.0-2.0.0"},
	} {
		if got, err := NewReader(patterns(t, c.patterns...), declared).Format(c.name, c.version); err != nil || got != c.want {
			t.Errorf("%s %s: %q, %v; want %q", c.name, c.version, got, err, c.want)
		}
	}
	for _, c := range []struct{ name, version, message, pattern string }{
		{"foo", "1.0.0-2.0.0", `the tag "foo-1.0.0-2.0.0", which the pattern {name}-{version} makes of foo 1.0.0-2.0.0, means foo-1.0.0 2.0.0`, "{name}-{version}"},
		{"foo", "1.0.0-a.lock", `git takes no tag "foo/v1.0.0-a.lock"`, "{name}/v{version}"},
		{"foo", "1.0.0", `the pattern v{version} names no extension, and 3 are declared`, "v{version}"},
		{"foo", "1.0", `the tag "foo/v1.0" means no declared extension`, "{name}/v{version}"},
	} {
		got, err := NewReader(patterns(t, c.pattern), declared).Format(c.name, c.version)
		if err == nil || !strings.Contains(err.Error(), c.message) || failure.Hint(err) == "" {
			t.Errorf("%s %s: %q, %v", c.name, c.version, got, err)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, good := range append(BuiltIn(), "v{version}", "{version}", "charts/{name}/release-{version}", "{name}_{version}", "{version}@{name}", "k8s.{name}.{version}.end") {
		if _, err := ParsePattern(good); err != nil {
			t.Errorf("%q is refused: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "{name}", "{name}{version}", "{name}/{name}/{version}", "{version}/{version}", "{name}/{vers}/{version}", "-{name}-{version}", "/{name}/{version}",
		"{name}/{version}/", "{name}//{version}", "{name}..{version}", "{name}/.{version}", "{name} {version}", "{name}~{version}", "{name}/{version}\n", "{name}:{version}",
		"refs/heads/-{version}", "名/{version}", "{name}-{version}.",
	} {
		if p, err := ParsePattern(bad); err == nil {
			t.Errorf("%q is taken: %+v", bad, p)
		}
	}
}

func TestReleases(t *testing.T) {
	r := NewReader(nil, []string{"foo", "foo-bar"})
	all := []string{"foo/v1.9.0", "v9.9.9", "refs/tags/foo/v1.10.0", "foo-1.10.0-rc.1", "foo-bar-2.0.0", "foo-1.10.0", "other/v7.0.0", "foo/1.10.0", strings.Repeat("a", 300)}
	var got []string
	for _, tag := range r.Releases(all)["foo"] {
		got = append(got, tag.Text)
	}
	if want := []string{"foo/v1.10.0", "foo/1.10.0", "foo-1.10.0", "foo-1.10.0-rc.1", "foo/v1.9.0"}; !slices.Equal(got, want) {
		t.Errorf("releases of foo: %q", got)
	}
	newest := r.Newest(all)
	if newest["foo"].Text != "foo/v1.10.0" || newest["foo-bar"].Version != "2.0.0" || len(newest) != 2 {
		t.Errorf("newest: %v", newest)
	}
}

// FuzzRead holds Format to Read: whatever it makes means that version.
func FuzzRead(f *testing.F) {
	f.Add("foo/v1.0.0", "{name}/v{version}", "foo")
	f.Add("foo-1.0.0", "{name}-{version}", "foo-bar")
	f.Fuzz(func(t *testing.T, tag, pattern, name string) {
		p, err := ParsePattern(pattern)
		if err != nil {
			return
		}
		r := NewReader([]Pattern{p}, []string{name, "foo", "foo-bar"})
		got, err := r.Read(tag)
		if err != nil {
			return
		}
		if again, err := r.Format(got.Name, got.Version); err == nil {
			if back, err := r.Read(again); err != nil || back.Name != got.Name || back.Version != got.Version {
				t.Errorf("%q means %v, whose tag %q means %v, %v", tag, got, again, back, err)
			}
		}
	})
}

// BenchmarkReleases reads 10,000 tags for 1,000 extensions.
func BenchmarkReleases(b *testing.B) {
	var names, all []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("extension-%d", i))
		for j := range 10 {
			all = append(all, fmt.Sprintf("extension-%d/v1.%d.0", i, j))
		}
	}
	r := NewReader(nil, names)
	for b.Loop() {
		if len(r.Newest(all)) != 1000 {
			b.Fatal("not all were read")
		}
	}
}
