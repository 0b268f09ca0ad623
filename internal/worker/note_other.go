//go:build !linux

package worker

// newNotes and theNotes are for systems with memory that has a descriptor. Elsewhere all that is at
// work is said.
func newNotes(int) *notes { return nil }

func theNotes() []*note { return nil }
