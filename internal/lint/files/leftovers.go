package files

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart/filereads"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Leftovers is the rule leftovers.
func Leftovers() rule.Rule {
	return rule.Rule{
		Name:    "leftovers",
		Summary: "the package has no files that tools leave behind",
		Why: "What lies in the folder of an extension is packed, unless .helmignore names it. Leftovers of editors, build tools " +
			"and of packing itself make the package larger, which may have 1 MiB; they show what was not meant to be " +
			"shown, and make the same commit another package on another machine. Packaged subcharts (charts/*.tgz) are looked into, too. " +
			"What a template reads by .Files is no leftover.",
		Fix: "Name them in .helmignore at the top of the extension, one pattern a line (and none with !, by which Helm leaves out all that it does not match):\n\n" +
			"node_modules/\n*.bak",
		Source: "ksrelease leaves out by itself what is never part of an extension (version control, editors' copies, .env, keys, " +
			"packages at the top); this rule knows what Helm and ksbuilder would pack besides.",
		Codes: []rule.Code{
			{Name: "packed", Meaning: "a file or folder is packed that a tool left behind"},
			{Name: "packed-in-subchart", Meaning: "a packaged subchart holds what tools leave behind"},
		},
		Default: rule.Warning,
		Run:     checkLeftovers,
	}
}

// leftover is a name that some tool gives.
type leftover struct {
	// Pattern is of one part of a path (path.Match). One that ends with a slash is
	// of a folder.
	Pattern string
	// What completes "it looks …".
	What string
}

// leftovers are what is packed if nobody forbids it; what never is (see
// extension.Load) does not reach this rule.
var leftovers = []leftover{
	{".DS_Store", "made by the file manager of macOS"},
	{"._*", "made by macOS on foreign disks"},
	{"__MACOSX/", "made by the archiver of macOS"},
	{"Thumbs.db", "made by the file manager of Windows"},
	{"desktop.ini", "made by the file manager of Windows"},
	{".svn/", "like part of the repository, not of the extension"},
	{".git*/", "like part of the repository, not of the extension"},
	{".git*", "like part of the repository, not of the extension"},
	{".hg*", "like part of the repository, not of the extension"},
	{".bzr*", "like part of the repository, not of the extension"},
	{"node_modules/", "installed by a package manager"},
	{"__pycache__/", "made by Python"},
	{"*.pyc", "made by Python"},
	{".venv/", "installed by a package manager"},
	{".terraform/", "installed by Terraform"},
	{"*.rej", "left by patch"},
	{"*.orig", "left by a merge"},
	{"*.bak", "like a copy that somebody made"},
	{"*.tmp", "left by a program that was cut off"},
	{".*.sw[a-p]", "left by an editor"},
	{"*.sw[a-p]", "left by an editor"},
	{"#*#", "left by an editor"},
	{".#*", "left by an editor"},
	{"*~", "left by an editor"},
	{".idea/", "like settings of an editor"},
	{".vscode/", "like settings of an editor"},
	{"*.iml", "like settings of an editor"},
	{".project", "like settings of an editor"},
	{"npm-debug.log", "left by a package manager"},
	{"*.log", "like a log"},
}

// coreFile is how Linux names the dump of a process that crashed.
var coreFile = lazyregexp.New(`^core(\.\d+)?$`)

// remnant is one thing to leave out: a file, or a folder with all below it.
type remnant struct {
	Name, What string
	Folder     bool
	Files      int
	Bytes      int
}

func checkLeftovers(pass *rule.Pass) {
	for _, r := range remnants(pass) {
		message := fmt.Sprintf("it is packed, and looks %s", r.What)
		pattern := r.Name
		if r.Folder {
			message = fmt.Sprintf("the folder is packed (%s, %s), and looks %s", rule.Counted(r.Files, "file", "files"), rule.Size(r.Bytes), r.What)
			pattern += "/"
		} else if r.Bytes >= 10<<10 {
			message = fmt.Sprintf("it is packed (%s), and looks %s", rule.Size(r.Bytes), r.What)
		}
		pass.Report(rule.Found("packed"), pass.Severity(), rule.Finding{
			File: r.Name, Message: message,
			Hint: "delete it, or add to .helmignore at the top of the extension: " + pattern,
		})
	}
	packagedLeftovers(pass)
}

