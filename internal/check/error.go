package check

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	yamlv2 "go.yaml.in/yaml/v2"
)

// Error is why Prometheus would not load a configuration.
type Error struct {
	// Field is the path in the document of the value to blame, like
	// scrape_configs[0].relabel_configs[1].regex; "" if none can be blamed.
	// SplitPath takes it apart.
	Field string
	// Message is what Prometheus says, in one line.
	Message string
	// More are further faults, where Prometheus names several at once.
	More []Error
}

// Error implements error, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	e.write(&b)
	for i := range e.More {
		b.WriteString("; ")
		e.More[i].write(&b)
	}
	return b.String()
}

func (e *Error) write(b *strings.Builder) {
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Message)
}

// A complaint is one thing that the library said, with its line where it gave one.
type complaint struct {
	line int
	text string
}

// complaints takes an error of the library apart.
func complaints(err error) []complaint {
	var typeErr *yamlv2.TypeError
	if !errors.As(err, &typeErr) {
		return []complaint{{text: oneLine(err.Error())}}
	}
	var list []complaint
	for _, s := range typeErr.Errors {
		var c complaint
		c.text = s
		if _, err := fmt.Sscanf(s, "line %d: ", &c.line); err == nil {
			_, c.text, _ = strings.Cut(s, ": ")
		}
		c.text = oneLine(c.text)
		list = append(list, c)
	}
	return list
}

// urlPassword finds the password in a URL, which some messages quote in full.
var urlPassword = regexp.MustCompile(`(://[^/@\s:"]*):[^@\s"]*@`)

const maxMessage = 2000

// oneLine makes a message fit for a log and for a user: no line breaks, no
// passwords, no endless quotes of the input.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
	s = urlPassword.ReplaceAllString(s, "$1:xxxxx@")
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage], "") + "..."
	}
	return s
}
