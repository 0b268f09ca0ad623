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
	// Offset is where in the file the reference begins, in bytes.
	Offset int
}

// docReferences are the links and pictures of a Markdown file, those in HTML
// included, in the order of the file. Code is no reference, and neither is an
// address in angle brackets, which names no file.
func docReferences(source []byte) []docReference {
	// The parser alone, without goldmark.New, which would bring the renderer.
	markdown := parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(parser.DefaultInlineParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
	var found []docReference
	// The visitor gives no error, and so Walk gives none.
	_ = ast.Walk(markdown.Parse(mdtext.NewReader(source)), func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Link:
			found = append(found, docReference{Target: string(n.Destination), Offset: max(n.Pos(), 0)})
		case *ast.Image:
			found = append(found, docReference{Target: string(n.Destination), Picture: true, Offset: max(n.Pos(), 0)})
		case *ast.RawHTML:
			found = append(found, htmlReferences(source, n.Segments.Sliced(0, n.Segments.Len()))...)
		case *ast.HTMLBlock:
			segments := n.Lines().Sliced(0, n.Lines().Len())
			if n.HasClosure() {
				segments = append(slices.Clone(segments), n.ClosureLine)
			}
			found = append(found, htmlReferences(source, segments)...)
		}
		return ast.WalkContinue, nil
	})
	slices.SortStableFunc(found, func(a, b docReference) int { return a.Offset - b.Offset })
	return found
}

// htmlReferences are those of pictures (img src) and links (a href) in a piece
// of HTML that stands in the given segments of the source.
func htmlReferences(source []byte, segments []mdtext.Segment) []docReference {
	var text []byte
	for _, segment := range segments {
		text = append(text, segment.Value(source)...)
	}
	var found []docReference
	tokens := html.NewTokenizer(bytes.NewReader(text))
	for at := 0; ; {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return found
		}
		begin := at
		at += len(tokens.Raw())
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := tokens.Token()
		wanted := map[string]string{"img": "src", "a": "href"}[token.Data]
		for _, attribute := range token.Attr {
			if wanted != "" && attribute.Key == wanted {
				found = append(found, docReference{
					Target: strings.TrimSpace(attribute.Val), Picture: token.Data == "img", Offset: sourceOffset(segments, begin),
				})
			}
		}
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
