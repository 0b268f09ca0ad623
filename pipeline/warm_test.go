package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/cache/remote"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/lintcache"
	"github.com/ksrelease/ksrelease/internal/packagecache"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/sourceindex"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/worker"
)

// lookedAtAll counts what no cache has spared.
type lookedAtAll struct {
	worker.InProcess
	mu    sync.Mutex
	times int
}

func (c *lookedAtAll) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	c.mu.Lock()
	c.times++
	c.mu.Unlock()
	return c.InProcess.Examine(ctx, ext, opts, limits)
}

// some is a baseline that knows the findings of a rule.
type some string

func (s some) Sift(_ string, all []lint.Finding) (fresh []lint.Finding, known int) {
	for _, f := range all {
		if strings.HasPrefix(f.Code, string(s)+"/") {
			known++
		} else {
			fresh = append(fresh, f)
		}
	}
	return fresh, known
}

// The results of a run are the same without a cache, with one that has all runs before, and with an
// empty one whose remote has them, whatever happened to files, times and settings in between.
func TestRandomHistoriesWithCaches(t *testing.T) {
	n := soak.Cases(t, 24, 10000)
	slots := make(chan bool, 16)
	var all sync.WaitGroup
	var mu sync.Mutex
	var spared, looked int
	for seed := range n {
		slots <- true
		all.Go(func() {
			defer func() { <-slots }()
			warm, cold, err := history(t.Context(), t.TempDir(), uint64(seed))
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			mu.Lock()
			spared, looked = spared+cold-warm, looked+cold
			mu.Unlock()
		})
	}
	all.Wait()
	t.Logf("%d of %d looks were spared", spared, looked)
	if spared == 0 {
		t.Error("no cache has spared anything: this tests nothing")
	}
}

// history goes through a random history in a folder. warm and cold are how often rules looked at an
// extension with the cache that has all, and without one.
func history(ctx context.Context, dir string, seed uint64) (warm, cold int, err error) {
	random := rand.New(rand.NewPCG(seed, 14))
	w := newFakeWorld()
	w.certain = true
	var sources []config.Source
	for _, name := range []string{"alc", "bar"} {
		path := filepath.Join(dir, name)
		writeTree(path, map[string]string{
			"extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: " + name + "\nversion: 1.0.0\ndisplayName: {en: A}\ndescription: {en: B}\ncategory: computing\nkeywords: [a]\nprovider: {en: {name: X}}\nksVersion: '>=4.0.0-0'\nicon: static/icon.svg\nexternalDependencies: [{name: bar, type: extension, version: '>=1.0.0', required: false}]\n",
			"values.yaml":    "image: {tag: '1'}\n", "README.md": "# A\n", "CHANGELOG.md": "# 1.0.0\n", ".helmignore": "*.bak\nold/\n", "static/icon.svg": "<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'/>",
			"templates/web.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {level: '{{ .Values.image.tag }}'}\n",
		})
		source := config.Source{Path: path, Display: name}
		source.Settings = config.Default(dir).Defaults
		source.Settings.Package.Output = filepath.Join(dir, "dist")
		sources = append(sources, source)
	}
	shared := remote.NewFolder(filepath.Join(dir, "remote"), false)
	if err := os.MkdirAll(filepath.Join(dir, "remote"), 0o700); err != nil {
		return 0, 0, err
	}
	kept, err := cache.Open(cache.Options{Dir: filepath.Join(dir, "cache"), Tool: "1.2.3", Remote: shared})
	if err != nil {
		return 0, 0, err
	}
	defer kept.Close(ctx)
	var baseline Baseline
	earlier := map[string]*lint.Earlier{}
	var done []string
	for step := range 8 {
		done = append(done, happen(random, dir, sources, &baseline, earlier))
		if random.IntN(2) == 0 {
			time.Sleep(120 * time.Millisecond)
		}
		options := Options{Sources: slices.Clone(sources), Targets: to(w), Parallelism: 2, DryRun: true, Baseline: baseline, Earlier: maps.Clone(earlier)}
		switch random.IntN(5) {
		case 0:
			options.Through, options.DryRun = results.StageLint, false
		case 1:
			options.Sizes = true
		}
		perform := func(c *cache.Cache) (string, int, error) {
			o, counter := options, &lookedAtAll{}
			o.Examiner = counter
			if c != nil {
				o.Examiner = lintcache.New(counter, c)
				o.Read, o.Packages = sourceindex.Open(c, dir), packagecache.New(c)
				defer o.Read.Save()
			}
			result, err := New(o).Do(ctx)
			if err != nil {
				return err.Error(), counter.times, nil
			}
			return timeless(result), counter.times, nil
		}
		plain, n, err := perform(nil)
		cold += n
		if err != nil {
			return warm, cold, err
		}
		with, n, _ := perform(kept)
		warm += n
		if with != plain {
			return warm, cold, fmt.Errorf("after %s, with a cache:\n%s\nwithout:\n%s", strings.Join(done, ", "), with, plain)
		}
		if step%4 == 3 {
			other, err := cache.Open(cache.Options{Dir: filepath.Join(dir, fmt.Sprint("cache", step)), Tool: "1.2.3", Remote: shared})
			if err != nil {
				return warm, cold, err
			}
			with, _, _ := perform(other)
			other.Close(ctx)
			if with != plain {
				return warm, cold, fmt.Errorf("after %s, with the remote of another cache:\n%s\nwithout:\n%s", strings.Join(done, ", "), with, plain)
			}
		}
		if random.IntN(4) == 0 { // somebody releases what is there now
			o := options
			o.DryRun, o.Through, o.Read, o.Packages = false, "", nil, nil
			if _, err := New(o).Do(ctx); err == nil {
				done = append(done, "release")
			}
		}
	}
	return warm, cold, nil
}

