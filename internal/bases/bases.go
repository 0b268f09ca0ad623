// Package bases finds the other version of an extension that a user wants it compared with:
// what is published, another version, a package, or what a commit has.
package bases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// PublishedLabel is what the labels of published versions begin with.
const PublishedLabel = "the published version "

// Published is the word for what is published.
const Published = "published"

// Kind is what somebody compares with.
type Kind int

// The kinds.
const (
	KindPublished Kind = iota // the highest version in the Helm repository
	KindVersion               // a version in the Helm repository
	KindFile                  // a package
	KindCommit                // what git has by a name
)

// KindOf is what a word means: published, the path of a package, a version (in full, such as
// 1.2.0), or else a name for git.
func KindOf(word string) Kind {
	if word == "" || word == Published {
		return KindPublished
	}
	if strings.HasSuffix(word, ".tgz") {
		return KindFile
	}
	if _, err := semver.StrictNewVersion(word); err == nil {
		return KindVersion
	}
	return KindCommit
}

// Base is another version of an extension.
type Base struct {
	Extension *extension.Extension
	// Label says in words what it is: "the published version 1.2.0".
	Label string
	// Differ names the files in which an extension differs from it.
	Differ func(ctx context.Context, ext *extension.Extension) (compare.Differences, error)
}

// ErrNone is the error where there is nothing to compare with, and no mistake in that: the
// extension is new.
var ErrNone = errors.New("there is no other version of it")

// OfTarget is a version in what users see of a target: the highest one where version is
// empty. The error is ErrNone where the target has none of that name.
func OfTarget(ctx context.Context, from target.Reader, index Index, name, version string) (*Base, error) {
	there, err := index.Versions(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case version == "" && len(there) == 0:
		return nil, ErrNone
	case version == "":
		version = slices.MaxFunc(there, versions.Compare)
	}
	entry, ok, err := index.Lookup(ctx, name, version)
	if err != nil {
		return nil, err
	}
	if !ok {
		has := "has no version of it"
		if len(there) > 0 {
			slices.SortFunc(there, func(a, b string) int { return versions.Compare(b, a) })
			has = "has " + strings.Join(there[:min(len(there), 5)], ", ")
		}
		return nil, failure.WithHint(fmt.Errorf("%s %s is not in the Helm repository, which %s", name, version, has), "name one of those, or the git tag of that version: refs/tags/NAME")
	}
	archive, err := from.Fetch(ctx, entry)
	if err != nil {
		return nil, err
	}
	if complaint := published.WrongDigest(entry, archive); complaint != "" {
		return nil, failure.WithHint(fmt.Errorf("%s %s: %s", name, version, complaint), "run again later; if it stays so, tell those who run the repository")
	}
	ext, err := published.Read(ctx, name+" "+version, archive)
	if err != nil {
		return nil, err
	}
	return &Base{
		Extension: ext, Label: PublishedLabel + version,
		Differ: func(ctx context.Context, local *extension.Extension) (compare.Differences, error) {
			d, err := published.Differs(ctx, local, nil, entry, archive, from)
			return d.Files, err
		},
	}, nil
}

// Before is the version that users have seen before another one in a target: the highest one below it, or else the
// highest; with itself, the one of its own number, where that is there. The error is ErrNone where there is none.
func Before(ctx context.Context, from target.Reader, index Index, name, version string, itself bool) (*Base, error) {
	there, err := index.Versions(ctx, name)
	if err != nil {
		return nil, err
	}
	if itself && slices.Contains(there, version) {
		return OfTarget(ctx, from, index, name, version)
	}
	others := slices.DeleteFunc(slices.Clone(there), func(v string) bool { return v == version })
	if below := slices.DeleteFunc(slices.Clone(others), func(v string) bool { return versions.Compare(v, version) > 0 }); len(below) > 0 {
		others = below
	}
	if len(others) == 0 {
		return nil, ErrNone
	}
	return OfTarget(ctx, from, index, name, slices.MaxFunc(others, versions.Compare))
}

// OfFile is a package in a file.
func OfFile(file string) (*Base, error) {
	ext, err := extension.Load(file, extension.Options{})
	if err != nil {
		return nil, err
	}
	return &Base{
		Extension: ext, Label: "the package " + filepath.Base(file),
		Differ: func(_ context.Context, local *extension.Extension) (compare.Differences, error) {
			by := compare.Compare
			if md, err := ext.FoundChart(); err == nil && md != nil && extension.IsContentDigest(md.Annotations[extension.ContentDigestAnnotation]) {
				by = compare.Content
			}
			return withOwnAssets(local, ext, by)
		},
	}, nil
}

