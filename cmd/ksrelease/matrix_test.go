package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// scene is a state of the world in which a release begins, and what goes wrong
// in it besides: so that requests are sent that a clean release has no need of.
type scene struct {
	name     string
	settings string // further lines of the config
	// needs is an extension that alc depends on.
	needs   string
	prepare func(r *rehearsal)
	rules   string // as faults.Parse reads them
	// clean is how alc ends without a further fault.
	clean results.Outcome
}

// noEntries is an index in one line: JSON is YAML.
const noEntries = `{"apiVersion": "v1", "entries": {}}`

// scenes lists them so that each adds to those before it.
func scenes() []scene {
	return []scene{
		{name: "fresh", clean: results.Released},
		{name: "answer to the push lost", rules: "POST /apis/**/package 1 after html 502", clean: results.Released},
		{name: "push lost", rules: "POST /apis/**/package 1 before html 502", clean: results.Released},
		{name: "answer to the submission lost", rules: "POST /apis/**/action:submit 1 after html 502", clean: results.Released},
		{name: "submission lost", rules: "POST /apis/**/action:submit 1 before html 502", clean: results.Released},
		{name: "after another", needs: "base", clean: results.Released},
		{name: "draft left behind", prepare: func(r *rehearsal) { r.pushDraft("alc", nil) }, clean: results.Released},
		{name: "slow index", rules: "GET /index.yaml 2-4 before body " + noEntries, clean: results.Released},
		{name: "until active", settings: "verify: {until: active}\n", prepare: func(r *rehearsal) {
			r.onDone = func(w wire) {
				if strings.HasSuffix(w.path, "action:submit") && w.status == http.StatusOK {
					time.AfterFunc(20*time.Second, func() { _ = r.market.Approve("alc", "1.0.0") })
				}
			}
		}, clean: results.Released},
		{name: "submitted and not listed", prepare: func(r *rehearsal) { r.submitAs("alc", nil) },
			rules: "GET /index.yaml 1-2 before body " + noEntries, clean: results.Exists},
		{name: "there", prepare: func(r *rehearsal) { r.submitAs("alc", nil) }, clean: results.Exists},
		{name: "there by another tool", prepare: func(r *rehearsal) { r.submitAs("alc", ofAnotherTool(r.t, "")) }, clean: results.Exists},
		{name: "drift", prepare: func(r *rehearsal) {
			r.submitAs("alc", nil)
			r.write("extensions/alc/values.yaml", "global: {changed: true}\n")
		}, clean: results.Drift},
		{name: "drift by another tool", prepare: func(r *rehearsal) { r.submitAs("alc", ofAnotherTool(r.t, "values.yaml")) }, clean: results.Drift},
	}
}

// begin sets a scene.
func (s scene) begin(t *testing.T) *rehearsal {
	extensions := []map[string]string{extensionFiles("alc")}
	if s.needs != "" {
		extensions = []map[string]string{extensionFiles("alc", s.needs), extensionFiles(s.needs)}
	}
	r := rehearse(t, projectFiles(s.settings, extensions...))
	if s.prepare != nil {
		s.prepare(r)
	}
	return r
}

