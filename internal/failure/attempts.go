package failure

import "time"

// Attempts counts the attempts of one write.
type Attempts struct {
	Failed   int // how many have failed, but for those that a server was too busy for
	most     int
	patience time.Duration
	began    time.Time
}

// Try begins to count: most attempts may fail, and a server that asks to slow down is asked
// again for that long.
func Try(most int, patience time.Duration) *Attempts {
	return &Attempts{most: most, patience: patience, began: time.Now()}
}

// Spent counts a failed attempt and says whether it was the last.
func (t *Attempts) Spent(cause error) bool {
	if SlowDown(cause) {
		return time.Since(t.began) > t.patience
	}
	t.Failed++
	return t.Failed == t.most
}
