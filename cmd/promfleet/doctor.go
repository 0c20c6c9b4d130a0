package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"promfleet/internal/agent/doctor"
	"promfleet/internal/agent/reload"
)

// examined is what doctor writes as JSON.
type examined struct {
	Checks   []doctor.Line `json:"checks"`
	Warnings int           `json:"warnings"`
	Failures int           `json:"failures"`
}

func (c *command) addDoctor(app *kingpin.Application) {
	cmd := app.Command("doctor", "Look at all that an agent with these flags would need, and change nothing: 0 nothing fails, 1 something does.")
	o := agentFlags(cmd)
	cmd.Flag("once", "Taken for the sake of the agent's flags: no difference.").Hidden().Bool()
	logFlags(cmd)
	out := &output{to: c.stdout}
	cmd.Flag("output", "How to write the result: table or json.").Short('o').Default("table").EnumVar(&out.format, "table", "json")
	c.does(cmd, func() error {
		var all examined
		err := doctor.Examine(c.ctx, *o, func(l doctor.Line) {
			all.add(l)
			if out.format == "table" {
				fmt.Fprintln(c.stdout, plain(examinedLine(l)))
			}
		})
		if err != nil {
			return err
		}
		if out.format != "table" {
			if err := out.encode(all); err != nil {
				return err
			}
		}
		if all.Failures > 0 {
			return &answerNo{errorf("%d of %d checks fail; mend them before the agent is started", all.Failures, len(all.Checks))}
		}
		return nil
	})
}

func (e *examined) add(l doctor.Line) {
	e.Checks = append(e.Checks, l)
	switch l.Result {
	case reload.Doubtful:
		e.Warnings++
	case reload.Bad:
		e.Failures++
	}
}

// examinedLine is one line as soon as it is found: a check may take a while.
func examinedLine(l doctor.Line) string {
	line := fmt.Sprintf("%-7s  %-17s  %s", l.Result, l.Check, l.Found)
	if l.Hint != "" {
		line += "; hint: " + l.Hint
	}
	return strings.TrimRight(line, " ")
}
