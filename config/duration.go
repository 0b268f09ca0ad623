package config

import (
	"errors"
	"time"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// DurationPattern is what ParseDuration takes, as a regular expression that Go and
// ECMAScript read alike: the schema has it. It is the form of time.ParseDuration
// without what makes no sense as a time to wait: signs, nothing at all, less than a
// nanosecond, and so much that it does not fit.
const DurationPattern = `^(` + zeroPart + `){0,3}(` + somePart + `)(` + anyPart + `){0,4}$`

// A duration is parts of a number and a unit. One of them at least is not zero.
const (
	units    = `(h|m|s|ms|us|µs|ns)`
	fraction = `(\.[0-9]{0,9})?`

	zeroPart = `(0{1,9}(\.0{0,9})?|\.0{1,9})` + units
	somePart = `0{0,9}[1-9][0-9]{0,4}` + fraction + `h|` +
		`0{0,9}[1-9][0-9]{0,5}` + fraction + `m|` +
		`0{0,9}[1-9][0-9]{0,8}` + fraction + `(s|ms|us|µs|ns)|` +
		`0{0,9}\.0{0,8}[1-9][0-9]{0,8}(h|m|s)|` +
		`0{0,9}\.0{0,5}[1-9][0-9]{0,8}ms|` +
		`0{0,9}\.0{0,2}[1-9][0-9]{0,8}(us|µs)`
	anyPart = `[0-9]{1,5}` + fraction + `h|[0-9]{1,6}` + fraction + `m|[0-9]{1,9}` + fraction + `(s|ms|us|µs|ns)|\.[0-9]{1,9}` + units
)

var durationForm = lazyregexp.New(DurationPattern)

// ParseDuration reads a time to wait, such as 90s, 1h30m or 0.5h: in the config and
// on the command line. The error says what such a time looks like.
func ParseDuration(text string) (time.Duration, error) {
	if durationForm.MatchString(text) {
		if d, err := time.ParseDuration(text); err == nil {
			return d, nil
		}
	}
	return 0, errors.New("it must be a duration such as 90s, 5m or 1h30m")
}
