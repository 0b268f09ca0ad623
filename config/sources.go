package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/ksrelease/ksrelease/internal/configfile"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// packageSuffix is what makes a file a package.
const packageSuffix = ".tgz"

// neverSearched are folders that wildcards do not lead into, besides the output
// folder: what they hold was fetched or made, not written. A path that names one
// (dist/*.tgz) means it.
var neverSearched = []string{".git", "node_modules", ".ksrelease"}

// Source is one extension that the config declares.
type Source struct {
	// Path is the absolute path of its directory or package.
	Path string
	// Display is the path as the user would type it.
	Display string
	// Settings are those of the last entry that matches it.
	Settings Settings
	// Line and Column are the place of that entry's path in the config.
	Line, Column int
}

// Sources finds the extensions that the entries name, sorted by path; where
// several entries match one, the last counts. Display is relative to display
// ("": the folder of the config). Paths and excludes that match nothing are
// a diagnostic.List, all at once, and so are folders that cannot be read: what is in
// them would be passed over without a word.
//
// warn, which may be nil, gets what a pattern passes over and may have been meant:
// git submodules that are not checked out, and links to folders.
func (c *Config) Sources(display string, warn func(string)) ([]Source, error) {
	if display == "" {
		display = c.Dir
	}
	display, err := filepath.Abs(display)
	if err != nil {
		return nil, fmt.Errorf("finding the extensions of %s: %w", c.File, err)
	}
	found := map[string]Source{}
	passed := map[string]bool{} // links to folders
	var problems diagnostic.List
	for _, entry := range c.Entries {
		paths, links, trouble := c.match(entry)
		for _, link := range links {
			passed[link] = true
		}
		problems = append(problems, trouble...)
		for _, path := range paths {
			found[path] = Source{
				Path: path, Display: shown(display, path),
				Settings: entry.Settings, Line: entry.Line, Column: entry.Column,
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	c.warn(found, passed, warn)
	sources := make([]Source, 0, len(found))
	for _, source := range withoutLinks(found) {
		sources = append(sources, source)
	}
	slices.SortFunc(sources, func(a, b Source) int { return strings.Compare(a.Path, b.Path) })
	return sources, nil
}

// withoutLinks leaves out links to others of the extensions: what they lead to is
// one extension, to be released once.
func withoutLinks(found map[string]Source) map[string]Source {
	var links []string
	places := map[string]bool{}
	for path := range found {
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			links = append(links, path)
		} else if place, err := filepath.EvalSymlinks(path); err == nil {
			places[place] = true
		}
	}
	for _, link := range links {
		if place, err := filepath.EvalSymlinks(link); err == nil && places[place] {
			delete(found, link)
		}
	}
	return found
}

// shown is a path relative to a folder, or absolute where there is no way.
func shown(from, path string) string {
	if relative, err := filepath.Rel(from, path); err == nil {
		return relative
	}
	return path
}

// warn says what was passed over: links that lead to extensions which are not released
// otherwise, or to nothing, and submodules that are not checked out.
func (c *Config) warn(found map[string]Source, links map[string]bool, report func(string)) {
	if report == nil {
		return
	}
	places := map[string]bool{}
	for path := range found {
		if place, err := filepath.EvalSymlinks(path); err == nil {
			places[place] = true
		}
	}
	for _, link := range slices.Sorted(maps.Keys(links)) {
		name := c.shown(link)
		if leadsNowhere(link) {
			report(fmt.Sprintf("%s is a link that leads nowhere, so it is passed over: correct it, or exclude it", name))
			continue
		}
		place, err := filepath.EvalSymlinks(link)
		if _, declared := found[link]; !declared && err == nil && !places[place] {
			report(fmt.Sprintf("%s is a link to an extension, and ** does not follow links to folders, so it is passed over: name it by its path, or exclude it", name))
		}
	}
	for _, module := range submodules(c.Dir) {
		if module.checkedOut() {
			continue
		}
		name := c.shown(module.path)
		for path, source := range found {
			if strings.HasPrefix(module.path, path+string(filepath.Separator)) {
				report(fmt.Sprintf("%s is a git submodule that is not checked out, and missing in the package of %s: run %s", name, source.Display, module.hint(c)))
			}
		}
		if slices.ContainsFunc(c.Entries, func(e Entry) bool { return hasWildcard(e.Path) && c.mayMatch(e, module.path) }) {
			report(fmt.Sprintf("%s is a git submodule that is not checked out, so what is in it is passed over: run %s, or exclude it", name, module.hint(c)))
		}
	}
}

// shown is an absolute path for a message: relative to the folder of the config.
func (c *Config) shown(path string) string { return filepath.ToSlash(shown(c.Dir, path)) }

// match lists the extensions of one entry as absolute paths, and the links that it
// passes over: those to extensions, which ** does not follow, and those to nothing.
func (c *Config) match(entry Entry) (extensions, links []string, problems diagnostic.List) {
	where := func(key ...string) []string {
		return append([]string{"extensions", strconv.Itoa(entry.index)}, key...)
	}
	candidates, unread, err := c.glob(entry.Path, entry.Settings.Package.Output)
	if err != nil {
		return nil, nil, diagnostic.List{c.Problem(CodeUnreadable, fmt.Sprintf("looking for %q: %s", entry.shown(entry.Path), err), "", where("path")...)}
	}
	excluded := func(path string) bool {
		return slices.ContainsFunc(entry.Exclude, func(exclude string) bool { return c.excludes(exclude, path) })
	}
	for _, u := range unread {
		if !excluded(u.path) {
			problems = append(problems, c.Problem(CodeUnreadable, fmt.Sprintf("looking for %q: %s cannot be read: %s", entry.shown(entry.Path), c.shown(u.path), u.cause), unreadableHint, where("path")...))
		}
	}
	all := 0 // extensions, excluded ones too
	follows := !strings.Contains(entry.Path, "**")
	for _, path := range candidates {
		is, trouble := examine(path)
		switch {
		case trouble != nil && excluded(path):
		case trouble != nil:
			problems = append(problems, c.Problem(trouble.code, c.shown(filepath.Join(path, trouble.in))+" "+trouble.what, trouble.hint, where("path")...))
		case !is && follows && leadsNowhere(path) && !excluded(path):
			links = append(links, path)
		case !is:
		case !follows && isLinkToFolder(path):
			if !excluded(path) {
				links = append(links, path)
			}
		default:
			all++
			if !excluded(path) {
				extensions = append(extensions, path)
			}
		}
	}
	if all == 0 && len(problems) == 0 {
		message, hint := c.explainNothing(entry, candidates)
		if len(links) > 0 && !follows {
			message = fmt.Sprintf("%q matches nothing but links to folders, which ** does not follow", entry.shown(entry.Path))
			hint = fmt.Sprintf("name them by their paths, such as %q", c.shown(links[0]))
		}
		return nil, nil, diagnostic.List{c.Problem(CodeNoMatch, message, hint, where("path")...)}
	}
	for i, exclude := range entry.Exclude {
		unreadable := func(u unreadable) bool { return c.excludes(exclude, u.path) }
		if !slices.ContainsFunc(candidates, func(path string) bool { return c.excludes(exclude, path) }) && !slices.ContainsFunc(unread, unreadable) {
			message := fmt.Sprintf("%q excludes nothing: %q does not match it", entry.shown(exclude), entry.shown(entry.Path))
			hint := ""
			if len(entry.written) == 0 {
				hint = c.nearestOf(exclude, candidates)
			}
			problems = append(problems, c.Problem(CodeExcludesNothing, message, hint, where("exclude", strconv.Itoa(i))...))
		}
	}
	if len(extensions) == 0 && len(problems) == 0 {
		problems = append(problems, c.Problem(CodeNoMatch,
			fmt.Sprintf("%q matches nothing but what is excluded", entry.shown(entry.Path)), "remove the entry, or exclude less", where("path")...))
	}
	return extensions, links, problems
}

// unreadableHint is what to do about a file or folder that cannot be read.
const unreadableHint = "let the user who runs ksrelease read it, or exclude it"

// leadsNowhere reports whether a path is a symbolic link to nothing: what it should
// lead to may be in a submodule that is not checked out.
func leadsNowhere(path string) bool {
	link, err := os.Lstat(path)
	if err != nil || link.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	_, err = os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// isLinkToFolder reports whether a path is a symbolic link to a folder.
func isLinkToFolder(path string) bool {
	link, err := os.Lstat(path)
	if err != nil || link.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// shown is a path of the entry for a message: as it is written where variables are
// in it.
func (e Entry) shown(path string) string {
	if written, ok := e.written[path]; ok {
		return written
	}
	return path
}

// writtenPaths are the paths of an entry that have variables in them, as they are
// written, by what they became.
func writtenPaths(doc *yamldoc.Document, index int, entry configfile.Entry) map[string]string {
	written := map[string]string{}
	note := func(path string, ptr ...string) {
		raw, _, _ := doc.Raw(append([]string{"extensions", strconv.Itoa(index)}, ptr...)...)
		if raw != path && strings.Contains(raw, "${") {
			written[path] = raw
		}
	}
	note(value(entry.Path), "path")
	for i, exclude := range entry.Exclude {
		note(exclude, "exclude", strconv.Itoa(i))
	}
	return written
}

// glob lists what a pattern matches, whether extension or not, and what could not be
// looked into on the way.
func (c *Config) glob(pattern, output string) (matches []string, unread []unreadable, err error) {
	if !hasWildcard(pattern) {
		path := absolute(c.Dir, unescaped(pattern))
		_, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil, nil, nil
		}
		return []string{path}, nil, failure.WithoutPath(err)
	}
	base, pattern := c.base(pattern)
	tree := searched{
		FS: os.DirFS(base), base: base, hidden: []string{output, c.Defaults.Package.Output},
		charts: slices.Contains(strings.Split(pattern, "/"), chartsFolder), unread: &unread,
	}
	var options []doublestar.GlobOption
	if strings.Contains(pattern, "**") {
		options = append(options, doublestar.WithNoFollow())
	}
	matches, err = doublestar.Glob(tree, pattern, options...)
	if err != nil {
		return nil, nil, failure.WithoutPath(err)
	}
	for i, match := range matches {
		matches[i] = filepath.Join(base, filepath.FromSlash(match))
	}
	return matches, unread, nil
}

// unreadable is a folder or file that could not be looked into.
type unreadable struct {
	path  string // absolute
	cause error
}

// base divides a pattern into the folder at which it starts and the rest. The
// folder of the config is no part of the pattern: its name may hold wildcards.
func (c *Config) base(pattern string) (base, rest string) {
	pattern = path.Clean(pattern)
	if path.IsAbs(pattern) {
		base, rest = doublestar.SplitPattern(pattern)
		return filepath.FromSlash(base), rest
	}
	base = c.Dir
	for strings.HasPrefix(pattern, "../") {
		base, pattern = filepath.Dir(base), pattern[len("../"):]
	}
	return base, pattern
}

// searched is a tree without the folders that are never looked into.
type searched struct {
	fs.FS
	base   string
	hidden []string // absolute
	// charts says that the pattern itself names a charts folder.
	charts bool
	unread *[]unreadable
}

// chartsFolder holds the subcharts of an extension: they are part of it, whatever is in
// them.
const chartsFolder = "charts"

// ReadDir lists a folder as fs.ReadDir does, without what is never looked into.
func (s searched) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(s.FS, name)
	s.note(name, err)
	isExtension := slices.ContainsFunc(entries, func(entry fs.DirEntry) bool { return entry.Name() == naming.MetadataFile })
	return slices.DeleteFunc(entries, func(entry fs.DirEntry) bool {
		if isExtension && entry.Name() == chartsFolder && !s.charts {
			return true
		}
		if !entry.IsDir() {
			return false
		}
		at := filepath.Join(s.base, filepath.FromSlash(name), entry.Name())
		return slices.Contains(neverSearched, entry.Name()) || slices.Contains(s.hidden, at)
	}), err
}

// Stat keeps links working: fs.Stat on the embedded tree follows them.
func (s searched) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(s.FS, name)
	s.note(name, err)
	return info, err
}

// note remembers what could not be looked into; that nothing is there is no trouble.
func (s searched) note(name string, err error) {
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
		return
	}
	path := filepath.Join(s.base, filepath.FromSlash(name))
	if !slices.ContainsFunc(*s.unread, func(u unreadable) bool { return u.path == path }) {
		*s.unread = append(*s.unread, unreadable{path, failure.WithoutPath(err)})
	}
}

