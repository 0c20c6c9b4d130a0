package main

import (
	"fmt"
	"strings"
)

// roff is a text in the language of man pages.
type roff struct{ b strings.Builder }

// roffEscapes are what roff would take for something else: a hyphen would be no
// minus when it is copied, nor a quote a quote.
var roffEscapes = map[rune]string{'\\': `\(rs`, '-': `\-`, '\'': `\(aq`, '`': `\(ga`, '^': `\(ha`, '~': `\(ti`, '"': `\(dq`}

// escape gives a text as roff shows it, on one line.
func (r *roff) escape(text string) string {
	var b strings.Builder
	for _, c := range strings.Join(strings.Fields(text), " ") {
		switch e := roffEscapes[c]; {
		case e != "":
			b.WriteString(e)
		case c > '~':
			fmt.Fprintf(&b, `\[u%04X]`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// line writes what is escaped already as a line of text: a dot at its beginning
// would make it a request.
func (r *roff) line(escaped string) {
	if strings.HasPrefix(escaped, ".") {
		r.b.WriteString(`\&`)
	}
	r.b.WriteString(escaped + "\n")
}

// request writes a request with its arguments.
func (r *roff) request(name string, args ...string) {
	r.b.WriteString("." + name)
	for _, a := range args {
		r.b.WriteString(` "` + r.escape(a) + `"`)
	}
	r.b.WriteString("\n")
}

// paragraph writes one paragraph.
func (r *roff) paragraph(text string) {
	r.request("PP")
	r.line(r.escape(text))
}

// item writes what is said about something, below it.
func (r *roff) item(escaped, text string) {
	r.request("TP")
	r.line(escaped)
	r.line(r.escape(text))
}

// verbatim writes lines as they are.
func (r *roff) verbatim(lines string) {
	r.request("PP")
	r.b.WriteString(".RS 4\n.nf\n")
	for l := range strings.Lines(lines) {
		r.line(r.escape(l))
	}
	r.b.WriteString(".fi\n.RE\n")
}

func (r *roff) bold(text string) string   { return `\fB` + r.escape(text) + `\fR` }
func (r *roff) italic(text string) string { return `\fI` + r.escape(text) + `\fR` }
