package engine

import (
	"path"
	"runtime"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"

	"helm.sh/helm/v3/pkg/chart"
)

// Cache keeps what is made of the files of templates, for all trees in which they are:
// an extension is rendered as several trees, which have most charts in common. Files must
// not change. Several may use it at once.
type Cache struct {
	mu    sync.Mutex
	texts map[*chart.File]string
	trees map[named]trees
	// lent are the trees of texts, by whatever name each was parsed first.
	lent map[string]lent
}

// named is a file under the name by which a tree of charts knows it, which its errors have.
type named struct {
	file *chart.File
	name string
}

// trees are what a file defines, itself and by define, by name.
type trees map[string]*parse.Tree

// lent is what a text was parsed to under a name.
type lent struct {
	name string
	trees
}

// NewCache is an empty one.
func NewCache() *Cache {
	return &Cache{texts: map[*chart.File]string{}, trees: map[named]trees{}, lent: map[string]lent{}}
}

// Text is the content of a file.
func (c *Cache) Text(file *chart.File) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.texts[file]
	if !ok {
		text = string(file.Data)
		c.texts[file] = text
	}
	return text
}

// parse adds to a set what a file defines, itself and by define, as t.Parse does.
// Rendering does not change what was parsed.
//
// Where own is not set, what the same text was parsed to under another name is as good: the
// charts of an extension have many files in common, and a chart that is rendered by itself has
// all of its files under other names. Errors have the other name then; borrowed says so.
func (c *Cache) parse(t *template.Template, p parsed, own bool) (borrowed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok, shared := c.known(p, own)
	if !ok {
		made, err := parse.Parse(p.name, p.text, "", "", knownFunctions())
		if err != nil {
			_, err := t.Parse(p.text) // which knows all functions, and says what Helm does
			return false, err
		}
		c.keep(p, made, shared)
		found = lent{p.name, made}
	}
	for name, tree := range found.trees {
		if name == found.name {
			name = p.name
		}
		if _, err := t.AddParseTree(name, tree); err != nil {
			return false, err
		}
	}
	return found.name != p.name, nil
}

// known is what a file, or where own is not set another one with the same text, was parsed to. shared says, where
// that is nothing, whether what it is parsed to may be used under other names.
func (c *Cache) known(p parsed, own bool) (found lent, ok, shared bool) {
	if made, ok := c.trees[named{p.file, p.name}]; ok {
		return lent{p.name, made}, true, false
	}
	if shared = isShared(p); shared && !own {
		found, ok = c.lent[p.text]
	}
	return found, ok, shared
}

// keep keeps what a file was parsed to, for files with other names, too, if it is shared.
func (c *Cache) keep(p parsed, made trees, shared bool) {
	c.trees[named{p.file, p.name}] = made
	if !shared {
		return
	}
	if _, known := c.lent[p.text]; !known {
		c.lent[p.text] = lent{p.name, made}
	}
}

// maxShared is the size of texts, in bytes, that are shared: API definitions are long, no two of them are
// the same, and to look through them takes as long as parsing.
const maxShared = 64 << 10

// isShared reports whether what a text is parsed to may be used under other names.
func isShared(p parsed) bool { return len(p.text) <= maxShared && !mayDefine(p.text, p.name) }

// mayDefine reports whether a text may define a template that has the name of a file: under
// another name it would be another template. It would have to write that name, as it is or with
// the numbers of characters or bytes.
func mayDefine(text, name string) bool {
	if !strings.Contains(text, "define") && !strings.Contains(text, "block") {
		return false
	}
	if strings.Contains(text, path.Base(name)) {
		return true
	}
	if !strings.Contains(text, `\`) {
		return false
	}
	for _, written := range [...]string{`\x`, `\u`, `\U`, `\0`, `\1`, `\3`} {
		if strings.Contains(text, written) {
			return true
		}
	}
	return false
}

// parseAhead parses templates side by side, where there are many, for parse to find. What does not
// parse is left to it.
func (c *Cache) parseAhead(list []parsed, own bool) {
	type text struct {
		parsed
		shared bool
	}
	var fresh []text
	size := 0
	begun := map[string]bool{}
	c.mu.Lock()
	for _, p := range list {
		_, known, shared := c.known(p, own)
		if known {
			continue
		}
		if !own && shared {
			if begun[p.text] {
				continue
			}
			begun[p.text] = true
		}
		fresh = append(fresh, text{p, shared})
		size += len(p.text)
	}
	c.mu.Unlock()
	if size < smallSet || runtime.GOMAXPROCS(0) == 1 {
		return
	}
	known := knownFunctions()
	SideBySide(len(fresh), func(i int) {
		// A panic is for who asked: it comes again in parse.
		defer func() { _ = recover() }()
		made, err := parse.Parse(fresh[i].name, fresh[i].text, "", "", known)
		if err == nil {
			c.mu.Lock()
			c.keep(fresh[i].parsed, made, fresh[i].shared)
			c.mu.Unlock()
		}
	})
}

// smallSet is the size of templates, in bytes, below which it is not worth to share the work.
const smallSet = 8 << 10

// knownFunctions are those that a template may name: ours, and those of text/template
// itself, of which the parser wants to know no more than that they are there.
var knownFunctions = sync.OnceValue(func() map[string]any {
	known := functions()
	for _, name := range [...]string{
		"and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf", "println", "slice", "urlquery",
	} {
		known[name] = true
	}
	return known
})
