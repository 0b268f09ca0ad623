package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// Promise P2: never overwrites. A version with other content is there, in some
// state, and the whole program is to release it, under some settings, while its
// reads go wrong.

// presence is a state of the version that is there.
type presence struct {
	name string
	// make brings the version, which is submitted, into the state.
	make func(r *rehearsal, snapshot string)
	// rules are how the world shows it.
	rules string
	// edit changes the package on its way in; own is the content digest of the
	// project's extension.
	edit func(t *testing.T, pkg *extension.Package, own string) []byte
	// meanwhile: it comes about only when the plan has looked.
	meanwhile bool
	// replaced by design: a draft.
	draft bool
	// wants are the outcomes where no read fails and nothing is left out.
	wants []results.Outcome
	// believed: what is there passes for the same, as it says so itself.
	believed bool
}

const (
	hidden = "GET /index.yaml * before body " + noEntries + "\n"
	// absent is a marketplace that does not know what the index has.
	absent = "GET /apis/**/versions/* * before status 404\n"
	odd    = `GET /apis/**/versions/* * before body {"snapshot_id":"100000000000000042","metadata":{"version":"1.0.0"},"status":"in-review"}` + "\n"
)

func presences() []presence {
	approve := func(r *rehearsal, _ string) { r.must(r.market.Approve("alc", "1.0.0")) }
	reject := func(r *rehearsal, _ string) { r.must(r.market.Reject("alc", "1.0.0", "no")) }
	withdraw := func(r *rehearsal, id string) { r.act(id, "cancel-submit") }
	another := func(t *testing.T, pkg *extension.Package, _ string) []byte {
		return ofAnotherTool(t, "values.yaml")(pkg)
	}
	drift, failed, waits := []results.Outcome{results.Drift}, []results.Outcome{results.Failed}, []results.Outcome{results.Unverified}
	return []presence{
		{name: "submitted", wants: drift},
		{name: "active", make: approve, wants: drift},
		{name: "submitted, in no index", rules: hidden, wants: waits},
		{name: "active, in no index", make: approve, rules: hidden, wants: waits},
		{name: "submitted, in the index later", rules: "GET /index.yaml 1-3 before body " + noEntries + "\n", wants: drift},
		{name: "rejected", make: reject, wants: failed},
		{name: "of an unknown status", rules: hidden + odd, wants: failed},
		{name: "of an unknown status, in the index", rules: odd, wants: drift},
		{name: "in the index alone", rules: absent, wants: drift},
		{name: "by another tool", edit: another, wants: drift},
		{name: "by another tool, approved", edit: another, make: approve, wants: drift},
		{name: "by another tool, in the index later", edit: another, rules: "GET /index.yaml 1-2 before body " + noEntries + "\n", wants: drift},
		{name: "submitted when the plan has looked", meanwhile: true, wants: drift},
		{name: "approved when the plan has looked", meanwhile: true, make: approve, wants: drift},
		{name: "by another tool when the plan has looked", meanwhile: true, edit: another, wants: drift},
		{name: "rejected when the plan has looked", meanwhile: true, make: reject, wants: failed},
		{name: "with our annotation", edit: ofOurs, wants: []results.Outcome{results.Exists}, believed: true},
		{name: "with our annotation, in the index later", edit: ofOurs, rules: "GET /index.yaml 1-3 before body " + noEntries + "\n", wants: drift},
		{name: "withdrawn", make: withdraw, draft: true, wants: []results.Outcome{results.Released}},
		{name: "withdrawn after a rejection", make: func(r *rehearsal, id string) { reject(r, id); withdraw(r, id) }, draft: true, wants: []results.Outcome{results.Released}},
	}
}

// ofOurs puts the content digest of the project's extension into a package of
// other content, which anybody can.
func ofOurs(t *testing.T, pkg *extension.Package, own string) []byte {
	return rewrite(t, pkg.Data, func(_ string, data []byte) []byte {
		return bytes.ReplaceAll(data, []byte(pkg.ContentDigest), []byte(own))
	})
}

func (r *rehearsal) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// post sends something to the marketplace itself, and reads the answer.
func (r *rehearsal) post(path, contentType string, body []byte, into any) {
	r.t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/apis/extension/v1/users/local/"+path, bytes.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+canary.Token)
	request.Header.Set("Content-Type", contentType)
	answer := httptest.NewRecorder()
	r.market.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		r.t.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
	}
	r.must(json.Unmarshal(answer.Body.Bytes(), into))
}

