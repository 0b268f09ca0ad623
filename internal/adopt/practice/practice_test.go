package practice

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
)

func all(string) bool { return true }

// usesOf are the uses of a script, in a file of GitHub.
func usesOf(t *testing.T, accepts Accepts, script string) (uses []Use, others []string) {
	t.Helper()
	file := cifile.Read("x.sh", cifile.Shell, []byte(script))
	list, names, odd := Uses(file, accepts)
	if len(odd) > 0 {
		t.Fatalf("%+v", odd[0])
	}
	return list[0], names[0]
}

// Each command is known for what it does with extensions, charts and images.
func TestUses(t *testing.T) {
	for script, want := range map[string]string{
		"ksbuilder lint a":       "ksbuilder-lint covered: ksrelease lint --since auto",
		"./bin/ksbuilder lint a": "ksbuilder-lint covered: ksrelease lint --since auto",
		"ksbuilder package a":    "ksbuilder-package covered: ksrelease package",
		"ksbuilder push a":       "ksbuilder-push covered: ksrelease run",
		"ksbuilder login -t $T":  "ksbuilder-login covered: KSRELEASE_TOKEN",
		"ksbuilder logout":       "ksbuilder-logout unneeded",
		"ksbuilder publish a":    "ksbuilder-publish kept",
		"ksbuilder unpublish a":  "ksbuilder-unpublish kept",
		"ksbuilder unpush 1":     "ksbuilder-unpush covered: ksrelease withdraw NAME",
		"ksbuilder get a":        "ksbuilder-get covered: ksrelease status",
		"ksbuilder template a":   "ksbuilder-template covered: ksrelease lint --since auto",
		"ksbuilder create":       "ksbuilder-other kept",
		"ksbuilder version":      "ksbuilder-version unneeded",
		"ksbuilder":              "other ksbuilder",
		"go install github.com/kubesphere/ksbuilder@v0.4.5":                               "install-ksbuilder unneeded",
		"curl -L https://github.com/oras-project/oras/releases/a.tgz | tar xz":            "install-oras serves",
		"curl https://raw.githubusercontent.com/helm/helm/main/scripts/get-helm-3 | bash": "install-helm serves, other bash",
		"apk add skopeo":                                 "install-skopeo serves",
		"go test ./...":                                  "",
		"helm lint a":                                    "helm-lint covered: ksrelease lint --since auto",
		"ct lint --all":                                  "helm-lint covered: ksrelease lint --since auto",
		"helm template a":                                "helm-template covered: ksrelease lint --since auto",
		"helm diff upgrade a ./a":                        "manifest-diff covered: ksrelease diff --against origin/main",
		"helm dep up a":                                  "helm-dependency covered: ksrelease package",
		"helm package a":                                 "helm-package covered: ksrelease package",
		"helm package up -d a/charts":                    "upstream-chart kept",
		"helm package up\nmv up-1.tgz a/charts/":         "upstream-chart kept",
		"helm push a.tgz oci://r":                        "chart-push kept",
		"helm cm-push a.tgz r":                           "chart-push kept",
		"oras push r/a a-1.tgz":                          "chart-push kept",
		"curl --data-binary @a.tgz https://m/api/charts": "chart-push kept",
		"helm repo index .":                              "chart-index kept",
		"helm repo add a https://a":                      "registry-login serves",
		"helm upgrade a ./a":                             "helm-install kept",
		"helm version":                                   "helm-other serves",
		"oras manifest fetch a":                          "image-look-up kept",
		"crane digest a":                                 "image-look-up kept",
		"skopeo inspect a":                               "image-look-up kept",
		"regctl manifest head a":                         "image-look-up kept",
		"docker manifest inspect a":                      "image-look-up kept",
		"docker buildx imagetools inspect a":             "image-look-up kept",
		"oras cp a b":                                    "image-copy kept",
		"crane copy a b":                                 "image-copy kept",
		"skopeo sync a b":                                "image-copy kept",
		"regctl image copy a b":                          "image-copy kept",
		"docker buildx imagetools create -t b a":         "image-copy kept",
		"docker pull a; docker tag a b; docker push b":   "image-copy-docker kept",
		"docker push app":                                "other docker",
		"docker build -t museum .":                       "museum-image kept",
		"docker build -t app .":                          "other docker",
		"git add museum && git commit -m x && git push":  "archives-committed kept",
		"git add docs && git commit -m x && git push":    "other git commit, other git push",
		"for a in x/*.tgz; do rm $a; done":               "archives-filtered kept",
		"rm a.tgz":                                       "",
		"git diff --name-only main":                      "changed-files serves: ksrelease changes --since auto",
		"git diff --quiet":                               "",
		"sed -i s/version:.*/x/ a/extension.yaml":        "version-edited covered: ksrelease bump --patch --dry-run",
		"sed -i s/a/b/ README.md":                        "",
		"git tag a/v1 && git push --tags":                "git-tag covered: ksrelease tag, other git push",
		"git tag --list":                                 "",
		"gh release create v1":                           "forge-release kept: ksrelease notes NAME",
		"sed -n /x/p CHANGELOG.md":                       "release-notes covered: ksrelease notes NAME",
		"gh pr create -t x":                              "collection-request kept",
		"kubectl apply -f extension.yaml":                "cluster kept",
		"kubectl get pods":                               "other kubectl",
		"make -C a b X=1":                                "call serves",
		"./hack/x.sh a":                                  "call serves",
		"curl -d x https://open.feishu.cn/open-apis/bot/v2/hook/x": "announcement covered: announce in .ksrelease.yaml",
		"curl -d x $RELEASE_WEBHOOK":                               "announcement covered: announce in .ksrelease.yaml",
		"curl -LO https://example.com/x":                           "",
		"notify; curl -d x https://y":                              "other notify, other curl",
	} {
		uses, others := usesOf(t, all, script)
		var got []string
		for _, use := range uses {
			text := use.ID + " " + string(use.Cover)
			if use.By != "" {
				text += ": " + use.By
			}
			got = append(got, text)
			if use.Does == "" || use.Line < 1 || strings.HasSuffix(use.Does, ".") {
				t.Errorf("%s: %+v", script, use)
			}
			if use.Cover == Kept && use.Note == "" && use.By == "" {
				t.Errorf("%s: kept without a reason", script)
			}
		}
		for _, name := range others {
			got = append(got, "other "+name)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
}

// What this version of ksrelease does not take is never named as a replacement.
func TestNothingIsReplacedByWhatIsNotThere(t *testing.T) {
	none := func(string) bool { return false }
	for _, script := range []string{
		"ksbuilder lint a", "ksbuilder package a", "ksbuilder push a", "ksbuilder unpush a", "helm lint a", "helm package a", "helm template a",
		"sed -i s/version:.*/x/ a/extension.yaml", "git tag a", "sed -n /x/p CHANGELOG.md", "helm dep up a",
	} {
		uses, _ := usesOf(t, none, script)
		for _, use := range uses {
			if use.Cover == Covered || use.By != "" {
				t.Errorf("%s: %+v", script, use)
			}
		}
	}
}

// What goes wrong depends on the loop around a command.
func TestWhatGoesWrong(t *testing.T) {
	for _, test := range []struct{ script, wants, not string }{
		{"for f in $(git diff --name-only x); do ksbuilder push $(dirname $f); done", "in no folder with an extension.yaml", ""},
		{"for f in $(git diff --name-only x); do ksbuilder push $(dirname $f); done", "once for each of its files", ""},
		{"for f in $(git diff --name-only x | xargs dirname | sort -u); do ksbuilder push $f; done", "only the last one decides", "once for each of its files"},
		{"set -e; for f in */; do ksbuilder push $f; done", "the first failure ends the loop", "each of its files"},
		{"for f in */; do ksbuilder push $f || true; done", "is ignored", "only the last one"},
		{"for f in */; do ksbuilder push $f || exit 1; done", "overwritten", "only the last one"},
		{"ksbuilder push a", "does not wait", "loop"},
		{"for i in $(yq .images a/extension.yaml); do skopeo inspect $i || crane cp $i m/$i; done", "does not list", "copied again"},
		{"crane cp a b --platform linux/amd64", "one platform alone (linux/amd64)", ""},
		{"skopeo copy --all a b", "", "one platform"},
		{"helm lint --with-subcharts a", "", "passed over"},
		{"curl -f --data-binary @a.tgz https://m/api/charts", "", "exits 0"},
		{"helm repo index . --merge old.yaml", "", "are gone"},
		{"git diff --name-only HEAD~1", "only the last one is looked at", ""},
	} {
		uses, _ := usesOf(t, all, test.script)
		var wrong string
		for _, use := range uses {
			wrong += strings.Join(use.Wrong, "\n") + "\n"
		}
		if !strings.Contains(wrong, test.wants) || test.not != "" && strings.Contains(wrong, test.not) {
			t.Errorf("%s:\n%s", test.script, wrong)
		}
	}
}

// Loops are explained by what they go over.
func TestOver(t *testing.T) {
	for over, want := range map[string]string{
		"$(git diff --name-only main)": "each changed file", "$(git diff --name-only main | xargs -n1 dirname)": "the folder of each changed file",
		"*/": "each folder", "extensions/*": "each folder", "$(find . -type d)": "each folder", "$(ls)": "each folder", "$(find . -name extension.yaml)": "each folder with an extension.yaml",
		"$(yq '.images[]' a/extension.yaml)": "each image of extension.yaml", "dist/*.tgz": "each archive", "$(echo $PR_TITLE)": "each name in a title, comment or message", "a b": "each of a list",
	} {
		uses, _ := usesOf(t, all, fmt.Sprintf("for x in %s; do ksbuilder push $x; done", over))
		for _, use := range uses {
			if use.ID == "ksbuilder-push" && use.Over != "for "+want {
				t.Errorf("%s: %s", over, use.Over)
			}
		}
	}
}
