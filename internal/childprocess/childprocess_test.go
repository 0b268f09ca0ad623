//go:build unix

package childprocess

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
)

func TestEnvironment(t *testing.T) {
	program := []string{
		"PATH=/bin", "HOME=/home/x", "SSH_AUTH_SOCK=/s", "CI=true", "EMPTY_TOKEN=", "=C:=x", "KSRELEASE_DEPENDENCY_HOSTS=charts",
		"KSRELEASE_TOKEN=kck-1234-5678-secret", "COPY=x kck-1234-5678-secret", "OTHER=kck-aaaa-bbbb", "KSRELEASE_REPOSITORY_USERNAME=me",
		"KSRELEASE_REPOSITORY_PASSWORD=hunter22", "B=x-hunter22", "KSRELEASE_MIRROR_PASSWORD=of-a-target", "D=of-a-target", "GITHUB_TOKEN=abc", "AWS_SECRET_ACCESS_KEY=abc", "DEPLOY_KEY=abc",
		"HTTPS_PROXY=http://me:secret@proxy:3128", "HTTP_PROXY=http://proxy:3128", "MYSQL_PWD=x", "RELEASE_WEBHOOK=https://x", "DOCKER_AUTH_CONFIG={}", "KEYBOARD=us", "PATIENCE=1",
	}
	var handed []string
	env, withheld, err := Environment(program, []string{"GITHUB_TOKEN", "CI", "MODE=fast", "COPY", "EMPTY="}, map[string]string{"KSRELEASE_NAME": "alc", "CI": "ours"}, func(s string) { handed = append(handed, s) })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"CI=ours", "COPY=x kck-1234-5678-secret", "EMPTY=", "EMPTY_TOKEN=", "GITHUB_TOKEN=abc", "HOME=/home/x", "HTTP_PROXY=http://proxy:3128", "KEYBOARD=us",
		"KSRELEASE_DEPENDENCY_HOSTS=charts", "KSRELEASE_NAME=alc", "MODE=fast", "PATH=/bin", "PATIENCE=1", "SSH_AUTH_SOCK=/s",
	}
	if !slices.Equal(env, want) {
		t.Errorf("got  %q\nwant %q", env, want)
	}
	if want := []string{"AWS_SECRET_ACCESS_KEY", "B", "D", "DEPLOY_KEY", "DOCKER_AUTH_CONFIG", "HTTPS_PROXY", "KSRELEASE_MIRROR_PASSWORD", "KSRELEASE_REPOSITORY_PASSWORD", "KSRELEASE_REPOSITORY_USERNAME", "KSRELEASE_TOKEN", "MYSQL_PWD", "OTHER", "RELEASE_WEBHOOK"}; !slices.Equal(withheld, want) {
		t.Errorf("withheld %q", withheld)
	}
	if !slices.Equal(handed, []string{"abc", "x kck-1234-5678-secret"}) {
		t.Errorf("handed %q", handed)
	}
	if _, _, err := Environment(program, []string{"NOWHERE"}, nil, nil); err == nil || !strings.Contains(err.Error(), "NOWHERE, which is not set") || !strings.Contains(failure.Hint(err), "NOWHERE=VALUE") {
		t.Errorf("%v", err)
	}
}

func TestShort(t *testing.T) {
	for command, want := range map[string]string{
		"make":                   "make",
		"\n make\n":              "make",
		"make a\nmake b":         "make a …",
		strings.Repeat("é", 100): strings.Repeat("é", widestName-1) + "…",
	} {
		if got := Short(command); got != want {
			t.Errorf("%q: %q, want %q", command, got, want)
		}
	}
}

// Of what is written the last is kept, from the beginning of a line.
func TestTail(t *testing.T) {
	kept := &Tail{most: 10}
	for _, text := range []string{"abc\n", "defgh\n", "secret-of-more-than-it-keeps\nxy\n"} {
		if n, err := kept.Write([]byte(text)); n != len(text) || err != nil || kept.kept.Len() > 10 {
			t.Errorf("%d, %v, %d", n, err, kept.kept.Len())
		}
	}
	if got := kept.text(); got != "xy\n" {
		t.Errorf("%q", got)
	}
}

// Input, output and diagnostics are apart; a command that does not read its input is not held
// up by it.
func TestStreams(t *testing.T) {
	var p Processes
	var out, err bytes.Buffer
	env := []string{"PATH=" + os.Getenv("PATH")}
	input := bytes.Repeat([]byte("line\n"), 100_000)
	if e := p.Run(t.Context(), Command{Line: "echo so >&2; cat", Dir: t.TempDir(), Env: env, Input: input, Output: &out, Diagnostics: &err}); e != nil {
		t.Fatal(e)
	}
	if !bytes.Equal(out.Bytes(), input) || err.String() != "so\n" {
		t.Errorf("%d bytes came back of %d; %q", out.Len(), len(input), err.String())
	}
	began := time.Now()
	e := p.Run(t.Context(), Command{Line: "exit 64", Dir: t.TempDir(), Env: env, Input: input, Output: &out, Diagnostics: &err})
	var exit *ExitError
	if !errors.As(e, &exit) || exit.Code != 64 || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %s", e, time.Since(began))
	}
	var start *StartError
	if e := p.Run(t.Context(), Command{Line: "true", Dir: "/nowhere/at/all", Env: env, Output: &out, Diagnostics: &err}); !errors.As(e, &start) {
		t.Error(e)
	}
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if e := p.Run(ctx, Command{Line: "sleep 600", Dir: t.TempDir(), Env: env, Output: &out, Diagnostics: &err}); !errors.Is(e, gone) {
		t.Error(e)
	}
}
