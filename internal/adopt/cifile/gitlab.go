package cifile

import (
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// gitlabWords are keys at the top of a .gitlab-ci.yml that are no jobs (docs.gitlab.com,
// "CI/CD YAML syntax reference").
var gitlabWords = []string{"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script", "after_script", "pages", "spec"}

// gitlabInput is what GitLab replaces before a shell reads a script.
var gitlabInput = lazyregexp.New(`\$\[\[[^\]]*\]\]`)

func (f *File) readGitLab(text []byte) {
	root := f.parse(text)
	if root == nil {
		return
	}
	f.Stages = root.key("stages").texts()
	for _, item := range root.key("include").items() {
		local := firstOf(item.key("local").text(), item.text())
		if local != "" && !strings.Contains(local, "://") && !strings.ContainsAny(local, "*$") {
			f.Calls = append(f.Calls, strings.TrimPrefix(path.Clean("/"+local), "/"))
			continue
		}
		elsewhere := firstOf(local, item.key("remote").text(), item.key("project").text(), item.key("component").text())
		if elsewhere != "" {
			f.odd(item.line(), "it includes "+excerpt.OneLine(elsewhere)+", which was not read", "look yourself at what it does")
		}
	}
	outer := gitlabVariables(root.key("variables"))
	f.gitlabRules(root.key("workflow"))
	f.gitlabScripts(root.key("default"), Step{Job: "default", Line: root.key("default").keyLine(), Variables: outer})
	f.gitlabScripts(node{root.doc, nil, onlyScripts(root.value)}, Step{Job: "", Line: 1, Variables: outer})
	for _, name := range root.keys() {
		if slices.Contains(gitlabWords, name) && name != "pages" {
			continue
		}
		job := root.key(name)
		f.gitlabRules(job)
		f.gitlabScripts(job, Step{
			Job: name, Line: job.keyLine(), Variables: merged(outer, gitlabVariables(job.key("variables"))),
			Repeated: matrixOf(job.key("parallel").key("matrix")), Condition: gitlabCondition(job), RunsOn: strings.Join(job.key("tags").texts(), ","),
		})
	}
}

// onlyScripts are the scripts that stand at the top, for all jobs.
func onlyScripts(value any) any {
	mapping, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	return map[string]any{"before_script": mapping["before_script"], "after_script": mapping["after_script"]}
}

// gitlabVariables are variables in either form: NAME: value, and NAME: {value: …}.
func gitlabVariables(n node) map[string]string {
	all := map[string]string{}
	for _, name := range n.keys() {
		if inner := n.key(name).key("value"); inner.value != nil {
			all[name] = inner.text()
		} else {
			all[name] = n.key(name).text()
		}
	}
	return all
}

// gitlabScripts makes one step of the scripts of a job: GitLab runs before_script and script in
// one shell.
func (f *File) gitlabScripts(job node, step Step) {
	var parts []string
	for _, key := range []string{"before_script", "script", "after_script"} {
		for _, item := range job.key(key).items() {
			for _, line := range item.items() { // a list within the list is taken, too
				if line.text() == "" {
					continue
				}
				text, lines := line.scriptLines()
				parts = append(parts, text)
				step.Lines = append(step.Lines, lines...)
			}
		}
	}
	if len(parts) == 0 {
		return
	}
	step.Script, step.StopsOnError, step.Expression = strings.Join(parts, "\n"), true, gitlabInput
	f.Steps = append(f.Steps, step)
	for _, m := range gitlabSecretName.FindAllStringSubmatchIndex(step.Script, -1) {
		name := step.Script[m[2]:m[3]]
		if _, set := step.Variables[name]; set || strings.HasPrefix(name, "CI_") {
			continue
		}
		f.secret(Secret{name, step.LineOf(1 + strings.Count(step.Script[:m[0]], "\n")), name})
	}
}

// gitlabSecretName finds variables that hold secrets by their names: GitLab gives them to every
// job, and nothing in the file says which variables they are.
var gitlabSecretName = lazyregexp.New(`\$\{?([A-Z][A-Z0-9_]*(?:TOKEN|PASSWORD|PASSWD|SECRET|KEY)(?:_[A-Z0-9]+)?)\b`)

// gitlabCondition are the rules of a job as a text.
func gitlabCondition(job node) string {
	var all []string
	for _, rule := range job.key("rules").items() {
		if text := rule.key("if").text(); text != "" {
			all = append(all, text)
		}
	}
	for _, only := range job.key("only").items() {
		all = append(all, only.text())
	}
	return strings.Join(all, " || ")
}

// gitlabRules finds what starts a job, by the variables in its rules.
func (f *File) gitlabRules(job node) {
	add := func(n node, text string) {
		for _, known := range []struct {
			mark string
			kind TriggerKind
		}{
			{"merge_request", OnChange}, {"CI_COMMIT_TAG", OnTag}, {"schedule", OnSchedule},
			{"CI_DEFAULT_BRANCH", OnBranch}, {"CI_COMMIT_BRANCH ==", OnBranch}, {`"web"`, OnDemand},
		} {
			if strings.Contains(text, known.mark) {
				f.trigger(Trigger{Kind: known.kind, Line: n.line()})
			}
		}
	}
	for _, rule := range job.key("rules").items() {
		add(rule, rule.key("if").text())
	}
	only := job.key("only")
	if refs := only.key("refs"); refs.value != nil {
		only = refs
	}
	for _, item := range only.items() {
		switch text := item.text(); text {
		case "merge_requests":
			f.trigger(Trigger{Kind: OnChange, Line: item.line()})
		case "tags":
			f.trigger(Trigger{Kind: OnTag, Line: item.line()})
		case "schedules":
			f.trigger(Trigger{Kind: OnSchedule, Line: item.line()})
		case "":
		default:
			f.trigger(Trigger{Kind: OnBranch, Patterns: []string{text}, Line: item.line()})
		}
	}
}

// trigger notes one of each kind and pattern.
func (f *File) trigger(t Trigger) {
	for _, known := range f.Triggers {
		if known.Kind == t.Kind && slices.Equal(known.Patterns, t.Patterns) {
			return
		}
	}
	f.Triggers = append(f.Triggers, t)
}
