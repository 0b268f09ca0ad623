package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/redact"
)

// messageLength is how much of a server's words an error shows, in characters.
const messageLength = 300

var (
	title = lazyregexp.New(`(?is)<title[^>]*>(.*?)</title\s*>`)
	// unseen is what a browser does not show of a page.
	unseen = lazyregexp.New(`(?is)<(script|style|head)\b.*?</(script|style|head)\s*>|<!--.*?-->|<!doctype[^>]*>`)
	tag    = lazyregexp.New(`(?s)<[^>]*>`)
)

// message is what an answer of failure says, with secrets redacted: the message of a JSON object, the
// title (or first line of text) of a page, the first line of anything else. It
// is one line without control characters, so that no server writes to a
// terminal more than its words.
func message(body []byte, secrets *redact.Redactor) string {
	if text := jsonMessage(body); text != "" {
		return capped(oneLine(text), secrets)
	}
	return capped(excerpt(body), secrets)
}

// description says what an answer is, and nothing of what is in it.
func description(header http.Header, size int, more bool) string {
	if size == 0 {
		return ""
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		kind = "unknown type"
	}
	atLeast := ""
	if more {
		atLeast = "at least "
	}
	return fmt.Sprintf("the answer has %s%s of %s", atLeast, humanize.IBytes(uint64(size)), capped(oneLine(kind), nil))
}

// Describe says what an answer is, by its size and type, and quotes nothing of it.
func Describe(r *Response) string { return description(r.Header, len(r.Body), false) }

// DescribeStream is Describe for an answer of which so many bytes were read.
func DescribeStream(r *Response, read int) string { return description(r.Header, read, false) }

// IsPage says that a body is an HTML or XML page: what a proxy or a login page
// answers with where JSON or YAML was asked for.
func IsPage(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, "\ufeff \t\r\n"), []byte("<"))
}

// Excerpt is the first line of a body as an error may show it; empty where the
// body is no text.
func Excerpt(body []byte) string { return capped(excerpt(body), nil) }

func excerpt(body []byte) string {
	if IsPage(body) {
		return pageMessage(string(body))
	}
	return firstLine(string(body))
}

// jsonMessage finds the words of an error in the forms that servers use:
// {"message": …}, as KubeSphere Cloud does, and a few others of gateways.
func jsonMessage(body []byte) string {
	var answer map[string]any
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	for _, key := range []string{"message", "error_description", "error", "detail", "msg", "reason"} {
		switch value := answer[key].(type) {
		case string:
			if value != "" {
				return value
			}
		case map[string]any:
			if text, ok := value["message"].(string); ok && text != "" {
				return text
			}
		}
	}
	return firstOfErrors(answer["errors"])
}

// firstOfErrors reads the form of OCI registries, {"errors": [{"message": …}]}.
func firstOfErrors(list any) string {
	errs, _ := list.([]any)
	if len(errs) == 0 {
		return ""
	}
	first, _ := errs[0].(map[string]any)
	text, _ := first["message"].(string)
	return text
}

func pageMessage(page string) string {
	if found := title.FindStringSubmatch(page); found != nil {
		if text := oneLine(html.UnescapeString(found[1])); text != "" {
			return text
		}
	}
	return firstLine(html.UnescapeString(tag.ReplaceAllString(unseen.ReplaceAllString(page, "\n"), "\n")))
}

// firstLine is the first line with something to read in it.
func firstLine(text string) string {
	if strings.ContainsRune(text, 0) {
		return ""
	}
	for line := range strings.Lines(text) {
		if line = oneLine(line); line != "" {
			return line
		}
	}
	return ""
}

// oneLine joins lines and drops what does not print.
func oneLine(text string) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(printable), " ")
}

// capped is as much of a line as an error shows. Secrets are redacted before it is
// cut, which would leave a part of one that nobody knows again.
func capped(line string, secrets *redact.Redactor) string {
	shown := []rune(redact.Userinfo(secrets.Text(line)))
	if len(shown) > messageLength {
		return string(shown[:messageLength]) + "…"
	}
	return string(shown)
}
