package lint

import "testing"

func TestCategory(t *testing.T) {
	const list = "the categories are ai-machine-learning, computing, database, deepseek, dev-tools, integration-delivery, networking, observability, security, storage, streaming-messaging"
	category := func(name string) []string {
		return []string{"extension.yaml", replaced(goodMetadata, "category: dev-tools", "category: "+name)}
	}
	testFindings(t, []findingTest{
		{
			name:    "a new one",
			changes: category("quantum"),
			want:    []string{`warning category ext/extension.yaml:6:11: the category "quantum" is not one of those that are known`},
			hint:    list,
		},
		{
			name:    "a slip",
			changes: category("observabilty"),
			want:    []string{`warning category ext/extension.yaml:6:11: the category "observabilty" is not one of those that are known`},
			hint:    `did you mean "observability"? ` + list,
		},
		{
			name:    "a title in place of the name",
			changes: category("Dev Tools"),
			want:    []string{`error category ext/extension.yaml:6:11: the category "Dev Tools" cannot be the value of a Kubernetes label (letters, digits, -, _ and ., at most 63), so the extension does not appear`},
			hint:    `did you mean "dev-tools"? ` + list,
		},
		{
			name:    "none is for the schema",
			changes: category(`""`),
			want:    []string{`error schema ext/extension.yaml:6:11: "category" is empty`},
		},
		{
			name:    "a list is for the schema",
			changes: category("[dev-tools]"),
			want:    []string{`error schema ext/extension.yaml:6:11: "category" must be a string, not a list`},
		},
		{
			name:    "silenced where it stands",
			changes: category("quantum # ksrelease:ignore category new in the marketplace"),
		},
	})
}
