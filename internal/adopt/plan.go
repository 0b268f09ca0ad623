package adopt

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/practice"
	"github.com/ksrelease/ksrelease/internal/adopt/successor"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// plan decides what is written.
func (c *collection) plan(r *Report, o Options, found discover.Found, hooks []discover.Hooks) error {
	systems := c.systems()
	if len(systems) == 0 {
		return nil
	}
	facts, server := c.facts(r, o)
	facts.Hooks = len(hooks) > 0
	text := discover.Config(found, hooks...)
	if server != "" {
		text += "cloud:\n  server: " + server + "\n"
	}
	if len(found.Extensions) == 1 && facts.HasVersionTags() && o.Accepts("ksrelease run --tag auto") {
		facts.Single = true
		text += "tags:\n  patterns: ['v{version}', '{name}/v{version}', '{name}/{version}', '{name}-{version}']\n"
	}
	if err := r.add(o.Root, successor.File{Path: config.Name, Text: text}); err != nil {
		return err
	}
	for _, system := range systems {
		of := facts
		if system != cifile.GitHub {
			of.RunsOn = ""
		}
		if system == cifile.Jenkins {
			of.RunsOn = c.agent()
		}
		of.Secret, of.Cron = c.secretFor(r, system), c.cron(system)
		file, _ := successor.Write(system, of)
		if err := r.add(o.Root, file); err != nil {
			return err
		}
		if file.Use != "" {
			r.Notes = append(r.Notes, file.Use)
		}
	}
	if facts.Single && r.Writes[0].State == stateKept {
		r.Notes = append(r.Notes, "put into "+config.Name+" that tags such as v1.2.3 are versions of the extension: tags: {patterns: ['v{version}']}")
	}
	c.notes(r, facts)
	return nil
}

// systems are those that a file is written for: the CI systems in use, or make.
func (c *collection) systems() []cifile.System {
	var systems []cifile.System
	for _, system := range []cifile.System{cifile.GitHub, cifile.GitLab, cifile.Jenkins} {
		if slices.ContainsFunc(c.files, func(f *read) bool { return f.file.System == system && c.isRelevant[f.file.Path] }) {
			systems = append(systems, system)
		}
	}
	asked := func(f *read) bool {
		return c.isRelevant[f.file.Path] && (f.file.System == cifile.Make && c.named && slices.Contains(c.asked, f.file.Path) || len(systems) == 0)
	}
	if slices.ContainsFunc(c.files, asked) {
		systems = append(systems, cifile.Make)
	}
	return systems
}

var (
	forkGuard = lazyregexp.New(`github\.repository\s*==\s*'([A-Za-z0-9._-]+/[A-Za-z0-9._-]+)'`)
	wildcard  = lazyregexp.New(`[*?\[+!$]`)
)

// facts are what the files say about the project.
func (c *collection) facts(r *Report, o Options) (facts successor.Facts, server string) {
	facts = successor.Facts{Version: o.Version, Accepts: o.Accepts}
	for _, f := range c.files {
		if !c.isRelevant[f.file.Path] {
			continue
		}
		if len(f.file.Stages) > 0 && facts.Stages == nil {
			facts.Stages = f.file.Stages
		}
		sends, packs := false, false
		for i, step := range f.file.Steps {
			about := c.allUses(called{f, i})
			for _, use := range about {
				switch {
				case use.ID == "ksbuilder-push":
					sends, c.sends = true, true
				case use.ID == "ksbuilder-login" && server == "":
					server = serverOf(use.Server)
				case use.Cover == practice.Kept && needsArchives(use):
					packs = true
				}
			}
			for _, use := range f.uses[i] {
				place := fmt.Sprintf("%s:%d", f.file.Path, use.Line)
				if (use.ID == "upstream-chart" && use.Cover == practice.Kept || c.isForHooks(called{f, i}, use)) && !slices.Contains(facts.Before, place) {
					facts.Before = append(facts.Before, place)
				}
				if use.Cover == practice.Kept && needsArchives(use) && !slices.Contains(facts.After, place) {
					facts.After = append(facts.After, place)
				}
				if use.ID == "title-trigger" {
					comment := strings.Contains(use.Command, "comment") || strings.Contains(use.Command, "COMMENT")
					facts.ByComment = facts.ByComment || comment
					facts.ByTitle = facts.ByTitle || !comment
				}
			}
			if m := forkGuard.FindStringSubmatch(step.Condition); m != nil {
				facts.Repository = m[1]
			}
			if c.isAbout(called{f, i}) && f.file.System == cifile.GitHub {
				if hasTrigger(f.file, cifile.OnChange) && facts.CheckOn == "" {
					facts.CheckOn = step.RunsOn
				} else if facts.RunsOn == "" {
					facts.RunsOn = step.RunsOn
				}
			}
		}
		facts.Packs = facts.Packs || packs
		for _, t := range f.file.Triggers {
			switch t.Kind {
			case cifile.OnBranch:
				facts.OnBranch = facts.OnBranch || sends
				facts.Branches = appendPlain(facts.Branches, t.Patterns)
			case cifile.OnTag:
				if sends {
					facts.Tags = appendNew(facts.Tags, t.Patterns)
				} else if packs {
					facts.PackTags = appendNew(facts.PackTags, t.Patterns)
				}
			}
		}
	}
	return facts, server
}

