package projectbundle

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/bundle/collect"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/progress"
)

// BundleCommand is the command bundle.
type BundleCommand struct {
	app.Place
	app.Deadline
	app.CacheFlag
	app.HookFlags
	Names    []string `arg:"" optional:"" name:"name" help:"Only these extensions. Without -o: list FILE… or verify FILE…, of bundles that are there."`
	File     string   `short:"o" placeholder:"FILE" help:"The file to write."`
	From     string   `enum:"any,tree,published" default:"any" help:"Where packages come from: any (the version here: as it is published if the content is the same, else packed), tree (packed, nobody is asked), published (the highest version)."`
	Platform []string `placeholder:"OS/ARCH" help:"Only these platforms of images; default: all that they have."`
	Base     []string `placeholder:"FILE" help:"Leave out what this bundle has: the other side has it, or gets it first. May be repeated."`
	NoImages bool     `help:"Leave out all images."`
	Output   string   `enum:"text,json" default:"text" help:"text or json."`
}

// The words that stand in the place of names where no file is written. They are no commands of their own: kong loses the
// flags of a command that is the default of another.
const (
	bundleList   = "list"
	bundleVerify = "verify"
)

// Run writes a bundle, or looks into one.
func (c *BundleCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	if c.File == "" {
		if len(c.Names) > 1 && (c.Names[0] == bundleList || c.Names[0] == bundleVerify) {
			return c.look(a)
		}
		return app.Usage(errors.New("no file is named to write the bundle to"), "ksrelease bundle -o FILE; or look into one: ksrelease bundle list FILE, ksrelease bundle verify FILE")
	}
	if err := app.CheckPlatforms(c.Platform); err != nil {
		return err
	}
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	if err := p.BeginHooks(ctx, app.HookRun{Run: c.Hooks, Command: "bundle", DryRun: true}); err != nil {
		return err
	}
	a.WarnOnStderr()
	meter := progress.New(a.Stderr)
	sum, err := Make(ctx, a, p, Making{
		File: c.File, Names: c.Names, From: c.From, Platforms: c.Platform, Base: c.Base, NoImages: c.NoImages, Meter: meter,
	})
	meter.Close()
	if err != nil {
		return err
	}
	c.report(a, sum)
	return nil
}

func (c *BundleCommand) report(a *app.App, sum collect.Summary) {
	if c.Output == "json" {
		a.Stdout.JSON(map[string]any{
			"file": c.File, "digest": sum.Digest, "packages": sum.Packages, "pictures": sum.Pictures, "images": sum.Images,
			"files": sum.Files, "bytes": sum.Bytes, "bytes_in_base": sum.InBase,
		}, "  ")
		return
	}
	a.Stdout.Print("%s: %s, %s, %s, %s", c.File, app.Plural(sum.Packages, "package"), app.Plural(sum.Pictures, "picture"), app.Plural(sum.Images, "image"), humanBytes(sum.Bytes))
	if len(c.Base) > 0 {
		a.Stdout.Print("%s are left out, which the base has", humanBytes(sum.InBase))
	}
	a.Stdout.Print("%s", sum.Digest)
}

// look lists or verifies bundles.
func (c *BundleCommand) look(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	if err := c.Enter(); err != nil {
		return err
	}
	set, end, err := Open(ctx, a, c.Names[1:])
	if err != nil {
		return err
	}
	defer end()
	if c.Names[0] == bundleVerify {
		meter := progress.New(a.Stderr)
		err := Verify(ctx, set, meter)
		meter.Close()
		if err != nil {
			return err
		}
	}
	if c.Output == "json" {
		a.Stdout.JSON(map[string]any{"bundles": set}, "  ")
		return nil
	}
	for _, b := range set {
		listBundle(a, b)
	}
	missing := set.Missing()
	if len(missing) > 0 {
		a.Stdout.Print("to be found in a base that is not among these bundles: %s", app.Plural(len(missing), "file"))
	}
	if c.Names[0] == bundleVerify {
		a.Stdout.Print("all files are as they were written")
	}
	return nil
}

// listBundle prints what a bundle says that it has.
func listBundle(a *app.App, b *bundle.Bundle) {
	a.Stdout.Print("%s %s", b.Name, b.Digest)
	table := output.NewTable("kind", "name", "digest", "size")
	for _, p := range b.Manifest.Packages {
		table.Row(output.Noun("package"), output.Name(p.Name+" "+p.Version), output.Cell(shortDigest(p.Digest)), output.Cell(humanBytes(p.Size)))
	}
	for _, p := range b.Manifest.Pictures {
		table.Row(output.Noun("picture"), output.Name(p.URL), output.Cell(shortDigest(p.Digest)), output.Cell(humanBytes(p.Size)))
	}
	for _, i := range b.Manifest.Images {
		table.Row(output.Noun("image"), output.Name(i.Reference), output.Cell(shortDigest(i.Digest)), output.Cell(imageSize(b, i)))
	}
	a.Stdout.Print("%s", table.Render(a.Stdout.Columns()))
	for _, digest := range b.Base {
		a.Stdout.Print("goes on from %s", digest)
	}
}

// imageSize is how large an image is with all of its layers, or why that is not known.
func imageSize(b *bundle.Bundle, i bundle.Image) string {
	content, err := bundle.Set{b}.Content(i)
	if err != nil {
		return "damaged"
	}
	var size int64
	for _, d := range content.Manifests {
		size += d.Size
	}
	for _, d := range content.Blobs {
		size += d.Size
	}
	return humanBytes(size)
}

func humanBytes(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

func shortDigest(digest string) string { return fmt.Sprintf("%.19s", digest) }
