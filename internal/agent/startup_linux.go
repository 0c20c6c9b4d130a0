package agent

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// forgetStartup gives the pages of the program back that only its start has needed.
// The linked Prometheus library registers each service discovery that there is, and
// 80 MB of code and tables stay resident for it, more than all that the agent works
// with. What is needed again comes back from the page cache.
func forgetStartup() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var from, to uintptr
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasSuffix(lines.Text(), " "+program) {
			continue
		}
		if mode[1] == 'w' { // what is written there is nowhere else
			continue
		}
		if _, _, no := syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED); no != 0 {
			return no
		}
	}
	return lines.Err()
}
