package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/ksrelease/ksrelease/pipeline"
)

// Events writes each event as one line of JSON, for `--output json`. The last
// line, "run-finished", carries the whole result document.
func Events(w io.Writer) pipeline.Observer {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return pipeline.ObserverFunc(func(e pipeline.Event) {
		line := eventLine{
			Event: e.Kind, Time: e.Time.UTC(), Planning: e.Planning,
			Stage: e.Stage, Status: e.Status, Message: e.Message,
		}
		if x := e.Extension; x != nil {
			line.Extension, line.Version = x.Name, x.Version
			if e.Kind == pipeline.EventEnded {
				line.Ended = x
			}
		}
		if e.Kind == pipeline.EventRunFinished {
			line.Result = e.Result
		}
		// A reader that went away is not a reason to stop a release.
		_ = enc.Encode(line)
	})
}

type eventLine struct {
	Event     pipeline.EventKind        `json:"event"`
	Time      time.Time                 `json:"time"`
	Planning  bool                      `json:"planning"`
	Extension string                    `json:"extension,omitempty"`
	Version   string                    `json:"version,omitempty"`
	Stage     string                    `json:"stage,omitempty"`
	Status    pipeline.StageStatus      `json:"status,omitempty"`
	Message   string                    `json:"message,omitempty"`
	Ended     *pipeline.ExtensionResult `json:"ended,omitempty"`
	Result    *pipeline.Result          `json:"result,omitempty"`
}
