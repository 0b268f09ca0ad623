package adopt

import (
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

var (
	// assigned is NAME: value, NAME=value and --name value in a line.
	assigned = lazyregexp.New(`([A-Za-z_][A-Za-z0-9_-]*)["']?\s*(?:\?=|:=|=|:)\s*["']?([^\s"'#,;)]+)`)
	// secretName are names of variables and keys that hold secrets.
	secretName = lazyregexp.New(`(?i)(^|[_-])(token|passw(or)?d|secret|api[_-]?key|access[_-]?key|credentials?)$`)
	// flagged are values of flags of commands that log in, and of curl.
	flagged = []struct {
		what string
		find *lazyregexp.Regexp
	}{
		{"a password or token of a login", lazyregexp.New(`\blogin\b[^\n|]*?\s(?:-p|--password|-t|--token)[ =]["']?([^\s"']+)`)},
		{"a password of curl", lazyregexp.New(`\bcurl\b[^\n|]*?\s(?:-u|--user)[ =]["']?[^\s"':]+:([^\s"']+)`)},
		{"a header of curl", lazyregexp.New(`(?i)authorization:\s*(?:bearer|basic|token)\s+([^\s"']+)`)},
		{"a password that is piped into a login", lazyregexp.New(`\b(?:echo|printf)\s+(?:-n\s+)?["']?([^\s"']+)["']?\s*\|[^\n|]*\blogin\b`)},
		{"an address of a chat, which is a key", lazyregexp.New(`https://(?:open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/|hooks\.slack\.com/(?:services|workflows)/|qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=|oapi\.dingtalk\.com/robot/send\?access_token=)([^\s"'&]+)`)},
		{"an address with a password", lazyregexp.New(`://[^/\s:@"']+:([^/\s@"']+)@`)},
	}
	// reference is what stands for a value and is none.
	reference = lazyregexp.New(`[$()]|\{\{|^<|^\*+$|^x+$|^-|^(?i:false|nothing|changeme|write-all|read-all|inherit|required|default|optional|string|steps|secrets|inputs)\b`)
)

// literal says whether a word is a secret as such, and no reference to one.
func literal(word string) bool {
	const shortest = 6
	return len(word) >= shortest && !reference.MatchString(word)
}

// literals finds keys and passwords that stand in files about releases. Their values are kept
// for redaction alone.
func (c *collection) literals(r *Report) {
	for _, f := range c.files {
		if !c.isRelevant[f.file.Path] {
			continue
		}
		number := 0
		for line := range strings.Lines(f.text) {
			number++
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			what := ""
			note := func(name, value string) {
				if literal(value) {
					c.values = append(c.values, value)
					what = name
				}
			}
			for _, m := range assigned.FindAllStringSubmatch(line, -1) {
				if secretName.MatchString(m[1]) {
					note(m[1], m[2])
				}
			}
			for _, flag := range flagged {
				for _, m := range flag.find.FindAllStringSubmatch(line, -1) {
					note(flag.what, m[1])
				}
			}
			if what != "" {
				r.Literals = append(r.Literals, Literal{f.file.Path, number, what})
			}
		}
	}
}
