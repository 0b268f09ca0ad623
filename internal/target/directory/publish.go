package directory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/indexedit"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Publish puts a package into the folder and its entry into the index. What is published while a
// change is under way is in the next one, together.
func (t *Target) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	if err := t.publications.Do(ctx, pkg); err != nil {
		return target.Snapshot{}, fmt.Errorf("publishing %s: %w", pkg.Filename, err)
	}
	return target.Snapshot{Status: target.StatusActive}, nil
}

// publishAll publishes packages in one change, and gives an error for each.
func (t *Target) publishAll(ctx context.Context, packages []*extension.Package) []error {
	return sharedfiles.ChangeFor(ctx, t.store, len(packages), func(ctx context.Context, view sharedfiles.View, errs []error) (sharedfiles.Change, error) {
		p := &publication{target: t, view: view, errs: errs}
		return p.make(ctx, packages)
	})
}

// publication is how one change comes about.
type publication struct {
	target  *Target
	view    sharedfiles.View
	errs    []error // of each package
	entries []indexedit.Entry
	of      []int // which package each of them is of
	files   []sharedfiles.File
}

// make says what is to be written for packages.
func (p *publication) make(ctx context.Context, packages []*extension.Package) (sharedfiles.Change, error) {
	text, index, err := p.target.indexOf(ctx, p.view)
	if err != nil {
		return sharedfiles.Change{}, err
	}
	if refused := index.Refused(); refused != nil {
		return sharedfiles.Change{}, p.target.damaged(refused)
	}
	var change sharedfiles.Change
	if text == nil {
		if text, index, err = p.begin(ctx); err != nil {
			return sharedfiles.Change{}, err
		}
		change.Files = append(change.Files, sharedfiles.File{Name: IndexFile, Data: text})
	}
	for i, pkg := range packages {
		p.errs[i] = p.take(ctx, index, i, pkg)
	}
	if len(p.entries) == 0 {
		return sharedfiles.Change{}, nil
	}
	text, err = p.add(text, packages)
	if err != nil {
		return sharedfiles.Change{}, err
	}
	if len(p.entries) == 0 {
		return sharedfiles.Change{}, nil
	}
	change.Files = append(append(change.Files, p.files...), sharedfiles.File{Name: IndexFile, Data: text})
	var titles []string
	for _, entry := range p.entries {
		titles = append(titles, entry.Chart.Name+" "+entry.Chart.Version)
	}
	change.Message = sharedfiles.MessageOf(p.target.message, titles)
	return change, nil
}

// begin is the index of a folder that has none: of the packages that are there, as `helm repo
// index` makes it. It is written before any package is, so that the package of a run that was
// killed is never taken for one of those.
func (p *publication) begin(ctx context.Context) ([]byte, *helmrepo.Index, error) {
	names, err := p.view.Names(ctx)
	if err != nil {
		return nil, nil, err
	}
	now := p.target.now().UTC()
	text, index, err := indexedit.Add(nil, nil, now)
	if err != nil {
		return nil, nil, err
	}
	var found []indexedit.Entry
	seen := map[string]bool{}
	for _, name := range names {
		if path.Ext(name) != ".tgz" {
			continue
		}
		data, err := p.view.Read(ctx, name, helmrepo.PackageLimit)
		if err != nil {
			return nil, nil, err
		}
		chart, err := extension.ReadChart(data, extension.Limits{})
		if err != nil || chart.Validate() != nil || seen[chart.Name+" "+chart.Version] {
			continue // Helm passes over what is no chart, too
		}
		entry := indexedit.Entry{Chart: chart, URLs: []string{p.target.urlOf(name)}, Created: now, Digest: digestOf(data)}
		if _, _, err := indexedit.Add(nil, []indexedit.Entry{entry}, now); err != nil {
			continue
		}
		seen[chart.Name+" "+chart.Version] = true
		found = append(found, entry)
	}
	if len(found) == 0 {
		return text, index, nil
	}
	return indexedit.Add(text, found, now)
}

