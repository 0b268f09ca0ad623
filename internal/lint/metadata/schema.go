package metadata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Schema is the rule schema.
func Schema() rule.Rule {
	return rule.Rule{
		Name:    "schema",
		Summary: "extension.yaml has the fields KubeSphere needs, of the type it needs, and no others",
		Why: "KubeSphere decodes extension.yaml after downloading the package. Where that fails, the version never " +
			"appears and nobody is notified. A misspelt field is ignored without a word, at the top as well as below " +
			"`provider`, `maintainers`, `dependencies` and `externalDependencies`; since some are notes of their authors, those are reported as warnings.\n\n" +
			"Of a key that stands there twice KubeSphere takes the last, and of several documents the first: that is a warning. " +
			"It reads no further than to a line that begins with ---. Where nothing but a comment or blank lines stands before it, such as a " +
			"licence, it finds no field; that is an error. (As the very first line, --- is fine.)\n\n" +
			"`created`, `repository`, `digest`, `chartURL` and `chartDataRef`, in any case, are fields that KubeSphere fills from the repository. It decodes them in extension.yaml all the " +
			"same: a value of another type, such as `created: 2026-01-01`, which is no time, makes it drop the version, and a `chartDataRef` has it look for the chart elsewhere.\n\n" +
			"An extension.yaml that is no YAML is reported before all rules, and is always an error.",
		Fix: "Correct the field at the place that the finding names.",
		Source: "The extension development guide of KubeSphere on extension.yaml; the repository controller of KubeSphere 4, which drops a version whose extension.yaml it cannot decode: " +
			"https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/util.go (`fetchExtensionVersionSpec`), and `ExtensionVersionSpec` of " +
			"https://github.com/kubesphere/kubesphere/blob/v4.1.3/staging/src/kubesphere.io/api/core/v1alpha1/types.go.",
		Codes: []rule.Code{
			{Name: "unreadable", Meaning: "extension.yaml or the package cannot be read at all; no comment and no baseline silences that"},
			{Name: "missing-key", Meaning: "KubeSphere needs a field that is not there"},
			{Name: "invalid-value", Meaning: "a field has a value that KubeSphere does not take, or names a file that is not there"},
			{Name: "unknown-key", Meaning: "a field that KubeSphere does not read"},
			{Name: "platform-key", Meaning: "a field that KubeSphere fills itself"},
			{Name: "key-twice", Meaning: "a key is given twice, and the last counts"},
			{Name: "second-document", Meaning: "what stands behind a line --- or ... is not read"},
			{Name: "undecodable", Meaning: "KubeSphere finds no fields in the file, or cannot decode it"},
		},
		Default:  rule.Error,
		LeavesTo: []string{"version", "installation-mode", "icon"},
		Run:      checkSchema,
	}
}

func checkSchema(pass *rule.Pass) {
	unknown := unknownKeys(pass.Ext.Document.Value(), metadataSchema())
	mistyped := map[[2]int]bool{}
	invalid := pass.Ext.Document.Validate(extension.Schema())
	for _, p := range invalid {
		mistyped[[2]int{p.Range.Start.Line, p.Range.Start.Column}] = true
		if !reportedElsewhere(pass, p) && !isMisspelt(pass, p, unknown) {
			pass.Problem(rule.Found(p.What(), steadyPath(pass, strings.Split(p.Subject, "/"))), p)
		}
	}
	dropped := map[string]bool{}
	for _, key := range unknown {
		if field, ok := platformKey(key.Pointer[0]); ok && len(key.Pointer) == 1 {
			dropped[reportPlatformKey(pass, key.Pointer[0], field)] = true
			continue
		}
		reportUnknownKey(pass, key)
	}
	for _, p := range pass.Ext.AssetProblems {
		if pass.AssetAt(p).Field() == "" && !mistyped[[2]int{p.Range.Start.Line, p.Range.Start.Column}] {
			pass.Problem(rule.Found("invalid-value"), p)
		}
	}
	doubledKeys(pass)
	asTheControllerReads(pass, invalid, dropped)
}

// doubledKeys reports the keys that stand in a mapping more than once: KubeSphere and Helm
// take the last, whatever their authors meant.
func doubledKeys(pass *rule.Pass) {
	for _, r := range pass.Ext.Document.Repeated() {
		p := r.Last
		p.Message = fmt.Sprintf("key %q is given twice: KubeSphere takes the value here, the last one, and not that on line %d", excerpt.OneLine(r.Name), r.Earlier)
		p.Hint = "keep one of them"
		pass.ProblemAs(rule.Found("key-twice", r.Name), pass.ByDefault(rule.Warning), p)
	}
}

