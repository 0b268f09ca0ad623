package dependency

import (
	"context"
	"sync"

	"golang.org/x/sync/singleflight"
)

// memo asks for each key once, however many want it at the same time or later.
// The zero value is ready.
type memo[T any] struct {
	calls singleflight.Group
	mu    sync.Mutex
	known map[string]answer[T]
}

type answer[T any] struct {
	value T
	err   error
}

// get gives the answer for a key. A failure is an answer too, unless it came
// because the asker's context had ended.
func (m *memo[T]) get(ctx context.Context, key string, ask func() (T, error)) (T, error) {
	if a, ok := m.recall(key); ok {
		return a.value, a.err
	}
	result := m.calls.DoChan(key, func() (any, error) {
		if a, ok := m.recall(key); ok {
			return a, nil
		}
		value, err := ask()
		a := answer[T]{value, err}
		if err == nil || ctx.Err() == nil {
			m.remember(key, a)
		}
		return a, nil
	})
	select {
	case r := <-result:
		a := r.Val.(answer[T])
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

func (m *memo[T]) recall(key string) (answer[T], bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.known[key]
	return a, ok
}

func (m *memo[T]) remember(key string, a answer[T]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[string]answer[T]{}
	}
	m.known[key] = a
}