func (s scene) script(t *testing.T) []faults.Rule {
	rules, err := faults.Parse(s.name, s.rules)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// spot is one request of a release: the nth to its address.
type spot struct {
	method, path string // path as a glob
	nth          int
}

func (s spot) String() string { return fmt.Sprintf("%s %s #%d", s.method, path.Base(s.path), s.nth) }

var snapshotID = regexp.MustCompile(`/snapshots/\d+/`)

// spots records a clean release in a scene and lists its requests that concern
// alc, or all.
func (s scene) spots(t *testing.T) (list []spot) {
	synctest.Test(t, func(t *testing.T) {
		r := s.begin(t)
		r.setFaults(s.script(t))
		p := r.run()
		if got := p.of("alc").Outcome; got != s.clean {
			t.Fatalf("%s: %s, want %s: %s", s.name, got, s.clean, p.of("alc").Reason)
		}
		seen := map[string]int{}
		for _, w := range p.asked {
			at := spot{method: w.method, path: snapshotID.ReplaceAllString(w.path, "/snapshots/*/")}
			seen[at.method+at.path]++
			at.nth = seen[at.method+at.path]
			list = append(list, at)
			if s.needs != "" && strings.HasPrefix(at.path, "/charts/"+s.needs) {
				list = nil // from here on it is alc's turn
			}
		}
	})
	return list
}

// stage is where a request of a release belongs, for the errors.
func (s spot) stage() string {
	switch {
	case strings.HasSuffix(s.path, "/files") && s.method == http.MethodPost:
		return results.StageUpload
	case s.method == http.MethodPost, s.lookup() && s.nth > 1:
		return results.StagePush
	}
	return "plan"
}

// is says that a request is one to this address.
func (s spot) is(w wire) bool {
	return s.method == w.method && s.path == snapshotID.ReplaceAllString(w.path, "/snapshots/*/")
}

// lookup says that a request asks for the version.
func (s spot) lookup() bool { return strings.Contains(s.path, "/versions/") }

// market says that a request goes to the API, with the key.
func (s spot) market() bool { return strings.HasPrefix(s.path, "/apis/") }

// affliction is something that goes wrong with a request.
type affliction struct {
	fault faults.Fault
	// only is a part of the path of the requests that it is for; empty: all.
	only string
}

func (a affliction) String() string {
	f := a.fault
	text := string(f.Kind)
	if f.Status != 0 {
		text += fmt.Sprint(" ", f.Status)
	}
	if f.Wait != 0 {
		text += fmt.Sprint(" ", f.Wait)
	}
	if f.Body != "" {
		text += fmt.Sprintf(" %q", f.Body)
	}
	return strings.TrimSpace(text + " " + f.Location)
}

// afflictions are those of issue and table, in docs/reliability.md P4, and then the
// bad answers that look like good ones.
func afflictions(t *testing.T) []affliction {
	names := remoteNames(t)
	var list []affliction
	for _, status := range []int{400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 504} {
		list = append(list, affliction{fault: faults.Fault{Kind: faults.Status, Status: status}})
	}
	for _, f := range []faults.Fault{
		{Kind: faults.HTML, Status: 502},
		{Kind: faults.Empty},
		{Kind: faults.Shape},
		{Kind: faults.Reset},
		{Kind: faults.Cut},
		{Kind: faults.Hang},
		{Kind: faults.HangBody},
		{Kind: faults.Login},
		{Kind: faults.Redirect, Location: marketURL + "/login"},
		{Kind: faults.Redirect, Location: foreignURL + "/login"},
		{Kind: faults.Redirect, Location: marketURL + "/nowhere"},
		{Kind: faults.Status, Status: 429, Wait: 20 * time.Second},
		{Kind: faults.Status, Status: 503, Wait: 20 * time.Second, Date: true},
		{Kind: faults.Body, Body: "OK\n"},
	} {
		list = append(list, affliction{fault: f})
	}
	body := func(only, text string) {
		list = append(list, affliction{fault: faults.Fault{Kind: faults.Body, Body: text}, only: only})
	}
	body("/versions/", `{"snapshot_id": "516955082294610009", "metadata": {"version": "9.9.9"}, "status": "active"}`)
	body("/versions/", `{"snapshot_id": "516955082294610009", "metadata": {"version": "1.0.0", "name": "other"}, "status": "active"}`)
	body("/versions/", `{"snapshot_id": "516955082294610009", "metadata": {"version": "1.0.0"}}`)
	icon, shot := names[0], names[1]
	addresses := func(two ...string) {
		quoted := []string{}
		for _, address := range two {
			quoted = append(quoted, fmt.Sprintf(`{"url": %q}`, address))
		}
		body("/local/files", `{"files": [`+strings.Join(quoted, ", ")+`]}`)
	}
	at := marketURL + "/files/local/alc/1.0.0/"
	addresses()
	addresses(at + icon)
	addresses(at+icon, at+shot, at+shot)
	addresses("", "")
	addresses("/files/local/alc/1.0.0/"+icon, "/files/local/alc/1.0.0/"+shot)
	addresses(at+shot, at+icon)
	addresses(at+icon, at+icon)
	addresses("javascript:alert(1)", "data:,x")
	body("/package", `{"snapshot": {}}`)
	body("/package", `{"snapshot": {"metadata": {"version": "1.0.0"}, "status": "draft"}}`)
	body("/package", `{"snapshot": {"snapshot_id": "516955082294610009", "metadata": {"version": "9.9.9"}, "status": "draft"}}`)
	body("/usage", `{"dir": ""}`)
	body("/user/v1/user", `{"user_id": null}`)
	body("/index.yaml", "<html><body>Sign in</body></html>")
	body("/index.yaml", "apiVersion: v1\nentries:\n  alc:\n  - annotations:\n      ksrelease.dev/content-digest: sha256:0e5204ef\n    apiVersion: v2\n    name: \"alc")
	body("/index.yaml", "apiVersion: v1\nentries:\n  alc:\n  - version: 1.0.0\n    name: alc\n    urls: [charts/alc-1.0.0.tgz]\n    annotations:\n      ksrelease.dev/content-digest: sha256:0e5204ef")
	body("/charts/", "\x1f\x8b\x08\x00junk that is no gzip")
	body("/charts/", "no such file")
	return list
}

// remoteNames are the names under which the pictures of alc are uploaded.
func remoteNames(t *testing.T) (names []string) {
	synctest.Test(t, func(t *testing.T) {
		for _, asset := range rehearse(t, projectFiles("", extensionFiles("alc"))).load("alc").Assets {
			names = append(names, asset.RemoteName)
		}
	})
	return names
}

// hits says that an affliction is one for a request.
func (a affliction) hits(s spot) bool { return a.only == "" || strings.Contains(s.path, a.only) }

// tells says whether it matters that the marketplace did what it was asked.
func (a affliction) tells(s spot) bool {
	return s.method != http.MethodGet || a.fault.Kind == faults.Cut || a.fault.Kind == faults.HangBody
}

// times is how often a request goes wrong.
type times struct {
	name    string
	many    int // 0 is for ever
	timeout time.Duration
}

func howOften() []times {
	return []times{{"once", 1, 0}, {"three times", 3, 0}, {"for ever", 0, 0}, {"for ever, with --timeout", 0, 45 * time.Second}}
}

// incident is one case of the matrix.
type incident struct {
	scene      scene
	spot       spot
	affliction affliction
	done       bool
	times      times
}

func (i incident) String() string {
	when := "before"
	if i.done {
		when = "after"
	}
	return fmt.Sprintf("%s: %s: %s %s, %s", i.scene.name, i.spot, when, i.affliction, i.times.name)
}

func (i incident) script(t *testing.T) []faults.Rule {
	rule := faults.Rule{Method: i.spot.method, Path: i.spot.path, From: i.spot.nth, Done: i.done, Fault: i.affliction.fault}
	if i.times.many > 0 {
		rule.To = rule.From + i.times.many - 1
	}
	// What the scene is made of comes first: it is how this request comes about.
	return append(i.scene.script(t), rule)
}

// incidents is the whole matrix.
func incidents(t *testing.T) []incident {
	afflicted := afflictions(t)
	var list []incident
	for _, s := range scenes() {
		for _, at := range s.spots(t) {
			for _, a := range afflicted {
				if !a.hits(at) {
					continue
				}
				for _, often := range howOften() {
					for _, done := range []bool{false, true} {
						if done && !a.tells(at) {
							continue // a read changes nothing
						}
						list = append(list, incident{s, at, a, done, often})
					}
				}
			}
		}
	}
	return list
}

// P4 of docs/reliability.md: whatever goes wrong with whichever request, what
// the program says of a release is so by the marketplace's own books, nothing
// is released twice, nothing hangs beyond its deadline, and one more run
// finishes what is left.
func TestTruthByReading(t *testing.T) {
	all := incidents(t)
	usual := 600
	if testing.Short() {
		usual = 100 // the race detector makes each several times as long
	}
	cases := soak.Cases(t, usual, len(all))
	// In an order of no meaning, so that a part of them is a sample of all.
	rand.New(rand.NewPCG(4, 4)).Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	groups := map[string][]incident{}
	var names []string
	for _, i := range all[:cases] {
		name := i.scene.name + "/" + i.spot.String()
		if groups[name] == nil {
			names = append(names, name)
		}
		groups[name] = append(groups[name], i)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, i := range groups[name] {
				synctest.Test(t, i.play)
			}
		})
	}
}

