package language

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// fill puts values where a text has verbs. value is asked for the one of a verb by its number. Chinese has a blank
// next to Latin letters and digits, and none between Chinese characters: which one it is, the value tells, unless it
// is of others.
func fill(format string, value func(verb string, at int) (text string, ours bool)) string {
	var b strings.Builder
	next, end := 0, 0
	after := "" // the last value, when the text behind it comes next; empty where its words are those of others
	literal := func(s, before string) {
		if rest, ok := strings.CutPrefix(s, " "); ok && endsWide(after) && beginsWide(rest) {
			s = rest
		}
		if rest, ok := strings.CutSuffix(s, " "); ok && endsWide(rest) && beginsWide(before) {
			s = rest
		}
		b.WriteString(s)
	}
	for _, at := range verb.FindAllStringSubmatchIndex(format, -1) {
		v, put, ours := format[at[0]:at[1]], "", false
		if v == "%%" {
			put = "%"
		} else {
			number := next
			if at[2] >= 0 {
				number, _ = strconv.Atoi(format[at[2]:at[3]])
				number--
			}
			next = number + 1
			put, ours = value(v, number)
		}
		joined := ""
		if ours {
			joined = put
		}
		literal(format[end:at[0]], joined)
		b.WriteString(put)
		after, end = joined, at[1]
	}
	literal(format[end:], "")
	return b.String()
}

// Fill is fmt.Sprintf for a text that is in the language in use already.
func Fill(format string, values ...any) string {
	if Current() == English || len(values) == 0 || strings.Contains(format, "*") {
		return fmt.Sprintf(format, values...)
	}
	return fill(format, func(v string, at int) (string, bool) {
		if at < 0 || at >= len(values) {
			return "%!" + v[len(v)-1:] + "(BADINDEX)", false
		}
		others, isOf := values[at].(interface{ OfOthers() bool })
		if close := strings.IndexByte(v, ']'); close > 0 {
			v = "%" + v[close+1:]
		}
		return fmt.Sprintf(v, values[at]), !(isOf && others.OfOthers())
	})
}

// isWide says that a character is one between which there are no blanks.
func isWide(r rune) bool {
	return unicode.Is(unicode.Han, r) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xff60
}

func beginsWide(s string) bool {
	for strings.HasPrefix(s, "\x1b[") { // a colour
		_, rest, ok := strings.Cut(s, "m")
		if !ok {
			return false
		}
		s = rest
	}
	for _, r := range s {
		return isWide(r)
	}
	return false
}

func endsWide(s string) bool {
	for strings.HasSuffix(s, "m") {
		at := strings.LastIndex(s, "\x1b[")
		if at < 0 || strings.Trim(s[at+2:len(s)-1], "0123456789;") != "" {
			return false
		}
		s = s[:at]
	}
	last := rune(0)
	for _, r := range s[max(0, len(s)-4):] {
		last = r
	}
	return isWide(last)
}
