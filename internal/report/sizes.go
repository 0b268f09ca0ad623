package report

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// sizes tells where the bytes of a package go, and what would make it smaller,
// where the result says so.
func (t *Text) sizes(x results.Extension) {
	if x.Package == nil || len(x.Package.Contributors) == 0 {
		return
	}
	t.out.Print("\n%s", t.paint(output.Bold, output.Format("%s: %s", output.Name(titleOf(x)), output.Name(sizeHead(x.Package)))))
	files := output.NewTable("compressed", "", "size", "file").Numbers(3)
	for _, row := range contributors(x.Package) {
		files.Row(output.Cell(row[0]), output.Cell(row[1]), output.Cell(row[2]), output.Cell(row[3]))
	}
	t.out.Print("%s", files.Render(t.opts.Width))
	if len(x.Package.Advice) == 0 {
		return
	}
	advice := output.NewTable("saves", "with this").Numbers(1)
	for _, a := range x.Package.Advice {
		advice.Row(output.Cell(bytesText(a.Saves)), output.Cell(a.What))
	}
	t.out.Print("\n%s", advice.Render(t.opts.Width))
	t.out.Print("%s", sizeAdvised(x.Package))
}

// pushedSize is the size that the limit is about.
func pushedSize(p *results.Package) int64 {
	if p.PushedSize > 0 {
		return p.PushedSize
	}
	return p.Size
}

// sizeHead is "1.2 MiB when pushed, 120 % of the limit of 1.0 MiB", in the language in use.
func sizeHead(p *results.Package) string {
	size := bytesText(pushedSize(p))
	if p.PushedSize > 0 {
		size += language.Format(" when pushed")
	}
	if p.SizeWithin > 0 {
		size += fmt.Sprintf(" (± %s)", bytesText(p.SizeWithin))
	}
	head := language.Sprintf("%s, %s of the limit of %s", size, ofLimit(pushedSize(p), p.Limit), bytesText(p.Limit))
	if p.PackedHard {
		head += language.Format(", packed as small as can be")
	}
	return head
}

// contributors are the rows of the table of files, which adds up to the package:
// compressed size, its part of the whole, size, file.
func contributors(p *results.Package) [][4]string {
	var rows [][4]string
	others := pushedSize(p)
	for _, c := range p.Contributors {
		rows = append(rows, [4]string{bytesText(c.Compressed), percent(c.Compressed, pushedSize(p)), bytesText(c.Size), c.File})
		for _, inside := range c.Inside {
			rows = append(rows, [4]string{"", "", bytesText(inside.Size), fmt.Sprintf("· %s of it: %s", bytesText(inside.Compressed), inside.File)})
		}
		others -= c.Compressed
	}
	if n := p.Files - len(p.Contributors); n > 0 {
		rows = append(rows, [4]string{bytesText(others), percent(others, pushedSize(p)), "", fmt.Sprintf("(%s)", plural(n, "other file"))})
	}
	return rows
}

// sizeAdvised is what all advice would come to.
func sizeAdvised(p *results.Package) string {
	all := "With this"
	if len(p.Advice) > 1 {
		all = "With all of this"
	}
	line := fmt.Sprintf("%s it has %s, %s of the limit", all, bytesText(p.AdvisedSize), ofLimit(p.AdvisedSize, p.Limit))
	if p.AdvisedSize > p.Limit {
		line += ": still too large"
	}
	return line + "."
}

func bytesText(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

// ofLimit is how much n is of a limit: about 100 % exact enough to see on which
// side it is.
func ofLimit(n, limit int64) string {
	if n == limit || n*100 <= limit*99 || n*100 >= limit*101 {
		return percent(n, limit)
	}
	tenths := n * 1000 / limit
	if n > limit {
		tenths = (n*1000 + limit - 1) / limit
	}
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// percent is how much n is of whole; less than 1 % is shown as such.
func percent(n, whole int64) string {
	switch {
	case whole <= 0:
		return ""
	case n > 0 && n*100 < whole:
		return "< 1 %"
	default:
		return fmt.Sprintf("%d %%", n*100/whole)
	}
}
