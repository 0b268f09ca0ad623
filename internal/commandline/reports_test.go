package commandline

import (
	"fmt"
	"strings"
	"testing"
)

func TestReportsAsked(t *testing.T) {
	for line, want := range map[string]string{
		"":                                    "{  []}",
		"run --report a.json":                 "{run  [a.json]}",
		"run --report a.json,b.md --report=c": "{run  [a.json b.md c]}",
		"--report a.json lint":                "{lint  [a.json]}",
		"--dry-run --report a.json":           "{run  [a.json]}",
		"lint -C d --report a.json":           "{lint d [a.json]}",
		"lint -Cd --report a.json":            "{lint d [a.json]}",
		"lint --dir=d --bogus --report a":     "{lint d [a]}",
		"lint -- --report a.json":             "{lint  []}",
		"lint --report":                       "{lint  []}",
		"check --report a.json":               "{  [a.json]}",
		"package run":                         "{package  []}",
	} {
		if got := fmt.Sprint(ReportsAsked(strings.Fields(line))); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
