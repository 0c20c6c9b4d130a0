package check

// A fact is what an editor tells of a field, in our own words.
type fact struct {
	text string
	// is is the default, if it is the same everywhere; nil: there is none, or the text
	// says where it comes from.
	is any
	// words are values that Prometheus takes, where it takes few.
	words []string
}

// facts are told of the fields of structs, by the struct that declares them and by
// their keys in YAML. Fields that stand nowhere here are completed all the same.
var facts = map[string]map[string]fact{
	"prometheus/config.ScrapeConfig": {
		"honor_labels":                       {text: "Where a scraped series has a label that the server would set itself: true keeps the scraped one, false renames it to exported_NAME.", is: false},
		"honor_timestamps":                   {text: "Takes the timestamps that the target gives, where it gives any.", is: true},
		"track_timestamps_staleness":         {text: "Marks a series as stale that has timestamps of its own and is gone from the scrape.", is: false},
		"params":                             {text: "Query parameters of the scrape's URL, each with a list of values."},
		"scrape_interval":                    {text: "How often each target is scraped. Default: that of the global section, which is 1m where it says nothing."},
		"scrape_timeout":                     {text: "When a scrape counts as failed; not longer than the interval. Default: that of the global section, which is 10s where it says nothing, or the interval if that is shorter."},
		"scrape_protocols":                   {text: "The formats that are asked for, the most wanted first. Default: that of the global section."},
		"fallback_scrape_protocol":           {text: "The format that is taken for granted where a target answers without a Content-Type, or with one that is not known. Without it such a scrape fails."},
		"scrape_native_histograms":           {text: "Whether native histograms are scraped. Default: that of the global section."},
		"always_scrape_classic_histograms":   {text: "Whether classic histograms are scraped also where the target gives them as native ones. Default: that of the global section."},
		"convert_classic_histograms_to_nhcb": {text: "Whether classic histograms become native ones with custom buckets. Default: that of the global section."},
		"scrape_failure_log_file":            {text: "A file on Prometheus's host that failed scrapes are logged to. The policy of the agent must allow its path."},
		"metrics_path":                       {text: "The path of the URL that is scraped.", is: "/metrics"},
		"scheme":                             {text: "The scheme of the URL that is scraped.", is: "http"},
		"enable_compression":                 {text: "Asks the targets for compressed answers.", is: true},
		"body_size_limit":                    {text: "A scrape whose answer is larger, uncompressed, fails. 0 is no limit.", is: 0},
		"sample_limit":                       {text: "A scrape with more samples, after metric_relabel_configs, fails as a whole. 0 is no limit.", is: 0},
		"target_limit":                       {text: "With more targets than this, after relabel_configs, none of the job is scraped. 0 is no limit.", is: 0},
		"label_limit":                        {text: "A scrape that has a sample with more labels fails. 0 is no limit.", is: 0},
		"label_name_length_limit":            {text: "A scrape that has a longer label name fails. 0 is no limit.", is: 0},
		"label_value_length_limit":           {text: "A scrape that has a longer label value fails. 0 is no limit.", is: 0},
		"native_histogram_bucket_limit":      {text: "Native histograms with more buckets are made coarser until they fit. 0 is no limit.", is: 0},
		"native_histogram_min_bucket_factor": {text: "Native histograms whose buckets grow by less than this factor are made coarser. 0 is no limit.", is: 0},
		"keep_dropped_targets":               {text: "How many targets that relabelling drops are kept to be shown. 0 is no limit. promfleet needs them to see that everything is loaded.", is: 0},
		"metric_name_validation_scheme":      {text: "Which metric and label names are valid: any UTF-8, or letters, digits and _ alone. Default: that of the global section, which is utf8.", words: []string{"utf8", "legacy"}},
		"metric_name_escaping_scheme":        {text: "How names that are not of the old kind are asked for. Default: that of the global section.", words: []string{"allow-utf-8", "underscores", "dots", "values"}},
		"extra_scrape_metrics":               {text: "Stores what the limits and the timeout of a scrape are as samples of their own. Default: that of the global section."},
		"relabel_configs":                    {text: "Rules that rewrite the labels of a target before it is scraped, or drop it, one after the other."},
		"metric_relabel_configs":             {text: "Rules that rewrite the labels of each scraped sample before it is stored, or drop it, one after the other."},
	},
	"common/config.HTTPClientConfig": {
		"basic_auth":        {text: "Logs in with a name and a password. Only one of basic_auth, authorization and oauth2."},
		"authorization":     {text: "Sets the header Authorization: a type and credentials. Only one of basic_auth, authorization and oauth2."},
		"oauth2":            {text: "Gets a token by OAuth 2.0 and sends it. Only one of basic_auth, authorization and oauth2."},
		"bearer_token":      {text: "The old spelling of authorization.credentials. A secret: shown as <secret>, and given back so it stays what it was."},
		"bearer_token_file": {text: "The old spelling of authorization.credentials_file."},
		"tls_config":        {text: "Which certificates are trusted, and which are shown."},
		"follow_redirects":  {text: "Follows redirections (HTTP 3xx).", is: true},
		"enable_http2":      {text: "Speaks HTTP/2 where the other side can.", is: true},
		"http_headers":      {text: "Headers that go with each request: a name, and its values, secrets or files."},
	},
	"common/config.ProxyConfig": {
		"proxy_url":              {text: "The proxy to go through."},
		"no_proxy":               {text: "Addresses, ranges and domains, separated by commas, that need no proxy. Goes with proxy_url."},
		"proxy_from_environment": {text: "Takes the proxy of HTTP_PROXY, HTTPS_PROXY and NO_PROXY in Prometheus's environment; not together with proxy_url.", is: false},
		"proxy_connect_header":   {text: "Headers for the proxy's CONNECT requests, each with a list of values. Secrets: shown as <secret>."},
	},
	"common/config.BasicAuth": {
		"username":      {text: "The name."},
		"username_file": {text: "A file on Prometheus's host that has the name. The policy of the agent must allow its path."},
		"username_ref":  {text: "The name that a secret manager has it by."},
		"password":      {text: "The password. A secret: shown as <secret>, and given back so it stays what it was."},
		"password_file": {text: "A file on Prometheus's host that has the password. The policy of the agent must allow its path."},
		"password_ref":  {text: "The name that a secret manager has the password by."},
	},
	"common/config.Authorization": {
		"type":             {text: "The type of the credentials; Basic is not one of them.", is: "Bearer"},
		"credentials":      {text: "The token. A secret: shown as <secret>, and given back so it stays what it was."},
		"credentials_file": {text: "A file on Prometheus's host that has the token, read anew for each request. The policy of the agent must allow its path."},
		"credentials_ref":  {text: "The name that a secret manager has the token by."},
	},
	"common/config.OAuth2": {
		"client_id":                   {text: "The id of the client."},
		"client_secret":               {text: "The secret of the client: shown as <secret>, and given back so it stays what it was."},
		"client_secret_file":          {text: "A file on Prometheus's host that has the client's secret. The policy of the agent must allow its path."},
		"client_secret_ref":           {text: "The name that a secret manager has the client's secret by."},
		"client_certificate_key_id":   {text: "The id of the key that signs (kid). For the grant type jwt-bearer."},
		"client_certificate_key":      {text: "The private key that signs, as PEM. A secret: shown as <secret>. For the grant type jwt-bearer."},
		"client_certificate_key_file": {text: "A file on Prometheus's host that has the private key. The policy of the agent must allow its path. For the grant type jwt-bearer."},
		"client_certificate_key_ref":  {text: "The name that a secret manager has the private key by. For the grant type jwt-bearer."},
		"grant_type":                  {text: "How the token is asked for.", is: "client_credentials", words: []string{"client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"}},
		"signature_algorithm":         {text: "How the request is signed. For the grant type jwt-bearer.", is: "RS256", words: []string{"RS256", "RS384", "RS512"}},
		"iss":                         {text: "Who asks; default: the client_id. For the grant type jwt-bearer."},
		"audience":                    {text: "For whom the request is; default: the token_url. For the grant type jwt-bearer."},
		"claims":                      {text: "Further claims of the request. For the grant type jwt-bearer."},
		"scopes":                      {text: "What the token is to be good for."},
		"token_url":                   {text: "The URL that gives tokens."},
		"endpoint_params":             {text: "Further parameters of the request for a token."},
		"tls_config":                  {text: "Which certificates are trusted, and which are shown, when a token is asked for."},
	},
	"common/config.TLSConfig": {
		"ca":                   {text: "The certificate of the authority that is trusted, as PEM."},
		"ca_file":              {text: "A file on Prometheus's host that has the certificate of the authority that is trusted. The policy of the agent must allow its path."},
		"ca_ref":               {text: "The name that a secret manager has the authority's certificate by."},
		"cert":                 {text: "The certificate that the client shows, as PEM. Goes with a key."},
		"cert_file":            {text: "A file on Prometheus's host that has the client's certificate. The policy of the agent must allow its path."},
		"cert_ref":             {text: "The name that a secret manager has the client's certificate by."},
		"key":                  {text: "The private key of the client's certificate, as PEM. A secret: shown as <secret>, and given back so it stays what it was."},
		"key_file":             {text: "A file on Prometheus's host that has the private key. The policy of the agent must allow its path."},
		"key_ref":              {text: "The name that a secret manager has the private key by."},
		"server_name":          {text: "The name that the server's certificate must have; default: that of the address."},
		"insecure_skip_verify": {text: "Takes any certificate. Whoever sits between can then read and change everything.", is: false},
		"min_version":          {text: "The oldest version of TLS that is spoken; default: Go's, which is TLS12.", words: []string{"TLS10", "TLS11", "TLS12", "TLS13"}},
		"max_version":          {text: "The newest version of TLS that is spoken.", words: []string{"TLS10", "TLS11", "TLS12", "TLS13"}},
	},
	"common/config.Header": {
		"values":  {text: "The values of the header."},
		"secrets": {text: "Values that are secrets: shown as <secret>."},
		"files":   {text: "Files on Prometheus's host that have values. The policy of the agent must allow their paths."},
	},
	"prometheus/model/relabel.Config": {
		"source_labels": {text: "The labels whose values are joined by the separator and matched against the regex."},
		"separator":     {text: "What stands between the joined values.", is: ";"},
		"regex":         {text: "A regular expression (RE2) that must match the whole value. For labelmap, labeldrop and labelkeep it is matched against the names of labels.", is: "(.*)"},
		"modulus":       {text: "hashmod: the hash of the value is taken modulo this."},
		"target_label":  {text: "The label that is written. Needed for replace, hashmod, lowercase, uppercase, keepequal and dropequal."},
		"replacement":   {text: "What is written; $1 is what the first group has matched. Empty removes the label.", is: "$1"},
		"action": {text: "replace writes target_label where the regex matches; keep and drop decide about the whole target or sample; keepequal and dropequal compare with target_label; " +
			"hashmod writes a hash; labelmap copies labels to other names; labeldrop and labelkeep remove labels by name; lowercase and uppercase write the value so.", is: "replace"},
	},
	"prometheus/discovery.Configs": {
		"aws_sd_configs":          {text: "Targets of AWS: EC2, ECS, RDS and others, by role."},
		"azure_sd_configs":        {text: "Virtual machines of Azure."},
		"consul_sd_configs":       {text: "Services of a Consul catalog."},
		"digitalocean_sd_configs": {text: "Droplets of DigitalOcean."},
		"dns_sd_configs":          {text: "The records that DNS has of some names."},
		"docker_sd_configs":       {text: "Containers of a Docker engine."},
		"dockerswarm_sd_configs":  {text: "Services, tasks or nodes of a Docker Swarm."},
		"ec2_sd_configs":          {text: "Instances of AWS EC2."},
		"ecs_sd_configs":          {text: "Tasks of AWS ECS."},
		"elasticache_sd_configs":  {text: "Clusters of AWS ElastiCache."},
		"eureka_sd_configs":       {text: "Instances of a Eureka server."},
		"file_sd_configs":         {text: "Targets read from files on Prometheus's host, again whenever they change. promfleet adds its own to these by itself."},
		"gce_sd_configs":          {text: "Instances of Google Compute Engine."},
		"hetzner_sd_configs":      {text: "Servers of Hetzner, cloud or robot."},
		"http_sd_configs":         {text: "Targets that a URL gives, as JSON."},
		"ionos_sd_configs":        {text: "Servers of an IONOS data centre."},
		"kubernetes_sd_configs":   {text: "Nodes, services, pods, endpoints or ingresses of a Kubernetes cluster."},
		"kuma_sd_configs":         {text: "Dataplanes of a Kuma mesh."},
		"lightsail_sd_configs":    {text: "Instances of AWS Lightsail."},
		"linode_sd_configs":       {text: "Instances of Linode."},
		"marathon_sd_configs":     {text: "Apps of Marathon."},
		"msk_sd_configs":          {text: "Clusters of AWS MSK."},
		"nerve_sd_configs":        {text: "Nerve services in ZooKeeper."},
		"nomad_sd_configs":        {text: "Services of Nomad."},
		"oci_sd_configs":          {text: "Instances of Oracle Cloud Infrastructure."},
		"openstack_sd_configs":    {text: "Instances, hypervisors or load balancers of OpenStack."},
		"outscale_sd_configs":     {text: "Virtual machines of OUTSCALE."},
		"ovhcloud_sd_configs":     {text: "Servers of OVHcloud, dedicated or virtual."},
		"puppetdb_sd_configs":     {text: "Resources that a query of PuppetDB finds."},
		"rds_sd_configs":          {text: "Databases of AWS RDS."},
		"scaleway_sd_configs":     {text: "Instances and bare metal of Scaleway."},
		"serverset_sd_configs":    {text: "Serversets in ZooKeeper."},
		"stackit_sd_configs":      {text: "Servers of STACKIT."},
		"static_configs":          {text: "Targets written into the configuration itself. promfleet's own targets of the job are kept beside it and need not stand here."},
		"triton_sd_configs":       {text: "Containers of Triton."},
		"uyuni_sd_configs":        {text: "Systems of an Uyuni server."},
		"vultr_sd_configs":        {text: "Instances of Vultr."},
	},
	"prometheus/discovery/file.SDConfig": {
		"files":            {text: "Files or patterns (targets/*.json) with JSON or YAML. The policy of the agent must allow their paths."},
		"refresh_interval": {text: "How often they are read also if nothing is seen to change.", is: "5m"},
	},
	"prometheus/discovery/http.SDConfig": {
		"url":              {text: "The URL that gives the targets."},
		"refresh_interval": {text: "How often it is asked.", is: "1m"},
	},
	"prometheus/discovery/dns.SDConfig": {
		"names":            {text: "The names to look up."},
		"type":             {text: "The type of the records. All but SRV need a port.", is: "SRV", words: []string{"SRV", "A", "AAAA", "MX", "NS"}},
		"port":             {text: "The port of the targets; SRV records have their own."},
		"refresh_interval": {text: "How often the names are looked up.", is: "30s"},
	},
	"prometheus/discovery/kubernetes.SDConfig": {
		"api_server":      {text: "The URL of the API server; without it Prometheus takes itself to run in the cluster."},
		"role":            {text: "What becomes a target."},
		"kubeconfig_file": {text: "A kubeconfig on Prometheus's host; not together with api_server. The policy of the agent must allow its path."},
		"namespaces":      {text: "Which namespaces are looked at; default: all."},
		"selectors":       {text: "Narrows down by label or field what is asked of the API server, for each role."},
		"attach_metadata": {text: "Which metadata of other objects come along as meta labels."},
	},
	"prometheus/discovery/kubernetes.NamespaceDiscovery": {
		"own_namespace": {text: "The namespace that Prometheus runs in.", is: false},
		"names":         {text: "The namespaces by name."},
	},
	"prometheus/discovery/kubernetes.SelectorConfig": {
		"role":  {text: "The role that it is for."},
		"label": {text: "A label selector: app=web,tier!=test."},
		"field": {text: "A field selector: spec.nodeName=node-1."},
	},
	"prometheus/discovery/kubernetes.AttachMetadataConfig": {
		"node":      {text: "Labels and annotations of the node. For pod, endpoints and endpointslice.", is: false},
		"namespace": {text: "Labels and annotations of the namespace.", is: false},
	},
	"prometheus/discovery/consul.SDConfig": {
		"server":           {text: "The address of the Consul API.", is: "localhost:8500"},
		"path_prefix":      {text: "The path that the API is below."},
		"token":            {text: "The ACL token. A secret: shown as <secret>, and given back so it stays what it was."},
		"datacenter":       {text: "The data centre; default: that of the agent that is asked."},
		"namespace":        {text: "The namespace (Consul Enterprise)."},
		"partition":        {text: "The admin partition (Consul Enterprise)."},
		"tag_separator":    {text: "What joins the tags in __meta_consul_tags.", is: ","},
		"scheme":           {text: "The scheme of the API's URL.", is: "http", words: []string{"http", "https"}},
		"username":         {text: "The old spelling of basic_auth.username."},
		"password":         {text: "The old spelling of basic_auth.password. A secret: shown as <secret>."},
		"allow_stale":      {text: "Takes answers of any server, not of the leader alone: much cheaper.", is: true},
		"refresh_interval": {text: "How often the catalog is looked at, at most.", is: "30s"},
		"services":         {text: "The services; default: all."},
		"tags":             {text: "Only instances that have all these tags. filter can say more."},
		"node_meta":        {text: "Only nodes with these metadata. filter can say more."},
		"filter":           {text: "An expression of Consul's that the catalog is filtered by."},
		"health_filter":    {text: "An expression of Consul's that the health of instances is filtered by."},
	},
	"prometheus/discovery/aws.EC2SDConfig": {
		"region":           {text: "The region; default: that of the instance that Prometheus runs on."},
		"endpoint":         {text: "Another endpoint of the API."},
		"access_key":       {text: "The key of the API; default: what the environment of Prometheus gives."},
		"secret_key":       {text: "The secret of the key: shown as <secret>, and given back so it stays what it was."},
		"profile":          {text: "The profile in the AWS configuration of Prometheus's host."},
		"role_arn":         {text: "A role to assume."},
		"external_id":      {text: "The external id that goes with the role."},
		"port":             {text: "The port of the targets.", is: 80},
		"filters":          {text: "Filters of DescribeInstances, each a name and values."},
		"refresh_interval": {text: "How often the API is asked.", is: "1m"},
	},
	"prometheus/discovery/aws.Filter": {
		"name":   {text: "The name of the filter, such as tag:service."},
		"values": {text: "The values that it lets through."},
	},
}

// described adds the facts of a field to its schema.
func described(f yamlField, schema object) object {
	known, ok := facts[f.owner][f.key]
	if !ok {
		return schema
	}
	schema["description"] = known.text
	if known.is != nil {
		schema["default"] = known.is
	}
	if known.words != nil {
		schema["examples"] = known.words
	}
	return schema
}
