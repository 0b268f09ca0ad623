package metadata

import (
	"fmt"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Provider is the rule provider.
func Provider() rule.Rule {
	return rule.Rule{
		Name:    "provider",
		Summary: "the provider has a name in each language",
		Why: "KubeSphere and its marketplace show who offers an extension: the name of the provider in the reader's language. " +
			"Without it the place is empty.",
		Fix:    "Give each language a name:\n\nprovider:\n  en:\n    name: Example Company\n    email: info@company.example\n  zh:\n    name: 示例公司\n    email: info@company.example",
		Source: "The extension development guide of KubeSphere; `Provider` of kubesphere.io/api/core/v1alpha1.",
		Codes: []rule.Code{
			{Name: "no-name", Meaning: "the provider has no name in a language"},
		},
		Default:  rule.Warning,
		LeavesTo: []string{"schema"},
		Run:      checkProvider,
	}
}

func checkProvider(pass *rule.Pass) {
	for _, provider := range pass.Providers() {
		if pass.IsNamed(provider) {
			continue
		}
		pass.Problem(rule.Found("no-name", provider.Language), pass.Ext.Document.Problem(
			fmt.Sprintf("the provider has no name in the language %s", excerpt.OneLine(provider.Language)),
			"add name: the company, project or person that offers the extension", provider.At("name")...))
	}
}
