package delivery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
)

// shelf is a target that has what a test puts there, whether that fits together or not.
type shelf struct {
	entry     *target.Entry // of the one version that it may list
	archive   []byte
	state     target.Snapshot
	addresses []string // of assets, however many are asked for
	asked     int      // how often it was asked for the state of the version
	down      error
}

func (s *shelf) Index(context.Context) (target.Index, error)         { return s, s.down }
func (s *shelf) Fetch(context.Context, target.Entry) ([]byte, error) { return s.archive, nil }
func (s *shelf) FetchAsset(context.Context, string) ([]byte, error) {
	return nil, errors.New("no such asset")
}
func (s *shelf) Versions(context.Context, string) ([]string, error) { return nil, nil }
func (s *shelf) Refused() error                                     { return nil }
func (s *shelf) Cached() string                                     { return "" }
func (s *shelf) Remarks() []string                                  { return nil }
func (s *shelf) Publish(context.Context, *extension.Package) (target.Snapshot, error) {
	return target.Snapshot{}, errors.New("nothing is sent here")
}

func (s *shelf) Snapshot(context.Context, string, string) (target.Snapshot, error) {
	s.asked++
	return s.state, nil
}

func (s *shelf) Lookup(_ context.Context, name, version string) (target.Entry, bool, error) {
	if s.entry == nil || s.entry.Name != name || s.entry.Version != version {
		return target.Entry{}, false, nil
	}
	return *s.entry, true, nil
}

func (s *shelf) AssetURLs(context.Context, string, string, []extension.Asset) ([]string, bool, error) {
	return s.addresses, true, nil
}

func (s *shelf) UploadAssets(context.Context, string, string, []extension.Asset) ([]string, error) {
	return s.addresses, nil
}

// siteOf is a shelf as it is reached.
func siteOf(s *shelf) *Site {
	return NewSite(target.Place{Target: s, Name: "left", Noun: "the museum", Shows: "its index"}, func(error) {})
}

// bringing is a delivery of alc 1.0.0 with two pictures, which says what.
func bringing(t *testing.T, what string) *Delivery {
	t.Helper()
	ext, err := extension.Load(targettest.Folder(t, "alc", "1.0.0", what), extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &Delivery{Parcel: &Parcel{Name: "alc", Version: "1.0.0", Ext: ext}, Reporter: unheard{}}
}

// listing is a shelf with a package and its entry.
func listing(pkg *extension.Package) *shelf {
	return &shelf{archive: pkg.Data, entry: &target.Entry{Name: pkg.Name, Version: pkg.Version, Digest: pkg.Digest, ContentDigest: pkg.ContentDigest, URLs: []string{"alc-1.0.0.tgz"}, Times: 1}}
}

// TestDecide goes through what a target may have of a version.
func TestDecide(t *testing.T) {
	same, other := targettest.Package(t, "alc", "1.0.0", "one"), targettest.Package(t, "alc", "1.0.0", "two")
	unmarked := listing(same) // by another tool
	unmarked.entry.ContentDigest = ""
	for name, c := range map[string]struct {
		at      *shelf
		unasked bool
		want    lifecycle.Decision
		note    string
		end     results.Outcome
		fails   string
		asked   int
	}{
		"nothing":                    {at: &shelf{}, want: lifecycle.Send, asked: 1},
		"nothing, and no key":        {at: &shelf{}, unasked: true, want: lifecycle.Send, note: "not in its index; the museum was not asked"},
		"a draft":                    {at: &shelf{state: target.Snapshot{Status: target.StatusDraft, ID: "7"}}, want: lifecycle.Send, note: "goes on from the draft in the museum", asked: 1},
		"submitted":                  {at: &shelf{state: target.Snapshot{Status: target.StatusSubmitted}}, want: lifecycle.Wait, note: "submitted before, not in its index yet", asked: 1},
		"rejected":                   {at: &shelf{state: target.Snapshot{Status: "rejected", Message: "no icon"}}, fails: `the museum has version 1.0.0 as "rejected" (no icon), and it is not in its index`, asked: 1},
		"listed":                     {at: listing(same), end: results.Exists},
		"listed with other content":  {at: listing(other), end: results.Drift},
		"listed without a digest":    {at: unmarked, end: results.Exists},
		"an index that is not there": {at: &shelf{down: errors.New("it is down")}, fails: "it is down"},
	} {
		t.Run(name, func(t *testing.T) {
			to := siteOf(c.at).Asking()
			to.Unasked = c.unasked
			decision, note, err := bringing(t, "one").Decide(t.Context(), to)
			var end *Ending
			switch errors.As(err, &end) {
			case true:
				if end.Outcome != c.end {
					t.Errorf("it ends as %s, want %s: %s", end.Outcome, c.end, end.Reason)
				}
			case false:
				if c.fails == "" && (err != nil || decision != c.want || note != c.note) || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
					t.Errorf("%s %q, %v", decision, note, err)
				}
			}
			if c.at.asked != c.asked {
				t.Errorf("the target was asked %d times, want %d", c.at.asked, c.asked)
			}
		})
	}
}

