package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// Promise P7: order and isolation. Random graphs of externalDependencies with
// random trouble are released into the fake world; what must come of them is
// worked out here in another way than the pipeline does it, from the drawing.

// graph is a project and how it is released.
type network struct {
	nodes        []node
	only         []string
	skip         string
	allOrNothing bool
	dryRun       bool
	parallelism  int
	elsewhere    bool // an extension of that name is in the repository, and not in the project
	allowMissing bool
}

// node is an extension, and what is the matter with it.
type node struct {
	name    string
	folder  string // its base name, which need not be that of the extension
	needs   []need
	trouble trouble
}

// need is an entry of externalDependencies.
type need struct {
	name, version string
	required      bool
}

type trouble string

// What may be the matter, and at which point it shows.
const (
	fine trouble = ""
	// It cannot be read.
	brokenYAML  trouble = "extension.yaml is broken"
	brokenLinks trouble = "a link leads out of it"
	// The plan sees it.
	brokenTemplate trouble = "a template fails"
	tooLarge       trouble = "over the limit"
	unreadable     trouble = "the marketplace cannot be read"
	thereAlready   trouble = "there already"
	thereOther     trouble = "there with other content"
	rejectedBefore trouble = "rejected before"
	draftBefore    trouble = "a draft before"
	sentBefore     trouble = "submitted before, seen later"
	sentForNothing trouble = "submitted before, never seen"
	// Only the release itself meets it.
	noOutputDir    trouble = "no output directory"
	uploadFails    trouble = "upload fails"
	pushFails      trouble = "push fails"
	pushDoubtful   trouble = "push fails, but was done"
	submitFails    trouble = "submit fails"
	submitDoubtful trouble = "submit fails, but was done"
	seenLate       trouble = "seen late"
	seenNever      trouble = "never seen"
	approvedLate   trouble = "approved late"
	rejectedLate   trouble = "rejected in the review"
)

var troubles = []trouble{
	brokenYAML, brokenLinks, brokenTemplate, tooLarge, unreadable, thereAlready, thereOther, rejectedBefore, draftBefore,
	sentBefore, sentForNothing, noOutputDir, uploadFails, pushFails, pushDoubtful, submitFails, submitDoubtful, seenLate,
	seenNever, approvedLate, rejectedLate,
}

// draw makes a random graph: mostly one without cycles, now and then with.
func draw(random *rand.Rand) network {
	g := network{parallelism: []int{1, 3, 32}[random.IntN(3)]}
	count := 1 + random.IntN(9)
	backward := random.IntN(4) == 0
	density := random.Float64() * 0.6
	ill := random.Float64() * 0.5
	for i := range count {
		n := node{name: string(rune('a' + i)), folder: string(rune('a' + i))}
		if random.IntN(3) == 0 {
			n.folder = "dir-" + n.name
		}
		for j := range count {
			forward := j < i || backward && random.IntN(6) == 0 || random.IntN(100) == 0
			if forward && random.Float64() < density {
				n.needs = append(n.needs, drawNeed(random, string(rune('a'+j))))
			}
		}
		if random.IntN(8) == 0 {
			n.needs = append(n.needs, drawNeed(random, "elsewhere"))
		}
		if len(n.needs) > 0 && random.IntN(8) == 0 { // twice the same
			n.needs = append(n.needs, drawNeed(random, n.needs[0].name))
		}
		random.Shuffle(len(n.needs), func(i, j int) { n.needs[i], n.needs[j] = n.needs[j], n.needs[i] })
		if random.Float64() < ill {
			n.trouble = troubles[random.IntN(len(troubles))]
		}
		g.nodes = append(g.nodes, n)
	}
	g.elsewhere, g.allowMissing = random.IntN(2) == 0, random.IntN(8) == 0
	switch random.IntN(8) {
	case 0:
		for _, n := range g.nodes {
			if random.IntN(2) == 0 {
				g.only = append(g.only, n.name)
			}
		}
	case 1:
		g.skip = []string{results.StageVerify, results.StageUpload, results.StagePush, results.StageLint, results.StageSize}[random.IntN(5)]
	case 2:
		g.allOrNothing = true
	case 3:
		g.dryRun = true
	}
	return g
}

func drawNeed(random *rand.Rand, name string) need {
	return need{name: name, version: []string{"*", ">=1.0.0", ">=9.0.0", "0.1.x"}[random.IntN(4)], required: random.IntN(3) > 0}
}

