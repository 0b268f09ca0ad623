package cifile

import (
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// githubExpression is what GitHub replaces before a shell reads a script.
var githubExpression = lazyregexp.New(`\$\{\{[^}]*(?:\}[^}]+)*\}\}`)

var githubSecret = lazyregexp.New(`secrets\.([A-Za-z_][A-Za-z0-9_]*)|secrets\[\s*['"]([A-Za-z_][A-Za-z0-9_]*)['"]\s*\]`)

// readGitHub reads a workflow, or an action that is made of steps. Syntax:
// docs.github.com, "Workflow syntax for GitHub Actions" and "Metadata syntax for GitHub Actions".
func (f *File) readGitHub(text []byte) {
	root := f.parse(text)
	if root == nil {
		return
	}
	f.Name = root.key("name").text()
	f.githubTriggers(root.key("on"))
	f.githubSecrets(*root)
	outer := root.key("env").variables()
	jobs := root.key("jobs")
	for _, id := range jobs.keys() {
		job := jobs.key(id)
		variables := merged(outer, job.key("env").variables())
		if uses := job.key("uses").text(); uses != "" {
			f.call(uses)
		}
		runsOn := strings.Join(append(job.key("runs-on").texts(), job.key("runs-on").key("labels").texts()...), ",")
		if strings.Contains(runsOn, "${{") {
			runsOn = ""
		}
		shell := firstOf(job.key("defaults").key("run").key("shell").text(), root.key("defaults").key("run").key("shell").text())
		folder := firstOf(job.key("defaults").key("run").key("working-directory").text(), root.key("defaults").key("run").key("working-directory").text())
		f.githubSteps(job.key("steps"), Step{Job: id, Folder: folder, Repeated: matrixOf(job.key("strategy").key("matrix")), Variables: variables, Condition: job.key("if").text(), RunsOn: runsOn}, shell)
	}
	f.githubSteps(root.key("runs").key("steps"), Step{Job: f.Name, Variables: outer}, "")
}

// matrixOf says what the jobs of a matrix are repeated for.
func matrixOf(matrix node) string {
	if matrix.value == nil {
		return ""
	}
	return "each job of a matrix"
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

func (f *File) githubSteps(steps node, common Step, shell string) {
	for _, n := range steps.items() {
		step := common
		step.Line, step.Name = n.line(), firstOf(n.key("name").text(), n.key("id").text())
		step.Variables = merged(common.Variables, n.key("env").variables())
		step.Folder = firstOf(n.key("working-directory").text(), common.Folder)
		step.Uses, step.With = n.key("uses").text(), n.key("with").variables()
		if condition := n.key("if").text(); condition != "" {
			if step.Condition != "" {
				step.Condition = "(" + step.Condition + ") && (" + condition + ")"
			} else {
				step.Condition = condition
			}
		}
		if run := n.key("run"); run.value != nil {
			shell := firstOf(n.key("shell").text(), shell)
			if program := path.Base(strings.Fields(shell + " bash")[0]); program == "bash" || program == "sh" {
				step.Script, step.Lines = run.scriptLines()
				step.StopsOnError, step.Expression = true, githubExpression
			} else {
				step.Opaque = true
				f.odd(run.line(), "this script is written for "+program+", and was not read", "")
			}
		}
		if step.Uses != "" {
			f.call(step.Uses)
		}
		f.Steps = append(f.Steps, step)
	}
}

// call notes an action or a workflow in the same repository.
func (f *File) call(uses string) {
	local, ok := strings.CutPrefix(uses, "./")
	if !ok {
		return
	}
	if ending := path.Ext(local); ending == ".yml" || ending == ".yaml" {
		f.Calls = append(f.Calls, path.Clean(local))
		return
	}
	f.Calls = append(f.Calls, path.Join(local, "action.yml"), path.Join(local, "action.yaml"))
}

func (f *File) githubTriggers(on node) {
	add := func(kind TriggerKind, line int, patterns ...string) {
		f.Triggers = append(f.Triggers, Trigger{kind, patterns, line})
	}
	event := func(name string, n node, line int) {
		switch name {
		case "pull_request", "pull_request_target":
			if slices.Contains(n.key("types").texts(), "closed") {
				add(OnMerged, line, n.key("branches").texts()...)
			} else {
				add(OnChange, line, n.key("branches").texts()...)
			}
		case "push":
			branches, tags := n.key("branches"), n.key("tags")
			ignored := n.key("branches-ignore").value != nil || n.key("tags-ignore").value != nil
			if branches.value != nil || tags.value == nil {
				add(OnBranch, line, branches.texts()...)
			}
			if tags.value != nil || branches.value == nil && !ignored {
				add(OnTag, line, tags.texts()...)
			}
		case "schedule":
			var times []string
			for _, item := range n.items() {
				if cron := item.key("cron").text(); cron != "" {
					times = append(times, cron)
				}
			}
			add(OnSchedule, line, times...)
		case "issue_comment":
			add(OnComment, line)
		case "workflow_dispatch", "repository_dispatch":
			add(OnDemand, line)
		case "release":
			add(OnTag, line)
		default:
			add(OnOther, line, name)
		}
	}
	if names := on.keys(); names != nil {
		for _, name := range names {
			event(name, on.key(name), on.key(name).keyLine())
		}
		return
	}
	for _, item := range on.items() {
		event(item.text(), node{on.doc, nil, nil}, item.line())
	}
}

// githubSecrets finds all secrets that a workflow refers to, with the variable that each is put
// into, if any.
func (f *File) githubSecrets(n node) {
	switch n.value.(type) {
	case map[string]any:
		for _, name := range n.keys() {
			f.githubSecrets(n.key(name))
		}
	case []any:
		for _, item := range n.items() {
			f.githubSecrets(item)
		}
	default:
		text := n.text()
		for _, at := range githubSecret.FindAllStringSubmatchIndex(text, -1) {
			name := text[max(at[2], 0):max(at[3], 0)]
			if name == "" {
				name = text[at[4]:at[5]]
			}
			variable := ""
			if len(n.at) > 1 && n.at[len(n.at)-2] == "env" {
				variable = n.at[len(n.at)-1]
			}
			line := n.line()
			if _, lines := n.scriptLines(); len(lines) > 0 {
				line = lines[min(strings.Count(text[:at[0]], "\n"), len(lines)-1)]
			}
			f.secret(Secret{name, line, variable})
		}
	}
}