// asTheControllerReads reports what keeps KubeSphere's controller from decoding
// extension.yaml, where no other finding says so: it reads what stands before a line ---
// and no more, and drops a version without a word.
//
// dropped are the fields of KubeSphere's own of which that is reported.
func asTheControllerReads(pass *rule.Pass, invalid diagnostic.List, dropped map[string]bool) {
	source := pass.Ext.Document.Source()
	cut, empty := kubesphere.CutShort(source)
	endsAt := endOfDocument(source, cut)
	read, err := kubesphere.DecodeExtension(withoutIcon(source, pass.Ext.Metadata.Icon))
	value, _ := pass.Ext.Document.Value().(map[string]any)
	switch {
	case err != nil && strings.Contains(err.Error(), "document separator"):
		pass.Problem(rule.Found("undecodable"), atLine(pass, cut, "KubeSphere does not read this line, which begins with ---, and so drops the version silently", "let nothing stand behind the ---, or take out the line"))
	case err != nil && dropped[fieldOf(err)]:
	case err != nil:
		undecodable(pass, err.Error(), invalid)
	case cut > 0 && empty && len(value) > 0:
		pass.Problem(rule.Found("undecodable"), atLine(pass, cut, "KubeSphere reads only what stands before this line, and no field does, so it drops the version silently", "take out this line, or make it the first of the file"))
	case endsAt > 0 && hasContent(source, endsAt):
		pass.ProblemAs(rule.Found("second-document"), pass.ByDefault(rule.Warning), atLine(pass, endsAt, "the document ends here: KubeSphere does not read what follows", "take out this line, or what follows it"))
	case cut > 0 && hasContent(source, cut):
		pass.ProblemAs(rule.Found("second-document"), pass.ByDefault(rule.Warning), atLine(pass, cut, "a second document starts here: KubeSphere reads only the first", "take out this line and what follows, or move it to a file of its own"))
	case cut == 0 && len(value) > 0 && len(read.Missing()) == 3 && pass.HasField("name"):
		pass.Problem(rule.Found("undecodable"), pass.Ext.Document.Problem("KubeSphere finds no field in this file, so it drops the version silently", "begin it with the fields, without a line --- before them"))
	}
}

// withoutIcon is extension.yaml with a short icon in place of one that is embedded: a YAML
// library takes milliseconds over a line of that length, and to none of them it is more
// than a text.
func withoutIcon(source []byte, icon string) []byte {
	if len(icon) < 4096 || !strings.HasPrefix(icon, "data:image/") || strings.ContainsAny(icon, " \t\r\n'\"\\&*#") {
		return source
	}
	return bytes.Replace(source, []byte(icon), []byte("data:image/png;base64,AA"), 1)
}

// undecodable reports why the controller cannot decode extension.yaml, at the field that
// its error begins with, unless that is reported already.
func undecodable(pass *rule.Pass, cause string, invalid diagnostic.List) {
	pointer := strings.Split(causeField(cause), ".")
	if !pass.HasField(pointer[0]) {
		if len(invalid) == 0 {
			pass.Problem(rule.Found("undecodable"), pass.Ext.Document.Problem("KubeSphere cannot decode this file, and drops the version silently: "+excerpt.OneLine(cause), "correct it as the development guide of KubeSphere has it"))
		}
		return
	}
	line, _ := pass.Ext.Document.KeyPlace(pointer[0])
	last := lastLine(pass, pointer[0], line)
	for _, p := range invalid {
		if p.Range.Start.Line >= line && p.Range.Start.Line <= last {
			return
		}
	}
	pass.Problem(rule.Found("undecodable", pointer[0]), pass.Ext.Document.Problem(excerpt.OneLine(cause)+": KubeSphere cannot decode it, and drops the version silently", "correct it, or take it out", pointer[0]))
}

// causeField is the field that an error of the decoder begins with.
func causeField(cause string) string {
	field, _, _ := strings.Cut(cause, " is ")
	field, _, _ = strings.Cut(field, " has to be ")
	return field
}

// fieldOf is the top-level one of causeField.
func fieldOf(err error) string {
	field, _, _ := strings.Cut(causeField(err.Error()), ".")
	return field
}

