package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/announce"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/notes"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/transport"
	"github.com/ksrelease/ksrelease/pipeline"
)

// announcer has a run announce what it released, where the config says to whom. Its connections
// are its own.
func (a *App) announcer(ctx context.Context, p *Project, options *pipeline.Options) *transport.Client {
	client := a.Client(transport.Options{Attempts: 3, Patience: 20 * time.Second, Warn: a.Warnings.Add, Dial: a.Connect})
	if len(p.Config.Announcements) == 0 {
		return client
	}
	for _, to := range p.Config.Announcements {
		for _, secret := range announce.Secrets(to) {
			a.Redact.Add(secret)
		}
	}
	if options.Command != "run" {
		return client
	}
	a.warnOfOnly(ctx, p)
	sources := options.Sources
	announcer := announce.Announcer{Client: client, Items: func(ctx context.Context, x results.Extension, language string) announce.Item {
		return itemOf(ctx, sources, x, language)
	}}
	options.Announce = func(ctx context.Context, run *results.Document) []results.Announcement {
		done := announcer.Send(ctx, p.Config.Announcements, run)
		for _, x := range done {
			if x.Status == results.AnnouncementFailed {
				a.Warnings.Add(fmt.Sprintf("announcing %s by %s (%s) failed: %s", strings.Join(x.Extensions, ", "), x.Kind, x.Setting, x.Error))
			}
		}
		return done
	}
	return client
}

// warnOfOnly warns of names in announce[].only that no extension has: nobody would miss what is
// never announced.
func (a *App) warnOfOnly(ctx context.Context, p *Project) {
	var names []string
	for i, to := range p.Config.Announcements {
		if len(to.Only) == 0 {
			continue
		}
		if names == nil {
			all, err := p.Sources(ctx, nil)
			if err != nil {
				return // the run says so
			}
			for _, s := range all {
				names = append(names, nameOf(s))
			}
		}
		for _, name := range to.Only {
			if err := request.Unknown([]string{name}, names); err != nil {
				a.Warnings.Add(fmt.Sprintf("announce[%d].only: %s: %s", i, err, failure.Hint(err)))
			}
		}
	}
}

// itemOf is what there is to say of a released version: what cannot be read is left out, for the
// version is released all the same.
func itemOf(ctx context.Context, sources []config.Source, x results.Extension, language string) announce.Item {
	item := announce.Item{Name: x.Name, Version: x.Version}
	for _, s := range sources {
		if s.Display != x.Path {
			continue
		}
		ext, err := graceful.Await(ctx, func() (*extension.Extension, error) {
			return extension.Load(s.Path, extension.Options{Display: s.Display, Ignore: []string{s.Settings.Package.Output}})
		})
		if err != nil || ext.Metadata.Version != x.Version {
			return item
		}
		if n, err := notes.Of(x.Name, x.Version, ext.Files, notes.Options{Language: language}); err == nil {
			item.Notes = n.Texts[0].Sections[0].Markdown
		}
		for _, link := range []announce.Link{{Text: "home", URL: ext.Metadata.Home}, {Text: "docs", URL: ext.Metadata.Docs}} {
			if strings.HasPrefix(link.URL, "https://") || strings.HasPrefix(link.URL, "http://") {
				item.Links = append(item.Links, link)
			}
		}
		return item
	}
	return item
}
