package extension

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // so that zones are others on a machine without them, too

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// packOrder tells a child process how many times to pack, and how.
type packOrder struct {
	Dir   string // where it may write
	Seed  uint64
	Cases int
	Umask int
}

// packed is what came of packing one copy of the tree.
type packed struct {
	How     string // how the copy was made, for messages
	Server  int    // the one whose addresses the assets got
	Content string
	// Local and Pushed are the digests of the two forms of the package; Told are
	// the content digests that are found in the two.
	Local, Pushed string
	Told          [2]string
}

// The servers that assets may be uploaded to.
var servers = []string{
	"https://apis.kubesphere.cloud/files/usr-3f9a2c81/demo/1.0.0",
	"https://apis.kubesphere.cloud/files/usr-0000000000000000/demo/1.0.0",
	"https://oss.example.cn/ks-extensions/2026/11",
	"http://127.0.0.1:8790/files/local/demo/1.0.0",
	"http://[::1]:8790/files",
	"https://文件.example/a%20b",
}

func urlsAt(server int, e *Extension) URLs {
	urls := URLs{}
	for _, a := range e.Assets {
		urls[a.File] = servers[server] + "/" + a.RemoteName
	}
	return urls
}

// deterministicFiles are a tree with all that packing has to care for: long
// names, wide ones, many subcharts, CRLF, files with the same text.
func deterministicFiles() map[string]string {
	files := trees.Demo()
	for i := range 5 {
		name := fmt.Sprintf("s%02d", i)
		files["charts/"+name+"/Chart.yaml"] = "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"
		files["charts/"+name+"/templates/x.yaml"] = strings.Repeat("a: b\n", i*10)
	}
	files["files/"+strings.Repeat("long", 20)+"/"+strings.Repeat("name", 20)+".txt"] = "prefix of USTAR"
	files["files/文件.txt"] = "PAX"
	files["files/"+strings.Repeat("x", 120)] = "PAX"
	files["files/ı İ ß.txt"], files["files/I i SS.txt"] = "Turkish", "and German"
	files["files/B"], files["files/a"], files["files/_"], files["files/-"] = "", "", "", ""
	files["templates/crlf.yaml"] = "a: b\r\nc: d\r\n"
	return files
}

// folderCharts are charts that dependencies name by file://: packed on the way.
var folderCharts = map[string]map[string]string{
	"agent": {ChartFile: "apiVersion: v2\nname: agent\nversion: 0.3.0\n", "templates/b.yaml": "b: {}\n", "templates/a.yaml": "a: {}\n"},
	"store": {ChartFile: "apiVersion: v2\nname: store\nversion: 2.0.0\n", "values.yaml": "x: 1\n", "charts/inner/Chart.yaml": "apiVersion: v2\nname: inner\nversion: 1.0.0\n"},
}