// withOwnAssets compares without asking anybody for an address: one that ends in the name
// under which an asset is uploaded is that asset, and any other is another picture.
func withOwnAssets(local, other *extension.Extension, by func(_, _ *extension.Extension, _ compare.Fetch) (compare.Differences, error)) (compare.Differences, error) {
	return by(local, other, func(address string) ([]byte, error) {
		for _, a := range local.Assets {
			if a.RemoteName == path.Base(address) {
				return a.Data, nil
			}
		}
		return nil, nil
	})
}

// Commit is a commit of which extensions are read. Close ends it.
type Commit struct {
	// Name is what the user called it, and Hash its object name.
	Name, Hash string

	checkout   *commits.Checkout
	repository *commits.Repository // to be closed; nil: somebody else does that
	mu         sync.Mutex          // one is written at a time, and read: two may have a folder in common
}

// OpenCommit opens a commit by a name of git, in the repository that holds a folder. The
// error is a *git.Error, with a hint.
func OpenCommit(ctx context.Context, dir, name string) (*Commit, error) {
	repository, err := git.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	hash, err := repository.Resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	opened, err := commits.Open(ctx, repository)
	if err != nil {
		return nil, err
	}
	c, err := InCommit(opened, name, hash)
	if err != nil {
		opened.Close()
		return nil, err
	}
	c.repository = opened
	return c, nil
}

// InCommit is like OpenCommit for a repository that is open, and stays so, and the object name of the commit.
func InCommit(r *commits.Repository, name, hash string) (*Commit, error) {
	checkout, err := r.Checkout(hash)
	if err != nil {
		return nil, err
	}
	checkout.PassAbsent = true
	return &Commit{Name: name, Hash: hash, checkout: checkout}, nil
}

// Close removes what was written, and ends the processes of git.
func (c *Commit) Close() {
	c.checkout.Remove()
	if c.repository != nil {
		c.repository.Close()
	}
}

// Root is where the folder of the config is in what is written of the commit: the top, where the
// config lies elsewhere.
func (c *Commit) Root(dir string) string { return c.checkout.Root(dir) }

// Resolver brings in the dependencies of an extension that is in a folder.
type Resolver func(ctx context.Context, dir string, ext *extension.Extension) (*extension.Extension, error)

// Of is the extension that the commit has at a path of the work tree; display is how messages
// call it. The error is ErrNone where it has none there.
func (c *Commit) Of(ctx context.Context, at, display string, resolve Resolver) (*Base, error) {
	rel, ok, err := c.checkout.Within(at, ".")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, failure.WithHint(fmt.Errorf("%s is not in the work tree of this repository", at), "run ksrelease in its own repository, or name a version or a package")
	}
	return c.of(ctx, rel, display, resolve)
}

// Below is like Of for a path below a folder of the work tree that only the commit may have.
func (c *Commit) Below(ctx context.Context, dir, name, display string, resolve Resolver) (*Base, error) {
	rel, ok, err := c.checkout.Within(dir, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNone
	}
	return c.of(ctx, rel, display, resolve)
}

func (c *Commit) of(ctx context.Context, rel, display string, resolve Resolver) (*Base, error) {
	label := fmt.Sprintf("%s (%s)", c.Name, git.Short(c.Hash))
	ext, dir, err := c.load(ctx, rel, display+" at "+label)
	if err != nil {
		return nil, err
	}
	if ext, err = resolve(ctx, dir, ext); err != nil {
		return nil, fmt.Errorf("at %s: %w", label, err)
	}
	return &Base{
		Extension: ext, Label: label,
		Differ: func(_ context.Context, local *extension.Extension) (compare.Differences, error) {
			return compare.Content(local, ext, nil)
		},
	}, nil
}

// load writes what the commit has at a path, and the folders of its dependencies, and reads it.
func (c *Commit) load(ctx context.Context, rel, display string) (*extension.Extension, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dir, ok, err := c.checkout.Write(ctx, rel)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, "", ErrNone
	}
	ext, err := extension.Load(dir, extension.Options{Display: display})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, extension.ErrNoExtension) {
		return nil, "", ErrNone
	}
	if err != nil {
		return nil, "", err
	}
	return ext, dir, c.checkout.WriteDependencies(ctx, dir, ext)
}
