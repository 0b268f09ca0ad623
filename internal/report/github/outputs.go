package github

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/ksrelease/ksrelease/internal/results"
)

// What GitHub takes of the outputs of a job, counted as UTF-16 ("Metadata syntax", limits of
// outputs: 1 MB), and of the jobs that a matrix makes.
const (
	mostList = 100_000 // bytes of a list, of which there are four with the matrix
	mostJobs = 256
)

// Output is one output of a step.
type Output struct{ Name, Value string }

// one is an extension as outputs have it.
type one struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"`
}

// Outputs are what came of a run, for later steps and jobs:
//
//	as-asked        true, or false where something is not released as asked
//	command         run, lint or package
//	totals          {"released":2,…}: how many extensions have each outcome
//	released        [{"name":"alc","version":"1.2.0","path":"extensions/alc"}]; planned, failed: the same
//	released-count  2; planned-count, exists-count, failed-count: the same
//	matrix          {"include":[…]}: what was planned, or else released, for strategy.matrix
//	matrix-count    the number of its jobs; a job with an empty matrix fails, so ask for it before
//	errors, warnings: the numbers of findings
//
// A list that is too long for an output, or for a matrix, ends earlier; the counts are of all.
func Outputs(r *results.Document) []Output {
	lists, counts := map[results.Outcome][]one{}, map[results.Outcome]int{}
	size := map[results.Outcome]int{}
	found := map[string]int{}
	for _, x := range r.Extensions {
		counts[x.Outcome]++
		this := one{x.Name, x.Version, x.Path}
		text, _ := json.Marshal(this) // strings alone
		if size[x.Outcome] += len(text) + 1; size[x.Outcome] <= mostList {
			lists[x.Outcome] = append(lists[x.Outcome], this)
		}
		for _, f := range x.Findings {
			found[levelOf(f.Severity)]++
		}
	}
	if r.Error != nil {
		found["error"] += max(1, len(r.Error.Problems))
	}
	totals := r.Totals
	if totals == nil {
		totals = results.Totals(r.Extensions)
	}
	all := []Output{
		{"as-asked", fmt.Sprint(r.Error == nil && r.Finished != nil && r.AsAsked())},
		{"command", r.Command},
		{"totals", compact(totals)},
	}
	for _, o := range []results.Outcome{results.Released, results.Planned, results.Failed} {
		all = append(all, Output{string(o), compact(append([]one{}, lists[o]...))})
	}
	for _, o := range []results.Outcome{results.Released, results.Planned, results.Exists, results.Failed} {
		all = append(all, Output{string(o) + "-count", fmt.Sprint(counts[o])})
	}
	jobs := lists[results.Planned]
	if !r.DryRun {
		jobs = lists[results.Released]
	}
	jobs = append([]one{}, jobs[:min(len(jobs), mostJobs)]...)
	return append(all,
		Output{"matrix", compact(map[string]any{"include": jobs})}, Output{"matrix-count", fmt.Sprint(len(jobs))},
		Output{"errors", fmt.Sprint(found["error"])}, Output{"warnings", fmt.Sprint(found["warning"])})
}

// compact is a value as JSON in one line.
func compact(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

// AppendOutputs writes outputs to the file that GITHUB_OUTPUT names, in the form for several lines:
// no value can end it, since nobody knows the delimiter before (actions/toolkit,
// packages/core/src/file-command.ts).
func AppendOutputs(path string, all []Output) error {
	delimiter := "ksrelease_" + rand.Text()
	var b strings.Builder
	for _, o := range all {
		if strings.Contains(o.Name, delimiter) || strings.Contains(o.Value, delimiter) {
			return fmt.Errorf("writing the outputs of the step: %s has the delimiter in it", o.Name)
		}
		fmt.Fprintf(&b, "%s<<%s\n%s\n%[2]s\n", o.Name, delimiter, o.Value)
	}
	return appendTo(path, b.String())
}

// appendTo writes at the end of a file in one write. A line that is open there is ended before.
func appendTo(path, text string) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			text = "\n" + text
		}
	}
	_, err = file.WriteString(text)
	return err
}
