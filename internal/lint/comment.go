package lint

import (
	"path"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// commented is a line of a YAML file or template, taken apart.
type commented struct {
	Comments []string // the texts of its comments, without what marks them
	Content  bool     // something besides comments stands in it
	Blank    bool     // nothing stands in it
}

// comments takes lines of one file apart, one after the other.
//
// A comment is where it looks like one: a # at the beginning of a line or behind a
// space. In a template, which is no YAML before it is rendered, that is all there
// is to know; a text in quotes that holds such a thing passes for a comment there.
type comments struct {
	template bool // {{/* … */}} is a comment
	open     bool // within one, over several lines
	// lines are those at which comments stand, where that is known.
	lines  map[int]bool
	number int
}

var (
	hashComment     = lazyregexp.New(`(?:^|[ \t])#+`)
	templateComment = lazyregexp.New(`\{\{-?[ \t]*/\*`)
	templateClosing = lazyregexp.New(`^[ \t]*-?\}\}`)
)

// takesComments reports whether a file can hold the comments that are read here.
func takesComments(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".tpl":
		return true
	case ".txt":
		return rule.IsTemplate(name)
	}
	return false
}

func (c *comments) line(text string) commented {
	text = strings.TrimRight(text, "\r\n")
	c.number++
	l := commented{Blank: strings.TrimSpace(text) == "" && !c.open}
	for {
		if c.open {
			inside, rest, closed := strings.Cut(text, "*/")
			l.Comments = append(l.Comments, inside)
			if !closed {
				return l
			}
			c.open, text = false, templateClosing.ReplaceAllString(rest, "")
			continue
		}
		hash := hashComment.FindStringIndex(text)
		if c.lines != nil && !c.lines[c.number] {
			hash = nil
		}
		var opening []int
		if c.template {
			opening = templateComment.FindStringIndex(text)
		}
		switch {
		case opening != nil && (hash == nil || opening[0] < hash[0]):
			l.Content = l.Content || strings.TrimSpace(text[:opening[0]]) != ""
			c.open, text = true, text[opening[1]:]
		case hash != nil:
			l.Content = l.Content || strings.TrimSpace(text[:hash[0]]) != ""
			l.Comments = append(l.Comments, text[hash[1]:])
			return l
		default:
			l.Content = l.Content || strings.TrimSpace(text) != ""
			return l
		}
	}
}
