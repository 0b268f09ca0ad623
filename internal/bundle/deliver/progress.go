package deliver

import "sync"

// progress adds up what is done of several images.
type progress struct {
	mu     sync.Mutex
	report func(done, total int64)
	done   []int64
	total  int64
}

func newProgress(report func(done, total int64), images []image) *progress {
	p := &progress{report: report, done: make([]int64, len(images))}
	for _, i := range images {
		p.total += i.size()
	}
	return p
}

func (p *progress) set(i int, done int64) {
	if p.report == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[i] = done
	sum := int64(0)
	for _, n := range p.done {
		sum += n
	}
	p.report(sum, p.total)
}
