package metadata

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// platformKeys are the fields of ExtensionVersionSpec that are no part of extension.yaml:
// KubeSphere fills them from the repository (syncExtensionsFromURL of
// pkg/controller/core/repository_controller.go, 4.1.3), but decodes them first.
var platformKeys = []string{"created", "repository", "digest", "chartURL", "chartDataRef"}

// platformKey is the field that KubeSphere takes a top-level key for, in any case.
func platformKey(key string) (field string, ok bool) {
	for _, field := range platformKeys {
		if strings.EqualFold(field, key) {
			return field, true
		}
	}
	return "", false
}

// reportPlatformKey reports a field that KubeSphere fills itself, and gives the field whose
// value it cannot decode; empty where it can.
func reportPlatformKey(pass *rule.Pass, key, field string) (undecodable string) {
	const hint = "remove it: KubeSphere fills it from the repository"
	called := fmt.Sprintf("%q", excerpt.OneLine(key))
	if key != field {
		called += fmt.Sprintf(", which it reads as %q,", field)
	}
	value := pass.Field(key)
	_, err := kubesphere.DecodeExtension(alone(key, value))
	switch {
	case err != nil:
		cause := err.Error()
		if field == "created" {
			cause = "it has to be a time such as 2026-01-31T12:00:00Z"
		}
		pass.Problem(rule.Found("platform-key", key), pass.Ext.Document.ProblemAtKey(
			fmt.Sprintf("KubeSphere has a field %s for itself, and cannot decode this value (%s): it drops the version silently", called, excerpt.OneLine(cause)), hint, key))
		return field
	case field == "chartDataRef" && value != nil:
		pass.Problem(rule.Found("platform-key", key), pass.Ext.Document.ProblemAtKey(
			fmt.Sprintf("for %s KubeSphere looks for the chart in a ConfigMap of the cluster and not in the repository, so that nobody can install this version", called), hint, key))
	default:
		pass.ProblemAs(rule.Found("platform-key", key), pass.ByDefault(rule.Warning), pass.Ext.Document.ProblemAtKey(
			fmt.Sprintf("KubeSphere fills %s itself, and passes over what stands here", called), hint, key))
	}
	return ""
}

// alone is an extension.yaml with one field.
func alone(key string, value any) []byte {
	// What a YAML document holds is what JSON can have.
	name, _ := json.Marshal(key)
	text, _ := json.Marshal(value)
	return fmt.Appendf(nil, "%s: %s\n", name, text)
}
