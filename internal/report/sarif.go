package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report/location"
	"github.com/ksrelease/ksrelease/internal/results"
)

// SARIF 2.1.0 (OASIS standard), with all that GitHub's code scanning asks for (its page
// "SARIF support for code scanning"): the texts of each rule, its level, and of each
// result a location with all four ends of its region, and a fingerprint.
type (
	sarif struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool              sarifTool         `json:"tool"`
		AutomationDetails sarifAutomation   `json:"automationDetails"`
		Invocations       []sarifInvocation `json:"invocations"`
		ColumnKind        string            `json:"columnKind"`
		Results           []sarifResult     `json:"results"`
		Properties        sarifProperties   `json:"properties"`
	}
	sarifAutomation struct {
		ID string `json:"id"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
	}
	// sarifProperties are what SARIF has no place of its own for (3.8, property bags).
	sarifProperties struct {
		Command    string         `json:"command"`
		DryRun     bool           `json:"dry_run"`
		Extensions []sarifOutcome `json:"extensions"`
	}
	sarifOutcome struct {
		Name    string          `json:"name"`
		Version string          `json:"version"`
		Outcome results.Outcome `json:"outcome"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name            string      `json:"name"`
		Version         string      `json:"version"`
		SemanticVersion string      `json:"semanticVersion"`
		InformationURI  string      `json:"informationUri,omitempty"`
		Rules           []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string          `json:"id"`
		ShortDescription sarifMessage    `json:"shortDescription"`
		FullDescription  sarifMessage    `json:"fullDescription"`
		Help             sarifMessage    `json:"help"`
		HelpURI          string          `json:"helpUri,omitempty"`
		Default          sarifDefault    `json:"defaultConfiguration"`
		Properties       sarifRuleLabels `json:"properties"`
	}
	sarifDefault struct {
		Enabled bool   `json:"enabled"`
		Level   string `json:"level"`
	}
	sarifRuleLabels struct {
		Tags      []string `json:"tags"`
		Precision string   `json:"precision"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifMessage      `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		// Properties hold the code of the finding. It is not the ruleId: GitHub groups
		// alerts by that, shows the help of the rule of that name, and would take the
		// alerts of before for fixed and these for new.
		Properties sarifFinding `json:"properties"`
	}
	sarifFinding struct {
		Code string `json:"code"`
	}
	sarifMessage struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact   `json:"artifactLocation"`
		Region   location.Region `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
)

// mostResults is what code scanning keeps of a run.
const mostResults = 5000

// lineHash is the only key of fingerprints that code scanning goes by.
const lineHash = "primaryLocationLineHash"

// ownFingerprint is the key of the fingerprint of a diagnostic, for other readers. The
// number is that of the way to make it (SARIF 2.1.0, 3.27.17).
const ownFingerprint = "ksreleaseFingerprint/v1"

func sarifLog(r *results.Document, tool Tool) ([]byte, error) {
	run := sarifRun{
		AutomationDetails: sarifAutomation{sarifCategory(r) + "/"},
		ColumnKind:        "unicodeCodePoints",
		Results:           []sarifResult{},
		Properties:        sarifProperties{Command: r.Command, DryRun: r.DryRun, Extensions: []sarifOutcome{}},
	}
	version, semantic := versionsOf(tool.Version)
	run.Tool.Driver = sarifDriver{Name: "ksrelease", Version: version, SemanticVersion: semantic, InformationURI: tool.URL, Rules: sarifRules(tool)}
	invocation := sarifInvocation{ExecutionSuccessful: r.Finished != nil && r.Error == nil}
	tell := func(level, message string) {
		invocation.Notifications = append(invocation.Notifications, sarifNotification{level, sarifMessage{Text: sarifText(message)}})
	}
	for _, warning := range r.Warnings {
		tell("warning", warning)
	}
	var findings []results.Finding
	if r.Error != nil {
		tell("error", r.Error.Message+colon(r.Error.Hint))
		findings = append(findings, r.Error.Problems...)
	}
	for _, x := range r.Extensions {
		run.Properties.Extensions = append(run.Properties.Extensions, sarifOutcome{x.Name, x.Version, x.Outcome})
		for _, f := range failings(x) {
			tell("error", fmt.Sprintf("%s: %s: %s%s", f.title, f.err.Stage, f.err.Message, colon(f.err.Hint)))
		}
		findings = append(findings, x.Findings...)
	}
	slices.SortStableFunc(findings, func(a, b results.Finding) int {
		return cmp.Compare(urgency(a.Severity), urgency(b.Severity))
	})
	if n := len(findings) - mostResults; n > 0 {
		tell("warning", fmt.Sprintf("%s left out: code scanning keeps %d", plural(n, "finding"), mostResults))
		findings = findings[:mostResults]
	}
	where := location.New()
	for _, f := range findings {
		run.Results = append(run.Results, sarifResultOf(f, &run.Tool.Driver, where))
	}
	run.Invocations = []sarifInvocation{invocation}
	data, err := output.JSON(sarif{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing SARIF: %w", err)
	}
	return append(data, '\n'), nil
}

// sarifCategory is what code scanning knows the reports of one analysis by: those of several commands on
// one commit, and of several shards, do not replace each other.
func sarifCategory(r *results.Document) string {
	category := "ksrelease/" + cmp.Or(r.Command, "run")
	if r.Shard != "" {
		category += "/shard-" + strings.ReplaceAll(r.Shard, "/", "-of-")
	}
	return category
}

func sarifResultOf(f results.Finding, driver *sarifDriver, where *location.Places) sarifResult {
	index := slices.IndexFunc(driver.Rules, func(r sarifRule) bool { return r.ID == f.Rule })
	if index < 0 {
		index = len(driver.Rules)
		driver.Rules = append(driver.Rules, sarifRuleOf(f.Rule, "a rule of ksrelease", "", "", lint.Error, nil))
	}
	at := where.Of(f.File)
	region := at.Region(f)
	return sarifResult{
		RuleID: f.Rule, RuleIndex: index, Level: sarifLevel(f.Severity),
		Message:      sarifMessage{Text: sarifText(f.Message + colon(f.Hint))},
		Locations:    []sarifLocation{{sarifPhysical{sarifArtifact{at.URI}, region}}},
		Fingerprints: map[string]string{lineHash: at.LineHash(f, region.StartLine), ownFingerprint: location.Fingerprint(f)},
		Properties:   sarifFinding{f.Code},
	}
}

// sarifRules are all rules there are, whether or not something was found.
func sarifRules(tool Tool) []sarifRule {
	var all []sarifRule
	for _, r := range lint.Rules() {
		rule := sarifRuleOf(r.Name, r.Summary, r.Why, r.Fix, r.Default, []string{"kubesphere", "helm"})
		if tool.URL != "" {
			rule.HelpURI = tool.URL + "/blob/main/docs/rules.md#" + r.Name
		}
		all = append(all, rule)
	}
	return append(all,
		sarifRuleOf(results.RuleSize, results.OtherRule(results.RuleSize).Asks,
			"The marketplace takes no package beyond its limit.", "Leave out what KubeSphere does not show and no template reads; ksrelease package --sizes says what that is.", lint.Warning, []string{"kubesphere"}),
		sarifRuleOf(results.RuleVersions, results.OtherRule(results.RuleVersions).Asks,
			"KubeSphere keeps the three highest versions of an extension, and recommends the highest, pre-releases among them.", "Correct version in extension.yaml, unless the remark is what is meant.", lint.Warning, []string{"kubesphere"}),
		sarifRuleOf(results.RuleDependencies, results.OtherRule(results.RuleDependencies).Asks,
			"KubeSphere installs no extension without those that it requires.", "Release what is missing, or correct externalDependencies in extension.yaml.", lint.Warning, []string{"kubesphere"}),
		sarifRuleOf(results.RuleCommitted, results.OtherRule(results.RuleCommitted).Asks,
			"Nobody finds again in the history what a package has besides.", "Commit the file, or leave it out with .helmignore.", lint.Warning, []string{"ksrelease"}),
		sarifRuleOf(results.RuleConfig, "the configuration can be read",
			"A command that cannot read its configuration does nothing.", "Correct the file at the place that is named; ksrelease check reads it again.", lint.Error, []string{"ksrelease"}),
		sarifRuleOf(results.RuleJournal, results.OtherRule(results.RuleJournal).Asks,
			"A report from a journal is made of its lines.", "Name a file that ksrelease run --report FILE.jsonl has written.", lint.Error, []string{"ksrelease"}))
}

func sarifRuleOf(id, summary, why, fix string, severity lint.Severity, tags []string) sarifRule {
	why, fix = cmp.Or(why, summary), cmp.Or(fix, "See the message.")
	rule := sarifRule{
		ID: id, ShortDescription: sarifMessage{Text: summary}, FullDescription: sarifMessage{Text: cut(firstParagraph(why), 1000)},
		Help:       sarifMessage{Text: why + "\n\nHow to correct it\n\n" + fix, Markdown: rulePage(why) + "\n\n**How to correct it.** " + rulePage(fix)},
		Default:    sarifDefault{Enabled: severity != lint.Off, Level: "none"},
		Properties: sarifRuleLabels{Tags: tags, Precision: "high"},
	}
	if tags == nil {
		rule.Properties.Tags = []string{}
	}
	if severity != lint.Off {
		rule.Default.Level = sarifLevel(string(severity))
	}
	return rule
}

func firstParagraph(s string) string {
	first, _, _ := strings.Cut(s, "\n\n")
	return first
}

// rulePage is prose of the rules as Markdown: what is code there is indented.
func rulePage(s string) string {
	var parts []string
	for _, p := range lint.Paragraphs(s) {
		if p.Code {
			parts = append(parts, strings.TrimSuffix(fenced(p.Text), "\n"))
		} else {
			parts = append(parts, p.Text)
		}
	}
	return strings.Join(parts, "\n\n")
}

func cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// semver is what SARIF asks of a semanticVersion (SemVer 2.0.0).
var semver = lazyregexp.New(`^(\d+\.\d+\.\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

// versionsOf are the version as a number, and the whole of it.
func versionsOf(version string) (number, semantic string) {
	parts := semver.FindStringSubmatch(version)
	if parts == nil {
		return "0.0.0", "0.0.0-devel"
	}
	return parts[1], version
}

// sarifText is a text of others as a message, which is plain text but for links,
// "[text](target)" (SARIF 2.1.0, 3.11.6). It is never empty.
func sarifText(s string) string {
	return cmp.Or(strings.ReplaceAll(output.VisibleLines(s), "](", "] ("), "no message")
}

func sarifLevel(severity string) string {
	switch severity {
	case string(lint.Error), string(lint.Warning):
		return severity
	}
	return "note"
}

func urgency(severity string) int {
	return slices.Index([]string{"error", "warning", "note"}, sarifLevel(severity))
}
