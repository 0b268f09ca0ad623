package texts

import (
	"bytes"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	mdtext "github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
)

// docReference is a link or a picture in a Markdown file.
type docReference struct {
	// Target is the address as written, escapes of Markdown and HTML resolved.
	Target string
	// Picture is set where the reader is to see the target, not to go there.
	Picture bool
	// HTML is set where it is a piece of HTML.
	HTML bool
	// Offset is where in the file the reference begins, in bytes.
	Offset int
}

// htmlPiece is what readers would see of HTML in a Markdown file.
type htmlPiece struct {
	// What is the address of a picture, or the beginning of a text.
	What    string
	Picture bool
	Offset  int
}

// docContent is what of a Markdown file is looked at.
type docContent struct {
	References []docReference
	// HTML are the pictures and texts in HTML that are not seen where HTML is left out:
	// all in a block, and of what stands within a line, whose text stays, the pictures.
	HTML []htmlPiece
}

// contentOf reads the links and pictures of a Markdown file, those in HTML
// included, in the order of the file. Code is no reference, and neither is an
// address in angle brackets, which names no file.
func contentOf(source []byte) docContent {
	// The parser alone, without goldmark.New, which would bring the renderer.
	markdown := parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(parser.DefaultInlineParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
	var content docContent
	// The visitor gives no error, and so Walk gives none.
	_ = ast.Walk(markdown.Parse(mdtext.NewReader(source)), func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Link:
			content.References = append(content.References, docReference{Target: string(n.Destination), Offset: max(n.Pos(), 0)})
		case *ast.Image:
			content.References = append(content.References, docReference{Target: string(n.Destination), Picture: true, Offset: max(n.Pos(), 0)})
		case *ast.RawHTML:
			content.addHTML(source, n.Segments.Sliced(0, n.Segments.Len()), false)
		case *ast.HTMLBlock:
			segments := n.Lines().Sliced(0, n.Lines().Len())
			if n.HasClosure() {
				segments = append(slices.Clone(segments), n.ClosureLine)
			}
			content.addHTML(source, segments, true)
		}
		return ast.WalkContinue, nil
	})
	slices.SortStableFunc(content.References, func(a, b docReference) int { return a.Offset - b.Offset })
	slices.SortStableFunc(content.HTML, func(a, b htmlPiece) int { return a.Offset - b.Offset })
	return content
}

// shownByHTML are elements that show something by themselves.
var shownByHTML = map[string]bool{"img": true, "video": true, "iframe": true, "svg": true, "object": true, "embed": true}

// addHTML adds what is in a piece of HTML that stands in the given segments of the source:
// pictures (img src), links (a href), and what readers would see. Of a block its texts count,
// too; what stands within a line of text is tags alone.
func (c *docContent) addHTML(source []byte, segments []mdtext.Segment, block bool) {
	var text []byte
	for _, segment := range segments {
		text = append(text, segment.Value(source)...)
	}
	tokens, hidden := html.NewTokenizer(bytes.NewReader(text)), false
	for at := 0; ; {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return
		}
		offset := sourceOffset(segments, at)
		at += len(tokens.Raw())
		token := tokens.Token()
		switch kind {
		case html.TextToken:
			if shown := strings.TrimSpace(token.Data); shown != "" && block && !hidden {
				c.HTML = append(c.HTML, htmlPiece{What: shown, Offset: offset})
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			hidden = token.Data == "script" || token.Data == "style"
			c.addTag(token, offset)
		case html.EndTagToken:
			hidden = false
		}
	}
}

func (c *docContent) addTag(token html.Token, offset int) {
	picture := token.Data == "img"
	address := ""
	for _, attribute := range token.Attr {
		if attribute.Key == "src" || token.Data == "a" && attribute.Key == "href" {
			address = strings.TrimSpace(attribute.Val)
		}
	}
	if shownByHTML[token.Data] {
		what := address
		if !picture {
			what = "<" + token.Data + ">"
		}
		c.HTML = append(c.HTML, htmlPiece{What: what, Picture: picture, Offset: offset})
	}
	if address != "" && (picture || token.Data == "a") {
		c.References = append(c.References, docReference{Target: address, Picture: picture, HTML: true, Offset: offset})
	}
}

// sourceOffset is where in the source the i-th byte of the segments stands.
func sourceOffset(segments []mdtext.Segment, i int) int {
	for _, segment := range segments {
		length := segment.Len() + segment.Padding
		if i < length {
			return segment.Start + max(0, i-segment.Padding)
		}
		i -= length
	}
	return 0
}

// onTheWeb reports whether the reference is an http(s) address, or one without a scheme,
// which has that of the page.
func (r docReference) onTheWeb() bool {
	target, err := url.Parse(r.Target)
	return err == nil && target.Host != "" && (target.Scheme == "" || target.Scheme == "http" || target.Scheme == "https")
}

// file is the file that the reference names, as a slash path below the folder of
// the Markdown file. ok is false for an address elsewhere, and for a place in the
// same file.
func (r docReference) file() (name string, ok bool) {
	target, err := url.Parse(r.Target)
	if err != nil || target.Scheme != "" || target.Host != "" || target.Path == "" {
		return "", false
	}
	return path.Clean(strings.TrimLeft(target.Path, "/")), true
}
