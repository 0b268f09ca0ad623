package catalog

import (
	"testing"
	"time"
)

func TestCompareVersions(t *testing.T) {
	sorted := []string{"0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0", "1.0.0+a", "1.0.0+b", "1.9.0", "1.10.0"}
	for i, a := range sorted {
		for j, b := range sorted {
			got := compareVersions(a, b)
			if (i < j) != (got < 0) || (i == j) != (got == 0) {
				t.Errorf("compareVersions(%s, %s) = %d", a, b, got)
			}
		}
	}
}

func TestNextID(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	first := NextID(0, now)
	if got := FormatID(first); !ValidID(got) {
		t.Errorf("ID %s has not 18 digits", got)
	}
	if second := NextID(first, now); second != first+1 {
		t.Errorf("the ID after %d at the same time is %d", first, second)
	}
	if back := NextID(first, now.Add(-time.Hour)); back != first+1 {
		t.Errorf("the ID after %d with a clock that went back is %d", first, back)
	}
	if early := FormatID(NextID(0, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))); !ValidID(early) {
		t.Errorf("ID of the year 2000: %s", early)
	}
	if late := FormatID(NextID(0, time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC))); !ValidID(late) {
		t.Errorf("ID of the year 3000: %s", late)
	}
}
