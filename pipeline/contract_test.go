package pipeline_test

import (
	"testing"

	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/pipeline"
)

// What the tests of the pipeline release to keeps the contract of targets.
func TestTheDoubleKeepsTheContract(t *testing.T) {
	targettest.RunInFakeTime(t, func(*testing.T) targettest.Fixture {
		double := pipeline.NewDouble()
		calls := map[targettest.Request]string{
			targettest.Index: "index", targettest.Lookup: "snapshot", targettest.Fetch: "fetch",
			targettest.Publish: "push", targettest.Upload: "upload", targettest.Submit: "submit",
		}
		return targettest.Fixture{
			Target: double, NoKey: double.WithoutKey(), BadKey: double.WithBadKey(),
			Break: func(r targettest.Request, f targettest.Fault) bool {
				switch f {
				case targettest.Garbage:
					return false // it is in memory
				case targettest.Hangs:
					double.Hang(calls[r])
				default:
					double.Break(calls[r], f == targettest.LosesReply)
				}
				return true
			},
			Restore: double.Restore,
			Approve: func(name, version string) error { return double.Review(name, version, target.StatusActive) },
			Reject:  func(name, version string) error { return double.Review(name, version, "rejected") },
		}
	})
}
