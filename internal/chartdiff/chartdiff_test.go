package chartdiff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/output"
)

func object1(kind, name, content string) footprint.Object {
	o := footprint.Object{Where: footprint.Host, APIVersion: "v1", Kind: kind, Namespace: "n", Name: name}
	if err := json.Unmarshal([]byte(content), &o.Content); err != nil {
		panic(content)
	}
	return o
}

// lines are changes as people read them.
func lines(all []Change) (out []string) {
	for _, c := range all {
		out = append(out, string(c.Kind)+" "+c.line())
		for _, f := range c.Fields {
			out = append(out, "  "+f.line())
		}
	}
	return out
}

func TestFieldsOfObjects(t *testing.T) {
	for name, test := range map[string]struct {
		before, now string
		want        []string
	}{
		"nothing":             {`{"a": {"b": [1, {"name": "x"}]}}`, `{"a": {"b": [1, {"name": "x"}]}}`, nil},
		"a number":            {`{"a": {"b": 1}}`, `{"a": {"b": 2}}`, []string{"~ a.b: 1 → 2"}},
		"a type":              {`{"a": "1"}`, `{"a": 1}`, []string{`~ a: "1" → 1`}},
		"a key with dots":     {`{}`, `{"labels": {"x.y/z": "v"}}`, []string{`+ labels."x.y/z": v`}},
		"a table that is new": {`{}`, `{"a": {"b": 1, "c": {"d": 2}}}`, []string{"+ a.b: 1", "+ a.c.d: 2"}},
		"a table that went":   {`{"a": {"b": 1}}`, `{}`, []string{"- a.b: 1"}},
		"null":                {`{"a": null}`, `{"a": 1}`, []string{"~ a: null → 1"}},
		"an empty table":      {`{"a": {"b": 1}}`, `{"a": {}}`, []string{`~ a: {"b":1} → {}`}},
		"named elements":      {`{"l": [{"name": "x", "v": 1}, {"name": "y"}]}`, `{"l": [{"name": "z"}, {"name": "x", "v": 2}]}`, []string{"+ l[z].name: z", "~ l[x].v: 1 → 2", "- l[y].name: y"}},
		"another order":       {`{"l": [{"name": "x"}, {"name": "y"}]}`, `{"l": [{"name": "y"}, {"name": "x"}]}`, nil},
		"elements by index":   {`{"l": ["a", "b"]}`, `{"l": ["a", "c"]}`, []string{"~ l[1]: b → c"}},
		"another length":      {`{"l": ["a"]}`, `{"l": ["a", "b"]}`, []string{`~ l: ["a"] → ["a","b"]`}},
		"ports":               {`{"p": [{"port": 80, "x": 1}]}`, `{"p": [{"port": 80, "x": 2}]}`, []string{"~ p[80].x: 1 → 2"}},
		"a password":          {`{"env": [{"name": "DB_PASSWORD", "value": "a"}]}`, `{"env": [{"name": "DB_PASSWORD", "value": "b"}]}`, []string{"~ env[DB_PASSWORD].value: another value (not shown)"}},
		"no password":         {`{"automountServiceAccountToken": true}`, `{"automountServiceAccountToken": false}`, []string{"~ automountServiceAccountToken: true → false"}},
		"what is generated":   {`{"a": "` + footprint.Generated + `"}`, `{"a": "` + footprint.Generated + `"}`, nil},
		"labels of a version": {`{"metadata": {"labels": {"helm.sh/chart": "a-1", "app.kubernetes.io/version": "1"}}}`, `{"metadata": {"labels": {"helm.sh/chart": "a-2", "app.kubernetes.io/version": "2"}}}`, nil},
	} {
		var want []string
		if test.want != nil {
			want = []string{"changed ConfigMap n/a on host"}
			for _, line := range test.want {
				want = append(want, "  "+line)
			}
		}
		got := lines(objects([]footprint.Object{object1("ConfigMap", "a", test.before)}, []footprint.Object{object1("ConfigMap", "a", test.now)}))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, want)
		}
	}
}

// A value of a Secret is in no output.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "c2VjcmV0LXZhbHVl"
	before := &footprint.Footprint{
		Objects: []footprint.Object{object1("Secret", "a", `{"data": {"x": "`+secret+`1", "gone": "`+secret+`"}}`), object1("Secret", "old", `{"data": {"x": "`+secret+`"}}`)},
		Values:  map[string]any{"db": map[string]any{"password": secret + "1"}},
	}
	now := &footprint.Footprint{
		Objects: []footprint.Object{object1("Secret", "a", `{"data": {"x": "`+secret+`2"}, "stringData": {"y": "`+secret+`"}}`), object1("Secret", "new", `{"stringData": {"x": "`+secret+`"}}`)},
		Values:  map[string]any{"db": map[string]any{"password": secret + "2"}},
	}
	d := Diff{Name: "alc", Changes: Of(before, now)}
	data, err := json.Marshal(d)
	if err != nil || strings.Contains(string(data), secret) || strings.Contains(string(Markdown([]Diff{d})), secret) {
		t.Errorf("%s (%v)", data, err)
	}
	if len(d.Changes) != 4 || len(d.Changes[0].Fields) != 3 {
		t.Errorf("changes: %q", lines(d.Changes))
	}
}

