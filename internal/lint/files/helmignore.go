package files

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/helmchart/filereads"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// HelmIgnore is the rule helmignore.
func HelmIgnore() rule.Rule {
	return rule.Rule{
		Name:    "helmignore",
		Summary: ".helmignore leaves out nothing that the extension needs",
		Why: "A pattern such as templates/ or *.yaml leaves out what makes the chart: it is released and installed, and nothing " +
			"happens. To Helm a pattern with ! leaves out all that it does not match.",
		Fix:    "Remove the line, or let it name no more than what is to be left out.",
		Source: "helm.sh/helm/v3/pkg/ignore and pkg/chart/loader, by which Helm and ksbuilder pack.",
		Codes: []rule.Code{
			{Name: "needed", Meaning: "what the chart needs is left out"},
			{Name: "read", Meaning: "what KubeSphere shows, or a template reads, is left out"},
		},
		Default: rule.Error,
		Run:     checkHelmIgnore,
	}
}

func checkHelmIgnore(pass *rule.Pass) {
	type line struct {
		number  int
		pattern string
	}
	needed, read := map[line][]string{}, map[line][]string{}
	var lines []line
	reads := readByTemplates(pass)
	for _, out := range pass.Ext.LeftOut {
		at := line{out.Line, out.Pattern}
		switch {
		case extension.NeededByHelm(out.Name) || out.Name == "permissions.yaml":
			needed[at] = append(needed[at], out.Name)
		case naming.IsDoc(out.Name, "README"), naming.IsDoc(out.Name, "CHANGELOG"), out.Name == extension.LockFile, path.Base(out.Name) == "values.schema.json", reads.Has(out.Name):
			read[at] = append(read[at], out.Name)
		default:
			continue
		}
		if !slices.Contains(lines, at) {
			lines = append(lines, at)
		}
	}
	for _, at := range lines {
		severity, what, names := pass.Severity(), "needed", needed[at]
		if len(names) == 0 {
			severity, what, names = pass.ByDefault(rule.Warning), "read", read[at]
		} else {
			names = append(names, read[at]...)
		}
		hint := "remove the line, or let it name no more than what is to be left out"
		if strings.HasPrefix(at.pattern, "!") {
			hint = "remove the line: to Helm a pattern with ! leaves out all that it does not match"
		}
		pass.Report(rule.Found(what, at.pattern), severity, rule.Finding{
			File: ".helmignore", Range: diagnostic.At(at.number, 0),
			Message: fmt.Sprintf("the pattern %q leaves out what the extension needs: %s", excerpt.OneLine(at.pattern), someOf(names)), Hint: hint,
		})
	}
}

// someOf names the first of many.
func someOf(names []string) string {
	const enough = 3
	if len(names) <= enough {
		return excerpt.OneLine(strings.Join(names, ", "))
	}
	return excerpt.OneLine(strings.Join(names[:enough], ", ")) + fmt.Sprintf(" and %d more", len(names)-enough)
}

// readByTemplates are the files of the extension that templates read.
func readByTemplates(pass *rule.Pass) filereads.ReadFiles {
	return rule.Derived(pass, func(ext *extension.Extension) filereads.ReadFiles {
		files := make([]filereads.TemplateFile, len(ext.Files))
		for i, f := range ext.Files {
			files[i] = filereads.TemplateFile{Name: f.Name, Data: f.Data}
		}
		return filereads.FilesReadIn(files)
	})
}
