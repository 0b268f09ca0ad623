// Package projectbundle makes bundles of the extensions of a project, and delivers bundles to the
// targets that a command names.
package projectbundle

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/bundle/collect"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/progress"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/picture"
	"github.com/ksrelease/ksrelease/internal/transport"
	"github.com/ksrelease/ksrelease/internal/versions"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Where packages of a bundle come from.
const (
	// FromAny takes the version of the work tree: as it is published, where that has the same content, and packed else.
	FromAny = "any"
	// FromTree packs the work tree, and asks nobody.
	FromTree = "tree"
	// FromPublished takes the highest version that is published.
	FromPublished = "published"
)

// Making says what a bundle is made of.
type Making struct {
	File      string
	Names     []string // of extensions; none are all
	From      string   // one of the above
	Platforms []string
	Base      []string // files
	NoImages  bool
	Meter     *progress.Meter
}

// examiner finds the images of an extension, within limits.
type examiner interface {
	Images(ctx context.Context, ext *extension.Extension, limits lint.Limits) (*images.Needed, error)
}

// maker makes one bundle.
type maker struct {
	Making
	app      *app.App
	options  pipeline.Options
	examiner examiner
	from     *app.Clients // nil where nobody is asked
	index    target.Index
	// downloads is for pictures that are elsewhere.
	downloads *transport.Client
	to        *collect.Collector

	mu     sync.Mutex
	images []string
}

// Make makes a bundle of the extensions of a project, and puts it in its place when all of it is
// there. The errors of extensions come together.
func Make(ctx context.Context, a *app.App, p *app.Project, making Making) (collect.Summary, error) {
	base, err := bundle.OpenAll(making.Base)
	if err != nil {
		return collect.Summary{}, app.Usage(err, failure.Hint(err))
	}
	defer base.Close()
	options, err := p.Start(ctx, nil)
	if err != nil {
		return collect.Summary{}, err
	}
	giveBack, err := p.Equip(&options)
	if err != nil {
		return collect.Summary{}, err
	}
	defer giveBack()
	m := &maker{Making: making, app: a, options: options, examiner: options.Examiner.(examiner)} // package worker has no other
	if err := m.dial(ctx, p); err != nil {
		return collect.Summary{}, err
	}
	if m.from != nil {
		defer m.from.Close()
	}
	registries, hangUp, err := a.Registries(nil, options.Parallelism)
	if err != nil {
		return collect.Summary{}, err
	}
	defer hangUp()
	m.downloads = a.Downloads(options.Parallelism)
	defer m.downloads.Close()
	spool, err := os.MkdirTemp("", "ksrelease-bundle-")
	if err != nil {
		return collect.Summary{}, failure.WithHint(err, "set TMPDIR to a folder that can be written to")
	}
	defer os.RemoveAll(spool)
	m.to, err = collect.New(collect.Options{
		Registry: registries, Picture: m.picture, Platforms: making.Platforms, Base: base, Spool: spool, Parallelism: max(1, options.Parallelism),
	})
	if err != nil {
		return collect.Summary{}, err
	}
	return m.make(ctx)
}

// dial reaches the target that shows what is published.
func (m *maker) dial(ctx context.Context, p *app.Project) error {
	if m.From == FromTree {
		return nil
	}
	links, err := m.app.Dial(ctx, p, app.DialOptions{Parallelism: m.options.Parallelism})
	if err != nil {
		return err
	}
	if m.index, err = links.Index(ctx); err != nil {
		links.Close()
		return failure.WithHint(fmt.Errorf("asking what is published: %w", err), "%s; or pack all anew: --from tree", failure.Hint(err))
	}
	m.from = links
	return nil
}

// picture downloads a picture: from the target where that keeps those of its packages, else from where its address leads.
func (m *maker) picture(ctx context.Context, address string) ([]byte, error) {
	if m.from != nil {
		if _, ok := m.from.Target.(target.AssetStore); ok {
			return m.from.FetchAsset(ctx, address)
		}
	}
	return picture.Download(ctx, m.downloads, address, nil)
}

