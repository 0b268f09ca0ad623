package report

import (
	"time"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Events writes each event as one line of JSON, for `--output json`. The last
// line, "run-finished", carries the whole result document.
func Events(out *output.Stream) results.Observer {
	return results.ObserverFunc(func(e results.Event) {
		line := EventLine{
			Event: e.Kind, Time: e.Time.UTC(), Planning: e.Planning, Target: e.Target,
			Stage: e.Stage, Status: e.Status, Message: e.Message, Decision: e.Decision,
		}
		if x := e.Extension; x != nil {
			line.Extension, line.Version = x.Name, x.Version
			if e.Kind == results.EventEnded {
				line.Ended = x
			}
			if e.Kind == results.EventTargetEnded {
				line.TargetEnded = targetOf(x, e.Target)
			}
		}
		switch e.Kind {
		case results.EventRunStarted:
			line.Command, line.Tool, line.Revision, line.Targets = e.Result.Command, &e.Result.Tool, e.Result.Revision, e.Result.Targets
			for _, x := range e.Result.Extensions {
				line.Extensions = append(line.Extensions, x.Name)
			}
		case results.EventStageFinished, results.EventHookFinished:
			line.Milliseconds = &e.Milliseconds
		case results.EventPlanned:
			line.Totals = e.Result.Totals
		case results.EventRunFinished:
			line.Result = e.Result
		}
		// A reader that went away is not a reason to stop a release: out keeps the error.
		out.JSON(line, "")
	})
}

// EventLine is a line of `--output json`.
type EventLine struct {
	Event        results.EventKind       `json:"event"`
	Time         time.Time               `json:"time"`
	Planning     bool                    `json:"planning"`
	Command      string                  `json:"command,omitempty"`    // run-started: run, lint or package
	Tool         *results.Tool           `json:"tool,omitempty"`       // run-started: the program
	Revision     string                  `json:"revision,omitempty"`   // run-started: the git commit of the work tree
	Targets      []results.Place         `json:"targets,omitempty"`    // run-started: the places that the run releases to
	Extensions   []string                `json:"extensions,omitempty"` // run-started: the names of all
	Extension    string                  `json:"extension,omitempty"`
	Version      string                  `json:"version,omitempty"`
	Target       string                  `json:"target,omitempty"` // where the project names its targets
	Stage        string                  `json:"stage,omitempty"`
	Status       results.StageStatus     `json:"status,omitempty"`
	Milliseconds *int64                  `json:"milliseconds,omitempty"` // stage-finished, hook-finished
	Decision     string                  `json:"decision,omitempty"`     // decided: release or wait
	Message      string                  `json:"message,omitempty"`
	Totals       map[results.Outcome]int `json:"totals,omitempty"`       // plan-finished: those that have ended, and the rest as not-reached
	TargetEnded  *results.Target         `json:"target_ended,omitempty"` // target-ended
	Ended        *results.Extension      `json:"ended,omitempty"`
	Result       *results.Document       `json:"result,omitempty"` // run-finished: the result document
}
