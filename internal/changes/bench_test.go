package changes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// A thousand extensions, ten files of which changed since the commit before: docs/monorepo.md
// has the figure.
func BenchmarkChanges(b *testing.B) {
	p := thousand(b)
	options := p.options("HEAD~1")
	least := time.Hour // on a machine that others use, too
	for b.Loop() {
		began := time.Now()
		found, err := Find(b.Context(), options)
		if err != nil || found.Count(Changed) != 10 || found.Count(Unchanged) != 990 {
			b.Fatalf("%v: %d changed", err, found.Count(Changed))
		}
		least = min(least, time.Since(began))
	}
	b.ReportMetric(least.Seconds(), "s/least")
}

// thousand is a repository with a thousand extensions of ten files.
func thousand(t testing.TB) *project {
	p := newProject(t, everything)
	for i := range 1000 {
		dir := fmt.Sprintf("extensions/ext-%04d", i)
		p.extension(dir, fmt.Sprintf("ext-%04d", i), "1.0.0", "displayName:\n  en: Example\n  zh: 例子\ndescription:\n  en: An example of an extension.\nexternalDependencies: []\n")
		for j := range 7 {
			p.Put(fmt.Sprintf("%s/charts/app/templates/t%d.yaml", dir, j), strings.Repeat(fmt.Sprintf("line %d of %d\n", j, i), 20))
		}
	}
	p.commit()
	for i := range 10 {
		p.Put(fmt.Sprintf("extensions/ext-%04d/values.yaml", i*97), "a: 2\n")
	}
	p.commit()
	return p
}

// One pass over git: as many processes for a thousand extensions as for ten, whatever is asked.
func TestProcesses(t *testing.T) {
	count := func(extensions int, since string) int {
		p := newProject(t, everything)
		for i := range extensions {
			p.extension(fmt.Sprintf("extensions/ext-%04d", i), fmt.Sprintf("ext-%04d", i), "1.0.0")
		}
		p.commit()
		for i := range extensions {
			p.Git("tag", fmt.Sprintf("ext-%04d/v1.0.0", i))
		}
		for i := range extensions {
			p.Put(fmt.Sprintf("extensions/ext-%04d/values.yaml", i), "a: 2\n")
		}
		p.commit()
		log := filepath.Join(t.TempDir(), "log")
		counted := gittest.Program(t, fmt.Sprintf("echo x >> '%s'\nexec '%s' \"$@\"", log, gitPath(t)))
		before := os.Getenv("PATH")
		t.Setenv("PATH", counted+string(filepath.ListSeparator)+before)
		defer t.Setenv("PATH", before)
		found := p.find(since)
		if found.Count(Changed) != extensions {
			t.Errorf("%d changed of %d", found.Count(Changed), extensions)
		}
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "\n")
	}
	for _, since := range []string{"HEAD~1", Auto} {
		if few, many := count(3, since), count(30, since); few != many || many > 12 {
			t.Errorf("since %s: %d processes for 3 extensions, %d for 30", since, few, many)
		}
	}
}
