package kubesphere

import (
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// The console reads constraints with node-semver and its option includePrerelease
// (packages/core/src/containers/Extensions/Management/utils/version.ts of
// https://github.com/kubesphere/console, 2025-06), the controllers with
// Masterminds/semver. The grammar of node-semver is that of its README
// (https://github.com/npm/node-semver, 7.8): alternatives with || between them, each a
// range with a hyphen, or comparisons with blanks between them.
const (
	rangeDigits  = `(?:0|[1-9]\d*)`
	rangeNumber  = `(?:0|[1-9]\d*|[xX*])`
	rangeSuffix  = `(?:-` + rangeWord + `(?:\.` + rangeWord + `)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?`
	rangeWord    = `(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)`
	rangeVersion = `v?` + rangeNumber + `(?:\.` + rangeNumber + `(?:\.` + rangeNumber + rangeSuffix + `)?)?`
	// Nothing but wildcards may stand behind a wildcard, except after ^ and ~.
	rangePlain = `v?(?:` + rangeDigits + `\.` + rangeDigits + `\.` + rangeDigits + rangeSuffix + `|(?:` + rangeDigits + `\.){0,2}[xX*](?:\.[xX*]){0,2}|` +
		`(?:` + rangeDigits + `\.` + rangeNumber + `|[xX*]\.[xX*])\.[xX*]` + rangeSuffix + `|` + rangeDigits + `(?:\.` + rangeDigits + `)?)`
	rangePart = `(?:(?:\^|~>?)\s*` + rangeVersion + `|(?:(?:[<>]=?|=)\s*)?` + rangePlain + `)`
)

var (
	hyphenRange = lazyregexp.New(`^\s*` + rangeVersion + `\s+-\s+` + rangeVersion + `\s*$`)
	comparisons = lazyregexp.New(`^\s*` + rangePart + `(?:\s+` + rangePart + `)*\s*$`)
	comparison  = lazyregexp.New(`^` + rangePart + `$`)
	afterSign   = lazyregexp.New(`([\^~<>=!])\s+`)
	longNumber  = lazyregexp.New(`\d{16,}`)
)

// largestNumber is the largest that node-semver reads in a version, 2^53-1.
const largestNumber = 1<<53 - 1

// NotForConsole is the part of a constraint on versions that keeps KubeSphere's console
// from reading it, such as a comma; it is empty where the console reads the constraint.
// What the controllers read is for others to say.
func NotForConsole(constraint string) string {
	for _, number := range longNumber.FindAllString(constraint, -1) {
		if n, err := strconv.ParseUint(number, 10, 64); err != nil || n > largestNumber {
			return number
		}
	}
	for group := range strings.SplitSeq(constraint, "||") {
		if strings.TrimSpace(group) == "" || comparisons.MatchString(group) || hyphenRange.MatchString(group) {
			continue
		}
		if strings.Contains(group, ",") {
			return ","
		}
		for part := range strings.FieldsSeq(afterSign.ReplaceAllString(group, "$1")) {
			if !comparison.MatchString(part) {
				return part
			}
		}
		return strings.TrimSpace(group)
	}
	return ""
}
