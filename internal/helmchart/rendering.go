package helmchart

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/helmchart/engine"
	"github.com/ksrelease/ksrelease/internal/helmchart/manifest"
	"github.com/ksrelease/ksrelease/internal/helmchart/workload"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Rendering is an extension's chart as Helm renders it with one set of values.
type Rendering struct {
	// Sources maps the path of every template of the enabled charts.
	Sources map[string]Source
	// Texts are the rendered templates by path.
	Texts map[string]string
	// Broken are the templates that Helm cannot render, in the order in which it
	// meets them. Their part of the rendering is empty.
	Broken []BrokenTemplate
	// IngressNeeded are the templates that render only where an administrator has
	// configured an ingress for extensions. Their part of the rendering is as it is there.
	IngressNeeded []BrokenTemplate
	// Cut is set when there were too many broken templates to go on; Texts is
	// then incomplete.
	Cut bool
	// Workloads are the objects that make pods, by template and place in it.
	Workloads []workload.Workload
	// Invalid are the rendered documents that are not YAML.
	Invalid []InvalidManifest
	// Objects are all objects of the plain rendering, by template and place in it.
	Objects []Object

	// totals counts objects by template and kind: those that make pods, and all of
	// them. It is made when somebody asks, and nil where there may be more since.
	totals *totals
	// lines are those of the texts that somebody looked into.
	lines map[textOf]*renderedLines
	// varied are the other texts of the templates of which Texts has one of several.
	varied map[string][]string
}

// BrokenTemplate is a template that Helm cannot render.
type BrokenTemplate struct {
	Template string
	Err      error
}

// InvalidManifest is a rendered document that is not YAML.
type InvalidManifest struct {
	Template string
	Manifest manifest.Document
	Err      error
}

// Explain says what is wrong with the document, in plain words where yamldoc has them,
// and in which of its lines, from 1; 0 where that is not known.
func (i InvalidManifest) Explain() (line int, cause string) {
	cause = strings.TrimPrefix(i.Err.Error(), "yaml: ")
	m := lineOfCause.FindStringSubmatch(cause)
	if m == nil {
		return 0, cause
	}
	var problems diagnostic.List
	if _, err := yamldoc.Parse("", []byte(i.Manifest.Text)); errors.As(err, &problems) && problems[0].Range.Start.Line > 0 {
		return problems[0].Range.Start.Line, problems[0].Message // often a better place, too
	}
	line, _ = strconv.Atoi(m[1])
	return line, m[2]
}

var lineOfCause = lazyregexp.New(`^line (\d+): (.*)$`)

// brokenTemplates are the paths of the templates that do not render.
func (r *Rendering) brokenTemplates() map[string]bool {
	broken := map[string]bool{}
	for _, b := range r.Broken {
		broken[b.Template] = true
	}
	return broken
}

func newRendering(sources map[string]Source) *Rendering {
	return &Rendering{Sources: maps.Clone(sources), Texts: map[string]string{}}
}

