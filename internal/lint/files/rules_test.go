package files_test

import (
	"testing"

	"github.com/ksrelease/ksrelease/internal/lint/ruletest"
)

func TestRules(t *testing.T) { ruletest.RunAll(t, "testdata") }
