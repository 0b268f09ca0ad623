package main

import (
	"os"
	"testing"
)

// TestTheFileIsCurrent: kinds.txt is what the types of k8s.io/api make of it.
func TestTheFileIsCurrent(t *testing.T) {
	want, err := file()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../kinds.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("internal/kubetypes/kinds.txt is not what the types say: run go generate ./internal/kubetypes")
	}
}
