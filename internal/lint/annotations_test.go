package lint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// Keys and values of an object's annotations have 262,144 bytes at most, and that of ksrelease
// is among them.
func TestSizeOfAnnotations(t *testing.T) {
	soak.Long(t)
	digest := load(t, goodFiles()).ContentDigest()
	free := 262144 - len(extension.ContentDigestAnnotation) - len(digest)
	for size, found := range map[int]int{1000: 0, free - 1: 0, free: 0, free + 1: 1, 300000: 1} {
		metadata := goodMetadata + "annotations:\n  a: " + strings.Repeat("x", size/2-1) + "\n  b: " + strings.Repeat("x", size-size/2-1) + "\n"
		got := told(check(t, with(goodFiles(), "extension.yaml", metadata), "annotations"))
		if len(got) != found {
			t.Errorf("%d bytes: %q, want %d findings", size, got, found)
		}
		if want := fmt.Sprintf("error annotations ext/extension.yaml:16:1: keys and values of the annotations have %d bytes", 262144+size-free); found == 1 && !strings.HasPrefix(got[0], want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
