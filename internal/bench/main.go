// Command bench compares ksrelease with the tools that people loop over their extensions today:
// stock helm, and ksbuilder: the one that the environment variable KSBUILDER names, or one that it builds.
//
//	go run ./internal/bench [-only ROW,…] [-rounds N] [-helm FILE] [-markdown]
//
// Each row of docs/performance.md is measured by the tools in turn, round by round (A B A B), so that
// a machine that slows down slows all of them. What is compared is what a user waits for: whole
// processes, from start to exit. Ratios, memory and sizes are held to their targets; absolute times are
// shown, because they say as much about the machine. The exit code is 1 where a figure misses its target
// by more than a tenth, or could not be measured. A row without its peer is not compared, and fails nothing.
//
// With -generate it makes a monorepo and an index instead, and measures nothing.
//
// How fast a part of ksrelease is belongs into a Go benchmark next to that part.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// settings are the flags.
type settings struct {
	rounds   int
	only     []string
	helm     string
	markdown bool
	generate string // a folder; "" measures
	sizes    sizes
}

func main() {
	s := parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	do := s.measure
	if s.generate != "" {
		do = func(ctx context.Context) error { return s.sizes.write(ctx, s.generate) }
	}
	if err := do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func parse() settings {
	var s settings
	var only string
	var names []string
	for _, r := range rows {
		names = append(names, r.name)
	}
	flag.IntVar(&s.rounds, "rounds", 5, "how often each tool runs, after one run that does not count; fewer where a round is long")
	flag.StringVar(&only, "only", "", "measure these `ROWS` alone: "+strings.Join(names, ", "))
	flag.StringVar(&s.helm, "helm", "", "the helm `FILE` to compare with; built in the version of go.mod if empty")
	flag.BoolVar(&s.markdown, "markdown", false, "print the block of docs/performance.md")
	flag.StringVar(&s.generate, "generate", "", "make a monorepo in the `FOLDER`, and its index in FOLDER/repository/index.yaml, and measure nothing")
	flag.Uint64Var(&s.sizes.seed, "seed", 1, "for -generate: what all is made of; the same seed gives the same bytes")
	flag.IntVar(&s.sizes.extensions, "extensions", 1000, "for -generate: how many there are")
	flag.IntVar(&s.sizes.tree, "tree", 0, "for -generate: how many bytes an extension has on average, 0 for as many as public ones (245,000)")
	flag.IntVar(&s.sizes.names, "names", 0, "for -generate: how many names the index has, 0 for those of the monorepo")
	flag.IntVar(&s.sizes.versions, "versions", 30, "for -generate: how many versions the index has of each")
	flag.IntVar(&s.sizes.unreleased, "unreleased", 0, "for -generate: the index lacks every `N`th extension, 0 for none")
	flag.Parse()
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	return s
}

// measure measures the rows and prints them to standard output.
func (s settings) measure(ctx context.Context) error {
	if s.rounds < 1 {
		return fmt.Errorf("-rounds is %d, but at least one round is needed", s.rounds)
	}
	chosen, err := choose(s.only)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "ksrelease-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	l, err := newLab(ctx, scratch, s)
	if err != nil {
		return err
	}
	var outcomes []outcome
	for _, r := range chosen {
		progress("measuring " + r.name + ": " + r.title)
		o := outcome{row: r}
		o.series, o.claims, o.err = r.measure(ctx, l)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		outcomes = append(outcomes, o)
		if !s.markdown {
			if err := o.write(os.Stdout); err != nil {
				return err
			}
		}
	}
	if s.markdown {
		if err := writeMarkdown(os.Stdout, l.describe(), outcomes); err != nil {
			return err
		}
	}
	return verdict(outcomes)
}

// choose gives the rows of these names, or all.
func choose(names []string) ([]row, error) {
	if len(names) == 0 {
		return rows, nil
	}
	var out []row
	for _, r := range rows {
		if slices.Contains(names, r.name) {
			out = append(out, r)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.name == name }) {
			return nil, fmt.Errorf("-only has %q, which is no row; see -help", name)
		}
	}
	return out, nil
}

// verdict is an error that names the rows that miss a target or could not be measured; nil where there are none.
func verdict(outcomes []outcome) error {
	var missed []string
	for _, o := range outcomes {
		if o.missed() {
			missed = append(missed, o.row.name)
		}
	}
	if len(missed) == 0 {
		return nil
	}
	return errors.New("missed by more than a tenth, or not measured: " + strings.Join(missed, ", "))
}

func progress(what string) { fmt.Fprintln(os.Stderr, "bench:", what) }

// moduleRoot is the nearest folder above with a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("there is no go.mod in this folder or above: run this in the project")
		}
		dir = parent
	}
}

// milliseconds writes a duration as people compare them.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}
