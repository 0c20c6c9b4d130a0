package agent

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Complete gives the options with their defaults, or says which of them cannot be.
func (o Options) Complete() (Options, error) {
	o = o.withDefaults()
	if o.TakeOver != TakeOverSame && o.TakeOver != TakeOverDiscard {
		return o, fmt.Errorf("--prometheus.take-over %q: it is one of %s, %s", o.TakeOver, TakeOverSame, TakeOverDiscard)
	}
	if o.SyncInterval < time.Second || o.ReloadTimeout < time.Second {
		return o, errors.New("--sync.interval and --reload.timeout must be at least 1s")
	}
	if u, err := url.Parse(o.ServerURL); err != nil || u.Host == "" {
		return o, fmt.Errorf("--server.url %q is not a URL: it must look like https://promfleet.example.com/", o.ServerURL)
	}
	return o, nil
}

// Files of the data path that say who the node is.
const (
	UUIDFile       = uuidFile
	CredentialFile = credentialFile
)
