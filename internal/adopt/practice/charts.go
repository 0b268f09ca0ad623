package practice

import (
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/adopt/shellscript"
)

// ofHelm knows what is done with helm, ct and cr.
func ofHelm(s subject) (Use, bool) {
	name, args := s.Name(), s.Plain()
	command := ""
	if len(args) > 1 {
		command = args[1]
	}
	use := Use{Core: true}
	switch {
	case name == "helm" && command == "lint", name == "ct" && strings.HasPrefix(command, "lint"):
		use.ID, use.Does, use.Cover = "helm-lint", "lints charts as Helm does", Covered
		use.Wrong = append(ofChangedFolders(s.Command, linted), ofFailures(s.Command)...)
		if _, with := s.Flag("--with-subcharts"); !with && name == "helm" && !has(s.Text, "/charts") {
			use.Wrong = append(use.Wrong, "without --with-subcharts the charts below charts/ are passed over, and these are what an extension consists of")
		}
		use.By = s.accepts.first("ksrelease lint --since auto", "ksrelease lint")
		use.Note = "the rule helm-lint says what helm lint says, for all subcharts"
	case name == "helm" && command == "template":
		use.ID, use.Does, use.Cover = "helm-template", "renders charts, to see that they do", Covered
		use.By = s.accepts.first("ksrelease lint --since auto", "ksrelease lint")
		use.Note = "lint renders each extension as KubeSphere installs it, for host and agent"
	case name == "helm" && command == "diff", name == "dyff":
		use.ID, use.Does, use.Cover, use.Core = "manifest-diff", "shows what changes in rendered manifests", Covered, name == "helm"
		use.Wrong = []string{"certificates and passwords that Helm makes up anew show as changes; values, rights and images are left to the reader"}
		use.By = s.accepts.first("ksrelease diff --against origin/main")
	case name == "helm" && (command == "dependency" || command == "dep"):
		use.ID, use.Does, use.Cover, use.Core = "helm-dependency", "brings in the charts that an extension depends on", Covered, false
		use.Wrong = []string{"it writes Chart.lock and charts/ anew, with other time stamps, so that the tree is dirty and the same content looks changed"}
		use.By, use.Note = s.accepts.first("ksrelease package"), "dependencies are fetched into memory where they are missing; run and lint do so, too"
		if slices.ContainsFunc(s.all, func(c shellscript.Command) bool { return isUpstream(s.of(c)) }) {
			use.Cover, use.By, use.Note, use.Wrong = Kept, "", "the chart that is packed next needs it", nil
		}
	case name == "helm" && command == "package" && isUpstream(s):
		use.ID, use.Does, use.Cover = "upstream-chart", "packs another chart that becomes a part of the extension", Kept
		use.Note = "keep it in front of ksrelease, in the new workflow; or make it a hook of the extension (before and after in .ksrelease.yaml), which run and package run by themselves"
		use.Wrong = []string{"the tree is dirty in between: a step that ends early leaves the archive in it"}
	case name == "helm" && command == "package":
		use.ID, use.Does, use.Cover = "helm-package", "packs an archive with helm", Covered
		use.Wrong = append(ofChangedFolders(s.Command, packed), "the archives are not reproducible: packed again, the same content has other bytes")
		use.By = s.accepts.first("ksrelease package")
		use.Note = "archives and checksums are in dist/, or where package.output says; equal content has equal bytes"
	case name == "helm" && (command == "push" || command == "cm-push"), name == "oras" && command == "push" && archives.MatchString(s.Text):
		use.ID, use.Does, use.Cover = "chart-push", "sends archives to a chart repository or registry", Kept
		use.Wrong = append(ofFailures(s.Command), "it does not look at what is there: the bytes of a released version may change")
		use.Note = "ksrelease has no such target; give this step the archives that ksrelease package leaves in dist/"
	case name == "curl" && has(s.Text, "/api/charts"):
		use.ID, use.Does, use.Cover = "chart-push", "sends archives to a ChartMuseum", Kept
		use.Wrong = append(ofFailures(s.Command), "without --fail, curl exits 0 where the server refuses")
		if has(s.Text, " -f", "--fail") {
			use.Wrong = use.Wrong[:len(use.Wrong)-1]
		}
		use.Note = "ksrelease has no such target; give this step the archives that ksrelease package leaves in dist/"
	case name == "helm" && command == "repo" && len(args) > 2 && args[2] == "index", name == "cr":
		use.ID, use.Does, use.Cover = "chart-index", "makes the index of a Helm repository", Kept
		use.Wrong = []string{"without --merge the time of each version is that of this run, and versions whose archives are not here are gone"}
		if has(s.Text, "--merge") || name == "cr" {
			use.Wrong = nil
		}
		use.Note = "ksrelease writes no index; make it of the archives that ksrelease package leaves in dist/"
	case name == "helm" && (command == "upgrade" || command == "install" || command == "uninstall" || command == "test"):
		use.ID, use.Does, use.Cover, use.Core = "helm-install", "installs a chart into a cluster", Kept, false
		use.Note = "ksrelease installs nothing into a cluster"
	case name == "helm" && (command == "registry" || command == "repo"), name == "docker" && command == "login", name == "oras" && command == "login",
		name == "crane" && command == "auth", name == "skopeo" && command == "login", name == "podman" && command == "login", name == "regctl" && command == "registry":
		use.ID, use.Does, use.Cover, use.Core = "registry-login", "prepares a registry or repository", Serves, false
		use.Tool = registryTool
	case name == "helm":
		use.ID, use.Does, use.Cover, use.Core = "helm-other", "calls helm "+command, Serves, false
		use.Tool = "helm"
	default:
		return Use{}, false
	}
	if use.Cover == Covered && use.By == "" {
		use.Cover = Kept
	}
	return use, true
}

