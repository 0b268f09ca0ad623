package rule

import (
	"errors"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
)

func passOf(t *testing.T, r Rule) *Pass {
	t.Helper()
	ext, err := extension.Load("testdata/untitled", extension.Options{Display: "web"})
	if err != nil {
		t.Fatal(err)
	}
	return &Pass{Ctx: t.Context(), Ext: ext, Rule: r, Material: NewMaterial(t.Context(), ext)}
}

// TestARuleLooksAtWhatItDeclares: a pass gives no more of the chart than the rule says
// that it needs, uses or explains, and asks for no other rules than it names.
func TestARuleLooksAtWhatItDeclares(t *testing.T) {
	for _, state := range []State{Files, Dependencies, Chart, Values, Rendering, MarkedRendering} {
		for name, r := range map[string]Rule{"needs": {Needs: state}, "uses": {Uses: state}, "explains": {Explains: state}} {
			pass := passOf(t, r)
			for asked, look := range map[State]func() bool{
				Chart:           func() bool { return pass.Chart() != nil },
				Rendering:       func() bool { return pass.Rendering() != nil },
				MarkedRendering: func() bool { return pass.MarkedRendering() != nil },
			} {
				if got, refused := try(look); refused != (state < asked) || got == refused {
					t.Errorf("a rule that %s state %d asks for %d: there %t, refused %t", name, state, asked, got, refused)
				}
			}
		}
	}
	pass := passOf(t, Rule{LeavesTo: []string{"schema"}})
	if on, refused := try(func() bool { return pass.IsOn("schema") }); !on || refused {
		t.Error("a rule cannot ask for one that it leaves something to")
	}
	if _, refused := try(func() bool { return pass.IsOn("chart") }); !refused {
		t.Error("a rule asks for one that it does not name")
	}
	if _, refused := try(func() bool { pass.Report(Found("odd"), Error, Finding{}); return true }); !refused {
		t.Error("a rule reports a code that it does not list")
	}
}

func try(look func() bool) (got, refused bool) {
	defer func() { refused = recover() != nil }()
	return look(), false
}

// TestMissing: each state has those before it, and the first that is missing is named.
func TestMissing(t *testing.T) {
	odd := errors.New("odd")
	states := []State{Files, Dependencies, Chart, Values, Rendering, MarkedRendering}
	for first, spoil := range map[State]func(m *Material, loaded *helmchart.Chart){
		Chart:  func(m *Material, _ *helmchart.Chart) { m.Load = func() (*helmchart.Chart, error) { return nil, odd } },
		Values: func(_ *Material, loaded *helmchart.Chart) { loaded.EnabledErr = odd },
		Rendering: func(m *Material, _ *helmchart.Chart) {
			m.Render = func() (*helmchart.Renderings, error) { return nil, odd }
		},
		MarkedRendering: func(m *Material, _ *helmchart.Chart) {
			m.RenderMarked = func() (*helmchart.Rendering, error) { return nil, odd }
		},
	} {
		pass := passOf(t, Rule{Uses: MarkedRendering})
		loaded, err := pass.Material.Load()
		if err != nil {
			t.Fatal(err)
		}
		spoil(pass.Material, loaded)
		for _, state := range states {
			missing, err := pass.Material.Missing(state)
			if want := state >= first; (err != nil) != want || want && (missing != first || !errors.Is(err, odd)) {
				t.Errorf("without state %d, up to %d: %d is missing (%v)", first, state, missing, err)
			}
		}
		if first == Chart && pass.Chart() != nil || first <= Rendering && pass.Rendering() != nil || pass.MarkedRendering() != nil {
			t.Errorf("without state %d, a pass gives what is not there", first)
		}
	}
	if pass := passOf(t, Rule{}); pass.Material.Loaded() {
		t.Error("a chart that nobody asked for was loaded")
	} else if _, err := pass.Material.Missing(MarkedRendering); err != nil || !pass.Material.Loaded() {
		t.Errorf("of a whole extension: %v", err)
	}
}

