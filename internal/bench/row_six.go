package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The tools of the rows of the six packages.
const (
	coldRun  = "ksrelease run --dry-run, empty cache"
	warmRun  = "ksrelease run --dry-run, again"
	helmLoop = "helm lint + helm package, in a loop"
	kbLoop   = "ksbuilder lint + ksbuilder package, in a loop"
)

// measureSix has the tools go over the same directories.
func (l *lab) measureSix(ctx context.Context) (map[string]series, error) {
	in, err := l.packages(ctx)
	if err != nil {
		return nil, err
	}
	market, err := startMarketplace(ctx, l.ksrelease, l.folder("marketplace"), 0)
	if err != nil {
		return nil, err
	}
	defer market.stop()
	if err := configure(in.dir, market.address, market.address); err != nil {
		return nil, err
	}
	warm, err := l.warm(l.ours(warmRun, in.dir, "run", "--dry-run"))
	if err != nil {
		return nil, err
	}
	return named(takeTurns(ctx, []tool{
		l.cold(l.ours(coldRun, in.dir, "run", "--dry-run")), warm,
		lintAndPackage(helmLoop, found(l.helm(ctx)), in.dirs, l.folder("helm-out")),
		lintAndPackage(kbLoop, found(l.ksbuilder(ctx)), in.dirs, l.folder("ksbuilder-out")),
	}, 1, l.rounds))
}

// lintAndPackage is what a script does with helm or ksbuilder: lint and package, one after the other.
func lintAndPackage(name string, p peer, dirs []string, out string) tool {
	t := tool{name: name, without: p.without, out: out, dir: out}
	for _, dir := range dirs {
		t.commands = append(t.commands, []string{p.file, "lint", dir}, []string{p.file, "package", dir})
	}
	return t
}

// named gives series by the names of their tools.
func named(of []series, err error) (map[string]series, error) {
	out := map[string]series{}
	for _, s := range of {
		out[s.name] = s
	}
	return out, err
}

func measureCold(ctx context.Context, l *lab) ([]series, []claim, error) {
	of, err := l.six(ctx)
	ours := of[coldRun]
	return []series{ours, of[helmLoop], of[kbLoop]}, []claim{
		faster(ours, of[kbLoop], 20), faster(ours, of[helmLoop], 6), within(ours, 100<<20),
	}, err
}

func measureWarm(ctx context.Context, l *lab) ([]series, []claim, error) {
	of, err := l.six(ctx)
	ours := of[warmRun]
	return []series{ours, of[helmLoop], of[kbLoop]}, []claim{
		faster(ours, of[kbLoop], 50), lasts(ours, 40*time.Millisecond),
	}, err
}

// measureChanged changes one extension before each round. What that may cost is a cold run of this one
// and a warm run of the others, each of which pays for the start of a process.
func measureChanged(ctx context.Context, l *lab) ([]series, []claim, error) {
	in, err := l.packages(ctx)
	if err != nil {
		return nil, nil, err
	}
	market, err := startMarketplace(ctx, l.ksrelease, l.folder("marketplace-changed"), 0)
	if err != nil {
		return nil, nil, err
	}
	defer market.stop()
	// Folders of their own, in which nothing changes that another tool has seen.
	folders := map[string]string{}
	for _, use := range []string{"changed", "own", "rest"} {
		folders[use] = l.folder("monorepo-" + use)
		if _, err := in.unpackInto(folders[use]); err != nil {
			return nil, nil, err
		}
		if err := configure(folders[use], market.address, market.address); err != nil {
			return nil, nil, err
		}
	}
	one := filepath.Base(in.dirs[len(in.dirs)/2])
	for _, dir := range in.dirs {
		name := filepath.Base(dir)
		use := "own"
		if name == one {
			use = "rest"
		}
		if err := os.RemoveAll(filepath.Join(folders[use], "extensions", name)); err != nil {
			return nil, nil, err
		}
	}
	changed, err := l.warm(l.ours("one of "+fmt.Sprint(len(in.dirs))+" changed: "+one, folders["changed"], "run", "--dry-run"))
	if err != nil {
		return nil, nil, err
	}
	changed.ready = func(_ context.Context, n int) (turn, error) {
		return turn{}, appendTo(filepath.Join(folders["changed"], "extensions", one, "values.yaml"), fmt.Sprintf("# round %d\n", n))
	}
	rest, err := l.warm(l.ours("the others, again", folders["rest"], "run", "--dry-run"))
	if err != nil {
		return nil, nil, err
	}
	of, err := takeTurns(ctx, []tool{changed, l.cold(l.ours(one+" alone, empty cache", folders["own"], "run", "--dry-run")), rest}, 1, l.rounds)
	if err != nil {
		return nil, nil, err
	}
	return of, []claim{{
		what: "changed : (alone with an empty cache + the others again)", unit: ratio, target: 1,
		is: median(ratios(of[0], sum(of[1], of[2]))),
	}}, nil
}

func appendTo(name, text string) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// measureStart measures the least that ksrelease can do.
func measureStart(ctx context.Context, l *lab) ([]series, []claim, error) {
	helm := found(l.helm(ctx))
	of, err := takeTurns(ctx, []tool{
		l.ours("ksrelease version", "", "version"),
		l.ours("ksrelease --help", "", "--help"),
		{name: "helm version", without: helm.without, commands: [][]string{{helm.file, "version"}}},
	}, 1, 4*l.rounds)
	if err != nil {
		return nil, nil, err
	}
	binary, err := os.Stat(l.ksrelease)
	if err != nil {
		return nil, nil, err
	}
	return of, []claim{
		lasts(of[0], 15*time.Millisecond), lasts(of[1], 15*time.Millisecond),
		{what: "binary, stripped", is: float64(binary.Size()), target: 45e6, unit: megabytes, exact: true},
	}, nil
}