// lastLine is that of the value of a field, which ends before the next field.
func lastLine(pass *rule.Pass, field string, line int) int {
	value, _ := pass.Ext.Document.Value().(map[string]any)
	last := math.MaxInt
	for other := range value {
		if at, _ := pass.Ext.Document.KeyPlace(other); at > line && at <= last {
			last = at - 1
		}
	}
	return last
}

// atLine is a problem with a line of extension.yaml, from 1.
func atLine(pass *rule.Pass, line int, message, hint string) diagnostic.Diagnostic {
	offset := 0
	for text := range bytes.Lines(pass.Ext.Document.Source()) {
		if line--; line <= 0 {
			break
		}
		offset += len(text)
	}
	return pass.Ext.Document.ProblemAtOffset(message, hint, offset, len("---"))
}

// endOfDocument is the line of the marker ... that ends the first document, from 1; 0 where
// none stands before the line at which KubeSphere stops (0 for none).
func endOfDocument(source []byte, cut int) int {
	number, begun := 0, false
	for text := range bytes.Lines(source) {
		if number++; number == cut {
			return 0
		}
		bare := bytes.TrimSpace(text)
		if bytes.HasPrefix(text, []byte("...")) && (len(bare) == 3 || text[3] == ' ' || text[3] == '\t') && begun {
			return number
		}
		begun = begun || len(bare) > 0 && bare[0] != '#' && !bytes.HasPrefix(text, []byte("---"))
	}
	return 0
}

// hasContent reports whether anything but blanks, comments and markers stands below a
// line, from 1.
func hasContent(source []byte, line int) bool {
	number := 0
	for text := range bytes.Lines(source) {
		if number++; number <= line {
			continue
		}
		bare := strings.TrimSpace(string(text))
		if bare != "" && bare != "..." && !strings.HasPrefix(bare, "#") && !strings.HasPrefix(bare, "---") {
			return true
		}
	}
	return false
}

// reportedElsewhere reports whether a problem is with the value of a field that has
// a rule of its own, which has more to say: what a version reads as, what the
// modes mean, or what an icon may be if it is text.
func reportedElsewhere(pass *rule.Pass, p diagnostic.Diagnostic) bool {
	for field, other := range map[string]string{"version": "version", "installationMode": "installation-mode", "icon": "icon"} {
		if !pass.IsOn(other) || !pass.HasField(field) || field == "icon" && !pass.IsText(field) {
			continue
		}
		if line, column := pass.Ext.Document.Place(field); p.Range.Start.Line == line && p.Range.Start.Column == column {
			return true
		}
	}
	return false
}

// unknownKey is a field that nothing reads.
type unknownKey struct {
	Pointer []string
	Shape   *schemaNode // of the mapping that it stands in
	// Near is the field that was probably meant; it is empty where none is like it.
	Near string
	// Needed is set where what was meant is missing, and has to be there.
	Needed bool
}

// unknownKeys finds the fields that nothing reads. The schema allows them, since
// KubeSphere does: mostly they are slips, sometimes notes.
func unknownKeys(value any, shape *schemaNode, pointer ...string) []*unknownKey {
	var found []*unknownKey
	switch value := value.(type) {
	case map[string]any:
		for _, key := range rule.SortedKeys(value) {
			below := append(pointer[:len(pointer):len(pointer)], key)
			member := shape.member(key)
			if member != nil {
				found = append(found, unknownKeys(value[key], member, below...)...)
			} else if len(shape.Properties) > 0 {
				unknown := &unknownKey{Pointer: below, Shape: shape}
				unknown.Near, _ = yamldoc.Nearest(key, rule.SortedKeys(shape.Properties))
				found = append(found, unknown)
			}
		}
	case []any:
		if shape.Items == nil {
			return nil
		}
		for i, item := range value {
			found = append(found, unknownKeys(item, shape.Items.shape(), append(pointer[:len(pointer):len(pointer)], strconv.Itoa(i))...)...)
		}
	}
	return found
}

// steadyPath is a place in extension.yaml as the subject of a finding: an item of a
// list goes by its name, for its number changes when another is added.
func steadyPath(pass *rule.Pass, pointer []string) string {
	value, steady := pass.Ext.Document.Value(), slices.Clone(pointer)
	for i, step := range pointer {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(v) {
				return strings.Join(steady, ".")
			}
			value = v[n]
			fields, _ := value.(map[string]any)
			steady[i] = rule.Text(fields["name"])
		}
	}
	return strings.Join(steady, ".")
}

