package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
)

// rulesPage is docs/rules.md, or docs/rules.zh.md: how findings are made to matter or kept silent,
// what ksbuilder says of the same extensions, and each rule.
func rulesPage(in language.Language) []byte {
	words := rulesInEnglish
	if in == language.Chinese {
		words = rulesInChinese
	}
	var b bytes.Buffer
	b.WriteString(words.introduction)
	code := func(rule, name, meaning string) {
		fmt.Fprintf(&b, "| %s | %s |\n", anchored(rule+"/"+name), markdown(in.Word(meaning)))
	}
	b.WriteString(words.codes)
	for _, r := range results.OtherRules() {
		for _, c := range r.Codes {
			code(r.Name, c.Name, c.Meaning)
		}
	}
	b.WriteString(words.use)
	b.WriteString(words.rules)
	for _, r := range lint.Rules() {
		fmt.Fprintf(&b, "| [`%s`](#%[1]s) | `%s` | %s |\n", r.Name, r.Default, markdown(in.Word(r.Summary)))
	}
	b.WriteString(words.parity)
	for _, r := range lint.Rules() {
		fmt.Fprintf(&b, "\n### %s\n\n", r.Name)
		fmt.Fprintf(&b, words.rule, markdown(in.Word(r.Summary)), r.Default, prose(in.Prose(r.Why)), prose(in.Prose(r.Fix)), prose(in.Prose(r.Source)))
		b.WriteString(words.codes)
		for _, c := range r.Codes {
			code(r.Name, c.Name, c.Meaning)
		}
	}
	return b.Bytes()
}

// ruleWords are the words of a page on rules in one language.
type ruleWords struct {
	introduction, use, parity string
	codes, rules              string // heads of tables
	rule                      string // format of a rule: summary, severity, why, fix, source
}

var rulesInEnglish = ruleWords{
	introduction: rulesIntroduction, use: rulesUse, parity: rulesParity + "\n## The rules\n",
	codes: "| code | meaning |\n| --- | --- |\n",
	rules: "| rule | default | what it asks for |\n| --- | --- | --- |\n",
	rule:  "*%s* (by default: `%s`)\n\n**Why.** %s\n\n**How to fix it.** %s\n\n**Source.** %s\n\n**What it finds.**\n\n",
}

// anchored is a code with an address of its own: #images-unlisted for images/unlisted.
func anchored(code string) string {
	return fmt.Sprintf("<a id=\"%s\"></a>`%s`", strings.ReplaceAll(code, "/", "-"), code)
}

// prose is text of a rule as Markdown.
func prose(text string) string {
	var paragraphs []string
	for _, p := range lint.Paragraphs(text) {
		if p.Code {
			paragraphs = append(paragraphs, "```yaml\n"+p.Text+"\n```")
			continue
		}
		paragraphs = append(paragraphs, markdown(p.Text))
	}
	return strings.Join(paragraphs, "\n\n")
}

// inCode finds what stands in backquotes, which Markdown leaves alone.
var inCode = regexp.MustCompile("`[^`]*`|[^`]+")

// markdown keeps text from being taken for markup.
func markdown(text string) string {
	return inCode.ReplaceAllStringFunc(text, func(part string) string {
		if strings.HasPrefix(part, "`") {
			return part
		}
		return strings.NewReplacer("*", `\*`, "<", `\<`).Replace(part)
	})
}

const rulesIntroduction = `<!-- Made by "go generate ./schema" from the rules of internal/lint; change it there, or in schema/generate/rules.go. -->
# Rules

[中文](rules.zh.md)

` + "`ksrelease lint`" + ` holds extensions to these rules, and ` + "`ksrelease run`" + ` does with what
is going to be released: what exists with the same content is not looked at again.
` + "`ksrelease lint --explain RULE`" + ` prints what this page says of a rule.

## Codes

Each finding has a code, ` + "`RULE/WHAT`" + `, such as ` + "`images/unlisted`" + `. Messages may be worded
in another way in the next version; codes stay. They stand in the text of ` + "`lint` and `check`" + `,
in the result document (` + "`findings[].code`" + `), in SARIF (` + "`properties.code`" + `; there the ` + "`ruleId`" + ` is
the rule) and in the baseline, and comments may name them. Below, each rule lists its codes.
Besides them each rule has ` + "`internal-error`" + `, a fault of ksrelease. What no rule of lint
finds has codes, too: mistakes in the config and the baseline have
[those of ` + "`configuration`" + `](configuration.md#codes), all else these:

`

