package seat

import (
	"context"
	"runtime"
	"slices"
	"sync"
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

// What waits for its turn takes no goroutine, and what is not admitted is not begun.
func TestInTurnBeginsWhatIsAdmitted(t *testing.T) {
	const count, places = 100, 3
	slots := make(chan bool, places)
	var admitted, done []int
	var at, most int
	var mu sync.Mutex
	before := runtime.NumGoroutine()
	numbers := make([]int, count)
	for i := range numbers {
		numbers[i] = i
	}
	InTurn(numbers, func(i int) bool {
		slots <- true
		admitted = append(admitted, i)
		most = max(most, runtime.NumGoroutine()-before)
		if i%10 == 0 {
			<-slots
			return false
		}
		return true
	}, func(i int) {
		mu.Lock()
		at, done = at+1, append(done, i)
		mu.Unlock()
		runtime.Gosched()
		<-slots
	})
	if !slices.Equal(admitted, numbers) || at != count-count/10 || slices.ContainsFunc(done, func(i int) bool { return i%10 == 0 }) {
		t.Errorf("admitted %v, done %v", admitted, done)
	}
	if most > count/2 { // some that have given their place back may be on their way out
		t.Errorf("%d goroutines for %d places", most, places)
	}
}
