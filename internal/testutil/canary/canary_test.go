package canary

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each secret is found in each form in which it may get out, wherever it stands
// in what is encoded with it.
func TestFindsEveryForm(t *testing.T) {
	marshal := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	forms := map[string]func(string) string{
		"plain":         func(s string) string { return s },
		"in a sentence": func(s string) string { return "the key " + s + " was refused" },
		"%q":            func(s string) string { return fmt.Sprintf("%q", s) },
		"JSON":          func(s string) string { return marshal(map[string]string{"message": "bad " + s + "!"}) },
		"JSON in JSON":  func(s string) string { return marshal(marshal([]string{s})) },
		"XML":           func(s string) string { var b bytes.Buffer; _ = xml.EscapeText(&b, []byte(s)); return b.String() },
		"HTML":          html.EscapeString,
		"a query":       func(s string) string { return "https://h/?q=" + url.QueryEscape(s) },
		"a path":        func(s string) string { return "https://h/" + url.PathEscape(s) + "/x" },
		"userinfo": func(s string) string {
			return (&url.URL{Scheme: "http", Host: "h", User: url.UserPassword("u", s)}).String()
		},
		"all percent":        func(s string) string { return percent(s, "0123456789ABCDEF") },
		"all percent, lower": func(s string) string { return percent(s, "0123456789abcdef") },
		"hex":                func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":                func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"a stack dump":       func(s string) string { return fmt.Sprintf("goroutine 1 [running]:\nmain.f(%#v)", []string{s}) },
		"folded":             func(s string) string { return s[:7] + "\n" + s[7:13] + "\r\n\t" + s[13:] },
		"in a table":         func(s string) string { return "│ " + s[:9] + " │\n│ " + s[9:] + " │" },
		"with marks unseen":  func(s string) string { return s[:5] + "\u200b" + s[5:11] + "\x1b" + s[11:] },
		"its first half":     func(s string) string { return "cut: " + s[:len(s)/2] + "…" },
		"its second half":    func(s string) string { return "…" + s[len(s)/2:] },
		"zipped":             func(s string) string { return string(zipped(t, []byte("a report: "+s))) },
		"in an archive":      func(s string) string { return string(archived(t, "c/values.yaml", []byte("key: "+s))) },
		"in an inner archive": func(s string) string {
			return string(archived(t, "c/charts/d.tgz", archived(t, "d/values.yaml", []byte("key: "+s))))
		},
	}
	for _, alphabet := range []struct {
		name string
		*base64.Encoding
	}{{"std", base64.StdEncoding}, {"url", base64.URLEncoding}, {"raw", base64.RawStdEncoding}} {
		for before := range 4 {
			for after := range 3 {
				forms[fmt.Sprintf("base64 %s %d %d", alphabet.name, before, after)] = func(s string) string {
					return alphabet.EncodeToString([]byte("user:"[:before] + s + "~~"[:after]))
				}
			}
		}
	}
	forms["base64 in lines"] = func(s string) string {
		encoded := base64.StdEncoding.EncodeToString([]byte("me:" + s))
		return encoded[:11] + "\n" + encoded[11:]
	}
	watch := New()
	for _, secret := range Secrets() {
		for name, form := range forms {
			if leaks := watch.Scan("output", []byte(form(secret.Value))); !names(leaks, secret) {
				t.Errorf("%s, %s: found %v", secret.Name, name, leaks)
			}
		}
	}
}

// names says that one of the leaks is of that secret, or of one within it, and
// that none of them shows it.
func names(leaks []Leak, secret Secret) bool {
	for _, leak := range leaks {
		for _, known := range Secrets() {
			if leak.Secret == known.Name && strings.Contains(secret.Value, known.Value) {
				return !strings.Contains(leak.String(), known.Value[:8])
			}
		}
	}
	return false
}

func zipped(t *testing.T, data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func archived(t *testing.T, name string, data []byte) []byte {
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return zipped(t, b.Bytes())
}

// What is no secret is not taken for one.
func TestPassesOverTheRest(t *testing.T) {
	random := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(random)
	watch := New()
	for where, text := range map[string]string{
		"nothing":             "",
		"names":               "logged in as " + Username + " through " + ProxyUsername + " with a key like kck-…",
		"another key":         "kck-11111111-2222-3333-4444-555555555555",
		"hidden":              "https://xxxxx@charts.example.com/?token=xxxxx",
		"a beginning":         "the key kck-c4a9… was refused",
		"noise":               string(random),
		"noise in base64":     base64.StdEncoding.EncodeToString(random),
		"noise in hex":        hex.EncodeToString(random),
		"a cut archive":       string(zipped(t, random[:5000])[:3000]),
		"a name of the proxy": "http://" + ProxyUsername + ":xxxxx@" + ProxyAddress,
	} {
		if leaks := watch.Scan(where, []byte(text)); leaks != nil {
			t.Errorf("%s: %v", where, leaks)
		}
	}
	outputs, size := watch.Searched()
	if outputs != 10 || size < 4<<20 {
		t.Errorf("searched %d outputs, %d bytes", outputs, size)
	}
}

// The place is that in the text as it was written.
func TestTellsThePlace(t *testing.T) {
	for text, want := range map[string]string{
		"key: " + Token: "report.json:1:6: the API key, plain",
		"ü │\n  \"" + Token[:8] + "\n" + Token[8:] + "\"\n":           "report.json:2:4: the API key, plain",
		strings.Repeat("line\n", 9) + "Basic " + Basic("", Token)[6:]: "report.json:10:9: the API key, in base64",
	} {
		leaks := New().Scan("report.json", []byte(text))
		if len(leaks) != 1 || leaks[0].String() != want {
			t.Errorf("%v, want %s", leaks, want)
		}
	}
}

func TestSearchesFolders(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"credentials.json":       []byte(Token),
		"state/a/admin-token":    []byte(Token),
		"state/a/record.json":    []byte(`{"message": "by ` + Token + `"}`),
		"dist/alc-1.0.0.tgz":     archived(t, "alc/extension.yaml", []byte("icon: https://h/"+Token)),
		"dist/harmless.txt":      []byte("nothing"),
		"logs/" + Token + ".log": nil,
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	watch := New()
	leaks, err := watch.ScanTree(dir, "credentials.json", "state/*/admin-token")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, leak := range leaks {
		told = append(told, leak.Where)
	}
	// Of the archive both are reported: where it is, and in which of its bytes.
	want := "dist/alc-1.0.0.tgz!, the name of logs/" + Token + ".log, state/a/record.json"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("found %s", strings.ReplaceAll(got, Token, "TOKEN"))
	}
	if outputs, _ := watch.Searched(); outputs != 4 {
		t.Errorf("%d files were searched, want 4", outputs)
	}
}

// A secret of the test's own is watched for as well.
func TestOtherSecrets(t *testing.T) {
	watch := New(Secret{"a session", "s3ss"})
	if leaks := watch.Scan("x", []byte("a=s3ss;")); len(leaks) != 1 || leaks[0].Secret != "a session" {
		t.Errorf("%v", leaks)
	}
}

// What Environment sets is what is watched for.
func TestEnvironment(t *testing.T) {
	watch := New()
	for _, variable := range Environment() {
		name, _, _ := strings.Cut(variable, "=")
		if leaks := watch.Scan(name, []byte(variable)); (len(leaks) == 0) != strings.HasSuffix(name, "USERNAME") {
			t.Errorf("%s: %v", name, leaks)
		}
	}
	proxy, err := url.Parse(ProxyURL(ProxyAddress))
	if err != nil {
		t.Fatal(err)
	}
	if password, _ := proxy.User.Password(); password != ProxyPassword {
		t.Error("the secrets do not come through")
	}
}
