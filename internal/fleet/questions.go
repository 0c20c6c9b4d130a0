package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"promfleet"
)

// Questions to agents are kept in the database, so that it does not matter which
// server is asked and which one the agent is connected to. Who is concerned is woken:
// the agent, and whoever waits for its answer. It is no change of the node: a page that
// asks anew whenever that changes would not come to rest.

// lookAgain is how often an asker looks for answers, and announces those questions
// again that have none: an announcement may have been lost.
const lookAgain = time.Second

// maxOpenBytes is what an agent takes of open questions at once, in bytes; the rest
// has its turn when these are answered.
const maxOpenBytes = 48 << 10

// Questions gives the open questions to a node as soon as there are any, and none
// if that has not happened after wait.
func (s *Service) Questions(ctx context.Context, node string, wait time.Duration) ([]promfleet.Question, error) {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	revision := int64(0)
	for last := false; ; {
		// A subscription of another revision would be woken every few seconds.
		woken, cancel := s.hub.Subscribe(node, revision)
		open, now, err := s.openQuestions(ctx, node)
		if err != nil || len(open) > 0 || last {
			cancel()
			return open, err
		}
		if now != revision {
			cancel()
			revision = now
			continue
		}
		select {
		case <-woken:
		case <-timeout.C:
			last = true
		case <-ctx.Done():
			cancel()
			return []promfleet.Question{}, nil
		}
		cancel()
	}
}

// openQuestions gives them, and the node's revision.
func (s *Service) openQuestions(ctx context.Context, node string) (open []promfleet.Question, revision int64, err error) {
	err = s.view(ctx, func(tx Tx) error {
		rec, err := liveNode(ctx, tx, node)
		if err != nil {
			return err
		}
		revision = rec.Revision
		now := s.now()
		recs, err := tx.OpenQuestions(ctx, node, now, promfleet.MaxQuestions)
		if err != nil {
			return err
		}
		open = make([]promfleet.Question, 0, len(recs))
		left := maxOpenBytes
		for _, r := range recs {
			if left -= len(r.Body); left < 0 && len(open) > 0 {
				break
			}
			var q promfleet.Question
			if err := json.Unmarshal(r.Body, &q); err != nil {
				return fmt.Errorf("question %d: %w", r.ID, err)
			}
			q.ID, q.Within = r.ID, r.ExpiresAt.Sub(now).Seconds()
			open = append(open, q)
		}
		return nil
	})
	return open, revision, err
}

// Answer takes what the agent of a node says to a question. It counts once, and
// only while somebody waits for it.
func (s *Service) Answer(ctx context.Context, node string, id int64, in promfleet.Answer) error {
	if in.Explain != nil {
		cleanExplanation(in.Explain)
	}
	if in.Health != nil {
		cleanHealth(in.Health)
	}
	cleanHost(&in)
	in.Error = clean(in.Error)
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("answer to question %d: %w", id, err)
	}
	err = s.update(ctx, func(tx Tx, _ *change) error {
		if _, err := liveNode(ctx, tx, node); err != nil {
			return err
		}
		_, err := found(0, tx.AnswerQuestion(ctx, node, id, body, s.now()), "open question", id)
		return err
	})
	if err == nil {
		s.hub.Wake(node)
	}
	return err
}

// asked is what came of a question to the agent of one node.
type asked struct {
	part   promfleet.AgentPart
	why    string // not answered
	answer promfleet.Answer
}

// notToAsk says why the agent of a node is not asked; no part: it is to be.
func (s *Service) notToAsk(n NodeRecord, wait time.Duration) asked {
	switch {
	case wait == 0:
		return asked{part: promfleet.AgentNotAsked, why: "it was not to be asked"}
	case n.DeletedAt != nil:
		return asked{part: promfleet.AgentNotAsked, why: "the node is deleted"}
	case n.State(s.now()) == promfleet.StateStale:
		return asked{part: promfleet.AgentSilent, why: fmt.Sprintf("the agent has not been heard of for %s", sinceText(s.now().Sub(*n.Report.LastSeenAt)))}
	}
	return asked{}
}

// of says why the agent of a node did not answer, if it did not.
func (a asked) of(n NodeRecord, wait time.Duration) asked {
	version := cmp.Or(n.Report.AgentVersion, "(unknown)")
	switch a.part {
	case promfleet.AgentSilent:
		a.why = fmt.Sprintf("the agent did not answer within %s: it is busy, or its version %s is older than these questions", wait, version)
	case promfleet.AgentTooOld:
		a.why = fmt.Sprintf("the agent, version %s, does not know this question: upgrade it", version)
	}
	return a
}