func (r *rehearsal) act(snapshot, action string) {
	r.t.Helper()
	r.post("snapshots/"+snapshot+"/action:"+action, "application/json", []byte(`{"message":"x"}`), &struct{}{})
}

// rival is the package of other content, whose pictures are uploaded.
func (r *rehearsal) rival(change map[string]string) *extension.Package {
	r.t.Helper()
	files := extensionFiles("alc")
	maps.Copy(files, change)
	for name, text := range files {
		r.write(filepath.Join("rival", name), text)
	}
	ext, err := extension.Load(filepath.Join(r.dir, "rival", "extensions", "alc"), extension.Options{})
	r.must(err)
	urls := extension.URLs{}
	for _, a := range ext.Assets {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		file, err := form.CreateFormFile("file1", a.RemoteName)
		r.must(err)
		_, _ = file.Write(a.Data)
		path := "/files/local/alc/1.0.0/" + a.RemoteName
		r.must(form.WriteField("file1_path", path))
		r.must(form.Close())
		r.post("files", form.FormDataContentType(), body.Bytes(), &struct{}{})
		urls[a.File] = marketURL + path
	}
	pkg, err := ext.Pack(urls)
	r.must(err)
	return pkg
}

// publish pushes and submits a package, past all records.
func (r *rehearsal) publish(data []byte) (snapshot string) {
	r.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("extension_package", "alc-1.0.0.tgz")
	r.must(err)
	_, _ = file.Write(data)
	r.must(form.Close())
	var answer struct {
		Snapshot struct {
			ID string `json:"snapshot_id"`
		}
	}
	r.post("extensions/alc/package?force=true&create_extension=true", form.FormDataContentType(), body.Bytes(), &answer)
	r.act(answer.Snapshot.ID, "submit")
	return answer.Snapshot.ID
}

