package lint

import "sync"

// raised are the codes of the findings that tests have had, without those of testdata.
var raised struct {
	sync.Mutex
	codes map[string]bool
}

// seen notes findings, and returns them.
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

// Raised reports whether a test has had a finding of that code.
func Raised(code string) bool {
	raised.Lock()
	defer raised.Unlock()
	return raised.codes[code]
}
