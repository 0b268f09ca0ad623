package report

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
func release(o pipeline.Observer, n int) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	r := &pipeline.Result{SchemaVersion: 1, Started: now, Extensions: make([]pipeline.ExtensionResult, n)}
	for i := range r.Extensions {
		name := fmt.Sprintf("extension-%04d", i)
		r.Extensions[i] = pipeline.ExtensionResult{
			Name: name, Version: "1.2.3", Path: "extensions/" + name, Outcome: pipeline.NotReached,
			Assets: []pipeline.AssetResult{}, Findings: []pipeline.FindingResult{},
		}
		for _, stage := range pipeline.StageNames() {
			r.Extensions[i].Stages = append(r.Extensions[i].Stages, pipeline.StageResult{Name: stage, Status: pipeline.StageSkipped})
		}
	}
	run := func(kind pipeline.EventKind) {
		r.Recount()
		o.Observe(pipeline.Event{Kind: kind, Time: now, Result: r})
	}
	run(pipeline.EventRunStarted)
	for i := range r.Extensions {
		for s, stage := range pipeline.StageNames() {
			takeStage(o, &r.Extensions[i], s, stage, pipeline.StageOK, true, false)
		}
	}
	run(pipeline.EventPlanned)
	for i := range r.Extensions {
		x := &r.Extensions[i]
		takeStage(o, x, 2, pipeline.StageUpload, pipeline.StageOK, false, true)
		takeStage(o, x, 3, pipeline.StageSize, pipeline.StageOK, false, false)
		takeStage(o, x, 4, pipeline.StagePush, pipeline.StageOK, false, true)
		takeStage(o, x, 5, pipeline.StageVerify, pipeline.StageOK, false, false)
		x.Outcome, x.AsAsked = pipeline.Released, true
		o.Observe(pipeline.Event{Kind: pipeline.EventEnded, Extension: copied(*x)})
	}
	r.Finished = &now
	run(pipeline.EventRunFinished)
}

// takeStage takes an extension through a stage, with what the stage finds out.
func takeStage(o pipeline.Observer, x *pipeline.ExtensionResult, at int, stage string, status pipeline.StageStatus, planning, writes bool) {
	x.Stages[at].Status = pipeline.StageStarted
	o.Observe(pipeline.Event{Kind: pipeline.EventStageStarted, Extension: copied(*x), Stage: stage, Planning: planning, Writes: writes})
	x.Stages[at].Status, x.Stages[at].Milliseconds = status, int64(at)
	switch {
	case stage == pipeline.StageLint:
		for i := range 6 {
			x.Findings = append(x.Findings, pipeline.FindingResult{
				Rule: "node-selector", Severity: "warning", File: x.Path + "/charts/backend/templates/deployment.yaml", Line: i + 1, Column: 3,
				Message: "the Deployment backend does not use global.nodeSelector: it runs on any node",
				Hint:    "add nodeSelector: {{- toYaml .Values.global.nodeSelector | nindent 8 }} to the pod",
			})
		}
	case stage == pipeline.StagePackage:
		x.Package = &pipeline.PackageResult{Size: 15360, Limit: 1 << 20, Digest: "sha256:" + strings.Repeat("0", 64), ContentDigest: "sha256:" + strings.Repeat("1", 64)}
	case stage == pipeline.StageUpload && !planning:
		x.Assets = []pipeline.AssetResult{{File: "static/icon.svg", URL: "https://apis.kubesphere.cloud/files/local/" + x.Name + "/1.2.3/icon.svg", Size: 812, Digest: "sha256:" + strings.Repeat("2", 64)}}
	case stage == pipeline.StagePush && !planning:
		x.SnapshotID = "516955082294610001"
	}
	o.Observe(pipeline.Event{Kind: pipeline.EventStageFinished, Extension: copied(*x), Stage: stage, Status: status, Planning: planning, Writes: writes})
}

// copied is what the pipeline hands to observers: nothing of it changes later.
func copied(x pipeline.ExtensionResult) *pipeline.ExtensionResult {
	x.Stages = append([]pipeline.StageResult(nil), x.Stages...)
	return &x
}
