package extension

import (
	"errors"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// TestProposedLockChangesNothing: the lock is Helm's, which cleans dependencies
// in place; what extension.yaml declares stays as it is.
func TestProposedLockChangesNothing(t *testing.T) {
	const tag = "ext\u200bension"
	e := mustLoad(t, trees.Write(t, map[string]string{
		"extension.yaml": wholeMetadata + "dependencies: [{name: web, tags: [" + tag + "]}]\n",
		"i.svg":          "<svg/>",
	}))
	lock, ok := e.ProposedLock()
	if !ok || !strings.Contains(lock, "digest: sha256:") {
		t.Fatalf("the lock is %q", lock)
	}
	if got := e.Metadata.Dependencies[0].Tags[0]; got != tag {
		t.Errorf("the tag became %q", got)
	}
}

// FuzzLock holds what is promised of any Chart.lock beside any dependencies: it is
// read, or its problems have a place; and the lock that is proposed for what is
// there belongs to it.
func FuzzLock(f *testing.F) {
	const none = "[]"
	f.Add(none, "dependencies: []\ndigest: sha256:x\n")
	f.Add("[{name: sub, version: '>=1', repository: https://charts.example}]", "\ufeffdependencies:\r\n- {name: sub, version: 1.0.0, repository: https://charts.example}\r\ndigest: sha256:0\r\n")
	f.Add("[{name: sub, repository: '@x', alias: other, tags: [a, ''], import-values: [{child: a, parent: b}]}, {name: none, condition: x.y}]", "dependencies: [null]\ndigest: x\n")
	f.Add("[~, {}, {name: ''}, 1]", "generated: yesterday\n")
	f.Add("{name: sub}", "[]")
	f.Fuzz(func(t *testing.T, dependencies, source string) {
		assembled := func(lock string) *Extension {
			files := []File{
				{Name: LockFile, Data: []byte(lock)},
				{Name: "charts/sub/" + ChartFile, Data: []byte("apiVersion: v2\nname: sub\nversion: 1.2.0\n")},
				{Name: MetadataFile, Data: []byte(smallMetadata + "dependencies: " + dependencies + "\n")},
			}
			if lock == "" {
				files = files[1:]
			}
			e, err := assemble("demo", files, noFile, Limits{}, takeAll)
			if err != nil {
				return nil
			}
			return e
		}
		e := assembled(source)
		if e == nil {
			return // extension.yaml is none
		}
		lock, err := e.Lock()
		var problems diagnostic.List
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0 || problems[0].File != "Chart.lock") {
			t.Fatalf("the error has no place: %v", err)
		}
		if lock != nil {
			e.LockInSync(lock)
		}
		proposed, ok := assembled("").ProposedLock()
		if !ok {
			return
		}
		with := assembled(proposed)
		if lock, err = with.Lock(); err != nil || !with.LockInSync(lock) {
			t.Fatalf("the proposed lock is not in sync with %s (%v):\n%s", dependencies, err, proposed)
		}
	})
}