// allUses are those of a step and of what it calls.
func (c *collection) allUses(s called) []practice.Use {
	var all []practice.Use
	for _, reached := range c.reached(s) {
		all = append(all, reached.file.uses[reached.step]...)
	}
	return all
}

func needsArchives(use practice.Use) bool {
	switch use.ID {
	case "archives-committed", "museum-image", "chart-push", "chart-index":
		return true
	}
	return false
}

func hasTrigger(f *cifile.File, kind cifile.TriggerKind) bool {
	return slices.ContainsFunc(f.Triggers, func(t cifile.Trigger) bool { return t.Kind == kind })
}

func appendPlain(list, more []string) []string {
	return appendNew(list, slices.DeleteFunc(slices.Clone(more), wildcard.MatchString))
}

func appendNew(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// serverOf is the address of a login as the config takes it; empty for that of KubeSphere Cloud,
// and for one that is computed.
func serverOf(written string) string {
	u, err := url.Parse(written)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || !plainServer.MatchString(written) {
		return ""
	}
	if server := strings.TrimSuffix(written, "/"); server != config.DefaultServer {
		return server
	}
	return ""
}

var plainServer = lazyregexp.New(`^https?://[A-Za-z0-9._:/-]+$`)

// agent is the label of agents in the Jenkinsfile.
func (c *collection) agent() string {
	for _, f := range c.files {
		if f.file.System == cifile.Jenkins && c.isRelevant[f.file.Path] && len(f.file.Steps) > 0 {
			return f.file.Steps[0].RunsOn
		}
	}
	return ""
}

// cron is when a system started something that is about releases.
func (c *collection) cron(system cifile.System) string {
	for _, f := range c.files {
		if f.file.System != system || !c.isRelevant[f.file.Path] {
			continue
		}
		for _, t := range f.file.Triggers {
			if t.Kind == cifile.OnSchedule && len(t.Patterns) > 0 {
				return t.Patterns[0]
			}
		}
	}
	return ""
}

// keyName are names of secrets that hold the key of the marketplace.
var keyName = lazyregexp.New(`(?i)(ksbuilder|ks_?cloud|kubesphere_?cloud|marketplace|kubesphere_marketplace|ksb)_?(api_?)?(token|key)`)

// secretFor is the name of the secret that holds the key of the marketplace in a system, and
// notes all secrets in the report.
func (c *collection) secretFor(r *Report, system cifile.System) string {
	key := ""
	for _, f := range c.files {
		if f.file.System != system || !c.isRelevant[f.file.Path] {
			continue
		}
		for i, step := range f.file.Steps {
			for _, use := range c.allUses(called{f, i}) {
				if use.ID == "ksbuilder-login" && key == "" {
					key = nameOf(use.Key, f.file, step)
				}
			}
		}
		for _, s := range f.file.Secrets {
			if key == "" && (keyName.MatchString(s.Name) || keyName.MatchString(s.Variable)) {
				key = s.Name
			}
		}
	}
	for _, f := range c.files {
		if f.file.System != system || !c.isRelevant[f.file.Path] {
			continue
		}
		for _, s := range f.file.Secrets {
			r.Secrets = append(r.Secrets, Secret{s.Name, f.file.Path, s.Line, s.Name == key})
		}
	}
	return key
}

var (
	secretsContext = lazyregexp.New(`secrets\.([A-Za-z_][A-Za-z0-9_]*)`)
	variable       = lazyregexp.New(`^\$\{?([A-Za-z_][A-Za-z0-9_]*)`)
)

// nameOf is the name of the secret behind the word of a login; empty for a literal.
func nameOf(word string, f *cifile.File, step cifile.Step) string {
	for range 4 { // variables of variables
		if m := secretsContext.FindStringSubmatch(word); m != nil {
			return m[1]
		}
		m := variable.FindStringSubmatch(word)
		if m == nil {
			return ""
		}
		for _, s := range f.Secrets {
			if s.Variable == m[1] {
				return s.Name
			}
		}
		next, ok := step.Variables[m[1]]
		if !ok {
			return m[1]
		}
		word = next
	}
	return ""
}

// notes say what else is to be done.
func (c *collection) notes(r *Report, facts successor.Facts) {
	if key := slices.IndexFunc(r.Secrets, func(s Secret) bool { return s.Key }); key >= 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("the secret %s is handed to ksrelease as KSRELEASE_TOKEN: it has to hold the API key of the marketplace itself", r.Secrets[key].Name))
	} else {
		for _, system := range c.systems() {
			if name := successor.DefaultSecret(system); name != "" {
				r.Notes = append(r.Notes, fmt.Sprintf("make the secret %s with the API key of the marketplace (%s): the old files have none", name, system.Title()))
			}
		}
	}
	if !c.sends {
		r.Notes = append(r.Notes, "nothing in these files sends an extension to the marketplace; the new one does so for tags of extensions, and when it is started by hand")
	}
	if len(facts.After) > 0 {
		r.Notes = append(r.Notes, "what is done at "+strings.Join(facts.After, ", ")+" needs archives: move it behind ksrelease package in the new file, where a comment is")
	}
	if len(facts.Before) > 0 {
		r.Notes = append(r.Notes, "the new file has a comment where what is done at "+strings.Join(facts.Before, ", ")+" has to be put")
	}
	if facts.Hooks {
		r.Notes = append(r.Notes, "the hooks in "+config.Name+" call what the old workflow called: it has to be there wherever ksrelease runs or packages; what looks at an extension runs them with --hooks alone")
	}
	if !IgnoresOutput(c.root) {
		r.Notes = append(r.Notes, IgnoreOutput)
	}
}