// String is the graph for people: a line for each extension.
func (g network) String() string {
	var b strings.Builder
	for _, n := range g.nodes {
		fmt.Fprintf(&b, "  %s", n.name)
		if n.folder != n.name {
			fmt.Fprintf(&b, " in %s", n.folder)
		}
		for i, d := range n.needs {
			fmt.Fprintf(&b, "%s %s", []string{" needs", ","}[min(i, 1)], d.name)
			if d.version != "*" {
				fmt.Fprintf(&b, " %s", d.version)
			}
			if !d.required {
				b.WriteString(" (optional)")
			}
		}
		if n.trouble != fine {
			fmt.Fprintf(&b, "; %s", n.trouble)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  only %q, skip %q, all or nothing %v, dry run %v, parallelism %d, elsewhere %v, allow missing %v", g.only, g.skip, g.allOrNothing, g.dryRun, g.parallelism, g.elsewhere, g.allowMissing)
	return b.String()
}

// The model: what must come of a graph.

func (g network) wants(name string) bool { return len(g.only) == 0 || slices.Contains(g.only, name) }

// node is the extension of a name.
func (g network) node(name string) (node, bool) {
	for _, n := range g.nodes {
		if n.name == name {
			return n, true
		}
	}
	return node{}, false
}

// isOfRun says that a need may be met by an extension of the run. All versions are
// 1.0.0; nobody knows that of one which cannot be read.
func (g network) isOfRun(d need) bool {
	n, ok := g.node(d.name)
	return ok && g.wants(d.name) && (d.takesOne() || n.trouble == brokenYAML || n.trouble == brokenLinks)
}

func (d need) takesOne() bool { return d.version == "*" || d.version == ">=1.0.0" }

// requires says that one extension is held back by the other.
func (g network) requires(from node, to string) bool {
	return slices.ContainsFunc(from.needs, func(d need) bool { return d.name == to && d.required && g.isOfRun(d) })
}

// lacks says that something which an extension requires is nowhere.
func (g network) lacks(n node) bool {
	return !g.allowMissing && slices.ContainsFunc(n.needs, func(d need) bool {
		other, ok := g.node(d.name)
		published := ok && (other.trouble == thereAlready || other.trouble == thereOther) || d.name == "elsewhere" && g.elsewhere
		return d.required && !g.isOfRun(d) && !(published && d.takesOne())
	})
}

// edges are the needs among the extensions of the run. What is optional gives way
// where it closes a circle.
func (g network) edges() map[string]map[string]bool {
	all := g.allEdges()
	reach := closure(all)
	for from, to := range all {
		for dep := range to {
			n, _ := g.node(from)
			firm := slices.ContainsFunc(n.needs, func(d need) bool { return d.name == dep && d.required })
			if !firm && reach[dep][from] {
				delete(to, dep)
			}
		}
	}
	return all
}

func (g network) allEdges() map[string]map[string]bool {
	edges := map[string]map[string]bool{}
	for _, n := range g.nodes {
		if g.wants(n.name) {
			edges[n.name] = map[string]bool{}
		}
	}
	for _, n := range g.nodes {
		if edges[n.name] == nil || n.trouble == brokenYAML || n.trouble == brokenLinks {
			continue // nobody knows what it needs
		}
		for _, d := range n.needs {
			if edges[d.name] != nil {
				edges[n.name][d.name] = true
			}
		}
	}
	return edges
}

// circular are the extensions that need themselves, however far round.
func circular(edges map[string]map[string]bool) map[string]bool {
	reach := closure(edges)
	found := map[string]bool{}
	for name := range edges {
		if reach[name][name] {
			found[name] = true
		}
	}
	return found
}

// closure is what each needs, however far round.
func closure(edges map[string]map[string]bool) map[string]map[string]bool {
	reach := map[string]map[string]bool{}
	for from, to := range edges {
		reach[from] = maps.Clone(to)
	}
	for via := range edges { // Warshall's closure
		for from := range edges {
			if reach[from][via] {
				maps.Copy(reach[from], reach[via])
			}
		}
	}
	return reach
}

// planned is how the plan ends an extension by itself; empty where it goes on.
func (g network) planned(n node, inCycle bool) results.Outcome {
	switch {
	case n.trouble == brokenYAML, n.trouble == brokenLinks, inCycle,
		n.trouble == brokenTemplate && g.skip != results.StageLint,
		n.trouble == unreadable, n.trouble == rejectedBefore:
		return results.Failed
	case n.trouble == thereAlready:
		return results.Exists
	case n.trouble == thereOther:
		return results.Drift
	case n.trouble == sentBefore, n.trouble == sentForNothing:
		return "" // it was sent, whatever it lacks
	case g.lacks(n):
		return results.Blocked
	case n.trouble == tooLarge && g.skip != results.StageSize:
		return results.Failed
	}
	return ""
}

// applied is how the release ends one that is not held back.
func (g network) applied(n node) results.Outcome {
	switch n.trouble {
	case pushFails, submitFails:
		return results.Failed
	case uploadFails:
		if g.skip != results.StageUpload {
			return results.Failed
		}
	case sentBefore:
		if g.skip == results.StageVerify {
			return results.Unverified
		}
		return results.Exists
	case sentForNothing:
		return results.Unverified
	case seenNever:
		if g.skip != results.StageVerify {
			return results.Unverified
		}
	case rejectedLate:
		if g.skip != results.StageVerify {
			return results.Failed
		}
	}
	return results.Released
}

// expected are the outcomes of all extensions.
func (g network) expected() map[string]results.Outcome {
	edges := g.edges()
	round := circular(edges)
	nodes := map[string]node{}
	for _, n := range g.nodes {
		nodes[n.name] = n
	}
	plan, whole := map[string]results.Outcome{}, map[string]results.Outcome{}
	holdsBack := func(name string, o results.Outcome) bool {
		return o == results.Failed || o == results.Blocked || o == results.Unverified
	}
	// Without those that go round in circles, which end by themselves, there are
	// no cycles left: the outcomes follow one from the other.
	settle := func(into map[string]results.Outcome, own func(n node) results.Outcome) {
		var of func(name string) results.Outcome
		of = func(name string) results.Outcome {
			if o, ok := into[name]; ok {
				return o
			}
			into[name] = g.planned(nodes[name], round[name])
			if into[name] != "" {
				return into[name]
			}
			for dep := range edges[name] {
				if o := of(dep); g.requires(nodes[name], dep) && holdsBack(dep, o) {
					into[name] = results.Blocked
				}
			}
			if into[name] == "" {
				into[name] = own(nodes[name])
			}
			return into[name]
		}
		for name := range edges {
			of(name)
		}
	}
	settle(plan, func(node) results.Outcome { return results.Planned })
	if g.dryRun || g.skip == results.StagePush {
		return plan
	}
	unclean := false
	for _, o := range plan {
		unclean = unclean || o == results.Failed || o == results.Blocked || o == results.Drift
	}
	settle(whole, func(n node) results.Outcome {
		if g.allOrNothing && unclean {
			return results.Blocked
		}
		return g.applied(n)
	})
	return whole
}

// The trial: the graph on disk, the world around it, and what is held against
// the model.

// put writes the extensions below dir and declares them.
func (g network) put(dir string) ([]config.Source, error) {
	defaults := config.Default(dir).Defaults
	defaults.Lint.Rules = map[string]config.Severity{}
	for _, rule := range lint.Rules() {
		if rule.Name != "render" && rule.Name != "chart" {
			defaults.Lint.Rules[rule.Name] = config.Off // they have no part in this, and take most of the time
		}
	}
	var sources []config.Source
	for _, n := range g.nodes {
		path := filepath.Join(dir, "project", n.folder)
		settings := defaults
		var yaml strings.Builder
		fmt.Fprintf(&yaml, "apiVersion: kubesphere.io/v1alpha1\nname: %s\nversion: 1.0.0\ncategory: computing\nicon: icon.svg\n", n.name)
		for i, d := range n.needs {
			if i == 0 {
				yaml.WriteString("externalDependencies:\n")
			}
			fmt.Fprintf(&yaml, "  - {name: %s, type: extension, version: '%s', required: %v}\n", d.name, d.version, d.required)
		}
		files := map[string]string{"icon.svg": "<svg/>", "values.yaml": "{}\n", "templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\n"}
		switch n.trouble {
		case brokenYAML:
			yaml.WriteString("name: [\n")
		case brokenTemplate:
			files["templates/config.yaml"] = "{{ fail \"no\" }}\n"
		case tooLarge:
			settings.Size.Limit = 100
		case noOutputDir:
			settings.Package.Output = filepath.Join(path, "values.yaml", "dist")
		case approvedLate, rejectedLate:
			settings.Verify.Until = config.UntilActive
		}
		files["extension.yaml"] = yaml.String()
		for name, content := range files {
			file := filepath.Join(path, filepath.FromSlash(name))
			if err := cmp.Or(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
				return nil, err
			}
		}
		if n.trouble == brokenLinks {
			if err := os.Symlink(filepath.Join("..", "..", "..", "nowhere"), filepath.Join(path, "link")); err != nil {
				return nil, err
			}
		}
		sources = append(sources, config.Source{Path: path, Display: n.folder, Settings: settings})
	}
	return sources, nil
}

// before puts into the world what was there before the run.
func (g network) before(w *fakeWorld, sources []config.Source) error {
	for i, n := range g.nodes {
		v := &fakeVersion{id: "before-" + n.name, submitted: w.started}
		switch n.trouble {
		case thereAlready, thereOther, sentBefore, sentForNothing:
			v.status = target.StatusSubmitted
		case rejectedBefore:
			v.status = "rejected"
		case draftBefore:
			v.status = target.StatusDraft
		default:
			continue
		}
		ext, err := extension.Load(sources[i].Path, extension.Options{})
		if err != nil {
			return err
		}
		const icon = "https://elsewhere.example/icon.svg"
		if v.pkg, err = ext.Pack(extension.URLs{"icon.svg": icon}); err != nil {
			return err
		}
		for _, asset := range ext.Assets {
			w.assets[icon] = asset.Data
		}
		if n.trouble == thereOther {
			v.pkg.ContentDigest = "v2:sha256:" + strings.Repeat("0e", 32)
		}
		w.versions[n.name+"@1.0.0"] = v
	}
	if g.elsewhere {
		w.versions["elsewhere@1.0.0"] = &fakeVersion{id: "elsewhere", status: target.StatusActive, pkg: &extension.Package{Name: "elsewhere", Version: "1.0.0"}}
	}
	return nil
}

// witness watches a run from the world's side.
type witness struct {
	g        network
	w        *fakeWorld
	troubles map[string]trouble
	edges    map[string]map[string]bool
	ended    map[string]time.Time
	begun    map[string]time.Time // the first write
	fault    error                // the first thing that was against the promise
}

// shown says whether the repository shows a version.
func (s *witness) shown(name string, at time.Time) bool {
	v := s.w.versions[name+"@1.0.0"]
	if v == nil || v.status != target.StatusSubmitted && v.status != target.StatusActive {
		return false
	}
	switch s.troubles[name] {
	case seenNever, sentForNothing:
		return false
	case seenLate, sentBefore:
		return at.Sub(v.submitted) > 90*time.Second
	}
	return true
}

// call is told of every request to the world, and answers as the troubles have it.
func (s *witness) call(call string) (done bool, err error) {
	what, of, _ := strings.Cut(call, " ")
	name, _, _ := strings.Cut(of, "@")
	if what == "submit" {
		for key, v := range s.w.versions {
			if v.id == of {
				name, _, _ = strings.Cut(key, "@")
			}
		}
	}
	if what == "upload" || what == "push" || what == "submit" {
		s.sees(what, name)
	}
	refused, doubtful := &fakeError{text: "422 no"}, &fakeError{text: "502 no", doubt: true}
	switch t := s.troubles[name]; {
	case what == "snapshot" && t == unreadable, what == "upload" && t == uploadFails,
		what == "push" && t == pushFails, what == "submit" && t == submitFails:
		return false, refused
	case what == "push" && t == pushDoubtful, what == "submit" && t == submitDoubtful:
		s.troubles[name] = fine // once is enough
		return true, doubtful
	}
	return false, nil
}

// sees holds a write against the promise: what it depends on is there.
func (s *witness) sees(what, name string) {
	now := time.Now()
	if _, ok := s.begun[name]; !ok {
		s.begun[name] = now
	}
	for dep := range s.edges[name] {
		_, ended := s.ended[dep]
		n, _ := s.g.node(name)
		if !ended || s.g.requires(n, dep) && !s.shown(dep, now) && s.g.skip != results.StageVerify {
			s.blame("%s of %s came before %s was seen", what, name, dep)
		}
	}
}

func (s *witness) blame(format string, args ...any) {
	if s.fault == nil {
		s.fault = fmt.Errorf(format, args...)
	}
}

func (s *witness) Observe(e results.Event) {
	if e.Kind != results.EventEnded {
		return
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if _, twice := s.ended[e.Extension.Name]; twice {
		s.blame("%s ended twice", e.Extension.Name)
	}
	s.ended[e.Extension.Name] = time.Now()
}

// try releases the graph within a bubble of fake time.
func (g network) try(t *testing.T) error {
	dir := t.TempDir()
	sources, err := g.put(dir)
	if err != nil {
		return err
	}
	w := newFakeWorld()
	if err := g.before(w, sources); err != nil {
		return err
	}
	s := &witness{g: g, w: w, troubles: map[string]trouble{}, edges: g.edges(), ended: map[string]time.Time{}, begun: map[string]time.Time{}}
	for _, n := range g.nodes {
		s.troubles[n.name] = n.trouble
	}
	w.fault = s.call
	w.serve = func(e *target.Entry, at time.Time) bool { return s.shown(e.Name, at) }
	time.AfterFunc(2*time.Minute, func() { g.review(w, s) })
	run := New(Options{
		Sources: sources, Only: g.only, Skip: slices.DeleteFunc([]string{g.skip}, func(s string) bool { return s == "" }),
		Targets: to(w), Observer: s,
		DryRun: g.dryRun, AllOrNothing: g.allOrNothing, AllowMissing: g.allowMissing, Parallelism: g.parallelism,
	})
	if g.parallelism == 1 {
		run.heldAtMost = 0 // each is read anew when it is planned
	}
	result, err := run.Do(t.Context())
	if err != nil {
		return err
	}
	if s.fault != nil {
		return s.fault
	}
	return g.judge(result, s)
}

// review approves and rejects what waits for it, from the second minute on.
func (g network) review(w *fakeWorld, s *witness) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, v := range w.versions {
		name, _, _ := strings.Cut(key, "@")
		switch {
		case v.status != target.StatusSubmitted:
		case s.troubles[name] == approvedLate:
			v.status = target.StatusActive
		case s.troubles[name] == rejectedLate:
			v.status = "rejected"
		}
	}
	time.AfterFunc(time.Minute, func() { g.review(w, s) })
}

// judge holds the result against the model.
func (g network) judge(result *results.Document, s *witness) error {
	want := g.expected()
	got := outcomesOf(result)
	if !maps.Equal(got, want) {
		return fmt.Errorf("outcomes %v, want %v", got, want)
	}
	round := circular(s.edges)
	for _, n := range g.nodes {
		_, wrote := s.begun[n.name]
		mayWrite := g.planned(n, round[n.name]) == "" && n.trouble != sentBefore && n.trouble != sentForNothing
		switch o := want[n.name]; {
		case wrote && (!mayWrite || o == results.Blocked || o == results.Planned || !g.wants(n.name)):
			return fmt.Errorf("%s is %s, and was sent", n.name, o)
		case !wrote && o == results.Released:
			return fmt.Errorf("%s is released, and was never sent", n.name)
		}
	}
	for _, x := range result.Extensions {
		if round[x.Name] && x.Error != nil && s.troubles[x.Name] != brokenYAML {
			if err := isCycle(x.Error.Message, x.Name, s.edges); err != nil {
				return fmt.Errorf("%s: %w", x.Name, err)
			}
		}
		if err := s.isPunctual(x.Name); err != nil {
			return err
		}
	}
	return nil
}

// isPunctual says that an extension was not kept waiting by one that it does
// not depend on, where there is room for all.
func (s *witness) isPunctual(name string) error {
	begun, ok := s.begun[name]
	if !ok || s.g.parallelism < len(s.g.nodes) {
		return nil
	}
	due := s.w.started
	for dep := range s.edges[name] {
		if s.ended[dep].After(due) {
			due = s.ended[dep]
		}
	}
	if !begun.Equal(due) {
		return fmt.Errorf("%s was begun %s after all that it depends on was there", name, begun.Sub(due))
	}
	return nil
}

// isCycle reads the chain in an error: true to the edges, from the extension
// back to itself, none twice.
func isCycle(message, name string, edges map[string]map[string]bool) error {
	_, told, ok := strings.Cut(message, "externalDependencies form a cycle: ")
	if !ok {
		return fmt.Errorf("no cycle is told: %q", message)
	}
	chain := strings.Split(told, " → ")
	if len(chain) < 2 || chain[0] != name || chain[len(chain)-1] != name {
		return fmt.Errorf("the cycle %q does not lead from it back to it", told)
	}
	seen := map[string]bool{}
	for i, from := range chain[:len(chain)-1] {
		if seen[from] || !edges[from][chain[i+1]] {
			return fmt.Errorf("the cycle %q is none", told)
		}
		seen[from] = true
	}
	return nil
}

// tried is try in a bubble of its own.
func (g network) tried(t *testing.T) (err error) {
	synctest.Test(t, func(t *testing.T) { err = g.try(t) })
	return err
}

// shrink makes a graph that fails smaller, as long as it fails.
func (g network) shrink(t *testing.T) network {
	for {
		at := slices.IndexFunc(g.smaller(), func(s network) bool { return s.tried(t) != nil })
		if at < 0 {
			return g
		}
		g = g.smaller()[at]
	}
}

// smaller are the graphs with one thing less.
func (g network) smaller() []network {
	var all []network
	add := func(change func(*network)) {
		s := g
		s.nodes = slices.Clone(g.nodes)
		change(&s)
		all = append(all, s)
	}
	for i, n := range g.nodes {
		add(func(s *network) {
			s.nodes = slices.Delete(s.nodes, i, i+1)
			s.only = slices.DeleteFunc(slices.Clone(s.only), func(o string) bool { return o == n.name })
		})
		for j := range n.needs {
			add(func(s *network) { s.nodes[i].needs = slices.Delete(slices.Clone(n.needs), j, j+1) })
			if !n.needs[j].required || n.needs[j].version != "*" {
				add(func(s *network) {
					s.nodes[i].needs = slices.Clone(n.needs)
					s.nodes[i].needs[j] = need{name: n.needs[j].name, version: "*", required: true}
				})
			}
		}
		if n.trouble != fine {
			add(func(s *network) { s.nodes[i].trouble = fine })
		}
		if n.folder != n.name {
			add(func(s *network) { s.nodes[i].folder = n.name })
		}
	}
	if g.only != nil {
		add(func(s *network) { s.only = nil })
	}
	if !g.elsewhere {
		add(func(s *network) { s.elsewhere = true })
	}
	if g.allowMissing {
		add(func(s *network) { s.allowMissing = false })
	}
	if g.skip != "" {
		add(func(s *network) { s.skip = "" })
	}
	if g.allOrNothing || g.dryRun {
		add(func(s *network) { s.allOrNothing, s.dryRun = false, false })
	}
	return all
}

// The graphs that found a fault, as they were made smaller.
func TestGraphsThatWentWrong(t *testing.T) {
	plain := func(names ...string) (needs []need) {
		for _, n := range names {
			needs = append(needs, need{name: n, version: "*", required: true})
		}
		return needs
	}
	for name, nodes := range map[string][]node{
		"each member of a cycle is told one that it is in": {
			{name: "a", needs: plain("b")}, {name: "b", needs: plain("a", "c")}, {name: "c", needs: plain("b")}, {name: "d", needs: plain("c")},
		},
		"what was rejected holds back, as it is not there": {
			{name: "a", trouble: rejectedBefore}, {name: "b", needs: plain("a")},
		},
		"what cannot be read holds back, whatever its folder is called": {
			{name: "a", folder: "dir-a", trouble: brokenLinks}, {name: "b", needs: plain("a")},
			{name: "c", folder: "dir-c", trouble: brokenYAML}, {name: "d", needs: plain("c")},
		},
		"nobody waits for what one that is there already needs": {
			{name: "a", trouble: seenLate}, {name: "b", needs: plain("a"), trouble: thereOther}, {name: "c", needs: plain("b")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range nodes {
				nodes[i].folder = cmp.Or(nodes[i].folder, nodes[i].name)
			}
			g := network{nodes: nodes, parallelism: 32}
			if err := g.tried(t); err != nil {
				t.Errorf("%v\n%s", err, g)
			}
		})
	}
}

func TestOrderAndIsolationOfRandomGraphs(t *testing.T) {
	short := 150
	if testing.Short() {
		short = 40
	}
	cases := soak.Cases(t, short, 10_000)
	var (
		outcomes     = map[results.Outcome]int{}
		edges, round int
	)
	for i := range cases {
		g := draw(rand.New(rand.NewPCG(7, uint64(i))))
		if err := g.tried(t); err != nil {
			g = g.shrink(t)
			t.Fatalf("graph %d, made smaller: %v\n%s", i, errors.Join(g.tried(t)), g)
		}
		for _, o := range g.expected() {
			outcomes[o]++
		}
		for _, to := range g.edges() {
			edges += len(to)
		}
		round += len(circular(g.edges()))
	}
	t.Logf("%d graphs with %d edges, %d extensions in cycles; outcomes %v", cases, edges, round, outcomes)
	for _, o := range []results.Outcome{results.Released, results.Planned, results.Exists, results.Drift, results.Blocked, results.Failed, results.Unverified} {
		if outcomes[o] == 0 {
			t.Errorf("no graph has led to %s", o)
		}
	}
}
