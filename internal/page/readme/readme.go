// Package readme shows a README as KubeSphere's console does: Markdown without its HTML, and
// without the pictures that the console does not find. What comes out is safe in a page: a
// stranger may have written the README.
package readme

import (
	"bytes"
	"html"
	"html/template"
	"net/url"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Kind is a kind of what a reader of the console does not see.
type Kind string

// The kinds.
const (
	HTML    Kind = "html"    // tags, and of a block of HTML its text
	Picture Kind = "picture" // its address is no http(s) address
	Link    Kind = "link"    // its address leads nowhere in the console
)

// Omission is a piece of a README that a reader of the console does not see.
type Omission struct {
	Kind Kind
	What string // the beginning of it, or an address, in one line
	Line int    // from 1
}

// Text is a README as it is shown.
type Text struct {
	HTML      template.HTML
	Omissions []Omission // in the order of the file
	// Cut says that the file goes on, and is shown up to here.
	Cut bool
}

// Render shows Markdown, in at most so many bytes of HTML: of a longer file the beginning.
// Pictures with http(s) addresses are seen in the console; here their addresses stand in their
// place, as the page asks nobody for anything.
func Render(source []byte, most int) Text {
	source = bytes.TrimPrefix(bytes.ToValidUTF8(source, []byte("\uFFFD")), []byte("\uFEFF"))
	head, cut := beginning(source, most)
	for {
		text, whole := render(head, 2*most)
		text.Cut = cut
		size := len(text.HTML)
		switch {
		case whole && size <= most || len(head) == 0:
			return text
		case whole:
			head, _ = beginning(head, len(head)*most/size*9/10)
		default:
			head, _ = beginning(head, len(head)/2)
		}
		cut = true
	}
}

// render shows Markdown whose links and pictures have so many bytes of addresses at most; of other
// Markdown nothing is shown, and whole is false.
func render(source []byte, addresses int) (text Text, whole bool) {
	seen := &writer{source: source, addresses: addresses}
	shown := goldmark.New(
		goldmark.WithExtensions(extension.Strikethrough, extension.Linkify, extension.TaskList),
		goldmark.WithParserOptions(
			parser.WithParagraphTransformers(util.Prioritized(&tables{extension.NewTableParagraphTransformer(), mostCells}, 200)),
			parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
		),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(
			util.Prioritized(seen, 1),
			// Alignment by styles would be blocked by the page's policy.
			util.Prioritized(extension.NewTableHTMLRenderer(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500),
		)),
	)
	var b bytes.Buffer
	if err := shown.Convert(source, &b); err != nil { // a buffer takes everything: it is of Markdown that is not understood
		return Text{HTML: template.HTML("<pre>" + html.EscapeString(string(source)) + "</pre>")}, true
	}
	if seen.addresses < 0 {
		return Text{}, false
	}
	text.HTML = template.HTML(policy().SanitizeBytes(b.Bytes()))
	text.Omissions = seen.omissions
	return text, true
}

// mostCells bounds the cells of all tables of a text, as goldmark makes them: these can be many more
// than the bytes of a hostile README, and each takes memory.
const mostCells = 50_000

// tables makes tables of paragraphs, as long as there are not too many cells.
type tables struct {
	parser.ParagraphTransformer
	cells int // that may still be made
}

// Transform makes a table of a paragraph that has the line between its head and its rows.
func (t *tables) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	columns, lines := 0, node.Lines()
	for _, line := range lines.Sliced(0, lines.Len()) {
		if text := line.Value(reader.Source()); len(bytes.Trim(text, "|-: \t\v\f\r\n")) == 0 {
			columns = max(columns, 1+bytes.Count(text, []byte("|")))
		}
	}
	if cells := columns * lines.Len(); cells > 0 && cells <= t.cells {
		t.cells -= cells
		t.ParagraphTransformer.Transform(node, reader, pc)
	}
}

// beginning is a text up to most bytes, where it can be at the end of a paragraph or a line.
func beginning(source []byte, most int) (head []byte, cut bool) {
	if len(source) <= most {
		return source, false
	}
	head = source[:most]
	for _, end := range []string{"\n\n", "\n"} {
		if at := bytes.LastIndex(head, []byte(end)); at > most/2 {
			return head[:at], true
		}
	}
	return bytes.ToValidUTF8(head, nil), true
}

var className = lazyregexp.New(`^(?:picture|nowhere|task)$`)

