package engine

import "testing"

// TestChangesValues: calls that change what is there, and words that look like it.
func TestChangesValues(t *testing.T) {
	for text, want := range map[string]bool{
		`{{- $_ := set .Values "a" 1 }}`: true, "{{ set $.Values.x `a` 1 }}": true, `{{ unset .Values "a" }}`: true, `{{ mergeOverwrite .Values (dict) }}`: true, `{{ merge $x .Values }}`: true,
		`{{ set (dict) "a" 1 }}`: false, `{{ merge (dict) .Values }}`: false, "it is set .installCRDs and more": false, "is set. $x": false,
	} {
		if got := ChangesValues([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
