package adopt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/practice"
)

// fate is what becomes of a step when the new files are in use.
type fate int

const (
	neutral fate = iota // prepares or shows something
	goes
	partly
	stays
)

// harmless are actions of GitHub that only prepare a job.
var harmless = []string{"actions/checkout", "actions/setup-go", "actions/setup-node", "actions/setup-python", "actions/cache", "actions/download-artifact"}

// fateOf is what becomes of a step.
func (c *collection) fateOf(s called) fate {
	f, i := s.file, s.step
	step := f.file.Steps[i]
	going, staying := 0, len(f.others[i])
	for _, use := range f.uses[i] {
		if use.ID == "call" && len(c.callees(use)) == 0 {
			staying++
			continue
		}
		if c.coverOf(s, use) == practice.Kept {
			staying++
		} else {
			going++
		}
	}
	if len(f.uses[i]) == 0 && step.Uses != "" {
		if action, _, _ := strings.Cut(step.Uses, "@"); !slices.Contains(harmless, action) {
			staying++
		}
	}
	switch {
	case going > 0 && staying > 0:
		return partly
	case going > 0:
		return goes
	case staying > 0:
		return stays
	}
	return neutral
}

// parts says what of a file can go, in the largest parts: the file, a job, a step, a line.
func (c *collection) parts(r *Report, f *read) {
	file := f.file
	var jobs []string
	steps := map[string][]int{}
	whole := neutral
	if len(file.Odd) > 0 || len(file.Calls) > 0 && file.System == cifile.Make { // without it, what it includes would be gone
		whole = stays
	}
	for i, step := range file.Steps {
		if file.System == cifile.Make && !c.isShown(called{f, i}) {
			whole = stays
			continue
		}
		if steps[step.Job] == nil {
			jobs = append(jobs, step.Job)
		}
		steps[step.Job] = append(steps[step.Job], i)
	}
	fates := map[string]fate{}
	for _, job := range jobs {
		for _, i := range steps[job] {
			fates[job] = max(fates[job], c.fateOf(called{f, i}))
		}
		whole = max(whole, fates[job])
	}
	if whole == goes && !c.includesNew(file) {
		r.Removable = append(r.Removable, Part{File: file.Path, Line: 1, What: "the whole file"})
		return
	}
	for _, job := range jobs {
		first := file.Steps[steps[job][0]]
		if fates[job] == goes && job != "" && (len(jobs) > 1 || file.System != cifile.GitHub) {
			r.Removable = append(r.Removable, Part{File: file.Path, Line: first.Line, What: jobName(file.System, job)})
			continue
		}
		for _, i := range steps[job] {
			c.partsOfStep(r, f, i)
		}
	}
}

// includesNew reports whether a file has to stay because it includes the new one.
func (c *collection) includesNew(f *cifile.File) bool {
	return f.Path == ".gitlab-ci.yml" || f.System == cifile.Make && !strings.Contains(f.Path, "/") && slices.Contains(c.systems(), cifile.Make)
}

// jobName is a job as people of a system call it.
func jobName(system cifile.System, job string) string {
	switch system {
	case cifile.Make:
		return "the target " + job
	case cifile.Jenkins:
		return "the stage " + job
	}
	return "the job " + job
}

func (c *collection) partsOfStep(r *Report, f *read, i int) {
	s := called{f, i}
	step := f.file.Steps[i]
	name := "the step"
	switch {
	case step.Name != "":
		name = "the step " + step.Name
	case step.Job != "" && (f.file.System == cifile.GitLab || f.file.System == cifile.Make):
		name = jobName(f.file.System, step.Job)
	case len(f.uses[i]) > 0 && f.uses[i][0].Command != "":
		name = "the step of " + f.uses[i][0].Command
	case step.Job != "":
		name = "a step of " + jobName(f.file.System, step.Job)
	}
	fate := c.fateOf(s)
	if fate == goes {
		r.Removable = append(r.Removable, Part{File: f.file.Path, Line: step.Line, What: name})
		return
	}
	if fate == neutral {
		return
	}
	for _, use := range f.uses[i] {
		if use.ID == "call" && len(c.callees(use)) == 0 {
			continue
		}
		if c.coverOf(s, use) == practice.Kept {
			if use.Cover == practice.Serves && !c.isForHooks(s, use) { // that what it serves stays is said there
				continue
			}
			r.Stays = append(r.Stays, Part{File: f.file.Path, Line: use.Line, What: use.Does, Why: use.Note})
			continue
		}
		what := use.Command
		if what == "" || use.ID == "title-trigger" || use.ID == "tag-trigger" {
			what = use.Does
		}
		r.Removable = append(r.Removable, Part{File: f.file.Path, Line: use.Line, What: what})
	}
	if len(f.others[i]) > 0 {
		r.Stays = append(r.Stays, Part{File: f.file.Path, Line: step.Line, What: fmt.Sprintf("%s also calls %s", name, strings.Join(f.others[i], ", ")), Why: "ksrelease does not know what for"})
	}
}
