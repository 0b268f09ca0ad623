package seat

import (
	"context"
	"testing"

	"golang.org/x/sync/semaphore"
)

func TestASeatTakesOneSlot(t *testing.T) {
	slots := semaphore.NewWeighted(1)
	one, other := New(slots), New(slots)
	free := func() bool {
		if slots.TryAcquire(1) {
			slots.Release(1)
			return true
		}
		return false
	}
	for range 2 {
		if err := one.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if other.Take(ended) == nil || free() {
		t.Error("a slot is taken twice")
	}
	one.Leave()
	if free() {
		t.Error("one is still in it")
	}
	one.Leave()
	if !free() {
		t.Error("nobody is in it")
	}

	// Several go on for the one who was in it, and one for those who have not left.
	if err := one.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	shared := one.Share(3)
	shared.Leave(1)
	shared.Leave(1)
	if !shared.Join() || free() {
		t.Error("two have not left")
	}
	one.Leave()
	if !free() {
		t.Error("the one for them has left")
	}
	if err := one.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	shared = one.Share(2)
	shared.Leave(0)
	if free() {
		t.Error("one of two has not left")
	}
	shared.Leave(1)
	if shared.Join() || !free() {
		t.Error("all have left")
	}
	if err := other.Take(t.Context()); err != nil {
		t.Error(err)
	}
}
