package lint

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// freshKey is a private key that nobody has, in PEM.
func freshKey(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	data, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: data}))
}

// Tokens of the right form that are none. They are put together here so that no
// scanner of secrets takes this file for a leak.
var (
	cloudKey  = "kck" + "-1e63267b-cb3c-4757-b739-3d94a06781aa"
	githubKey = "ghp" + "_R8x2Kq7LmZ4vT1nYc9WbD5hJs3GfA6eQpU0i"
	awsKey    = "AKIA" + "J4QZ7WPNX2RLT5VM"
	slackKey  = "xoxb" + "-1203948576-Qw8eRt5yUi2oPa9sDf4g"
)

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}

func TestSecrets(t *testing.T) {
	key := freshKey(t)
	registry := `{"auths": {"https://registry.example.io": {"auth": "` + base64.StdEncoding.EncodeToString([]byte("robot:R8x2Kq7LmZ4v")) + `"}}}`
	compact := strings.ReplaceAll(registry, " ", "")
	const hint = "take it out and withdraw it: who has the package has it"
	in := func(text string) []string { return []string{"charts/web/files/data.yaml", text} }
	testFindings(t, "ignore+secrets", []findingTest{
		{
			name: "a key", changes: in("a: b\nkey: |\n" + indented(key)),
			want: []string{`error secrets ext/charts/web/files/data.yaml:3:3: a private key (PRIVATE KEY) stands here, and is packed`}, hint: hint,
		},
		{
			name: "a key in JSON", changes: in(`{"key": "` + strings.ReplaceAll(key, "\n", `\n`) + `"}`),
			want: []string{`error secrets ext/charts/web/files/data.yaml:1:10: a private key (PRIVATE KEY) stands here, and is packed`},
		},
		{
			name: "a key in base64", changes: in("tls.key: " + base64.StdEncoding.EncodeToString([]byte(key))),
			want: []string{`error secrets ext/charts/web/files/data.yaml:1:10: a private key (PRIVATE KEY, in base64) stands here, and is packed`},
		},
		{
			name: "a key in a manual", changes: []string{"README.md", "```\n" + key + "```\n"},
			want: []string{`warning secrets ext/README.md:2:1: a private key (PRIVATE KEY) stands here, and is packed`},
			hint: hint + "; if it only shows what one looks like, cut it short",
		},
		{
			name: "tokens", changes: in("a: " + cloudKey + "\nb: \"" + githubKey + "\"\nc: " + awsKey + " " + slackKey + "\n"),
			want: []string{
				`error secrets ext/charts/web/files/data.yaml:1:4: an API key of KubeSphere Cloud stands here, and is packed`,
				`error secrets ext/charts/web/files/data.yaml:2:5: a token of GitHub stands here, and is packed`,
				`error secrets ext/charts/web/files/data.yaml:3:4: an access key of AWS stands here, and is packed`,
				`error secrets ext/charts/web/files/data.yaml:3:25: a token of Slack stands here, and is packed`,
			},
		},
		{
			name: "a registry", changes: in(registry),
			want: []string{`error secrets ext/charts/web/files/data.yaml:1:44: a password of an image registry stands here, and is packed`},
		},
		{
			name: "a registry in base64", changes: in(".dockerconfigjson: " + base64.StdEncoding.EncodeToString([]byte(compact))),
			want: []string{`error secrets ext/charts/web/files/data.yaml:1:20: a password of an image registry (in base64) stands here, and is packed`},
		},
		{
			name: "a key store", changes: []string{"charts/web/files/trust.jks", "\xfe\xed\xfe\xed\x00"},
			want: []string{`warning secrets ext/charts/web/files/trust.jks: files of this name hold keys or passwords, and this one is packed`},
		},
		{name: "a reason", changes: in("# ksrelease:ignore secrets a key for tests, nothing trusts it\na: " + githubKey + "\n")},
		{name: "placeholders", changes: in(strings.Join([]string{
			"-----BEGIN PRIVATE KEY-----", "...", "-----END PRIVATE KEY-----",
			"-----BEGIN RSA PRIVATE KEY-----", "{{ .Values.key }}", "-----END RSA PRIVATE KEY-----",
			"-----BEGIN PRIVATE KEY-----", "without an end",
			"-----BEGIN CERTIFICATE-----", strings.Repeat("QUJD", 40), "-----END CERTIFICATE-----",
			"kck" + "-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "kck" + "-00000000-0000-0000-0000-000000000000", "kck" + "-…",
			"ghp" + "_" + strings.Repeat("x", 36), "ghp" + "_0123456789abcdefghijklmnopqrstuvwxyz", "ghp" + "_tooshort",
			"AKIA" + "IOSFODNN7EXAMPLE", "my" + awsKey, "npm" + "_config_registry",
			`{"auths":{"r.example.io":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("user:password")) + `"}}}`,
			`{"auths":{"r.example.io":{"auth":"<base64>"}}} {"auth": "{{ .Values.auth }}"} "auth": true`,
			"LS0tLS1CRUdJTi" + "BSU0EgUFJJVkFURSBLRVktLS0tLQo=", "eyJhdXRocy" + "I6e319",
		}, "\n"))},
	})
}

