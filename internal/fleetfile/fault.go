package fleetfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"promfleet"
)

// maxTold bounds the faults that are told at once.
const maxTold = 20

// faults are what is wrong with files, each with its place.
type faults struct {
	list []promfleet.FieldError
	more int
}

func (f *faults) add(at, format string, args ...any) {
	if len(f.list) == maxTold {
		f.more++
		return
	}
	f.list = append(f.list, promfleet.FieldError{Location: at, Message: oneLine(fmt.Sprintf(format, args...))})
}

// join adds the faults that an error of this package tells.
func (f *faults) join(o *faults) {
	for _, e := range o.list {
		f.add(e.Location, "%s", e.Message)
	}
	f.more += o.more
}

func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	list := f.list
	if f.more > 0 {
		list = append(list[:len(list):len(list)], promfleet.FieldError{Message: fmt.Sprintf("and %d more", f.more)})
	}
	return &promfleet.Error{Code: promfleet.Invalid, Fields: list}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// yamlLine is how the YAML library and the check of a scrape_config say where.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// addYAML adds what the YAML library says of a field of a file.
func (f *faults) addYAML(file string, line int, field string, err error) {
	said := err.Error()
	m := yamlLine.FindStringSubmatch(said)
	if n, err := strconv.Atoi(m[1]); err == nil {
		line = n
	}
	f.add(place(file, line), "%s%s", field, said[len(m[0]):])
}

// place is FILE:LINE.
func place(file string, line int) string { return file + ":" + strconv.Itoa(max(line, 1)) }
