package extension

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// A package is never larger than the one that `helm package` makes of the same files: of real
// packages, of the examples, and of random trees, in both forms.
func TestNeverLargerThanHelm(t *testing.T) {
	helm := helmtest.Binary(t)
	byHelm := func(t *testing.T, chart string) string {
		to := t.TempDir()
		out, err := exec.Command(helm, "package", chart, "--destination", to).CombinedOutput()
		if err != nil {
			t.Fatalf("helm package: %v\n%s", err, out)
		}
		found, err := filepath.Glob(filepath.Join(to, "*.tgz"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		return found[0]
	}
	for _, dir := range examples(t) {
		e := mustLoad(t, dir)
		for form, urls := range map[string]URLs{"local": nil, "pushed": testURLs(e)} {
			holdAgainstHelm(t, form+" "+dir, e, urls, byHelm)
		}
	}
	for seed := range uint64(soak.Cases(t, 8, 100)) {
		holdTreeAgainstHelm(t, seed, byHelm)
	}
	t.Run("real packages", func(t *testing.T) {
		var ours, theirs int64
		for _, archive := range corpusPackages(t) {
			e := mustLoad(t, trees.Unpack(t, archive, true))
			for form, urls := range map[string]URLs{"local": nil, "pushed": testURLs(e)} {
				our, their := holdAgainstHelm(t, form, e, urls, byHelm)
				t.Logf("%s, %s: %d bytes, of helm %d", e.Metadata.Name, form, our, their)
				if urls == nil {
					ours, theirs = ours+our, theirs+their
				}
			}
		}
		t.Logf("all: %d bytes, of helm %d", ours, theirs)
		if most := int64(780_000); ours > most {
			t.Errorf("they have %d bytes in all, more than %d", ours, most)
		}
	})
}

// The same of many random trees, packed by the library that the helm command is made of.
func TestNeverLargerThanHelmPacksIt(t *testing.T) {
	soak.Long(t)
	for seed := range uint64(soak.Cases(t, 60, 400)) {
		holdTreeAgainstHelm(t, 1000+seed, func(t *testing.T, dir string) string {
			c, err := loader.LoadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			file, err := chartutil.Save(c, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			return file
		})
	}
}

func holdTreeAgainstHelm(t *testing.T, seed uint64, byHelm func(t *testing.T, chart string) string) {
	t.Helper()
	e := anyChart(t, rand.New(rand.NewPCG(seed, 14)))
	for form, urls := range map[string]URLs{"local": nil, "pushed": testURLs(e)} {
		holdAgainstHelm(t, fmt.Sprintf("%s, seed %d", form, seed), e, urls, byHelm)
	}
}

// holdAgainstHelm gives the sizes of the package of an extension, and of helm's package of the
// same files.
func holdAgainstHelm(t *testing.T, how string, e *Extension, urls URLs, byHelm func(t *testing.T, chart string) string) (ours, theirs int64) {
	t.Helper()
	p := mustPack(t, e, urls)
	files, err := e.PackedFiles(urls)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), e.Metadata.Name)
	for _, f := range files {
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	their, err := os.Stat(byHelm(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if p.Size > their.Size() {
		t.Errorf("%s (%s): the package has %d bytes, and that of helm %d", how, e.Metadata.Name, p.Size, their.Size())
	}
	return p.Size, their.Size()
}

// anyChart is an extension with files of any kind, from next to nothing to some 100 KiB: text of
// few words and of many, manifests, files that are nearly the same, in several charts, and what
// does not compress at all.
func anyChart(t *testing.T, r *rand.Rand) *Extension {
	t.Helper()
	metadata := "apiVersion: kubesphere.io/v1alpha1\nname: any\nversion: 1.2.3\ndisplayName: {en: Any}\n"
	files := map[string][]byte{"values.yaml": []byte("global: {}\n")}
	if r.IntN(2) == 0 {
		metadata += "icon: static/icon.svg\n"
		files["static/icon.svg"] = anyContent(r, 1<<(4+r.IntN(11)))
		if r.IntN(2) == 0 {
			metadata += "staticFileDirectory: static\n"
		}
	}
	charts := []string{""}
	for i := range r.IntN(5) {
		name := fmt.Sprintf("%s-%d", pick(r, "app", "agent", "frontend", "store"), i)
		under := charts[r.IntN(len(charts))]
		chart := under + "charts/" + name + "/"
		charts = append(charts, chart)
		files[chart+ChartFile] = []byte("apiVersion: v2\nname: " + name + "\nversion: 1.0.0\ndescription: a" + randomWord(r, 1+r.IntN(90)) + "\n")
	}
	for i, n := 0, 1<<r.IntN(8); i < n; i++ {
		chart := charts[r.IntN(len(charts))]
		name := path.Join(chart+pick(r, "templates", "templates/tests", "crds", "files", "docs/"+randomWord(r, 3), "."), pick(r, "", "_")+randomWord(r, 1+r.IntN(9))+pick(r, ".yaml", ".txt", ".json"))
		if _, there := files[name]; there || strings.HasPrefix(path.Base(name), "_") && r.IntN(2) == 0 {
			continue
		}
		data := anyContent(r, 1<<r.IntN(16)+r.IntN(200))
		files[name] = data
		for _, other := range charts { // of a chart, the same in others, with a change
			within := strings.TrimPrefix(name, chart)
			if _, there := files[other+within]; there || within == ChartFile || chart == "" || other == "" || r.IntN(4) > 0 {
				continue
			}
			data = slices.Clone(data)
			if len(data) > 10 {
				at := r.IntN(len(data) - 5)
				copy(data[at:], randomWord(r, 5))
			}
			files[other+within] = data
		}
	}
	files[MetadataFile] = []byte(metadata + randomBallast(r))
	var sorted []File
	for name, data := range files {
		if strings.HasPrefix(path.Base(name), ".") {
			continue
		}
		sorted = append(sorted, File{Name: name, Data: data})
	}
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	e, err := assemble("any", sorted, noFile, Limits{}, takeAll)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// anyContent is content of one of several kinds.
func anyContent(r *rand.Rand, size int) []byte {
	var data []byte
	switch r.IntN(6) {
	case 0: // nothing repeats
		for len(data) < size {
			data = append(data, byte(r.Uint32()))
		}
	case 1: // digits
		for len(data) < size {
			data = fmt.Appendf(data, "%d, ", r.Uint64N(1<<r.IntN(60)))
		}
	case 2: // one line over and over
		line := randomWord(r, 1+r.IntN(90)) + "\n"
		for len(data) < size {
			data = append(data, line...)
		}
	case 3: // a manifest
		for len(data) < size {
			data = fmt.Appendf(data, "%s%s: {{ .Values.%s | quote }}\n", strings.Repeat("  ", r.IntN(6)), pick(r, "name", "image", "kind", "metadata", "labels", "spec", "containers", "ports", randomWord(r, 6)), randomWord(r, 1+r.IntN(8)))
		}
	default: // text
		words := make([]string, 1<<r.IntN(12))
		for i := range words {
			words[i] = randomWord(r, 1+r.IntN(11))
		}
		for len(data) < size {
			data = append(data, words[r.IntN(len(words))]+pick(r, " ", " ", " ", "\n", ". ")...)
		}
	}
	return data
}
