package marketplace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// tree is a folder in memory: the contents of its files by slash path. A path that ends
// with a slash is a folder.
type tree map[string]string

func readTree(t testing.TB, dir string) tree {
	t.Helper()
	found := tree{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		rel = filepath.ToSlash(rel)
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			found[rel+"/"] = ""
		case entry.Type().IsRegular():
			data, err := os.ReadFile(name)
			found[rel] = string(data)
			return err
		default:
			found[rel] = entry.Type().String()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (t tree) write(tb testing.TB, dir string) {
	tb.Helper()
	for _, name := range slices.Sorted(maps.Keys(t)) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(file, 0o700)
		} else {
			err = os.WriteFile(file, []byte(t[name]), 0o600)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// files are the paths of the files, sorted.
func (t tree) files() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(t)), func(name string) bool { return strings.HasSuffix(name, "/") })
}

// without is the tree without a file, or a folder and all in it.
func (t tree) without(name string) tree {
	next := maps.Clone(t)
	maps.DeleteFunc(next, func(path, _ string) bool {
		return path == name || strings.HasPrefix(path, strings.TrimSuffix(name, "/")+"/")
	})
	return next
}

func (t tree) with(name, content string) tree {
	next := maps.Clone(t)
	next[name] = content
	return next
}

// damagedCase is a tree that was damaged at some of its files.
type damagedCase struct {
	what  string
	at    []string
	after tree
}

// withEachState is a marketplace that has a version in each state, and what is known of
// them: status, digest and chart by name@version.
func withEachState(t *testing.T) (tree, map[string]catalog.Snapshot) {
	t.Helper()
	dir := t.TempDir()
	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, m)
	c.want(200, c.upload(files("/files/local/alc/1.0.0/i.svg", "<svg/>")...))
	for _, version := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		c.release("alc", version)
	}
	c.draft("alc", "2.0.0")
	c.release("web", "0.1.0")
	c.draft("new", "0.0.1")
	if err := errors.Join(m.Approve("alc", "1.0.0"), m.Reject("alc", "1.2.0", "no README"), m.Close()); err != nil {
		t.Fatal(err)
	}
	return readTree(t, dir), versionsOf(m)
}

func versionsOf(m *Marketplace) map[string]catalog.Snapshot {
	all := map[string]catalog.Snapshot{}
	for _, extension := range m.state.All() {
		for _, snapshot := range extension.Snapshots {
			all[extension.Name+"@"+snapshot.Version] = snapshot
		}
	}
	return all
}

