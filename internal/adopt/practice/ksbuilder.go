package practice

import (
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Downloads of tools: the name of each is in its address.
var (
	downloadedTool = lazyregexp.New(`(?i)(?:github\.com/|repos/)(kubesphere/ksbuilder|oras-project/oras|google/go-containerregistry|regclient/regclient|containers/skopeo|mikefarah/yq|helm/helm|chartmuseum/helm-push|helm/chart-releaser)|get\.helm\.sh|get-helm-3`)
	installedTools = map[string]string{
		"kubesphere/ksbuilder": "ksbuilder", "oras-project/oras": "oras", "google/go-containerregistry": "crane", "regclient/regclient": "regctl",
		"containers/skopeo": "skopeo", "mikefarah/yq": "yq", "helm/helm": "helm", "chartmuseum/helm-push": "helm", "helm/chart-releaser": "cr",
	}
	newest = lazyregexp.New(`releases/latest|@latest\b|latest/download|/heads/|/master/|/main/`)
)

// ofInstallation knows what brings tools.
func ofInstallation(s subject) (Use, bool) {
	tool := ""
	switch s.Name() {
	case "curl", "wget", "go", "gh":
		if s.Name() == "go" && !has(s.Text, " install ", " get ") {
			return Use{}, false
		}
		m := downloadedTool.FindStringSubmatch(s.Text + "\n" + s.Origin)
		if m == nil {
			return Use{}, false
		}
		if tool = installedTools[strings.ToLower(m[1])]; tool == "" {
			tool = "helm"
		}
	case "apt-get", "apt", "apk", "yum", "dnf", "brew":
		for _, word := range s.Words {
			if word == "skopeo" || word == "helm" || word == "oras" || word == "yq" || word == "crane" {
				tool = word
			}
		}
	case "tar":
		if has(s.Text, "ksbuilder") {
			tool = "ksbuilder"
		}
	}
	if tool == "" {
		return Use{}, false
	}
	use := Use{ID: "install-" + tool, Does: "installs " + tool, Tool: tool, Cover: Serves}
	if newest.MatchString(s.Text + "\n" + s.Origin) {
		use.Wrong = []string{"it takes whatever version is the newest that day: the same commit may be packed or judged in another way tomorrow"}
	}
	if tool == "ksbuilder" {
		use.Cover, use.Note = Unneeded, "ksrelease is installed with go install, in the version that the new workflow names"
	}
	return use, true
}

// ofKsbuilder knows the commands of ksbuilder (v0.4.5).
func ofKsbuilder(s subject) (Use, bool) {
	if s.Name() != "ksbuilder" || len(s.Plain()) < 2 {
		return Use{}, false
	}
	use := Use{Core: true, Cover: Covered}
	switch command := s.Plain()[1]; command {
	case "lint":
		use.ID, use.Does = "ksbuilder-lint", "lints with ksbuilder"
		use.Wrong = append(ofChangedFolders(s.Command, linted), "ksbuilder lint (v0.4.5) exits 0 whatever it finds: this step stops nothing")
		use.By = s.accepts.first("ksrelease lint --since auto", "ksrelease lint")
	case "package":
		use.ID, use.Does = "ksbuilder-package", "packs an archive with ksbuilder"
		use.Wrong = append(ofChangedFolders(s.Command, packed), "the archives are not reproducible: packed again, the same content has other bytes")
		use.By = s.accepts.first("ksrelease package")
		use.Note = "archives and checksums are in dist/, or where package.output says; equal content has equal bytes"
	case "push":
		use.ID, use.Does = "ksbuilder-push", "sends an extension to the marketplace and submits it"
		use.Wrong = append(ofChangedFolders(s.Command, sent),
			"it does not look at what is there: a draft of the same version is overwritten, and content that changed under a released version is not reported",
			"it does not wait until the version can be installed")
		use.Wrong = append(use.Wrong, ofFailures(s.Command)...)
		use.By, use.Note = s.accepts.first("ksrelease run"), "versions that are there with the same content are skipped, others are reported as drift"
	case "login":
		use.ID, use.Does = "ksbuilder-login", "keeps the API key of the marketplace"
		use.Note = "the key comes from the variable KSRELEASE_TOKEN; nothing is written to the disk of the runner"
		use.By = "KSRELEASE_TOKEN"
		use.Key, _ = s.Flag("-t", "--token")
		use.Server, _ = s.Flag("-s", "--server")
		if use.Key == "" && s.Origin != s.Text { // piped into it
			use.Key = keyIn(s.Origin)
		}
	case "logout":
		use.ID, use.Does, use.Cover, use.Note = "ksbuilder-logout", "drops the API key", Unneeded, "with KSRELEASE_TOKEN nothing is kept"
	case "publish", "unpublish":
		use.ID, use.Does, use.Cover = "ksbuilder-"+command, "installs an extension into a cluster for tests, or takes it out again", Kept
		use.Note = "ksrelease releases to a marketplace, and not to a cluster"
	case "template":
		use.ID, use.Does = "ksbuilder-template", "renders an extension, to see that it does"
		use.By, use.Note = s.accepts.first("ksrelease lint --since auto", "ksrelease lint"), "lint renders each extension as KubeSphere installs it, for host and agent"
	case "unpush":
		use.ID, use.Does, use.By = "ksbuilder-unpush", "takes a submission back", s.accepts.first("ksrelease withdraw NAME")
	case "get", "list":
		use.ID, use.Does, use.By = "ksbuilder-get", "shows what the marketplace has", s.accepts.first("ksrelease status")
	case "version", "--version", "help", "completion":
		use.ID, use.Does, use.Cover, use.Core = "ksbuilder-version", "shows the version of ksbuilder", Unneeded, false
	default:
		use.ID, use.Does, use.Cover = "ksbuilder-other", "calls ksbuilder "+command, Kept
		use.Note = "ksrelease has no such command"
	}
	if use.Cover == Covered && use.By == "" {
		use.Cover = Kept
	}
	return use, true
}

var variableWord = lazyregexp.New(`\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\$\{\{[^}]*\}\}`)

// keyIn is the last variable or expression in a text that is piped into a login.
func keyIn(text string) string {
	all := variableWord.FindAllString(text, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}