// isMisspelt reports whether a problem is that a key is missing which is there,
// misspelt: that is one mistake, reported with the key.
func isMisspelt(pass *rule.Pass, p diagnostic.Diagnostic, unknown []*unknownKey) bool {
	if p.Code != yamldoc.MissingKey {
		return false
	}
	missing := path.Base(p.Subject)
	for _, key := range unknown {
		line, column := pass.Ext.Document.Place(key.Pointer[:len(key.Pointer)-1]...)
		if key.Near == missing && p.Range.Start.Line == line && p.Range.Start.Column == column {
			key.Needed = true
			return true
		}
	}
	return false
}

func reportUnknownKey(pass *rule.Pass, key *unknownKey) {
	last := len(key.Pointer) - 1
	hint := "KubeSphere ignores it: correct its name, or remove it"
	if key.Near != "" {
		hint = fmt.Sprintf("did you mean %q?", key.Near)
	}
	message := fmt.Sprintf("unknown key %q", excerpt.OneLine(key.Pointer[last]))
	if last > 0 {
		message = fmt.Sprintf("unknown key %q in %s", excerpt.OneLine(key.Pointer[last]), placeWords(key.Pointer[:last]))
	}
	if bare, ok := strings.CutPrefix(key.Pointer[last], "\ufeff"); ok {
		message = fmt.Sprintf("a byte order mark (U+FEFF), which editors hide, stands before %q and makes another key of it", excerpt.OneLine(bare))
		hint = "take it out: one belongs into the first line of a file, or nowhere"
	}
	severity := pass.ByDefault(rule.Warning)
	if key.Needed {
		severity = pass.Severity()
		message += fmt.Sprintf(", and %q is missing", key.Near)
	}
	pass.ProblemAs(rule.Found("unknown-key", steadyPath(pass, key.Pointer)), severity, pass.Ext.Document.ProblemAtKey(message, hint, key.Pointer...))
}

// placeWords names a mapping by the keys that lead to it: provider.en, or item 1
// of dependencies.
func placeWords(pointer []string) string {
	last := len(pointer) - 1
	if i, err := strconv.Atoi(pointer[last]); err == nil && last > 0 {
		return fmt.Sprintf("item %d of %s", i+1, placeWords(pointer[:last]))
	}
	return excerpt.OneLine(strings.Join(pointer, "."))
}

// schemaNode is what is needed of the schema of extension.yaml to know the keys
// of each mapping in it.
type schemaNode struct {
	Ref                  string                 `json:"$ref"`
	Properties           map[string]*schemaNode `json:"properties"`
	AdditionalProperties *schemaNode            `json:"additionalProperties"`
	Items                *schemaNode            `json:"items"`
	AnyOf                []*schemaNode          `json:"anyOf"`
	Defs                 map[string]*schemaNode `json:"$defs"`

	root *schemaNode
}

// metadataSchema is the schema of extension.yaml, with its references followed
// on the way down.
var metadataSchema = sync.OnceValue(func() *schemaNode {
	root := new(schemaNode)
	if err := json.Unmarshal(extension.SchemaJSON, root); err != nil {
		panic("the embedded schema of extension.yaml cannot be read: " + err.Error())
	}
	root.rootedIn(root)
	return root
})

func (n *schemaNode) rootedIn(root *schemaNode) {
	if n == nil || n.root != nil {
		return
	}
	n.root = root
	for _, below := range []map[string]*schemaNode{n.Properties, n.Defs} {
		for _, node := range below {
			node.rootedIn(root)
		}
	}
	for _, node := range append([]*schemaNode{n.AdditionalProperties, n.Items}, n.AnyOf...) {
		node.rootedIn(root)
	}
}

// shape is the node that says which keys there are: behind a reference, and of
// several alternatives the one with keys.
func (n *schemaNode) shape() *schemaNode {
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok && n.root.Defs[name] != nil {
		return n.root.Defs[name].shape()
	}
	for _, alternative := range n.AnyOf {
		if shape := alternative.shape(); len(shape.Properties) > 0 {
			return shape
		}
	}
	return n
}

// member is the schema of the value under a key; nil where the key is unknown or
// nothing is said of it.
func (n *schemaNode) member(key string) *schemaNode {
	if node := n.Properties[key]; node != nil {
		return node.shape()
	}
	if n.AdditionalProperties != nil {
		return n.AdditionalProperties.shape()
	}
	return nil
}