// isUpstream reports whether a command packs with helm what is put into the charts of an extension.
func isUpstream(s subject) bool {
	if s.Name() != "helm" || !isPacking(s.Command) {
		return false
	}
	into, _ := s.Flag("-d", "--destination")
	if inCharts(into) {
		return true
	}
	for _, other := range s.all {
		if name := other.Name(); (name == "mv" || name == "cp") && archives.MatchString(other.Text) {
			if words := other.Words; inCharts(words[len(words)-1]) {
				return true
			}
		}
	}
	return false
}

func inCharts(place string) bool {
	place = strings.TrimSuffix(place, "/")
	return place == "charts" || strings.HasSuffix(place, "/charts")
}

const archivesCommitted = "archives-committed"

// ofArchives knows what is done with archives that were packed.
func ofArchives(s subject) (Use, bool) {
	args := s.Plain()
	switch s.Name() {
	case "git":
		if len(args) < 2 || args[1] != "add" && args[1] != "commit" && args[1] != "push" || !s.commits && !commitsArchives(s) {
			return Use{}, false
		}
		use := Use{ID: archivesCommitted, Does: "commits archives to the repository and pushes them", Core: true, Cover: Kept}
		use.Wrong = []string{
			"what is packed again has other bytes, so that there is a commit also where nothing changed, and the bytes of a version change",
			"each commit keeps all archives once more: the repository grows without end",
		}
		use.Note = "with ksrelease package equal content has equal bytes, so that only what changed is committed; better, keep archives out of git and build what needs them from dist/"
		return use, true
	case "rm":
		if !within(s.Command, overPacked) {
			return Use{}, false
		}
		return Use{
			ID: "archives-filtered", Does: "removes archives by their names, such as those of pre-releases", Core: true, Cover: Kept,
			Wrong: []string{"the version is guessed from the file name"},
			Note:  "ksrelease does not choose between versions by their form; name the extensions instead: ksrelease package PATH…",
		}, true
	case "docker", "podman", "buildah", "nerdctl":
		if len(args) < 2 || args[1] != "build" && args[1] != "buildx" && args[1] != "bud" || !isMuseum(s.Text+" "+s.step.Name+" "+s.Origin) {
			return Use{}, false
		}
		return museumImage(), true
	}
	return Use{}, false
}

func museumImage() Use {
	return Use{
		ID: "museum-image", Does: "builds an image of a ChartMuseum that holds the archives", Core: true, Cover: Kept,
		Wrong: []string{"what is packed again has other bytes: two images of one state of the repository differ"},
		Note:  "ksrelease builds no image; build it from the archives that ksrelease package leaves in dist/",
	}
}

func isMuseum(text string) bool { return has(strings.ToLower(text), "museum") }

// commitsArchives reports whether what is added to git, here or in an earlier command of the
// step, are archives.
func commitsArchives(s subject) bool {
	for _, c := range s.all {
		if args := c.Plain(); c.Name() == "git" && len(args) > 2 && args[1] == "add" {
			text := strings.Join(args[2:], " ")
			if archives.MatchString(text) || isMuseum(text) || s.packs || has(text, "dist", "packages", "index.yaml") {
				return true
			}
		}
	}
	return false
}
