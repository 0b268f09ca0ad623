package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/notes"
	"github.com/ksrelease/ksrelease/internal/output"
)

type notesCommand struct {
	app.Reading
	Release versionOf `arg:"" name:"name" help:"The extension, or NAME@VERSION. A version that the CHANGELOG here does not know is looked up in the Helm repository."`
	Lang    string    `placeholder:"CODE" help:"The language, such as zh; default: all. Where there is none, English takes its place, as in KubeSphere."`
	Since   string    `placeholder:"VERSION" help:"All versions above this one, too."`
	Output  string    `enum:"text,markdown,json" default:"text" help:"text, markdown (the text alone where there is one) or json."`
}

// versionOf names an extension, or one version of it.
type versionOf struct {
	Name, Version string
}

// UnmarshalText reads NAME or NAME@VERSION.
func (v *versionOf) UnmarshalText(text []byte) error {
	name, version, hasVersion := strings.Cut(string(text), "@")
	if name == "" || hasVersion && version == "" {
		return fmt.Errorf("%q: write NAME or NAME@VERSION, such as alc@1.2.0", text)
	}
	v.Name, v.Version = name, version
	return nil
}

// Run prints the notes of a version.
func (c *notesCommand) Run(a *app.App) error {
	ctx, p, end, err := c.Start(a)
	if err != nil {
		return err
	}
	defer end()
	n, err := c.find(ctx, a, p)
	var option *notes.OptionError
	if errors.As(err, &option) {
		return app.Usage(err, "")
	}
	if err != nil {
		return err
	}
	if c.Lang != "" && n.Texts[0].Language != strings.ToLower(c.Lang) {
		a.Stderr.Print("there is no CHANGELOG_%s.md: this is %s, which KubeSphere shows in its place", strings.ToLower(c.Lang), n.Texts[0].File)
	}
	for _, text := range n.Texts {
		for _, section := range text.Sections {
			if section.Markdown == "" {
				a.Warnings.Add(fmt.Sprintf("%s says nothing of %s: its section is empty", text.File, section.Version))
			}
		}
	}
	switch c.Output {
	case "json":
		a.Stdout.JSON(n, "  ")
	case "markdown":
		_, _ = io.WriteString(a.Stdout.Lines(), a.Redact.Text(n.Markdown())) // the stream keeps the error
	default:
		printNotes(a, n)
	}
	return nil
}

// find looks for the notes here, and then in the Helm repository.
func (c *notesCommand) find(ctx context.Context, a *app.App, p *app.Project) (*notes.Notes, error) {
	options := notes.Options{Language: c.Lang, Since: c.Since}
	declared, err := p.Named(ctx, c.Release.Name)
	var (
		unknown *app.UnknownNameError
		missing *notes.MissingError
	)
	if err != nil && (c.Release.Version == "" || !errors.As(err, &unknown)) {
		if errors.As(err, &unknown) {
			return nil, app.Usage(err, "")
		}
		return nil, err
	}
	here := err
	for _, ext := range c.likely(declared) {
		version := c.Release.Version
		if version == "" {
			version = ext.Metadata.Version
		}
		n, err := notes.Of(c.Release.Name, version, ext.Files, options)
		if err == nil {
			n.From = "work tree"
			return n, nil
		}
		if here = err; !errors.As(err, &missing) {
			return nil, err
		}
		if version == ext.Metadata.Version {
			return nil, err // it is what the package of the version would say
		}
	}
	published, err := c.published(ctx, a, p)
	if err != nil || published == nil {
		return nil, errors.Join(here, err)
	}
	n, err := notes.Of(c.Release.Name, c.Release.Version, published.Files, options)
	if err != nil {
		return nil, err
	}
	n.From = "package"
	return n, nil
}

// likely are the declared versions that may have the notes: the one that was asked for, else the
// highest.
func (c *notesCommand) likely(declared []*extension.Extension) []*extension.Extension {
	for _, ext := range declared {
		if strings.TrimPrefix(ext.Metadata.Version, "v") == strings.TrimPrefix(c.Release.Version, "v") {
			return []*extension.Extension{ext}
		}
	}
	return declared[:min(1, len(declared))]
}

// published is the package of the version in the Helm repository; nil where there is none.
func (c *notesCommand) published(ctx context.Context, a *app.App, p *app.Project) (*extension.Extension, error) {
	links, err := c.Dial(ctx, a, p)
	if err != nil {
		return nil, err
	}
	defer links.Close()
	index, err := links.Index(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for a published %s@%s: %w", c.Release.Name, c.Release.Version, err)
	}
	entry, ok, err := index.Lookup(ctx, c.Release.Name, c.Release.Version)
	if err != nil || !ok {
		return nil, err
	}
	archive, err := links.Fetch(ctx, entry)
	if err != nil {
		return nil, fmt.Errorf("downloading the package of %s@%s: %w", c.Release.Name, c.Release.Version, err)
	}
	return extension.Read(c.Release.Name+"-"+c.Release.Version+".tgz", archive, extension.Limits{})
}

// printNotes prints the notes for people.
func printNotes(a *app.App, n *notes.Notes) {
	for i, text := range n.Texts {
		for j, s := range text.Sections {
			if i+j > 0 {
				a.Stdout.Print("")
			}
			a.Stdout.Print("%s", output.Name(n.Name+" "+s.Version+" ("+text.File+")"))
			_, _ = io.WriteString(a.Stdout.Lines(), "\n"+a.Redact.Text(s.Markdown)+"\n")
		}
	}
}