// damages are the tree with each file and folder removed or replaced, each byte range
// flipped, cut out or overwritten, each file cut at each place, and several of that at
// once. Whole files and folders come first, and the rest is shuffled, always in the same
// way.
func damages(whole tree) []damagedCase {
	var all, parts []damagedCase
	add := func(after tree, what string, at ...string) {
		all = append(all, damagedCase{what, at, after})
	}
	random := rand.New(rand.NewPCG(9, 9))
	for _, name := range slices.Sorted(maps.Keys(whole)) {
		add(whole.without(name), "removed", name)
		if strings.HasSuffix(name, "/") {
			add(whole.without(name).with(strings.TrimSuffix(name, "/"), "a file"), "a file in its place", name)
			continue
		}
		content := whole[name]
		add(whole.with(name, ""), "empty", name)
		add(whole.without(name).with(name+"/", ""), "a folder in its place", name)
		add(whole.with(name, content+content), "twice", name)
		add(whole.with(name, content+"\n"), "one more line", name)
		other := whole.files()[random.IntN(len(whole.files()))]
		if whole[other] != content {
			add(whole.with(name, whole[other]).with(other, content), "exchanged with "+other, name, other)
		}
		add := func(after tree, what string, at ...string) {
			parts = append(parts, damagedCase{what, at, after})
		}
		for at := 0; at < len(content); at += 5 {
			flipped := []byte(content)
			flipped[at] ^= 1 << random.IntN(8)
			add(whole.with(name, string(flipped)), fmt.Sprintf("a bit of byte %d", at), name)
			end := min(len(content), at+1+random.IntN(40))
			add(whole.with(name, content[:at]+content[end:]), fmt.Sprintf("without the bytes %d to %d", at, end), name)
			add(whole.with(name, content[:at]+strings.Repeat("\x00", end-at)+content[end:]), fmt.Sprintf("zeros for the bytes %d to %d", at, end), name)
			if at > 0 {
				add(whole.with(name, content[:at]), fmt.Sprintf("cut at byte %d", at), name)
			}
		}
	}
	// What stays JSON of the right shape is the worst.
	words := [][2]string{{"submitted", "active"}, {"draft", "submitted"}, {"rejected", "submitted"}, {"rejected", "draft"}, {"1.0.0", "1.0.1"}, {"Extension", "Intension"}, {"local", "lokal"}, {"alc", "web"}, {"\"size\": ", "\"size\": 1"}, {"2026", "2025"}}
	for _, name := range whole.files() {
		for _, word := range words {
			if strings.Contains(whole[name], word[0]) && !strings.HasSuffix(name, ".tgz") {
				add(whole.with(name, strings.ReplaceAll(whole[name], word[0], word[1])), word[1]+" for "+word[0], name)
			}
		}
	}
	singles := append(slices.Clone(all), parts...)
	for range 3000 {
		a, b := singles[random.IntN(len(singles))], singles[random.IntN(len(singles))]
		after := maps.Clone(a.after)
		ok := true
		for name := range whole { // what b changed or removed
			if content, there := b.after[name]; !there {
				after = after.without(name)
			} else if content != whole[name] {
				_, ok = after[name]
				after[name] = content
			}
			if !ok {
				break
			}
		}
		if ok {
			parts = append(parts, damagedCase{a.what + " and " + b.what, append(slices.Clone(a.at), b.at...), after})
		}
	}
	random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return append(all, parts...)
}

// memory is a folder for so many cases; in memory where there is such a thing.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ksrelease-marketplace-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// However the folder of a marketplace is damaged, no package is lost and nothing wrong is
// listed: what does not matter is put right, all else is an error that names the file and
// changes nothing; and after a repair all that has a package is there, never in a better
// state than it was.
func TestDamagedFolders(t *testing.T) {
	soak.Long(t)
	whole, known := withEachState(t)
	all := damages(whole)
	cases := min(len(all), soak.Cases(t, 300, 10_000))
	home := memory(t)
	jobs := make(chan int)
	var workers sync.WaitGroup
	opened, repaired, rebuilt := make([]int, 2), 0, 0
	var mu sync.Mutex
	for range 2 {
		workers.Go(func() {
			for i := range jobs {
				judge := &damageJudge{t: t, damaged: all[i], whole: whole, known: known, dir: filepath.Join(home, fmt.Sprint(i)), readOnly: i%20 == 0}
				ok := judge.run()
				mu.Lock()
				if ok {
					opened[0]++
				} else {
					opened[1]++
				}
				repaired += judge.repaired
				rebuilt += judge.rebuilt
				mu.Unlock()
			}
		})
	}
	for i := range cases {
		if t.Failed() {
			break
		}
		jobs <- i
	}
	close(jobs)
	workers.Wait()
	t.Logf("%d of %d cases: %d opened and in order, %d errors, %d repaired, %d versions rebuilt", cases, len(all), opened[0], opened[1], repaired, rebuilt)
	if len(all) < 10_000 {
		t.Errorf("there are %d cases", len(all))
	}
	if opened[0] == 0 || repaired == 0 || rebuilt == 0 {
		t.Error("the test has shown nothing")
	}
}

type damageJudge struct {
	t        *testing.T
	damaged  damagedCase
	whole    tree
	known    map[string]catalog.Snapshot
	dir      string
	readOnly bool

	repaired, rebuilt int
}

func (j *damageJudge) errorf(format string, args ...any) {
	j.t.Errorf("%s, %s: %s", strings.Join(j.damaged.at, ", "), j.damaged.what, fmt.Sprintf(format, args...))
}