// trouble is why it is not known whether a path is an extension, or why it is none
// though it was meant as one.
type trouble struct {
	code       string // of Codes
	in         string // the file in it; empty for the path itself
	what, hint string
}

func cannotRead(in string, err error) *trouble {
	return &trouble{CodeUnreadable, in, "cannot be read: " + failure.WithoutPath(err).Error(), unreadableHint}
}

// Examine reports whether a path is worth reading as an extension: a directory with an
// extension.yaml, or a file .tgz. wrong, which is nil otherwise, says of the path why that
// is not known, or why it is none though it was meant as one.
func Examine(path string) (is bool, wrong *diagnostic.Diagnostic) {
	is, found := examine(path)
	if found == nil {
		return is, nil
	}
	return false, &diagnostic.Diagnostic{
		Code: found.code, Severity: diagnostic.Error, File: path,
		Message: strings.TrimSpace(found.in + " " + found.what), Hint: found.hint, Subject: found.in,
	}
}

func examine(path string) (bool, *trouble) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP):
		return false, nil
	case err != nil:
		return false, cannotRead("", err)
	case !info.IsDir():
		return info.Mode().IsRegular() && strings.HasSuffix(path, packageSuffix), nil
	}
	at := filepath.Join(path, naming.MetadataFile)
	link, err := os.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		info, err = os.Stat(at)
	}
	switch {
	case err != nil && link != nil && link.Mode()&fs.ModeSymlink != 0 && !errors.Is(err, fs.ErrPermission):
		return false, &trouble{CodeNotAnExtension, naming.MetadataFile, "is a link that leads nowhere", "put the file itself there, or correct the link"}
	case err != nil:
		return false, cannotRead(naming.MetadataFile, err)
	case info.IsDir():
		return false, &trouble{CodeNotAnExtension, naming.MetadataFile, "is a folder, and has to be a file", "rename the folder, or exclude what is no extension"}
	}
	return true, nil
}

