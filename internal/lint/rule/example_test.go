package rule_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// title is a whole rule. It would be a function in a file of package texts.
func title() rule.Rule {
	return rule.Rule{
		Name:    "title",
		Summary: "README.md begins with a heading",
		Why:     "The marketplace shows the first heading as the title of the page.",
		Fix:     "Begin it with a line such as # Web.",
		Source:  "an example",
		Codes:   []rule.Code{{Name: "no-heading", Meaning: "README.md does not begin with a heading"}},
		Default: rule.Info,
		Run: func(pass *rule.Pass) {
			if text := pass.File("README.md"); len(text) > 0 && !bytes.HasPrefix(text, []byte("# ")) {
				pass.Report(rule.Found("no-heading"), pass.Severity(), rule.Finding{
					File: "README.md", Range: diagnostic.At(1, 0),
					Message: "the README begins without a heading", Hint: "begin it with # " + pass.Ext.Metadata.Name,
				})
			}
		},
	}
}

func ExampleRule() {
	ext, err := extension.Load("testdata/untitled", extension.Options{Display: "web"})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	pass := &rule.Pass{Ctx: ctx, Ext: ext, Rule: title(), Material: rule.NewMaterial(ctx, ext)}
	pass.Rule.Run(pass)
	for _, f := range pass.Findings {
		fmt.Printf("%s %s:%d: %s (%s)\n", f.Severity, f.File, f.Range.Start.Line, f.Message, f.Code)
	}
	// Output: info README.md:1: the README begins without a heading (title/no-heading)
}
