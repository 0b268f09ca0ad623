package lint

import "testing"

func TestRepeatedValues(t *testing.T) {
	testFindings(t, []findingTest{
		{
			name:    "at the top",
			changes: []string{"values.yaml", "web: {a: b}\nglobal: {}\n\"web\":\n  c: d\n"},
			want:    []string{`warning chart ext/values.yaml:3:1: key "web" is given twice; it stands on line 1 already`},
			hint:    "Helm takes the last one, with nothing of the others: make one of them",
		},
		{
			name:    "below, in a list and in braces",
			changes: []string{"values.yaml", "web:\n  a: 1\n  # a: 2\n  b:\n    a: 1\n  a: 3\nlist:\n  - - x: 1\n      y: 2\n      x: 3\nflow: {a: 1, a: 2}\n"},
			want: []string{
				`warning chart ext/values.yaml:6:3: key "a" is given twice; it stands on line 2 already`,
				`warning chart ext/values.yaml:10:7: key "x" is given twice; it stands on line 8 already`,
				`warning chart ext/values.yaml:11:14: key "a" is given twice; it stands on line 11 already`,
			},
		},
		{
			name:    "in braces of a list, and over lines",
			changes: []string{"values.yaml", "list:\n  - {a: 1, a: 2}\nx: {\n  b: 1, b: 2}\n"},
			want: []string{
				`warning chart ext/values.yaml:2:12: key "a" is given twice; it stands on line 2 already`,
				`warning chart ext/values.yaml:4:9: key "b" is given twice; it stands on line 4 already`,
			},
		},
		{
			name:    "of a subchart's Chart.yaml",
			changes: []string{"charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\nversion: 0.1.0\n"},
			want:    []string{`warning helm-lint ext/charts/web/Chart.yaml:4:1: key "version" is given twice; it stands on line 3 already`},
		},
		{
			name:    "of mappings of their own",
			changes: []string{"values.yaml", "web:\n  a: 1\nb:\n  a: 1\nlist:\n- a: 1\n  b: 2\n- a: 1\nother:\n  list:\n    - a: 1\n    - a: 2\ntext: |\n  a: 1\n  a: 2\n"},
		},
	})
	if mayRepeatKeys("web:\n  a: 1\nb:\n  a: 1\nlist:\n- a: 1\n  b: 2\n- a: 1\nempty: {}\n") {
		t.Error("what has no key twice is parsed for it")
	}
}
