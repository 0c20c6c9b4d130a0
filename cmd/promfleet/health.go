package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"promfleet"
	"promfleet/client"
)

var jobHealthTable = table[promfleet.JobHealth]{
	columns: []string{"JOB", "ACTIVE", "UP", "DOWN", "UNKNOWN", "DROPPED", "MISSING", "SLOWEST"},
	row: func(j promfleet.JobHealth) []string {
		slowest := ""
		if j.Slowest != nil {
			slowest = fmt.Sprintf("%.3gs %s", j.Slowest.Seconds, j.Slowest.Addr)
		}
		return []string{cmp.Or(j.Job, "("+j.JobName+")"), id(j.Active), id(j.Up), id(j.Down), id(j.Unknown), id(j.Dropped), counted64(j.Missing), slowest}
	},
}

var downTable = table[promfleet.DownTarget]{
	columns: []string{"ID", "JOB", "ADDR", "STATE", "SCRAPED", "ERROR"},
	row: func(d promfleet.DownTarget) []string {
		number := ""
		if d.ID > 0 {
			number = id(d.ID)
		}
		return []string{number, d.Job, d.Addr, string(d.State), ago(d.At), d.Error}
	},
}

var targetHealthTable = table[promfleet.TargetHealth]{
	columns: []string{"ID", "STATE", "SCRAPED", "SECONDS", "ERROR"},
	row: func(t promfleet.TargetHealth) []string {
		seconds := ""
		if t.At != nil {
			seconds = fmt.Sprintf("%.3g", t.Seconds)
		}
		return []string{id(t.ID), string(t.State), ago(t.At), seconds, t.Error}
	},
}

// counted64 is a number that may not be known.
func counted64(n *int64) string {
	if n == nil {
		return "?"
	}
	return id(*n)
}

// answerWait adds the flag that says how long agents are waited for.
func answerWait(cmd *kingpin.CmdClause) func() (time.Duration, error) {
	wait := cmd.Flag("wait", "How long agents are given to answer, 30s at the most; 0s: they are not asked.").Default("10s").Duration()
	return func() (time.Duration, error) {
		if *wait < 0 || *wait > 30*time.Second || *wait%time.Second != 0 {
			return 0, errorf("--wait must be whole seconds from 0s to 30s")
		}
		return *wait, nil
	}
}

func (c *command) nodeHealth(cmd *kingpin.CmdClause) {
	conn, out := c.connection(cmd), c.output(cmd)
	name := cmd.Arg("node", "By uuid or hostname.").Required().String()
	job := cmd.Flag("job", "In the job with this key.").String()
	waits := answerWait(cmd)
	c.calls(cmd, conn, func(cl *client.Client) error {
		wait, err := waits()
		if err != nil {
			return err
		}
		uuid, err := c.nodeUUID(cl, *name)
		if err != nil {
			return err
		}
		h, err := cl.NodeHealth(c.ctx, uuid, *job, wait)
		if err != nil {
			return err
		}
		if out.format != "table" {
			err = out.encode(h)
		} else {
			err = writeNodeHealth(out, h)
		}
		if err != nil {
			return err
		}
		return healthVerdict(h)
	})
}

// healthVerdict says nothing of a node of which all is up, or is known not to be.
func healthVerdict(h *promfleet.NodeHealth) error {
	if h.AgentSays != "" {
		return errorf("it could not be found out how the targets of %s are scraped: %s", h.Hostname, h.AgentSays)
	}
	if bad := int64(len(h.Down)) + h.MoreDown; bad > 0 {
		return &answerNo{errorf("%d targets of %s are down or missing", bad, h.Hostname)}
	}
	open := h.MoreJobs
	for _, j := range h.Jobs {
		if j.Job != "" && (j.Missing == nil || j.Withheld != "") {
			open++
		}
	}
	if open > 0 {
		return errorf("of %d jobs of %s it could not be found out whether all targets are scraped", open, h.Hostname)
	}
	return nil
}

func writeNodeHealth(out *output, h *promfleet.NodeHealth) error {
	if h.At == nil {
		return nil
	}
	if err := jobHealthTable.write(out, h.Jobs); err != nil {
		return err
	}
	w := &lines{to: out.to}
	if h.MoreJobs > 0 {
		w.line("and %d more jobs", h.MoreJobs)
	}
	for _, j := range h.Jobs {
		if j.Withheld != "" {
			w.line("%s: %s", j.Job, j.Withheld)
		}
		for _, e := range j.Errors {
			w.line("%s: %d x %s, as %s", cmp.Or(j.Job, j.JobName), e.Count, e.Message, e.Addr)
		}
		if j.Others > 0 {
			w.line("%s: %d x other errors", cmp.Or(j.Job, j.JobName), j.Others)
		}
	}
	if w.err != nil || len(h.Down) == 0 {
		return w.err
	}
	if err := downTable.write(out, h.Down); err != nil {
		return err
	}
	if h.MoreDown > 0 {
		w.line("and %d more targets", h.MoreDown)
	}
	return w.err
}

func (c *command) targetHealth(cmd *kingpin.CmdClause) {
	conn, out := c.connection(cmd), c.output(cmd)
	targets := cmd.Arg("id", "Of a target; several, 500 at the most.").Required().Int64List()
	waits := answerWait(cmd)
	c.calls(cmd, conn, func(cl *client.Client) error {
		wait, err := waits()
		if err != nil {
			return err
		}
		h, err := cl.TargetsHealth(c.ctx, *targets, wait)
		if err != nil {
			return err
		}
		if out.format != "table" {
			err = out.encode(h)
		} else {
			err = targetHealthTable.write(out, h.Items)
		}
		if err != nil {
			return err
		}
		bad, unknown := 0, 0
		for _, t := range h.Items {
			switch {
			case t.State.Bad():
				bad++
			case t.State == promfleet.HealthNotKnown:
				unknown++
			}
		}
		for _, note := range h.Notes {
			c.say("note: %s", plain(note))
		}
		switch {
		case bad > 0:
			return &answerNo{errorf("%d of %d targets are down or missing", bad, len(h.Items))}
		case unknown > 0 || len(h.Items) == 0:
			return errorf("of %d of %d targets it could not be found out", unknown, len(*targets))
		}
		return nil
	})
}
