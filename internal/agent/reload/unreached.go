package reload

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
)

// Unreached says why a call has brought no answer, in plain words, and what to do.
// The flag is the one that has the URL.
func Unreached(err error, at *url.URL, flag string) Finding {
	host := at.Host
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	said := errorText(err)
	switch {
	case errors.As(err, &dns):
		return Finding{Bad, fmt.Sprintf("the name %s is not known (%s)", at.Hostname(), dns.Err), "correct " + flag + ", or the name service of this host"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return Finding{Bad, "nobody listens at " + host, "start it, or correct " + flag}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Finding{Bad, "there is no way to " + host + " (" + said + ")", "correct " + flag + ", or the routes of this host"}
	case errors.As(err, &unknown):
		return Finding{Bad, "the certificate of " + host + " is of an authority that is not known here", "name that authority: " + trust(flag)}
	case errors.As(err, &name):
		return Finding{Bad, "the certificate of " + host + " is for another name (" + said + ")", "call it by its name in " + flag}
	case errors.As(err, &invalid):
		return Finding{Bad, "the certificate of " + host + " is not valid (" + said + ")", "renew it, or set the clock of this host"}
	case errors.As(err, &record), strings.Contains(said, "HTTP response to HTTPS client"):
		return Finding{Bad, host + " does not speak TLS", "write http:// in " + flag}
	case strings.Contains(said, "remote error: tls: "):
		return Finding{Bad, host + " refuses the TLS connection (" + said + ")", "if it asks for a client certificate: " + trust(flag)}
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return Finding{Bad, "no answer from " + host + " in time", "is a firewall in between, or the wrong port in " + flag + "?"}
	default:
		return Finding{Bad, host + " is not reached (" + said + ")", "correct " + flag}
	}
}

// trust says where authorities and client certificates are given.
func trust(flag string) string {
	if flag == "--server.url" {
		return "add it to the authorities of this host, or to a file that SSL_CERT_FILE names"
	}
	return "tls_config in --reload.http-config-file"
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func errorText(err error) string {
	var call *url.Error
	if errors.As(err, &call) {
		err = call.Err // the URL is in it with all that it has
	}
	return oneLine(err.Error())
}
