package metadata

import (
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Name is the rule name.
func Name() rule.Rule {
	return rule.Rule{
		Name:    "name",
		Summary: "the name is one that KubeSphere's controller takes",
		Why:     "KubeSphere passes over an entry of a repository whose name is no DNS-1123 subdomain of at most 63 characters.",
		Fix:     "Use lower-case letters, digits and hyphens, with a letter or a digit at both ends.",
		Source:  "The repository controller of KubeSphere 4. The guide asks for at most 32 lower-case letters and digits, but extensions of KubeSphere itself have hyphens.",
		Codes: []rule.Code{
			{Name: "invalid", Meaning: "the name is no DNS-1123 subdomain of at most 63 characters"},
		},
		Default:  rule.Error,
		LeavesTo: []string{"schema"},
		Run:      checkName,
	}
}

func checkName(pass *rule.Pass) {
	if pass.IsOn("schema") && !pass.IsText("name") {
		return // missing or no text: the schema says so
	}
	if err := naming.ValidName(pass.Ext.Metadata.Name); err != nil {
		pass.Problem(rule.Found("invalid", pass.Ext.Metadata.Name), pass.Ext.Document.Problem(err.Error(), "", "name"))
	}
}
