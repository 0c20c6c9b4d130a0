package fleet

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"promfleet"
)

// What the host of a node shows of itself, asked just now.

// NodeLoaded says what a node should have against what is loaded. Its agent is given
// wait to answer; with 0 it is not asked.
func (s *Service) NodeLoaded(ctx context.Context, uuid string, wait time.Duration) (promfleet.NodeLoaded, error) {
	rec, a, err := s.askNode(ctx, uuid, promfleet.QuestionLoaded, wait, func(a promfleet.Answer) bool { return a.Loaded != nil })
	if err != nil {
		return promfleet.NodeLoaded{}, err
	}
	out := promfleet.NodeLoaded{Node: rec.UUID, Hostname: rec.Hostname, Agent: a.part, AgentSays: a.why, At: s.now(), RevisionNow: rec.Revision, Notes: []string{}}
	l := a.answer.Loaded
	if l == nil {
		none := promfleet.ConfigText{Missing: a.why}
		out.State, out.Problem = rec.State(s.now()), rec.Report.Error
		out.Wanted, out.Written, out.Loaded = none, none, none
		return out, nil
	}
	out.RevisionWanted, out.RevisionReceived, out.RevisionWritten, out.RevisionLoaded = l.RevisionWanted, l.RevisionReceived, l.RevisionWritten, l.RevisionLoaded
	out.State, out.Problem, out.PrometheusVersion = l.State, l.Problem, l.PrometheusVersion
	out.Notes = append(out.Notes, l.Notes...)
	out.Wanted = configText(l.Wanted, nil)
	out.Written = configText(l.Written, map[string]promfleet.ConfigText{"wanted": out.Wanted})
	out.Loaded = configText(l.Loaded, map[string]promfleet.ConfigText{"wanted": out.Wanted, "written": out.Written})
	// Of texts that are too large to be sent it is believed, and of others not.
	out.Same = l.Same && out.Written == out.Wanted && out.Loaded == out.Wanted
	return out, nil
}

// configText unpacks what an agent has sent.
func configText(c promfleet.AgentConfig, others map[string]promfleet.ConfigText) promfleet.ConfigText {
	switch other, there := others[c.SameAs]; {
	case there:
		return other
	case c.Missing != "":
		return promfleet.ConfigText{Missing: c.Missing}
	}
	text, err := unpack(c.Gzip)
	if err != nil {
		return promfleet.ConfigText{Missing: fmt.Sprintf("what the agent has sent cannot be read: %s", err)}
	}
	return promfleet.ConfigText{Text: text}
}

// unpack gives a text without what a terminal or a page must not get.
func unpack(packed []byte) (string, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(r, promfleet.MaxConfigText+1))
	if err != nil {
		return "", err
	}
	if len(text) > promfleet.MaxConfigText {
		return "", fmt.Errorf("it has more than %d bytes", promfleet.MaxConfigText)
	}
	return cleanLines(string(text)), nil
}

// cleanLines is clean for a text of lines.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// NodeDoctor tells what doctor finds on the host of a node. Its agent is given wait to
// look; with 0 it is not asked.
func (s *Service) NodeDoctor(ctx context.Context, uuid string, wait time.Duration) (promfleet.NodeDoctor, error) {
	rec, a, err := s.askNode(ctx, uuid, promfleet.QuestionDoctor, wait, func(a promfleet.Answer) bool { return a.Doctor != nil })
	if err != nil {
		return promfleet.NodeDoctor{}, err
	}
	out := promfleet.NodeDoctor{Node: rec.UUID, Hostname: rec.Hostname, Agent: a.part, AgentSays: a.why, At: s.now(), Findings: []promfleet.Finding{}}
	if d := a.answer.Doctor; d != nil {
		out.Findings = append(out.Findings, d.Findings...)
		if len(d.Findings) < d.Of {
			out.AgentSays = fmt.Sprintf("in the time that there was only %d of %d checks could be made", len(d.Findings), d.Of)
		}
	}
	for _, f := range out.Findings {
		switch f.Level {
		case promfleet.FindingWarning:
			out.Warnings++
		case promfleet.FindingFailure:
			out.Failures++
		case promfleet.FindingOK:
		}
	}
	return out, nil
}

// askNode asks the agent of one node. says tells whether an answer is one to this kind.
func (s *Service) askNode(ctx context.Context, uuid string, kind promfleet.QuestionKind, wait time.Duration, says func(promfleet.Answer) bool) (rec *NodeRecord, out asked, err error) {
	err = s.view(ctx, func(tx Tx) error {
		rec, err = liveNode(ctx, tx, uuid)
		return err
	})
	if err != nil {
		return nil, out, err
	}
	if out = s.notToAsk(*rec, wait); out.part != "" {
		return rec, out, nil
	}
	answers, err := s.ask(ctx, map[string]promfleet.Question{rec.UUID: {Kind: kind}}, wait)
	if err != nil {
		return nil, out, err
	}
	out = answers[rec.UUID].of(*rec, wait)
	if out.part == promfleet.AgentAnswered && !says(out.answer) {
		out = asked{part: promfleet.AgentFailed, why: "its answer says nothing"}
	}
	return rec, out, nil
}

// cleanHost takes from what an agent says of its host what a terminal or a page must
// not get. The texts of configurations are cleaned when they are unpacked.
func cleanHost(a *promfleet.Answer) {
	if l := a.Loaded; l != nil {
		for _, s := range []*string{&l.Problem, &l.PrometheusVersion, &l.Wanted.Missing, &l.Written.Missing, &l.Loaded.Missing} {
			*s = clean(*s)
		}
		for i := range l.Notes {
			l.Notes[i] = clean(l.Notes[i])
		}
	}
	if d := a.Doctor; d != nil {
		for i := range d.Findings {
			f := &d.Findings[i]
			f.Check, f.Found, f.Hint = clean(f.Check), clean(f.Found), clean(f.Hint)
		}
	}
}
