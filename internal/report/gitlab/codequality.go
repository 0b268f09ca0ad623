// Package gitlab writes what GitLab reads of a job: findings as a report on code quality, and
// what came of a run as variables of later jobs. (Of JUnit it reads what Jenkins reads, too:
// package report has that.)
//
// Both readers drop much without a word, so what they ask for is held here before a byte is
// written.
package gitlab

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report/location"
	"github.com/ksrelease/ksrelease/internal/results"
)

// issue is an entry of a report on code quality, with the six keys that GitLab's page "Code
// Quality" asks for. Its parser (lib/gitlab/ci/parsers/codequality/code_climate.rb) stops at the
// first entry that lacks one, and keeps neither that nor any after it, without an error.
type issue struct {
	Description string `json:"description"`
	CheckName   string `json:"check_name"`
	Fingerprint string `json:"fingerprint"`
	Severity    string `json:"severity"`
	Location    place  `json:"location"`
}

type place struct {
	Path  string `json:"path"`
	Lines lines  `json:"lines"`
}

type lines struct {
	Begin int `json:"begin"`
	End   int `json:"end"`
}

// longest is how much of a message is shown, in characters: GitLab puts it in one line.
const longest = 1000

// CodeQuality is the report on all findings: an array, which is empty where there is none. A merge
// request shows what is new against the report of the target branch, so that one has to be
// there as well.
func CodeQuality(r *results.Document) ([]byte, error) {
	all := []issue{}
	seen := map[string]int{}
	where := location.New()
	add := func(f results.Finding) {
		at := where.Of(f.File)
		begin := at.Region(f).StartLine
		code := cmp.Or(f.Code, f.Rule, "ksrelease")
		all = append(all, issue{
			Description: cut(cmp.Or(output.Visible(f.Message+hint(f.Hint)), "no message"), longest),
			CheckName:   output.Visible(code),
			Fingerprint: fingerprint(seen, code, at.Path, location.Fingerprint(f)),
			Severity:    severityOf(f.Severity),
			Location:    place{Path: output.Visible(at.Path), Lines: lines{begin, begin}},
		})
	}
	if r.Error != nil {
		for _, f := range r.Error.Problems {
			add(f)
		}
	}
	for _, x := range r.Extensions {
		for _, f := range x.Findings {
			add(f)
		}
	}
	slices.SortStableFunc(all, func(a, b issue) int { return cmp.Compare(urgency(a.Severity), urgency(b.Severity)) })
	data, err := output.JSON(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the report on code quality: %w", err)
	}
	return append(data, '\n'), nil
}

// fingerprint is the same for the same finding in another commit, wherever its line is by then.
// GitLab keeps one entry of each, so that several of one kind are counted.
func fingerprint(seen map[string]int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	key := hex.EncodeToString(sum[:16])
	if seen[key]++; seen[key] == 1 {
		return key
	}
	sum = sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, seen[key]))
	return hex.EncodeToString(sum[:16])
}

// severityOf is one of the five words that GitLab sorts by: an error keeps an extension from
// being released.
func severityOf(severity string) string {
	switch severity {
	case "error":
		return "critical"
	case "warning":
		return "minor"
	}
	return "info"
}

func urgency(severity string) int {
	return slices.Index([]string{"critical", "minor", "info"}, severity)
}

func hint(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}
