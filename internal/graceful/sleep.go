package graceful

import (
	"context"
	"time"
)

// Sleep waits for d unless ctx ends first, and says whether it waited.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
