// Package baseline remembers the findings that an old repository has on the day
// on which it begins to use ksrelease, so that only new ones are reported from then
// on. It reads and writes the file that holds them and sifts findings by it; what
// a finding is, and what becomes of those that are new, is decided elsewhere.
package baseline

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"sync"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Name is the file name of a baseline; it stands next to the config.
const Name = ".ksrelease.baseline.yaml"

// finding is a diagnostic.Fingerprint as it is written.
type finding struct {
	Code    string `json:"code" yaml:"code,omitempty"`
	File    string `json:"file" yaml:"file,omitempty"` // below the extension; empty for the extension itself
	Subject string `json:"subject" yaml:"subject,omitempty"`
}

// findings are how often each is known.
type findings struct {
	known  map[finding]int
	worded map[worded]int // what version 1 of the format knew them by
}

func newFindings() findings { return findings{map[finding]int{}, map[worded]int{}} }

// count is how many there are.
func (f findings) count() int {
	n := 0
	for _, times := range f.known {
		n += times
	}
	for _, times := range f.worded {
		n += times
	}
	return n
}

func (f findings) clone() findings { return findings{maps.Clone(f.known), maps.Clone(f.worded)} }

// or has each finding as often as the one or the other has it.
func (f findings) or(g findings) findings {
	all := f.clone()
	for finding, times := range g.known {
		all.known[finding] = max(all.known[finding], times)
	}
	for finding, times := range g.worded {
		all.worded[finding] = max(all.worded[finding], times)
	}
	return all
}

// and has each finding as often as both the one and the other have it.
func (f findings) and(g findings) findings {
	all := newFindings()
	for finding, times := range f.known {
		all.known[finding] = min(times, g.known[finding])
	}
	for finding, times := range f.worded {
		all.worded[finding] = min(times, g.worded[finding])
	}
	return all
}

// take takes one of a kind, if there is one left.
func take[K comparable](from map[K]int, key K) bool {
	if from[key] == 0 {
		return false
	}
	if from[key]--; from[key] == 0 {
		delete(from, key)
	}
	return true
}

// Baseline holds the findings that are known. The zero value knows none; it may
// be used by several goroutines.
type Baseline struct {
	known map[string]findings // by extension

	mu   sync.Mutex
	gone map[string]findings // of extensions that were sifted: known findings that no version met
}

// version is that of the format which is written. Version 1 knew findings by rule,
// file and message; entries of that kind are read still.
const version = 2

// file is the baseline as it is written.
type file struct {
	Version  int                `json:"version" yaml:"version"`
	Findings map[string][]entry `json:"findings" yaml:"findings"` // by extension
}

// entry is a finding, or a worded one of version 1.
type entry struct {
	finding `yaml:",inline"`
	Rule    string `json:"rule" yaml:"rule,omitempty"`
	Message string `json:"message" yaml:"message,omitempty"`
	Count   int    `json:"count" yaml:"count,omitempty"` // 0 is once
}

//go:embed baseline.schema.json
var schemaJSON []byte

var schema = sync.OnceValue(func() *yamldoc.Schema {
	return yamldoc.Embedded("https://raw.githubusercontent.com/ksrelease/ksrelease/main/internal/baseline/baseline.schema.json", schemaJSON)
})

// Load reads a baseline: a regular file of bounded size that, links followed, lies in
// the folder within. Where there is no file it is empty. What is wrong with a file is
// reported as a diagnostic.List, all of it at once.
func Load(within, path string) (*Baseline, error) {
	src, err := regularfile.ReadWithin(within, path, yamldoc.MaxSize)
	if errors.Is(err, os.ErrNotExist) {
		return &Baseline{}, nil
	}
	if err != nil {
		return nil, &hintedError{fmt.Errorf("reading the baseline %s: %w", path, err), fmt.Sprintf("the baseline has to be a readable regular file of at most %d MiB in the project: put the file itself there, or remove it and write it anew with ksrelease lint --write-baseline", yamldoc.MaxSize>>20)}
	}
	return Parse(path, src)
}

// hintedError is an error with what to do about it.
type hintedError struct {
	error
	hint string
}

func (h *hintedError) Unwrap() error { return h.error }
func (h *hintedError) Hint() string  { return h.hint }

// Parse is Load for a file that was read already.
func Parse(path string, src []byte) (*Baseline, error) {
	doc, err := yamldoc.Parse(path, src)
	if err != nil {
		return nil, hinted(err)
	}
	if err := doc.Validate(schema()).Err(); err != nil {
		return nil, hinted(err)
	}
	var written file
	if err := doc.Decode(&written); err != nil {
		return nil, fmt.Errorf("reading the baseline %s: %w", path, err)
	}
	known, incomplete := map[string]findings{}, diagnostic.List{}
	for extension, entries := range written.Findings {
		known[extension] = newFindings()
		for i, e := range entries {
			at := []string{"findings", extension, strconv.Itoa(i)}
			switch {
			case e.Code != "" && e.Rule+e.Message == "":
				known[extension].known[e.finding] += max(1, e.Count)
			case e.Code != "":
				wrong := doc.Problem("an entry has either a code, or a rule and a message as in version 1", "", at...)
				wrong.Code = yamldoc.InvalidValue
				incomplete = append(incomplete, wrong)
			case e.Rule == "" || e.Message == "":
				wrong := doc.Problem(`key "code" is missing`, "", at...)
				wrong.Code = yamldoc.MissingKey
				incomplete = append(incomplete, wrong)
			default:
				known[extension].worded[worded{e.Rule, e.File, steady(e.Message)}] += max(1, e.Count)
			}
		}
	}
	if err := incomplete.Err(); err != nil {
		return nil, hinted(err)
	}
	return &Baseline{known: known}, nil
}

// rule is that of all mistakes in the files which say what is to be done: config.Rule.
const rule = "configuration"

// hinted gives problems without a hint one: what the file holds can be had again at any
// time.
func hinted(err error) error {
	var problems diagnostic.List
	if !errors.As(err, &problems) {
		return err
	}
	for i := range problems {
		if problems[i].Hint == "" {
			problems[i].Hint = "fix it, or write it anew: ksrelease lint --write-baseline"
		}
	}
	return problems.WithRule(rule)
}

// Sift keeps those findings of an extension that are new, and counts the others. Their
// files are relative to the extension.
func (b *Baseline) Sift(extension string, all []lint.Finding) (fresh []lint.Finding, known int) {
	left := b.known[extension].clone()
	var unknown []lint.Finding
	for _, f := range all {
		if take(left.known, finding(f.Fingerprint())) || take(left.worded, wordsOf(f)) {
			known++
			continue
		}
		unknown = append(unknown, f)
	}
	// What is worded in another way today is looked for last: it must not take the
	// entry of a finding whose words are the same.
	for _, f := range unknown {
		if w, ok := left.reworded(f); ok {
			take(left.worded, w)
			known++
			continue
		}
		fresh = append(fresh, f)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone == nil {
		b.gone = map[string]findings{}
	}
	if lint.Failed(fresh) {
		left = newFindings() // what cannot be read says nothing of what else is there
	}
	if before, ok := b.gone[extension]; ok {
		left = left.and(before)
	}
	b.gone[extension] = left
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
			count += gone.count()
		case whole:
			count += all.count()
		}
	}
	return count
}
