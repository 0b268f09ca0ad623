package announce

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// style is how a service shows text: what stands for the parts of Markdown that not all of them
// know, and for characters that would mean something else.
type style struct {
	bold, bullet             string
	less, greater, ampersand string // for <, > and &; an empty one stays
	hardBreaks               bool   // a line break needs two blanks before it
	slackLinks               bool   // <address|text>
}

// message is a body that is ready to be sent.
type message struct{ body []byte }

// divide makes the messages of some items: as few as the limits of the service allow, and no
// more than mostMessages. Notes that are too long for one are cut at a line; where all notes are
// too long for all messages, they have the names alone.
func divide(s service, title string, items []Item) []message {
	if s.document != nil {
		return nil
	}
	fits := func(text string) bool {
		return (s.largestText == 0 || len(text) <= s.largestText) && len(s.body(title+" (5/5)", text))+signatureSize <= s.largest
	}
	most := s.largest
	if s.largestText > 0 {
		most = s.largestText
	}
	texts, all := pack(items, "\n\n", fits, func(item Item) string {
		// What cannot fit need not be converted.
		item.Notes = cutLines(item.Notes, func(text string) bool { return len(text) <= most })
		return blockOf(item, s.text, fits)
	})
	if !all {
		texts, all = pack(items, "\n", fits, func(item Item) string {
			return blockOf(Item{Name: item.Name, Version: item.Version}, s.text, fits)
		})
	}
	if !all {
		texts[len(texts)-1] += "\n…"
	}
	var messages []message
	for i, text := range texts {
		numbered := title
		if len(texts) > 1 {
			numbered = fmt.Sprintf("%s (%d/%d)", title, i+1, len(texts))
		}
		messages = append(messages, message{s.body(numbered, text)})
	}
	return messages
}

// signatureSize is what a signature adds to a body, in bytes, and a mark that more was left out.
const signatureSize = 200

// pack puts the blocks of items into as few texts as they fit in, in order. It ends where there
// would be more than mostMessages.
func pack(items []Item, between string, fits func(string) bool, blockOf func(Item) string) (texts []string, all bool) {
	for _, item := range items {
		block := blockOf(item)
		if last := len(texts) - 1; last >= 0 && fits(texts[last]+between+block) {
			texts[last] += between + block
			continue
		}
		if len(texts) == mostMessages {
			return texts, false
		}
		texts = append(texts, block)
	}
	return texts, true
}

// blockOf is an item as a service shows it.
func blockOf(item Item, s style, fits func(string) bool) string {
	head := s.bold + s.escape(item.title()) + s.bold
	foot := ""
	for _, link := range item.Links {
		foot += "\n" + s.link(link.Text, link.URL)
	}
	if item.Notes == "" {
		return head + foot
	}
	notes := cutLines(s.convert(item.Notes), func(text string) bool { return fits(head + "\n\n" + text + "\n" + foot) })
	return head + "\n\n" + notes + foot
}

// cutLines leaves out lines at the end until a text fits.
func cutLines(text string, fits func(string) bool) string {
	if fits(text) {
		return text
	}
	lines := strings.Split(text, "\n")
	low, high := 0, len(lines) // low lines fit, high do not
	for low+1 < high {
		middle := (low + high) / 2
		if fits(strings.Join(lines[:middle], "\n") + "\n…") {
			low = middle
		} else {
			high = middle
		}
	}
	return strings.TrimRight(strings.Join(lines[:low], "\n"), "\n ") + "\n…"
}

var (
	heading    = lazyregexp.New(`^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$`)
	listItem   = lazyregexp.New(`^([ \t]*)[-*+][ \t]+`)
	fence      = lazyregexp.New("^ {0,3}(```|~~~)")
	picture    = lazyregexp.New(`!\[`)
	inlineLink = lazyregexp.New(`\[([^\]\[]*)\]\(<?(https?://[^\s()<>]+)>?(?:[ \t]+"[^"]*")?\)`)
	autoLink   = lazyregexp.New(`<(https?://[^\s<>|]+)>`)
	strong     = lazyregexp.New(`\*\*([^*]+)\*\*|__([^_]+)__`)
	defined    = lazyregexp.New(`^ {0,3}\[([^\]\\]+)\]:[ \t]*<?(https?://[^\s<>]+)>?`)
	reference  = lazyregexp.New(`\[([^\]\[]+)\](\[\])?`)
)

