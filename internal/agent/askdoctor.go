package agent

import (
	"context"
	"fmt"

	"promfleet"
)

// Examiner makes the checks of doctor on this host and hands over each finding, in
// order. It changes nothing, and tells no secret. Of is how many checks there are. It
// may end early with ctx.
type Examiner func(ctx context.Context, tell func(promfleet.Finding)) (of int, err error)

// answerDoctor answers a promfleet.QuestionDoctor: what was found in the time that
// there was.
func (a *Agent) answerDoctor(ctx context.Context) promfleet.Answer {
	if a.opts.Examine == nil {
		return promfleet.Answer{Error: "this agent has no doctor"}
	}
	out := &promfleet.AgentDoctor{Findings: []promfleet.Finding{}}
	of, err := a.opts.Examine(ctx, func(f promfleet.Finding) {
		if len(out.Findings) < promfleet.MaxFindings {
			f.Check, f.Found, f.Hint = cut(f.Check, 90), shownOwn(f.Found), shownOwn(f.Hint)
			out.Findings = append(out.Findings, f)
		}
	})
	if err != nil && ctx.Err() == nil {
		return promfleet.Answer{Error: shownOwn(fmt.Sprintf("doctor cannot look: %s", oneLine(err.Error())))}
	}
	out.Of = of
	return promfleet.Answer{Doctor: out}
}
