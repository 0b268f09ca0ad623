//go:build !linux

package worker

// newNote and theNote are for systems with memory that has a descriptor. Elsewhere all that is at
// work is said.
func newNote() *note { return nil }

func theNote() *note { return nil }
