package replaying

import (
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/results"
)

// A report has the exit code that its run had: a refused key matters where something is not as
// asked.
func TestExitCodeOfAReport(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name     string
		asAsked  bool
		finished *time.Time
		refused  bool
		broken   *results.CommandError
		want     int
	}{
		{"all is well", true, &now, false, nil, app.ExitOK},
		{"released, though an answer refused the key", true, &now, true, nil, app.ExitOK},
		{"refused", false, &now, true, nil, app.ExitAuth},
		{"not released", false, &now, false, nil, app.ExitNotReleased},
		{"killed", true, nil, false, nil, app.ExitNotReleased},
		{"killed after a refusal", true, nil, true, nil, app.ExitAuth},
		{"did not begin", true, &now, false, &results.CommandError{}, app.ExitUsage},
	} {
		r := &results.Document{
			Finished: test.finished, AuthRefused: test.refused, Error: test.broken,
			Extensions: []results.Extension{{Name: "alc", AsAsked: test.asAsked}},
		}
		if got := exitCodeOf(r); got != test.want {
			t.Errorf("%s: exit code %d, want %d", test.name, got, test.want)
		}
	}
}
