// Package release is what a run does with the images of what it releases: it asks their registries for
// them, and copies them to mirrors before the extension is sent.
package release

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/images/mirror"
	"github.com/ksrelease/ksrelease/internal/images/presence"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Images asks for images and copies them, each once for all extensions of a run. It is safe for
// concurrent use.
type Images struct {
	Asker  *presence.Asker
	Mirror *mirror.Mirror
}

// Examine holds an extension to rules.
type Examine = func(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error)

// Find finds the images of an extension, those of extension.yaml also with an error.
type Find = func(ctx context.Context, ext *extension.Extension, limits lint.Limits) (*images.Needed, error)

// Own are the images of one extension that is to be released.
type Own struct {
	*Images
	needed   *images.Needed
	settings config.Images
	looked   []mirror.Result
}

// Of finds the images of an extension, if its settings ask for anything of them; else it is nil. note
// gets what cannot be found out.
func (i *Images) Of(ctx context.Context, ext *extension.Extension, s config.Settings, find Find, note func(string)) (*Own, error) {
	own := &Own{Images: i, settings: s.Images}
	if !own.asks() && len(s.Images.Mirror) == 0 {
		return nil, nil
	}
	var err error
	own.needed, err = find(ctx, ext, lint.Limits{Time: s.Lint.Timeout, Memory: s.Lint.Memory})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // the rules say so
		note("which images its chart needs is not known: " + err.Error())
	}
	return own, nil
}

func (o *Own) asks() bool {
	return o.settings.Exist != "" && lint.Severity(o.settings.Exist) != lint.Off
}

// Exist holds an extension to the rule image-exists alone, for which registries are asked.
func (o *Own) Exist(examine Examine) Examine {
	return func(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
		if !o.asks() {
			return lint.Report{}, nil
		}
		faults, err := o.faults(ctx)
		if err != nil {
			return lint.Report{}, err
		}
		opts.Severities, opts.Registries = lint.Only(lint.RuleImageExists, opts.Severities), &lint.Registries{Faults: faults}
		return examine(ctx, ext, opts, limits)
	}
}

// words are the states of images as the rule image-exists names them.
var words = map[presence.State]string{
	presence.Missing: lint.ImageMissing, presence.NotFor: lint.ImageNotFor, presence.Unknown: lint.ImageNotKnown,
}

// faults are the images that are not in their registries as they should be. The error is that of ctx.
func (o *Own) faults(ctx context.Context) ([]lint.ImageFault, error) {
	questions := make([]presence.Question, len(o.needed.Uses))
	for n, use := range o.needed.Uses {
		questions[n] = presence.Question{Ref: use.Ref, Platforms: o.settings.Platforms}
	}
	answers, err := o.Asker.All(ctx, questions, nil)
	if err != nil {
		return nil, err
	}
	var found []lint.ImageFault
	for n, answer := range answers {
		if answer.State == presence.There {
			continue
		}
		use := o.needed.Uses[n]
		at := use.Places[0]
		fault := lint.ImageFault{
			Image: use.Ref.String(), Fault: words[answer.State], By: at.By, Lacks: answer.Lacks, Has: answer.Platforms,
			File: at.File, Inside: at.Inside, Line: at.Line, Excerpt: at.Excerpt,
		}
		if answer.Err != nil {
			fault.Why, fault.Hint = answer.Err.Error(), failure.Hint(answer.Err)
		}
		found = append(found, fault)
	}
	return found, nil
}

// Plan looks at what the mirrors of the settings lack of the images, and says what would be copied; nil
// where there are no mirrors. The message says it in words, and is empty where that is nothing. An image
// that a mirror lacks, and that is not to be had where it comes from, is an error.
func (o *Own) Plan(ctx context.Context) (planned *results.Images, message string, err error) {
	if len(o.settings.Mirror) == 0 {
		return nil, "", nil
	}
	tasks, mirrors, err := o.tasks()
	if err != nil {
		return nil, "", err
	}
	o.looked = each(tasks, func(t mirror.Task) mirror.Result { return o.Mirror.Look(ctx, t) })
	planned = count(o.looked, true)
	if n := planned.Copied + planned.Replaced; n > 0 {
		message = fmt.Sprintf("%d of %d images are not in %s: %s at most to copy", n, planned.Total, strings.Join(mirrors, ", "), humanize.IBytes(uint64(planned.Bytes)))
	}
	return planned, message, firstOf(ctx, o.looked)
}

// DestinationOf is a mirror of the config. Its platforms are those of images where it has none.
func DestinationOf(m config.Mirror, platforms []string) mirror.Destination {
	if len(m.Platforms) > 0 {
		platforms = m.Platforms
	}
	return mirror.Destination{To: m.To, Rename: m.Rename, Platforms: platforms}
}

// tasks are what there is to copy, and the mirrors.
func (o *Own) tasks() (tasks []mirror.Task, mirrors []string, err error) {
	refs := make([]imageref.Ref, len(o.needed.Uses))
	for n, use := range o.needed.Uses {
		refs[n] = use.Ref
	}
	for _, m := range o.settings.Mirror {
		some, err := DestinationOf(m, o.settings.Platforms).Tasks(refs)
		if err != nil {
			return nil, nil, err
		}
		tasks, mirrors = append(tasks, some...), append(mirrors, m.To)
	}
	return tasks, mirrors, mirror.Collisions(tasks)
}

// Copy copies what Plan has found missing, and says how much that was; nil where there are no mirrors.
func (o *Own) Copy(ctx context.Context) (*results.Images, error) {
	if len(o.settings.Mirror) == 0 {
		return nil, nil
	}
	tasks := make([]mirror.Task, len(o.looked))
	for n, r := range o.looked {
		tasks[n] = r.Task
	}
	copied := each(tasks, func(t mirror.Task) mirror.Result { return o.Mirror.Copy(ctx, t, nil) })
	return count(copied, false), firstOf(ctx, copied)
}

func each(tasks []mirror.Task, do func(mirror.Task) mirror.Result) []mirror.Result {
	all := make([]mirror.Result, len(tasks))
	var wait sync.WaitGroup
	for n, t := range tasks {
		wait.Go(func() { all[n] = do(t) })
	}
	wait.Wait()
	return all
}

func count(all []mirror.Result, planned bool) *results.Images {
	images := &results.Images{Total: len(all)}
	for _, r := range all {
		switch r.State {
		case mirror.There:
			images.There++
		case mirror.Copied:
			images.Copied++
		case mirror.Replaced:
			images.Replaced++
		}
		if planned && r.IsToCopy() {
			images.Bytes += r.Size
		}
		images.Bytes += r.Sent
	}
	return images
}

// refused is the error of images that cannot be mirrored. It is none of the key of the marketplace,
// whatever a registry refused.
type refused struct{ message, hint string }

func (e *refused) Error() string { return e.message }
func (e *refused) Hint() string  { return e.hint }

// firstOf is the first error of some results, with the number of the others; that of ctx where it has
// ended.
func firstOf(ctx context.Context, all []mirror.Result) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var first *refused
	more := 0
	for _, r := range all {
		switch {
		case r.State != mirror.Failed:
		case first == nil:
			first = &refused{fmt.Sprintf("the image %s cannot be mirrored: %s", r.From, r.Err), failure.Hint(r.Err)}
		default:
			more++
		}
	}
	if first == nil {
		return nil
	}
	if more > 0 {
		first.message += fmt.Sprintf(", and %d more", more)
	}
	if first.hint == "" {
		first.hint = "ksrelease images mirror --dry-run says what is missing where"
	}
	return first
}
