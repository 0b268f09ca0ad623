package commandline

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/config"
)

// Count is a number of extensions at work at once, in the bounds of the
// config's parallelism.
type Count int

// UnmarshalText reads a flag.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 128 {
		return fmt.Errorf("it must be a whole number from 1 to 128, not %q", text)
	}
	*c = Count(n)
	return nil
}

// Duration is a time to wait at most.
type Duration time.Duration

// UnmarshalText reads a flag.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := config.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%w, not %q", err, text)
	}
	*d = Duration(parsed)
	return nil
}

// String leaves out the units that are zero: 30m, and not 30m0s.
func (d Duration) String() string {
	text := time.Duration(d).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
