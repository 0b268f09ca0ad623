package output

import (
	"slices"
	"sync"
)

// Warnings are those on a command as a whole, from any goroutine; each is passed on once. The
// zero value keeps them until somebody takes them.
type Warnings struct {
	mu   sync.Mutex
	seen map[string]bool
	all  []string // in their order
	kept []string
	take func(string)
}

// Add passes a warning on, or keeps it.
func (w *Warnings) Add(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[message] {
		return
	}
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	w.seen[message] = true
	w.all = append(w.all, message)
	if w.take == nil {
		w.kept = append(w.kept, message)
		return
	}
	w.take(message)
}

// To passes on what was kept, and from now on what comes.
func (w *Warnings) To(take func(string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, message := range w.kept {
		take(message)
	}
	w.kept, w.take = nil, take
}

// All returns the warnings so far, whether or not somebody took them.
func (w *Warnings) All() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// Untaken returns the warnings that nobody has taken, and drops them.
func (w *Warnings) Untaken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.kept
	w.kept = nil
	return kept
}
