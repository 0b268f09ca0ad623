package commandline

import "testing"

func TestProjectOfALine(t *testing.T) {
	for _, c := range []struct {
		words       []string
		dir, config string
	}{
		{[]string{"run", "--only", "a"}, "", ""},
		{[]string{"-C", "sub", "run", "-f", "c.yaml"}, "sub", "c.yaml"},
		{[]string{"run", "-Csub", "--config=c.yaml", "--", "-C", "no"}, "sub", "c.yaml"},
		{[]string{"run", "--dir", "a", "-C=b", "--only"}, "b", ""},
		{[]string{"run", "-C"}, "", ""},
	} {
		if dir, config := Project(c.words); dir != c.dir || config != c.config {
			t.Errorf("%q: %q, %q", c.words, dir, config)
		}
	}
}