func isExtension(path string) bool {
	is, _ := examine(path)
	return is
}

// Excludes reports whether the exclude of any entry names an absolute path or a folder above it.
func (c *Config) Excludes(path string) bool {
	return slices.ContainsFunc(c.Entries, func(entry Entry) bool {
		return slices.ContainsFunc(entry.Exclude, func(exclude string) bool { return c.excludes(exclude, path) })
	})
}

// excludes reports whether an exclude names a path or a folder above it.
func (c *Config) excludes(exclude, path string) bool {
	pattern := exclude
	base := ""
	if hasWildcard(exclude) {
		base, pattern = c.base(exclude)
	} else {
		excluded := absolute(c.Dir, unescaped(exclude))
		return path == excluded || strings.HasPrefix(path, excluded+string(filepath.Separator))
	}
	relative, err := filepath.Rel(base, path)
	if err != nil {
		return false
	}
	for at := filepath.ToSlash(relative); at != "." && at != "/"; at = parentOf(at) {
		if doublestar.MatchUnvalidated(pattern, at) {
			return true
		}
	}
	return false
}

func parentOf(at string) string { return path.Dir(at) }

// explainNothing says why a path of an entry has no extension, and what was probably
// meant; where the path came out of the environment, as it is written and no more.
func (c *Config) explainNothing(entry Entry, candidates []string) (message, hint string) {
	if len(entry.written) > 0 {
		message, _ = c.explainPath(entry.Path, entry.shown(entry.Path), candidates)
		return message, ""
	}
	for _, module := range submodules(c.Dir) {
		if !module.checkedOut() && c.mayMatch(entry, module.path) {
			return fmt.Sprintf("%q matches no extension: %s is a git submodule that is not checked out", entry.Path, c.shown(module.path)),
				"run " + module.hint(c)
		}
	}
	return c.explainPath(entry.Path, entry.Path, candidates)
}

