package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// files are those of an extension in a folder of a repository.
func files(r *gittest.Repository, dir, version string) {
	r.Put(dir+"/extension.yaml", "apiVersion: kubesphere.io/v1alpha1\nname: alc\nversion: "+version+"\ndisplayName: {en: ALC}\ndescription: {en: An example}\ncategory: computing\nprovider: {en: {name: Example}}\nicon: ./icon.svg\nscreenshots: [./one.png, 'https://example.com/two.png']\n")
	r.Put(dir+"/icon.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
	r.Put(dir+"/one.png", "one")
	r.Put(dir+"/values.yaml", "replicas: 1\n")
	r.Put(dir+"/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
}

// builder builds from a repository.
func builder(t *testing.T, r *gittest.Repository) *Builder {
	t.Helper()
	repository, err := git.Open(t.Context(), r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := commits.Open(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return &Builder{Repository: opened, Root: r.Dir, Resolve: func(_ context.Context, _, _ string, ext *extension.Extension) (*extension.Extension, error) {
		return ext, nil
	}}
}

// packed is the package of a folder as a run sends it, with the addresses of its pictures; no
// addresses: as it lies in an output directory.
func packed(t *testing.T, dir string, origin *extension.Origin, isPushed bool) []byte {
	t.Helper()
	ext, err := extension.Load(dir, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if origin != nil {
		ext = extension.WithOrigin(ext, *origin)
	}
	var urls extension.URLs
	if isPushed {
		urls = extension.URLs{}
		for _, a := range ext.Assets {
			urls[a.File] = "https://files.example.com/alc/" + a.RemoteName
		}
	}
	pkg, err := ext.Pack(urls)
	if err != nil {
		t.Fatal(err)
	}
	return pkg.Data
}

func prove(t *testing.T, b *Builder, archive []byte, revision string) Result {
	t.Helper()
	claim, err := Read(t.Context(), "alc", "a test", archive)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Prove(t.Context(), claim, revision)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A package is reproduced, too, that was near its limit, or that an earlier ksrelease packed, in
// other bytes of the same files.
func TestProveOtherForms(t *testing.T) {
	r := gittest.New(t)
	files(r, "extensions/alc", "1.0.0")
	r.Put("extensions/alc/docs/a.txt", strings.Repeat("some text, and more of it\n", 2000))
	b := builder(t, r)
	commit := r.Commit("one")
	ext, err := extension.Load(filepath.Join(r.Dir, "extensions", "alc"), extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ext = extension.WithOrigin(ext, extension.Origin{Revision: commit, Committed: true})
	urls := extension.URLs{}
	for _, a := range ext.Assets {
		urls[a.File] = "https://files.example.com/alc/" + a.RemoteName
	}
	seen := map[string]bool{}
	for _, form := range []extension.URLs{nil, urls} {
		forms, err := ext.Forms(form)
		if err != nil {
			t.Fatal(err)
		}
		for i, pkg := range forms {
			seen[pkg.Digest] = true
			if got := prove(t, b, pkg.Data, ""); got.Verdict != Reproduced || got.Rebuilt != pkg.Digest {
				t.Errorf("form %d: %+v", i, got)
			}
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d packages in other bytes, want 6", len(seen))
	}
}

func TestProve(t *testing.T) {
	r := gittest.New(t)
	files(r, "extensions/alc", "1.0.0")
	first := r.Commit("one")
	b := builder(t, r)
	dir := filepath.Join(r.Dir, "extensions", "alc")
	origin := &extension.Origin{Revision: first, Committed: true}

	for _, isPushed := range []bool{true, false} {
		got := prove(t, b, packed(t, dir, origin, isPushed), "")
		if got.Verdict != Reproduced || got.Path != "extensions/alc" || got.Revision != first || got.Digest != got.Rebuilt || !*got.Committed {
			t.Errorf("pushed: %t: %+v", isPushed, got)
		}
	}

	// What was not committed is named.
	r.Put("extensions/alc/values.yaml", "replicas: 9\n")
	dirty := packed(t, dir, &extension.Origin{Revision: first}, true)
	got := prove(t, b, dirty, "")
	if got.Verdict != Differs || *got.Committed || got.Holds() {
		t.Errorf("%+v", got)
	}
	var names []string
	for _, d := range got.Differs {
		names = append(names, d.File)
	}
	if !slices.Equal(names, []string{"Chart.yaml", "values.yaml"}) { // Chart.yaml has the digest of the content
		t.Errorf("the files that differ are %q", names)
	}

	// A package of that name in the repository is not taken for the extension.
	r.Git("checkout", "-q", "extensions/alc/values.yaml")
	if err := os.WriteFile(filepath.Join(r.Dir, "alc-1.0.0.tgz"), dirty, 0o644); err != nil {
		t.Fatal(err)
	}
	second := r.Commit("two")
	if got := prove(t, b, packed(t, dir, &extension.Origin{Revision: second, Committed: true}, true), ""); got.Verdict != Reproduced || got.Path != "extensions/alc" {
		t.Errorf("%+v", got)
	}

	// Where there is a package alone, it is sent as it lies there.
	r.Git("rm", "-rq", "extensions")
	third := r.Commit("three")
	if got := prove(t, b, dirty, third); got.Verdict != Reproduced || got.Path != "alc-1.0.0.tgz" {
		t.Errorf("%+v", got)
	}
}

// Pictures are held to what the commit has: by the hash in their names, or by their content.
func TestPictures(t *testing.T) {
	r := gittest.New(t)
	files(r, "alc", "1.0.0")
	first := r.Commit("one")
	b := builder(t, r)
	ext, err := extension.Load(filepath.Join(r.Dir, "alc"), extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ext = extension.WithOrigin(ext, extension.Origin{Revision: first, Committed: true})
	pkg, err := ext.Pack(extension.URLs{"icon.svg": "https://example.com/icon", "one.png": "https://example.com/shot"})
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]string{"https://example.com/icon": "<svg xmlns='http://www.w3.org/2000/svg'/>", "https://example.com/shot": "one"}
	b.Fetch = func(_ context.Context, address string) ([]byte, error) {
		if data, ok := served[address]; ok {
			return []byte(data), nil
		}
		return nil, errors.New("404 Not Found")
	}
	if got := prove(t, b, pkg.Data, ""); got.Verdict != Reproduced {
		t.Errorf("%+v", got)
	}
	served["https://example.com/shot"] = "another"
	if got := prove(t, b, pkg.Data, ""); got.Verdict != Differs || len(got.Differs) != 1 || got.Differs[0].File != "one.png" {
		t.Errorf("%+v", got)
	}
	delete(served, "https://example.com/shot")
	if got := prove(t, b, pkg.Data, ""); got.Verdict != Unproved || !strings.Contains(got.Error.Message, "one.png") || !strings.Contains(got.Error.Message, "404") {
		t.Errorf("%+v", got)
	}
}

func TestWhatCannotBeProved(t *testing.T) {
	r := gittest.New(t)
	files(r, "a", "1.0.0")
	first := r.Commit("one")
	dir := filepath.Join(r.Dir, "a")
	old := packed(t, dir, &extension.Origin{Revision: first, Committed: true}, true)
	nothing := packed(t, dir, nil, true)
	strange := packed(t, dir, &extension.Origin{Revision: "--output=/tmp/x", Committed: true}, true)
	missing := packed(t, dir, &extension.Origin{Revision: strings.Repeat("0123", 10), Committed: true}, true)
	files(r, "b", "1.0.0")
	twice := r.Commit("two")
	r.Git("rm", "-rq", "b")
	files(r, "a", "2.0.0")
	r.Commit("three")
	b := builder(t, r)
	for _, test := range []struct {
		name              string
		archive           []byte
		revision          string
		message, hintsFor string
	}{
		{"no commit", nothing, "", "does not say of which commit", "--revision NAME"},
		{"no name of a commit", strange, "", `names no commit, but "--output=/tmp/x"`, ""},
		{"a commit of elsewhere", missing, "", "was made of the commit 012301230123, which is not in this repository", "git fetch"},
		{"another version", old, "HEAD", "has alc in version 2.0.0, and not in 1.0.0", "git log -S 1.0.0"},
		{"two of them", old, twice, "at several places: a, b", "declare the right one"},
	} {
		got := prove(t, b, test.archive, test.revision)
		if got.Verdict != Unproved || got.Error == nil || !strings.Contains(got.Error.Message, test.message) || !strings.Contains(got.Error.Hint, test.hintsFor) {
			t.Errorf("%s: %+v, %+v", test.name, got, got.Error)
		}
	}
	b.Declared = []string{"b", "gone"}
	if got := prove(t, b, old, twice); got.Verdict != Differs && got.Verdict != Reproduced || got.Path != "b" {
		t.Errorf("what is declared comes first: %+v, %+v", got, got.Error)
	}
	if got := prove(t, b, old, ""); got.Verdict != Reproduced || got.Path != "a" {
		t.Errorf("%+v", got)
	}
}

// A package that ksbuilder made has other bytes for the same content.
func TestAnotherTool(t *testing.T) {
	archives := testshared.Corpus(t)
	r := gittest.New(t)
	for _, archive := range archives {
		data := trees.ReadFile(t, archive)
		ext, err := extension.Read("corpus", data, extension.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ext.Files {
			r.Put("all/"+ext.Metadata.Name+"/"+f.Name, string(f.Data))
		}
		commit := r.Commit("add " + ext.Metadata.Name)
		b := builder(t, r)
		if got := prove(t, b, data, commit); got.Verdict != SameContent && got.Verdict != SameFiles {
			t.Errorf("%s: %+v, %+v", ext.Metadata.Name, got, got.Error)
		}
		r.Put("all/"+ext.Metadata.Name+"/values.yaml", "other: true\n")
		if got := prove(t, builder(t, r), data, r.Commit("change")); got.Verdict != Differs || !slices.ContainsFunc(got.Differs, func(d compare.Difference) bool { return d.File == "values.yaml" }) {
			t.Errorf("%s: %+v, %+v", ext.Metadata.Name, got, got.Error)
		}
	}
}

// The statement of one proof is that of the next.
func TestStatement(t *testing.T) {
	r := gittest.New(t)
	files(r, "alc", "1.0.0")
	first := r.Commit("one")
	archive := packed(t, filepath.Join(r.Dir, "alc"), &extension.Origin{Revision: first, Committed: true}, true)
	var lines [][]byte
	for range 2 {
		s, err := prove(t, builder(t, r), archive, "").State("https://example.com/x.git", "1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		line, err := s.Line()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if !bytes.Equal(lines[0], lines[1]) {
		t.Errorf("%s\n%s", lines[0], lines[1])
	}
	var read map[string]any
	if err := json.Unmarshal(lines[0], &read); err != nil || read["predicateType"] != predicateType {
		t.Errorf("%v, %v", read, err)
	}
	for _, verdict := range []Verdict{SameFiles, SameContent, Differs, Unproved} {
		if s, err := (Result{Verdict: verdict}).State("", ""); err == nil {
			t.Errorf("%s is stated: %+v", verdict, s)
		}
	}
}
