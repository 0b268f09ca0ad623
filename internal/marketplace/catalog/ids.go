package catalog

import (
	"strconv"
	"time"
)

// IDs of the real marketplace are decimal strings of 18 digits; these are too. They
// rise with time, so that lists sorted by them are sorted by age.
const (
	firstID = 100_000_000_000_000_000
	lastID  = 999_999_999_999_999_999
	// perMillisecond leaves space for that many IDs within one tick of the clock; with
	// the milliseconds since 1970 before them, the digits are 18 until the year 2286.
	perMillisecond = 100_000
)

// NextID returns an ID above previous, and usually that of the moment.
func NextID(previous int64, now time.Time) int64 {
	id := min(now.UnixMilli()*perMillisecond, lastID)
	return max(id, previous+1, firstID)
}

func FormatID(id int64) string { return strconv.FormatInt(id, 10) }

// idNumber is the number of an ID, 0 for what is none.
func idNumber(id string) int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// LastID is the highest ID of an extension and its snapshots.
func (e *Extension) LastID() int64 {
	last := idNumber(e.ID)
	for i := range e.Snapshots {
		last = max(last, idNumber(e.Snapshots[i].ID))
	}
	return last
}
