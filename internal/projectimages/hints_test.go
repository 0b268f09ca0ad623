package projectimages

import (
	"errors"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/images/mirror"
	"github.com/ksrelease/ksrelease/internal/output"
)

// What to do is said once for images that fail for one reason, below the last of them.
func TestAHintThatLinesShareIsSaidOnce(t *testing.T) {
	because := func(hint string) mirror.Result {
		return mirror.Result{State: mirror.Failed, Err: failure.WithHint(errors.New("refused"), "%s", hint)}
	}
	var text strings.Builder
	m := Mirrored{Results: []mirror.Result{because("log in"), because("log in"), because("try another name"), because("log in")}}
	m.Text(output.New(&text), func(s string) string { return s })
	want := `/: failed: refused
/: failed: refused
  → log in
/: failed: refused
  → try another name
/: failed: refused
  → log in
`
	if got := text.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
