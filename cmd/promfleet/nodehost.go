package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/aymanbagabas/go-udiff"

	"promfleet"
	"promfleet/client"
	"promfleet/internal/agent/doctor"
	"promfleet/internal/agent/reload"
)

// waitFlag is how long an agent is given to answer.
func waitFlag(cmd *kingpin.CmdClause) func() (time.Duration, error) {
	wait := cmd.Flag("wait", "How long the agent is given to answer, 30s at the most.").Default("20s").Duration()
	return func() (time.Duration, error) {
		if *wait < time.Second || *wait > 30*time.Second || *wait%time.Second != 0 {
			return 0, errorf("--wait must be whole seconds from 1s to 30s")
		}
		return *wait, nil
	}
}

// hostQuestion is a command that has the agent of a node look at its host.
type hostQuestion[T any] struct {
	name, help string
	ask        func(*client.Client, context.Context, string, time.Duration) (*T, error)
	draw       func(*lines, *T) error
	// judge makes the exit code of the answer: nil is a yes, answerNo a no, and anything
	// else says that there is none.
	judge func(node string, answer *T) error
}

func (q hostQuestion[T]) declare(c *command, noun *kingpin.CmdClause) {
	cmd := noun.Command(q.name, q.help)
	conn, out := c.connection(cmd), c.output(cmd)
	node := cmd.Arg("node", "By uuid or hostname.").Required().String()
	wait := waitFlag(cmd)
	c.calls(cmd, conn, func(cl *client.Client) error {
		within, err := wait()
		if err != nil {
			return err
		}
		uuid, err := c.nodeUUID(cl, *node)
		if err != nil {
			return err
		}
		answer, err := q.ask(cl, c.ctx, uuid, within)
		if err != nil {
			return err
		}
		if out.format != "table" {
			err = out.encode(answer)
		} else {
			err = q.draw(&lines{to: out.to}, answer)
		}
		if err != nil {
			return err
		}
		return q.judge(*node, answer)
	})
}

func (c *command) nodeLoaded(noun *kingpin.CmdClause) {
	hostQuestion[promfleet.NodeLoaded]{
		name:  "loaded",
		help:  "Compare the prometheus.yml that a node should have with its file and with what its Prometheus has loaded, secrets masked: 0 they are the same, 1 they differ, 2 that could not be found out.",
		ask:   (*client.Client).NodeLoaded,
		draw:  drawLoaded,
		judge: judgeLoaded,
	}.declare(c, noun)
}

func judgeLoaded(node string, l *promfleet.NodeLoaded) error {
	if l.Same {
		return nil
	}
	for _, part := range []struct {
		name string
		promfleet.ConfigText
	}{{"wanted", l.Wanted}, {"written", l.Written}, {"loaded", l.Loaded}} {
		if part.Missing != "" {
			return errorf("what is %s of %s is not known: %s", part.name, node, part.Missing)
		}
	}
	return &answerNo{differing(l)}
}

// differing says in one line how the three stand.
func differing(l *promfleet.NodeLoaded) error {
	written, loaded := l.Written == l.Wanted, l.Loaded == l.Wanted
	switch {
	case written && loaded:
		return errorf("what is wanted, written and loaded differs in what is not shown")
	case loaded:
		return errorf("Prometheus has loaded what it should have, and the file says something else")
	case written:
		return errorf("the file says what it should, and Prometheus has loaded something else")
	case l.Written == l.Loaded:
		return errorf("the file says something else than it should, and Prometheus has loaded that")
	}
	return errorf("Prometheus has loaded something else than it should have, and the file says yet another thing")
}

func drawLoaded(w *lines, l *promfleet.NodeLoaded) error {
	diff := func(from, to string, a, b promfleet.ConfigText) {
		for line := range strings.Lines(udiff.Unified(from, to, a.Text, b.Text)) {
			w.line("%s", strings.TrimSuffix(line, "\n"))
		}
	}
	known := l.Wanted.Missing == "" && l.Loaded.Missing == ""
	wanted := fmt.Sprintf("wanted (revision %d)", l.RevisionWanted)
	if known {
		diff(wanted, "loaded", l.Wanted, l.Loaded)
	}
	if l.Wanted.Missing == "" && l.Written.Missing == "" && l.Written != l.Wanted && (!known || l.Written != l.Loaded) {
		diff(wanted, "written", l.Wanted, l.Written)
	}
	if l.Same {
		w.line("Prometheus has loaded what it should have, revision %d", l.RevisionWanted)
	}
	if l.Problem != "" {
		w.line("%s: %s", l.State, l.Problem)
	}
	for _, note := range l.Notes {
		w.line("note: %s", note)
	}
	return w.err
}

func (c *command) nodeDoctor(noun *kingpin.CmdClause) {
	hostQuestion[promfleet.NodeDoctor]{
		name:  "doctor",
		help:  "Have the agent of a node look at all that it needs on its host, and change nothing: 0 nothing fails, 1 something does, 2 it did not answer.",
		ask:   (*client.Client).NodeDoctor,
		draw:  drawDoctor,
		judge: judgeDoctor,
	}.declare(c, noun)
}

func drawDoctor(w *lines, d *promfleet.NodeDoctor) error {
	for _, f := range d.Findings {
		w.line("%s", examinedLine(doctor.Line{Result: reload.Verdict(f.Level), Check: f.Check, Found: f.Found, Hint: f.Hint}))
	}
	return w.err
}

func judgeDoctor(node string, d *promfleet.NodeDoctor) error {
	switch {
	case d.Agent != promfleet.AgentAnswered:
		return errorf("the agent of %s has not looked: %s", node, d.AgentSays)
	case d.Failures > 0:
		return &answerNo{errorf("%d of %d checks fail", d.Failures, len(d.Findings))}
	case d.AgentSays != "":
		return errorf("the agent of %s has not looked at all of it: %s", node, d.AgentSays)
	}
	return nil
}