// run says whether the folder opened as it is.
func (j *damageJudge) run() bool {
	if err := os.Mkdir(j.dir, 0o700); err != nil {
		j.t.Fatal(err)
	}
	defer os.RemoveAll(j.dir)
	j.damaged.after.write(j.t, j.dir)
	if j.readOnly {
		j.lookOnly()
	}
	m, err := Open(j.dir, Options{})
	if err == nil {
		j.inOrder(m, "opened")
		return true
	}
	j.isSaid(err)
	j.unchanged()
	said, err := Repair(j.dir, Options{})
	if err != nil || len(said) == 0 {
		j.errorf("repaired: %v, %q", err, said)
		return false
	}
	j.repaired++
	if again, err := Repair(j.dir, Options{}); err != nil || len(again) > 0 {
		j.errorf("repaired again: %v, %q", err, again)
	}
	m, err = Open(j.dir, Options{})
	if err != nil {
		j.errorf("after the repair: %v", err)
		return false
	}
	j.isNoBetter(m, said)
	return false
}

// lookOnly opens the folder for reading: as an error or as it was, with no change at all.
func (j *damageJudge) lookOnly() {
	m, err := Open(j.dir, Options{ReadOnly: true})
	if err == nil {
		if diff := j.compare(versionsOf(m)); diff != "" {
			j.errorf("opened for reading: %s", diff)
		}
		if err := m.Close(); err != nil {
			j.errorf("%v", err)
		}
	}
	if diff := cmp.Diff(j.damaged.after, readTree(j.t, j.dir)); diff != "" {
		j.errorf("opening for reading has changed the folder: %s", diff)
	}
}

// isSaid checks that an error names what is damaged.
func (j *damageJudge) isSaid(err error) {
	var damage *store.DamageError
	if !errors.As(err, &damage) || damage.Hint() == "" {
		j.errorf("error = %v", err)
	}
	text := filepath.ToSlash(err.Error())
	for _, at := range j.damaged.at {
		if strings.Contains(text, filepath.ToSlash(j.dir)+"/"+at) || strings.HasSuffix(at, "/") {
			return
		}
	}
	j.errorf("no damaged file is named: %v", err)
}

// unchanged checks that an opening that failed has touched nothing.
func (j *damageJudge) unchanged() {
	after := readTree(j.t, j.dir).without("state/lock").without("state/serving.json")
	before := j.damaged.after.without("state/lock").without("state/serving.json")
	delete(after, "state/")
	delete(before, "state/")
	if diff := cmp.Diff(before, after); diff != "" {
		j.errorf("what could not be opened was changed: %s", diff)
	}
}

func (j *damageJudge) compare(found map[string]catalog.Snapshot) string {
	return cmp.Diff(j.plain(j.known), j.plain(found))
}

// plain is what counts of versions.
func (j *damageJudge) plain(all map[string]catalog.Snapshot) map[string]string {
	lines := map[string]string{}
	for name, s := range all {
		lines[name] = fmt.Sprint(s.ID, s.Status, s.Message, s.Package.Digest, s.Package.Size, s.UpdatedAt.Unix(), *s.Package.Chart)
	}
	return lines
}

// inOrder checks a marketplace that is as it was, and closes it.
func (j *damageJudge) inOrder(m *Marketplace, how string) {
	if diff := j.compare(versionsOf(m)); diff != "" {
		j.errorf("%s: %s", how, diff)
	}
	j.listsRightly(m)
	j.nothingIsLost()
}

