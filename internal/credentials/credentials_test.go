package credentials

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/nobody"
)

const canary = "kck-ca0a41e5-0000-4000-8000-000000000000"

const server = "https://apis.kubesphere.cloud"

func newStore(t *testing.T, env map[string]string) Store {
	t.Helper()
	dir := t.TempDir()
	return Store{
		File:      filepath.Join(dir, "config", "ksrelease", "credentials.json"),
		KSBuilder: filepath.Join(dir, "ksbuilder", "config.json"),
		Env:       func(name string) (string, bool) { value, ok := env[name]; return value, ok },
	}
}

func writeFile(t *testing.T, file, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}

func ksbuilderFile(token, server string) string {
	return fmt.Sprintf(`{"token": %q, "server": %q}`, base64.StdEncoding.EncodeToString([]byte(token)), server)
}

func TestFindInOrder(t *testing.T) {
	s := newStore(t, nil)
	if _, _, err := s.Find(server); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "ksrelease login") {
		t.Errorf("with nothing anywhere: %v", err)
	}
	writeFile(t, s.KSBuilder, ksbuilderFile("kck-of-ksbuilder\n", server+"/"), 0o600)
	expectToken(t, s, server, "kck-of-ksbuilder", s.KSBuilder)
	if err := s.Save(server, " kck-of-login\n"); err != nil {
		t.Fatal(err)
	}
	expectToken(t, s, server, "kck-of-login", s.File)
	s.Env = func(name string) (string, bool) { return " \n", name == Variable }
	expectToken(t, s, server, "kck-of-login", s.File)
	s.Env = func(name string) (string, bool) { return "kck-of-env\n", name == Variable }
	expectToken(t, s, server, "kck-of-env", Variable)
}

func expectToken(t *testing.T, s Store, server, value, source string) {
	t.Helper()
	token, warnings, err := s.Find(server)
	if err != nil || token.Value() != value || token.Source() != source || len(warnings) > 0 {
		t.Errorf("Find(%s) = %q from %q, warnings %v, error %v; want %q from %q", server, token.Value(), token.Source(), warnings, err, value, source)
	}
}

// A key is sent to no server but the one it was made for.
func TestKeysStayWithTheirServer(t *testing.T) {
	s := newStore(t, nil)
	writeFile(t, s.KSBuilder, ksbuilderFile("kck-of-ksbuilder", server), 0o600)
	if err := s.Save("https://other.example", "kck-other"); err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []string{"https://evil.example", "http://apis.kubesphere.cloud", server + ":8443", server + ".evil.example", ""} {
		if token, _, err := s.Find(foreign); !errors.Is(err, ErrNotFound) {
			t.Errorf("Find(%q) = %q, %v; want none", foreign, token.Value(), err)
		}
	}
	// Two servers may be on one host.
	if err := s.Save(server+"/one", "kck-one"); err != nil {
		t.Fatal(err)
	}
	expectToken(t, s, server+"/one/", "kck-one", s.File)
	expectToken(t, s, server, "kck-of-ksbuilder", s.KSBuilder)
	if token, _, err := s.Find(server + "/two"); !errors.Is(err, ErrNotFound) {
		t.Errorf("another path: %q, %v; want none", token.Value(), err)
	}
	for _, same := range []string{"https://OTHER.example/", "https://other.example:443", "HTTPS://user:pw@other.example//"} {
		expectToken(t, s, same, "kck-other", s.File)
	}
}

func TestSaveKeepsOthersOutAndOtherServersIn(t *testing.T) {
	s := newStore(t, nil)
	// An earlier file that was too wide does not stay so.
	writeFile(t, s.File, `{"servers": {"https://other.example": {"token": "kck-other"}}}`, 0o644)
	if err := s.Save(server, canary); err != nil {
		t.Fatal(err)
	}
	expectToken(t, s, server, canary, s.File)
	expectToken(t, s, "https://other.example", "kck-other", s.File)
	expectMode(t, s.File, 0o600)

	fresh := newStore(t, nil)
	if err := fresh.Save(server, canary); err != nil {
		t.Fatal(err)
	}
	expectMode(t, fresh.File, 0o600)
	expectMode(t, filepath.Dir(fresh.File), fs.ModeDir|0o700)
	if err := fresh.Save(server, "  "); err == nil || err.Error() != "saving the API key: it is empty" {
		t.Errorf("an empty key: %v", err)
	}
}