// play lets it happen, judges what the program says, and runs it once more.
func (i incident) play(t *testing.T) {
	r := i.scene.begin(t)
	r.setFaults(i.script(t))
	var words []string
	if i.times.timeout > 0 {
		words = []string{"--timeout", i.times.timeout.String()}
	}
	first := r.run(words...)
	j := &judge{T: t, incident: i, rehearsal: r, run: first}
	j.judge()
	before := first.done

	r.setFaults(nil)
	second := r.run()
	j.converged(second, append(before, second.done...))
	if t.Failed() {
		j.tell()
	}
}

// judge compares what a run said with the books.
type judge struct {
	*testing.T
	incident
	rehearsal *rehearsal
	run       *performance
	failed    bool
}

// wrong reports a wrong outcome.
func (j *judge) wrong(format string, args ...any) {
	j.Helper()
	j.failed = true
	j.Errorf("%s\n\t%s", j.incident, fmt.Sprintf(format, args...))
}

// tell adds what happened.
func (j *judge) tell() {
	if !j.failed {
		return
	}
	var b strings.Builder
	for _, w := range j.run.asked {
		fmt.Fprintf(&b, "\n\t%8s %s %s", w.at.Sub(j.run.started).Round(time.Millisecond), w, w.fault)
	}
	x := j.run.of("alc")
	j.Logf("exit code %d after %s, %s: %s\n\terror: %+v\n\tnotes: %v%s", j.run.code, j.run.took, x.Outcome, x.Reason, x.Error, j.run.notes, b.String())
}