// add adds another rendering of the same extension, on another cluster or of other
// charts. A template that renders to the same in both counts once; where the texts
// differ, what is in the other one is added to what is known.
func (r *Rendering) add(other *Rendering) {
	if r.Sources == nil {
		r.Sources = map[string]Source{}
	}
	maps.Copy(r.Sources, other.Sources)
	fresh, differs := map[string]bool{}, map[string]bool{}
	for template, text := range other.Texts {
		if known, ok := r.Texts[template]; !ok {
			r.Texts[template], fresh[template] = text, true
		} else if known != text {
			differs[template] = true
			if r.varied == nil {
				r.varied = map[string][]string{}
			}
			r.varied[template] = append(r.varied[template], text)
		}
	}
	for template, texts := range other.varied {
		if r.varied == nil {
			r.varied = map[string][]string{}
		}
		r.varied[template] = append(r.varied[template], texts...)
	}
	knownWorkloads := map[workloadKey][]workload.Workload{}
	for _, w := range r.Workloads {
		if differs[w.Template] {
			knownWorkloads[keyOf(w)] = append(knownWorkloads[keyOf(w)], w)
		}
	}
	for _, w := range other.Workloads {
		if fresh[w.Template] || differs[w.Template] && !slices.ContainsFunc(knownWorkloads[keyOf(w)], w.Same) {
			r.Workloads = append(r.Workloads, w)
		}
	}
	knownObjects := map[head]bool{}
	for _, o := range r.Objects {
		if differs[o.Template] {
			knownObjects[o.head()] = true
		}
	}
	for _, o := range other.Objects {
		if fresh[o.Template] || differs[o.Template] && !knownObjects[o.head()] {
			r.Objects = append(r.Objects, o)
		}
	}
	knownInvalid := map[string]bool{}
	for _, invalid := range r.Invalid {
		knownInvalid[invalid.Template] = true
	}
	for _, invalid := range other.Invalid {
		if fresh[invalid.Template] || differs[invalid.Template] && !knownInvalid[invalid.Template] {
			r.Invalid = append(r.Invalid, invalid)
		}
	}
	r.Broken = addBroken(r.Broken, other.Broken)
	r.IngressNeeded = addBroken(r.IngressNeeded, other.IngressNeeded)
	r.totals = nil
	r.Cut = r.Cut || other.Cut
}

// addBroken adds the templates of another rendering, of which there are MaxBroken at most.
func addBroken(known, more []BrokenTemplate) []BrokenTemplate {
	for _, b := range more {
		if !slices.ContainsFunc(known, func(k BrokenTemplate) bool { return k.Template == b.Template }) {
			known = append(known, b)
		}
	}
	return known
}

// makesPods finds the templates that rendered objects which make pods.
func (r *Rendering) makesPods() func(template string) bool {
	makes := map[string]bool{}
	for _, w := range r.Workloads {
		makes[w.Template] = true
	}
	return func(template string) bool { return makes[template] }
}

// read finds the workloads and objects of a rendering, and the documents that are
// not YAML. What another rendering of the same charts has read is not read twice.
func (r *Rendering) read(ctx context.Context, others ...*Rendering) error {
	r.totals = nil
	return r.readTexts(ctx, true, func(template string) (takeOver func()) {
		for _, other := range others {
			if text, ok := other.Texts[template]; ok && text == r.Texts[template] {
				return func() { r.copyOf(template, other) }
			}
		}
		return nil
	})
}

// copyOf takes over what another rendering found in the text of a template.
func (r *Rendering) copyOf(template string, other *Rendering) {
	is := func(of string) bool { return of == template }
	for _, w := range other.Workloads {
		if is(w.Template) {
			r.Workloads = append(r.Workloads, w)
		}
	}
	for _, o := range other.Objects {
		if is(o.Template) {
			r.Objects = append(r.Objects, o)
		}
	}
	for _, invalid := range other.Invalid {
		if is(invalid.Template) {
			r.Invalid = append(r.Invalid, invalid)
		}
	}
}

// readLike finds the workloads of a rendering, given another of the same charts:
// a text that is the same in both is not read twice.
func (r *Rendering) readLike(ctx context.Context, other *Rendering) error {
	r.totals = nil
	known := map[string][]workload.Workload{}
	for _, w := range other.Workloads {
		known[w.Template] = append(known[w.Template], w)
	}
	return r.readTexts(ctx, false, func(template string) (takeOver func()) {
		if text, ok := other.Texts[template]; ok && text == r.Texts[template] && len(other.varied[template]) == 0 {
			return func() { r.Workloads = append(r.Workloads, known[template]...) }
		}
		return nil
	})
}

// readAhead is how much text, in bytes, is parsed, and held in memory, before the first is needed.
const readAhead = 256 << 10

