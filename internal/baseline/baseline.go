// Package baseline remembers the findings that an old repository has on the day
// on which it begins to use ksrelease, so that only new ones are told from then
// on. It reads and writes the file that holds them and sifts findings by it; what
// a finding is, and what becomes of those that are new, is decided elsewhere.
package baseline

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Name is the file name of a baseline; it stands beside the config.
const Name = ".ksrelease.baseline.yaml"

// finding is what a finding is known by. It has no line, so that code may move.
type finding struct {
	Rule    string `json:"rule" yaml:"rule"`
	File    string `json:"file" yaml:"file,omitempty"` // below the extension; empty for the extension itself
	Message string `json:"message" yaml:"message"`
}

// findings are how often each is known.
type findings map[finding]int

// Baseline holds the findings that are known. The zero value knows none; it may
// be used by several goroutines.
type Baseline struct {
	known map[string]findings // by extension

	mu   sync.Mutex
	gone map[string]int // of extensions that were sifted: known findings that were not met
}

// file is the baseline as it is written.
type file struct {
	Version  int                `json:"version" yaml:"version"`
	Findings map[string][]entry `json:"findings" yaml:"findings"` // by extension
}

type entry struct {
	finding `yaml:",inline"`
	Count   int `json:"count" yaml:"count,omitempty"` // 0 is once
}

//go:embed baseline.schema.json
var schemaJSON []byte

var schema = sync.OnceValues(func() (*yamldoc.Schema, error) {
	return yamldoc.CompileSchema("https://raw.githubusercontent.com/ksrelease/ksrelease/main/internal/baseline/baseline.schema.json", schemaJSON)
})

// Load reads a baseline. Where there is no file it is empty. What is wrong with a
// file is told as yamldoc.Problems, all of it at once.
func Load(path string) (*Baseline, error) {
	src, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return &Baseline{}, nil
	}
	if err != nil {
		var failed *os.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return nil, fmt.Errorf("reading the baseline %s: %w", path, err)
	}
	return Parse(path, src)
}

// Parse is Load for a file that was read already.
func Parse(path string, src []byte) (*Baseline, error) {
	doc, err := yamldoc.Parse(path, src)
	if err != nil {
		return nil, advised(err)
	}
	compiled, err := schema()
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(compiled).Err(); err != nil {
		return nil, advised(err)
	}
	var written file
	if err := doc.Decode(&written); err != nil {
		return nil, fmt.Errorf("reading the baseline %s: %w", path, err)
	}
	known := map[string]findings{}
	for extension, entries := range written.Findings {
		known[extension] = findings{}
		for _, e := range entries {
			e.Message = steady(e.Message)
			known[extension][e.finding] += max(1, e.Count)
		}
	}
	return &Baseline{known: known}, nil
}

// advised says of problems without advice how to be rid of them: what the file
// holds can be had again at any time.
func advised(err error) error {
	var problems yamldoc.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for i := range problems {
		if problems[i].Hint == "" {
			problems[i].Hint = "mend it, or write it anew: ksrelease lint --write-baseline"
		}
	}
	return problems
}

// Sift keeps those findings of an extension that are new, and counts the others.
// folder is the extension as the files of the findings begin.
func (b *Baseline) Sift(extension, folder string, all []lint.Finding) (fresh []lint.Finding, known int) {
	left := findings{}
	for f, n := range b.known[extension] {
		left[f] = n
	}
	for _, f := range all {
		key := keyOf(folder, f)
		if left[key] > 0 {
			left[key]--
			known++
			continue
		}
		fresh = append(fresh, f)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone == nil {
		b.gone = map[string]int{}
	}
	b.gone[extension] = 0
	if lint.Failed(fresh) {
		return fresh, known // what cannot be read says nothing of what else is there
	}
	for _, n := range left {
		b.gone[extension] += n
	}
	return fresh, known
}

// Gone counts the findings that are known and were not met. whole says that all
// extensions there are were sifted, so that those of others are gone, too.
func (b *Baseline) Gone(whole bool) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	count := 0
	for extension, all := range b.known {
		gone, sifted := b.gone[extension]
		switch {
		case sifted:
			count += gone
		case whole:
			for _, n := range all {
				count += n
			}
		}
	}
	return count
}

// keyOf is what a finding is known by.
func keyOf(folder string, f lint.Finding) finding {
	folder = filepath.ToSlash(filepath.Clean(folder))
	name := f.File
	switch {
	case name == folder:
		name = ""
	case folder != ".":
		name = strings.TrimPrefix(name, folder+"/")
	}
	return finding{Rule: f.Rule, File: name, Message: steady(f.Message)}
}

// moving is what messages say that is another when something else changes: lines, how
// many of a kind there are, and sizes.
var moving = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\bline \d+`), "line …"},
	{regexp.MustCompile(`:\d+: `), ":…: "},
	{regexp.MustCompile(`\b(?:\d+|one) (rule|file|image|other \w+?)s?(?: does| do)?\b`), "… $1"},
	{regexp.MustCompile(`\b\d+(?:\.\d+)? (?:B|[KMG]iB)\b`), "… B"},
}

// steady takes out of a message what changes when code moves, or when a finding of
// several is mended.
func steady(message string) string {
	for _, m := range moving {
		message = m.pattern.ReplaceAllString(message, m.with)
	}
	return message
}
