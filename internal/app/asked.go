package app

import (
	"context"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Asked are the flags that choose extensions by what a CI runs for.
type Asked struct {
	Tag   string `placeholder:"TAG" xor:"chosen" help:"Only the extension and version that this git tag means, such as NAME/v1.2.0 (tags.patterns); auto: the tag of this CI run, else of the commit."`
	Title string `placeholder:"TEXT" xor:"chosen" help:"Only what the title of a pull request asks for, \"release NAME1, NAME2\", or a comment, \"/release NAME1 NAME2\"."`
}

// autoTag stands for the tag that is found.
const autoTag = "auto"

// Any says whether a flag was given.
func (s Asked) Any() bool { return s.Tag != "" || s.Title != "" }

// Given are the flags as they were given, quoted for a shell.
func (s Asked) Given() (words []string) {
	if s.Tag != "" {
		words = append(words, "--tag", shellword.Quote(s.Tag))
	}
	if s.Title != "" {
		words = append(words, "--title", shellword.Quote(s.Title))
	}
	return words
}

// apply has a run choose what is asked for.
func (s Asked) apply(ctx context.Context, a *App, p *Project, options *pipeline.Options) error {
	if !s.Any() {
		return nil
	}
	asks, err := s.request(ctx, a, p, options)
	if err != nil {
		return err
	}
	options.Choose = func(declared map[string][]string) (*results.Selection, error) {
		chosen, err := asks.Choose(declared)
		if err != nil {
			// Of names that were not read no hint may say that another one was meant.
			if all, unread := p.Sources(ctx, nil); unread == nil && len(all) > len(options.Sources) {
				err = failure.WithHint(fmt.Errorf("of the extensions in the paths on the command line: %w", err), "leave the paths out, or name that of the extension")
			}
			return nil, err
		}
		return &results.Selection{By: string(asks.Kind), Text: asks.Text, Extensions: chosen}, nil
	}
	return nil
}

// request reads the flags.
func (s Asked) request(ctx context.Context, a *App, p *Project, options *pipeline.Options) (*request.Request, error) {
	if s.Title != "" {
		asks, err := request.FromTitle(s.Title)
		return asks, usageIf(err)
	}
	if s.Tag != autoTag {
		return request.FromTag(s.Tag, p.Config.Tags), nil
	}
	if tag := request.TagOfCI(a.Env); tag != "" {
		return request.FromTag(tag, p.Config.Tags), nil
	}
	all, err := graceful.Read(ctx, &a.Reads, "looking for the tag of the commit", func() ([]string, error) { return tagsOfCommit(ctx, p.GitFolder(ctx, options.Sources)) })
	if err != nil {
		return nil, Usage(err, "")
	}
	return request.FromTags(all, p.Config.Tags), nil
}

// tagsOfCommit are the tags of the commit that is checked out. Where git is not there, or has no
// work tree, its error says what to do.
func tagsOfCommit(ctx context.Context, dir string) (names []string, err error) {
	repository, err := git.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	all, err := repository.Tags(ctx)
	for _, tag := range all {
		if tag.Commit != "" && tag.Commit == repository.Head {
			names = append(names, tag.Name)
		}
	}
	return names, err
}
