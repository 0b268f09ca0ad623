package request

import (
	"maps"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/tags"
)

var declared = map[string][]string{
	"foo": {"1.0.0"}, "foo-bar": {"v2.0.0"}, "museum": {"1.0.0", "1.1.0"}, "twice": {"1.0.0", "v1.0.0"}, "broken": {""},
}

func TestTitlesAndComments(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"release foo":                  {"foo": ""},
		"release foo, foo-bar":         {"foo": "", "foo-bar": ""},
		"release foo,foo-bar":          {"foo": "", "foo-bar": ""},
		"  release  foo ,  foo-bar \n": {"foo": "", "foo-bar": ""},
		"release foo@1.0.0":            {"foo": "1.0.0"},
		"release foo@v1.0.0":           {"foo": "1.0.0"},
		"release foo-bar@2.0.0":        {"foo-bar": "v2.0.0"},
		"release museum":               {"museum": ""},
		"release museum@1.1.0":         {"museum": "1.1.0"},
		"release twice@v1.0.0":         {"twice": "v1.0.0"},
		"release broken@1.0.0":         {"broken": ""},
		"/release foo foo-bar":         {"foo": "", "foo-bar": ""},
		"/release  foo@1.0.0  museum ": {"foo": "1.0.0", "museum": ""},
	} {
		r, err := FromTitle(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := r.Choose(declared); err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestOtherTexts(t *testing.T) {
	for text, want := range map[string][2]string{
		"":                                      {`the title "" asks for no release`, `write the title as "release NAME"`},
		"Fix a typo":                            {`the title "Fix a typo" asks for no release`, "release NAME1, NAME2"},
		"Release foo":                           {`asks for no release`, "release NAME"},
		"released foo":                          {`asks for no release`, ""},
		"release":                               {"the title names no extension", ""},
		"/release":                              {"the comment names no extension", ""},
		"/released foo":                         {`the comment "/released foo" asks for no release`, ""},
		"release ,foo":                          {"has nothing before or behind a comma", ""},
		"release foo,":                          {"has nothing before or behind a comma", ""},
		"release foo foo-bar":                   {`"foo foo-bar" in the title is no name of an extension`, "divide the names by commas: release foo, foo-bar"},
		"release foo v1.0.0":                    {`"foo v1.0.0" in the title is no name of an extension`, "write foo@v1.0.0"},
		"/release foo, bar":                     {`"foo," in the comment is no name`, ""},
		"release foo, foo":                      {"the title names foo twice", "once"},
		"release foo@1.0.0, foo":                {"the title names foo twice", "once"},
		"release foo@1.0":                       {`"1.0" in the title is no version`, "such as foo@1.2.0"},
		"release foo@":                          {`"" in the title is no version`, ""},
		"release Foo":                           {`"Foo" in the title is no name`, ""},
		"release foo; rm -rf /":                 {`"foo; rm -rf /" in the title is no name`, ""},
		"release $(id)":                         {`"$(id)" in the title is no name`, ""},
		"release --only":                        {`"--only" in the title is no name`, ""},
		"release foo\nrelease bar":              {"several lines", ""},
		"/release foo\r\nthanks":                {"several lines", ""},
		"release foo\x1b[2J":                    {`"foo\x1b[2J" in the title is no name`, ""},
		"release f\u200boo":                     {`"f\u200boo" in the title is no name`, ""},
		"release fоо":                           {`is no name of an extension`, ""}, // with letters that look alike
		"release ../foo":                        {`"../foo" in the title is no name`, ""},
		"release " + strings.Repeat("a,", 5000): {"has 10008 bytes", ""},
	} {
		r, err := FromTitle(text)
		if err == nil || !strings.Contains(err.Error(), want[0]) || !strings.Contains(failure.Hint(err), want[1]) || failure.Hint(err) == "" {
			t.Errorf("%q: %+v, %v (hint: %s)", text, r, err, failure.Hint(err))
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	for text, want := range map[string][2]string{
		"release fooo":         {"the title asks for fooo, and no extension has that name", `did you mean "foo"?`},
		"/release xyz":         {"the comment asks for xyz, and no extension has that name", "there are: broken, foo, foo-bar, museum, twice"},
		"release foo@1.1.0":    {`the title "release foo@1.1.0" asks for foo 1.1.0, but its extension.yaml has 1.0.0`, "the version that extension.yaml has"},
		"release museum@3.0.0": {"but declared are 1.0.0, 1.1.0", ""},
		"release fooo, xyzzy":  {"xyzzy", ""},
	} {
		r, err := FromTitle(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got, err := r.Choose(declared)
		if err == nil || got != nil || !strings.Contains(err.Error(), want[0]) || !strings.Contains(failure.Hint(err), want[1]) {
			t.Errorf("%q: %v, %v (hint: %s)", text, got, err, failure.Hint(err))
		}
	}
}

func TestTags(t *testing.T) {
	for tag, want := range map[string]map[string]string{
		"foo/v1.0.0":               {"foo": "1.0.0"},
		"refs/tags/foo-bar/v2.0.0": {"foo-bar": "v2.0.0"},
		"foo-bar-2.0.0":            {"foo-bar": "v2.0.0"},
		"museum/1.1.0":             {"museum": "1.1.0"},
		"broken-1.0.0":             {"broken": ""},
	} {
		if got, err := FromTag(tag, nil).Choose(declared); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v, %v", tag, got, err)
		}
	}
	for tag, want := range map[string][2]string{
		"foo/v1.1.0":   {`the tag "foo/v1.1.0" asks for foo 1.1.0, but its extension.yaml has 1.0.0`, "ksrelease bump foo --set 1.1.0"},
		"v1.0.0":       {`the tag "v1.0.0" means no declared extension`, "{name}/v{version}"},
		"twice/v1.0.0": {`which is declared as 1.0.0 and v1.0.0`, "both spellings"},
	} {
		if got, err := FromTag(tag, nil).Choose(declared); err == nil || got != nil || !strings.Contains(err.Error(), want[0]) || !strings.Contains(failure.Hint(err), want[1]) {
			t.Errorf("%s: %v, %v (hint: %s)", tag, got, err, failure.Hint(err))
		}
	}
}

func TestOneOfSomeTags(t *testing.T) {
	r := FromTags([]string{"v1", "foo/v1.0.0", "latest"}, nil)
	if got, err := r.Choose(declared); err != nil || got["foo"] != "1.0.0" || r.Text != "foo/v1.0.0" {
		t.Errorf("%v, %q, %v", got, r.Text, err)
	}
	p, err := tags.ParsePattern("{name}-{version}")
	if err != nil {
		t.Fatal(err)
	}
	q, err := tags.ParsePattern("{name}-{version}-rc")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		all      []string
		patterns []tags.Pattern
		message  string
	}{
		{nil, nil, "no tag was found: CI names none, and the commit that is checked out has no tag"},
		{[]string{"v1", "a\x1bb"}, nil, `no tag of the commit that is checked out means a declared extension: "v1", "a\x1bb"`},
		{[]string{"foo/v1.0.0", "museum/v1.1.0"}, nil, `the commit that is checked out has several tags of extensions: "foo/v1.0.0", "museum/v1.1.0"`},
		{[]string{"foo-1.0.0-rc"}, []tags.Pattern{p, q}, "is ambiguous"},
		{[]string{"1", "2", "3", "4", "5", "6", "7"}, nil, `"5" and 2 more`},
	} {
		if got, err := FromTags(c.all, c.patterns).Choose(declared); err == nil || got != nil || !strings.Contains(err.Error(), c.message) || failure.Hint(err) == "" {
			t.Errorf("%q: %v, %v", c.all, got, err)
		}
	}
}

func TestTagOfCI(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"foo/v1.0.0": {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "foo/v1.0.0", "GITHUB_REF": "refs/tags/foo/v1.0.0", "TAG_NAME": "other"},
		"bar/v1.0.0": {"GITHUB_REF": "refs/tags/bar/v1.0.0"},
		"":           {"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main", "GITHUB_REF": "refs/heads/main"},
		"lab-1.0.0":  {"GITLAB_CI": "true", "CI_COMMIT_TAG": "lab-1.0.0"},
		"jen-1.0.0":  {"JENKINS_URL": "http://x", "TAG_NAME": "jen-1.0.0"},
	} {
		if got := TagOfCI(func(name string) (string, bool) { v, ok := env[name]; return v, ok }); got != want {
			t.Errorf("%v: %q", env, got)
		}
	}
}

func FuzzFromTitle(f *testing.F) {
	f.Add("release foo, foo-bar@1.0.0")
	f.Add("/release foo bar")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := FromTitle(text)
		if err != nil {
			return
		}
		chosen, err := r.Choose(declared)
		for name := range chosen {
			if _, ok := declared[name]; !ok || !strings.Contains(text, name) {
				t.Errorf("%q chooses %s, %v", text, name, err)
			}
		}
	})
}

// Versions of one extension are declared by one name, and take none of the others away.
func TestUnknownAmongVersions(t *testing.T) {
	err := Unknown([]string{"nobody", "foo", "museum", "else"}, []string{"museum", "museum", "museum", "foo", "foo", "foo"})
	if err == nil || err.Error() != "no extension is named \"nobody\"\nno extension is named \"else\"" || !strings.Contains(failure.Hint(err), "there are: foo, museum") {
		t.Errorf("%v: %s", err, failure.Hint(err))
	}
}
