package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// holdToCodeScanning says what GitHub's code scanning, or the schema of SARIF, would
// refuse or not take.
func holdToCodeScanning(data []byte) (wrong []string) {
	tell := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	var log sarif
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&log); err != nil {
		return []string{err.Error()}
	}
	if log.Version != "2.1.0" || log.Schema == "" || len(log.Runs) != 1 {
		return []string{"no run of SARIF 2.1.0"}
	}
	run := log.Runs[0]
	driver := run.Tool.Driver
	if driver.Name != "ksrelease" || !semver.MatchString(driver.Version) || strings.Contains(driver.Version, "-") || !semver.MatchString(driver.SemanticVersion) {
		tell("driver %s %s %s", driver.Name, driver.Version, driver.SemanticVersion)
	}
	if !strings.HasPrefix(run.AutomationDetails.ID, "ksrelease/") || len(run.Invocations) != 1 || run.Results == nil {
		tell("automation %q, %d invocations", run.AutomationDetails.ID, len(run.Invocations))
	}
	ids := map[string]bool{}
	for _, r := range driver.Rules {
		if r.ID == "" || ids[r.ID] || r.ShortDescription.Text == "" || r.FullDescription.Text == "" || len([]rune(r.FullDescription.Text)) > 1024 || len([]rune(r.ShortDescription.Text)) > 1024 ||
			r.Help.Text == "" || r.Help.Markdown == "" || len(r.Properties.Tags) > 10 || r.Properties.Tags == nil {
			tell("rule %+v", r)
		}
		if l := r.Default.Level; l != "error" && l != "warning" && l != "note" && (l != "none" || r.Default.Enabled) {
			tell("rule %s has the level %q", r.ID, l)
		}
		ids[r.ID] = true
	}
	if len(run.Results) > mostResults {
		tell("%d results", len(run.Results))
	}
	last := 0
	for _, r := range run.Results {
		if r.RuleIndex < 0 || r.RuleIndex >= len(driver.Rules) || driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || strings.Contains(r.Message.Text, "](") {
			tell("result %+v", r)
		}
		if r.Level != "error" && r.Level != "warning" && r.Level != "note" || urgency(r.Level) < last {
			tell("level %q", r.Level)
		}
		last = max(last, urgency(r.Level))
		if len(r.Locations) != 1 || r.Fingerprints[lineHash] == "" {
			tell("no location, or no fingerprint: %+v", r)
			continue
		}
		at := r.Locations[0].Physical
		if g := at.Region; g.StartLine < 1 || g.StartColumn < 1 || g.EndLine != g.StartLine || g.EndColumn <= g.StartColumn {
			tell("region %+v", g)
		}
		uri, err := url.Parse(at.Artifact.URI)
		if err != nil || at.Artifact.URI == "" || uri.Host != "" || uri.RawQuery != "" || uri.Fragment != "" || strings.ContainsAny(at.Artifact.URI, " \\\"<>^`{}|") {
			tell("uri %q: %v", at.Artifact.URI, err)
			continue
		}
		for part := range strings.SplitSeq(uri.Path, "/") {
			if part == "." || part == ".." {
				tell("uri %q", at.Artifact.URI)
			}
		}
	}
	return wrong
}

func TestSARIFIsWhatCodeScanningTakes(t *testing.T) {
	soak.Long(t)
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	results := map[string]*results.Document{
		"all outcomes": allOutcomes(), "no extensions": {Started: now, Finished: &now},
		"a usage error":            {Command: "run", Started: now, Finished: &now, Error: &results.CommandError{Message: "m", Problems: []results.Finding{{Rule: results.RuleConfig, Severity: "error", Message: "m", File: ".ksrelease.yaml", Line: 2}}}},
		"a rule that is not known": {Extensions: []results.Extension{{Findings: []results.Finding{{Rule: "new", Severity: "info"}}}}},
	}
	for _, s := range hostileTexts {
		results[s] = hostileResult(s)
	}
	for name, r := range results {
		for _, version := range []string{"1.2.3", "1.2.3-rc.1+x", "devel", ""} {
			data, err := sarifLog(r, Tool{Version: version, URL: "https://example.com"})
			if err != nil {
				t.Errorf("%q: %v", name, err)
			}
			if wrong := holdToCodeScanning(data); len(wrong) > 0 {
				t.Errorf("%q: %q", name, wrong)
			}
		}
	}
	data, _ := sarifLog(results["a usage error"], Tool{})
	if !bytes.Contains(data, []byte(`"executionSuccessful": false`)) || !bytes.Contains(data, []byte(`"startLine": 2`)) {
		t.Errorf("%s", data)
	}
}

// Reports of several commands on one commit, and of several shards, do not replace each other.
func TestSARIFHasACategoryOfItsOwn(t *testing.T) {
	for _, c := range []struct{ command, shard, want string }{
		{"", "", "ksrelease/run/"}, {"lint", "", "ksrelease/lint/"}, {"run", "2/5", "ksrelease/run/shard-2-of-5/"},
	} {
		data, err := sarifLog(&results.Document{Command: c.command, Shard: c.shard}, Tool{})
		if err != nil || !bytes.Contains(data, []byte(`"id": "`+c.want+`"`)) {
			t.Errorf("%+v: %v\n%s", c, err, data)
		}
	}
}

// The worst come first, and what code scanning would not keep is left out and counted.
func TestSARIFLeavesOutWhatIsNotKept(t *testing.T) {
	soak.Long(t)
	r := &results.Document{Extensions: []results.Extension{{Name: "alc"}}}
	for i := range mostResults + 7 {
		r.Extensions[0].Findings = append(r.Extensions[0].Findings, results.Finding{Rule: "images", Severity: []string{"info", "warning", "error"}[i%3], Message: "m", File: "a.yaml", Line: i + 1})
	}
	data, err := sarifLog(r, Tool{})
	if err != nil || !bytes.Contains(data, []byte("7 findings left out")) {
		t.Error(err)
	}
	if wrong := holdToCodeScanning(data); len(wrong) > 0 {
		t.Error(wrong)
	}
}
