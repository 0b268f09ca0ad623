package changelog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// date is one in a text, and how another is written in its form.
type date struct {
	start, end int
	write      func(time.Time) string
}

var (
	numericDate = lazyregexp.New(`\b([12][0-9]{3})(-|/|\.)([0-9]{1,2})(-|/|\.)([0-9]{1,2})\b`)
	chineseDate = lazyregexp.New(`([12][0-9]{3})( ?年 ?)([0-9]{1,2})( ?月 ?)([0-9]{1,2})( ?日)`)
	monthDay    = lazyregexp.New(`(?i)\b(` + months + `)(\.? )([0-9]{1,2})(?:st|nd|rd|th)?(,? )([12][0-9]{3})\b`)
	dayMonth    = lazyregexp.New(`(?i)\b([0-9]{1,2})(?:st|nd|rd|th)?( )(` + months + `)(\.?,? )([12][0-9]{3})\b`)
)

const months = `Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?`

// datesIn are the dates in a text, in order. Of forms in which day and month are numbers, those
// that begin with the year are known alone: others mean two things.
func datesIn(text string) (found []date) {
	add := func(at []int, write func(part func(int) string) func(time.Time) string) {
		part := func(i int) string { return text[at[2*i]:at[2*i+1]] }
		found = append(found, date{at[0], at[1], write(part)})
	}
	for _, form := range []*lazyregexp.Regexp{numericDate, chineseDate} {
		for _, at := range form.FindAllStringSubmatchIndex(text, -1) {
			year, month, day := text[at[2]:at[3]], text[at[6]:at[7]], text[at[10]:at[11]]
			if !isDate(year, month, day) {
				continue
			}
			add(at, func(part func(int) string) func(time.Time) string {
				// One digit shows that numbers are not filled up.
				padded := len(month) == 2 && len(day) == 2
				return func(t time.Time) string {
					return t.Format("2006") + part(2) + number(int(t.Month()), padded) + part(4) + number(t.Day(), padded) + text[at[11]:at[1]]
				}
			})
		}
	}
	for _, at := range monthDay.FindAllStringSubmatchIndex(text, -1) {
		add(at, func(part func(int) string) func(time.Time) string {
			return func(t time.Time) string {
				return monthLike(part(1), t) + part(2) + strconv.Itoa(t.Day()) + part(4) + t.Format("2006")
			}
		})
	}
	for _, at := range dayMonth.FindAllStringSubmatchIndex(text, -1) {
		add(at, func(part func(int) string) func(time.Time) string {
			return func(t time.Time) string {
				return strconv.Itoa(t.Day()) + part(2) + monthLike(part(3), t) + part(4) + t.Format("2006")
			}
		})
	}
	slices.SortFunc(found, func(a, b date) int { return a.start - b.start })
	return found
}

func isDate(year, month, day string) bool {
	_, err := time.Parse("2006-1-2", year+"-"+strings.TrimPrefix(month, "0")+"-"+strings.TrimPrefix(day, "0"))
	return err == nil
}

func number(n int, padded bool) string {
	if padded {
		return fmt.Sprintf("%02d", n)
	}
	return strconv.Itoa(n)
}

// monthLike is the name of a month, in full where the one before is.
func monthLike(before string, t time.Time) string {
	const short = 3
	if len(before) > short && !strings.EqualFold(before, "sept") || strings.EqualFold(before, "may") {
		return t.Month().String()
	}
	return t.Month().String()[:short]
}

// withDate is a text in which dates are another day.
func withDate(text string, day time.Time) (changed string, any bool) {
	at := 0
	var out strings.Builder
	for _, d := range datesIn(text) {
		if d.start < at {
			continue
		}
		out.WriteString(text[at:d.start])
		out.WriteString(d.write(day))
		at, any = d.end, true
	}
	out.WriteString(text[at:])
	return out.String(), any
}
