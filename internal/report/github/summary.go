package github

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
)

// The runner throws the whole summary of a step away that is larger than 1 MiB, whoever wrote it.
// So much is used of it by all commands of a step together, and by the table of one.
const (
	mostSummary = 1_000_000 // bytes
	mostRows    = 500_000
	keptForEnd  = 1_000 // so that the numbers of what there is, and of what is left out, always fit
)

// Summary is the summary of a job: a table that gets a row when an extension ends, and below it,
// when the run is over, what there is to say. Then its rows are put in the order of the result, which
// changes no other byte. All else is only appended, so that a run that is killed
// leaves what it knows, and what others write to the file stays.
//
// Observe gets events one at a time.
type Summary struct {
	path  string
	table bool // its head is there
	rows  []row
	bytes int             // of the rows
	left  int             // extensions without a row
	begun bool            // something of it is in the file
	text  strings.Builder // that is not in the file yet
	err   error
}

// row is what the table has of an extension.
type row struct{ name, version, path, text string }

// NewSummary writes to the file that GITHUB_STEP_SUMMARY names.
func NewSummary(path string) *Summary { return &Summary{path: path} }

// Observe takes what an event tells; Flush writes it.
func (s *Summary) Observe(e results.Event) {
	switch {
	case e.Kind == results.EventRunStarted && e.Result != nil:
		s.append(report.MarkdownTop(e.Result, "", s.space()-keptForEnd))
	case e.Kind == results.EventEnded && e.Extension != nil:
		s.row(*e.Extension)
	case e.Kind == results.EventRunFinished && e.Result != nil:
		s.finish(e.Result)
	}
}

func (s *Summary) row(x results.Extension) {
	text := report.MarkdownRows(x)
	added := row{x.Name, x.Version, x.Path, text}
	if !s.table {
		text = report.MarkdownTable() + text
	}
	if s.bytes+len(text) > mostRows || len(text) > s.space()-keptForEnd {
		s.left++
		return
	}
	s.table = true
	s.rows = append(s.rows, added)
	s.bytes += len(text)
	s.append(text)
}

// sort puts the rows that are in the file in the order of the result: they are there in the order in
// which extensions ended. It changes nothing where others wrote between them, or the file is none.
func (s *Summary) sort(r *results.Document) {
	place := map[[3]string]int{}
	for i, x := range r.Extensions {
		place[[3]string{x.Name, x.Version, x.Path}] = i
	}
	sorted := slices.Clone(s.rows)
	slices.SortStableFunc(sorted, func(a, b row) int {
		return place[[3]string{a.name, a.version, a.path}] - place[[3]string{b.name, b.version, b.path}]
	})
	before, after := joined(s.rows), joined(sorted)
	if before == after || s.err != nil {
		return
	}
	if info, err := os.Stat(s.path); err != nil || !info.Mode().IsRegular() {
		return
	}
	data, err := os.ReadFile(s.path)
	at := strings.LastIndex(string(data), before)
	if err != nil || at < 0 {
		return
	}
	file, err := os.OpenFile(s.path, os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteAt([]byte(after), int64(at))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		s.err = fmt.Errorf("writing the summary of the job: %w", err)
	}
}

func joined(rows []row) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(r.text)
	}
	return b.String()
}

func (s *Summary) finish(r *results.Document) {
	s.Flush()
	s.sort(r)
	text := ""
	if s.left > 0 {
		if !s.table {
			text = report.MarkdownTable()
		}
		text += language.Sprintf("| and %d more | | | | |\n", s.left)
	}
	text += "\n**" + report.MarkdownCounts(r) + "**\n"
	text += report.MarkdownDetails(r, s.space()-len(text))
	s.append(text)
}

// Failed writes that a command did nothing.
func (s *Summary) Failed(r *results.Document) {
	s.append(report.MarkdownTop(r, "", s.space()-2))
	s.Flush()
}

// space is how many bytes there are left.
func (s *Summary) space() int {
	used := int64(0)
	if info, err := os.Stat(s.path); err == nil {
		used = info.Size()
	}
	return mostSummary - int(min(used, mostSummary)) - s.text.Len()
}

func (s *Summary) append(text string) { s.text.WriteString(text) }

// Flush writes what came at once, if there is space for it: what keeps others from being shown is
// worse than what is missing.
func (s *Summary) Flush() {
	text := s.text.String()
	s.text.Reset()
	if s.err != nil || text == "" {
		return
	}
	if info, err := os.Stat(s.path); !s.begun && err == nil && info.Size() > 0 {
		text = "\n" + text
	}
	if len(text)+1 > s.space() {
		s.err = errors.New("writing the summary of the job: GitHub takes 1 MiB of a step, and it is full")
		return
	}
	if err := appendTo(s.path, text); err != nil {
		s.err = fmt.Errorf("writing the summary of the job: %w", err)
	}
	s.begun = true
}

// Err is the first error.
func (s *Summary) Err() error { return s.err }