// policy is what may stand in a text: it is a second judge, of what the renderer writes.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "h1", "h2", "h3", "h4", "h5", "h6", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code",
		"em", "strong", "del", "table", "thead", "tbody", "tr", "th", "td", "span")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("class").Matching(className.Compiled()).OnElements("span")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
})

// writer writes the nodes that the console shows in its own way, and notes what it leaves out.
type writer struct {
	source    []byte
	omissions []Omission
	addresses int // bytes of addresses that may still come: many links may refer to one long address
}

// RegisterFuncs names the nodes.
func (w *writer) RegisterFuncs(to renderer.NodeRendererFuncRegisterer) {
	to.Register(ast.KindHTMLBlock, w.htmlBlock)
	to.Register(ast.KindRawHTML, w.rawHTML)
	to.Register(ast.KindImage, w.image)
	to.Register(ast.KindLink, w.link)
	to.Register(extast.KindTaskCheckBox, w.checkBox)
}

func (w *writer) omit(kind Kind, what string, n ast.Node) {
	line := 1 + bytes.Count(w.source[:min(max(n.Pos(), 0), len(w.source))], []byte("\n"))
	w.omissions = append(w.omissions, Omission{kind, excerpt.OneLine(what), line})
}

func (w *writer) htmlBlock(_ util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.HTMLBlock)
	if !entering || n.HTMLBlockType == ast.HTMLBlockType2 { // a comment
		return ast.WalkContinue, nil
	}
	var text []byte
	for _, line := range n.Lines().Sliced(0, n.Lines().Len()) {
		text = append(text, line.Value(w.source)...)
	}
	w.omit(HTML, strings.Join(strings.Fields(string(text)), " "), n)
	return ast.WalkContinue, nil
}

func (w *writer) rawHTML(_ util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.RawHTML)
	if !entering {
		return ast.WalkContinue, nil
	}
	var text []byte
	for _, segment := range n.Segments.Sliced(0, n.Segments.Len()) {
		text = append(text, segment.Value(w.source)...)
	}
	if !bytes.HasPrefix(text, []byte("</")) && !bytes.HasPrefix(text, []byte("<!--")) {
		w.omit(HTML, string(text), n)
	}
	return ast.WalkContinue, nil
}

func (w *writer) image(to util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Image)
	if !entering {
		return ast.WalkContinue, nil
	}
	if w.addresses -= len(n.Destination); w.addresses < 0 {
		return ast.WalkStop, nil
	}
	address := string(n.Destination)
	if !onTheWeb(address) {
		w.omit(Picture, address, n)
		return ast.WalkSkipChildren, nil
	}
	_, _ = to.WriteString(`<span class="picture">`)
	_, _ = to.WriteString(html.EscapeString(strings.TrimSpace(plain(n, w.source) + " " + address)))
	_, _ = to.WriteString(`</span>`)
	return ast.WalkSkipChildren, nil
}

func (w *writer) link(to util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Link)
	if w.addresses -= len(n.Destination); w.addresses < 0 {
		return ast.WalkStop, nil
	}
	address := string(n.Destination)
	target, err := url.Parse(address)
	leads := onTheWeb(address) || err == nil && target.Scheme == "mailto"
	switch {
	case leads && entering:
		_, _ = to.WriteString(`<a href="` + html.EscapeString(string(util.URLEscape(n.Destination, true))) + `">`)
	case leads:
		_, _ = to.WriteString(`</a>`)
	case entering:
		if !strings.HasPrefix(address, "#") {
			w.omit(Link, address, n)
		}
		_, _ = to.WriteString(`<span class="nowhere">`)
	default:
		_, _ = to.WriteString(`</span>`)
	}
	return ast.WalkContinue, nil
}

func (w *writer) checkBox(to util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		box := "☐ "
		if node.(*extast.TaskCheckBox).IsChecked {
			box = "☑ "
		}
		_, _ = to.WriteString(`<span class="task">` + box + `</span>`)
	}
	return ast.WalkContinue, nil
}

// plain is the text in a node.
func plain(node ast.Node, source []byte) string {
	var b strings.Builder
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		if text, ok := child.(*ast.Text); ok {
			b.Write(text.Value(source))
			continue
		}
		b.WriteString(plain(child, source))
	}
	return b.String()
}

// onTheWeb says whether a reader of the console gets to an address.
func onTheWeb(address string) bool {
	target, err := url.Parse(address)
	return err == nil && target.Host != "" && (target.Scheme == "http" || target.Scheme == "https")
}
