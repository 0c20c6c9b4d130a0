package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"promfleet"
)

// Questions waits until the server wants to know something of the node. It gives
// none if that has not happened after wait, which counts in whole seconds.
func (c *Client) Questions(ctx context.Context, wait time.Duration) (out []promfleet.Question, err error) {
	read := func(r io.Reader) (err error) { out, err = readQuestions(r); return err }
	_, _, err = c.do(ctx, call{method: http.MethodGet, path: "/agent/questions", decode: read,
		query: url.Values{"wait": {strconv.Itoa(int(wait / time.Second))}}})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readQuestions reads a QuestionsReply, as what an agent is answered is read.
func readQuestions(r io.Reader) (out []promfleet.Question, err error) {
	d := json.NewDecoder(r)
	err = object(d, func(name string) error {
		if name != "questions" {
			return d.Decode(&skipped{})
		}
		if err := delim(d, '['); err != nil {
			return err
		}
		for d.More() {
			var q promfleet.Question
			if err := d.Decode(&q); err != nil {
				return err
			}
			if out = append(out, q); len(out) > promfleet.MaxQuestions {
				return fmt.Errorf("there are more than %d questions", promfleet.MaxQuestions)
			}
		}
		return delim(d, ']')
	})
	return out, errors.Join(err, end(d, err))
}

// Answer answers a question. promfleet.NotFound: nobody waits for it any more.
func (c *Client) Answer(ctx context.Context, question int64, a promfleet.Answer) error {
	path := "/agent/questions/" + strconv.FormatInt(question, 10) + "/answer"
	_, _, err := c.do(ctx, call{method: http.MethodPost, path: path, body: a})
	return err
}

// Explain tells why an address is, or is not, scraped. Agents are given wait to
// answer, at most 30 seconds; 0: they are not asked.
func (c *Client) Explain(ctx context.Context, in promfleet.ExplainRequest, wait time.Duration) (*promfleet.Explained, error) {
	var out promfleet.Explained
	_, _, err := c.do(ctx, call{method: http.MethodPost, path: "/explain", body: in, out: &out,
		query: url.Values{"wait": {strconv.Itoa(int(wait / time.Second))}}})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// NodeHealth tells what the agent of a node says of its targets; of one job, by its
// key, if it is given. The agent is given wait to answer, at most 30 seconds.
func (c *Client) NodeHealth(ctx context.Context, uuid, job string, wait time.Duration) (*promfleet.NodeHealth, error) {
	query := url.Values{"wait": {strconv.Itoa(int(wait / time.Second))}}
	if job != "" {
		query.Set("job", job)
	}
	var out promfleet.NodeHealth
	_, _, err := c.do(ctx, call{method: http.MethodGet, path: nodePath(uuid) + "/health", out: &out, query: query})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// TargetsHealth tells what the agents of their nodes say of targets. Agents are given
// wait to answer, at most 30 seconds.
func (c *Client) TargetsHealth(ctx context.Context, ids []int64, wait time.Duration) (*promfleet.TargetsHealth, error) {
	var out promfleet.TargetsHealth
	_, _, err := c.do(ctx, call{method: http.MethodPost, path: "/targets/health", body: promfleet.TargetsHealthRequest{IDs: ids}, out: &out,
		query: url.Values{"wait": {strconv.Itoa(int(wait / time.Second))}}})
	if err != nil {
		return nil, err
	}
	return &out, nil
}
