package collector

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// alone marks the process in which TestReserve and BenchmarkReserve look at a heap of their own.
const alone = "COLLECTOR_TEST_ALONE"

func TestMain(m *testing.M) {
	if reserve, ok := os.LookupEnv(alone); ok {
		use(reserve == "true")
		return
	}
	os.Exit(m.Run())
}

var sink []byte

// use prints what 32 MiB of small blocks take, with memory set aside or without: pages
// that were asked of the system one by one, what counts as in use before, and whether the heap is advised.
func use(reserve bool) {
	if reserve {
		Reserve()
	}
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	kept := make([][]byte, 0, 32<<20/1024)
	for range cap(kept) {
		sink = make([]byte, 1024)
		sink[0] = 1
		kept = append(kept, sink)
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	maps, _ := os.ReadFile("/proc/self/smaps")
	fmt.Println(after.Minflt-before.Minflt, (sample[0].Value.Uint64()-sample[1].Value.Uint64())>>20, bytes.Contains(maps, []byte(" hg")))
	runtime.KeepAlive(kept)
}

// aloneWith runs use in a process of its own, by the name of a worker where args say so.
func aloneWith(t testing.TB, reserve bool, args ...string) (faults, inUse int, advised bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	if len(args) > 0 {
		cmd.Args = args
	}
	cmd.Env = append(os.Environ(), alone+"="+strconv.FormatBool(reserve))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(out), &faults, &inUse, &advised); err != nil {
		t.Fatal(err)
	}
	return faults, inUse, advised
}

// refused is how often the kernel had no huge page since it was started; empty where it does not say.
func refused() string {
	counters, _ := os.ReadFile("/proc/vmstat")
	_, after, _ := strings.Cut(string(counters), "thp_fault_fallback ")
	count, _, _ := strings.Cut(after, "\n")
	return count
}

// TestReserve: the heap grows into huge pages, and what is set aside is not in use, so that limits of
// memory (internal/worker) do not see it. A kernel may be built without such pages, give none, or have none left.
func TestReserve(t *testing.T) {
	before := refused()
	plainFaults, plain, _ := aloneWith(t, false)
	faults, inUse, advised := aloneWith(t, true)
	if inUse > plain+8 {
		t.Errorf("%d MiB are in use, and %d without memory that is set aside", inUse, plain)
	}
	given, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err == nil && !advised {
		t.Error("the heap is not advised")
	}
	if bytes.Contains(given, []byte("[madvise]")) && before != "" && refused() == before && faults > plainFaults-4000 { // of the 8,192 that 32 MiB take
		t.Errorf("%d faults, and %d without memory that is set aside", faults, plainFaults)
	}
}

// TestWorkersReserve: a worker has memory set aside before it does anything, and nobody else has.
func TestWorkersReserve(t *testing.T) {
	given, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	_, plain, advised := aloneWith(t, false)
	if advised {
		t.Error("the heap of any program is advised")
	}
	_, inUse, advised := aloneWith(t, false, Worker)
	if err == nil && len(given) > 0 && !advised {
		t.Error("the heap of a worker is not advised")
	}
	if inUse > plain+8 {
		t.Errorf("%d MiB are in use, and %d of another program", inUse, plain)
	}
	if _, _, advised = aloneWith(t, false, Worker, "lint"); advised {
		t.Error("who has arguments is taken for a worker")
	}
}

// BenchmarkReserve is a process that uses 32 MiB, with memory set aside and without.
func BenchmarkReserve(b *testing.B) {
	for name, reserve := range map[string]bool{"set aside": true, "as it is": false} {
		b.Run(name, func(b *testing.B) {
			var faults int
			for b.Loop() {
				faults, _, _ = aloneWith(b, reserve)
			}
			b.ReportMetric(float64(faults), "faults")
		})
	}
}
