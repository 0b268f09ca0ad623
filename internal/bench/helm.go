package main

import (
	"context"
	"fmt"
	"os/exec"
)

// stockHelm is the helm that people of this machine use.
func stockHelm(context.Context) (string, error) {
	helm, err := exec.LookPath("helm")
	if err != nil {
		return "", fmt.Errorf("looking for a helm to compare with: %w; name one with -helm", err)
	}
	return helm, nil
}
