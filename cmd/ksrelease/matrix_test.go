package main

import (
	"testing"
	"testing/synctest"
)

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rehearse(t, projectFiles("", extensionFiles("alc")))
		p := r.run()
		for _, w := range p.asked {
			t.Log(w)
		}
		t.Logf("%d %s %s", p.code, p.took, p.stderr)
		t.Logf("%+v", p.result.Extensions)
		t.Logf("%+v", r.books("alc", "1.0.0", p.done))
	})
}
