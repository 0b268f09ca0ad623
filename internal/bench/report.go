package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// outcome is what was measured for a row.
type outcome struct {
	row    row
	series []series
	claims []claim
	err    error // it could not be measured
}

// missed says whether something of the row is not as it has to be.
func (o outcome) missed() bool { return o.err != nil || slices.ContainsFunc(o.claims, claim.missed) }

// write prints the series of a row, then a line for each figure.
func (o outcome) write(w io.Writer) error {
	fmt.Fprintf(w, "\n=== %s: %s\n\n", o.row.name, o.row.title)
	if o.err != nil {
		_, err := fmt.Fprintf(w, "NOT MEASURED: %v\n", o.err)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(o.series) > 0 {
		fmt.Fprintln(t, "TOOL\tMEDIAN\tFASTEST\tSLOWEST\tCPU, MEDIAN\tPEAK MEMORY")
		for _, s := range o.series {
			fmt.Fprintln(t, strings.Join(s.columns(), "\t"))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(t, "FIGURE\tTARGET\tIS\t")
	for _, c := range o.claims {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", c.what, c.goal(), c.reading(), c.verdict())
	}
	return t.Flush()
}

// columns are the figures of a tool, for people.
func (s series) columns() []string {
	walls := s.walls()
	if len(walls) == 0 {
		return []string{s.name, "–", "–", "–", "–", "–"}
	}
	return []string{
		s.name, milliseconds(median(walls)), milliseconds(slices.Min(walls)), milliseconds(slices.Max(walls)),
		milliseconds(median(s.cpus())), memory(s.peak()),
	}
}

// The lines around the figures in docs/performance.md.
const (
	blockBegins = "<!-- In the form of `go run ./internal/bench -markdown`. -->"
	blockEnds   = "<!-- End of the figures. -->"
)

// writeMarkdown prints the block of docs/performance.md.
func writeMarkdown(w io.Writer, machine string, outcomes []outcome) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n| row | figure | target | is | verdict |\n| --- | --- | --- | --- | --- |\n", blockBegins, machine)
	for _, o := range outcomes {
		if o.err != nil {
			cause, _, _ := strings.Cut(o.err.Error(), "\n")
			fmt.Fprintf(&b, "| %s | – | – | – | NOT MEASURED: %s |\n", o.row.name, cell(cause))
		}
		for _, c := range o.claims {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", o.row.name, cell(c.what), c.goal(), c.reading(), cell(c.verdict()))
		}
	}
	b.WriteString("\n| row | tool | median | fastest | slowest | CPU, median | peak memory |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, o := range outcomes {
		for _, s := range o.series {
			columns := s.columns()
			columns[0] = cell(columns[0])
			fmt.Fprintf(&b, "| %s | %s |\n", o.row.name, strings.Join(columns, " | "))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", blockEnds)
	_, err := io.WriteString(w, b.String())
	return err
}

// cell is a text in a table of Markdown.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