func TestOtherSections(t *testing.T) {
	rule := func(verbs ...string) []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods", "secrets"}, Verbs: verbs}}
	}
	crd := func(versions string) footprint.Object {
		return object1("CustomResourceDefinition", "xs.y", `{"spec": {"scope": "Cluster", "versions": `+versions+`}}`)
	}
	before := &footprint.Footprint{
		Images: []string{"a/b:1", "c:1", "e:5000/f@sha256:1"}, ClusterRights: rule("get", "list"), Size: 1000,
		Dependencies: map[string]string{"redis": "chart 1.0.0", "old": "chart 1"}, Texts: map[string]any{"version": "1.0.0"},
		Objects: []footprint.Object{crd(`[{"name": "v1", "served": true, "schema": {"a": 1}}, {"name": "v2", "served": true}, {"name": "v3", "served": false}]`)},
	}
	now := &footprint.Footprint{
		Images: []string{"a/b:2", "d:1", "e:5000/f@sha256:2"}, ClusterRights: rule("get", "watch"), Size: 2000,
		Dependencies: map[string]string{"redis": "chart 2.0.0", "extension bee": "extension >=1"}, Texts: map[string]any{"version": "1.1.0", "home": "https://x"},
		Objects: []footprint.Object{crd(`[{"name": "v1", "served": true, "schema": {"a": 2}}, {"name": "v2", "served": false}, {"name": "v4"}]`)},
	}
	want := []string{
		"changed xs.y on host", "  ~ version v1: 1 fields of its definition differ", "  - version v2: served", "  + version v4: served",
		"removed list pods, secrets (core) in the cluster", "added watch pods, secrets (core) in the cluster",
		"changed a/b: 1 → 2", "removed c:1", "added d:1", "changed e:5000/f: @sha256:1 → @sha256:2",
		"added extension bee: extension >=1", "removed old: chart 1", "changed redis: chart 1.0.0 → chart 2.0.0",
		"added home: https://x", "changed version: 1.0.0 → 1.1.0",
		"changed +1000 bytes: 1000 B → 2.0 KiB",
	}
	if got := lines(Of(before, now)); !reflect.DeepEqual(got, want) {
		t.Errorf("changes are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := Of(now, now); len(got) != 0 {
		t.Errorf("of itself: %v", got)
	}
}

// Long lists are cut in what people read, and texts of others are words or code there.
func TestMarkdownIsBounded(t *testing.T) {
	before, now := &footprint.Footprint{}, &footprint.Footprint{Values: map[string]any{}}
	for i := range 300 {
		now.Values[fmt.Sprintf("key%03d", i)] = strings.Repeat("x", 10_000)
	}
	now.Values["|</details>\n\x1b[2J@team"] = "[x](https://evil.example)|\n# title"
	now.Objects = []footprint.Object{object1("ConfigMap", "@team|", `{"data": {"a": "<script>"}}`)}
	d := Diff{Name: "alc", Version: "1.0.0|#1", Against: "@main", Changes: Of(before, now), Notes: []string{"see #1"}}
	page := string(Markdown([]Diff{d}))
	if len(page) > 50_000 || strings.Contains(page, "\x1b") || !strings.Contains(page, "and 141 more") {
		t.Errorf("%d bytes\n%.3000s", len(page), page)
	}
	for _, line := range strings.Split(page, "\n") {
		outside := ""
		for i, part := range strings.Split(line, "`") {
			if i%2 == 0 {
				outside += part
			}
		}
		if strings.ContainsAny(outside, "@[") || strings.Contains(outside, "#1") || strings.Contains(outside, "<script") {
			t.Errorf("%q has more than words outside of code", line)
		}
	}
}

// Of many extensions those that changed are seen, and the others counted.
func TestEqualOnesAreCounted(t *testing.T) {
	var diffs []Diff
	for i := range 9 {
		diffs = append(diffs, Diff{Name: fmt.Sprintf("a%d", i), Version: "1.0.0", Against: "x", Equal: i != 3})
	}
	for name, test := range map[string]struct {
		diffs          []Diff
		text, markdown string
	}{
		"many": {diffs,
			"a3 1.0.0, compared with x\n  files differ, and an administrator notices nothing\n\nof 8 extensions the content is the same: a0 1.0.0, a1 1.0.0, a2 1.0.0, a4 1.0.0, a5 1.0.0, a6 1.0.0 and 2 more\n",
			"### a3 1.0.0, compared with x\n\nfiles differ, and an administrator notices nothing.\n\n\nOf 8 extensions the content is the same.\n"},
		"all": {diffs[:3], "of 3 extensions the content is the same: a0 1.0.0, a1 1.0.0, a2 1.0.0\n", "\nOf 3 extensions the content is the same.\n"},
		"one": {diffs[:1], "a0 1.0.0, compared with x\n  the content is the same\n", "### a0 1.0.0, compared with x\n\nthe content is the same.\n\n"},
		"one with a note": {append([]Diff{{Name: "b", Version: "1.0.0", Against: "x", Equal: true, Notes: []string{"read"}}}, diffs[:2]...),
			"b 1.0.0, compared with x\n  the content is the same\n  note: read\n\nof 2 extensions the content is the same: a0 1.0.0, a1 1.0.0\n",
			"### b 1.0.0, compared with x\n\nthe content is the same.\n\n\nread\n\nOf 2 extensions the content is the same.\n"},
	} {
		var printed bytes.Buffer
		Text(output.New(&printed), test.diffs)
		if got := printed.String(); got != test.text {
			t.Errorf("%s: %q\nwant %q", name, got, test.text)
		}
		if got := string(Markdown(test.diffs)); got != test.markdown {
			t.Errorf("%s: %q\nwant %q", name, got, test.markdown)
		}
	}
}
