package language

import (
	"regexp"
	"slices"
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

	keeping sync.Mutex
	kept    map[part]string // translations of messages
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
	kinds           []byte   // of the values: the letter of the verb
	nouns           []bool   // of the values: it stands behind an article
	literals        []string // what stands between them
	weight, length  int      // how many letters, and how many bytes, are no values
	// begun and goesOn say that the text is a part, which has others in front of it or behind it.
	begun, goesOn bool
	counts        bool // it is a number and what is counted: that is no name
	compile       sync.Once
	pattern       *regexp.Regexp
}

// verb is a verb of fmt, as far as messages have them, or a variable of the help of a flag.
var verb = lazyregexp.New(`%(?:\[(\d+)\])?[-+#0]*(?:\*|\d+)?(?:\.\d+)?([sdqvwxtcfTUo])|%%|\$\{\w+\}`)

// values are the patterns of what verbs make.
var values = map[byte]string{
	'q': `("(?:[^"\\]|\\.)*"|` + "`[^`]*`" + `|'(?:[^'\\]|\\.)*'|\[[^\]]*\])`,
	'd': `(-?\d+|\[[\d ]*\])`,
	'f': `(-?\d+(?:\.\d+)?)`,
	't': `(true|false)`,
	'c': `(.)`,
	'x': `([0-9a-f]+)`,
	'o': `([0-7]+)`,
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
		t.literals = append(t.literals, id[end:at[0]])
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
	t.literals = append(t.literals, id[end:])
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
	at := 0
	for _, literal := range t.literals { // cheap, and enough for most messages
		i := strings.Index(message[at:], literal)
		if i < 0 {
			return nil
		}
		at += i + len(literal)
	}
	t.compile.Do(func() {
		var b strings.Builder
		b.WriteString(`(?s)^`)
		if t.begun {
			b.WriteString(`(.*)`)
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

// String is the message in the language of the template. A value in Chinese has no blank next to Chinese.
func (m *match) String() string {
	text := fill(m.translation, func(v string, at int) (string, bool) {
		if at < 0 || at >= len(m.values) {
			return v, false
		}
		return m.values[at], at < len(m.ours) && m.ours[at]
	})
	return join(join(m.before, text), m.behind)
}

// join puts two texts together, without a blank between Chinese characters.
func join(one, other string) string {
	if rest, ok := strings.CutPrefix(other, " "); ok && endsWide(one) && beginsWide(rest) {
		return one + rest
	}
	if rest, ok := strings.CutSuffix(one, " "); ok && endsWide(rest) && beginsWide(other) {
		return rest + other
	}
	return one + other
}

// index finds templates by a word that they have: of its words the one that fewest others have.
func (c *catalog) index() {
	c.byWord = map[string][]*template{}
	frequency := map[string]int{}
	var all []*template
	for id, translation := range c.exact {
		if t := newTemplate(id, translation); t != nil {
			all = append(all, t)
			for _, word := range t.wholeWords() {
				frequency[word]++
			}
		}
	}
	for _, t := range all {
		rarest := ""
		for _, word := range t.wholeWords() {
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

// wholeWords are the words of a template that stand as they are in what is made from it: none that touches
// a value.
func (t *template) wholeWords() (all []string) {
	for i, literal := range t.literals {
		if i > 0 {
			literal = strings.TrimLeftFunc(literal, unicode.IsLetter)
		}
		if i < len(t.literals)-1 {
			literal = strings.TrimRightFunc(literal, unicode.IsLetter)
		}
		all = append(all, words(literal)...)
	}
	return all
}

// words are the runs of letters in a text.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
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
func (c *catalog) text(message string) string { return c.read(message, 0) }

// mostKept are how many messages are kept with their translations: hints and many messages come again for
// each extension.
const mostKept = 4096

// read is the translation of a message at a depth.
func (c *catalog) read(message string, depth int) string {
	if c == nil {
		return message
	}
	at := part{message, depth}
	c.keeping.Lock()
	translated, ok := c.kept[at]
	c.keeping.Unlock()
	if ok {
		return translated
	}
	translated, _ = c.reading().translate(message, depth)
	c.keeping.Lock()
	defer c.keeping.Unlock()
	if c.kept == nil || len(c.kept) >= mostKept {
		c.kept = map[part]string{}
	}
	c.kept[at] = translated
	return translated
}

// prose is the translation of a text of the source, or of one that was made from it with values that stay as they are.
func (c *catalog) prose(text string) string {
	if c == nil {
		return text
	}
	if translated, ok := c.exact[text]; ok {
		return translated
	}
	if m := c.find(text, 0); m != nil && m.weight >= wordy {
		return m.String()
	}
	return text
}

// hint is the translation of what is a message, however short.
func (c *catalog) hint(message string) string { return c.read(message, 1) }

// arrow is what stands between a message and what can be done about it, where they are in one line.
const arrow = " → "

// reading is how one message is read: it may have been made in several ways, of which the one counts that
// leaves the fewest words in English.
type reading struct {
	*catalog
	known map[part]translation
	spent int // how many parts were looked at
}

type part struct {
	text  string
	depth int
}

type translation struct {
	text string
	ok   bool
}

// mostParts are looked at in several ways; of further ones the first way counts.
const mostParts = 300

func (c *catalog) reading() *reading { return &reading{catalog: c, known: map[part]translation{}} }

// inEnglish counts the words in lower case of a text that are neither quoted nor parts of names.
func inEnglish(text string) (n int) {
	for _, w := range wordOrName.FindAllString(quotedText.ReplaceAllString(text, " "), -1) {
		if strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") == "" {
			n++
		}
	}
	return n
}

var (
	quotedText = lazyregexp.New("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|\\{\\{.*?\\}\\}")
	wordOrName = lazyregexp.New(`[A-Za-z0-9_./@=*$-]*[A-Za-z0-9_/@=*$-]`)
)

// behindCode is the code of a finding behind its message.
var behindCode = lazyregexp.New(` \([a-z0-9-]+/[a-z0-9-]+\)$`)

// behindRequest is the request that failed, behind what happened, and how often it was sent.
var behindRequest = lazyregexp.New(`(?s)^(.*) \(((?:[A-Z]+) https?://[^ )]+)(?:, (\d+) attempts)?\)$`)

// translate is a message in the language of the catalog, and whether a part of it was translated.
func (c *reading) translate(message string, depth int) (string, bool) {
	if len(message) > longest || depth > deepest || !strings.ContainsAny(message, " \n") {
		return message, false // one word may be a name
	}
	if translated, ok := c.exact[message]; ok && !hasValues(message) {
		return strings.ReplaceAll(translated, "%%", "%"), true
	}
	if found := behindRequest.FindStringSubmatch(message); found != nil {
		translated, ok := c.translate(found[1], max(1, depth)) // surely of this program, however short
		if !ok {
			return message, false
		}
		request := found[2]
		if found[3] != "" {
			request = fill(c.format("%s, %d attempts"), func(_ string, at int) (string, bool) { return found[2+at], false })
		}
		return translated + "（" + request + "）", true
	}
	at := part{message, min(depth, 1)}
	if known, ok := c.known[at]; ok {
		return known.text, known.ok
	}
	c.spent++
	best := translation{text: message}
	left := -1
	c.ways(message, depth, func(text string, ok bool) (enough bool) {
		if !ok {
			return false
		}
		if n := inEnglish(text); left < 0 || n < left {
			best, left = translation{text, true}, n
		}
		return left == 0 || c.spent > mostParts
	})
	c.known[at] = best
	return best.text, best.ok
}

// ways are the translations of a message in all ways in which it may have been made, the likeliest first,
// until one is enough.
func (c *reading) ways(message string, depth int, enough func(text string, ok bool) bool) {
	m := c.find(message, depth)
	if at := behindCode.FindStringIndex(message); at != nil && (m == nil || !strings.HasSuffix(m.id, message[at[0]:])) {
		if translated, ok := c.translate(message[:at[0]], depth); enough(translated+message[at[0]:], ok) {
			return
		}
	}
	if m != nil && m.isPlain() && c.translateValues(m, depth) {
		enough(m.String(), true)
		return
	}
	if !(m != nil && strings.Contains(m.id, arrow)) && c.divided(message, depth, []string{arrow}, enough) {
		return // and the hint behind it
	}
	parts := []string{"\n", "; ", ": "}
	if m != nil && m.weight < wordy {
		// Few words are none of a text with several messages in it.
		if c.divided(message, depth, parts[:2], enough) {
			return
		}
		parts = parts[2:]
	}
	if m != nil && m.weight >= wordy {
		if at := m.end(message); at > 0 {
			one, _ := c.translate(message[:at], depth+1)
			other, _ := c.translate(message[at+len(cause):], depth+1)
			if enough(one+cause+other, true) {
				return
			}
		}
	}
	if m != nil && c.translateValues(m, depth) && enough(m.String(), true) {
		return
	}
	if translated, ok := c.said(message, depth); enough(translated, ok) {
		return
	}
	if translated, ok := c.remarked(message, depth); enough(translated, ok) {
		return
	}
	if c.divided(message, depth, parts, enough) {
		return
	}
	if enough(c.list(message, depth)) {
		return
	}
	first := m
	for _, m := range c.matches(message, depth) {
		if (first == nil || m.template != first.template) && c.translateValues(m, depth) && enough(m.String(), true) {
			return
		}
	}
}

// cause is what stands between what was done and why it failed.
const cause = ": "

// end is where a message ends that is in front of its cause, which is no part of the last value; 0 where
// all is one message.
func (m *match) end(message string) int {
	last := len(m.values) - 1
	if last < 0 || m.goesOn || !m.isTorn(last, m.values[last]) {
		return 0
	}
	for at := 0; ; at += len(cause) {
		next := strings.Index(message[at:], cause)
		if next < 0 {
			return 0
		}
		if at += next; m.match(message[:at]) != nil {
			return at
		}
	}
}

// divided translates what stands in front of the first of a mark and what stands behind it.
func (c *reading) divided(message string, depth int, marks []string, enough func(text string, ok bool) bool) bool {
	for _, mark := range marks {
		if first, rest, ok := strings.Cut(message, mark); ok {
			one, translated := c.translate(first, depth+1)
			other, too := c.translate(rest, depth+1)
			if enough(one+mark+other, translated || too) {
				return true
			}
		}
	}
	return false
}

// longestSubject are the words of what something is said of.
const longestSubject = 8

// said translates what is said of something, which a rule or a check puts behind the name of it:
// icon "a.png" + " " + "names no file of the extension".
func (c *reading) said(message string, depth int) (string, bool) {
	at := -1
	for range longestSubject {
		next := strings.IndexByte(message[at+1:], ' ')
		if next < 0 {
			return "", false
		}
		at += 1 + next
		subject, rest := message[:at], message[at+1:]
		if subject == "" || strings.ContainsAny(subject[len(subject)-1:], ":;,.") {
			return "", false
		}
		if !strings.Contains(rest, " ") || letters(rest) < wordy || !beginsWithVerb(rest) {
			continue
		}
		said, ok := c.exact[rest]
		if ok = ok && !hasValues(rest); !ok {
			m := c.find(rest, 0)
			if m == nil || m.begun || m.goesOn || m.weight < wordy || !beginsWithVerb(m.id) || !c.translateValues(m, depth) {
				continue
			}
			said = m.String()
		}
		if at := quotedBehind.FindStringIndex(subject); at != nil && !strings.Contains(subject[:at[0]], `"`) {
			named, _ := c.translate(subject[:at[0]], depth+1)
			subject = named + subject[at[0]:]
		} else {
			subject, _ = c.translate(subject, depth+1)
		}
		return join(subject+" ", strings.ReplaceAll(said, "%%", "%")), true
	}
	return "", false
}

// quotedBehind is what is quoted at the end of a text.
var quotedBehind = lazyregexp.New(` "(?:[^"\\]|\\.)*"$`)

// remarked translates a message in parentheses behind something.
func (c *reading) remarked(message string, depth int) (string, bool) {
	at := strings.Index(message, " (")
	if at < 0 || !strings.HasSuffix(message, ")") {
		return "", false
	}
	remark, ok := c.translate(message[at+2:len(message)-1], depth+1)
	if !ok {
		return "", false
	}
	about, _ := c.translate(message[:at], depth+1)
	return about + "（" + remark + "）", true
}

// beginsWithVerb says that a text goes on with what something is or does: it begins with "is", "has" or another
// verb in the third person.
func beginsWithVerb(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return len(word) > 1 && word[len(word)-1] == 's' && words(word) != nil && strings.ToLower(word) == word
}

// both is the message that two things are.
const both = "%s and %s"

// translateValues translates the values of a match, and what stands around it. It says whether the match
// is sure: few words, such as "of", say something only between messages and names.
func (c *reading) translateValues(m *match, depth int) (certain bool) {
	certain = true
	translate := func(value string) string {
		translated, ok := c.translate(value, depth+1)
		certain = certain && (ok || m.weight >= sure || areNames(value) || m.id == both && strings.Count(value, " ") < 2)
		return translated
	}
	m.ours = make([]bool, len(m.values))
	for i, value := range m.values {
		switch m.kinds[i] {
		case 's', 'v', 'w':
			if m.weight < wordy && m.isTorn(i, value) {
				whole := c.find(value, depth+1) // a message that has the colon itself
				if whole == nil || i < len(m.values)-1 || !strings.Contains(whole.id, ": ") {
					return false
				}
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

// isPlain says that a message can have been made in no other way: from a text of many words and names.
func (m *match) isPlain() bool {
	const many = 16
	if m.weight < many || m.begun || m.goesOn {
		return false
	}
	for i, value := range m.values {
		if strings.IndexByte("svw", m.kinds[i]) >= 0 && !areNames(value) {
			return false
		}
	}
	return true
}

// isTorn says that a value of few words between is no value: it is empty, or it begins in one message and ends in
// another.
func (m *match) isTorn(i int, value string) bool {
	last := i == len(m.values)-1
	return value == "" && !last || strings.Contains(value, ": ") && !(last && strings.Contains(m.id, ": %"))
}

// names is a list of names, which may have versions or be those of a kind of objects, or a command to type.
var names = lazyregexp.New(`^(, )?[^\s,;:()]+(:\d+)*( \S*\d\S*| "[^"]*")?(, [^\s,;:()]+(:\d+)*( \S*\d\S*| "[^"]*")?)*$|^(ksrelease|helm|git) [^;]*$|^https?://\S+$|^$`)

// areNames says that a value is no text.
func areNames(value string) bool {
	value = strings.TrimSpace(value)
	return names.MatchString(value) || quoted.MatchString(value)
}

// quoted is what %q makes.
var quoted = lazyregexp.New(`^("[^"]*"(, )?)+$`)

// list translates what there is in a list of messages and counts: "3 assets, 1 warning, review open".
func (c *reading) list(message string, depth int) (string, bool) {
	parts := listed(message)
	any := false
	for i, part := range parts {
		translated, ok := c.exact[part]
		switch {
		case ok && strings.Contains(part, " ") && !hasValues(part):
			parts[i], any = translated, true
		case len(parts) > 1 && depth > 0:
			if translated, ok := c.translate(part, depth+1); ok {
				parts[i], any = translated, true
			}
		case len(parts) > 1:
			if m := c.find(part, depth); m != nil && m.counts {
				parts[i], any = m.String(), true
			}
		}
	}
	return strings.Join(parts, ", "), any
}

// listed are the parts of a list. What stands in parentheses is whole.
func listed(message string) (parts []string) {
	open, from := 0, 0
	for i, r := range message {
		switch {
		case r == '(':
			open++
		case r == ')':
			open--
		case r == ',' && open <= 0 && strings.HasPrefix(message[i:], ", ") && i >= from:
			parts = append(parts, message[from:i])
			from = i + len(", ")
		}
	}
	return append(parts, message[from:])
}

func hasValues(id string) bool {
	return strings.ContainsAny(id, "%$") && verb.MatchString(strings.ReplaceAll(id, "%%", ""))
}

// find is how a message was made from a template: of several the whole one with the most words of its
// own. What has few may be anything, unless it is a part of a message.
func (c *catalog) find(message string, depth int) (best *match) {
	c.candidates(message, depth, func(t *template) {
		if best != nil && !t.betterThan(best.template) {
			return
		}
		if m := t.match(message); m != nil {
			best = m
		}
	})
	return best
}

// matches are all ways in which a message may have been made from templates, the best first.
func (c *catalog) matches(message string, depth int) (all []*match) {
	c.candidates(message, depth, func(t *template) {
		if m := t.match(message); m != nil {
			all = append(all, m)
		}
	})
	slices.SortFunc(all, func(a, b *match) int {
		if a.betterThan(b.template) {
			return -1
		}
		return 1
	})
	return all
}

// candidates are the templates with a word that a message has.
func (c *catalog) candidates(message string, depth int, try func(*template)) {
	c.once.Do(c.index)
	each := func(all []*template) {
		for _, t := range all {
			if strings.HasPrefix(message, ", ") && !t.begun {
				continue // what is added to a message
			}
			if depth > 0 || t.weight >= wordy || t.counts || strings.HasPrefix(message, `"`) { // which no name has
				try(t)
			}
		}
	}
	seen := map[string]bool{}
	for _, word := range words(message) {
		if !seen[word] {
			seen[word] = true
			each(c.byWord[word])
		}
	}
	each(c.without)
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