var goType = regexp.MustCompile(`\b[a-z][a-z0-9]*\.[A-Z][A-Za-z]+\b|\bstruct\b|\binterface ?\{|\bmap\[|%!|\b0x[0-9a-f]{6,}|nil pointer`)

func (j *judge) judge() {
	x := j.run.of("alc")
	books := j.rehearsal.books("alc", "1.0.0", j.run.done)
	local := j.rehearsal.load("alc").ContentDigest()
	own := books.content == local || j.scene.name == "there by another tool"

	switch x.Outcome {
	case results.Released:
		if !books.submitted() || books.submits != 1 || books.snapshots != 1 || !books.listed || !own {
			j.wrong("released, but the books say %+v", books)
		}
	case results.Exists:
		if !books.listed || !own || books.submits != 0 {
			j.wrong("exists, but the books say %+v", books)
		}
	case results.Drift:
		if j.scene.clean != results.Drift {
			j.wrong("drift, but the content is the same")
		}
	case results.Failed:
		late := j.times.timeout > 0 && strings.Contains(x.Reason, "not known")
		if books.submits > 0 && books.listed && !late && !j.hidden() {
			j.wrong("failed, but it is submitted and listed: %+v", x.Error)
		}
		j.judgeError(x)
	case results.Unverified:
		if !books.submitted() {
			j.wrong("unverified, but the books say %+v", books)
		}
		if j.times.many > 0 && !j.reviewUnseen(x) {
			j.wrong("unverified, though what went wrong had passed: %s", x.Reason)
		}
	case results.NotReached:
		if j.times.timeout == 0 {
			j.wrong("not reached, without a deadline: %s", x.Reason)
		}
	default:
		j.wrong("outcome %s: %s", x.Outcome, x.Reason)
	}
	if books.submits > 1 || books.snapshots > 1 {
		j.wrong("the books say %+v", books)
	}
	if i := slices.IndexFunc(j.run.done, func(w wire) bool {
		return j.scene.needs == "" && w.status == http.StatusOK && strings.HasSuffix(w.path, "/action:submit")
	}); i >= 0 {
		for _, w := range j.run.done[i+1:] {
			if w.write() && w.status == http.StatusOK && strings.Contains(w.path, "/alc") {
				j.wrong("%s, after it was submitted", w)
			}
		}
	}
	if j.mustEndWell() && x.Outcome != j.scene.clean {
		j.wrong("%s, though %s may be tried again: %s", x.Outcome, j.affliction, x.Reason)
	}
	j.judgeCode(x)
	j.judgeNotes()
	if limit := j.deadline(); j.run.took > limit {
		j.wrong("took %s, more than %s", j.run.took, limit)
	}
	if found := goType.FindString(x.Reason + j.run.stderr); found != "" {
		j.wrong("%q is for those who know Go: %s", found, x.Reason)
	}
	if left := signOfLife.ReplaceAllString(j.run.stderr, ""); left != "" && j.run.code == app.ExitOK {
		j.wrong("standard error: %s", left)
	}
}

// signOfLife is a line by which a run that takes long says what it waits for.
var signOfLife = regexp.MustCompile(`(?m)^still (planning|releasing): \d+ of \d+ done.*\n`)