// timeless is a result document without what another run takes another time for.
func timeless(d *results.Document) string {
	d.Started, d.Finished = time.Time{}, nil
	for i := range d.Extensions {
		x := &d.Extensions[i]
		for j := range x.Stages {
			x.Stages[j].Milliseconds = 0
		}
		for j := range x.Targets {
			for k := range x.Targets[j].Stages {
				x.Targets[j].Stages[k].Milliseconds = 0
			}
		}
	}
	data, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func writeTree(dir string, files map[string]string) {
	for name, content := range files {
		_ = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		_ = os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644)
	}
}

// happen has something happen to a project. What cannot be done is not done.
func happen(random *rand.Rand, dir string, sources []config.Source, baseline *Baseline, earlier map[string]*lint.Earlier) string {
	at := random.IntN(len(sources))
	source := sources[at]
	files := []string{"values.yaml", "templates/web.yaml", "README.md", ".helmignore", "old/x.yaml", "a.bak", "static/icon.svg"}
	one, two := filepath.Join(source.Path, files[random.IntN(len(files))]), filepath.Join(source.Path, files[random.IntN(len(files))])
	contents := []string{"image: {tag: '2'}\n", "image: {tag: '2'}\r\n", "*.bak\n", "README.md\n", "{{ .Values.nothing.at.all }}\n", "# A\n"}
	text := []byte(contents[random.IntN(len(contents))])
	_ = os.MkdirAll(filepath.Dir(one), 0o755)
	past := time.Now().Add(-time.Duration(random.IntN(1000)) * time.Hour)
	switch random.IntN(18) {
	case 0, 1:
		_ = os.WriteFile(one, text, 0o644)
		return "write " + one
	case 2: // as a checkout that restores times, or a clock that went back
		info, err := os.Lstat(one)
		_ = os.WriteFile(one, text, 0o644)
		if err == nil {
			_ = os.Chtimes(one, info.ModTime(), info.ModTime())
		}
		return "write at the time before " + one
	case 3:
		_ = os.Chtimes(one, past, past)
		return "touch " + one
	case 4:
		_ = os.Rename(one, two)
		return "rename " + one + " " + two
	case 5:
		_ = os.Remove(one)
		return "remove " + one
	case 6:
		_ = os.Link(one, two)
		return "hard link"
	case 7:
		_ = os.Remove(one)
		_ = os.Symlink(two, one)
		return "link " + one + " " + two
	case 8: // the other extension comes in its place
		other := sources[1-at].Path
		_ = os.Rename(source.Path, source.Path+".away")
		_ = os.Rename(other, source.Path)
		_ = os.Rename(source.Path+".away", other)
		return "exchange"
	case 9:
		_ = os.CopyFS(source.Path+".copy", os.DirFS(source.Path))
		_ = os.RemoveAll(source.Path)
		_ = os.Rename(source.Path+".copy", source.Path)
		return "copy"
	case 10, 11:
		file := filepath.Join(source.Path, "extension.yaml")
		if data, err := os.ReadFile(file); err == nil {
			_ = os.WriteFile(file, []byte(strings.Replace(string(data), "version: 1.", "version: 1.1", 1)), 0o644)
		}
		return "bump"
	case 12:
		sources[at].Settings.Lint.Rules = map[string]config.Severity{[]string{"readme", "images", "keywords", "external-dependencies"}[random.IntN(4)]: config.Off}
		return "rules"
	case 13:
		sources[at].Settings.Lint.Rules = map[string]config.Severity{"files": "error", "readme": "error"}
		return "stricter rules"
	case 14:
		sources[at].Settings.Size.Limit = []int64{1 << 20, 900, 1200, 2000}[random.IntN(4)]
		return "limit"
	case 15:
		*baseline = []Baseline{nil, some("readme"), some("images"), some("files")}[random.IntN(4)]
		return "baseline"
	case 16:
		earlier[source.Path] = []*lint.Earlier{nil, {Of: "main", Version: "1.0.0", Differs: []string{"values.yaml"}}, {Of: "main", Version: "0.9.0"}}[random.IntN(3)]
		return "earlier"
	}
	return "nothing"
}