func (m *maker) make(ctx context.Context) (collect.Summary, error) {
	if err := m.gather(ctx); err != nil {
		return collect.Summary{}, err
	}
	if !m.NoImages {
		if err := m.to.AddImages(ctx, m.images); err != nil {
			return collect.Summary{}, m.cut(ctx, err)
		}
	}
	if ctx.Err() != nil {
		return collect.Summary{}, m.cut(ctx, ctx.Err())
	}
	for _, missing := range m.to.Missing() {
		m.app.Warnings.Add(missing)
	}
	_, planned, err := m.to.Plan()
	if err != nil {
		return planned, err
	}
	if planned.Packages == 0 {
		return planned, app.Usage(errors.New("there is no extension to put into a bundle"), "ksrelease status lists those that are declared and published")
	}
	_ = atomicfile.RemoveLeftovers(filepath.Dir(m.File)) // what cannot be removed is no reason not to go on
	var sum collect.Summary
	m.Meter.Begin("writing", 0, planned.Bytes)
	err = atomicfile.WriteStream(m.File, 0o644, func(file *os.File) error {
		sum, err = m.to.Write(ctx, file, m.Meter.Bytes)
		return err
	})
	return sum, m.cut(ctx, err)
}

// cut says of an error that came with the end of the command that it did.
func (m *maker) cut(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return &graceful.CutError{Err: fmt.Errorf("%w before the bundle was written", context.Cause(ctx))}
	}
	return err
}