// IgnoreOutput says that git is to ignore what ksrelease writes.
const IgnoreOutput = "put .ksrelease/ and dist/ into .gitignore: local marketplaces and packages are written there"

// IgnoresOutput says whether the .gitignore of a folder knows of what ksrelease writes.
func IgnoresOutput(root string) bool {
	ignored, err := regularfile.Read(filepath.Join(root, ".gitignore"), 1<<20)
	return err == nil && strings.Contains(string(ignored), ".ksrelease")
}

// Write is a new file, or one that is there.
type Write struct {
	Path string `json:"path"`
	// State is new, written, same (it is there with this content), differs (with another), or
	// kept (a config is never replaced).
	State string `json:"state"`
	// Text is the content; empty for a config that is kept.
	Text string `json:"text,omitempty"`

	before string // what is there
}

// The states of a Write.
const (
	stateNew     = "new"
	stateWritten = "written"
	StateSame    = "same"
	stateDiffers = "differs"
	stateKept    = "kept"
)

// add plans a file.
func (r *Report) add(root string, file successor.File) error {
	w := &Write{Path: file.Path, State: stateNew, Text: file.Text}
	r.Writes = append(r.Writes, w)
	at := filepath.Join(root, filepath.FromSlash(file.Path))
	if _, err := os.Lstat(at); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if file.Path == config.Name {
		w.State, w.Text = stateKept, ""
		return nil
	}
	there, err := regularfile.ReadWithin(root, at, cifile.MaxSize)
	if err != nil {
		return fmt.Errorf("%s: %w", file.Path, err)
	}
	w.State, w.before = stateDiffers, string(there)
	if w.before == w.Text {
		w.State = StateSame
	}
	return nil
}
