package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// language has texts by the English ones, format verbs and all. What it does not
// have is English; so is all of nil.
type language map[string]string

// languageOf gives the language of a locale, as POSIX finds it in the environment.
func languageOf(getenv func(string) string) language {
	locale := strings.ReplaceAll(cmp.Or(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG")), "-", "_")
	name, _, _ := strings.Cut(locale, ".")
	if name, _, _ = strings.Cut(name, "@"); name == "zh" || strings.HasPrefix(name, "zh_CN") || strings.HasPrefix(name, "zh_Hans") {
		return chinese()
	}
	return nil
}

// chinese gives the whole catalogue.
var chinese = sync.OnceValue(func() language {
	all := language{}
	for _, part := range []language{zhCommands, zhFlags, zhTalk, zhErrors, zhParsing} {
		for english, own := range part {
			all[english] = own
		}
	}
	return all
})

// of gives a text or a format.
func (l language) of(english string) string {
	if own, ok := l[english]; ok {
		return own
	}
	return english
}

// text formats.
func (l language) text(format string, args ...any) string {
	if own, ok := l[format]; ok {
		return fmt.Sprintf(own, args...)
	}
	return fmt.Sprintf(format, args...)
}

// say writes a line of talk.
func (c *command) say(format string, args ...any) {
	fmt.Fprintln(c.stderr, c.lang.text(format, args...))
}

// ownError is an error in the command line's own words, which are said in the
// language of whoever reads them when it is reported. Error gives the English ones.
type ownError struct {
	format  string
	args    []any
	english error
}

// Error implements error.
func (e *ownError) Error() string { return e.english.Error() }

// Unwrap gives the error that has the causes.
func (e *ownError) Unwrap() error { return e.english }

// noun is an argument of an error that is itself in the catalogue.
type noun string

// errorf makes an error in the command line's own words; it takes %w.
func errorf(format string, args ...any) error {
	return &ownError{format, args, fmt.Errorf(format, args...)}
}

// parseError is what the parser of the command line says, in English only.
type parseError struct{ err error }

// Error implements error.
func (e *parseError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *parseError) Unwrap() error { return e.err }

// ofError gives what an error says. The words of servers and libraries stay as they are.
func (l language) ofError(err error) string {
	if l == nil {
		return err.Error()
	}
	switch e := err.(type) { //nolint:errorlint // it goes down the tree by itself
	case *ownError:
		args := make([]any, len(e.args))
		for i, arg := range e.args {
			switch arg := arg.(type) {
			case error:
				args[i] = errors.New(l.ofError(arg))
			case noun:
				args[i] = l.of(string(arg))
			default:
				args[i] = arg
			}
		}
		return fmt.Errorf(l.of(e.format), args...).Error()
	case *parseError:
		return l.parsing(e.err.Error())
	case *usageError:
		return l.ofError(e.err)
	case *callError:
		return l.ofError(e.err)
	case *answerNo:
		return l.ofError(e.why)
	case interface{ Unwrap() []error }: // joined, or more than that
		var all []string
		for _, cause := range e.Unwrap() {
			all = append(all, l.ofError(cause))
		}
		if err.Error() == errors.Join(e.Unwrap()...).Error() {
			return strings.Join(all, "\n")
		}
	}
	return err.Error()
}

// parsing translates what the parser says, whose formats are not to be had: they
// are found in what it has made of them.
func (l language) parsing(said string) string {
	for format := range zhParsing {
		parts := formatVerb.Split(format, -1)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		found := regexp.MustCompile("(?s)^" + strings.Join(parts, "(.*)") + "$").FindStringSubmatch(said)
		if found == nil {
			continue
		}
		args := make([]any, len(found)-1)
		for i, arg := range found[1:] {
			args[i] = arg
		}
		return fmt.Sprintf(formatVerb.ReplaceAllString(l.of(format), "%${1}s"), args...) // %q is quoted already
	}
	return said
}

// formatVerb is a verb of a format, maybe with the number of its argument.
var formatVerb = regexp.MustCompile(`%(\[\d+\])?[a-z]`)
