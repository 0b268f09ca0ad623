package config

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

var shellVariables = map[string]string{"SET": "value", "EMPTY": "", "DOLLAR": "${SET} $$ }", "N": "4"}

func shellLookup(name string) (string, bool) {
	value, ok := shellVariables[name]
	return value, ok
}

// expandText is what a value becomes, and what is wrong with it.
func expandText(t *testing.T, text string, env func(string) (string, bool)) (string, diagnostic.List) {
	t.Helper()
	doc, err := yamldoc.Parse("a.yaml", []byte(strconv.Quote("key")+": "+strconv.Quote(text)+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	value, e := expand(doc, env)
	checkCodes(t, e.problems.Err())
	expanded, _ := value.(map[string]any)["key"].(string)
	return expanded, e.problems
}

// References are what they are in a shell.
func TestReferencesAreThoseOfAShell(t *testing.T) {
	bash, _ := exec.LookPath("bash")
	for text, want := range map[string]string{
		"${SET}": "value", "a${SET}b${SET}": "avaluebvalue", "${EMPTY}": "",
		"${SET:-x}": "value", "${SET-x}": "value", "${EMPTY:-x}": "x", "${EMPTY-x}": "", "${NO:-x}": "x", "${NO-x}": "x",
		"${NO:-}": "", "${NO-}": "", "${NO:- x }": " x ", "${NO:--}": "-", "${NO--x}": "-x", "${NO:-:-}": ":-",
		"${NO:-${SET}}": "value", "${NO:-${NO2:-${SET}/b}/c}/d": "value/b/c/d", "${SET:-${NO}}": "value", "${NO-${EMPTY:-x}}": "x",
		`${NO:-a\}b}`: "a}b", "${DOLLAR}": "${SET} $$ }", "${NO:-${DOLLAR}}": "${SET} $$ }", "${NO:-a\nb}c": "a\nbc",
		"${NO:-名字}": "名字", "}": "}", "{}": "{}", "${NO:-#x}": "#x", "${NO:-https://${SET}.example.com:8080/}": "https://value.example.com:8080/",
	} {
		got, problems := expandText(t, text, shellLookup)
		if got != want || len(problems) > 0 {
			t.Errorf("%q is %q, want %q; %v", text, got, want, problems)
		}
		if bash == "" {
			continue
		}
		command := exec.Command(bash, "-c", `printf %s "`+text+`"`)
		command.Env = os.Environ()
		for name, value := range shellVariables {
			command.Env = append(command.Env, name+"="+value)
		}
		if out, err := command.Output(); err != nil || string(out) != want {
			t.Errorf("%q is %q to bash, want %q; %v", text, out, want, err)
		}
	}
	// Where a config and a shell differ.
	for text, want := range map[string]string{
		"$$": "$", "$${SET}": "${SET}", "$SET": "$SET", "${NO:-$$x}": "$x", "${NO:-$${SET}}": "${SET}", "$": "$", "a$": "a$",
		"${NO:-{a,b}/*}": "{a,b}/*", "${SET:-{a,b}/*}": "value", `${NO:-a\*\{b}`: `a\*\{b`, "${NO:-{a,{b,c}}}d": "{a,{b,c}}d",
	} {
		if got, problems := expandText(t, text, shellLookup); got != want || len(problems) > 0 {
			t.Errorf("%q is %q, want %q; %v", text, got, want, problems)
		}
	}
}

// What is no reference is a problem at its place, and nothing else is.
func TestReferencesThatAreNone(t *testing.T) {
	for text, want := range map[string][]string{
		"${":                               {"is not closed"},
		"${NO":                             {"is not closed"},
		"${NO:-x":                          {"is not closed"},
		"${NO:-{x}":                        {"is not closed"},
		`${NO:-x\}`:                        {"is not closed"},
		"${}":                              {"names no environment variable"},
		"${1A}":                            {"names no environment variable"},
		"${A B}":                           {"names no environment variable"},
		"${A:x}":                           {"names no environment variable"},
		"${A:?x}":                          {"names no environment variable"},
		"${A:+x}":                          {"names no environment variable"},
		"${A%x}":                           {"names no environment variable"},
		"${SET:-${A?}}":                    {"names no environment variable"}, // not used, and wrong all the same
		"${NO}${NO}":                       {"NO is not set", "NO is not set"},
		"${NO:-${NO2}}":                    {"NO2 is not set"},
		"${SET:-${NO2}}":                   nil,
		"${KSRELEASE_TOKEN}":               {"KSRELEASE_TOKEN holds a credential"},
		"${KSRELEASE_TOKEN:-x}":            {"KSRELEASE_TOKEN holds a credential"},
		"${ksrelease_token:-x}":            {"ksrelease_token holds a credential"},
		"${SET:-${HTTPS_PROXY}}":           {"HTTPS_PROXY holds a credential"},
		"${KSRELEASE_REGISTRY_PASSWORD-x}": {"holds a credential"},
		"${KSRELEASE_PGP_PASSPHRASE:-}":    {"holds a credential"},
		strings.Repeat("${NO:-", 40) + strings.Repeat("}", 40): {"nested too deep"},
		strings.Repeat("${NO:-", 100_000):                      nil, // one problem or more, and no stack that is too deep
	} {
		_, problems := expandText(t, text, shellLookup)
		if len(text) > 1000 {
			if len(problems) == 0 || len(problems) > maxReported {
				t.Errorf("%d problems", len(problems))
			}
			continue
		}
		if len(problems) < len(want) || want == nil && len(problems) > 0 {
			t.Errorf("%q: %v", text, problems)
			continue
		}
		for i, message := range want {
			if p := problems[i]; !strings.Contains(p.Message, message) || p.Range.Start.Line != 1 || p.Range.Start.Column < len(`"key": `)+1 {
				t.Errorf("%q: %+v, want %s", text, p, message)
			}
		}
		if len(want) == 2 && problems[0].Range.Start.Column == problems[1].Range.Start.Column {
			t.Errorf("%q: both at column %d", text, problems[0].Range.Start.Column)
		}
	}
}

// A variable that holds the API key or a password, whatever its name, cannot be
// referred to; the name of a user is no secret in other variables.
func TestCopiesOfSecretsStayOut(t *testing.T) {
	env := func(name string) (string, bool) {
		value, ok := map[string]string{
			"KSRELEASE_TOKEN": " kck-1234-5678\n", "A": "x kck-1234-5678", "KSRELEASE_REPOSITORY_USERNAME": "ci-robot",
			"B": "ci-robot", "KSRELEASE_REPOSITORY_PASSWORD": "        ", "C": "        ", "KSRELEASE_MARKETPLACE_TOKEN": "short", "D": "short",
		}[name]
		return value, ok
	}
	if got, problems := expandText(t, "${A}", env); len(problems) != 1 || strings.Contains(got, "kck") || strings.Contains(problems.Error(), "kck-") {
		t.Errorf("%q, %v", got, problems)
	}
	for _, name := range []string{"B", "C", "D"} {
		if _, problems := expandText(t, "${"+name+"}", env); len(problems) != 0 {
			t.Errorf("%v", problems)
		}
	}
}

// What variables make of a config is bounded.
func TestVariablesAreBounded(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	_, problems := expandText(t, strings.Repeat("${X}", 200), func(name string) (string, bool) { return large, name == "X" })
	if len(problems) == 0 || !strings.Contains(problems[0].Message, "16 MiB") {
		t.Errorf("%d problems", len(problems))
	}
}

// Keys are never expanded.
func TestKeysAreNotExpanded(t *testing.T) {
	doc, err := yamldoc.Parse("a.yaml", []byte("${SET}: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	value, _ := expand(doc, shellLookup)
	if _, ok := value.(map[string]any)["${SET}"]; !ok {
		t.Errorf("%v", value)
	}
}

// What a variable holds stands in no message, wherever it is used; what is written
// does. Expansions lists it for those who print.
func TestMessagesShowWhatIsWritten(t *testing.T) {
	const canary = "s3cr3t-canary"
	env := func(name string) (string, bool) {
		value, ok := map[string]string{"P": canary, "Q": canary + " ${P}", "G": canary + "[", "U": "https://" + canary + ".example.com"}[name]
		return value, ok
	}
	for _, src := range []string{
		"extensions: [{path: '${P}'}]", "extensions: [{path: '${P}/*'}]", "extensions: [{path: '${G}'}]", "extensions: [{path: '../${P}/alc'}]",
		"extensions: [{path: '*', exclude: ['${P}']}]", "extensions: [{path: '*', exclude: ['${P}/*', '${G}']}]",
		"extensions: [{path: '*'}]\npush: {existing: '${Q}', drift: '${Q}'}", "extensions: [{path: '*'}]\nverify: {until: '${Q}', timeout: '${Q}'}",
		"extensions: [{path: '*'}]\nsize: {limit: '${Q}'}", "extensions: [{path: '*'}]\nlint: {rules: {icon: '${Q}'}}", "extensions: [{path: '*'}]\ncloud: {server: '${Q}'}",
		"extensions: [{path: '*'}]\nrepository: {url: 'https://${Q}'}", "extensions: [{path: '*'}]\nrepository: {url: 'https://${P}:99999/'}\npush: {drift: '${P}'}",
		"extensions: '${P}'", "extensions: [{path: ['${P}']}]", "parallelism: '${P}'", "version: '${P}'",
	} {
		root := t.TempDir()
		if err := os.MkdirAll(root+"/alc", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+"/alc/extension.yaml", nil, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := Parse(root+"/"+Name, []byte("version: 1\n"+src+"\n"), env)
		if err == nil {
			_, err = c.Sources("", nil)
		}
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", src, err)
		}
	}
	c, err := Parse("a.yaml", []byte("version: 1\nextensions: [{path: '${P}'}]\ncloud: {server: '${U}/', ca_file: 'x/${P}'}\n"), env)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Expansion{{"${U}/", "https://" + canary + ".example.com/"}, {"x/${P}", "x/" + canary}, {"${P}", canary}} {
		if !slices.Contains(c.Expansions(), want) {
			t.Errorf("no %v in %v", want, c.Expansions())
		}
	}
}
