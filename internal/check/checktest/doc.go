// Package checktest makes random scrape configs for tests: valid ones over most
// of the fields that Prometheus has, and ones that somebody has got wrong. The
// same source of randomness gives the same configs.
package checktest
