package page

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
)

// BenchmarkThousand makes the report of a run of a thousand extensions, whose files are read: each
// with an icon, a screenshot and texts in two languages.
func BenchmarkThousand(b *testing.B) {
	dir, shot := b.TempDir(), noise()
	text := strings.Repeat("## A heading\n\nA paragraph with **words** and `code`, as people write it.\n\n- one\n- two\n\n", 20)
	now := time.Now()
	r := &results.Document{Command: "run", Started: now, Finished: &now}
	for i := range 1000 {
		name := fmt.Sprintf("e%d", i)
		at := filepath.Join(dir, name)
		if err := os.Mkdir(at, 0o755); err != nil {
			b.Fatal(err)
		}
		for file, content := range map[string]string{
			"extension.yaml": "name: " + name + "\nversion: 1.0.0\ndisplayName: {en: A}\nicon: i.png\nscreenshots: [s.png]\n", "i.png": string(shot), "s.png": string(shot),
			"README.md": text, "README_zh.md": text, "CHANGELOG.md": text, "CHANGELOG_zh.md": text,
		} {
			if err := os.WriteFile(filepath.Join(at, file), []byte(content), 0o644); err != nil {
				b.Fatal(err)
			}
		}
		r.Extensions = append(r.Extensions, results.Extension{Name: name, Version: "1.0.0", Path: at, Outcome: results.Released, Stages: []results.Stage{{Name: "push", Status: results.StageOK, Milliseconds: 3}}})
	}
	for b.Loop() {
		if err := Write(io.Discard, OfResult(r)); err != nil {
			b.Fatal(err)
		}
	}
}
