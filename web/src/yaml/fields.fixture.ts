import { Fields } from './schema';

/** A part of what the server says of a scrape_config (/api/v1/fleetfile.schema.json). */
export const fields = Fields.ofScrapeConfig({
  $defs: {
    text: { type: ['string', 'number', 'boolean', 'null'] },
    texts: { type: 'object', additionalProperties: { $ref: '#/$defs/text' } },
    bool: { anyOf: [{ type: ['boolean', 'null'] }, { enum: ['yes', 'no'] }] },
    count: { type: ['integer', 'null'] },
    number: { type: ['number', 'null'] },
    duration: { type: ['string', 'integer', 'null'] },
    scheme: { enum: ['http', 'https'] },
    action: { anyOf: [{ enum: ['replace', 'keep', 'drop'] }, { type: 'string', pattern: '^x$' }] },
    protocol: { enum: ['PrometheusProto', 'PrometheusText0.0.4'] },
    tls: {
      type: ['object', 'null'],
      additionalProperties: false,
      properties: {
        ca_file: { $ref: '#/$defs/text' },
        insecure_skip_verify: { $ref: '#/$defs/bool', default: false, description: 'Takes any certificate.' },
        min_version: { $ref: '#/$defs/text', examples: ['TLS12', 'TLS13'] },
      },
    },
    relabel: {
      type: ['object', 'null'],
      properties: {
        action: { $ref: '#/$defs/action' },
        source_labels: { type: ['array', 'null'], items: { $ref: '#/$defs/text' } },
        regex: { $ref: '#/$defs/text' },
        replacement: { $ref: '#/$defs/text' },
        modulus: { $ref: '#/$defs/count' },
      },
    },
    consul: {
      type: ['object', 'null'],
      properties: {
        server: { $ref: '#/$defs/text' },
        tags: { type: ['array', 'null'], items: { $ref: '#/$defs/text' } },
        tls_config: { $ref: '#/$defs/tls' },
        claims: { type: ['object', 'null'], additionalProperties: {} },
      },
    },
    targets: {
      type: 'object',
      properties: {
        targets: { type: ['array', 'null'], items: { $ref: '#/$defs/text' } },
        labels: { anyOf: [{ $ref: '#/$defs/texts' }, { type: 'null' }] },
      },
    },
    scrape_config: {
      type: 'object',
      additionalProperties: false,
      properties: {
        scrape_interval: { $ref: '#/$defs/duration', description: 'How often.' },
        scheme: { $ref: '#/$defs/scheme', default: 'http' },
        honor_labels: { $ref: '#/$defs/bool' },
        sample_limit: { $ref: '#/$defs/count' },
        metrics_path: { $ref: '#/$defs/text' },
        params: {
          type: ['object', 'null'],
          additionalProperties: { type: ['array', 'null'], items: { $ref: '#/$defs/text' } },
        },
        scrape_protocols: { type: ['array', 'null'], items: { $ref: '#/$defs/protocol' } },
        tls_config: { $ref: '#/$defs/tls' },
        relabel_configs: { type: ['array', 'null'], items: { $ref: '#/$defs/relabel' } },
        consul_sd_configs: { type: ['array', 'null'], items: { $ref: '#/$defs/consul' } },
        static_configs: { type: ['array', 'null'], items: { $ref: '#/$defs/targets' } },
      },
    },
  },
});
