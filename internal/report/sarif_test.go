package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
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

// Paths are those from the top of the repository, encoded, links followed.
func TestPlacesAreRelativeToTheRepository(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links and names of files")
	}
	outside := t.TempDir()
	top := filepath.Join(outside, "re po")
	write := func(file, text string) {
		file = filepath.Join(top, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("work/ext/a:b #1%.yaml", "first\nä second\n")
	write("real/extension.yaml", "name: alc\n")
	write("work/packed.tgz", "x")
	write("../elsewhere.yaml", "x\n")
	for link, to := range map[string]string{"work/link": "../real", "work/out.yaml": "../../elsewhere.yaml"} {
		if err := os.Symlink(to, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(top, "work"))
	check := func(want map[string]string) {
		t.Helper()
		where := newPlaces()
		for file, uri := range want {
			if got := where.of(file).uri; got != uri {
				t.Errorf("%s is %s, want %s", file, got, uri)
			}
		}
	}
	check(map[string]string{"ext/a:b #1%.yaml": "ext/a%3Ab%20%231%25.yaml", "./ext/../ext/none.yaml": "ext/none.yaml"}) // no git here
	if err := os.Mkdir(filepath.Join(top, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(outside)
	if err != nil {
		t.Fatal(err)
	}
	check(map[string]string{
		"ext/a:b #1%.yaml":               "work/ext/a%3Ab%20%231%25.yaml",
		"../real/extension.yaml":         "real/extension.yaml",
		"link/extension.yaml":            "real/extension.yaml",
		"link/charts/none.yaml":          "real/charts/none.yaml",
		"link":                           "real/extension.yaml",
		"packed.tgz/extension.yaml":      "work/packed.tgz",
		"out.yaml":                       "work/out.yaml",
		"a\xffb\n.yaml":                  "work/a%FFb%0A.yaml",
		"../../elsewhere.yaml":           "file://" + encoded(filepath.ToSlash(filepath.Join(real, "elsewhere.yaml"))),
		filepath.Join(top, "work", "x"):  "work/x",
		filepath.Join(top, "real", "äö"): "real/%C3%A4%C3%B6",
		"扩展/extension.yaml":              "work/%E6%89%A9%E5%B1%95/extension.yaml",
	})

	where := newPlaces()
	at := where.of("ext/a:b #1%.yaml")
	for _, c := range []struct {
		finding results.Finding
		want    sarifRegion
	}{
		{results.Finding{}, sarifRegion{1, 1, 1, 6}},
		{results.Finding{Line: 2}, sarifRegion{2, 1, 2, 9}},
		{results.Finding{Line: 2, Column: 3, EndColumn: 6}, sarifRegion{2, 3, 2, 6}},
		{results.Finding{Line: 2, Column: 3, Excerpt: "   2 | ä second\n     |   ^^^"}, sarifRegion{2, 3, 2, 9}},
		{results.Finding{Line: 90, Column: 3}, sarifRegion{90, 3, 90, 4}},
	} {
		if got := at.region(c.finding); got != c.want {
			t.Errorf("%+v is %+v, want %+v", c.finding, got, c.want)
		}
	}
	if got, want := at.lineHash(results.Finding{Message: "m"}, 1), lineHashes("first\nä second\n")[1]; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	packed := where.of("packed.tgz/extension.yaml")
	if r := packed.region(results.Finding{Line: 7, Column: 4}); r != (sarifRegion{1, 1, 1, 2}) {
		t.Errorf("in an archive: %+v", r)
	}
	first := results.FindingOf(diagnostic.Diagnostic{Code: "images/unused", File: "extension.yaml", Subject: "a", Message: "m"}, "packed.tgz")
	second, reworded := first, first
	second.Fingerprint, reworded.Message = results.FindingOf(diagnostic.Diagnostic{Code: "images/unused", File: "extension.yaml", Subject: "b"}, "packed.tgz").Fingerprint, "in other words"
	if packed.lineHash(first, 1) == packed.lineHash(second, 1) {
		t.Error("two findings in an archive have one fingerprint")
	}
	if packed.lineHash(first, 1) != packed.lineHash(reworded, 1) {
		t.Error("other words make another fingerprint")
	}
	older, olderCode := first, first
	older.Fingerprint, olderCode.Fingerprint, olderCode.Code = "", "", "images/unlisted"
	if packed.lineHash(older, 1) == packed.lineHash(olderCode, 1) {
		t.Error("two findings of an earlier version have one fingerprint")
	}
}

// The hashes are those of codeql-action (src/fingerprints.test.ts, 4.36.3).
func TestLineHashesAreThoseOfCodeQLAction(t *testing.T) {
	for text, want := range map[string][]string{
		"":                     {"c129715d7a2bc9a3:1"},
		" a\nb\n  \t\tc\n d":   {"271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"},
		"hello;\r\nworld!!!\n": nil,
		" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n": {"e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1", "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1", "b3edc88f2938467e:1", "c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1"},
		" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r":             {"e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1", "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1", "b3edc88f2938467e:1", "c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1"},
		strings.Repeat("Lorem ipsum dolor sit amet.\n", 10): {"a7f2ff13bc495cf2:1", "a7f2ff13bc495cf2:2", "a7f2ff13bc495cf2:3", "a7f2ff13bc495cf2:4", "a7f2ff13bc495cf2:5", "a7f2ff13bc495cf2:6",
			"a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1", "55ec222b86bcae53:1", "cc97dc7b1d7d8f7b:1", "c129715d7a2bc9a3:1"},
	} {
		got := lineHashes(text)
		if want != nil && len(got) != len(want) {
			t.Errorf("%q has %d lines", text, len(got))
		}
		for i, hash := range want {
			if got[i+1] != hash {
				t.Errorf("line %d of %q is %s, want %s", i+1, text, got[i+1], hash)
			}
		}
	}
	// Blanks do not count, and lines above and line ends do not either.
	if a, b := lineHashes("x: 1\n  y: 2\n"), lineHashes("new\nx:1\r\n\ty: 2\r\n"); a[2] != b[3] {
		t.Errorf("%s and %s", a[2], b[3])
	}
}
