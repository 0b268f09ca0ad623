//go:build !linux

package collector

// Reserve is for systems with madvise(2) and MADV_HUGEPAGE.
func Reserve() {}
