package cli

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// isTerminal reports whether a person types there.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// hideInput has the terminal show nothing of what is typed (termios(3), ECHO) until show is
// called. A signal that ends the program shows it again first.
func hideInput(f *os.File) (show func(), err error) {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	hidden := *before
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	restore := func() { _ = unix.IoctlSetTermios(fd, unix.TCSETSF, before) }
	if err := unix.IoctlSetTermios(fd, unix.TCSETSF, &hidden); err != nil {
		signal.Stop(ends)
		return nil, err
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ends:
			restore()
			os.Exit(1)
		case <-done:
		}
	}()
	return func() {
		signal.Stop(ends)
		close(done)
		<-ended
		restore()
	}, nil
}