// The same content gives the same bytes, and one content digest wherever its
// assets were uploaded to: packs over umask, locale, time zone and number of
// processors of the process, times, modes and order of files, what machines
// leave lying about, folders and archives, paths, links, and Go's order of maps,
// which is another one each time.
func TestPackIsDeterministic(t *testing.T) {
	const perProcess = 10
	short := 100
	if testing.Short() {
		short = 20
	}
	cases := soak.Cases(t, short, 1000)
	r := rand.New(rand.NewPCG(3, 4))
	first := map[string]string{}
	digests := map[string]map[string]bool{"content": {}, "local": {}, "pushed": {}}
	hold := func(what, digest string, p packed) {
		t.Helper()
		if first[what] == "" {
			first[what] = digest
		}
		if digest != first[what] {
			t.Fatalf("%s is %s, and was %s before: packed %s", what, digest, first[what], p.How)
		}
		kind, _, _ := strings.Cut(what, " ")
		digests[kind][digest] = true
	}
	var processes errgroup.Group
	processes.SetLimit(4) // they wait for the disk more than they compute
	results := make([][]packed, (cases+perProcess-1)/perProcess)
	for i := range results {
		order := packOrder{Dir: t.TempDir(), Seed: r.Uint64(), Cases: min(perProcess, cases-i*perProcess), Umask: pick(r, 0, 0o002, 0o022, 0o027, 0o077)}
		locale := pick(r, "C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1", "zh_CN.GB18030", "")
		zone := pick(r, "UTC", "Asia/Shanghai", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati")
		cmd := child(t, "pack", "LC_ALL="+locale, "LANG="+locale, "LC_COLLATE="+locale, "TZ="+zone, fmt.Sprintf("GOMAXPROCS=%d", 1+r.IntN(8)))
		processes.Go(func() (err error) {
			results[i], err = packElsewhere(cmd, order)
			for j := range results[i] {
				results[i][j].How += fmt.Sprintf(", umask %03o, locale %q, zone %s", order.Umask, locale, zone)
			}
			return err
		})
	}
	if err := processes.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, p := range slices.Concat(results...) {
		hold("content", p.Content, p)
		hold("content", p.Told[0], p)
		hold("content", p.Told[1], p)
		hold("local", p.Local, p)
		hold("pushed to "+servers[p.Server], p.Pushed, p)
	}
	if len(digests["pushed"]) != len(servers) {
		t.Errorf("%d servers give %d packages: addresses have no part in them", len(servers), len(digests["pushed"]))
	}
	t.Logf("%d packs of each form: %d content digest, %d local package, %d pushed packages for %d servers",
		cases, len(digests["content"]), len(digests["local"]), len(digests["pushed"]), len(servers))
}

// packElsewhere has packages made by another process.
func packElsewhere(cmd *exec.Cmd, order packOrder) ([]packed, error) {
	told, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	cmd.Stdin = bytes.NewReader(told)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("packing in another process: %w", err)
	}
	made := make([]packed, order.Cases)
	results := json.NewDecoder(bytes.NewReader(out))
	for i := range made {
		if err := results.Decode(&made[i]); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// packJob is what the child process does.
func packJob(in io.Reader, out *json.Encoder) error {
	var order packOrder
	if err := json.NewDecoder(in).Decode(&order); err != nil {
		return err
	}
	zone, err := time.LoadLocation(os.Getenv("TZ"))
	if err != nil {
		return err
	}
	time.Local = zone
	setUmask(order.Umask)
	r := rand.New(rand.NewPCG(order.Seed, 0))
	for i := range order.Cases {
		p, err := packOnce(r, filepath.Join(order.Dir, fmt.Sprint(i)), i%len(servers))
		if err != nil {
			return err
		}
		if err := out.Encode(p); err != nil {
			return err
		}
	}
	return nil
}

// packOnce writes a copy of the tree in some way and packs it.
func packOnce(r *rand.Rand, dir string, server int) (p packed, err error) {
	files := deterministicFiles()
	for _, litter := range []string{".git/HEAD", ".DS_Store", "values.yaml~", "demo-0.9.0.tgz", ".env", "charts/s01/.idea/w.xml", ".ksrelease/x", "static/unused.swp"} {
		if r.IntN(3) == 0 {
			files[litter] = fmt.Sprint(r.Uint64())
		}
	}
	source := filepath.Join(dir, pick(r, "demo", "another name", "扩展", "x.tgz"))
	archive := r.IntN(4) == 0
	p.How = "from a folder"
	if archive {
		p.How = "from an archive"
		err = writeArchive(r, source, files)
	} else {
		err = writeInAnyOrder(r, source, files)
	}
	if err != nil {
		return p, err
	}
	if source, err = anyPathTo(r, source, archive); err != nil {
		return p, err
	}
	p.How += " at " + source
	e, err := Load(source, Options{})
	if err != nil {
		return p, err
	}
	if e, err = withFolderCharts(r, dir, e); err != nil {
		return p, err
	}
	p.Server, p.Content = server, e.ContentDigest()
	var forms [2]*Package
	var errs [2]error
	var both sync.WaitGroup
	for i, urls := range []URLs{nil, urlsAt(p.Server, e)} {
		both.Go(func() { forms[i], errs[i] = e.Pack(urls) })
	}
	both.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return p, err
	}
	p.Local, p.Pushed = forms[0].Digest, forms[1].Digest
	for i, form := range forms {
		again, err := Read(form.Filename, form.Data, Limits{})
		if err != nil {
			return p, err
		}
		published, err := again.FoundChart()
		if err != nil {
			return p, err
		}
		p.Told[i] = published.Annotations[ContentDigestAnnotation]
	}
	return p, nil
}

// shuffled are the names of files in any order.
func shuffled(r *rand.Rand, files map[string]string) []string {
	order := slices.Sorted(maps.Keys(files))
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

func anyTime(r *rand.Rand) time.Time { return time.Unix(r.Int64N(4e9), r.Int64N(1e9)) }

func writeInAnyOrder(r *rand.Rand, dir string, files map[string]string) error {
	for _, name := range shuffled(r, files) {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(files[name]), 0o666); err != nil {
			return err
		}
		if r.IntN(2) == 0 {
			if err := os.Chmod(full, pick[os.FileMode](r, 0o600, 0o644, 0o755, 0o664, 0o444)); err != nil {
				return err
			}
		}
		if err := os.Chtimes(pick(r, full, full, filepath.Dir(full)), anyTime(r), anyTime(r)); err != nil {
			return err
		}
	}
	return nil
}

// writeArchive packs the files as any tool might.
func writeArchive(r *rand.Rand, name string, files map[string]string) error {
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, 1+r.IntN(9))
	if err != nil {
		return err
	}
	zw.ModTime, zw.Name = anyTime(r), "x"
	tw := tar.NewWriter(zw)
	for _, file := range shuffled(r, files) {
		header := &tar.Header{
			Name: "demo/" + file, Typeflag: tar.TypeReg, Size: int64(len(files[file])), ModTime: anyTime(r),
			Mode: int64(pick(r, 0o600, 0o644, 0o755)), Uid: r.IntN(5000), Gname: pick(r, "", "staff"), Format: pick(r, tar.FormatPAX, tar.FormatGNU),
		}
		if r.IntN(5) == 0 {
			folder := &tar.Header{Name: path.Dir(header.Name) + "/", Typeflag: tar.TypeDir, ModTime: anyTime(r), Mode: 0o755}
			if err := tw.WriteHeader(folder); err != nil {
				return err
			}
		}
		if err := tw.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.WriteString(tw, files[file]); err != nil {
			return err
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, buf.Bytes(), 0o666)
}

// anyPathTo names a source in one of the ways that people do.
func anyPathTo(r *rand.Rand, source string, archive bool) (string, error) {
	switch r.IntN(4) {
	case 0:
		if archive {
			return source, nil
		}
		return source + string(filepath.Separator), nil
	case 1:
		wd, err := os.Getwd()
		if err != nil {
			return "", err
		}
		return filepath.Rel(wd, source)
	case 2:
		link := filepath.Join(filepath.Dir(source), "link")
		if err := os.Symlink(source, link); err != nil {
			return source, nil // a system without links
		}
		return link, nil
	}
	return source, nil
}

// withFolderCharts adds dependencies that lie in other folders, in any order.
func withFolderCharts(r *rand.Rand, dir string, e *Extension) (*Extension, error) {
	var charts []Resolved
	for name, files := range folderCharts { // in the order of the map
		folder := filepath.Join(dir, "charts", name)
		if err := writeInAnyOrder(r, folder, files); err != nil {
			return nil, err
		}
		md, data, err := PackChart(folder, Limits{})
		if err != nil {
			return nil, err
		}
		charts = append(charts, Resolved{Name: md.Name, Version: md.Version, Data: data})
	}
	return e.WithCharts(charts)
}