func (c *Config) explainPath(pattern, shown string, candidates []string) (message, hint string) {
	switch {
	case len(candidates) == 0:
		return fmt.Sprintf("%q matches nothing", shown), c.nearestPath(pattern)
	case len(candidates) > 1 || hasWildcard(pattern):
		return fmt.Sprintf("%q matches no extension: nothing there is a %s file or a directory with an %s", shown, packageSuffix, naming.MetadataFile), ""
	}
	info, err := os.Stat(candidates[0])
	switch {
	case err == nil && info.IsDir():
		return fmt.Sprintf("%q is a directory without an %s", shown, naming.MetadataFile), c.extensionsBelow(pattern, candidates[0])
	case filepath.Base(candidates[0]) == naming.MetadataFile:
		return fmt.Sprintf("%q is a file; an extension is named by its directory", shown), fmt.Sprintf("write %q", path.Dir(pattern))
	}
	return fmt.Sprintf("%q is neither a directory nor a package %s", shown, packageSuffix), ""
}

// extensionsBelow proposes a glob for a folder that holds extensions.
func (c *Config) extensionsBelow(pattern, dir string) string {
	entries, _ := os.ReadDir(dir) // without an answer there is no proposal
	for _, entry := range entries {
		if isExtension(filepath.Join(dir, entry.Name())) {
			return fmt.Sprintf("did you mean %q?", strings.TrimSuffix(pattern, "/")+"/*")
		}
	}
	return ""
}

