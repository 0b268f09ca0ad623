package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

const (
	// extensions is how many are released, made of the six: some under a second name.
	extensions = 10

	nearRun  = "ksrelease run, near"
	nearLoop = "ksbuilder lint + ksbuilder push, in a loop, near"
	farRun   = "ksrelease run, far"
	farLoop  = "ksbuilder lint + ksbuilder push, in a loop, far"
	coldPlan = "ksrelease run --dry-run, near, empty cache"
)

// needed are the round trips of a release that must follow one another: each needs what came before it.
var needed = []string{
	"a connection",
	"GET /index.yaml, with GET …/user and GET …/versions/V at the same time",
	"GET …/files/usage",
	"POST …/files: the package has the addresses of its pictures",
	"POST …/package",
	"POST …/snapshots/S/action:submit",
	"GET /index.yaml, which shows the version",
	"GET /charts/NAME-V.tgz",
}

// measureTen releases ten extensions to a new marketplace in each round, near and far.
func (l *lab) measureTen(ctx context.Context) (map[string]series, error) {
	in, err := l.packages(ctx)
	if err != nil {
		return nil, err
	}
	dir := l.folder("monorepo-ten")
	dirs, err := in.multiply(dir, extensions)
	if err != nil {
		return nil, err
	}
	if err := configure(dir, "${SERVER}", "${SERVER}"); err != nil {
		return nil, err
	}
	ksbuilder := found(l.ksbuilder(ctx))
	loop := func(name string) tool {
		t := tool{name: name, without: ksbuilder.without}
		for _, dir := range dirs {
			t.commands = append(t.commands, []string{ksbuilder.file, "lint", dir}, []string{ksbuilder.file, "push", dir})
		}
		return t
	}
	return named(takeTurns(ctx, []tool{
		l.toNewMarketplace(l.ours(coldPlan, dir, "run", "--dry-run"), 0, ""),
		l.toNewMarketplace(l.ours(nearRun, dir, "run"), 0, ""),
		l.toNewMarketplace(loop(nearLoop), 0, ksbuilder.file),
		l.toNewMarketplace(l.ours(farRun, dir, "run"), roundTrip, ""),
		l.toNewMarketplace(loop(farLoop), roundTrip, ksbuilder.file),
	}, 1, l.rounds))
}

// toNewMarketplace has a tool begin each round with an empty marketplace, so far away, and an empty
// cache. A ksbuilder is logged in there.
func (l *lab) toNewMarketplace(t tool, away time.Duration, ksbuilder string) tool {
	t.ready = func(ctx context.Context, _ int) (turn, error) {
		cache, err := l.freshCache()
		if err != nil {
			return turn{}, err
		}
		home := l.folder(fmt.Sprintf("home-%d", l.caches))
		if err := os.MkdirAll(home, 0o700); err != nil {
			return turn{}, err
		}
		market, err := startMarketplace(ctx, l.ksrelease, l.folder(fmt.Sprintf("marketplace-%d", l.caches)), away)
		if err != nil {
			return turn{}, err
		}
		now := turn{done: market.stop, env: []string{cache, "SERVER=" + market.address}}
		if ksbuilder != "" {
			now.env = append(now.env, "HOME="+home)
			login := tool{env: now.env, commands: [][]string{{ksbuilder, "login", "--server", market.address, "-t", key}}}
			if _, err := login.once(ctx, 0); err != nil {
				now.done()
				return turn{}, err
			}
		}
		return now, nil
	}
	return t
}

var nameLine = regexp.MustCompile(`(?m)^name: .*$`)

// multiply unpacks the packages, and some of them again under other names, until there are so many.
func (in *input) multiply(dir string, n int) ([]string, error) {
	dirs, err := in.unpackInto(dir)
	if err != nil {
		return nil, err
	}
	var plain []string // those that can have another name
	for _, dir := range dirs {
		bound, err := mentions(dir, "JSBundle") // whose link begins with the name
		if err != nil {
			return nil, err
		}
		if !bound {
			plain = append(plain, dir)
		}
	}
	if len(plain) == 0 {
		return nil, fmt.Errorf("no extension from %s can have another name", in.origin)
	}
	for i := 0; len(dirs) < n; i++ {
		original := plain[i%len(plain)]
		name := fmt.Sprintf("%s-%d", filepath.Base(original), 2+i/len(plain))
		copied := filepath.Join(filepath.Dir(original), name)
		if err := os.CopyFS(copied, os.DirFS(original)); err != nil {
			return nil, err
		}
		for _, file := range []string{"extension.yaml", "Chart.yaml"} {
			file = filepath.Join(copied, file)
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			if err := os.WriteFile(file, nameLine.ReplaceAll(text, []byte("name: "+name)), 0o644); err != nil {
				return nil, err
			}
		}
		dirs = append(dirs, copied)
	}
	return dirs[:n], nil
}

// mentions says whether a file below a folder has a word.
func mentions(dir, word string) (bool, error) {
	found := false
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		found = found || bytes.Contains(text, []byte(word))
		return err
	})
	return found, err
}

func measureNear(ctx context.Context, l *lab) ([]series, []claim, error) {
	of, err := l.ten(ctx)
	return []series{of[nearRun], of[nearLoop]}, []claim{faster(of[nearRun], of[nearLoop], 10)}, err
}

func measureFar(ctx context.Context, l *lab) ([]series, []claim, error) {
	of, err := l.ten(ctx)
	if err != nil {
		return nil, nil, err
	}
	path := of[coldPlan]
	path.rounds = append([]round(nil), path.rounds...)
	for i := range path.rounds {
		path.rounds[i].wall += time.Duration(len(needed)) * roundTrip
	}
	return []series{of[farRun], of[farLoop], of[coldPlan]}, []claim{
		faster(of[farRun], of[farLoop], 5.5),
		{what: fmt.Sprintf("%s : (%d round trips + a cold plan)", farRun, len(needed)), target: 1.3, unit: ratio, is: median(ratios(of[farRun], path))},
	}, nil
}
