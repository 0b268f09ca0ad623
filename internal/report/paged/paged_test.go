package paged

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Two runs may be asked to write the same report. It is that of one or the
// other, never a mix of both.
func TestTwoRunsWithOneReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "result.json")
	ready := make(chan struct{})
	var group sync.WaitGroup
	for _, letter := range []byte("ab") {
		group.Go(func() {
			text := func(n int) []byte { return append(bytes.Repeat([]byte{letter}, n), '\n') }
			p := New(path)
			defer p.Close()
			<-ready
			for i := range 400 {
				p.Reset([][]byte{text(10), text(20)})
				if err := p.Write(); err != nil {
					t.Error(err)
				}
				if err := p.Set(1, text(11+i%8)); err != nil {
					t.Error(err)
				}
				found, err := os.ReadFile(path)
				if err != nil {
					t.Error(err)
				}
				if bytes.ContainsRune(found, 'a') == bytes.ContainsRune(found, 'b') {
					t.Errorf("the report holds %q", bytes.Join(bytes.Fields(found), []byte(" ")))
					return
				}
			}
		})
	}
	close(ready)
	group.Wait()
}
