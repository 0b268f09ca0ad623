package language

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// catalog translates into one language.
type catalog struct {
	exact map[string]string // by the text in the source

	once    sync.Once
	byWord  map[string][]*template // by a word that is in each message made from it
	without []*template            // those that have no whole word
}

// pair is a text in the source and its translation.
type pair struct{ id, translation string }

func newCatalog(pairs []pair) *catalog {
	c := &catalog{exact: make(map[string]string, len(pairs))}
	for _, p := range pairs {
		c.exact[p.id] = p.translation
		if strings.Contains(p.id, "%%") && !hasValues(p.id) {
			c.exact[strings.ReplaceAll(p.id, "%%", "%")] = p.translation
		}
	}
	return c
}

// template is a text with values in it.
type template struct {
	id, translation string
	kinds           []byte // of the values: the letter of the verb
	nouns           []bool // of the values: it stands behind an article
	weight, length  int    // how many letters, and how many bytes, are no values
	// begun and goesOn say that the text is a part, which has others in front of it or behind it.
	begun, goesOn bool
	counts        bool // it is a number and what is counted: that is no name
	compile       sync.Once
	pattern       *regexp.Regexp
}

// verb is a verb of fmt, as far as messages have them, or a variable of the help of a flag.
var verb = lazyregexp.New(`%(?:\[(\d+)\])?[-+#0]*(?:\*|\d+)?(?:\.\d+)?([sdqvwxtcfTU])|%%|\$\{\w+\}`)

// values are the patterns of what verbs make.
var values = map[byte]string{
	'q': `("(?:[^"\\]|\\.)*"|` + "`[^`]*`" + `|'(?:[^'\\]|\\.)*'|\[[^\]]*\])`,
	'd': `(-?\d+|\[[\d ]*\])`,
	'f': `(-?\d+(?:\.\d+)?)`,
	't': `(true|false)`,
	'c': `(.)`,
	'x': `([0-9a-f]+)`,
}

// anything is what other verbs make, and further what one makes that follows another without a blank: an
// addition, or nothing.
const (
	anything = `(.*?)`
	further  = `(|[ ,;:(].*?)`
)

// article is the end of a text behind which there is a noun.
var article = lazyregexp.New(`(^|[ (])(a|an|the|no|another)( other| such)? $`)

// newTemplate is nil for what has no words, and for what is a whole message without values.
func newTemplate(id, translation string) *template {
	t := &template{id: id, translation: translation, begun: strings.TrimLeft(id, " ,;:)") != id, goesOn: strings.TrimRight(id, " (") != id}
	if !t.begun && !t.goesOn && !strings.ContainsAny(id, "%$") {
		return nil
	}
	end := 0
	for _, at := range verb.FindAllStringSubmatchIndex(id, -1) {
		t.weight, t.length = t.weight+letters(id[end:at[0]]), t.length+at[0]-end
		end = at[1]
		if id[at[0]:at[1]] == "%%" {
			continue
		}
		kind := byte('s')
		if at[4] >= 0 {
			kind = id[at[4]]
		}
		t.kinds = append(t.kinds, kind)
		t.nouns = append(t.nouns, article.MatchString(id[:at[0]]))
	}
	t.weight, t.length = t.weight+letters(id[end:]), t.length+len(id)-end
	t.counts = len(t.kinds) == 1 && strings.HasPrefix(id, "%d ")
	if t.weight == 0 || len(t.kinds) == 0 && !t.begun && !t.goesOn {
		return nil
	}
	return t
}

