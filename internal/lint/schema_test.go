package lint

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// TestSchema: slips and wrong types are told at every level of extension.yaml.
func TestSchema(t *testing.T) {
	const provider = "provider: {en: {name: Example}}"
	testFindings(t, []findingTest{
		{
			name:    "misspelt in a provider",
			changes: []string{"extension.yaml", replaced(goodMetadata, provider, "provider: {en: {name: Example, emial: a@kubesphere.io}}")},
			want:    []string{`warning schema ext/extension.yaml:7:32: unknown key "emial" in provider.en`},
			hint:    `did you mean "email"?`,
		},
		{
			name:    "misspelt in a dependency",
			changes: []string{"extension.yaml", replaced(goodMetadata, "    tags: [extension]\n", "    conditon: web.enabled\n")},
			want:    []string{`warning schema ext/extension.yaml:13:5: unknown key "conditon" in item 1 of dependencies`},
			hint:    `did you mean "condition"?`,
		},
		{
			name:    "misspelt in an external dependency and a maintainer",
			changes: []string{"extension.yaml", goodMetadata + "externalDependencies:\n  - {name: db, require: true}\nmaintainers: [Ann, {name: Bee, mail: b@kubesphere.io}]\n"},
			want: []string{
				`warning schema ext/extension.yaml:17:16: unknown key "require" in item 1 of externalDependencies`,
				`warning schema ext/extension.yaml:18:32: unknown key "mail" in item 2 of maintainers`,
			},
			hint: `did you mean "required"?`,
		},
		{
			name:    "misspelt where it has to be",
			changes: []string{"extension.yaml", replaced(replaced(goodMetadata, "displayName:", "displayname:"), "category:", "categroy:")},
			want: []string{
				`error schema ext/extension.yaml:4:1: unknown key "displayname", and "displayName" is missing`,
				`error schema ext/extension.yaml:6:1: unknown key "categroy", and "category" is missing`,
			},
			hint: `did you mean "displayName"?`,
		},
		{
			name:    "misspelt where it has to be, below",
			changes: []string{"extension.yaml", replaced(goodMetadata, "- name: web\n", "- nmae: web\n")},
			want: []string{
				`error schema ext/extension.yaml:12:5: unknown key "nmae" in item 1 of dependencies, and "name" is missing`,
			},
		},
		{
			name:    "an icon that is no text",
			changes: []string{"extension.yaml", replaced(goodMetadata, "icon: static/icon.svg", "icon: 3")},
			want:    []string{`error schema ext/extension.yaml:8:7: "icon" must be a string, not a number`},
		},
		{
			name:    "a note",
			changes: []string{"extension.yaml", goodMetadata + "x-owner: {team: web}\n"},
			want:    []string{`warning schema ext/extension.yaml:16:1: unknown key "x-owner"`},
			hint:    "KubeSphere ignores it: correct its name, or remove it",
		},
		{name: "annotations have any keys", changes: []string{"extension.yaml", goodMetadata + "annotations: {kubesphere.io/x: y, nmae: 1}\n"}},
		{
			name:    "wrong types at each level",
			changes: []string{"extension.yaml", goodMetadata + "keywords: [1]\nsources: https://kubesphere.io\nexternalDependencies: [{name: db, required: 'yes', version: 2}]\nannotations: {a: [b]}\n"},
			want: []string{
				`error schema ext/extension.yaml:16:12: item 1 of "keywords" must be a string, not a number`,
				`error schema ext/extension.yaml:17:10: "sources" must be empty or a list, not a string`,
				`error schema ext/extension.yaml:18:45: "required" must be empty or true or false, not a string`,
				`error schema ext/extension.yaml:18:61: "version" must be empty or a string, not a number`,
				`error schema ext/extension.yaml:19:18: "a" must be true or false or a number or a string, not a list`,
			},
		},
		{
			name:    "wrong types in a dependency",
			changes: []string{"extension.yaml", replaced(goodMetadata, "tags: [extension]", "tags: extension\n    condition: [a]\n    enabled: 'no'")},
			want: []string{
				`error schema ext/extension.yaml:13:11: "tags" must be empty or a list, not a string`,
				`error schema ext/extension.yaml:14:16: "condition" must be empty or a string, not a list`,
				`error schema ext/extension.yaml:15:14: "enabled" must be empty or true or false, not a string`,
			},
		},
		{
			name:    "what has to be there",
			changes: []string{"extension.yaml", replaced(replaced(replaced(goodMetadata, "apiVersion: kubesphere.io/v1alpha1\n", ""), provider, "provider:"), "icon: static/icon.svg", "icon: ''") + "externalDependencies: [{version: '1'}]\n"},
			want: []string{
				`error schema ext/extension.yaml:1:1: key "apiVersion" is missing`,
				`error schema ext/extension.yaml:6:1: "provider" has no value; it must be a mapping`,
				`error icon ext/extension.yaml:7:7: icon is empty`,
				`error schema ext/extension.yaml:15:24: key "name" is missing`,
			},
		},
	})
}

// TestDuplicateKeys: keys that stand there twice keep an extension from being
// read at all; each is told, at every level.
func TestDuplicateKeys(t *testing.T) {
	source := goodMetadata + "name: again\nexternalDependencies:\n  - name: db\n    version: '1'\n    version: '2'\n"
	_, err := loadQuietly(t, with(goodFiles(), "extension.yaml", replaced(source, "{name: Example}", "{name: Example, name: Other}")))
	var problems yamldoc.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("the error is %v", err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message))
	}
	want := []string{
		`ext/extension.yaml:7:32: key "name" is given twice; it stands on line 7 already`,
		`ext/extension.yaml:16:1: key "name" is given twice; it stands on line 2 already`,
		`ext/extension.yaml:20:5: key "version" is given twice; it stands on line 19 already`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