// retryNote is how a retry is told: what, why, how long, and which attempt where
// they are counted.
var retryNote = regexp.MustCompile(`^(.+?): (.+), trying again in (\d[\dhms.]*)(?:, (\d) of (\d))?$`)

// judgeNotes holds every retry to having been told before its wait, and every
// word of it to what was done then.
func (j *judge) judgeNotes() {
	var waited time.Duration
	for _, n := range j.run.notes {
		told := retryNote.FindStringSubmatch(n.text)
		if told == nil {
			continue
		}
		wait, err := time.ParseDuration(told[3])
		// Who asks to slow down is obeyed for a time, whatever the number.
		limited := strings.Contains(told[2], "429") || j.affliction.fault.Wait > 0
		counted := told[4] == "" && limited || told[4] >= "2" && told[4] <= told[5]
		if err != nil || wait <= 0 || n.extension == "" || !counted {
			j.wrong("no good note of a retry: %+v", n)
			continue
		}
		due, rounded := n.at.Add(wait), 60*time.Millisecond
		if wait >= 10*time.Second {
			rounded = 600 * time.Millisecond
		}
		waited += wait - rounded // what is told may be rounded up
		over := j.times.timeout > 0 && due.Sub(j.run.started) > j.times.timeout-rounded
		if !over && !slices.ContainsFunc(j.run.asked, func(w wire) bool { return w.at.Sub(due).Abs() <= rounded }) {
			j.wrong("told %q, and nothing was tried at that time", n.text)
		}
	}
	if limit := j.deadline(); waited > limit {
		j.wrong("waited %s in all, more than %s", waited, limit)
	}
	polled := strings.HasPrefix(j.spot.path, "/charts/") || j.scene.clean != results.Released && j.spot.path == "/index.yaml"
	if j.saysNone() || polled || !(j.spot.method == http.MethodPost || j.spot.nth == 1 && j.passes()) {
		return // not what is tried again, but asked another time
	}
	last := map[string]wire{}
	for _, w := range j.run.asked {
		if w.write() && j.spot.method == http.MethodGet {
			return // what is read from here on is read anew
		}
		before, again := last[w.String()]
		last[w.String()] = w
		if !again || before.fault != string(j.affliction.fault.Kind) || !j.spot.is(w) {
			continue
		}
		if before.fault == string(faults.Reset) && w.at.Sub(before.at) < 10*time.Millisecond {
			continue // net/http itself: a connection that was kept open had been closed
		}
		if !slices.ContainsFunc(j.run.notes, func(n note) bool {
			return retryNote.MatchString(n.text) && !n.at.Before(before.at) && n.at.Before(w.at)
		}) {
			j.wrong("%s was tried again after %s, and nobody was told", w, w.at.Sub(before.at))
		}
	}
}

// judgeError holds an error to what the issue asks: stage, cause and hint.
func (j *judge) judgeError(x results.Extension) {
	if x.Error == nil {
		j.wrong("failed without an error")
		return
	}
	stages := []string{j.spot.stage()}
	if j.spot.lookup() && j.saysNone() {
		// The marketplace has said that it is not there, and what follows is refused.
		stages = append(stages, results.StagePush)
	}
	if j.spot.lookup() && j.scene.needs != "" {
		stages = append(stages, "plan") // what the plan saw is looked at again
	}
	told := slices.Contains(stages, x.Error.Stage)
	if !told {
		j.wrong("failed at %s, want %s: %s", x.Error.Stage, j.spot.stage(), x.Error.Message)
	}
	if x.Error.Hint == "" {
		j.wrong("no hint for: %s", x.Error.Message)
	}
	if j.scene.rules != "" && j.spot.nth > 1 && j.spot.lookup() && !j.saysNone() && !strings.Contains(x.Error.Message, "not known") {
		j.wrong("a write is in doubt, and that is not told: %s", x.Error.Message)
	}
}

// reviewUnseen says that the review of what was submitted can be seen by nobody any more: the
// first refusal of the key ends all talk with the marketplace.
func (j *judge) reviewUnseen(x results.Extension) bool {
	return j.affliction.fault.Status == http.StatusUnauthorized && j.scene.name == "until active" &&
		strings.HasSuffix(x.Reason, "; the API key was refused before its review was seen") &&
		x.Error != nil && x.Error.Stage == results.StageVerify && x.Error.Hint != ""
}