// listsRightly closes the marketplace and compares the static repository with it.
func (j *damageJudge) listsRightly(m *Marketplace) {
	if err := m.Close(); err != nil {
		j.errorf("closing: %v", err)
	}
	want := map[string]string{}
	for name, s := range versionsOf(m) {
		if s.Status.Listed() {
			want[name] = s.Package.Digest
		}
	}
	found := readTree(j.t, j.dir)
	got := map[string]string{}
	for _, entries := range parseIndex(j.t, []byte(found["public/index.yaml"])).Entries {
		for _, entry := range entries {
			got[entry.Name+"@"+entry.Version] = entry.Digest
			if sha256Hex([]byte(found["public/"+entry.URLs[0]])) != entry.Digest {
				j.errorf("%s@%s is listed with other bytes", entry.Name, entry.Version)
			}
			if entry.Description != "Extension "+entry.Name {
				j.errorf("%s@%s is listed as %q", entry.Name, entry.Version, entry.Description)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		j.errorf("listing: %s", diff)
	}
	for name := range found {
		if strings.HasPrefix(name, "public/charts/") && name != "public/charts/" && !slices.Contains(slices.Collect(maps.Values(want)), sha256Hex([]byte(found[name]))) {
			j.errorf("%s is published and not listed", name)
		}
	}
}

// nothingIsLost checks that what was in a file of the state, or in a package of the
// repository, is in some file yet. Records that are rewritten have what they had.
func (j *damageJudge) nothingIsLost() {
	now := slices.Collect(maps.Values(readTree(j.t, j.dir)))
	for name, content := range j.damaged.after {
		if strings.HasSuffix(name, "/") || strings.HasSuffix(name, "serving.json") || name == "public/index.yaml" || j.whole[name] == content && strings.HasSuffix(name, ".json") {
			continue
		}
		if !slices.Contains(now, content) {
			j.errorf("what was in %s is gone", name)
		}
	}
}

// isNoBetter checks a marketplace after its repair, and closes it.
func (j *damageJudge) isNoBetter(m *Marketplace, said []string) {
	var intact []string // digests of packages that were there to be found
	for name, content := range j.damaged.after {
		if strings.HasSuffix(name, ".tgz") || strings.HasPrefix(name, "state/packages/") {
			intact = append(intact, sha256Hex([]byte(content)))
		}
	}
	found := versionsOf(m)
	for name, was := range j.known {
		is, ok := found[name]
		delete(found, name)
		switch {
		case !ok && slices.Contains(intact, was.Package.Digest):
			j.errorf("%s has its package and is gone; %q", name, said)
		case !ok && !strings.Contains(strings.Join(said, "\n"), strings.SplitN(name, "@", 2)[0]) && !strings.Contains(strings.Join(said, "\n"), "which extensions there were is no longer known"):
			j.errorf("%s is gone without a word; %q", name, said)
		case !ok:
		case is.Package.Digest != was.Package.Digest:
			j.errorf("%s has another package", name)
		case is.Status != was.Status && is.Status != catalog.Draft:
			j.errorf("%s was %s and is %s", name, was.Status, is.Status)
		case is.ID != was.ID:
			j.rebuilt++
			if !strings.Contains(strings.Join(said, "\n"), strings.Replace(name, "@", " ", 1)+" is rebuilt") {
				j.errorf("%s is rebuilt without a word: %q", name, said)
			}
		}
	}
	if len(found) > 0 {
		j.errorf("there are versions that never were: %v", slices.Collect(maps.Keys(found)))
	}
	j.listsRightly(m)
	j.nothingIsLost()
}

// A package that is damaged, and can be read as one all the same, is not what a record is
// rebuilt from: its published copy is, or nothing.
func TestRepairTakesNoDamagedPackage(t *testing.T) {
	whole, known := withEachState(t)
	for version, snapshot := range known {
		name, _, _ := strings.Cut(version, "@")
		file := store.PackageFile(snapshot.Package.Digest)
		record := "state/extensions/" + name + ".json"
		damaged := damagedCase{"twice, and no record", []string{file, record}, whole.with(file, whole[file]+whole[file]).without(record)}
		judge := &damageJudge{t: t, damaged: damaged, whole: whole, known: known, dir: filepath.Join(t.TempDir(), "m")}
		if judge.run() || judge.repaired != 1 {
			t.Errorf("%s: opened, or not repaired", version)
		}
	}
}

// A marketplace that is opened for reading shows what others do, and does nothing itself.
func TestReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	empty := serve(t, open(t, dir, Options{ReadOnly: true}))
	if listed := empty.index().listed(); len(listed) > 0 {
		t.Errorf("a marketplace that is not there lists %v", listed)
	}
	empty.want(404, empty.get("/files/local/x"))
	if _, err := os.Stat(dir); err == nil {
		t.Error("reading has made the folder")
	}

	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	writer := serve(t, m)
	id := writer.release("alc", "1.0.0")
	writer.want(200, writer.upload(files("/files/local/alc/i.svg", "<svg/>")...))
	reading, err := Open(dir, Options{ReadOnly: true}) // while another process has it
	if err != nil {
		t.Fatal(err)
	}
	reader := serve(t, reading)
	for _, next := range []catalog.Status{catalog.Submitted, catalog.Active} {
		if got := reader.state("alc", "1.0.0"); got != next {
			t.Errorf("the reader sees %s, not %s", got, next)
		}
		if next == catalog.Submitted {
			if err := m.Approve("alc", "1.0.0"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	before := readTree(t, dir)
	reader.want(200, reader.get("/charts/alc-1.0.0.tgz"))
	reader.want(200, reader.get("/files/local/alc/i.svg"))
	for _, refused := range []reply{
		reader.push("web", packed("web", "1.0.0")), reader.step(id, "cancel-submit"), reader.upload(files("/files/local/web/i.svg", "x")...),
	} {
		if refused.status != 403 || refused.message() != "this marketplace is opened for reading alone" {
			t.Errorf("a write: %d %s", refused.status, refused.body)
		}
	}
	if err := reading.SetExternalURL("http://h.example"); err == nil {
		t.Error("a reader has set the external URL")
	}
	if err := reading.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, readTree(t, dir)); diff != "" {
		t.Errorf("reading has changed the folder: %s", diff)
	}
}

// What an earlier ksrelease wrote is upgraded, and can be read before it is.
func TestUpgrade(t *testing.T) {
	whole, known := withEachState(t)
	old := asFirstFormat(t, whole)
	check := func(t *testing.T, dir string) {
		judge := &damageJudge{t: t, damaged: damagedCase{after: whole}, whole: whole, known: known, dir: dir}
		m, err := Open(dir, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := judge.compare(versionsOf(m)); diff != "" {
			t.Errorf("read before: %s", diff)
		}
		c := serve(t, m)
		c.want(200, c.get("/files/local/alc/1.0.0/i.svg"))
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		var said []string
		m, err = Open(dir, Options{Warn: func(s string) { said = append(said, s) }})
		if err != nil {
			t.Fatal(err)
		}
		if len(said) != 1 || !strings.Contains(said[0], "is upgraded to a new form: what a web server may serve is in "+filepath.Join(dir, "public")) {
			t.Errorf("said: %q", said)
		}
		judge.inOrder(m, "upgraded")
		after := readTree(t, dir)
		for _, name := range []string{"index.yaml", "charts/", "files/"} {
			if _, left := after[name]; left {
				t.Errorf("%s is still there", name)
			}
		}
		for _, name := range []string{"state/extensions/alc.json", "state/contents.json", "public/files/local/alc/1.0.0/i.svg", "public/index.yaml"} {
			if after[name] != whole[name] {
				t.Errorf("%s is\n%s\nwant\n%s", name, after[name], whole[name])
			}
		}
		for _, name := range []string{"state", "state/packages", "state/extensions"} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
		if m, err = Open(dir, Options{Warn: func(s string) { t.Errorf("again: %s", s) }}); err != nil {
			t.Fatal(err)
		}
		judge.inOrder(m, "again")
	}
	t.Run("whole", func(t *testing.T) {
		dir := t.TempDir()
		old.write(t, dir)
		check(t, dir)
	})
	// A crash leaves some steps done.
	t.Run("halfway", func(t *testing.T) {
		dir := t.TempDir()
		half := old.without("files/").with("state/contents.json", whole["state/contents.json"]).with("state/extensions/web.json", whole["state/extensions/web.json"])
		for name, content := range whole {
			if strings.HasPrefix(name, "public/files/") || name == "public/" {
				half[name] = content
			}
		}
		half.write(t, dir)
		check(t, dir)
	})
	for name, damaged := range map[string]tree{
		"a record is gone":    old.without("state/extensions/web.json"),
		"another status":      old.with("state/extensions/web.json", strings.Replace(old["state/extensions/web.json"], `"submitted"`, `"approved"`, 1)),
		"another description": old.with("state/extensions/web.json", strings.Replace(old["state/extensions/web.json"], "Extension web", "Intension web", 1)),
		"an unknown key":      old.with("state/extensions/web.json", strings.Replace(old["state/extensions/web.json"], `"owner"`, `"0wner": "x", "owner"`, 1)),
		"something behind it": old.with("state/extensions/web.json", old["state/extensions/web.json"]+"{}"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			damaged.write(t, dir)
			m, err := Open(dir, Options{})
			if err == nil {
				m.Close()
			}
			if !store.IsDamage(err) || !strings.Contains(err.Error(), filepath.Join(dir, "state", "extensions", "web.json")) {
				t.Errorf("error = %v", err)
			}
			if after := readTree(t, dir).without("state/lock"); cmp.Diff(damaged.without("state/lock"), after) != "" {
				t.Error("the folder was changed")
			}
			said, err := Repair(dir, Options{})
			if err != nil || !strings.Contains(strings.Join(said, "\n"), "web 0.1.0 is rebuilt from its package, as a draft") {
				t.Errorf("%v, %q", err, said)
			}
			m = open(t, dir, Options{})
			if versions := versionsOf(m); len(versions) != len(known) || versions["web@0.1.0"].Status != catalog.Draft || versions["alc@1.0.0"].Status != catalog.Active {
				t.Errorf("%+v", versions)
			}
		})
	}
}

// asFirstFormat is a folder as ksrelease wrote it before it knew digests of records.
func asFirstFormat(t *testing.T, whole tree) tree {
	t.Helper()
	old := tree{}
	for name, content := range whole {
		moved := strings.TrimPrefix(name, "public/")
		if strings.HasPrefix(name, "state/extensions/") && strings.HasSuffix(name, ".json") {
			lines := strings.SplitAfterN(content, "\n", 4)
			if !strings.Contains(lines[2], "sha256") {
				t.Fatal(content)
			}
			content = "{\n  \"format\": 1,\n" + lines[3]
		}
		if moved != "" {
			old[moved] = content
		}
	}
	return old.without("state/contents.json")
}

// A state of another time is not damage: it is neither opened nor repaired.
func TestFormatOfTomorrow(t *testing.T) {
	whole, _ := withEachState(t)
	for _, name := range []string{"state/extensions/alc.json", "state/contents.json"} {
		dir := t.TempDir()
		tomorrow := whole.with(name, strings.Replace(whole[name], `"format": 2`, `"format": 3`, 1))
		tomorrow.write(t, dir)
		want := filepath.Join(dir, filepath.FromSlash(name)) + ": its format is 3, this ksrelease knows format 2; use the version of ksrelease that wrote it"
		if _, err := Open(dir, Options{}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("opened: %v", err)
		}
		if _, err := Repair(dir, Options{}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("repaired: %v", err)
		}
		if diff := cmp.Diff(tomorrow, readTree(t, dir)); diff != "" {
			t.Errorf("%s", diff)
		}
	}
}

// A package that was damaged while the marketplace is open is not served.
func TestDamagedPackageIsNotServed(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{})
	c := serve(t, m)
	c.release("alc", "1.0.0")
	c.want(200, c.get("/charts/alc-1.0.0.tgz"))
	flush(t, m)
	file := filepath.Join(dir, filepath.FromSlash(store.PackageFile(sha256Hex(packed("alc", "1.0.0")))))
	good := readFile(t, file)
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	for name, damage := range map[string]func() error{
		"flipped": func() error { return os.WriteFile(file, flipped, 0o600) },
		"cut":     func() error { return os.WriteFile(file, good[:10], 0o600) },
		"empty":   func() error { return os.WriteFile(file, nil, 0o600) },
		"longer":  func() error { return os.WriteFile(file, append(bytes.Clone(good), 0), 0o600) },
		"gone":    func() error { return os.Remove(file) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		got := c.get("/charts/alc-1.0.0.tgz")
		if got.status != 500 || !strings.Contains(got.message(), filepath.Base(file)) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		// The copy of the static repository is another file.
		if got := readFile(t, filepath.Join(dir, "public/charts/alc-1.0.0.tgz")); !bytes.Equal(got, good) {
			t.Errorf("%s: the published copy has changed, too", name)
		}
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.want(200, c.get("/charts/alc-1.0.0.tgz"))
}

// What no record speaks of is moved to the lost folder, with a word; half-written files
// of a crash go.
func TestStraysAreMovedNotRemoved(t *testing.T) {
	dir := t.TempDir()
	m, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, m).draft("alc", "1.0.0")
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	left := map[string]string{"state/staging/ABCDEFGHIJKLMNOPQRSTUVWXYZ": "half", "state/staging/mine": "mine", "state/serving.json": "{}",
		"state/packages/" + strings.Repeat("0", 64) + ".tgz": "stray", "public/charts/other-1.0.0.tgz": "other"}
	for range 2 {
		var said []string
		for name, content := range left {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		m, err = Open(dir, Options{Warn: func(s string) { said = append(said, s) }})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if len(said) != 2 || !strings.Contains(said[0], "no version speaks of the package "+filepath.Join(dir, "state/packages")) || !strings.Contains(said[1], "other-1.0.0.tgz is not of this marketplace") {
			t.Errorf("said: %q", said)
		}
	}
	after := readTree(t, dir)
	for name, want := range map[string]string{
		"state/staging/mine": "mine", "state/staging/ABCDEFGHIJKLMNOPQRSTUVWXYZ": "", "state/serving.json": "",
		"state/lost/" + strings.Repeat("0", 64) + ".tgz": "stray", "state/lost/" + strings.Repeat("0", 64) + "-2.tgz": "stray",
		"state/lost/other-1.0.0.tgz": "other", "state/lost/other-1.0.0-2.tgz": "other", "public/charts/other-1.0.0.tgz": "",
	} {
		if after[name] != want {
			t.Errorf("%s holds %q, want %q", name, after[name], want)
		}
	}
}

// A state that is away for a moment is missed, not made anew, and finds its place free.
func TestStateAwayForAMoment(t *testing.T) {
	whole, known := withEachState(t)
	for _, away := range []string{"state", "state/extensions", "state/packages", "state/contents.json", "state/extensions/alc.json"} {
		dir, aside := t.TempDir(), filepath.Join(t.TempDir(), "aside")
		whole.write(t, dir)
		name := filepath.Join(dir, filepath.FromSlash(away))
		if err := os.Rename(name, aside); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if m, err := Open(dir, Options{}); !store.IsDamage(err) {
				if err == nil {
					m.Close()
				}
				t.Errorf("%s is away: %v", away, err)
			}
		}
		if err := os.Rename(aside, name); err != nil {
			t.Fatalf("%s does not find its place free: %v", away, err)
		}
		m, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		judge := &damageJudge{t: t, damaged: damagedCase{after: whole}, whole: whole, known: known, dir: dir}
		judge.inOrder(m, "back again")
	}
}

// The time between two changes of a file system may be too short for its clock: what was
// read within it is read again.
func TestReaderMissesNoChange(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, Options{})
	c, reader := serve(t, m), serve(t, open(t, dir, Options{ReadOnly: true}))
	for i := range 30 {
		version := fmt.Sprintf("1.%d.0", i)
		c.release("alc", version)
		if got := reader.state("alc", version); got != catalog.Submitted {
			t.Fatalf("%s is %s", version, got)
		}
	}
	time.Sleep(40 * time.Millisecond)
	reader.index()
}