// ask asks the agents of nodes, by uuid, and waits until all have answered, the time
// is over, or ctx is done. An agent that is asked too much already is not asked.
func (s *Service) ask(ctx context.Context, of map[string]promfleet.Question, wait time.Duration) (map[string]asked, error) {
	out := map[string]asked{}
	for n := range of {
		out[n] = asked{part: promfleet.AgentNotAsked, why: "it has more questions to answer than it may have; try again in some seconds"}
	}
	questions, err := s.putQuestions(ctx, of, wait)
	if err != nil || len(questions) == 0 {
		return out, err
	}
	ids, nodeOf := make([]int64, 0, len(questions)), map[int64]string{}
	for _, r := range questions {
		ids, nodeOf[r.ID] = append(ids, r.ID), r.Node
		out[r.Node] = asked{part: promfleet.AgentSilent}
	}
	defer func() { // nobody else wants them; what is left here by a failure expires
		_ = s.update(context.WithoutCancel(ctx), func(tx Tx, _ *change) error { return tx.DeleteQuestions(ctx, ids) })
	}()
	return out, s.await(ctx, nodeOf, wait, func(r QuestionRecord) error {
		var a promfleet.Answer
		if err := json.Unmarshal(r.Answer, &a); err != nil {
			return fmt.Errorf("answer to question %d: %w", r.ID, err)
		}
		switch {
		case a.Unknown:
			out[r.Node] = asked{part: promfleet.AgentTooOld}
		case a.Error != "":
			out[r.Node] = asked{part: promfleet.AgentFailed, why: a.Error}
		default:
			out[r.Node] = asked{part: promfleet.AgentAnswered, answer: a}
		}
		return nil
	})
}

// putQuestions writes them.
func (s *Service) putQuestions(ctx context.Context, of map[string]promfleet.Question, wait time.Duration) (questions []*QuestionRecord, err error) {
	bodies := map[string][]byte{}
	for n, q := range of {
		if bodies[n], err = json.Marshal(q); err != nil {
			return nil, err
		}
	}
	err = s.update(ctx, func(tx Tx, _ *change) error {
		questions = nil
		now := s.now()
		for _, n := range slices.Sorted(maps.Keys(of)) {
			open, err := tx.OpenQuestions(ctx, n, now, promfleet.MaxQuestions)
			if err != nil {
				return err
			}
			if len(open) < promfleet.MaxQuestions {
				questions = append(questions, &QuestionRecord{Node: n, Kind: of[n].Kind, Body: bodies[n], AskedAt: now, ExpiresAt: now.Add(wait)})
			}
		}
		return tx.InsertQuestions(ctx, questions)
	})
	return questions, err
}

// await calls take for each answer, until there is one to each question or the
// time is over.
func (s *Service) await(ctx context.Context, nodeOf map[int64]string, wait time.Duration, take func(QuestionRecord) error) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	woken, unsubscribe := s.anyOf(ctx, nodeOf)
	defer unsubscribe()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	open := make([]int64, 0, len(nodeOf))
	for id, node := range nodeOf {
		open = append(open, id)
		s.hub.Wake(node)
	}
	for {
		var answered []QuestionRecord
		err := s.view(ctx, func(tx Tx) (err error) {
			answered, err = tx.AnsweredQuestions(ctx, open)
			return err
		})
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, r := range answered {
			if err := take(r); err != nil {
				return err
			}
			open = slices.DeleteFunc(open, func(id int64) bool { return id == r.ID })
		}
		if len(open) == 0 {
			return nil
		}
		select {
		case <-woken:
		case <-again.C:
			for _, id := range open {
				s.hub.Wake(nodeOf[id])
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// anyOf gives a channel that receives after announcements of any of the nodes.
func (s *Service) anyOf(ctx context.Context, nodes map[int64]string) (woken <-chan struct{}, cancel func()) {
	ctx, stop := context.WithCancel(ctx)
	all := make(chan struct{}, 1)
	var forwarding sync.WaitGroup
	for _, n := range nodes {
		one, unsubscribe := s.hub.Subscribe(n, -1)
		forwarding.Go(func() {
			defer unsubscribe()
			for {
				select {
				case <-one:
				case <-ctx.Done():
					return
				}
				select {
				case all <- struct{}{}:
				default: // it stands already
				}
			}
		})
	}
	return all, func() { stop(); forwarding.Wait() }
}
