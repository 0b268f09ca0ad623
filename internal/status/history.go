package status

import (
	"context"
	"time"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Snapshot is one version of an extension in the marketplace.
type Snapshot struct {
	Version string `json:"version"`
	Status  string `json:"status"`
	ID      string `json:"snapshot_id,omitempty"`
	// Updated is when the status changed last; absent where the marketplace does not say it.
	Updated *time.Time `json:"updated_at,omitempty"`
	// ReviewMessage is what the reviewer said of a version that was not approved.
	ReviewMessage string `json:"review_message,omitempty"`
}

// AskHistory asks the marketplace for all versions of each extension. The error is the first one;
// what is known of others stays.
func AskHistory(ctx context.Context, at target.Target, all []Extension) error {
	historian, ok := at.(target.Historian)
	if !ok {
		return nil
	}
	var first error
	for i := range all {
		history, err := historian.History(ctx, all[i].Name)
		if err != nil && first == nil {
			first = err
		}
		for _, h := range history {
			s := Snapshot{Version: h.Version, Status: statusOf(h.Snapshot), ID: h.ID, ReviewMessage: h.Message}
			if !h.Updated.IsZero() {
				updated := h.Updated.UTC()
				s.Updated = &updated
			}
			all[i].History = append(all[i].History, s)
		}
	}
	return first
}

// HistoryTable shows all versions of one extension that the marketplace has, in a table of a width;
// 0 is unbounded.
func HistoryTable(s Extension, width int) output.Text {
	table := output.NewTable("version", "status", "since", "snapshot", "what the reviewer said")
	for _, h := range s.History {
		since := "-"
		if h.Updated != nil {
			since = h.Updated.Format("2006-01-02 15:04 UTC")
		}
		table.Row(output.Cell(h.Version), output.Word(h.Status), output.Cell(since), output.Cell(h.ID), output.Name(h.ReviewMessage))
	}
	return table.Render(width)
}
