package lint

import "github.com/ksrelease/ksrelease/internal/extension"

func nameRule() Rule {
	return Rule{
		Name:    "name",
		Summary: "the name is one that KubeSphere's controller takes",
		Why:     "KubeSphere passes over an entry of a repository whose name is no DNS-1123 subdomain of at most 63 characters.",
		Fix:     "Use lower-case letters, digits and hyphens, with a letter or a digit at both ends.",
		Source:  "The repository controller of KubeSphere 4. The guide asks for at most 32 lower-case letters and digits, but extensions of KubeSphere itself have hyphens.",
		Codes: []Code{
			{"invalid", "the name is no DNS-1123 subdomain of at most 63 characters"},
		},
		Default: Error,
		check:   checkName,
	}
}

func checkName(pass *subject) {
	if pass.isOn("schema") && !isText(pass.ext, "name") {
		return // missing or no text: the schema says so
	}
	if err := extension.ValidName(pass.ext.Metadata.Name); err != nil {
		pass.problem(coded("invalid", pass.ext.Metadata.Name), pass.ext.Document.Problem(err.Error(), "", "name"))
	}
}

func isText(ext *extension.Extension, key string) bool {
	value, _ := ext.Document.Value().(map[string]any)
	_, ok := value[key].(string)
	return ok
}
