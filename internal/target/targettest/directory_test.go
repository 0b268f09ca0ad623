package targettest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/pipeline"
)

// directory is the smallest target, and the example of docs/design.md: a folder of packages.
// It has no keys, no assets, no reviews and no index: what it shows is what is there.
type directory struct{ path string }

var _ target.Target = directory{}

// museum is such a folder as a project names it.
func museum(t target.Target) target.Place {
	return target.Place{Target: t, Name: "museum", Kind: "directory", Noun: "the folder"}
}

func (d directory) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return target.Snapshot{}, err
	}
	temporary := filepath.Join(d.path, ".new-"+pkg.Filename)
	if err := os.WriteFile(temporary, pkg.Data, 0o644); err != nil {
		return target.Snapshot{}, err
	}
	defer os.Remove(temporary)
	// A link, and no renaming: it never replaces what is there.
	if err := os.Link(temporary, filepath.Join(d.path, pkg.Filename)); err != nil {
		return target.Snapshot{}, fmt.Errorf("publishing %s: %w", pkg.Filename, err)
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

func (d directory) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	_, ok, err := d.Lookup(ctx, name, version)
	if !ok {
		return target.Snapshot{}, err
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

func (d directory) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(d.path, e.Name+"-"+e.Version+".tgz"))
}

func (d directory) FetchAsset(context.Context, string) ([]byte, error) {
	return nil, errors.New("a directory keeps no assets")
}

// Index is the directory itself.
func (d directory) Index(ctx context.Context) (target.Index, error) { return d, ctx.Err() }

func (d directory) Lookup(ctx context.Context, name, version string) (target.Entry, bool, error) {
	data, err := d.Fetch(ctx, target.Entry{Name: name, Version: version})
	if errors.Is(err, fs.ErrNotExist) {
		return target.Entry{}, false, nil
	}
	if err != nil {
		return target.Entry{}, false, err
	}
	packed, err := loader.LoadArchive(bytes.NewReader(data))
	if err != nil {
		return target.Entry{}, false, fmt.Errorf("reading %s %s: %w", name, version, err)
	}
	sum := sha256.Sum256(data)
	return target.Entry{
		Name: name, Version: version, Digest: hex.EncodeToString(sum[:]), URLs: []string{name + "-" + version + ".tgz"},
		ContentDigest: packed.Metadata.Annotations[extension.ContentDigestAnnotation],
	}, true, nil
}

func (d directory) Versions(ctx context.Context, name string) (versions []string, err error) {
	files, err := filepath.Glob(filepath.Join(d.path, name+"-*.tgz"))
	for _, file := range files {
		packed, err := loader.LoadFile(file)
		if err != nil {
			return nil, err
		}
		if packed.Name() == name { // and not an extension whose name begins like it
			versions = append(versions, packed.Metadata.Version)
		}
	}
	return versions, errors.Join(err, ctx.Err())
}

func (directory) Refused() error    { return nil }
func (directory) Cached() string    { return "" }
func (directory) Remarks() []string { return nil }

func TestADirectoryKeepsTheContract(t *testing.T) {
	targettest.Run(t, func(t *testing.T) targettest.Fixture {
		d := directory{t.TempDir()}
		moved := d.path + "-moved"
		restore := func() {}
		return targettest.Fixture{
			Target: d,
			Break: func(r targettest.Request, f targettest.Fault) bool {
				switch {
				case f == targettest.Fails && r == targettest.Publish:
					restore = func() { must(t, os.Rename(moved, d.path)) }
					must(t, os.Rename(d.path, moved))
					return true
				case f == targettest.Garbage && r != targettest.Fetch:
					file := filepath.Join(d.path, "alc-1.0.0.tgz")
					good, err := os.ReadFile(file)
					must(t, err)
					restore = func() { must(t, os.WriteFile(file, good, 0o644)) }
					must(t, os.WriteFile(file, []byte("<html>"), 0o644))
					return true
				}
				return false
			},
			Restore: func() { restore() },
		}
	})
}

// A run releases to it with all that runs do: what is there is not sent again, other
// content is drift, and a dry run writes nothing.
func TestARunReleasesToADirectory(t *testing.T) {
	d := directory{t.TempDir()}
	source := func(version, content string) config.Source {
		return config.Source{Path: targettest.Folder(t, "alc", version, content), Display: "alc", Settings: config.Default(t.TempDir()).Defaults}
	}
	for _, step := range []struct {
		source config.Source
		dry    bool
		want   results.Outcome
		files  int
	}{
		{source("1.0.0", "one"), true, results.Planned, 0},
		{source("1.0.0", "one"), false, results.Released, 1},
		{source("1.0.0", "one"), false, results.Exists, 1},
		{source("1.0.0", "two"), false, results.Drift, 1},
		{source("1.1.0", "two"), false, results.Released, 2},
	} {
		result, err := pipeline.New(pipeline.Options{Sources: []config.Source{step.source}, Targets: []target.Place{museum(d)}, DryRun: step.dry}).Do(t.Context())
		must(t, err)
		x := result.Extensions[0]
		if files, _ := os.ReadDir(d.path); x.Outcome != step.want || len(files) != step.files {
			t.Fatalf("%s: %s %q %+v, with %d files", x.Version, x.Outcome, x.Reason, x.Error, len(files))
		}
		for _, s := range x.Stages {
			if s.Name == results.StageUpload && s.Status != results.StageSkipped {
				t.Errorf("upload is %s, and there is nothing to upload to", s.Status)
			}
		}
	}
}

// lossy publishes, and loses the first answer.
type lossy struct {
	directory
	lost *bool
}

type inDoubt struct{ error }

func (inDoubt) InDoubt() bool { return true }

func (l lossy) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	s, err := l.directory.Publish(ctx, pkg)
	if err == nil && !*l.lost {
		*l.lost = true
		return target.Snapshot{}, inDoubt{errors.New("the connection was reset")}
	}
	return s, err
}

// Without reviews a version that is seen after a lost answer is our own write: released, and
// not taken for that of somebody else.
func TestALostAnswerWithoutReviews(t *testing.T) {
	lost := false
	place := lossy{directory{t.TempDir()}, &lost}
	source := config.Source{Path: targettest.Folder(t, "alc", "1.0.0", "one"), Display: "alc", Settings: config.Default(t.TempDir()).Defaults}
	result, err := pipeline.New(pipeline.Options{Sources: []config.Source{source}, Targets: []target.Place{museum(place)}}).Do(t.Context())
	must(t, err)
	if x := result.Extensions[0]; !lost || x.Outcome != results.Released {
		t.Errorf("%s %q %+v", x.Outcome, x.Reason, x.Error)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
