// Package completing answers what completion scripts ask of the program.
package completing

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// Answer answers what a completion script asks, if words are such a question. Whatever goes wrong, there
// is nothing to offer: nobody wants to read an error while he types.
func Answer(a *app.App, words []string, grammar func() *kong.Application, values func(*kong.Application) map[string][]string) bool {
	if len(words) == 0 {
		return false
	}
	switch words[0] {
	case commandline.AskNames:
		for _, name := range names(a, words[1:]) {
			a.Stdout.Print("%s", name)
		}
	case commandline.AskComplete:
		line := make([]string, 0, len(words))
		for _, word := range words[1:] {
			line = append(line, strings.TrimPrefix(word, "=")) // the sign that keeps an empty word from being lost
		}
		model := grammar()
		for _, c := range commandline.Complete(model, values(model), func() []string { return names(a, line) }, line) {
			a.Stdout.Print("%s", output.Join([]output.Text{output.Cell(c.Word), output.Cell(c.Help)}, "\t"))
		}
	default:
		return false
	}
	return true
}

// most is how long somebody waits who types.
const most = 2 * time.Second

// plain is a name as KubeSphere takes it: nothing else is offered to a shell.
var plain = lazyregexp.New(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

// names are those of the extensions of the project that a command line is about, sorted.
func names(a *app.App, words []string) []string {
	ctx, cancel := context.WithTimeout(a.Stop, most)
	defer cancel()
	dir, config := commandline.Project(words)
	p, err := app.Place{Dir: dir, Config: config}.Open(ctx, a)
	if err != nil {
		return nil
	}
	sources, err := p.Sources(ctx, nil)
	if err != nil {
		return nil
	}
	var all []string
	for _, source := range sources {
		text, err := regularfile.Read(filepath.Join(source.Path, "extension.yaml"), 1<<20)
		if err != nil || ctx.Err() != nil {
			continue
		}
		if metadata, err := extension.ReadMetadata(text); err == nil && plain.MatchString(metadata.Name) {
			all = append(all, metadata.Name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