// nearestPath follows a path until a part of it does not exist, and looks for
// one next to it that is spelt alike.
func (c *Config) nearestPath(pattern string) string {
	base, rest := c.base(pattern)
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		if hasWildcard(part) {
			return ""
		}
		if _, err := os.Stat(filepath.Join(base, part)); err == nil {
			base = filepath.Join(base, part)
			continue
		}
		near, ok := yamldoc.Nearest(part, namesIn(base))
		if !ok {
			return ""
		}
		meant := filepath.Join(append([]string{base, near}, parts[i+1:]...)...)
		if path.IsAbs(pattern) {
			return fmt.Sprintf("did you mean %q?", meant)
		}
		return fmt.Sprintf("did you mean %q?", filepath.ToSlash(shown(c.Dir, meant)))
	}
	return ""
}

func namesIn(dir string) []string {
	entries, _ := os.ReadDir(dir) // a folder that cannot be read proposes nothing
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

func (c *Config) nearestOf(exclude string, candidates []string) string {
	relative := make([]string, len(candidates))
	for i, candidate := range candidates {
		relative[i] = filepath.ToSlash(shown(c.Dir, candidate))
	}
	if near, ok := yamldoc.Nearest(exclude, relative); ok && !hasWildcard(exclude) {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "paths to exclude start at the folder of the config, as path does"
}

// hasWildcard reports whether a path is a glob.
func hasWildcard(pattern string) bool {
	escaped := false
	for _, c := range pattern {
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case strings.ContainsRune("*?[{", c):
			return true
		}
	}
	return false
}

// unescaped is a plain path without the backslashes that keep a wildcard from
// being one.
func unescaped(pattern string) string {
	var b strings.Builder
	escaped := false
	for _, c := range pattern {
		if c == '\\' && !escaped {
			escaped = true
			continue
		}
		escaped = false
		b.WriteRune(c)
	}
	return b.String()
}

// checkPatterns reports globs that do not parse.
func checkPatterns(doc *yamldoc.Document, written *configfile.File) diagnostic.List {
	var problems diagnostic.List
	check := func(pattern string, ptr ...string) {
		if strings.Contains(pattern, "${") {
			return // a reference that could not be expanded is a problem already
		}
		if message, hint := tooMuch(pattern); message != "" {
			problems = append(problems, mistake(doc, CodeCostlyPattern, message, hint, ptr...))
			return
		}
		if !doublestar.ValidatePattern(pattern) {
			written, _, _ := doc.Raw(ptr...)
			problems = append(problems, mistake(doc, CodeInvalidPattern,
				fmt.Sprintf("%q is no valid pattern: a [ or { is not closed, or a \\ ends it", written),
				`close it, or write \[ and \{ for the characters themselves`, ptr...))
		}
	}
	for i, entry := range written.Extensions {
		at := strconv.Itoa(i)
		check(value(entry.Path), "extensions", at, "path")
		for j, exclude := range entry.Exclude {
			check(exclude, "extensions", at, "exclude", strconv.Itoa(j))
		}
	}
	return problems
}

// What a pattern may ask for. Each ** tries all folders below, for each folder that the
// one before tried, and each {a,b} doubles what is tried.
const (
	longestPattern   = 1024 // bytes
	mostDoubleStars  = 3
	mostAlternatives = 256
)

// tooMuch says why a pattern may take longer than anybody waits; it is empty where
// it does not.
func tooMuch(pattern string) (message, hint string) {
	if len(pattern) > longestPattern {
		return fmt.Sprintf("the pattern has %d bytes, more than %d", len(pattern), longestPattern), "write several entries"
	}
	if n := strings.Count(pattern, "**"); n > mostDoubleStars {
		return fmt.Sprintf("%q has ** %d times, more than %d times", pattern, n, mostDoubleStars), "one ** stands for any number of folders: name those between"
	}
	alternatives := 1
	var open []int // the alternatives of each brace that is open
	escaped := false
	for _, c := range pattern {
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '{':
			open = append(open, 1)
		case c == ',' && len(open) > 0:
			open[len(open)-1]++
		case c == '}' && len(open) > 0:
			alternatives = min(alternatives*open[len(open)-1], longestPattern)
			open = open[:len(open)-1]
		}
	}
	if alternatives > mostAlternatives {
		return fmt.Sprintf("%q stands for more than %d patterns", pattern, mostAlternatives), "write fewer {a,b}, or several entries"
	}
	return "", ""
}
