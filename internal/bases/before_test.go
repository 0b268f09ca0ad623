package bases

import (
	"context"
	"errors"
	"testing"

	"github.com/ksrelease/ksrelease/internal/target"
)

// list is an index of one name.
type list []string

func (l list) Versions(context.Context, string) ([]string, error) { return l, nil }
func (l list) Lookup(_ context.Context, name, version string) (target.Entry, bool, error) {
	return target.Entry{Name: name, Version: version}, true, nil
}

// noting is a target that says which version is fetched.
type noting struct {
	target.Reader
	fetched string
}

var errFetched = errors.New("fetched")

func (n *noting) Fetch(_ context.Context, e target.Entry) ([]byte, error) {
	n.fetched = e.Version
	return nil, errFetched
}

// What was seen before a version is the highest below it, or else the highest; never the version itself, unless
// that is what is asked for.
func TestBefore(t *testing.T) {
	for _, c := range []struct {
		there  list
		itself bool
		want   string
	}{
		{list{"1.0.0", "1.10.0", "1.9.0", "2.0.0", "1.11.0"}, false, "1.10.0"},
		{list{"1.0.0", "1.11.0"}, true, "1.11.0"},
		{list{"1.0.0"}, true, "1.0.0"}, // that number is in another target
		{list{"3.0.0", "2.0.0", "1.11.0"}, false, "3.0.0"},
		{list{"1.11.0"}, false, ""},
		{nil, true, ""},
	} {
		n := &noting{}
		_, err := Before(t.Context(), n, c.there, "alc", "1.11.0", c.itself)
		if n.fetched != c.want || !errors.Is(err, errFetched) && c.want != "" || c.want == "" && !errors.Is(err, ErrNone) {
			t.Errorf("%q, itself %t: %q and %v, want %q", c.there, c.itself, n.fetched, err, c.want)
		}
	}
}