// TestPublishedIsReadAndCompared takes a package from a target only where it is what the index
// says that it is.
func TestPublishedIsReadAndCompared(t *testing.T) {
	same, other := targettest.Package(t, "alc", "1.0.0", "one"), targettest.Package(t, "alc", "1.0.0", "two")
	damaged := listing(same)
	damaged.archive = append(slices.Clone(same.Data), 0)
	posing := listing(other)
	posing.entry.ContentDigest = same.ContentDigest
	junk := listing(same)
	junk.archive, junk.entry.Digest = []byte("<html>log in</html>"), "sha256:"+published.Digest([]byte("<html>log in</html>"))
	for name, c := range map[string]struct {
		at   *shelf
		says string
	}{
		"the package":       {listing(same), ""},
		"damaged":           {damaged, "digest"},
		"other content":     {posing, "it is listed with the content digest of this version, and has other content"},
		"a page of a proxy": {junk, "it cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			left := Others([]target.Place{{Target: c.at, Name: "left", Noun: "the museum"}})[0]
			pkg, _, err := left.Has(t.Context(), bringing(t, "one").Parcel, func(m string) { t.Errorf("warned of %s", m) })
			switch {
			case c.says == "":
				if err != nil || pkg == nil || pkg.Digest != same.Digest {
					t.Errorf("%+v, %v", pkg, err)
				}
			case err == nil || !strings.HasPrefix(err.Error(), "taking the package that left has: ") || !strings.Contains(err.Error(), c.says) || failure.Hint(err) == "":
				t.Errorf("%+v, %v", pkg, err)
			}
		})
	}
}

// TestOtherContentElsewhere keeps a version back that another target has with other content, unless
// that is allowed.
func TestOtherContentElsewhere(t *testing.T) {
	left := Others([]target.Place{{Target: listing(targettest.Package(t, "alc", "1.0.0", "two")), Name: "left", Noun: "the museum"}})[0]
	parcel := bringing(t, "one").Parcel
	var end *Ending
	if pkg, _, err := left.Has(t.Context(), parcel, nil); !errors.As(err, &end) || end.Outcome != results.Blocked || pkg != nil || !strings.HasPrefix(end.Reason, "left has the version with other content") {
		t.Errorf("%v, %v", pkg, err)
	}
	parcel.Push.Drift = config.WarnDrift
	if pkg, _, err := left.Has(t.Context(), parcel, nil); pkg != nil || err != nil {
		t.Errorf("%v, %v", pkg, err)
	}
}

// TestAddressesOfAssets takes as many addresses as there are assets, and no other number.
func TestAddressesOfAssets(t *testing.T) {
	for _, addresses := range [][]string{nil, {"https://a/1"}, {"https://a/1", "https://a/2"}, {"https://a/1", "https://a/2", "https://a/3"}} {
		to := siteOf(&shelf{addresses: addresses}).Sending("")
		d := bringing(t, "one")
		expected, certain, err := d.ExpectedURLs(t.Context(), &to.Asking)
		sent, failed := d.Upload(t.Context(), to)
		last := d.Ext.Assets[len(d.Ext.Assets)-1].File
		switch {
		case len(addresses) == len(d.Ext.Assets):
			if err != nil || failed != nil || !certain || expected[last] != addresses[1] || sent[last] != addresses[1] {
				t.Errorf("%v, %v; %v, %v", expected, err, sent, failed)
			}
		case err == nil, failed == nil:
			t.Errorf("%d addresses: %v, %v", len(addresses), err, failed)
		}
	}
}
