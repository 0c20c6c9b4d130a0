package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"promfleet"
)

func init() {
	addTask("register", 10, func(a *Agent) Task { return &registerTask{a: a} })
}

// registerTask tells the server who this node is: with a join token the first
// time, with the credential that it was given then ever after.
type registerTask struct {
	a    *Agent
	host string
}

// Files of the data path.
const (
	uuidFile       = "uuid"
	credentialFile = "credential"
	// credentialBeforeFile keeps the credential that a node had when it joined again.
	credentialBeforeFile = "credential.before"
)

func (t *registerTask) Init(context.Context) error {
	if _, err := t.a.identity(); err != nil {
		return err
	}
	var err error
	t.host, err = os.Hostname()
	return err
}

// identity gives the node's uuid; the first start makes it up.
func (a *Agent) identity() (string, error) {
	text, err := a.data.Read(uuidFile)
	if errors.Is(err, fs.ErrNotExist) {
		id := uuid.NewString()
		return id, a.data.Write(uuidFile, []byte(id+"\n"))
	}
	if err != nil {
		return "", err
	}
	id, err := uuid.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		return "", fmt.Errorf("%s/%s: %w", a.opts.DataPath, uuidFile, err)
	}
	return id.String(), nil
}

// Run registers, and again whenever the server no longer knows the node.
func (t *registerTask) Run(ctx context.Context) error {
	var wait backoff
	for {
		err := t.register(ctx)
		d := wait.next()
		if saysNo(err) {
			d = slowPause
		}
		if err != nil && ctx.Err() == nil {
			t.a.counters.failed(err)
			t.a.status.serverAway(err, time.Now().Add(d))
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			wait.reset()
			select {
			case <-ctx.Done():
				return nil
			case <-t.a.session.lostC():
			}
			continue
		case saysNo(err):
			t.a.log.Error("the server does not let this node in", "err", err)
		default:
			t.a.log.Warn("cannot register", "err", err, "retry_in", d.Round(time.Millisecond))
		}
		if pause(ctx, d) != nil {
			return nil
		}
	}
}

// Once registers, or says why not.
func (t *registerTask) Once(ctx context.Context) error { return t.register(ctx) }

func (t *registerTask) register(ctx context.Context) error {
	id, err := t.a.identity()
	if err != nil {
		return err
	}
	credential, before, err := t.credentials()
	if err != nil {
		return err
	}
	if credential != "" {
		err = t.call(ctx, id, credential, false)
		if promfleet.ErrorCode(err) == promfleet.Unauthorized && before != "" {
			err = t.goBack(ctx, id, before)
		}
		if promfleet.ErrorCode(err) != promfleet.Unauthorized || t.a.opts.JoinTokenFile == "" {
			return hinted(err, "if the node was deleted on the server, join again with a new join token in --join.token-file")
		}
		t.a.log.Warn("the server no longer knows this node's credential: joining again", "err", err)
	}
	token, err := t.joinToken()
	if err == nil {
		err = t.call(ctx, id, token, true)
	}
	return hinted(err, "create a join token with `promfleet join-token create` and name its file in --join.token-file")
}

// credentials gives the node's credential, and the one that it had before it
// joined again: "" where there is none.
func (t *registerTask) credentials() (credential, before string, err error) {
	for _, f := range []struct {
		name string
		into *string
	}{{credentialFile, &credential}, {credentialBeforeFile, &before}} {
		text, err := t.a.data.Read(f.name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
		*f.into = strings.TrimSpace(string(text))
	}
	return credential, before, nil
}

// goBack registers with the credential before the present one, which the server
// does not know: the one that gave it may have been somebody else's.
func (t *registerTask) goBack(ctx context.Context, id, before string) error {
	if err := t.call(ctx, id, before, false); err != nil {
		return err
	}
	t.a.log.Info("the server knows the credential that this node had before it joined again: that is used")
	return errors.Join(t.a.data.Write(credentialFile, []byte(before+"\n")), t.a.data.Remove(credentialBeforeFile))
}

// keep keeps a new credential, and the one that it replaces unless there is one
// before that: it may have come from the same server.
func (t *registerTask) keep(credential string) error {
	now, before, err := t.credentials()
	if err == nil && now != "" && before == "" {
		err = t.a.data.Write(credentialBeforeFile, []byte(now+"\n"))
	}
	if err == nil {
		err = t.a.data.Write(credentialFile, []byte(credential+"\n"))
	}
	if err != nil {
		return fmt.Errorf("cannot keep the node's credential: %w", err)
	}
	return nil
}

// hinted adds what to do to an answer that the credential is not known.
func hinted(err error, hint string) error {
	if promfleet.ErrorCode(err) == promfleet.Unauthorized {
		return fmt.Errorf("%w; hint: %s", err, hint)
	}
	return err
}

func (t *registerTask) joinToken() (string, error) {
	if t.a.opts.JoinTokenFile == "" {
		return "", promfleet.Errorf(promfleet.Unauthorized, "this node has not joined yet: it needs a join token")
	}
	text, err := os.ReadFile(t.a.opts.JoinTokenFile)
	if err != nil {
		return "", fmt.Errorf("--join.token-file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("--join.token-file %s is empty", t.a.opts.JoinTokenFile)
	}
	return token, nil
}

// call registers with a token. Joining, it keeps the credential that comes back.
// Who has one keeps that: a server that gave others could lock the node out of the
// real one.
func (t *registerTask) call(ctx context.Context, id, token string, joining bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	version, err := t.a.prom.Version(ctx)
	if err != nil {
		t.a.log.Debug("Prometheus does not tell its version", "err", err)
	}
	answer, err := t.a.server.WithToken(token).Register(ctx, promfleet.Registration{
		Protocol:          promfleet.ProtocolVersion,
		UUID:              id,
		Hostname:          t.host,
		Addr:              t.a.opts.NodeAddr,
		AgentVersion:      t.a.opts.Version,
		PrometheusVersion: version,
	})
	if err != nil {
		return err
	}
	if answer.Protocol < promfleet.ProtocolVersion {
		return promfleet.Errorf(promfleet.Forbidden, "the server speaks protocol %d and this agent %d: upgrade the server first", answer.Protocol, promfleet.ProtocolVersion)
	}
	switch {
	case joining && !credentialPattern.MatchString(answer.Credential):
		return promfleet.Errorf(promfleet.Unavailable, "the server has answered a join without a credential that could be one")
	case joining:
		if err := t.keep(answer.Credential); err != nil {
			return err
		}
		token = answer.Credential
		t.a.log.Info("the node has joined", "uuid", id, "server", t.a.opts.ServerURL)
	}
	t.a.session.set(t.a.server.WithToken(token))
	return nil
}

var credentialPattern = regexp.MustCompile(`^[[:graph:]]{1,400}$`)

// callTimeout bounds a call to the server that does not wait for anything.
const callTimeout = 60 * time.Second

// saysNo tells an answer that will be the same in a second from one that may not.
func saysNo(err error) bool {
	switch promfleet.ErrorCode(err) {
	case promfleet.Unauthorized, promfleet.Forbidden, promfleet.Conflict, promfleet.Invalid:
		return true
	}
	return false
}
