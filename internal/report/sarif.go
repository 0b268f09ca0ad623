package report

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/pipeline"
)

// SARIF 2.1.0, as far as findings of lint need it (OASIS standard; the form
// that code scanning services read).
type (
	sarif struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool       `json:"tool"`
		Results    []sarifResult   `json:"results"`
		Properties sarifProperties `json:"properties"`
	}
	// sarifProperties are what SARIF has no place of its own for (3.8, property bags).
	sarifProperties struct {
		Command    string         `json:"command"`
		DryRun     bool           `json:"dry_run"`
		Extensions []sarifOutcome `json:"extensions"`
	}
	sarifOutcome struct {
		Name    string           `json:"name"`
		Version string           `json:"version"`
		Outcome pipeline.Outcome `json:"outcome"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		HelpURI          string       `json:"helpUri,omitempty"`
		ShortDescription sarifMessage `json:"shortDescription"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
		// Properties hold the code of the finding. It is not the ruleId: GitHub groups
		// alerts by that, shows the help of the rule of that name, and would take the
		// alerts of before for fixed and these for new.
		Properties sarifFinding `json:"properties"`
	}
	sarifFinding struct {
		Code string `json:"code"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
)

func sarifLog(r *pipeline.Result, tool Tool) ([]byte, error) {
	run := sarifRun{Results: []sarifResult{}, Properties: sarifProperties{Command: r.Command, DryRun: r.DryRun, Extensions: []sarifOutcome{}}}
	run.Tool.Driver = sarifDriver{Name: "ksrelease", Version: tool.Version, InformationURI: tool.URL}
	for _, rule := range lint.Rules() {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: rule.Name, HelpURI: tool.URL + "/blob/main/docs/rules.md#" + rule.Name, ShortDescription: sarifMessage{rule.Summary},
		})
	}
	run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: pipeline.RuleSize, ShortDescription: sarifMessage{"the package is not near the limit of the marketplace"}})
	for _, x := range r.Extensions {
		run.Properties.Extensions = append(run.Properties.Extensions, sarifOutcome{x.Name, x.Version, x.Outcome})
		for _, f := range x.Findings {
			result := sarifResult{RuleID: f.Rule, Level: sarifLevel(f.Severity), Message: sarifMessage{f.Message + colon(f.Hint)}, Properties: sarifFinding{f.Code}}
			location := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{URI: filepath.ToSlash(f.File)}}}
			if f.Line > 0 {
				location.Physical.Region = &sarifRegion{StartLine: f.Line, StartColumn: f.Column}
			}
			result.Locations = []sarifLocation{location}
			run.Results = append(run.Results, result)
		}
	}
	data, err := json.MarshalIndent(sarif{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing SARIF: %w", err)
	}
	return append(data, '\n'), nil
}

func sarifLevel(severity string) string {
	if severity == string(lint.Info) {
		return "note"
	}
	return severity
}
