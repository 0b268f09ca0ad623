package diagnostic

import "slices"

// Severity says how much a diagnostic matters.
type Severity string

// The severities, from the least. Only Error keeps an extension from being released.
const (
	Off     Severity = "off"
	Info    Severity = "info"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// severities are all of them, from the least.
var severities = []Severity{Off, Info, Warning, Error}

// IsKnown reports whether it is one of the severities.
func (s Severity) IsKnown() bool { return slices.Contains(severities, s) }

// Below reports whether it is less than another. What is no severity is below all.
func (s Severity) Below(other Severity) bool {
	return slices.Index(severities, s) < slices.Index(severities, other)
}