func expectMode(t *testing.T, file string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != want {
		t.Errorf("%s has mode %v, want %v", file, info.Mode(), want)
	}
}

// Two logins at once: both keys are there, and nothing but the two files.
// A link stays one, and the file that it leads to is replaced; what a login that
// was killed left behind is gone with the next.
func TestSaveThroughALink(t *testing.T) {
	s := newStore(t, nil)
	elsewhere := filepath.Join(t.TempDir(), "dotfiles", "keys.json")
	writeFile(t, elsewhere, `{"servers": {"https://other.example": {"token": "kck-other"}}}`, 0o644)
	writeFile(t, filepath.Join(filepath.Dir(elsewhere), ".ksrelease-"+rand.Text()), canary, 0o600)
	if err := os.MkdirAll(filepath.Dir(s.File), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, s.File); err != nil {
		t.Skip("there are no links here: ", err)
	}
	if err := s.Save(server, canary); err != nil {
		t.Fatal(err)
	}
	expectToken(t, s, server, canary, s.File)
	expectToken(t, s, "https://other.example", "kck-other", s.File)
	expectMode(t, elsewhere, 0o600)
	if to, err := os.Readlink(s.File); err != nil || to != elsewhere {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if left, err := os.ReadDir(filepath.Dir(elsewhere)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.Remove(elsewhere); err != nil {
		t.Fatal(err)
	}
	err := s.Save(server, canary)
	want := "writing the credentials: lstat " + elsewhere + ": no such file or directory; remove the link"
	if err == nil || err.Error() != want {
		t.Errorf("a link to nowhere: %v, want %s", err, want)
	}
}

// advice ends an error of saving.
func advice(s Store) string {
	return "; make " + filepath.Dir(s.File) + " writable for you, or give the key in KSRELEASE_TOKEN"
}

// Where nothing can be written the error says so, with another way.
func TestSaveWhereNothingCanBeWritten(t *testing.T) {
	blocked := newStore(t, nil)
	writeFile(t, filepath.Dir(blocked.File), "a file, where the folder would be", 0o600)
	err := blocked.Save(server, canary)
	if err == nil || !strings.HasPrefix(err.Error(), "making the folder for credentials: ") || !strings.HasSuffix(err.Error(), advice(blocked)) {
		t.Errorf("no folder: %v", err)
	}
	taken := newStore(t, nil)
	if err := os.MkdirAll(filepath.Join(taken.File, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := taken.write(ownFile{}); err == nil || !strings.HasPrefix(err.Error(), "writing the credentials: replace "+taken.File+": ") || !strings.HasSuffix(err.Error(), advice(taken)) {
		t.Errorf("a folder in its place: %v", err)
	}
}

// TestSaveIntoAClosedFolder runs as a user whom modes of files keep out.
func TestSaveIntoAClosedFolder(t *testing.T) {
	nobody.Run(t, func(t *testing.T) {
		closed := newStore(t, nil)
		folder := filepath.Dir(closed.File)
		if err := errors.Join(os.MkdirAll(folder, 0o700), os.Chmod(folder, 0o500)); err != nil {
			t.Fatal(err)
		}
		if err := closed.Save(server, canary); err == nil || !strings.Contains(err.Error(), "permission denied") || !strings.HasSuffix(err.Error(), advice(closed)) {
			t.Errorf("a folder that is closed: %v", err)
		}
	})
}

func TestSaveAtOnce(t *testing.T) {
	s := newStore(t, nil)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := s.Save(fmt.Sprintf("https://%d.example", i), fmt.Sprintf("kck-%d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range 20 {
		expectToken(t, s, fmt.Sprintf("https://%d.example", i), fmt.Sprintf("kck-%d", i), s.File)
	}
	names, err := os.ReadDir(filepath.Dir(s.File))
	if err != nil || len(names) != 2 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func TestRemove(t *testing.T) {
	s := newStore(t, nil)
	if removed, err := s.Remove(server); removed || err != nil {
		t.Errorf("nothing to remove: %v, %v", removed, err)
	}
	for address, token := range map[string]string{server: canary, "https://other.example": "kck-other"} {
		if err := s.Save(address, token); err != nil {
			t.Fatal(err)
		}
	}
	if removed, err := s.Remove(server + "/"); !removed || err != nil {
		t.Errorf("removing: %v, %v", removed, err)
	}
	if removed, err := s.Remove(server); removed || err != nil {
		t.Errorf("removing again: %v, %v", removed, err)
	}
	if _, _, err := s.Find(server); !errors.Is(err, ErrNotFound) {
		t.Errorf("still there: %v", err)
	}
	expectToken(t, s, "https://other.example", "kck-other", s.File)
}

func TestWarnsOfFilesThatOthersRead(t *testing.T) {
	for _, mode := range []os.FileMode{0o604, 0o640, 0o644} {
		s := newStore(t, nil)
		writeFile(t, s.KSBuilder, ksbuilderFile(canary, server), mode)
		expectWarning(t, s, fmt.Sprintf("%s holds an API key and can be read by others (mode %04o): run `chmod 600 %s`", s.KSBuilder, mode, s.KSBuilder))
		// A file that has nothing for this server is of no concern.
		writeFile(t, s.File, `{"servers": {"https://other.example": {"token": "kck-other"}}}`, mode)
		expectWarning(t, s, fmt.Sprintf("%s holds an API key and can be read by others (mode %04o): run `chmod 600 %s`", s.KSBuilder, mode, s.KSBuilder))
		writeFile(t, s.File, `{"servers": {"`+server+`": {"token": "kck-own"}}}`, mode)
		expectWarning(t, s, fmt.Sprintf("%s holds an API key and can be read by others (mode %04o): run `chmod 600 %s`", s.File, mode, s.File))
	}
}

func expectWarning(t *testing.T, s Store, want string) {
	t.Helper()
	if _, warnings, err := s.Find(server); err != nil || len(warnings) != 1 || warnings[0] != want {
		t.Errorf("warnings %q, error %v; want %q", warnings, err, want)
	}
}

func TestUnreadableFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, s Store)
		want    string // what the error says; empty: passed over with a warning
	}{
		"no JSON": {
			func(t *testing.T, s Store) { writeFile(t, s.File, canary, 0o600) },
			"is no credentials file; remove it and run `ksrelease login`",
		},
		"another shape": {
			func(t *testing.T, s Store) { writeFile(t, s.File, `{"servers": ["`+canary+`"]}`, 0o600) },
			"is no credentials file; remove it and run `ksrelease login`",
		},
		"a folder": {
			func(t *testing.T, s Store) {
				if err := os.MkdirAll(s.File, 0o700); err != nil {
					t.Fatal(err)
				}
			},
			"fix the file's permissions, or set KSRELEASE_TOKEN",
		},
		"ksbuilder's is a folder": {
			func(t *testing.T, s Store) {
				if err := os.MkdirAll(s.KSBuilder, 0o700); err != nil {
					t.Fatal(err)
				}
			},
			"reading the login of ksbuilder in ",
		},
		"a device": {
			func(t *testing.T, s Store) { linkTo(t, "/dev/null", s.File) },
			"reading the credentials in FILE: it is a device, and no regular file; fix the file's permissions, or set KSRELEASE_TOKEN",
		},
		"ksbuilder's is a device": {
			func(t *testing.T, s Store) { linkTo(t, "/dev/null", s.KSBuilder) },
			"reading the login of ksbuilder in KSBUILDER: it is a device, and no regular file; run `ksrelease login`, or set KSRELEASE_TOKEN",
		},
		"too large": {
			func(t *testing.T, s Store) { writeFile(t, s.File, strings.Repeat(" ", 1<<20+1), 0o600) },
			"reading the credentials in FILE: it has more than 1 MiB; ",
		},
		"ksbuilder's is too large": {
			func(t *testing.T, s Store) { writeFile(t, s.KSBuilder, strings.Repeat(" ", 1<<20+1), 0o600) },
			"reading the login of ksbuilder in KSBUILDER: it has more than 1 MiB; ",
		},
		"ksbuilder's holds junk": {
			func(t *testing.T, s Store) { writeFile(t, s.KSBuilder, `{"token": "`+canary+`"`, 0o600) },
			"",
		},
		"ksbuilder's key is not base64": {
			func(t *testing.T, s Store) {
				writeFile(t, s.KSBuilder, `{"token": "`+canary+`", "server": "`+server+`"}`, 0o600)
			},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, nil)
			tt.prepare(t, s)
			_, warnings, err := s.Find(server)
			tt.want = strings.NewReplacer("FILE", s.File, "KSBUILDER", s.KSBuilder).Replace(tt.want)
			if tt.want == "" {
				if !errors.Is(err, ErrNotFound) || len(warnings) != 1 || !strings.Contains(warnings[0], "passed over: run `ksrelease login`") {
					t.Errorf("warnings %q, error %v", warnings, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
			if text := fmt.Sprint(warnings, err); strings.Contains(text, canary) {
				t.Errorf("the key is told: %s", text)
			}
		})
	}
}

func linkTo(t *testing.T, to, file string) {
	t.Helper()
	if _, err := os.Stat(to); err != nil {
		t.Skip(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.Symlink(to, file)); err != nil {
		t.Skip("there are no links here: ", err)
	}
}

// No way of printing shows a key.
func TestTokenHidesItself(t *testing.T) {
	token := NewToken(canary, "test")
	holder := struct {
		T Token
		P *Token
		t Token
	}{token, &token, token}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Builder{}
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "token", token, "holder", holder)
	out := []string{string(encoded), text.String(), token.String(), token.GoString()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		out = append(out, fmt.Sprintf(verb, token), fmt.Sprintf(verb, &token), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, []Token{token}))
	}
	for _, text := range out {
		for _, secret := range []string{canary, "ca0a41e5", fmt.Sprintf("%x", canary), base64.StdEncoding.EncodeToString([]byte(canary))} {
			if strings.Contains(text, secret) {
				t.Errorf("a key is shown: %s", text)
			}
		}
	}
	if token.Value() != canary || token.IsZero() || !(Token{}).IsZero() {
		t.Error("Value or IsZero is wrong")
	}
}

func TestDefaultStore(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "xdg"))
	s, err := Default(os.LookupEnv)
	if err != nil || !strings.HasPrefix(s.File, home) || !strings.HasSuffix(s.File, filepath.Join("ksrelease", "credentials.json")) || s.KSBuilder != filepath.Join(home, ".ksbuilder", "config.json") {
		t.Errorf("Default() = %+v, %v", s, err)
	}
}

// A container or a CI job may have no HOME: the variable does, and only what
// needs a file complains.
func TestWithoutHome(t *testing.T) {
	for _, variable := range []string{"HOME", "XDG_CONFIG_HOME", "USERPROFILE", "AppData"} {
		t.Setenv(variable, "")
	}
	t.Chdir(t.TempDir())
	env := map[string]string{}
	s, err := Default(func(name string) (string, bool) { value, ok := env[name]; return value, ok })
	if err != nil || s.File != "" || s.KSBuilder != "" {
		t.Fatalf("Default() = %+v, %v", s, err)
	}
	if _, warnings, err := s.Find(server); !errors.Is(err, ErrNotFound) || len(warnings) > 0 {
		t.Errorf("Find: %v, %v", warnings, err)
	}
	if removed, err := s.Remove(server); removed || err != nil {
		t.Errorf("Remove: %v, %v", removed, err)
	}
	if err := s.Save(server, canary); err == nil || err.Error() != "saving the API key: you have no folder for it; set HOME, or give the key in KSRELEASE_TOKEN" {
		t.Errorf("Save: %v", err)
	}
	env[Variable] = canary
	expectToken(t, s, server, canary, Variable)
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
