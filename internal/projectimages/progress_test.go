package projectimages

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
	for _, terminal := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var text guarded
			m := NewMeter(output.New(&text), terminal)
			m.Step("copying", 1, 3)
			m.Size(4 << 20)
			m.Bytes(3 << 20)
			m.Bytes(-1 << 20) // an attempt begins anew
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
			if said := text.String(); terminal != strings.HasSuffix(said, "\r\x1b[K") {
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