const rulesUse = `
## How much a finding matters

Each rule has a severity: ` + "`off`" + ` does not run it, ` + "`info` and `warning`" + ` report, and
` + "`error`" + ` keeps the extension from being released. The config sets it for all extensions
or for some, rule by rule (see [lint.rules](configuration.md#lintrules)):

` + "```yaml" + `
version: 1
extensions:
  - path: extensions/*
  - path: extensions/vector
    lint:
      rules:
        images: error
lint:
  rules:
    node-selector: "off"
` + "```" + `

` + "`ksrelease lint --strict`" + ` lets no extension pass that has warnings.

## Many findings

More than 20 findings are grouped by their code, the worst first: errors before warnings, secrets
before all else, and then by how many there are. Of each code up to three errors are shown, or one
warning, and a line says how many more there are, and in which extensions:

` + "```" + `
  … and 28 more of node-selector/not-obeyed: devops 15, cert-manager 5, opensearch 4, vector 2, metrics-server, oceanbase-dashboard
` + "```" + `

` + "```sh" + `
ksrelease lint --all         # each finding, in the order of the extensions
ksrelease lint --quiet       # errors alone, and nothing where all is well
` + "```" + `

Reports and ` + "`--output json`" + ` have each finding.

## Silence a finding

A comment at the end of the line of a finding, or directly above that line, silences
the findings of a rule there. It says why:

` + "```yaml" + `
images:
  - docker.io/example/wrapper:1.0.0 # ksrelease:ignore images the operator starts it
` + "```" + `

- Several rules are divided by commas: ` + "`# ksrelease:ignore images, image-registry the reason`" + `.
- A code in place of a rule silences only findings of that code:
  ` + "`# ksrelease:ignore images/unused the reason`" + `.
- In templates it may be a comment of the template, too, which is not rendered:
  ` + "`{{/* ksrelease:ignore images the reason */}}`" + `.
- In the comment that begins a file, before anything else, it silences the findings of
  that file that have no line as well. In the one that begins extension.yaml it also
  silences those in files that can hold no such comment: pictures, packaged subcharts,
  README.md.
- A comment without a reason silences nothing. That, a rule that there is not, and a
  comment that silences nothing are reported by the rule [` + "`ignore`" + `](#ignore).
- Silenced findings are in no report; ` + "`ksrelease lint`" + ` says how many there are.
- A comment is a part of the extension: to add one to a version that is released is
  drift, as any change is. The baseline below changes no extension.

## Start with an old repository

` + "`ksrelease lint --write-baseline`" + ` takes all findings of today for known and writes them
to ` + "`.ksrelease.baseline.yaml`" + ` next to the config, to be committed. From then on
` + "`lint`, `run`, `package`, `status` and `check`" + ` read it: findings in it are not reported and fail
nothing, whatever their severity; ` + "`lint`" + ` counts them (` + "`12 in the baseline`" + `), and so does
the result document. New ones are reported.

- A finding is known by extension, code, file and subject: the name of the image, the
  object or the field that it is about. There are no lines in it, so that code may move,
  and no messages, so that a new version of ksrelease may have others. One that is there
  twice has a count, and a third one is new.
- Before codes there was version 1 of the file, which had messages. It is read, and its
  findings stay known; ` + "`lint --write-baseline`" + ` writes them anew with their codes.
- When findings were fixed, ` + "`lint`" + ` says how many are no longer there. Writing the
  baseline again drops them; with paths or ` + "`--only`" + ` it writes those extensions anew and
  keeps what it has of the others. Where nothing is left the file is removed.
- An extension that cannot be read hides its findings: then nothing is written.
- A mistake in the file is reported as one in the config is: with its place, exit code 2.

## Rules at a glance

`

const rulesParity = `
## Compared to ksbuilder lint

` + "`ksbuilder lint`" + ` v0.4.5 was run on six real extensions, and a test holds ksrelease to
its output: every problem that it reports of the name, of ` + "`images`, of `global.imageRegistry`" + `
and of ` + "`global.nodeSelector`" + ` is reported here too. There is nothing that it reports and
ksrelease does not.

Where its own test is wrong, ksrelease does not follow:

| ksbuilder v0.4.5 | ksrelease |
| --- | --- |
| looks for an image as a part of the rendered text, so that ` + "`nginx:1.1`" + ` is found in ` + "`nginx:1.10`" + ` | compares parsed references |
| reports images that are listed and not in use, not those that are in use and not listed | reports both |
| knows a workload by its kind alone, and dies on a Job of another API group, on a container without an image, on an object with ` + "`generateName`" + ` | knows the API group, and reports what it cannot read |
| prints ERROR and exits with 0 | an error is an error: exit code 1 |
| reports what only ` + "`helm test`" + ` makes, DaemonSets without the node selector, and images that wait to be switched on, like all else | does not report the first two; images that wait are reported for information |
| renders with the release name ` + "`undefined`" + ` | renders with the name and namespace that KubeSphere installs under |
`
