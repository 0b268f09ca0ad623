package progress

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/output"
)

// On a terminal one line is redrawn and taken away in the end; elsewhere there is a line from time to
// time, and none for what is done at once.
func TestMeter(t *testing.T) {
	for _, columns := range []int{80, 0} {
		terminal := columns > 0
		synctest.Test(t, func(t *testing.T) {
			var text guarded
			m := start(output.New(&text), func() (int, int) { return columns, 24 })
			m.Begin("looking", 5, 0)
			m.Image()
			m.Begin("copying", 3, 4<<20)
			m.Image()
			one, two := m.Part(), m.Part()
			one(3<<20, 0)
			two(1<<20, 0)
			one(1<<20, 0) // an attempt begins anew
			time.Sleep(redrawEach + time.Millisecond)
			synctest.Wait()
			if said := text.String(); terminal != strings.Contains(said, "copying: 1 of 3 images, 2.0 MiB of 4.0 MiB") {
				t.Errorf("terminal %t, at once: %q", terminal, said)
			}
			time.Sleep(lineEach)
			synctest.Wait()
			if said := text.String(); !strings.Contains(said, "copying: 1 of 3 images, 2.0 MiB of 4.0 MiB") || !terminal && strings.Count(said, "\n") != 1 {
				t.Errorf("terminal %t, later: %q", terminal, said)
			}
			m.Close()
			if said := text.String(); terminal != strings.HasSuffix(said, "\r\x1b[J") {
				t.Errorf("terminal %t, in the end: %q", terminal, said)
			}
		})
	}
}

// guarded is text that somebody may read while others write.
type guarded struct {
	mu   sync.Mutex
	text strings.Builder
}

func (g *guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.Write(p)
}

func (g *guarded) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.String()
}
