package published

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// Another archive than was sent is looked at in the same way.
func TestServedArchiveIsDecodedAsKubeSphereDoes(t *testing.T) {
	for source, want := range map[string]string{
		"":               "its archive has no extension.yaml",
		"name: alc\n":    "finds no version, no category",
		"version: [1]":   "version is a list, and has to be a text",
		"# x\n---\na: 1": "it reads only what stands before line 2",
		"name: alc\nversion: 1.0.1\ncategory: x\n": "KubeSphere reads version 1.0.1",
		"name: alc\nversion: 1.0.0\ncategory: x\n": "",
	} {
		files := []*loader.BufferedFile{{Name: "Chart.yaml"}}
		if source != "" {
			files = append(files, &loader.BufferedFile{Name: "extension.yaml", Data: []byte(source)})
		}
		// That of a subchart is none.
		files = append([]*loader.BufferedFile{{Name: "charts/sub/extension.yaml", Data: []byte("name: sub\nversion: 1.0.0\ncategory: x\n")}}, files...)
		if got := LeftOut("1.0.0", files); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%q: %q", source, got)
		}
	}
}

// serving is a target that serves one archive, or does not answer.
type serving struct {
	target.Reader
	archive []byte
	err     error
	hangs   bool
}

func (s serving) Fetch(ctx context.Context, _ target.Entry) ([]byte, error) {
	if s.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.archive, s.err
}

// Whatever happens on the way to the names of the files, other content stays other content.
func TestExplain(t *testing.T) {
	tree := func(values string) *extension.Extension {
		t.Helper()
		dir := trees.Write(t, map[string]string{"extension.yaml": "name: alc\nversion: 1.0.0\nicon: https://x/i.svg\n", "values.yaml": values})
		e, err := extension.Load(dir, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	local, other := tree("a: 1\n"), tree("a: 2\n")
	pack := func(e *extension.Extension) []byte {
		p, err := e.Pack(nil)
		if err != nil {
			t.Fatal(err)
		}
		return p.Data
	}
	there := pack(other)
	for name, test := range map[string]struct {
		at     serving
		digest string
		want   string
	}{
		"another file":      {serving{archive: there}, Digest(there), "values.yaml differs"},
		"the same files":    {serving{archive: pack(local)}, "", "its content digest is another, and its files are the same"},
		"another archive":   {serving{archive: there}, strings.Repeat("0", 64), "the index lists the digest 000000000000"},
		"no archive":        {serving{err: errors.New("404 Not Found")}, "", "404 Not Found"},
		"no answer":         {serving{hangs: true}, "", "its archive was not there within 30s"},
		"no package at all": {serving{archive: []byte("<html>")}, "", "what is there cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				entry := target.Entry{Name: "alc", Version: "1.0.0", Digest: test.digest, ContentDigest: other.ContentDigest()}
				got, err := Explain(t.Context(), local, nil, entry, test.at)
				if err != nil || got.IsNone() || !strings.Contains(got.String(), test.want) {
					t.Errorf("%q (%v), want %q", got, err, test.want)
				}
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Explain(ctx, local, nil, target.Entry{}, serving{hangs: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted, the error is %v", err)
	}
}

// What a package with addresses of pictures says of itself decides nothing where an index says the same: the
// contents are compared.
func TestTheDigestThatAPackageCarries(t *testing.T) {
	pushed := func(values string) *extension.Package {
		dir := trees.Write(t, map[string]string{"extension.yaml": "name: alc\nversion: 1.0.0\nicon: ./i.svg\n", "i.svg": "<svg/>", "values.yaml": values})
		e, err := extension.Load(dir, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := e.Pack(extension.URLs{"i.svg": "https://x/i.svg"})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	ours, theirs := pushed("a: 1\n"), pushed("a: 2\n")
	local, err := extension.Read("alc", ours.Data, extension.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if local.ArchiveDigest != ours.Digest {
		t.Errorf("the digest of what was read is %s, and not %s", local.ArchiveDigest, ours.Digest)
	}
	for digest, want := range map[string]extension.DigestVerdict{ours.ContentDigest: extension.DigestUnknown, theirs.ContentDigest: extension.DigestOther, "": extension.DigestUnknown} {
		if got, err := CompareDigest(t.Context(), local, digest); got != want || err != nil {
			t.Errorf("%q: %d (%v), want %d", digest, got, err, want)
		}
	}
	entry := target.Entry{Name: "alc", Version: "1.0.0", ContentDigest: ours.ContentDigest}
	for archive, want := range map[*extension.Package]string{ours: "", theirs: "values.yaml differs"} {
		got, err := Differs(t.Context(), local, nil, entry, trees.Recompressed(t, archive.Data), serving{})
		if got.String() != want || err != nil {
			t.Errorf("%q (%v), want %q", got, err, want)
		}
	}
}
