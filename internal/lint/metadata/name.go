package metadata

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Name is the rule name.
func Name() rule.Rule {
	return rule.Rule{
		Name:    "name",
		Summary: "the name is one that KubeSphere's controllers take, and short enough to install and uninstall the extension",
		Why: "KubeSphere passes over an entry of a repository whose name is no DNS-1123 subdomain of at most 63 characters.\n\n" +
			"It installs with a Job called helm-install-NAME-xxxxxx and uninstalls with helm-uninstall-NAME-xxxxxx, and its Kubernetes takes no more than " +
			"63 characters in the labels that carry these names. On the clusters that a `Multicluster` extension goes to, there is -agent behind NAME. So 41 characters work " +
			"in `HostOnly` and 35 in `Multicluster`; with one or two more the extension is installed and can never be uninstalled, and with three more it is not installed.\n\n" +
			"Without `namespace:` the extension goes to the namespace extension-NAME, and the name of a namespace has no dots.",
		Fix: "Use lower-case letters, digits and hyphens, with a letter or a digit at both ends, and at most 35 characters.",
		Source: "The repository controller of KubeSphere 4. The guide asks for at most 32 lower-case letters and digits, but extensions of KubeSphere itself have hyphens. " +
			"KubeSphere 4.1.3: `generateName` of https://github.com/kubesphere/kubesphere/blob/v4.1.3/staging/src/kubesphere.io/utils/helm/executor.go, and " +
			"https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/installplan_controller.go on the namespace.",
		Codes: []rule.Code{
			{Name: "invalid", Meaning: "the name is no DNS-1123 subdomain of at most 63 characters"},
			{Name: "too-long", Meaning: "KubeSphere cannot install or uninstall an extension with such a long name"},
			{Name: "needs-namespace", Meaning: "the name has a dot, and there is no namespace"},
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
	name := pass.Ext.Metadata.Name
	if err := naming.ValidName(name); err != nil {
		pass.Problem(rule.Found("invalid", name), pass.Ext.Document.Problem(err.Error(), "", "name"))
		return
	}
	if message, limit := nameTooLong(name, pass.Ext.Metadata.InstallationMode); message != "" {
		pass.Problem(rule.Found("too-long", name), pass.Ext.Document.Problem(message, fmt.Sprintf("shorten it to at most %d characters", limit), "name"))
	}
	if strings.Contains(name, ".") && hasNoNamespace(pass) {
		pass.Problem(rule.Found("needs-namespace", name), pass.Ext.Document.Problem(
			fmt.Sprintf("the name %q has a dot, and there is no namespace: KubeSphere installs into extension-%s, which no namespace can be called", name, name),
			"use a hyphen in place of the dot, or give the extension a namespace: "+strings.ReplaceAll(name, ".", "-"), "name"))
	}
}

// hasNoNamespace reports whether KubeSphere chooses the namespace. One that is no text is
// reported by the schema.
func hasNoNamespace(pass *rule.Pass) bool {
	written := pass.Field("namespace")
	return written == nil || written == ""
}

// maxJobName is how long the value of a label may be: KubeSphere's executor and the Job
// controller of Kubernetes put the name of the Job into labels.
const maxJobName = 63

// nameTooLong says what KubeSphere cannot do with an extension of a valid name, and how long
// the name may be; the message is empty where it can do all.
func nameTooLong(name, mode string) (message string, limit int) {
	shape, where := "NAME-xxxxxx", ""
	if mode == "Multicluster" {
		shape, where = "NAME-agent-xxxxxx", " on the chosen clusters"
	}
	longest := func(job string) int { return maxJobName - len(job) + len("NAME") }
	installs, uninstalls := "helm-install-"+shape, "helm-uninstall-"+shape
	limit = longest(uninstalls)
	switch n := len(name); {
	case n > longest(installs):
		message = fmt.Sprintf("the name has %d characters, and KubeSphere cannot install such an extension%s: its Job %s would have %d, and %d is the limit", n, where, installs, n-longest(installs)+maxJobName, maxJobName)
	case n > limit:
		message = fmt.Sprintf("the name has %d characters, and KubeSphere can never uninstall such an extension%s: its Job %s would have %d, and %d is the limit", n, where, uninstalls, n-limit+maxJobName, maxJobName)
	}
	return message, limit
}
