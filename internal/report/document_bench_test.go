package report

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/pipeline"
)

// BenchmarkDocument takes a document through a whole run: every extension is
// planned with six findings, uploads, pushes and is seen.
func BenchmarkDocument(b *testing.B) {
	for _, n := range []int{6, 250, 1000} {
		b.Run(fmt.Sprintf("%d extensions", n), func(b *testing.B) {
			for b.Loop() {
				d := newDocument(filepath.Join(b.TempDir(), "result.json"))
				release(d, n)
				if err := d.Err(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// release observes the events of a run over n extensions, as the pipeline
// sends them.
func release(o results.Observer, n int) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	r := &results.Document{SchemaVersion: 1, Started: now, Extensions: make([]results.Extension, n)}
	for i := range r.Extensions {
		name := fmt.Sprintf("extension-%04d", i)
		r.Extensions[i] = results.Extension{
			Name: name, Version: "1.2.3", Path: "extensions/" + name, Outcome: results.NotReached,
			Assets: []results.Asset{}, Findings: []results.Finding{},
		}
		for _, stage := range pipeline.StageNames() {
			r.Extensions[i].Stages = append(r.Extensions[i].Stages, results.Stage{Name: stage, Status: results.StageSkipped})
		}
	}
	run := func(kind results.EventKind) {
		r.Recount()
		o.Observe(results.Event{Kind: kind, Time: now, Result: r})
	}
	run(results.EventRunStarted)
	for i := range r.Extensions {
		for s, stage := range pipeline.StageNames() {
			takeStage(o, &r.Extensions[i], s, stage, results.StageOK, true, false)
		}
	}
	run(results.EventPlanned)
	for i := range r.Extensions {
		x := &r.Extensions[i]
		takeStage(o, x, 2, results.StageUpload, results.StageOK, false, true)
		takeStage(o, x, 3, results.StageSize, results.StageOK, false, false)
		takeStage(o, x, 4, results.StagePush, results.StageOK, false, true)
		takeStage(o, x, 5, results.StageVerify, results.StageOK, false, false)
		x.Outcome, x.AsAsked = results.Released, true
		o.Observe(results.Event{Kind: results.EventEnded, Extension: copied(*x)})
	}
	r.Finished = &now
	run(results.EventRunFinished)
}

// takeStage takes an extension through a stage, with what the stage finds out.
func takeStage(o results.Observer, x *results.Extension, at int, stage string, status results.StageStatus, planning, writes bool) {
	x.Stages[at].Status = results.StageStarted
	o.Observe(results.Event{Kind: results.EventStageStarted, Extension: copied(*x), Stage: stage, Planning: planning, Writes: writes})
	x.Stages[at].Status, x.Stages[at].Milliseconds = status, int64(at)
	switch {
	case stage == results.StageLint:
		for i := range 6 {
			x.Findings = append(x.Findings, results.Finding{
				Rule: "node-selector", Severity: "warning", File: x.Path + "/charts/backend/templates/deployment.yaml", Line: i + 1, Column: 3,
				Message: "the Deployment backend does not use global.nodeSelector: it runs on any node",
				Hint:    "add nodeSelector: {{- toYaml .Values.global.nodeSelector | nindent 8 }} to the pod",
			})
		}
	case stage == results.StagePackage:
		x.Package = &results.Package{Size: 15360, Limit: 1 << 20, Digest: "sha256:" + strings.Repeat("0", 64), ContentDigest: "sha256:" + strings.Repeat("1", 64)}
	case stage == results.StageUpload && !planning:
		x.Assets = []results.Asset{{File: "static/icon.svg", URL: "https://apis.kubesphere.cloud/files/local/" + x.Name + "/1.2.3/icon.svg", Size: 812, Digest: "sha256:" + strings.Repeat("2", 64)}}
	case stage == results.StagePush && !planning:
		x.SnapshotID = "516955082294610001"
	}
	o.Observe(results.Event{Kind: results.EventStageFinished, Extension: copied(*x), Stage: stage, Status: status, Planning: planning, Writes: writes})
}

// copied is what the pipeline hands to observers: nothing of it changes later.
func copied(x results.Extension) *results.Extension {
	x.Stages = append([]results.Stage(nil), x.Stages...)
	return &x
}
