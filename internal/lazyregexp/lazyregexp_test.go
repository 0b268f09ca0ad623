package lazyregexp

import (
	"reflect"
	"regexp"
	"testing"
)

// TestIsARegexp: each method has the parameters and results of the one of package regexp.
func TestIsARegexp(t *testing.T) {
	ours, theirs := reflect.TypeFor[*Regexp](), reflect.TypeFor[*regexp.Regexp]()
	for i := range ours.NumMethod() {
		name := ours.Method(i).Name
		if name == "Compiled" {
			continue
		}
		of, ok := theirs.MethodByName(name)
		if !ok {
			t.Errorf("package regexp has no method %s", name)
			continue
		}
		bound := reflect.ValueOf(New(`a`)).MethodByName(name).Type()
		if want := reflect.ValueOf(regexp.MustCompile(`a`)).MethodByName(of.Name).Type(); bound != want {
			t.Errorf("%s is a %s, want %s", name, bound, want)
		}
	}
}

func TestIsCompiledWhenUsed(t *testing.T) {
	r := &Regexp{text: `^a(b+)$`}
	if r.made != nil {
		t.Error("it is compiled before it is used")
	}
	if got := r.FindStringSubmatch("abb"); len(got) != 2 || got[1] != "bb" {
		t.Errorf("found %q", got)
	}
	if r.made == nil || r.Compiled() != r.made {
		t.Error("it is compiled more than once")
	}
	if r.String() != `^a(b+)$` {
		t.Errorf("its text is %q", r)
	}
}

func TestTestsCompileAtOnce(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a text that is no expression passes")
		}
	}()
	New(`(`)
}
