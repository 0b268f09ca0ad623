package failure

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
)

// saying is an error that says things of itself.
type saying struct {
	text                              string
	unauthorized, doubt, slow, passes bool
	limit                             bool
	hint                              string
}

func (s *saying) Error() string      { return s.text }
func (s *saying) Unauthorized() bool { return s.unauthorized }
func (s *saying) InDoubt() bool      { return s.doubt }
func (s *saying) SlowDown() bool     { return s.slow }
func (s *saying) Temporary() bool    { return s.passes }
func (s *saying) LimitReached() bool { return s.limit }
func (s *saying) Hint() string       { return s.hint }

func TestWhatErrorsSay(t *testing.T) {
	for what, test := range map[string]struct {
		says func(error) bool
		err  *saying
	}{
		"unauthorized": {Unauthorized, &saying{unauthorized: true}},
		"in doubt":     {InDoubt, &saying{doubt: true}},
		"slow down":    {SlowDown, &saying{slow: true}},
		"temporary":    {Temporary, &saying{passes: true}},
		"limit":        {LimitReached, &saying{limit: true}},
	} {
		if !test.says(test.err) || !test.says(fmt.Errorf("x: %w", WithHint(test.err, "do it"))) {
			t.Errorf("%s: it is not seen", what)
		}
		if test.says(nil) || test.says(errors.New("x")) || test.says(&saying{}) {
			t.Errorf("%s: it is seen where it is not", what)
		}
	}
}

// What is said of an error from outside counts for all that is within it, which can still be found.
func TestWhatIsSaidOfErrors(t *testing.T) {
	within := &saying{text: "403", unauthorized: true, doubt: true, passes: true, hint: "log in"}
	var found *saying
	if err := fmt.Errorf("x: %w", NotTheKey(within, "ask for it")); Unauthorized(err) || !InDoubt(err) || !Temporary(err) || Hint(err) != "ask for it" || err.Error() != "x: 403" || !errors.As(err, &found) {
		t.Errorf("not the key: %v", err)
	}
	if err := fmt.Errorf("x: %w", Settled("it is there", within, "leave it")); InDoubt(err) || Temporary(err) || Hint(err) != "leave it" || err.Error() != "x: it is there" || !errors.As(err, &found) {
		t.Errorf("settled: %v", err)
	}
	if err := Settled("it is there", nil, ""); errors.Unwrap(err) != nil || Unauthorized(err) || Hint(err) != "" {
		t.Errorf("settled by nothing: %v", err)
	}
}

func TestHint(t *testing.T) {
	const login, later = "run ksrelease login, or set KSRELEASE_TOKEN", "run again later: a run goes on from what is there"
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""}, {errors.New("x"), ""}, {&saying{}, ""},
		{&saying{hint: "do it", unauthorized: true}, "do it"},
		{fmt.Errorf("x: %w", WithHint(errors.New("y"), "do %d", 7)), "do 7"},
		{&saying{unauthorized: true, doubt: true}, login}, {&saying{doubt: true}, later}, {&saying{passes: true}, later},
		{WithHint(&saying{passes: true}, ""), later},
	} {
		if got := Hint(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}

func TestWithoutPath(t *testing.T) {
	cause, other := errors.New("no space left on device"), errors.New("x")
	for _, test := range []struct{ err, want error }{
		{nil, nil}, {other, other},
		{&fs.PathError{Op: "open", Path: "/a/b", Err: cause}, cause},
		{fmt.Errorf("reading: %w", &fs.PathError{Op: "open", Path: "/a/b", Err: cause}), cause},
		{&os.LinkError{Op: "rename", Old: "/a/b", New: "/a/c", Err: cause}, cause},
	} {
		if got := WithoutPath(test.err); got != test.want {
			t.Errorf("%v: %v, want %v", test.err, got, test.want)
		}
	}
}

// What passes by itself has no hint in a reason.
func TestHintIsForWhatDoesNotPass(t *testing.T) {
	passing, lasting := &saying{text: "502 Bad Gateway", passes: true}, &saying{text: "404 Not Found"}
	for _, test := range []struct {
		err  error
		want string
	}{
		{passing, "502 Bad Gateway"}, {lasting, "404 Not Found"},
		{WithHint(passing, "call somebody"), "502 Bad Gateway"},
		{WithHint(lasting, "call somebody"), "404 Not Found: call somebody"},
	} {
		if got := InOneLine(test.err); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// A target is not always a marketplace, so the hint calls it none.
func TestWhatToDoAboutALostAnswer(t *testing.T) {
	err := Lost(errors.New("no answer"), errors.New("connection refused"), "whether the package arrived")
	if got, want := err.Error(), "no answer; whether the package arrived is not known, as reading it back failed: connection refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Hint(err), "run again when it can be asked again: the next run goes on from what is there"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
