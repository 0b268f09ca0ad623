package lint

import (
	"strings"
	"testing"
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

// What KubeSphere's controller reads of an extension.yaml that others would refuse, and
// what keeps it from reading one that others take.
func TestExtensionYAMLAsTheControllerReadsIt(t *testing.T) {
	const at = "ext/extension.yaml:"
	testFindings(t, []findingTest{
		{name: "a key twice", changes: []string{"extension.yaml", goodMetadata + "screenshots:\n  - static/one.png\n"}, want: []string{
			"warning schema " + at + `16:1: key "screenshots" is given twice: KubeSphere takes the value here, the last one, and not that on line 9`},
			hint: "keep one of them"},
		{name: "a key three times", changes: []string{"extension.yaml", goodMetadata + "home: https://a.example\nhome: https://b.example\nhome: https://c.example\n"}, want: []string{
			"warning schema " + at + `18:1: key "home" is given twice: KubeSphere takes the value here, the last one, and not that on line 17`}},
		{name: "a key twice below others", changes: []string{"extension.yaml", replaced(goodMetadata, "provider: {en: {name: Example}}", "provider: {en: {name: Old, name: Example}}")}, want: []string{
			"warning schema " + at + `7:28: key "name" is given twice: KubeSphere takes the value here, the last one, and not that on line 7`}},
		{name: "the last one is wrong", changes: []string{"extension.yaml", goodMetadata + "icon: static/none.svg\n"}, want: []string{
			"error icon " + at + `16:7: icon "static/none.svg" names no file of the extension`,
			"warning schema " + at + `16:1: key "icon" is given twice: KubeSphere takes the value here, the last one, and not that on line 8`}},
		{name: "merge keys, which are no key twice", changes: []string{"extension.yaml", goodMetadata + "<<: {home: https://a.example}\n<<: {docs: https://b.example}\n"}},
		{name: "an empty document at the end", changes: []string{"extension.yaml", goodMetadata + "---\n"}},
		{name: "a comment as the last document", changes: []string{"extension.yaml", goodMetadata + "---\n# the end\n\n...\n"}},
		{name: "a marker as the first line", changes: []string{"extension.yaml", "---\n" + goodMetadata}},
		{name: "a marker with a comment as the first line", changes: []string{"extension.yaml", "--- # ours\n" + goodMetadata}},
		{name: "a comment, and no marker", changes: []string{"extension.yaml", "# licence\n\n" + goodMetadata}},
		{name: "a second document", changes: []string{"extension.yaml", goodMetadata + "---\nname: other\n"}, want: []string{
			"warning schema " + at + "16:1: a second document starts here: KubeSphere reads only the first"}},
		{name: "a second document that is no YAML", changes: []string{"extension.yaml", goodMetadata + "---\nname: [\n"}, want: []string{
			"warning schema " + at + "16:1: a second document starts here: KubeSphere reads only the first"}},
		{name: "a comment, then a marker", changes: []string{"extension.yaml", "# licence\n---\n" + goodMetadata}, want: []string{
			"error schema " + at + "2:1: KubeSphere reads only what stands before this line, and no field does, so it drops the version silently"},
			hint: "take out this line, or make it the first of the file"},
		{name: "blank lines, then a marker", changes: []string{"extension.yaml", "\n\n--- # here\n" + goodMetadata}, want: []string{
			"error schema " + at + "3:1: KubeSphere reads only what stands before this line, and no field does, so it drops the version silently"}},
		{name: "a byte order mark, a comment, then a marker", changes: []string{"extension.yaml", "\ufeff# licence\n---\n" + goodMetadata}, want: []string{
			"error schema " + at + "2:1: KubeSphere reads only what stands before this line, and no field does, so it drops the version silently"}},
		{name: "CRLF, a comment, then a marker", changes: []string{"extension.yaml", strings.ReplaceAll("# licence\n---\n"+goodMetadata, "\n", "\r\n")}, want: []string{
			"error schema " + at + "2:1: KubeSphere reads only what stands before this line, and no field does, so it drops the version silently"}},
		{name: "content behind a marker", changes: []string{"extension.yaml", goodMetadata + "--- x\n"}, want: []string{
			"error schema " + at + "16:1: KubeSphere does not read this line, which begins with ---, and so drops the version silently"}},
		{name: "a line of hyphens", changes: []string{"extension.yaml", "# ----\n" + goodMetadata}},
		{name: "a field that KubeSphere fills", changes: []string{"extension.yaml", goodMetadata + "repository: {url: x}\n"}, want: []string{
			"warning schema " + at + `16:1: unknown key "repository"`,
			"error schema " + at + "16:13: repository is a mapping, and has to be a text: KubeSphere cannot decode it, and drops the version silently"}},
		{name: "created as a text", changes: []string{"extension.yaml", goodMetadata + "created: yesterday\n"}, want: []string{
			"warning schema " + at + `16:1: unknown key "created"`,
			"error schema " + at + `16:10: created is "yesterday", and has to be a time such as 2026-01-31T12:00:00Z: KubeSphere cannot decode it, and drops the version silently`}},
		{name: "a wrong type is told once", changes: []string{"extension.yaml", goodMetadata + "keywords: db\n"}, want: []string{
			"error schema " + at + `16:11: "keywords" must be empty or a list, not a string`}},
		{name: "a version that is a list is told once", changes: []string{"extension.yaml", replaced(goodMetadata, "version: 1.0.0", "version: [1]")}, want: []string{
			"error version " + at + "3:10: the version is not text"}},
	})
}
