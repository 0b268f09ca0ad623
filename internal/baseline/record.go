package baseline

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// Recorder takes every finding for known and remembers it, to be written as a
// baseline. The zero value is ready; it may be used by several goroutines.
type Recorder struct {
	mu    sync.Mutex
	found map[string]findings
}

// Sift remembers the findings of an extension; none of them is new. Several versions of an
// extension are one in the file: it has each finding as often as one of them has it at most,
// since each is held against the whole of it.
func (r *Recorder) Sift(extension string, all []lint.Finding) (fresh []lint.Finding, known int) {
	recorded := newFindings()
	for _, f := range all {
		recorded.known[finding(f.Fingerprint())]++
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.found == nil {
		r.found = map[string]findings{}
	}
	if before, ok := r.found[extension]; ok {
		recorded = recorded.or(before)
	}
	r.found[extension] = recorded
	return nil, len(all)
}

// Keep adds what another baseline knows of extensions that were not sifted, and of
// those that were looked at in part.
func (r *Recorder) Keep(b *Baseline, inPart ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.found == nil {
		r.found = map[string]findings{}
	}
	for extension, known := range b.known {
		if _, sifted := r.found[extension]; !sifted {
			r.found[extension] = known
		} else if slices.Contains(inPart, extension) {
			r.found[extension] = r.found[extension].or(known)
		}
	}
}

// Count is the number of findings, and of the extensions that have them.
func (r *Recorder) Count() (found, extensions int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, all := range r.found {
		if n := all.count(); n > 0 {
			found, extensions = found+n, extensions+1
		}
	}
	return found, extensions
}

// Write leaves the baseline in a file, in one step. Where nothing was found there
// is no need for one, and it is removed.
func (r *Recorder) Write(path string) error {
	if found, _ := r.Count(); found == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the baseline: %w", err)
		}
		return nil
	}
	text, err := r.text()
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, text, 0o644); err != nil {
		return &hintedError{fmt.Errorf("writing the baseline: %w", err), "the folder of the config must be writable for that: write the baseline in a checkout of your own, and commit it"}
	}
	return nil
}

const header = `# Findings of ksrelease lint that were there when this file was written. They are
# not reported again; new ones are. To drop those that were fixed:
#   ksrelease lint --write-baseline
`

// text is the file: sorted, so that a change of it shows what has changed.
func (r *Recorder) text() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	written := file{Version: version, Findings: map[string][]entry{}}
	for extension, all := range r.found {
		var entries []entry
		for f, n := range all.known {
			entries = append(entries, entry{finding: f, Count: n})
		}
		for w, n := range all.worded {
			entries = append(entries, entry{finding: finding{File: w.File}, Rule: w.Rule, Message: w.Message, Count: n})
		}
		for i := range entries {
			if entries[i].Count == 1 {
				entries[i].Count = 0
			}
		}
		if len(entries) == 0 {
			continue
		}
		written.Findings[extension] = entries
		slices.SortFunc(written.Findings[extension], func(a, b entry) int {
			return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.File, b.File),
				cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Message, b.Message))
		})
	}
	var text bytes.Buffer
	text.WriteString(header)
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(written), encoder.Close()); err != nil {
		return nil, fmt.Errorf("writing the baseline: %w", err)
	}
	return text.Bytes(), nil
}
