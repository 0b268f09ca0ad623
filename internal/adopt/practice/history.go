package practice

import (
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// ofChanges knows how scripts find out what has changed.
func ofChanges(s subject) (Use, bool) {
	if s.Name() != "git" || !changedFiles.MatchString(s.Text) {
		return Use{}, false
	}
	use := ofChangedList(s.accepts)
	if has(s.Text, "HEAD~1", "HEAD^", "HEAD~") {
		use.Wrong = append(use.Wrong, "of several commits that are pushed at once, only the last one is looked at")
	}
	return use, true
}

func ofChangedList(accepts Accepts) Use {
	use := Use{ID: "changed-files", Does: "lists the files that changed", Cover: Serves, Tool: changesTool}
	use.Wrong = []string{"a list of files does not say which extension changed, nor whether its version did"}
	if use.By = accepts.first("ksrelease changes --since auto"); use.By == "" {
		use.Note = "ksrelease looks at all extensions, and sends those versions that are not there"
	} else {
		use.Note = "it also reports content that changed under an unchanged version"
	}
	return use
}

// changesTool is what a list of changed files is for commands that stay.
const changesTool = "changed files"

// ofVersions knows how scripts change versions, tag and write notes.
func ofVersions(s subject) (Use, bool) {
	use := Use{Cover: Covered}
	text := s.Text
	switch name, args := s.Name(), s.Plain(); {
	case (name == "sed" && has(text, " -i") || name == "yq" && has(text, " -i", "--inplace")) && has(text, "version") && has(text+s.Origin, "extension.yaml"):
		use.ID, use.Does, use.Core = "version-edited", "writes a version into extension.yaml", true
		use.Wrong = []string{"what depends on the extension, its subcharts and its CHANGELOG keep the old version"}
		use.By, use.Note = s.accepts.first("ksrelease bump --patch --dry-run"), "without --dry-run it writes; commit the result, so that the tag is of what is released"
	case name == "git" && len(args) > 2 && args[1] == "tag" && !has(text, " -l", "--list", " -d", "--delete", "--points-at", "--sort"):
		use.ID, use.Does = "git-tag", "makes a tag of a release"
		use.Wrong = []string{"the tag is made whether or not the version was released"}
		use.By, use.Note = s.accepts.first("ksrelease tag"), "it makes the tags that released versions lack; the new workflow may only read, so call it yourself, or in a job that may write"
	case name == "gh" && len(args) > 2 && args[1] == "release" && args[2] == "create", name == "release-cli":
		use.ID, use.Does, use.Cover = "forge-release", "makes a release of the forge", Kept
		use.By, use.Note = s.accepts.first("ksrelease notes NAME"), "ksrelease makes none"
		if use.By != "" {
			use.Note = "ksrelease makes none; the text for it can come from the command above"
		}
		return use, true
	case (name == "awk" || name == "sed" || name == "grep") && has(text, "CHANGELOG"):
		use.ID, use.Does = "release-notes", "takes the notes of a version out of CHANGELOG.md"
		use.Wrong = []string{"a version without a section goes unnoticed"}
		use.By = s.accepts.first("ksrelease notes NAME")
	default:
		return Use{}, false
	}
	if use.By == "" {
		use.Cover, use.Note = Kept, ""
	}
	return use, true
}

// ofCollection knows how an extension is handed to a repository that collects them.
func ofCollection(s subject) (Use, bool) {
	args := s.Plain()
	if s.Name() != "gh" || len(args) < 3 || args[1] != "pr" || args[2] != "create" {
		return Use{}, false
	}
	return Use{
		ID: "collection-request", Does: "opens a pull request, such as one in a repository that collects extensions", Core: isAboutExtensions(s.step), Cover: Kept,
		Note: "ksrelease opens no pull requests; where extensions are released from this repository, it is not needed",
	}, true
}

func isAboutExtensions(step cifile.Step) bool {
	return has(strings.ToLower(step.Script), "extension")
}

// ofCluster knows what is done to a cluster.
func ofCluster(s subject) (Use, bool) {
	args := s.Plain()
	if s.Name() != "kubectl" || len(args) < 2 || !has(strings.ToLower(s.Text+s.Origin), "extension", "installplan", "kubesphere") {
		return Use{}, false
	}
	return Use{
		ID: "cluster", Does: "changes or asks a cluster", Cover: Kept, Note: "ksrelease changes nothing in a cluster",
	}, true
}

// ofCalls knows calls of targets of make and of scripts in the repository.
func ofCalls(s subject) (Use, bool) {
	name, args := s.Name(), s.Plain()
	switch {
	case name == "make":
		dir, _ := s.Flag("-C", "--directory")
		target := ""
		for _, arg := range args[1:] {
			if !strings.Contains(arg, "=") && arg != dir {
				target = arg
				break
			}
		}
		return Use{ID: "call", Calls: target, Make: path.Join(".", dir), Does: "calls make " + target, Cover: Serves}, true
	case (name == "bash" || name == "sh" || name == "source" || name == ".") && len(args) > 1:
		return Use{ID: "call", Calls: args[1], Does: "calls " + args[1], Cover: Serves}, strings.HasSuffix(args[1], ".sh") || strings.HasSuffix(args[1], ".bash")
	case len(s.Words) > 0 && strings.Contains(s.Words[0], "/") && (strings.HasSuffix(name, ".sh") || strings.HasSuffix(name, ".bash")):
		return Use{ID: "call", Calls: s.Words[0], Does: "calls " + s.Words[0], Cover: Serves}, true
	}
	return Use{}, false
}

// ofAction knows the actions of GitHub that are used around releases.
func ofAction(s subject) (Use, bool) {
	action, version, _ := strings.Cut(s.step.Uses, "@")
	use := Use{Command: s.step.Uses}
	if local, ok := strings.CutPrefix(s.step.Uses, "./"); ok {
		return Use{ID: "call", Command: s.step.Uses, Calls: path.Clean(local), Does: "uses the action " + local, Cover: Serves}, true
	}
	switch action {
	case "tj-actions/changed-files", "dorny/paths-filter", "trilom/file-changes-action":
		list := ofChangedList(s.accepts)
		list.Command = use.Command
		use = list
		if !commitHash.MatchString(version) {
			use.Wrong = append(slices.Clone(use.Wrong), "the action is that of a third party, and named by a tag, which can be moved: it sees the secrets of the job")
		}
	case "docker/build-push-action":
		text := s.step.Name
		for _, value := range s.step.With {
			text += " " + value
		}
		if !isMuseum(text) {
			return Use{}, false
		}
		image := museumImage()
		image.Command = use.Command
		return image, true
	case "docker/login-action", "docker/setup-qemu-action", "docker/setup-buildx-action", "redhat-actions/podman-login":
		use.ID, use.Does, use.Cover, use.Tool = "registry-login", "prepares a registry or repository", Serves, registryTool
	case "azure/setup-helm", "oras-project/setup-oras", "imjasonh/setup-crane", "mikefarah/yq":
		use.Tool = map[string]string{"azure/setup-helm": "helm", "oras-project/setup-oras": "oras", "imjasonh/setup-crane": "crane", "mikefarah/yq": "yq"}[action]
		use.ID, use.Does, use.Cover = "install-"+use.Tool, "installs "+use.Tool, Serves
	case "helm/chart-releaser-action":
		use.ID, use.Does, use.Cover, use.Core = "chart-index", "packs charts and makes the index of a Helm repository of them", Kept, true
		use.Note = "ksrelease writes no index; make it of the archives that ksrelease package leaves in dist/"
	case "softprops/action-gh-release", "ncipollo/release-action", "actions/create-release":
		use.ID, use.Does, use.Cover, use.Note = "forge-release", "makes a release of the forge", Kept, "ksrelease makes none"
		if use.By = s.accepts.first("ksrelease notes NAME"); use.By != "" {
			use.Note = "ksrelease makes none; the text for it can come from the command above"
		}
	case "slackapi/slack-github-action", "rtCamp/action-slack-notify", "8398a7/action-slack", "foxundermoon/feishu-action", "zcong1993/actions-ding", "visiky/dingtalk-release-notify":
		use.ID, use.Cover, use.By = "announcement", Covered, "announce in .ksrelease.yaml"
		use.describe(kindOfChat(strings.ToLower(strings.ReplaceAll(action, "ding", "dingtalk"))))
	case "peter-evans/create-pull-request":
		use.ID, use.Does, use.Cover = "collection-request", "opens a pull request, such as one in a repository that collects extensions", Kept
		use.Note = "ksrelease opens no pull requests; where extensions are released from this repository, it is not needed"
	default:
		return Use{}, false
	}
	return use, true
}

var (
	commitHash = lazyregexp.New(`^[0-9a-f]{40}$`)
	// titleInScript is a title that GitHub puts into the text of a script.
	titleInScript = lazyregexp.New(`\$\{\{[^}]*(pull_request\.(title|body)|comment\.body|head_commit\.message|issue\.title)[^}]*\}\}`)
	tagParsed     = lazyregexp.New(`(GITHUB_REF_NAME|GITHUB_REF|github\.ref_name|CI_COMMIT_TAG|TAG_NAME|\bTAG\b|\btag\b|\bref\b)[^\n]*(%%?/|%-v?\*|#\*/|#\*-|cut -d ?['"]?/|-F ?['"]?/)`)
	tagVariable   = lazyregexp.New(`GITHUB_REF_NAME|GITHUB_REF\b|github\.ref|CI_COMMIT_TAG|TAG_NAME`)
)

// ofTriggers knows what a step makes of the title, comment or tag that started it.
func ofTriggers(file *cifile.File, step cifile.Step, accepts Accepts) (uses []Use) {
	text := step.Condition + "\n" + step.Script
	for name, value := range step.Variables {
		if strings.Contains(step.Script, name) {
			text += "\n" + value
		}
	}
	if titles.MatchString(text) && step.Script != "" {
		use := Use{
			ID: "title-trigger", Line: step.Line, Command: strings.TrimSpace(titles.FindString(text)),
			Does: "chooses extensions by a title, a comment or the message of a commit", Cover: Covered,
		}
		use.By = accepts.first(`ksrelease run --title "$TITLE"`)
		if use.By == "" {
			use.Cover, use.Note = Kept, "ksrelease does not read titles; ksrelease run --only NAME takes the names"
		}
		if at := titleInScript.FindStringIndex(step.Script); at != nil {
			use.Line = step.LineOf(1 + strings.Count(step.Script[:at[0]], "\n"))
			use.Wrong = append(use.Wrong, "the text is put into the script before the shell reads it: whoever may write it can have the runner execute anything, with the secrets of the job")
		}
		if has(text, "comment.body") && !has(text, "author_association") {
			use.Wrong = append(use.Wrong, "anybody who can comment starts a release: nobody looks at who wrote it")
		}
		uses = append(uses, use)
	}
	if at := tagParsed.FindStringIndex(step.Script); at != nil && tagVariable.MatchString(text) && has(step.Script, "ksbuilder", "extension", "helm", "oras") {
		use := Use{
			ID: "tag-trigger", Line: step.LineOf(1 + strings.Count(step.Script[:at[0]], "\n")), Does: "takes name and version of an extension out of a tag", Cover: Covered,
			Wrong: []string{"whether extension.yaml has that version is not looked at"},
		}
		use.Command = strings.TrimSpace(lineAt(step.Script, at[0]))
		use.By = accepts.first("ksrelease run --tag auto")
		if use.By == "" {
			use.Cover, use.Note = Kept, "ksrelease does not read tags; ksrelease run --only NAME takes the name"
		}
		uses = append(uses, use)
	}
	return uses
}

func lineAt(text string, offset int) string {
	from := strings.LastIndexByte(text[:offset], '\n') + 1
	line, _, _ := strings.Cut(text[from:], "\n")
	return line
}
