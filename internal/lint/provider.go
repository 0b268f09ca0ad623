package lint

import "fmt"

func providerRule() Rule {
	return Rule{
		Name:    "provider",
		Summary: "the provider has a name in each language",
		Why: "KubeSphere and its marketplace show who offers an extension: the name of the provider in the reader's language. " +
			"Without it the place is empty.",
		Fix:    "Give each language a name:\n\nprovider:\n  en:\n    name: Example Company\n    email: info@company.example\n  zh:\n    name: 示例公司\n    email: info@company.example",
		Source: "The extension development guide of KubeSphere; `Provider` of kubesphere.io/api/core/v1alpha1.",
		Codes: []Code{
			{"no-name", "the provider has no name in a language"},
		},
		Default: Warning,
		check:   checkProvider,
	}
}

func checkProvider(pass *subject) {
	for _, provider := range pass.providers() {
		if pass.named(provider) {
			continue
		}
		pass.problem(coded("no-name", provider.Language), pass.ext.Document.Problem(
			fmt.Sprintf("the provider has no name in the language %s", oneLine(provider.Language)),
			"add name: the company, project or person that offers the extension", provider.at("name")...))
	}
}
