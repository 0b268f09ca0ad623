package app

import "testing"

// The version has one form, wherever it comes from: that of a tag without its v.
func TestVersionHasOneForm(t *testing.T) {
	defer func(was string) { LinkedVersion = was }(LinkedVersion)
	for linked, want := range map[string]string{"1.2.3": "1.2.3", "v1.2.3": "1.2.3", "v1.2.3-rc.1+x": "1.2.3-rc.1+x", "devel": "devel"} {
		if LinkedVersion = linked; Version() != want {
			t.Errorf("%s is shown as %s", linked, Version())
		}
	}
	if LinkedVersion = ""; Version() == "" {
		t.Error("there is no version")
	}
}