// gather collects the packages of all extensions.
func (m *maker) gather(ctx context.Context) error {
	names, errs := make([]string, len(m.options.Sources)), make([]error, len(m.options.Sources))
	var group errgroup.Group
	group.SetLimit(max(1, m.options.Parallelism))
	for i, source := range m.options.Sources {
		group.Go(func() error {
			names[i], errs[i] = m.one(ctx, source)
			if errs[i] != nil {
				errs[i] = failure.WithHint(fmt.Errorf("%s: %w", source.Display, errs[i]), "%s", failure.Hint(errs[i]))
			}
			return nil // the others are looked at, too
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return m.cut(ctx, ctx.Err())
	}
	missing := slices.DeleteFunc(slices.Clone(m.Names), func(name string) bool { return slices.Contains(names, name) })
	if len(missing) > 0 && errors.Join(errs...) == nil {
		return app.Usage(request.Unknown(missing, names), "")
	}
	return errors.Join(errs...)
}

// one collects the package of one extension, and gives its name.
func (m *maker) one(ctx context.Context, source config.Source) (name string, err error) {
	ext, err := graceful.Await(ctx, func() (*extension.Extension, error) {
		return extension.Load(source.Path, extension.Options{Display: source.Display, Ignore: []string{source.Settings.Package.Output}})
	})
	if err != nil {
		return "", err
	}
	name = ext.Metadata.Name
	if len(m.Names) > 0 && !slices.Contains(m.Names, name) {
		return name, nil
	}
	var archive []byte
	if m.From == FromPublished {
		if archive, ext, err = m.highest(ctx, name); err != nil || archive == nil {
			return name, err
		}
	} else {
		if ext, err = m.options.Resolver.Resolve(ctx, source.Path, ext); err != nil {
			return name, err
		}
		if archive, err = m.choose(ctx, source, ext); err != nil {
			return name, err
		}
	}
	return name, m.add(ctx, source, ext, archive)
}

// add puts a package into the bundle, and notes its images.
func (m *maker) add(ctx context.Context, source config.Source, ext *extension.Extension, archive []byte) error {
	var uses []string
	if !m.NoImages {
		needed, err := m.examiner.Images(ctx, ext, lint.Limits{Time: source.Settings.Lint.Timeout, Memory: source.Settings.Lint.Memory})
		if err != nil {
			return fmt.Errorf("finding its images: %w", err)
		}
		for _, use := range needed.Uses {
			uses = append(uses, use.Ref.String())
		}
		for _, bad := range needed.Unreadable {
			return fmt.Errorf("%s: %s names no image: %q", bad.Place, bad.By, bad.Written)
		}
		for _, template := range needed.Unknown {
			m.app.Warnings.Add(fmt.Sprintf("%s: %s does not render, and images that it would need are not in the bundle", source.Display, template))
		}
	}
	inside, err := extension.Read(ext.Metadata.Name, archive, extension.Limits{})
	if err != nil {
		return err
	}
	filename := inside.Metadata.Name + "-" + inside.Metadata.Version + ".tgz"
	if err := m.to.AddPackage(ctx, filename, archive, pictures(inside.Metadata), uses); err != nil {
		return err
	}
	if err := m.addSignatures(ctx, inside.Metadata.Name, inside.Metadata.Version, archive); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.images = append(m.images, uses...)
	return nil
}

// addSignatures adds what signs a package where it was published. That it does is for those to judge
// who install it: only what is of other bytes is left out.
func (m *maker) addSignatures(ctx context.Context, name, version string, archive []byte) error {
	if m.from == nil {
		return nil
	}
	keeps, ok := m.from.Target.(target.Signed)
	if !ok {
		return nil
	}
	entry, there, err := m.index.Lookup(ctx, name, version)
	if err != nil || !there || strings.TrimPrefix(entry.Digest, "sha256:") != published.Digest(archive) {
		return err
	}
	found, err := keeps.Signatures(ctx, name, version)
	if err != nil {
		return fmt.Errorf("reading what signs %s %s: %w", name, version, err)
	}
	var signature []byte
	for _, s := range found.Signatures {
		if s.Of == nil { // others are of what the target has made of the package
			signature = s.Value
		}
	}
	return m.to.AddSignatures(name, version, found.Provenance, signature)
}

// pictures are the icon and screenshots that have addresses.
func pictures(metadata extension.Metadata) (addresses []string) {
	for _, text := range append([]string{metadata.Icon}, metadata.Screenshots...) {
		if u, err := url.Parse(text); err == nil && (u.Scheme == "http" || u.Scheme == "https") && !slices.Contains(addresses, text) {
			addresses = append(addresses, text)
		}
	}
	return addresses
}

// choose is the archive of the version of the work tree: that which is published, where it has the same content, so
// that both sides have the same bytes.
func (m *maker) choose(ctx context.Context, source config.Source, ext *extension.Extension) ([]byte, error) {
	if m.index != nil {
		entry, there, err := m.index.Lookup(ctx, ext.Metadata.Name, ext.Metadata.Version)
		if err != nil {
			return nil, err
		}
		if there {
			archive, err := m.same(ctx, ext, entry)
			if archive != nil || err != nil {
				return archive, err
			}
			m.app.Warnings.Add(fmt.Sprintf("%s %s is published with other content; the bundle has that of the work tree", ext.Metadata.Name, ext.Metadata.Version))
		}
	}
	packed, err := graceful.Await(ctx, func() (*extension.Package, error) { return ext.PackWithin(nil, source.Settings.Size.Limit) })
	if err != nil {
		return nil, err
	}
	return packed.Data, nil
}

// same fetches what is published; nil where it has other content.
func (m *maker) same(ctx context.Context, ext *extension.Extension, entry target.Entry) ([]byte, error) {
	archive, err := m.fetch(ctx, entry)
	if err != nil {
		return nil, err
	}
	// Also where the index has the content digest of ext, which anybody can copy.
	difference, err := published.Differs(ctx, ext, nil, entry, archive, m.from)
	if err != nil || !difference.IsNone() {
		return nil, err
	}
	return archive, nil
}

// fetch downloads what is published.
func (m *maker) fetch(ctx context.Context, entry target.Entry) ([]byte, error) {
	archive, err := m.from.Fetch(ctx, entry)
	if err != nil {
		return nil, err
	}
	if complaint := published.WrongDigest(entry, archive); complaint != "" {
		return nil, failure.WithHint(fmt.Errorf("%s %s: %s", entry.Name, entry.Version, complaint), "run again later; if it stays so, talk to those who run the repository")
	}
	return archive, nil
}

// highest is the highest version that is published; nil where there is none.
func (m *maker) highest(ctx context.Context, name string) ([]byte, *extension.Extension, error) {
	there, err := m.index.Versions(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if len(there) == 0 {
		m.app.Warnings.Add(name + " is not published, and not in the bundle")
		return nil, nil, nil
	}
	version := slices.MaxFunc(there, versions.Compare)
	entry, ok, err := m.index.Lookup(ctx, name, version)
	if err != nil || !ok {
		return nil, nil, errors.Join(err, fmt.Errorf("the index names %s %s, and does not have it", name, version))
	}
	archive, err := m.fetch(ctx, entry)
	if err != nil {
		return nil, nil, err
	}
	ext, err := published.Read(ctx, name+" "+version, archive)
	return archive, ext, err
}
