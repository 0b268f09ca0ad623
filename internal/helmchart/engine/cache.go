package engine

import (
	"runtime"
	"sync"
	"text/template"
	"text/template/parse"

	"golang.org/x/sync/errgroup"
	"helm.sh/helm/v3/pkg/chart"
)

// Cache keeps what is made of the files of templates, for all trees in which they are:
// an extension is rendered as several trees, which have most charts in common. Files must
// not change. Several may use it at once.
type Cache struct {
	mu    sync.Mutex
	texts map[*chart.File]string
	trees map[named]map[string]*parse.Tree
}

// named is a file under the name by which a tree of charts knows it, which its errors have.
type named struct {
	file *chart.File
	name string
}

// NewCache is an empty one.
func NewCache() *Cache {
	return &Cache{texts: map[*chart.File]string{}, trees: map[named]map[string]*parse.Tree{}}
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
func (c *Cache) parse(t *template.Template, p parsed) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	trees, ok := c.trees[named{p.file, p.name}]
	if !ok {
		var err error
		if trees, err = parse.Parse(p.name, p.text, "", "", knownFunctions()); err != nil {
			_, err := t.Parse(p.text) // which knows all functions, and says what Helm does
			return err
		}
		c.trees[named{p.file, p.name}] = trees
	}
	for name, tree := range trees {
		if _, err := t.AddParseTree(name, tree); err != nil {
			return err
		}
	}
	return nil
}

// parseAhead parses templates side by side, where there are many, for parse to find. What does not
// parse is left to it.
func (c *Cache) parseAhead(list []parsed) {
	var fresh []parsed
	size := 0
	c.mu.Lock()
	for _, p := range list {
		if _, known := c.trees[named{p.file, p.name}]; !known {
			fresh = append(fresh, p)
			size += len(p.text)
		}
	}
	c.mu.Unlock()
	if size < smallSet || runtime.GOMAXPROCS(0) == 1 {
		return
	}
	known := knownFunctions()
	var parsing errgroup.Group
	parsing.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range fresh {
		parsing.Go(func() error {
			// A panic is for who asked: it comes again in parse.
			defer func() { _ = recover() }()
			trees, err := parse.Parse(p.name, p.text, "", "", known)
			if err == nil {
				c.mu.Lock()
				c.trees[named{p.file, p.name}] = trees
				c.mu.Unlock()
			}
			return nil
		})
	}
	_ = parsing.Wait() // there is no error
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
