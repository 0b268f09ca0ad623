package together

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
)

// What comes while a batch is at work is in the next one, and each gets its own error.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches []string
		b := NewBatches(func(_ context.Context, items []int) []error {
			time.Sleep(time.Second)
			sorted := slices.Sorted(slices.Values(items))
			batches = append(batches, fmt.Sprint(sorted))
			errs := make([]error, len(items))
			for i, n := range items {
				if n == 3 {
					errs[i] = errors.New("three")
				}
			}
			return errs
		})
		for n := range 6 {
			go func() {
				time.Sleep(time.Duration(n) * time.Millisecond)
				if err := b.Do(t.Context(), n); (err != nil) != (n == 3) {
					t.Errorf("%d: %v", n, err)
				}
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []string{"[0]", "[1 2 3 4 5]"}; !slices.Equal(batches, want) {
			t.Errorf("batches %v, want %v", batches, want)
		}
	})
}

// Who waits leaves with its context: not in doubt before its turn, in doubt after that. The work
// ends with the last of those that it is for.
func TestLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []time.Duration
		began := time.Now()
		b := NewBatches(func(ctx context.Context, items []string) []error {
			<-ctx.Done()
			ended = append(ended, time.Since(began))
			time.Sleep(time.Millisecond)
			return make([]error, len(items))
		})
		do := func(patience time.Duration, inDoubt bool) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := b.Do(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) || failure.InDoubt(err) != inDoubt || time.Since(began) != patience {
				t.Errorf("after %s: %v, in doubt: %v", time.Since(began), err, failure.InDoubt(err))
			}
		}
		go do(10*time.Second, true)
		synctest.Wait()
		go do(5*time.Second, false)
		go do(20*time.Second, true)
		go do(30*time.Second, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []time.Duration{10 * time.Second, 30 * time.Second}; !slices.Equal(ended, want) {
			t.Errorf("the work ended after %v, want %v", ended, want)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Do(ctx, "x"); !errors.Is(err, context.Canceled) || len(ended) != 2 {
			t.Errorf("after its end: %v", err)
		}
	})
}

func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := NewShared(func(ctx context.Context) (int, error) {
			asked++
			n := asked
			time.Sleep(time.Second)
			if n == 3 {
				return 0, errors.New("no answer")
			}
			return n, ctx.Err()
		})
		var got [4]atomic.Int32
		for range 100 {
			go func() {
				n, err := s.Get(t.Context())
				if err != nil {
					t.Error(err)
				}
				got[n].Add(1)
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if asked != 2 || got[1].Load() != 1 || got[2].Load() != 99 {
			t.Errorf("asked %d times; %d and %d have the answers", asked, got[1].Load(), got[2].Load())
		}
		if _, err := s.Get(t.Context()); err == nil {
			t.Error("no error")
		}
		if n, err := s.Get(t.Context()); n != 4 || err != nil {
			t.Errorf("after an error: %d, %v", n, err)
		}
	})
}
