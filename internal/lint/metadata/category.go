package metadata

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Category is the rule category.
func Category() rule.Rule {
	return rule.Rule{
		Name:    "category",
		Summary: "the category is one that the marketplace has",
		Why: "The marketplace groups extensions by category, and KubeSphere keeps the category as the label " +
			"`kubesphere.io/category`. In a category that is not there, users do not find the extension. A text that cannot be " +
			"the value of a label (at most 63 letters, digits, -, _ and ., in any case, with a letter or a digit at both ends) is refused by the cluster: the extension never appears, and each " +
			"try to sync the repository ends there, so that other extensions are delayed. That is an error unless the config says otherwise.",
		Fix: "Use one of these: " + strings.Join(categories, ", ") + ".\n\n" +
			"New categories appear from time to time. If yours is one of them, say so where it stands:\n\n" +
			"category: quantum # ksrelease:ignore category new in the marketplace",
		Source: "The categories of KubeSphere Cloud and the extension development guide; the repository controller of KubeSphere 4 on the label (https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/repository_controller.go, `createOrUpdateExtension`); Kubernetes on values of labels.",
		Codes: []rule.Code{
			{Name: "unknown", Meaning: "the category is none that is known"},
			{Name: "not-a-label", Meaning: "the category cannot be the value of a label"},
		},
		Default: rule.Warning,
		Run:     checkCategory,
	}
}

// categories are those of KubeSphere's marketplace.
var categories = []string{
	"ai-machine-learning", "computing", "database", "deepseek", "dev-tools", "integration-delivery",
	"networking", "observability", "security", "storage", "streaming-messaging",
}

func checkCategory(pass *rule.Pass) {
	category, _ := pass.Field("category").(string)
	if category == "" || slices.Contains(categories, category) {
		return // the schema reports that it is missing or no text
	}
	found, severity, message := "unknown", pass.Severity(), fmt.Sprintf("the category %q is not one of those that are known", excerpt.OneLine(category))
	if kubesphere.LabelValue(category) != "" {
		if !pass.IsConfigured() {
			severity = rule.Error
		}
		found, message = "not-a-label", fmt.Sprintf("the category %q cannot be the value of a Kubernetes label (letters, digits, -, _ and ., at most 63): the extension never appears, and each try to sync the repository ends there, which delays other extensions", excerpt.OneLine(category))
	}
	hint := "the categories are " + strings.Join(categories, ", ")
	if near, ok := yamldoc.Nearest(strings.Join(strings.Fields(category), "-"), categories); ok {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	pass.ProblemAs(rule.Found(found, category), severity, pass.Ext.Document.Problem(message, hint, "category"))
}