// hidden says that the version could not be seen where the key of its submission was refused:
// the index was read once more, as that needs no key, and its answer was a late one.
func (j *judge) hidden() bool {
	last := j.run.asked[len(j.run.asked)-1]
	return j.affliction.fault.Status == http.StatusUnauthorized && last.path == "/index.yaml" && last.fault != ""
}

// judgeCode holds the exit code to docs/exit-codes.md.
func (j *judge) judgeCode(x results.Extension) {
	want := app.ExitNotReleased
	status := j.affliction.fault.Status
	switch {
	case x.Outcome == results.Released, x.Outcome == results.Exists:
		want = app.ExitOK
	case (x.Outcome == results.Failed || strings.Contains(x.Reason, "the API key was refused")) && j.spot.market() && (status == http.StatusUnauthorized ||
		status == http.StatusForbidden && (strings.HasSuffix(j.spot.path, "/user") || strings.HasSuffix(j.spot.path, "/usage"))):
		want = app.ExitAuth
	}
	if j.run.code != want {
		j.wrong("exit code %d, want %d, for %s: %s", j.run.code, want, x.Outcome, x.Reason)
	}
}

// saysNone says that an answer is, as far as anybody can tell, the
// marketplace's word that there is no such version.
func (j *judge) saysNone() bool {
	f := j.affliction.fault
	halfOf404 := j.done && (f.Kind == faults.Cut || f.Kind == faults.HangBody)
	return f.Status == http.StatusNotFound || halfOf404 || f.Location == marketURL+"/nowhere"
}

// passes says that what goes wrong may be gone when it is tried again.
func (j *judge) passes() bool {
	f := j.affliction.fault
	switch f.Kind {
	case faults.Reset, faults.Hang, faults.HangBody, faults.Cut, faults.Empty:
		return true
	case faults.Status, faults.HTML:
		return f.Status == http.StatusTooManyRequests || f.Status >= 500
	}
	return false
}

// mustEndWell says that the fault is one to get over.
func (j *judge) mustEndWell() bool {
	if j.times.many == 0 {
		return false
	}
	doubtful := j.spot.method == http.MethodPost && !strings.HasSuffix(j.spot.path, "/files")
	verifying := j.spot.stage() == "plan" && (j.spot.nth > 1 || strings.HasPrefix(j.spot.path, "/charts/")) && j.scene.clean == results.Released
	switch f := j.affliction.fault; {
	case j.passes(), verifying:
		return true
	case doubtful: // it is read back, and sent again where it was not done
		return f.Kind != faults.Status || f.Status == http.StatusConflict
	}
	return false
}

// deadline bounds a run: the attempts of one request and the waits between
// them, or the time to wait for the index.
func (j *judge) deadline() time.Duration {
	const usual = time.Minute // all that is not afflicted
	if j.times.timeout > 0 {
		return j.times.timeout
	}
	const (
		patience = 5 * time.Minute // transport.DefaultPatience
		verify   = 5 * time.Minute
	)
	write := 5*2*time.Minute + 20*time.Second
	read := 5*30*time.Second + 15*time.Second
	switch {
	case j.spot.method == http.MethodPost:
		return max(write, 2*patience) + usual // a limit is waited for by client and pipeline
	case j.spot.stage() == "plan" && j.spot.nth == 1 && !j.saysNone():
		return max(read, patience) + usual
	case j.spot.lookup():
		// The version is looked up, read back and, until it is active, asked for.
		return max(2*read, patience) + verify + usual
	}
	return max(read, patience) + verify + usual
}

// converged holds the run after it to an end that is good, by the books.
func (j *judge) converged(p *performance, done []wire) {
	x := p.of("alc")
	if j.scene.clean == results.Drift {
		if x.Outcome != results.Drift || p.code != app.ExitNotReleased {
			j.wrong("one more run: %s, exit code %d: %s", x.Outcome, p.code, x.Reason)
		}
		return
	}
	books := j.rehearsal.books("alc", "1.0.0", done)
	if p.code != app.ExitOK || !slices.Contains([]results.Outcome{results.Released, results.Exists}, x.Outcome) {
		j.wrong("one more run: %s, exit code %d: %s", x.Outcome, p.code, x.Reason)
	}
	submits := 1
	if strings.HasPrefix(j.scene.name, "there") || j.scene.name == "submitted and not listed" {
		submits = 0
	}
	if books.snapshots != 1 || books.submits != submits || !books.listed {
		j.wrong("after one more run: %+v", books)
	}
}