// readTexts reads what the templates rendered, in their order, but for what is taken over from
// another rendering. Texts are parsed side by side, for that is most of the work.
func (r *Rendering) readTexts(ctx context.Context, all bool, known func(template string) (takeOver func())) error {
	templates := slices.DeleteFunc(sortedKeys(r.Texts), func(template string) bool {
		return strings.HasSuffix(template, "NOTES.txt") // as Helm distinguishes notes from manifests
	})
	for len(templates) > 0 {
		count, size := 0, 0
		for ; count < len(templates) && size < readAhead; count++ {
			size += len(r.Texts[templates[count]])
		}
		takeOver, documents := make([]func(), count), make([][]parsedDocument, count)
		for i, template := range templates[:count] {
			takeOver[i] = known(template)
		}
		engine.SideBySide(count, func(i int) {
			defer func() { _ = recover() }() // a panic is for who asked: it comes again below
			if takeOver[i] == nil && ctx.Err() == nil {
				documents[i] = parseText(templates[i], r.Texts[templates[i]], all)
			}
		})
		for i, template := range templates[:count] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if takeOver[i] != nil {
				takeOver[i]()
				continue
			}
			if documents[i] == nil {
				documents[i] = parseText(template, r.Texts[template], all)
			}
			r.readText(template, documents[i], all)
		}
		templates = templates[count:]
	}
	return nil
}

// parsedDocument is one document that a template rendered.
type parsedDocument struct {
	manifest.Document
	// skipped is set where it was not parsed.
	skipped bool
	pods    []workload.Workload
	node    *yaml.Node
	err     error
}

// parseText parses what one template rendered. all asks for what holds no pods, too, but for API
// definitions, being the largest documents by far and text that nobody templates.
func parseText(template, text string, all bool) []parsedDocument {
	split := manifest.Split(text)
	documents := make([]parsedDocument, len(split))
	for i, m := range split {
		d := &documents[i]
		d.Document, d.skipped = m, !m.MayHoldPods() && (!all || m.DefinesAPI())
		if !d.skipped {
			d.pods, d.node, d.err = podsOf(template, m)
		}
	}
	return documents
}

// readText reads what one template rendered. all asks for the objects too, and
// for what is wrong in documents without pods.
func (r *Rendering) readText(template string, documents []parsedDocument, all bool) {
	kinds, objects := map[string]int{}, map[string]int{}
	random := sync.OnceValue(r.Sources[template].MakesUpNames)
	for _, d := range documents {
		if d.skipped {
			if all {
				o := apiDefinition(template, d.Document, nil)
				o.Ordinal = objects[o.Kind]
				objects[o.Kind]++
				r.Objects = append(r.Objects, o)
			}
			continue
		}
		if d.err != nil {
			r.Invalid = append(r.Invalid, InvalidManifest{Template: template, Manifest: d.Document, Err: d.err})
			continue
		}
		if all {
			if o, ok := objectOf(template, d.Document, d.node); ok {
				o.Ordinal = objects[o.Kind]
				objects[o.Kind]++
				r.Objects = append(r.Objects, o)
			}
		}
		for _, w := range d.pods {
			w.Begin, w.End = d.Line, d.Line+strings.Count(d.Text, "\n")
			w.Ordinal = kinds[w.Kind]
			kinds[w.Kind]++
			if random() {
				w.Name = WithoutSuffix(w.Name)
			}
			r.Workloads = append(r.Workloads, w)
		}
	}
}

// podsOf parses a document and finds its workloads.
func podsOf(template string, m manifest.Document) ([]workload.Workload, *yaml.Node, error) {
	node, err := m.Parse()
	if err != nil || !m.MayHoldPods() {
		return nil, node, err
	}
	document, err := manifest.Decode(node)
	if err != nil {
		return nil, node, err
	}
	return workload.Find(template, document), node, nil
}

// WithoutSuffix puts a "*" for the part of a name that is another one each time,
// so that a finding reads the same twice.
func WithoutSuffix(name string) string {
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		return name[:i+1] + "*"
	}
	return "*"
}

// workloadKey is what two workloads that are the same have in common.
type workloadKey struct {
	Template, Kind, Name string
	Ordinal              int
}

func keyOf(w workload.Workload) workloadKey {
	return workloadKey{w.Template, w.Kind, w.Name, w.Ordinal}
}

// kindIn is one kind of objects of one template.
type kindIn struct{ Template, Kind string }

type totals struct{ workloads, objects map[kindIn]int }