// TestSeverities: what a finding counts, by what was chosen for the rule.
func TestSeverities(t *testing.T) {
	for _, test := range []struct{ byRule, chosen, own, atMostWarning, byDefaultInfo Severity }{
		{Error, "", Error, Warning, Info},
		{Warning, "", Warning, Warning, Info},
		{Info, "", Info, Info, Info},
		{Info, Error, Error, Warning, Error},
		{Error, Off, Off, Off, Off},
		{Error, "loud", Error, Warning, Info},
	} {
		pass := passOf(t, Rule{Name: "x", Default: test.byRule})
		if test.chosen != "" {
			pass.Severities = map[string]Severity{"x": test.chosen}
		}
		if pass.Severity() != test.own || pass.AtMost(Warning) != test.atMostWarning || pass.ByDefault(Info) != test.byDefaultInfo {
			t.Errorf("%+v: %s, %s, %s", test, pass.Severity(), pass.AtMost(Warning), pass.ByDefault(Info))
		}
	}
}

// TestFindings: what a finding is known by, and where it stands.
func TestFindings(t *testing.T) {
	r := Rule{Name: "x", Default: Warning, Codes: []Code{{Name: "odd"}}}
	pass := passOf(t, r)
	pass.InSource(Found("odd", "a  b", "c"), helmchart.Source{File: "charts/db.tgz", Inside: "db/templates/a.yaml"}, 0, "it is\nodd", "")
	pass.InSourceAt(Found("odd"), Info, helmchart.Source{File: "templates/a.yaml", Text: "a\nkind: Pod\n"}, 2, 3, "Pod is odd", "")
	want := []Finding{
		{Code: "x/odd", Subject: "db/templates/a.yaml a b c", Severity: Warning, File: "charts/db.tgz", Message: `it is\nodd (db/templates/a.yaml in the package)`},
		{Code: "x/odd", Severity: Info, File: "templates/a.yaml", Range: diagnostic.At(2, 3), Message: "Pod is odd"},
	}
	for i, f := range pass.Findings {
		if f != want[i] {
			t.Errorf("%+v, want %+v", f, want[i])
		}
	}
	if long := Found("odd", strings.Repeat("a", 1000)); len(long.subject) > subjectWidth+3 {
		t.Errorf("a subject has %d bytes", len(long.subject))
	}
	pass.Silences = func(f Finding) bool { return f.Code == "x/odd" && f.Range.Start.Line == 7 }
	if !pass.IsSilenced(Found("odd"), diagnostic.Diagnostic{Range: diagnostic.At(7, 0)}) || pass.IsSilenced(Found("odd"), diagnostic.Diagnostic{Range: diagnostic.At(8, 0)}) {
		t.Error("a comment silences another line")
	}
}

// TestDerived: what a family derives is made once for all of its rules.
func TestDerived(t *testing.T) {
	type names []string
	made := 0
	derive := func(ext *extension.Extension) names { made++; return names{ext.Metadata.Name} }
	pass := passOf(t, Rule{})
	other := &Pass{Ext: pass.Ext, Material: pass.Material}
	if a, b := Derived(pass, derive), Derived(other, derive); a[0] != "web" || b[0] != "web" || made != 1 {
		t.Errorf("%v and %v, made %d times", a, b, made)
	}
}

// TestIsLeftOut: what .helmignore leaves out is not asked for, as long as the rule that
// reports it is on.
func TestIsLeftOut(t *testing.T) {
	pass := passOf(t, Rule{LeavesTo: []string{"helmignore"}})
	pass.Ext.LeftOut = []extension.LeftOut{{Name: "README_zh.md"}}
	is := func(wanted string) func(string) bool { return func(name string) bool { return name == wanted } }
	if !pass.IsLeftOut(is("README_zh.md")) || pass.IsLeftOut(is("README_de.md")) {
		t.Error("with the rule on, what is left out is another")
	}
	pass.Severities = map[string]Severity{"helmignore": Off}
	if pass.IsLeftOut(is("README_zh.md")) {
		t.Error("with the rule off, nobody asks for what is left out")
	}
}
