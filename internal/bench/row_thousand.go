package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	firstRun  = "ksrelease run --dry-run of 1,000, empty cache"
	secondRun = "ksrelease run --dry-run of 1,000, again"
	oneRun    = "ksrelease run --dry-run of one, empty cache"
	search    = "helm search repo"
)

// thousand are the figures of the rows of the large index.
type thousand struct {
	of          map[string]series
	asked, same int64 // how often a repeated run has asked for the index, and how often it was answered 304
}

// measureThousand reads an index of 30,000 versions, for 1,000 extensions and for one.
func (l *lab) measureThousand(ctx context.Context) (*thousand, error) {
	out := &thousand{}
	all, alone := l.folder("monorepo-1000"), l.folder("monorepo-1")
	progress("making a monorepo of 1,000 extensions")
	if err := (sizes{seed: 1, extensions: 1000, versions: 30}).inProcess(ctx, all); err != nil {
		return nil, err
	}
	if err := (sizes{seed: 1, extensions: 1, versions: 1}).inProcess(ctx, alone); err != nil {
		return nil, err
	}
	market, err := startMarketplace(ctx, l.ksrelease, l.folder("marketplace-1000"), 0)
	if err != nil {
		return nil, err
	}
	defer market.stop()
	repository, err := serveIndex(filepath.Join(all, "repository", "index.yaml"))
	if err != nil {
		return nil, err
	}
	defer repository.close()
	for _, dir := range []string{all, alone} {
		if err := configure(dir, market.address, repository.address); err != nil {
			return nil, err
		}
	}
	again, err := l.warm(l.ours(secondRun, all, "run", "--dry-run"))
	if err != nil {
		return nil, err
	}
	again.ready = func(context.Context, int) (turn, error) {
		repository.asked.Store(0)
		repository.same.Store(0)
		return turn{done: func() { out.asked, out.same = repository.asked.Load(), repository.same.Load() }}, nil
	}
	helm, err := l.helmSearch(ctx, repository.address)
	if err != nil {
		return nil, err
	}
	out.of, err = named(takeTurns(ctx, []tool{
		l.cold(l.ours(oneRun, alone, "run", "--dry-run")), helm,
		l.cold(l.ours(firstRun, all, "run", "--dry-run")), again,
	}, 1, min(l.rounds, 3)))
	return out, err
}

// helmSearch is `helm search repo` in a repository that was added before: Helm reads the index from its
// cache on the disk, and asks nobody.
func (l *lab) helmSearch(ctx context.Context, address string) (tool, error) {
	helm := found(l.helm(ctx))
	folder := l.folder("helm-repositories")
	t := tool{
		name: search, without: helm.without,
		env: []string{"HELM_REPOSITORY_CONFIG=" + filepath.Join(folder, "repositories.yaml"), "HELM_REPOSITORY_CACHE=" + filepath.Join(folder, "cache")},
	}
	if helm.without != "" {
		return t, nil
	}
	t.commands = [][]string{{helm.file, "repo", "add", "bench", address}}
	if _, err := t.once(ctx, 0); err != nil {
		return t, err
	}
	t.commands = [][]string{{helm.file, "search", "repo", "bench/log-hub"}}
	return t, nil
}

func measureIndex(ctx context.Context, l *lab) ([]series, []claim, error) {
	m, err := l.thousand(ctx)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := m.of[oneRun], m.of[search]
	return []series{ours, theirs}, []claim{
		faster(ours, theirs, 10), lasts(ours, 300*time.Millisecond),
		{what: "peak memory : " + theirs.name, is: share(ours.peak(), theirs.peak()), target: 0.1, unit: ratio, missing: theirs.without},
	}, nil
}

func measureExists(ctx context.Context, l *lab) ([]series, []claim, error) {
	m, err := l.thousand(ctx)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := m.of[firstRun], m.of[search]
	return []series{ours, theirs}, []claim{faster(ours, theirs, 2.5), within(ours, 150<<20), lasts(ours, 1200*time.Millisecond)}, nil
}

func measureAgain(ctx context.Context, l *lab) ([]series, []claim, error) {
	m, err := l.thousand(ctx)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := m.of[secondRun], m.of[search]
	return []series{ours, theirs}, []claim{
		faster(ours, theirs, 10), within(ours, 100<<20), lasts(ours, 300*time.Millisecond),
		{what: "requests for the index", is: float64(m.asked), target: 1, unit: number, exact: true},
		{what: "of these answered 304", is: float64(m.same), target: 1, atLeast: true, unit: number, exact: true},
	}, nil
}

// repository serves an index as a static file, and counts who asks for it.
type repository struct {
	address     string
	server      *http.Server
	asked, same atomic.Int64
}

func serveIndex(file string) (*repository, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &repository{address: "http://" + listener.Addr().String()}
	r.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.URL.Path != "/index.yaml" {
			http.NotFound(w, request)
			return
		}
		r.asked.Add(1)
		w.Header().Set("ETag", `"bench"`)
		http.ServeFile(statusSeen{w, r}, request, file)
	})}
	go func() { _ = r.server.Serve(listener) }() // until close
	return r, nil
}

func (r *repository) close() { _ = r.server.Close() }

// statusSeen counts the answers 304.
type statusSeen struct {
	http.ResponseWriter
	of *repository
}

func (s statusSeen) WriteHeader(status int) {
	if status == http.StatusNotModified {
		s.of.same.Add(1)
	}
	s.ResponseWriter.WriteHeader(status)
}

// measureMany plans extensions of which one in ten is new, and looks at how time and memory
// grow. The trees are small, so that there can be 10,000.
func measureMany(ctx context.Context, l *lab) ([]series, []claim, error) {
	market, err := startMarketplace(ctx, l.ksrelease, l.folder("marketplace-many"), 0)
	if err != nil {
		return nil, nil, err
	}
	defer market.stop()
	counts := []int{1000, 3000, 10_000}
	var of []series
	for _, n := range counts {
		s, err := l.planMany(ctx, n, market.address)
		if err != nil {
			return nil, nil, err
		}
		of = append(of, s)
	}
	per := func(i int) float64 { return float64(median(of[i].cpus())) / float64(counts[i]) }
	return of, []claim{
		{what: "CPU time of an extension: 3,000 : 1,000", is: per(1) / per(0), target: 1, unit: ratio},
		{what: "CPU time of an extension: 10,000 : 1,000", is: per(2) / per(0), target: 1, unit: ratio},
		within(of[2], 300<<20),
		{what: "peak memory: 10,000 : ten times 1,000", is: share(of[2].peak(), 10*of[0].peak()), target: 1, unit: ratio},
	}, nil
}

// planMany plans so many extensions, once: one round takes long enough.
func (l *lab) planMany(ctx context.Context, n int, server string) (series, error) {
	dir := l.folder(fmt.Sprintf("monorepo-many-%d", n))
	progress(fmt.Sprintf("making a monorepo of %s extensions", grouped(int64(n))))
	if err := (sizes{seed: 2, extensions: n, tree: 1, versions: 3, unreleased: 10}).inProcess(ctx, dir); err != nil {
		return series{}, err
	}
	repository, err := serveIndex(filepath.Join(dir, "repository", "index.yaml"))
	if err != nil {
		return series{}, err
	}
	defer repository.close()
	if err := configure(dir, server, repository.address); err != nil {
		return series{}, err
	}
	of, err := takeTurns(ctx, []tool{l.cold(l.ours("ksrelease run --dry-run of "+grouped(int64(n)), dir, "run", "--dry-run"))}, 0, 1)
	if err != nil {
		return series{}, err
	}
	return of[0], os.RemoveAll(dir)
}
