package screen

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Open makes a terminal that programs may have for their own, and a screen that shows what they
// write to it. Narrow changes its width, and done waits until all is on the screen; nothing may be
// written to the terminal after that.
func Open(t *testing.T, columns, rows int) (terminal *os.File, s *Screen, narrow func(columns int), done func()) {
	t.Helper()
	leader, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { leader.Close() })
	fd := int(leader.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	resize := func(columns int) {
		if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(columns), Row: uint16(rows)}); err != nil {
			t.Fatal(err)
		}
	}
	resize(columns)
	s = New(columns, rows)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		buffer := make([]byte, 64<<10)
		for {
			n, err := leader.Read(buffer)
			_, _ = s.Write(buffer[:n])
			if err != nil { // nobody has the terminal any more
				return
			}
		}
	}()
	return terminal, s, func(columns int) { s.Fold(columns); resize(columns) }, func() {
		terminal.Close()
		<-shown
	}
}
