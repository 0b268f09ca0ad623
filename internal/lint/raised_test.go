package lint

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
)

// raised are the codes of the findings that tests have had.
var raised struct {
	sync.Mutex
	codes map[string]bool
}

// seen notes findings, and hands them on.
func seen(findings []Finding) []Finding {
	raised.Lock()
	defer raised.Unlock()
	if raised.codes == nil {
		raised.codes = map[string]bool{}
	}
	for _, f := range findings {
		raised.codes[f.Code] = true
	}
	return findings
}

// neverRaised are the codes of the rules that no test has raised.
func neverRaised() []string {
	elsewhere := map[string]bool{"schema/unreadable": true} // by the pipeline
	left := map[string]bool{}
	for _, r := range Rules() {
		for _, c := range r.Codes {
			if code := r.CodeOf(c.Name); !raised.codes[code] && !elsewhere[code] {
				left[code] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(left))
}

// TestMain holds, after all tests, that each code was raised by one of them: a code that
// no test raises is one that may never come, or come at the wrong place.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 && isWhole() {
		if left := neverRaised(); len(left) > 0 {
			fmt.Printf("no test raises %q\n", left)
			code = 1
		}
	}
	os.Exit(code)
}

// isWhole reports whether all tests were asked for, once.
func isWhole() bool {
	for _, name := range [...]string{"run", "skip", "list", "fuzz", "bench"} {
		if f := flag.Lookup("test." + name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}
