package signals

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A signal that comes twice at once, as timeout(1) sends it, is one signal.
func TestTwoSignalsAtOnceAreOne(t *testing.T) {
	for _, tt := range []struct {
		after []time.Duration // between the signals that follow the first
		next  os.Signal
		ends  bool
	}{
		{[]time.Duration{0}, syscall.SIGTERM, false},
		{[]time.Duration{100 * time.Millisecond, 50 * time.Millisecond}, syscall.SIGTERM, false},
		{[]time.Duration{250 * time.Millisecond}, syscall.SIGTERM, true},
		{[]time.Duration{0, 250 * time.Millisecond}, syscall.SIGTERM, true},
		{[]time.Duration{0}, syscall.SIGINT, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			came, ended := make(chan os.Signal, 2), make(chan os.Signal, 1)
			go func() { ended <- onceMore(came, syscall.SIGTERM) }()
			synctest.Wait()
			for _, after := range tt.after {
				time.Sleep(after)
				came <- tt.next
				synctest.Wait()
			}
			if got := len(ended) == 1; got != tt.ends {
				t.Errorf("%v after %v: ended %v", tt.next, tt.after, got)
			}
			if !tt.ends { // so that nothing is left over
				came <- syscall.SIGHUP
			}
		})
	}
}

// The exit codes are those that docs/exit-codes.md has.
func TestExitCodes(t *testing.T) {
	for s, want := range map[os.Signal]int{syscall.SIGHUP: 129, syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		if got := exitCode(s); got != want {
			t.Errorf("%v: %d, want %d", s, got, want)
		}
	}
}
