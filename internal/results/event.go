package results

import "time"

// EventKind says what happened.
type EventKind string

// The events of a run, in the order in which they come: the run is started;
// each extension is read, goes through the stages of the plan and is decided;
// then, unless the run is dry, through those of the release; each ends; the
// run is finished. Extensions go this way independently: EventPlanned comes when
// the last one is planned, and others may be released by then.
const (
	EventRunStarted    EventKind = "run-started"
	EventStageStarted  EventKind = "stage-started"
	EventStageFinished EventKind = "stage-finished"
	EventDecided       EventKind = "decided"
	EventPlanned       EventKind = "plan-finished"
	EventNote          EventKind = "note" // something to know while it goes on: a retry, a wait
	// Something that goes on within a stage begins, or is another: to be shown while it lasts, and
	// kept nowhere. Reports do not get it.
	EventActivity EventKind = "activity"
	EventWarning  EventKind = "warning" // something that somebody should fix: an address without TLS
	// One target of several has all of an extension that it gets, or does not get it. Message
	// says why.
	EventTargetEnded EventKind = "target-ended"
	EventEnded       EventKind = "ended"
	// A hook begins and has ended. Stage is StageBefore or StageAfter, Message the command; a
	// hook of the project has no Extension.
	EventHookStarted  EventKind = "hook-started"
	EventHookFinished EventKind = "hook-finished"
	EventRunFinished  EventKind = "run-finished"
)

// Event is one thing that happened.
type Event struct {
	Kind EventKind
	Time time.Time
	// Planning is true until the plan is applied: nothing is written yet. For events of an
	// extension it is about that one.
	Planning bool
	// Extension is the extension as it stands after the event; nil for events
	// of the whole run.
	Extension *Extension
	// Target is the one that it is about, by its name, where a project names its targets;
	// empty for what is about the extension, or the run.
	Target string
	Stage  string
	Status StageStatus
	// Writes is true for the start and end of a stage that changes a
	// target: the run waits for Options.Kept before that extension goes on.
	Writes  bool
	Message string
	// Appeared is true for a note that says that the version is seen in the target, or was approved
	// there: the end of its stage says nothing new then.
	Appeared bool
	// Activity is what goes on, for EventActivity.
	Activity *Activity
	// Decision is what the plan does with the extension, for EventDecided:
	// DecisionRelease or DecisionWait. One that the plan has nothing to do for has
	// ended.
	Decision string
	// Milliseconds is how long a stage took, for EventStageFinished.
	Milliseconds int64
	// Result is the whole document, for events of the whole run.
	Result *Document
}

// Activity is what goes on within a stage. It is a wait that is given up at Limit, one that ends
// Again, or bytes that are sent.
type Activity struct {
	// Waiting is what is waited for, or why, in a few words that go on after "waiting:".
	Waiting string
	Since   time.Time // of a wait with a Limit
	Limit   time.Time // when it is given up; zero where it is not
	Again   time.Time // when it is over, and what was tried is tried again; zero where that is not known
	// Sent is how many bytes have been sent, and of how many; of is 0 when that is over. It may be
	// called at any time. Nil where nothing is sent.
	Sent func() (done, of int64)
}

// Lasting gets the events of a run that are worth keeping: all but activities.
func Lasting(to Observer) Observer {
	return ObserverFunc(func(e Event) {
		if e.Kind != EventActivity {
			to.Observe(e)
		}
	})
}

// Observer gets every event, in order and one at a time. No extension goes on
// meanwhile, so it must not wait for a disk or a terminal. It may keep what it
// is given, which does not change later.
type Observer interface {
	Observe(Event)
}

// ObserverFunc is an Observer made of a function.
type ObserverFunc func(Event)

// Observe calls f.
func (f ObserverFunc) Observe(e Event) { f(e) }