// count counts what there is, once.
func (r *Rendering) count() *totals {
	if r.totals == nil {
		r.totals = &totals{map[kindIn]int{}, map[kindIn]int{}}
		for _, w := range r.Workloads {
			at := kindIn{w.Template, w.Kind}
			r.totals.workloads[at] = max(r.totals.workloads[at], w.Ordinal+1)
		}
		for _, o := range r.Objects {
			at := kindIn{o.Template, o.Kind}
			r.totals.objects[at] = max(r.totals.objects[at], o.Ordinal+1)
		}
	}
	return r.totals
}

// total counts the workloads of one kind that one template rendered.
func (r *Rendering) total(w workload.Workload) int {
	return r.count().workloads[kindIn{w.Template, w.Kind}]
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// DefinedInBroken reports whether a definition that a template lacks is in a template which
// itself is broken. The empty name is in none.
func (r *Rendering) DefinedInBroken(name string) bool {
	if name == "" {
		return false
	}
	definition := regexp.MustCompile(`\{\{-?\s*define\s+["` + "`" + `]` + regexp.QuoteMeta(name) + `["` + "`" + `]`)
	for _, broken := range r.Broken {
		if definition.MatchString(r.Sources[broken.Template].Text) {
			return true
		}
	}
	return false
}

// Place is the source of a workload and, where it is known, the line at which
// the object begins to say what it is.
func (r *Rendering) Place(w workload.Workload) (Source, int) {
	at := r.Sources[w.Template]
	return at, at.lineOf("kind", w.Kind, w.Ordinal, r.total(w))
}

// EachContainer visits the containers of all workloads, in their order.
func (r *Rendering) EachContainer(visit func(workload.Workload, workload.Container)) {
	for _, w := range r.Workloads {
		for _, p := range w.Pods {
			for _, c := range p.Containers {
				visit(w, c)
			}
		}
	}
}

// ImagePlace is the line of a template that writes the image of a container; else the
// place of its workload.
func (r *Rendering) ImagePlace(w workload.Workload, c workload.Container) (Source, int) {
	at, line := r.Place(w)
	if exact := at.lineOf("image", c.Image, 0, 1); exact > 0 {
		return at, exact
	}
	if at.Inside != "" || c.Image == "" {
		return at, line
	}
	for n := range 1 + len(r.varied[w.Template]) {
		text := r.variedLines(w.Template, n)
		if i := text.imageOf(w, c); i >= 0 {
			if written := at.writer(text, i); written >= 0 {
				line = written + 1
			}
			break
		}
	}
	return at, line
}

// imageOf is the line, from 0, with the image of a container; -1 where there is none.
func (l *renderedLines) imageOf(w workload.Workload, c workload.Container) int {
	found := -1
	for i := max(w.Begin, 1) - 1; i < min(w.End, len(l.all)); i++ {
		if written := l.all[i]; !strings.Contains(written, c.Image) || !strings.Contains(written, "image") && !strings.Contains(written, "reference") {
			continue
		}
		if l.hasName(i, c.Name, w) {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	return found
}

// hasName reports whether the item of a list to which a line of a workload belongs has a
// name.
func (l *renderedLines) hasName(i int, name string, w workload.Workload) bool {
	indent := func(line string) int { return len(line) - len(strings.TrimLeft(line, " -")) }
	isName := func(line string) bool {
		_, value, ok := strings.Cut(line, "name:")
		return ok && keyOfLine(strings.TrimSpace(line)) == "name" && strings.Trim(strings.TrimSpace(value), `"'`) == name
	}
	own := indent(l.all[i])
	for j := i; j >= max(w.Begin-1, 0) && indent(l.all[j]) >= own; j-- {
		if indent(l.all[j]) > own {
			continue
		}
		if isName(l.all[j]) {
			return true
		}
		if strings.Contains(l.all[j][:own], "-") {
			break
		}
	}
	for j := i + 1; j < min(w.End, len(l.all)) && indent(l.all[j]) >= own; j++ {
		if indent(l.all[j]) > own {
			continue
		}
		if strings.Contains(l.all[j][:own], "-") {
			break
		}
		if isName(l.all[j]) {
			return true
		}
	}
	return false
}