// packagedLeftovers reports those within each packaged subchart in one finding: they
// are fixed in one go.
func packagedLeftovers(pass *rule.Pass) {
	inside, reads := map[string][]string{}, map[string]*filereads.ReadFiles{}
	known := map[string]string{}
	for _, file := range pass.PackagedFiles() {
		name, what, _ := remnantOf(extension.File{Name: file.Inside, Data: file.Data}, known)
		if what == "" {
			continue
		}
		if reads[file.Archive] == nil {
			var within []filereads.TemplateFile
			for _, f := range pass.PackagedFiles() {
				if f.Archive == file.Archive {
					within = append(within, filereads.TemplateFile{Name: f.Inside, Data: f.Data})
				}
			}
			all := filereads.FilesReadIn(within)
			reads[file.Archive] = &all
		}
		if !isRead(*reads[file.Archive], file.Inside) && !slices.Contains(inside[file.Archive], name) {
			inside[file.Archive] = append(inside[file.Archive], name)
		}
	}
	for _, archive := range rule.SortedKeys(inside) {
		names := inside[archive]
		slices.Sort(names)
		pass.Report(rule.Found("packed-in-subchart", names...), pass.Severity(), rule.Finding{
			File:    archive,
			Message: fmt.Sprintf("the packaged subchart holds what tools leave behind: %s", excerpt.OneLine(strings.Join(names, ", "))),
			Hint:    "pack the subchart anew without it (.helmignore in the subchart), or unpack it into charts/ and leave it out there",
		})
	}
}

// isRead reports whether a file is none that was left behind, for a template reads it.
// Archives may be read by a name that is put together.
func isRead(reads filereads.ReadFiles, name string) bool {
	return reads.Has(name) || isPackage(strings.Split(name, "/")) && reads.May(name)
}

// remnants finds leftovers, each folder of them once.
func remnants(pass *rule.Pass) []remnant {
	var found []remnant
	known := map[string]string{}
	for _, file := range pass.Ext.Files {
		name, what, folder := remnantOf(file, known)
		if what == "" || isRead(readByTemplates(pass), file.Name) {
			continue
		}
		i := slices.IndexFunc(found, func(r remnant) bool { return r.Name == name })
		if i < 0 {
			i = len(found)
			found = append(found, remnant{Name: name, What: what, Folder: folder})
		}
		found[i].Files++
		found[i].Bytes += len(file.Data)
	}
	return found
}

// remnantOf says what of a file is a leftover: a folder above it, or the file
// itself. what is empty where nothing is. known remembers parts of paths, which
// files share.
func remnantOf(file extension.File, known map[string]string) (name, what string, folder bool) {
	parts := strings.Split(file.Name, "/")
	for i, part := range parts {
		folder := i < len(parts)-1
		if folder {
			part += "/"
		}
		what, ok := known[part]
		if !ok {
			what = leftoverPart(part)
			known[part] = what
		}
		if what != "" {
			return path.Join(parts[:i+1]...), what, folder
		}
	}
	base := parts[len(parts)-1]
	if coreFile.MatchString(base) && bytes.HasPrefix(file.Data, []byte("\x7fELF")) {
		return file.Name, "like the dump of a program that crashed", false
	}
	if isPackage(parts) {
		return file.Name, "like a package that was made earlier", false
	}
	return "", "", false
}

// leftoverPart says what a part of a path looks like; a folder ends with a slash.
func leftoverPart(part string) string {
	for _, l := range leftovers {
		if l.Pattern == part {
			return l.What
		}
		if strings.ContainsAny(l.Pattern, "*[") {
			if ok, err := path.Match(l.Pattern, part); ok && err == nil {
				return l.What
			}
		}
	}
	return ""
}

// isPackage reports whether a path is that of a package (NAME-VERSION.tgz, and
// what lies next to it) which is no subchart.
func isPackage(parts []string) bool {
	base := parts[len(parts)-1]
	for _, suffix := range [...]string{".tgz", ".tgz.prov", ".tgz.sig", ".tgz.sha256"} {
		if strings.HasSuffix(base, suffix) {
			return len(parts) < 2 || parts[len(parts)-2] != "charts"
		}
	}
	return false
}
