package main

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressed shows how far something is that takes long, on a terminal.
type progressed struct {
	c    *command
	what string
	bar  *progressbar.ProgressBar // nil: nothing is shown
	from int                      // the total that bar is for
}

// progress makes nothing of what is no terminal: logs are not for it.
func (c *command) progress(what string) *progressed { return &progressed{c: c, what: c.lang.of(what)} }

// told is how far it is.
func (p *progressed) told(done, total int) {
	f, ok := p.c.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return
	}
	if p.bar == nil || p.from != total {
		p.from = total
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(p.what), progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
	}
	_ = p.bar.Set(done) // only the display
}

// end takes the bar away.
func (p *progressed) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