func letters(s string) (n int) {
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

// match is the values that a message has where it was made from the template, and what stands in front of
// them and behind.
func (t *template) match(message string) *match {
	t.compile.Do(func() {
		var b strings.Builder
		b.WriteString(`(?s)^`)
		if t.begun {
			b.WriteString(anything)
		}
		end, value := 0, 0
		for _, at := range verb.FindAllStringIndex(t.id, -1) {
			b.WriteString(regexp.QuoteMeta(t.id[end:at[0]]))
			adjacent := end == at[0]
			end = at[1]
			if t.id[at[0]:at[1]] == "%%" {
				b.WriteString("%")
				continue
			}
			pattern, ok := values[t.kinds[value]]
			switch {
			case ok:
			case value > 0 && adjacent:
				pattern = further
			default:
				pattern = anything
			}
			b.WriteString(pattern)
			value++
		}
		b.WriteString(regexp.QuoteMeta(t.id[end:]))
		if t.goesOn {
			b.WriteString(anything)
		}
		b.WriteString(`$`)
		t.pattern = regexp.MustCompile(b.String())
	})
	found := t.pattern.FindStringSubmatch(message)
	if found == nil {
		return nil
	}
	m := &match{template: t, values: found[1:]}
	if t.begun {
		m.before, m.values = m.values[0], m.values[1:]
	}
	if t.goesOn {
		m.behind, m.values = m.values[len(m.values)-1], m.values[:len(m.values)-1]
	}
	return m
}

// match is a message as it was made from a template.
type match struct {
	*template
	values         []string
	ours           []bool // of the values: they were translated
	before, behind string
}

// String is the message in the language of the template.
func (m *match) String() string {
	return m.before + fill(m.translation, func(v string, at int) (string, bool) {
		if at < 0 || at >= len(m.values) {
			return v, false
		}
		return m.values[at], at < len(m.ours) && m.ours[at]
	}) + m.behind
}

// index finds templates by a word that they have: of its words the one that fewest others have.
func (c *catalog) index() {
	c.byWord = map[string][]*template{}
	frequency := map[string]int{}
	var all []*template
	for id, translation := range c.exact {
		if t := newTemplate(id, translation); t != nil {
			all = append(all, t)
			for _, word := range wholeWords(id) {
				frequency[word]++
			}
		}
	}
	for _, t := range all {
		rarest := ""
		for _, word := range wholeWords(t.id) {
			if rarest == "" || frequency[word] < frequency[rarest] {
				rarest = word
			}
		}
		if rarest == "" {
			c.without = append(c.without, t)
			continue
		}
		c.byWord[rarest] = append(c.byWord[rarest], t)
	}
}

// wholeWords are the words of a template that stand as they are in what is made from it.
func wholeWords(id string) []string {
	return words(verb.ReplaceAllStringFunc(id, func(v string) string {
		if v == "%%" {
			return "%"
		}
		return "\x00" // next to a value no word is whole
	}))
}

// words are the runs of letters in a text, but for those that touch a value.
func words(s string) []string {
	var all []string
	runes := []rune(s)
	for i := 0; i < len(runes); {
		if !unicode.IsLetter(runes[i]) {
			i++
			continue
		}
		from := i
		for i < len(runes) && unicode.IsLetter(runes[i]) {
			i++
		}
		if from > 0 && runes[from-1] == 0 || i < len(runes) && runes[i] == 0 {
			continue
		}
		all = append(all, string(runes[from:i]))
	}
	return all
}

// Bounds of what is looked at: messages of this program are short, and none is deep.
const (
	longest = 16 << 10 // bytes
	deepest = 8
)

// wordy are so many letters that a text with them may be a message of this program, whoever it comes from, and
// sure so many that it is one, whatever its values are.
const (
	wordy = 6
	sure  = 10
)

// format is the translation of a text of the source.
func (c *catalog) format(id string) string {
	if c == nil {
		return id
	}
	if translated, ok := c.exact[id]; ok {
		return translated
	}
	return id
}

// noun is the translation of a word for a kind of things.
func (c *catalog) noun(word string) string {
	if translated, ok := c.exact["the "+word]; ok {
		return translated
	}
	return c.format(word)
}

// text is the translation of a message.
func (c *catalog) text(message string) string {
	if c == nil {
		return message
	}
	translated, _ := c.translate(message, 0)
	return translated
}

// hint is the translation of what is a message, however short.
func (c *catalog) hint(message string) string {
	if c == nil {
		return message
	}
	translated, _ := c.translate(message, 1)
	return translated
}

// arrow is what stands between a message and what can be done about it, where they are in one line.
const arrow = " → "

// behindCode is the code of a finding behind its message.
var behindCode = lazyregexp.New(` \([a-z0-9-]+/[a-z0-9-]+\)$`)

// translate is a message in the language of the catalog, and whether a part of it was translated.
func (c *catalog) translate(message string, depth int) (string, bool) {
	if len(message) > longest || depth > deepest || !strings.ContainsAny(message, " \n") {
		return message, false // one word may be a name
	}
	if translated, ok := c.exact[message]; ok && !hasValues(message) {
		return strings.ReplaceAll(translated, "%%", "%"), true
	}
	m := c.find(message, depth)
	if at := behindCode.FindStringIndex(message); at != nil && (m == nil || !strings.HasSuffix(m.id, message[at[0]:])) {
		translated, ok := c.translate(message[:at[0]], depth)
		return translated + message[at[0]:], ok
	}
	if what, then, ok := strings.Cut(message, arrow); ok && !(m != nil && strings.Contains(m.id, arrow)) {
		one, translated := c.translate(what, depth+1) // and the hint behind it
		other, too := c.translate(then, depth+1)
		if translated || too {
			return one + arrow + other, true
		}
	}
	if m != nil && m.weight >= wordy && c.translateValues(m, depth) {
		return m.String(), true
	}
	if translated, ok := c.parts(message, depth, "\n", "; "); ok {
		return translated, ok
	}
	if m != nil && m.weight < wordy && c.translateValues(m, depth) {
		return m.String(), true
	}
	if translated, ok := c.parts(message, depth, ": "); ok {
		return translated, ok
	}
	return c.list(message, depth)
}

// translateValues translates the values of a match, and what stands around it. It says whether the match
// is sure: few words, such as "of", say something only between messages and names.
func (c *catalog) translateValues(m *match, depth int) (certain bool) {
	certain = true
	translate := func(value string) string {
		translated, ok := c.translate(value, depth+1)
		certain = certain && (ok || m.weight >= sure || areNames(value))
		return translated
	}
	m.ours = make([]bool, len(m.values))
	for i, value := range m.values {
		switch m.kinds[i] {
		case 's', 'v', 'w':
			if m.weight < wordy && m.isTorn(i, value) {
				return false
			}
			what, rest, chain := strings.Cut(value, ": ")
			if noun, ok := c.exact["the "+what]; ok && m.nouns[i] {
				if chain {
					rest, _ = c.translate(rest, depth+1)
					noun += ": " + rest
				}
				m.values[i], m.ours[i] = noun, true
				continue
			}
			before := certain
			m.values[i] = translate(value)
			m.ours[i] = m.values[i] != value
			if m.kinds[i] == 'w' && m.weight >= wordy { // an error, of whatever words
				certain = before
			}
		}
	}
	m.before, m.behind = translate(m.before), translate(m.behind)
	return certain
}

// isTorn says that a value of few words between is no value: it is empty, or it begins in one message and ends in
// another.
func (m *match) isTorn(i int, value string) bool {
	last := i == len(m.values)-1
	return value == "" && !last || strings.Contains(value, ": ") && !(last && strings.Contains(m.id, ": %"))
}

// names is a list of names, which may have versions, or a command to type.
var names = lazyregexp.New(`^(, )?[^\s,;:()]+( \S*\d\S*)?(, [^\s,;:()]+( \S*\d\S*)?)*$|^(ksrelease|helm|git) [^;]*$|^$`)

// areNames says that a value is no text.
func areNames(value string) bool { return names.MatchString(value) || quoted.MatchString(value) }

// quoted is what %q makes.
var quoted = lazyregexp.New(`^("[^"]*"(, )?)+$`)

// parts translates what stands in front of the first of these marks and what stands behind it.
func (c *catalog) parts(message string, depth int, marks ...string) (string, bool) {
	for _, mark := range marks {
		if first, rest, ok := strings.Cut(message, mark); ok {
			one, translated := c.translate(first, depth+1)
			other, too := c.translate(rest, depth+1)
			if translated || too {
				return one + mark + other, true
			}
		}
	}
	return message, false
}

// list translates what there is in a list of messages and counts: "3 assets, 1 warning, review open".
func (c *catalog) list(message string, depth int) (string, bool) {
	parts := strings.Split(message, ", ")
	any := false
	for i, part := range parts {
		translated, ok := c.exact[part]
		switch {
		case ok && strings.Contains(part, " ") && !hasValues(part):
			parts[i], any = translated, true
		case len(parts) > 1:
			if m := c.find(part, depth); m != nil && m.counts {
				parts[i], any = m.String(), true
			}
		}
	}
	return strings.Join(parts, ", "), any
}

func hasValues(id string) bool {
	return strings.ContainsAny(id, "%$") && verb.MatchString(strings.ReplaceAll(id, "%%", ""))
}

// find is how a message was made from a template: of several the whole one with the most words of its
// own. What has few may be anything, unless it is a part of a message.
func (c *catalog) find(message string, depth int) (best *match) {
	c.once.Do(c.index)
	try := func(all []*template) {
		for _, t := range all {
			if depth == 0 && t.weight < wordy && !t.counts || best != nil && !t.betterThan(best.template) {
				continue
			}
			if m := t.match(message); m != nil {
				best = m
			}
		}
	}
	seen := map[string]bool{}
	for _, word := range words(message) {
		if !seen[word] {
			seen[word] = true
			try(c.byWord[word])
		}
	}
	try(c.without)
	return best
}

// betterThan orders templates that a message may have been made from.
func (t *template) betterThan(other *template) bool {
	if part, isPart := t.begun || t.goesOn, other.begun || other.goesOn; part != isPart {
		return isPart
	}
	if t.weight != other.weight {
		return t.weight > other.weight
	}
	if t.length != other.length {
		return t.length > other.length
	}
	if len(t.kinds) != len(other.kinds) {
		return len(t.kinds) > len(other.kinds)
	}
	return t.id < other.id
}
