package output_test

import (
	"testing"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/testutil/screen"
)

// What says what is going on stands below all that is printed, is gone while a question is asked, and
// leaves nothing behind, also where a terminal that has become narrower has folded its lines.
func TestStatusOnATerminal(t *testing.T) {
	terminal := screen.Open(t, 40, 10)
	s := output.New(terminal.File)
	if columns, rows := s.Live(); columns != 40 || rows != 10 {
		t.Errorf("%d columns, %d rows", columns, rows)
	}
	s.Print("printed")
	s.Status(output.Cell("扩展组件 is being looked at for a while"), output.Cell("two"))
	s.Print("printed too")
	s.Status(output.Cell("扩展组件 is being looked at for a while"), output.Cell("a line that a narrow terminal folds"))
	terminal.Screen.Await(t, "folds")
	terminal.Narrow(20)
	s.Print("narrow now")
	s.Status(output.Cell("one"))
	s.Ask("a question? ")
	s.Print("answered")
	s.Status(output.Cell("one"), output.Cell("two"))
	s.Plain()
	s.Status(output.Cell("not shown"))
	if columns, _ := s.Live(); columns != 0 {
		t.Error("it is redrawn where it must not be")
	}
	s.Print("the end")
	terminal.Done()
	if got, want := terminal.Screen.String(), "printed\nprinted too\nnarrow now\na question? answered\nthe end\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