// others are ways for the content to be other.
var others = []map[string]string{
	{"extensions/alc/values.yaml": "global: {other: true}\n"},
	{"extensions/alc/templates/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n"},
	{"extensions/alc/static/icon.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`},
	{"extensions/alc/README.md": "# Another\n"},
}

// overwriting is one case.
type overwriting struct {
	presence
	change   map[string]string
	settings string
	words    []string
	faults   string
}

func (o overwriting) String() string {
	return fmt.Sprintf("%s, other in %v\n%sflags %v\n%s%s", o.name, slices.Collect(maps.Keys(o.change)), o.settings, o.words, o.presence.rules, o.faults)
}

func drawOverwriting(random *rand.Rand, states []presence) overwriting {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	o := overwriting{presence: states[random.IntN(len(states))], change: others[random.IntN(len(others))]}
	o.settings = fmt.Sprintf("push: {existing: %s, drift: %s}\nverify: {until: %s, timeout: %s}\n",
		pick("skip", "fail"), pick("fail", "warn"), pick("indexed", "active"), pick("20s", "5m"))
	if random.IntN(3) == 0 {
		o.words = append(o.words, "--skip", pick(skippable()...))
	}
	for _, flag := range []string{"--dry-run", "--all-or-nothing"} {
		if random.IntN(5) == 0 {
			o.words = append(o.words, flag)
		}
	}
	for range random.IntN(4) {
		what := pick("status 400", "status 401", "status 403", "status 429", "status 500", "html 502", "status 503 retry-after 3s", "status 504",
			"html 404", "login", "empty", "shape", "cut", "reset", "hang", "hangbody", "redirect https://login.example/x", "delay 40s")
		path := pick("/index.yaml", "/apis/**/versions/*", "/apis/user/v1/user", "/apis/**/files/usage", "/charts/*", "/files/**")
		if path == "/apis/**/versions/*" && random.IntN(3) == 0 {
			what = "status 404" // a lie, which only the marketplace can then stand up to
		}
		o.faults += fmt.Sprintf("GET %s %s before %s\n", path, pick("1", "2", "1-2", "2-", "1-4", "*"), what)
	}
	return o
}

// may says which outcomes are true whatever goes wrong.
func (o overwriting) may(x results.Extension) bool {
	switch x.Outcome {
	case results.Drift, results.Failed, results.Unverified:
		return true
	case results.Planned:
		return slices.Contains(o.words, "--dry-run") || slices.Contains(o.words, "push")
	case results.Exists:
		return o.believed
	}
	return false
}

// calm says that nothing stands in the way of seeing how things are.
func (o overwriting) calm() bool { return o.faults == "" && len(o.words) == 0 }

var pictureAt = regexp.MustCompile(regexp.QuoteMeta(marketURL) + `(/files/[^\s"'\]]+)`)

// content is all that KubeSphere would get of the version: the state, the
// archive and the pictures that it names.
func (r *rehearsal) content(stored string) string {
	r.t.Helper()
	all := r.ask("/apis/extension/v1/extensions/alc/snapshots").Body.String() + r.ask("/charts/alc-1.0.0.tgz").Body.String()
	for _, picture := range pictureAt.FindAllStringSubmatch(stored, -1) {
		all += r.ask(picture[1]).Body.String()
	}
	return all
}

func (o overwriting) play(t *testing.T, outcomes map[string]int) {
	r := rehearse(t, projectFiles(o.settings, extensionFiles("alc")))
	pkg := r.rival(o.change)
	data := pkg.Data
	if o.edit != nil {
		data = o.edit(t, pkg, r.load("alc").ContentDigest())
	}
	inside, err := extension.Read("alc", data, extension.Limits{})
	r.must(err)
	stored := string(inside.Document.Source())
	rules, err := faults.Parse("faults", o.rules+o.faults)
	r.must(err)
	r.setFaults(rules)
	var before string
	appear := func() {
		id := r.publish(data)
		if o.make != nil {
			o.make(r, id)
		}
		before = r.content(stored)
	}
	if o.meanwhile {
		r.onDone = func(w wire) {
			if before == "" && strings.Contains(w.path, "/versions/") && w.status == http.StatusNotFound {
				appear()
			}
		}
	} else {
		appear()
	}
	run := r.run(o.words...)
	x := run.of("alc")
	if before == "" { // the plan did not come to look
		if run.of("alc").Outcome == results.Released && !strings.Contains(o.faults, "versions") {
			t.Errorf("released, and the plan has not looked")
		}
		outcomes["not there yet"]++
		return
	}
	if o.draft {
		if o.calm() && x.Outcome != results.Released && !(strings.Contains(o.settings, "active") && x.Outcome == results.Unverified) {
			t.Errorf("%s: %s", x.Outcome, x.Reason)
		}
		outcomes["draft: "+string(x.Outcome)]++
		return
	}
	outcomes[string(x.Outcome)]++
	if r.content(stored) != before {
		t.Errorf("the version was changed")
	}
	lied := strings.Contains(o.faults, "status 404")
	for _, w := range run.asked {
		if w.write() && !o.meanwhile && !lied {
			t.Errorf("a write was sent: %s", w)
		}
	}
	if !o.may(x) {
		t.Errorf("%s: %s", x.Outcome, x.Reason)
	}
	if o.calm() && !slices.Contains(o.wants, x.Outcome) {
		t.Errorf("%s, not %v: %s", x.Outcome, o.wants, x.Reason)
	}
	well := x.Outcome == results.Planned || x.Outcome == results.Drift && strings.Contains(o.settings, "drift: warn") ||
		x.Outcome == results.Exists && !strings.Contains(o.settings, "existing: fail")
	if (run.code == 0) != well {
		t.Errorf("exit code %d for %s", run.code, x.Outcome)
	}
	switch {
	case x.Outcome == results.Drift && !strings.Contains(x.Reason, "bump version in extension.yaml"),
		x.Outcome == results.Failed && (x.Error == nil || x.Error.Hint == "" && x.Error.Stage != results.StageLint):
		t.Errorf("no hint: %s, %+v", x.Reason, x.Error)
	}
}

func TestNeverOverwrites(t *testing.T) {
	short := 120
	if testing.Short() {
		short = 30
	}
	cases := soak.Cases(t, short, 1000)
	states := presences()
	outcomes := map[string]int{}
	start := time.Now()
	for i := range cases {
		o := drawOverwriting(rand.New(rand.NewPCG(2, uint64(i))), states)
		if i < len(states) { // each once with nothing else
			o = overwriting{presence: states[i], change: others[i%len(others)], settings: "verify: {timeout: 2m}\n"}
		}
		synctest.Test(t, func(t *testing.T) { o.play(t, outcomes) })
		if t.Failed() {
			t.Fatalf("case %d: %s", i, o)
		}
	}
	t.Logf("%d cases in %s: %v", cases, time.Since(start).Round(time.Second), outcomes)
}