// take looks at what is there of a version, and notes what is to be written.
func (p *publication) take(ctx context.Context, index *helmrepo.Index, i int, pkg *extension.Package) error {
	digest := strings.TrimPrefix(pkg.Digest, "sha256:")
	if entry, there := index.Version(pkg.Name, pkg.Version); there {
		return p.exists(pkg, entry.Digest)
	}
	if err := index.Unreadable(pkg.Name); err != nil {
		return p.target.damaged(err)
	}
	for at, other := range p.entries {
		if other.Chart.Name == pkg.Name && other.Chart.Version == pkg.Version {
			if err := p.exists(pkg, other.Digest); err != nil {
				return err
			}
			return p.errs[p.of[at]] // its own, where the first one fails later
		}
	}
	files := []sharedfiles.File{{Name: pkg.Filename, Data: pkg.Data}}
	data := pkg.Data
	left, err := p.view.Read(ctx, pkg.Filename, helmrepo.PackageLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case bytes.Equal(left, pkg.Data):
		files = nil
	default:
		// The same content may have been packed of another commit.
		found, err := extension.ReadChart(left, extension.Limits{})
		if err != nil || found.Name != pkg.Name || found.Version != pkg.Version || found.Annotations[extension.ContentDigestAnnotation] != pkg.ContentDigest {
			return failure.WithHint(fmt.Errorf("%s has a file %s with other content, which its index does not list", p.target.shown, pkg.Filename),
				"nobody finds it by the index: remove it where a run that was killed left it behind, or release another version")
		}
		if pkg.Provenance == nil && pkg.Signature == nil { // else what signs it is of these bytes alone
			files, data, digest = nil, left, digestOf(left)
		}
	}
	// After the package: what signs one of a run that was killed is never next to another.
	if pkg.Provenance != nil {
		files = append(files, sharedfiles.File{Name: pkg.Filename + extension.ProvenanceEnding, Data: pkg.Provenance})
	}
	if pkg.Signature != nil {
		files = append(files, sharedfiles.File{Name: pkg.Filename + extension.SignatureEnding, Data: pkg.Signature})
	}
	chart, err := extension.ReadChart(data, extension.Limits{})
	if err == nil {
		err = chart.Validate()
	}
	if err != nil {
		return fmt.Errorf("reading its Chart.yaml: %w", err)
	}
	p.entries = append(p.entries, indexedit.Entry{Chart: chart, URLs: []string{p.target.urlOf(pkg.Filename)}, Created: p.target.now().UTC(), Digest: digest})
	p.of = append(p.of, i)
	p.files = append(p.files, files...)
	return nil
}

// exists is what comes of a version that is there: nothing where it is this package.
func (p *publication) exists(pkg *extension.Package, digest string) error {
	if strings.TrimPrefix(digest, "sha256:") == strings.TrimPrefix(pkg.Digest, "sha256:") {
		return nil
	}
	return failure.WithHint(fmt.Errorf("%s has %s %s already, as another package, which is not overwritten", p.target.shown, pkg.Name, pkg.Version), "release another version")
}

// add puts the entries into the index. One that it cannot take is an error of its package alone.
func (p *publication) add(text []byte, packages []*extension.Package) ([]byte, error) {
	now := p.target.now().UTC()
	made, index, err := indexedit.Add(text, p.entries, now)
	if err != nil && len(p.entries) > 1 && !errors.Is(err, indexedit.ErrDamaged) {
		kept := *p
		kept.entries, kept.of, kept.files = nil, nil, nil
		for at, entry := range p.entries {
			i := p.of[at]
			if _, _, err := indexedit.Add(text, []indexedit.Entry{entry}, now); err != nil {
				p.errs[i] = err
				continue
			}
			kept.entries, kept.of = append(kept.entries, entry), append(kept.of, i)
			for _, file := range p.files {
				if strings.TrimSuffix(strings.TrimSuffix(file.Name, extension.ProvenanceEnding), extension.SignatureEnding) == packages[i].Filename {
					kept.files = append(kept.files, file)
				}
			}
		}
		if len(kept.entries) == len(p.entries) {
			return nil, err
		}
		*p = kept
		if len(p.entries) == 0 {
			return text, nil
		}
		made, index, err = indexedit.Add(text, p.entries, now)
	}
	if err != nil {
		return nil, err
	}
	p.target.remember(made, index)
	return made, nil
}

// urlOf is the address of a file of the folder.
func (t *Target) urlOf(name string) string {
	switch name = url.PathEscape(name); t.url {
	case "":
		return name
	case "/":
		return "/" + name
	}
	return t.url + "/" + name
}

// digestOf is the sha256 of a package in hex.
func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
