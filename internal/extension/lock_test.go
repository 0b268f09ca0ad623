package extension

import (
	"strings"
	"testing"
)

// TestProposedLockChangesNothing: the lock is Helm's, which cleans dependencies
// in place; what extension.yaml declares stays as it is.
func TestProposedLockChangesNothing(t *testing.T) {
	const tag = "ext\u200bension"
	e := mustLoad(t, writeTree(t, map[string]string{
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
