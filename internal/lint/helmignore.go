package lint

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
)

func helmIgnoreRule() Rule {
	return Rule{
		Name:    "helmignore",
		Summary: ".helmignore leaves out nothing that the extension needs",
		Why: "A pattern such as templates/ or *.yaml leaves out what makes the chart: it is released and installed, and nothing " +
			"happens. To Helm a pattern with ! leaves out all that it does not match.",
		Fix:    "Remove the line, or let it name no more than what is to be left out.",
		Source: "helm.sh/helm/v3/pkg/ignore and pkg/chart/loader, by which Helm and ksbuilder pack.",
		Codes: []Code{
			{"needed", "what the chart needs is left out"},
			{"read", "what KubeSphere shows, or a template reads, is left out"},
		},
		Default: Error,
		check:   checkHelmIgnore,
	}
}

func checkHelmIgnore(pass *subject) {
	type line struct {
		number  int
		pattern string
	}
	needed, read := map[line][]string{}, map[line][]string{}
	var lines []line
	reads := readByTemplates(pass)
	for _, out := range pass.ext.LeftOut {
		at := line{out.Line, out.Pattern}
		switch {
		case extension.NeededByHelm(out.Name) || out.Name == "permissions.yaml":
			needed[at] = append(needed[at], out.Name)
		case isDoc(out.Name, "README"), isDoc(out.Name, "CHANGELOG"), out.Name == extension.LockFile, path.Base(out.Name) == "values.schema.json", reads(out.Name):
			read[at] = append(read[at], out.Name)
		default:
			continue
		}
		if !slices.Contains(lines, at) {
			lines = append(lines, at)
		}
	}
	for _, at := range lines {
		severity, what, names := pass.severity(), "needed", needed[at]
		if len(names) == 0 {
			severity, what, names = pass.byDefault(Warning), "read", read[at]
		} else {
			names = append(names, read[at]...)
		}
		hint := "remove the line, or let it name no more than what is to be left out"
		if strings.HasPrefix(at.pattern, "!") {
			hint = "remove the line: to Helm a pattern with ! leaves out all that it does not match"
		}
		pass.tell(coded(what, at.pattern), severity, Finding{
			File: pass.path(".helmignore"), Line: at.number,
			Message: fmt.Sprintf("the pattern %q leaves out what the extension needs: %s", oneLine(at.pattern), someOf(names)), Hint: hint,
		})
	}
}

// someOf names the first of many.
func someOf(names []string) string {
	const enough = 3
	if len(names) <= enough {
		return oneLine(strings.Join(names, ", "))
	}
	return oneLine(strings.Join(names[:enough], ", ")) + fmt.Sprintf(" and %d more", len(names)-enough)
}

// readCall is where a template reads a file by its name or a pattern.
var readCall = regexp.MustCompile("\\.Files\\.(?:Get|GetBytes|Lines|Glob)\\s+(?:\"([^\"]+)\"|`([^`]+)`)")

// readByTemplates tells of a file whether a template of its chart reads it.
func readByTemplates(pass *subject) func(name string) bool {
	type reading struct{ chart, pattern string }
	var all []reading
	for _, file := range pass.ext.Files {
		chart, _, ok := strings.Cut(file.Name, "templates/")
		if !ok || chart != "" && !strings.HasSuffix(chart, "/") {
			continue
		}
		for _, m := range readCall.FindAllStringSubmatch(string(file.Data), -1) {
			all = append(all, reading{chart, m[1] + m[2]})
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(all, func(r reading) bool {
			inChart, ok := strings.CutPrefix(name, r.chart)
			matched, err := path.Match(strings.ReplaceAll(r.pattern, "**", "*"), inChart)
			return ok && (inChart == r.pattern || err == nil && matched)
		})
	}
}

// isLeftOut reports whether .helmignore leaves out a file, and the rule helmignore
// tells so: others need not ask for what is there.
func (pass *subject) isLeftOut(is func(name string) bool) bool {
	return pass.isOn("helmignore") && slices.ContainsFunc(pass.ext.LeftOut, func(out extension.LeftOut) bool { return is(out.Name) })
}
