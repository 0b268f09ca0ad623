package collector

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercentFor(t *testing.T) {
	for live, want := range map[uint64]int{0: most, 1 << 20: most, 12 << 20: 400, 48 << 20: 100, 96 << 20: 50, 1 << 30: least} {
		if got := percentFor(live); got != want {
			t.Errorf("%d MiB in use: %d percent, want %d", live>>20, got, want)
		}
	}
}

// TestTheHeapDecides: with much in use less garbage is left lying, and with little more again.
func TestTheHeapDecides(t *testing.T) {
	now := func() int {
		p := debug.SetGCPercent(most)
		debug.SetGCPercent(p)
		return p
	}
	reaches := func(good func(percent int) bool) bool {
		for range 200 {
			runtime.GC()
			time.Sleep(5 * time.Millisecond) // finalizers run after a collection
			if good(now()) {
				return true
			}
		}
		return false
	}
	held := make([]byte, 128<<20)
	if !reaches(func(percent int) bool { return percent == least }) {
		t.Errorf("%d percent with 128 MiB in use, want %d", now(), least)
	}
	runtime.KeepAlive(held)
	held = nil
	if !reaches(func(percent int) bool { return percent == most }) {
		t.Errorf("%d percent with nothing in use, want %d", now(), most)
	}
}