// TestSecretsAreNotShown: a finding goes into logs and reports.
func TestSecretsAreNotShown(t *testing.T) {
	for _, f := range check(t, with(goodFiles(), "charts/web/files/data.yaml", "token: "+githubKey+"\n"), "secrets") {
		if strings.Contains(f.Message+f.Hint+f.Excerpt, githubKey[:12]) {
			t.Errorf("the finding shows the secret: %+v", f)
		}
	}
}

func TestLeftovers(t *testing.T) {
	testFindings(t, "leftovers", []findingTest{
		{
			name: "of tools", changes: []string{
				"node_modules/a/index.js", strings.Repeat("x", 2048), "node_modules/b.js", "x", "charts/web/Thumbs.db", "x",
				"charts/web/files/__pycache__/a.pyc", "x", "docs/a.md.rej", "x", ".github/workflows/ci.yaml", "a: b", "core", "\x7fELF\x02",
				"charts/web/files/core", "no dump", ".gitattributes", "x",
			},
			want: []string{
				`warning leftovers ext/.gitattributes: it is packed, and looks like part of the repository, not of the extension`,
				`warning leftovers ext/.github: the folder is packed (one file, 4 B), and looks like part of the repository, not of the extension`,
				`warning leftovers ext/charts/web/Thumbs.db: it is packed, and looks made by the file manager of Windows`,
				`warning leftovers ext/charts/web/files/__pycache__: the folder is packed (one file, 1 B), and looks made by Python`,
				`warning leftovers ext/core: it is packed, and looks like the dump of a program that crashed`,
				`warning leftovers ext/docs/a.md.rej: it is packed, and looks left by patch`,
				`warning leftovers ext/node_modules: the folder is packed (2 files, 2.0 KiB), and looks installed by a package manager`,
			},
			hint: "delete it, or add to .helmignore at the top of the extension: .gitattributes",
		},
		{name: "what is never packed", changes: []string{".git/config", "x", ".env", "x", ".DS_Store", "x", ".vscode/a", "x"}},
	})
}

// TestPackagedSubcharts: what is in the package of a subchart is in the package of
// the extension.
func TestPackagedSubcharts(t *testing.T) {
	key := freshKey(t)
	inner := packed(t, "db", map[string]string{"Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n", ".env": "A=b\n"})
	files := with(goodFiles(), "charts/web/Chart.yaml", "", "charts/web/values.yaml", "", "charts/web/templates/deployment.yaml", "", "charts/web/templates/NOTES.txt", "",
		"charts/web-0.1.0.tgz", packed(t, "web", map[string]string{
			"Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n", "values.yaml": "tag: 1.27.0\n", "templates/deployment.yaml": goodDeployment,
			"files/a.txt": "one\n" + key, ".DS_Store": "x", "node_modules/a/b.js": "x", "node_modules/c.js": "y", "charts/db-1.0.0.tgz": inner,
		}),
		"charts/broken-1.0.0.tgz", "no package", "files/data.tgz", inner)
	got := told(check(t, files, "secrets", "leftovers"))
	want := []string{
		`warning leftovers ext/charts/web-0.1.0.tgz: the packaged subchart holds what tools leave behind: .DS_Store, node_modules`,
		`error secrets ext/charts/web-0.1.0.tgz: a private key (PRIVATE KEY) stands here, and is packed (files/a.txt, line 2, in the package)`,
		`warning secrets ext/charts/web-0.1.0.tgz: files of this name hold keys or passwords, and this one is packed (charts/db-1.0.0.tgz/.env in the package)`,
		`warning leftovers ext/files/data.tgz: it is packed, and looks like a package that was made earlier`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