// convert makes what a service shows of Markdown. What is code stays as it is.
func (s style) convert(markdown string) string {
	markdown = strings.Trim(inlined(markdown), "\n")
	var out []string
	code := false
	for line := range strings.SplitSeq(markdown, "\n") {
		line = strings.TrimRight(line, " \t\r")
		switch {
		case fence.MatchString(line):
			code = !code
			line = "```"
		case code:
			line = s.escape(line)
		default:
			line = s.line(line)
		}
		if s.hardBreaks && !code && line != "" {
			line += "  "
		}
		out = append(out, line)
	}
	if code {
		out = append(out, "```")
	}
	return strings.Join(out, "\n")
}

// line is a line of Markdown that is no code.
func (s style) line(line string) string {
	if m := heading.FindStringSubmatch(line); m != nil {
		return s.bold + s.spans(strings.ReplaceAll(m[1], "**", "")) + s.bold
	}
	if at := listItem.FindStringSubmatchIndex(line); at != nil {
		return line[at[2]:at[3]] + s.bullet + s.spans(line[at[1]:])
	}
	return s.spans(line)
}

// spans are links, pictures and bold words within a line; all else is escaped.
func (s style) spans(text string) string {
	text = picture.ReplaceAllString(text, "[") // only the address of a picture can be shown
	var out strings.Builder
	for text != "" {
		link, auto := inlineLink.FindStringSubmatchIndex(text), autoLink.FindStringSubmatchIndex(text)
		switch {
		case link != nil && (auto == nil || link[0] < auto[0]):
			out.WriteString(s.words(text[:link[0]]) + s.link(text[link[2]:link[3]], text[link[4]:link[5]]))
			text = text[link[1]:]
		case auto != nil:
			out.WriteString(s.words(text[:auto[0]]) + s.link(text[auto[2]:auto[3]], text[auto[2]:auto[3]]))
			text = text[auto[1]:]
		default:
			out.WriteString(s.words(text))
			text = ""
		}
	}
	return out.String()
}

func (s style) words(text string) string {
	return strong.ReplaceAllString(s.escape(text), s.bold+"$1$2"+s.bold)
}

// link is a link with its text.
func (s style) link(text, address string) string {
	if text == "" {
		text = address
	}
	if s.slackLinks {
		return "<" + s.escape(strings.ReplaceAll(address, "|", "%7C")) + "|" + strings.ReplaceAll(s.escape(text), "|", "/") + ">"
	}
	return "[" + s.escape(text) + "](" + strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E").Replace(address) + ")"
}

// escape takes the meaning from characters that a service would obey, and leaves out those that
// cannot be seen.
func (s style) escape(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	var pairs []string
	for from, to := range map[string]string{"&": s.ampersand, "<": s.less, ">": s.greater} {
		if to != "" {
			pairs = append(pairs, from, to)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// inlined puts addresses that are defined in lines of their own to the links that use them.
func inlined(markdown string) string {
	addresses := map[string]string{}
	var kept []string
	for line := range strings.SplitSeq(markdown, "\n") {
		if m := defined.FindStringSubmatch(line); m != nil {
			addresses[strings.ToLower(m[1])] = m[2]
			continue
		}
		kept = append(kept, line)
	}
	if len(addresses) == 0 {
		return markdown
	}
	text := strings.Join(kept, "\n")
	var out strings.Builder
	for {
		at := reference.FindStringSubmatchIndex(text)
		if at == nil {
			out.WriteString(text)
			return out.String()
		}
		out.WriteString(text[:at[0]])
		address, known := addresses[strings.ToLower(text[at[2]:at[3]])]
		if known && !strings.HasPrefix(text[at[1]:], "(") {
			out.WriteString("[" + text[at[2]:at[3]] + "](" + address + ")")
		} else {
			out.WriteString(text[at[0]:at[1]])
		}
		text = text[at[1]:]
	}
}
