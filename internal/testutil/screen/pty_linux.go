package screen

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal is one that programs may have for their own, and the screen that shows what they write to
// it.
type Terminal struct {
	File   *os.File // for programs
	Screen *Screen

	test   *testing.T
	leader *os.File
	rows   int
	shown  chan struct{} // closed when nobody has the terminal any more, and all is on the screen
}

// Open makes a terminal of a size.
func Open(t *testing.T, columns, rows int) *Terminal {
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
	file, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	terminal := &Terminal{File: file, Screen: New(columns, rows), test: t, leader: leader, rows: rows, shown: make(chan struct{})}
	terminal.resize(columns)
	go func() {
		defer close(terminal.shown)
		buffer := make([]byte, 64<<10)
		for {
			n, err := leader.Read(buffer)
			_, _ = terminal.Screen.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	return terminal
}

func (t *Terminal) resize(columns int) {
	t.test.Helper()
	if err := unix.IoctlSetWinsize(int(t.leader.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(columns), Row: uint16(t.rows)}); err != nil {
		t.test.Fatal(err)
	}
}

// Narrow makes it narrower, which folds what is on the screen.
func (t *Terminal) Narrow(columns int) {
	t.Screen.Fold(columns)
	t.resize(columns)
}

// Type types a text: "\x03" is Ctrl-C, for the program whose terminal it is.
func (t *Terminal) Type(text string) {
	t.test.Helper()
	if _, err := t.leader.WriteString(text); err != nil {
		t.test.Fatal(err)
	}
}

// Done gives the terminal up, and waits until all that was written is on the screen.
func (t *Terminal) Done() {
	t.File.Close()
	<-t.shown
}
