package charts

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/filereads"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// readsOfNothing reports what templates read by a literal name or pattern and their chart
// does not have: .Files.Get gives an empty text then, and .Files.Glob no files, and no error.
func readsOfNothing(pass *rule.Pass, loaded *helmchart.Chart) {
	helmchart.Each(loaded.Root, func(c *chart.Chart) {
		at, ok := loaded.Places.Of(c)
		if !ok {
			return
		}
		reported := map[string]bool{}
		for _, template := range c.Templates {
			reads := filereads.Of(template.Data)
			for _, read := range reads {
				guarded := slices.ContainsFunc(reads, func(r filereads.Read) bool { return r.Pattern == read.Pattern && r.Guarded })
				if guarded || reported[read.Pattern] || hasFile(c, read) || strings.Contains(read.Pattern, "{{") {
					continue
				}
				// What is defined for others to include sees the files of whoever includes it.
				if bytes.Contains(template.Data, []byte("define")) && anyHasFile(loaded.Root, read) {
					continue
				}
				if c.IsRoot() && pass.Ext.LeavesOut(path.Clean(read.Pattern)) {
					continue // staticFileDirectory: see readsOfStatic
				}
				if below := path.Join(at.Dir, read.Pattern); at.Archive == "" && pass.IsLeftOut(func(name string) bool {
					inChart, ok := strings.CutPrefix(name, strings.TrimPrefix(at.Dir+"/", "/"))
					return name == below || ok && read.Matches(inChart)
				}) {
					continue
				}
				reported[read.Pattern] = true
				file, inside := at.File(template.Name)
				source := helmchart.Source{File: file, Inside: inside, Text: string(template.Data)}
				message := fmt.Sprintf("the template reads %s, which its chart does not have: it gets an empty text", excerpt.OneLine(read.Pattern))
				if read.IsGlob {
					message = fmt.Sprintf("the template reads the files %s, and its chart has none of them", excerpt.OneLine(read.Pattern))
				}
				pass.InSourceAs(rule.Found("file-not-there", read.Pattern), pass.AtMost(rule.Warning), source, lineIn(source, read.Offset), message, fileHint(loaded.Root, c, read))
			}
		}
	})
}

func hasFile(c *chart.Chart, read filereads.Read) bool {
	return slices.ContainsFunc(c.Files, func(f *chart.File) bool { return read.Matches(f.Name) })
}

func anyHasFile(root *chart.Chart, read filereads.Read) bool {
	found := false
	helmchart.Each(root, func(c *chart.Chart) { found = found || hasFile(c, read) })
	return found
}

// fileHint says where the file may be that a template reads.
func fileHint(root, c *chart.Chart, read filereads.Read) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path.Clean("/"+read.Pattern), "/"), "/")
	switch {
	case first == "templates":
		return "Helm takes all below templates/ for templates, which .Files does not have: move the file to another folder of the chart"
	case first == "charts":
		return "a chart has no access to the files of its subcharts: put the file into the chart of the template"
	case slices.Contains([]string{"Chart.yaml", "values.yaml", "values.schema.json", "Chart.lock"}, read.Pattern):
		return "Helm keeps this file from .Files: read .Chart or .Values"
	}
	plain := filereads.Read{Pattern: strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(read.Pattern, `\`, "/")), "/"), IsGlob: read.IsGlob}
	if plain.Pattern != read.Pattern && hasFile(c, plain) {
		return fmt.Sprintf("paths are compared as they are written: %q", plain.Pattern)
	}
	var names []string
	for _, f := range c.Files {
		names = append(names, f.Name)
	}
	if near, ok := yamldoc.Nearest(read.Pattern, names); ok && !read.IsGlob {
		return fmt.Sprintf("did you mean %q?", excerpt.OneLine(near))
	}
	if anyHasFile(root, read) {
		return "another chart of the extension has it, and .Files is relative to the chart of the template: move the file there"
	}
	return "add the file below the chart of the template, or take the line out"
}
