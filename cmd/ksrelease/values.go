package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/config"
)

// count is a number of extensions at work at once, in the bounds of the
// config's parallelism.
type count int

// UnmarshalText reads a flag.
func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 128 {
		return fmt.Errorf("it must be a whole number from 1 to 128, not %q", text)
	}
	*c = count(n)
	return nil
}

// span is a time to wait at most.
type span time.Duration

// UnmarshalText reads a flag.
func (s *span) UnmarshalText(text []byte) error {
	d, err := config.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%w, not %q", err, text)
	}
	*s = span(d)
	return nil
}

// String leaves out the units that are zero: 30m, and not 30m0s.
func (s span) String() string {
	text := time.Duration(s).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
