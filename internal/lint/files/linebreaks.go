package files

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// LineBreaks is the rule line-breaks.
func LineBreaks() rule.Rule {
	return rule.Rule{
		Name:    "line-breaks",
		Summary: "scripts and templates have the line breaks of Linux (LF)",
		Why: "A checkout on Windows has CRLF at the ends of lines unless Git is configured otherwise, and a package that is made of it has other content than one that is made on Linux: drift.\n\n" +
			"In YAML both are the same, so that templates with CRLF work, and scripts that `indent` puts into one. But a file that a template takes in by `toYaml`, `quote`, `b64enc`, `.AsConfig` or `.AsSecrets` keeps what it has, and a script with CRLF " +
			"does not run in a container: there is no program called `/bin/sh` with a carriage return behind it.",
		Fix: "Write them with LF, and let Git keep it so, in .gitattributes at the top of the repository:\n\n" +
			"* text=auto eol=lf",
		Source: "YAML 1.1 on line breaks (5.4) and Helm 3 on files in templates; execve(2) of Linux; gitattributes(5).",
		Codes: []rule.Code{
			{Name: "broken-script", Meaning: "a script with CRLF comes into the cluster, and does not run"},
			{Name: "crlf", Meaning: "scripts or templates have CRLF, which a package from another machine may not have"},
		},
		Default: rule.Warning,
		Uses:    rule.Rendering,
		Run:     checkLineBreaks,
	}
}

func checkLineBreaks(pass *rule.Pass) {
	broken := brokenScripts(pass)
	var names []string
	for _, file := range pass.Ext.Files {
		script := isScript(path.Base(file.Name), string(file.Data[:min(2, len(file.Data))]))
		if script && broken { // that is said where it ends up
			continue
		}
		if (script || rule.IsTemplate(file.Name)) && bytes.Contains(file.Data, []byte("\r\n")) && bytes.IndexByte(file.Data, 0) < 0 {
			names = append(names, file.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	what := "it has CRLF"
	if len(names) > 1 {
		what = rule.Listed(names, 3) + " have CRLF"
	}
	pass.Report(rule.Found("crlf"), pass.AtMost(rule.Info), rule.Finding{
		File:    names[0],
		Message: what + " at the ends of lines: a package that is made where Git checks out LF has other content",
		Hint:    "write LF, and let Git keep it so: * text=auto eol=lf in .gitattributes",
	})
}

// isScript reports whether a file is a script of a shell, by its name and by how it begins.
func isScript(name, text string) bool {
	switch path.Ext(name) {
	case ".sh", ".bash", ".ksh", ".zsh":
		return true
	}
	return strings.HasPrefix(text, "#!")
}

// brokenScripts reports the scripts with CRLF that are rendered, and whether there are any.
func brokenScripts(pass *rule.Pass) (any bool) {
	seen := map[string]bool{}
	for _, installation := range pass.Installations() {
		for _, o := range installation.Objects {
			text := o.Text()
			// A carriage return is written as an escape in YAML, or within base64.
			if !strings.Contains(text, `\r`) && !(o.Kind == "Secret" || o.Kind == "ConfigMap") {
				continue
			}
			for _, found := range scriptsOf(o, text) {
				name := fmt.Sprintf("%s %q", o.Kind, o.Name)
				if key := name + strings.Join(found, "."); seen[key] {
					continue
				} else {
					seen[key], any = true, true
				}
				at, line, column := installation.FieldPlace(o, found...)
				pass.InSourceAt(rule.Found("broken-script", name, strings.Join(found, ".")), pass.Severity(), at, line, column,
					fmt.Sprintf("%s of %s is a script with CRLF at the ends of its lines, which does not run in a container", excerpt.OneLine(strings.Join(found, ".")), excerpt.OneLine(name)),
					`write the file that it is made of with LF, or take the CR out: {{ .Files.Get "run.sh" | replace "\r\n" "\n" | quote }}`)
			}
		}
	}
	return any
}

// scriptsOf are the paths in an object to scripts with CRLF.
func scriptsOf(o helmchart.Object, text string) (paths [][]string) {
	plain := strings.Contains(text, `\r`)
	add := func(isBase64 bool, field string) {
		if isBase64 && !strings.Contains(text, field) || !isBase64 && !plain {
			return
		}
		helmchart.EachField(o.At(field), func(key, value *yaml.Node) {
			content := helmchart.ScalarOf(value)
			if isBase64 {
				decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content), ""))
				if err != nil {
					return
				}
				content = string(decoded)
			}
			if isScript(key.Value, content) && strings.Contains(content, "\r\n") {
				paths = append(paths, []string{field, key.Value})
			}
		})
	}
	switch o.Kind {
	case "ConfigMap":
		add(false, "data")
		add(true, "binaryData")
	case "Secret":
		add(false, "stringData")
		add(true, "data")
	default:
		paths = commandsOf(o.Node(), nil, 12)
	}
	return paths
}

// commandsOf are the paths to the commands and arguments below a node that have CRLF.
func commandsOf(node *yaml.Node, at []string, depth int) (paths [][]string) {
	if node == nil || depth == 0 {
		return nil
	}
	helmchart.EachField(node, func(key, value *yaml.Node) {
		below := append(slices.Clone(at), key.Value)
		if key.Value != "command" && key.Value != "args" {
			if value.Kind == yaml.SequenceNode {
				for i, item := range value.Content {
					paths = append(paths, commandsOf(item, append(slices.Clone(below), fmt.Sprint(i)), depth-1)...)
				}
				return
			}
			paths = append(paths, commandsOf(value, below, depth-1)...)
			return
		}
		for i, item := range value.Content {
			if value.Kind == yaml.SequenceNode && strings.Contains(helmchart.ScalarOf(item), "\r\n") {
				paths = append(paths, append(slices.Clone(below), fmt.Sprint(i)))
			}
		}
	})
	return paths
}
