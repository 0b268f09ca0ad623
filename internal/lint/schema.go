package lint

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

func schemaRule() Rule {
	return Rule{
		Name:    "schema",
		Summary: "extension.yaml has the fields KubeSphere needs, of the type it needs, and no others",
		Why: "KubeSphere decodes extension.yaml after downloading the package. Where that fails, the version never " +
			"appears and nobody is told. A misspelt field is ignored without a word.",
		Fix:     "Correct the field at the place that the finding names.",
		Source:  "The extension development guide of KubeSphere on extension.yaml; the repository controller of KubeSphere 4, which drops a version whose extension.yaml it cannot decode.",
		Default: Error,
		check:   checkSchema,
	}
}

func checkSchema(s *subject) {
	doc := s.ext.Document
	for _, p := range doc.Validate(extension.Schema()) {
		if !s.toldByVersion(p) {
			s.problem(p)
		}
	}
	s.unknownKeys()
	s.constraint("kubeVersion", s.ext.Metadata.KubeVersion, "kubeVersion")
	s.constraint("ksVersion", s.ext.Metadata.KSVersion, "ksVersion")
	s.externalConstraints()
	for _, p := range s.ext.AssetProblems {
		if assetRuleOf(s.ext, p) == "" {
			s.problem(p)
		}
	}
}

// toldByVersion reports whether a problem is that the version is no text, which
// the rule version tells with what it reads as.
func (s *subject) toldByVersion(p yamldoc.Problem) bool {
	if !s.isOn("version") || !hasKey(s.ext, "version") {
		return false
	}
	line, column := s.ext.Document.Place("version")
	return p.Line == line && p.Column == column
}

// unknownKeys tells the top-level fields that nothing reads. The schema allows
// them, since KubeSphere does: mostly they are slips, sometimes notes.
func (s *subject) unknownKeys() {
	value, _ := s.ext.Document.Value().(map[string]any)
	known := schemaKeys()
	for _, key := range sortedKeys(value) {
		if slices.Contains(known, key) {
			continue
		}
		hint := "KubeSphere ignores it: correct its name, or remove it"
		if near, ok := yamldoc.Nearest(key, known); ok {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		s.problemAs(s.byDefault(Warning), s.ext.Document.ProblemAtKey(fmt.Sprintf("unknown key %q", key), hint, key))
	}
}

// constraint holds a field to what Helm and KubeSphere read as a constraint on
// versions (Masterminds/semver).
func (s *subject) constraint(name, value string, pointer ...string) {
	if value == "" {
		return
	}
	if _, err := semver.NewConstraint(value); err != nil {
		s.problem(s.ext.Document.Problem(
			fmt.Sprintf("%s %q is not a constraint on versions", name, value),
			"write it as \">=1.19.0-0\" or \">=1.22.0-0 <1.32.0-0\"", pointer...))
	}
}

func (s *subject) externalConstraints() {
	value, _ := s.ext.Document.Value().(map[string]any)
	entries, _ := value["externalDependencies"].([]any)
	for i, entry := range entries {
		fields, _ := entry.(map[string]any)
		version, _ := fields["version"].(string)
		s.constraint("version", version, "externalDependencies", strconv.Itoa(i), "version")
	}
}

func hasKey(ext *extension.Extension, key string) bool {
	value, _ := ext.Document.Value().(map[string]any)
	_, ok := value[key]
	return ok
}

// schemaKeys are the top-level fields that the schema of extension.yaml knows.
func schemaKeys() []string {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(extension.SchemaJSON, &schema); err != nil {
		panic("the embedded schema of extension.yaml is no JSON: " + err.Error())
	}
	return sortedKeys(schema.Properties)
}
