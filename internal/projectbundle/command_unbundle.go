package projectbundle

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/bundle/deliver"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/progress"
)

// UnbundleCommand is the command unbundle.
type UnbundleCommand struct {
	app.Place
	app.Deadline
	app.CacheFlag
	Files     []string `arg:"" name:"file" help:"Bundles: a base before what goes on from it; - is standard input."`
	To        []string `placeholder:"TARGET" help:"Where packages go: a target of the config, oci://HOST/PATH, https://HOST of a ChartMuseum, or a folder. May be repeated."`
	Images    string   `placeholder:"PREFIX" help:"Where images go: HOST[:PORT][/PATH]."`
	Rename    string   `placeholder:"FORM" help:"What an image is called below PREFIX: {host}, {path} and {name} of it; default: {path}."`
	CAFile    string   `name:"ca-file" placeholder:"FILE" help:"Certificates of the authority of the registry of images."`
	PlainHTTP bool     `name:"plain-http" help:"The registry of images has no TLS."`
	Output    string   `enum:"text,json" default:"text" help:"text or json."`
}

// Run delivers bundles.
func (c *UnbundleCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	if len(c.To) == 0 && c.Images == "" {
		return app.Usage(errors.New("nothing says where the bundle goes"), "name a place for packages with --to TARGET, one for images with --images HOST/PATH, or both")
	}
	if c.Rename != "" {
		if err := config.CheckRename(c.Rename); err != nil {
			return app.Usage(fmt.Errorf("--rename: %w", err), "")
		}
	}
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	p.RunCommands() // a target that is one is delivered to
	a.WarnOnStderr()
	host, _, _ := strings.Cut(c.Images, "/")
	meter := progress.New(a.Stderr)
	result, err := Deliver(ctx, a, p, Delivery{
		Files: c.Files, To: c.To, Images: c.Images, Rename: c.Rename,
		Host: app.RegistryHost{Host: host, CAFile: c.CAFile, PlainHTTP: c.PlainHTTP}, Meter: meter,
		Note: func(message string) {
			a.Stderr.Print("%s", output.Fold("", "  ", a.Redact.Text(message), a.Stderr.Columns()))
		},
	})
	meter.Close()
	if err != nil {
		return err
	}
	for i := range result.Outcomes {
		o := &result.Outcomes[i]
		o.To, o.Error, o.Hint = a.Redact.Text(o.To), a.Redact.Text(o.Error), a.Redact.Text(o.Hint)
	}
	if c.Output == "json" {
		a.Stdout.JSON(result, "  ")
	} else {
		c.show(a, result)
	}
	switch {
	case result.Good():
		return nil
	case result.Unauthorized():
		return &app.OutcomeError{Code: app.ExitAuth}
	}
	return &app.OutcomeError{Code: app.ExitNotReleased}
}

func (c *UnbundleCommand) show(a *app.App, result *deliver.Result) {
	table := output.NewTable("kind", "name", "to", "outcome")
	for _, o := range result.Outcomes {
		table.Row(output.Noun(o.Kind), output.Name(o.Name), output.Name(o.To), output.Word(o.Outcome))
	}
	a.Stdout.Print("%s", table.Render(a.Stdout.Columns()))
	for _, o := range result.Outcomes {
		if o.Error == "" {
			continue
		}
		a.Stderr.Print("%s", output.Fold("", "  ", o.Name+" in "+o.To+": "+o.Error, a.Stderr.Columns()))
		if o.Hint != "" {
			a.Stderr.Print("%s", output.Hint("  ", o.Hint, a.Stderr.Columns()))
		}
	}
	counts := map[string]int{}
	for _, o := range result.Outcomes {
		counts[o.Outcome]++
	}
	var words []string
	for _, outcome := range []string{deliver.Released, deliver.Exists, deliver.Skipped, deliver.Drift, deliver.Failed} {
		if counts[outcome] > 0 {
			words = append(words, language.Sprintf("%d %s", counts[outcome], language.Word(outcome)))
		}
	}
	a.Stdout.Print("%s", output.Name(language.Join(words)))
}
