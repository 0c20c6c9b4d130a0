/** What a scrape_config may begin with. */
export const starts = [
  { name: 'interval', text: 'scrape_interval: 15s\nscrape_timeout: 10s\n' },
  {
    name: 'https',
    text: `scheme: https
basic_auth:
  username: prometheus
  password_file: /etc/prometheus/password
tls_config:
  ca_file: /etc/prometheus/ca.pem
`,
  },
  {
    name: 'probe',
    text: `metrics_path: /probe
params:
  module:
    - http_2xx
relabel_configs:
  - source_labels: [__address__]
    target_label: __param_target
  - source_labels: [__param_target]
    target_label: instance
  - target_label: __address__
    replacement: 127.0.0.1:9115
`,
  },
] as const;
