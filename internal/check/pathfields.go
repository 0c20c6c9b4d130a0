package check

import "strings"

// fields says of each field of one struct that can hold text what that text is.
// Names are Go's, separated by spaces.
type fields struct {
	read  string // a file that Prometheus reads
	glob  string // a pattern of files that Prometheus reads
	write string // a file that Prometheus writes
	sock  string // an address that may be that of a unix socket, unix:PATH
	plain string // no path
}

// pathFields is every struct that a configuration can hold and that has text in
// it, by package and type. Nothing is a path, or no path, by default: the test
// walks all structs of the linked version by reflection, and a field that stands
// neither here nor in plainTypes fails it. Look at what Prometheus does with a
// new field before placing it. Package names are those below
// github.com/prometheus.
var pathFields = map[string]fields{
	"prometheus/config.Config":              {glob: "RuleFiles ScrapeConfigFiles"},
	"prometheus/config.GlobalConfig":        {write: "QueryLogFile ScrapeFailureLogFile", plain: "MetricNameEscapingScheme"},
	"prometheus/config.ScrapeConfig":        {write: "ScrapeFailureLogFile", plain: "JobName Params MetricsPath Scheme MetricNameEscapingScheme"},
	"prometheus/config.AlertmanagerConfig":  {plain: "Scheme PathPrefix"},
	"prometheus/config.ChunkEncodingConfig": {plain: "Floats"},
	"prometheus/config.OTLPConfig":          {plain: "PromoteResourceAttributes IgnoreResourceAttributes"},
	"prometheus/config.RemoteReadConfig":    {plain: "Headers Name"},
	"prometheus/config.RemoteWriteConfig":   {plain: "Headers Name"},
	// gRPC dials a socket if the endpoint says unix:.
	"prometheus/config.TracingConfig": {sock: "Endpoint", plain: "Headers Compression"},
	"prometheus/model/relabel.Config": {plain: "Separator TargetLabel Replacement"},

	"common/config.Authorization":    {read: "CredentialsFile", plain: "Type CredentialsRef"},
	"common/config.BasicAuth":        {read: "UsernameFile PasswordFile", plain: "Username UsernameRef PasswordRef"},
	"common/config.Header":           {read: "Files", plain: "Values"},
	"common/config.Headers":          {plain: "Headers"},
	"common/config.HTTPClientConfig": {read: "BearerTokenFile"},
	"common/config.OAuth2": {
		read:  "ClientSecretFile ClientCertificateKeyFile",
		plain: "ClientID ClientSecretRef ClientCertificateKeyID ClientCertificateKeyRef GrantType SignatureAlgorithm Iss Audience Claims Scopes TokenURL EndpointParams",
	},
	"common/config.ProxyConfig": {plain: "NoProxy ProxyConnectHeader"},
	"common/config.TLSConfig":   {read: "CAFile CertFile KeyFile", plain: "CA Cert CARef CertRef KeyRef ServerName"},
	// A profile is a section of a file that no configuration can name.
	"sigv4.SigV4Config": {plain: "Region AccessKey Profile RoleARN ExternalID SessionName Tags ServiceName"},

	"prometheus/storage/remote/azuread.AzureADConfig":          {plain: "Cloud Scope"},
	"prometheus/storage/remote/azuread.CertificateConfig":      {read: "CertificatePath CertificateKeyPath", plain: "ClientID TenantID"},
	"prometheus/storage/remote/azuread.ManagedIdentityConfig":  {plain: "ClientID"},
	"prometheus/storage/remote/azuread.OAuthConfig":            {plain: "ClientID TenantID"},
	"prometheus/storage/remote/azuread.SDKConfig":              {plain: "TenantID"},
	"prometheus/storage/remote/azuread.WorkloadIdentityConfig": {read: "TokenFilePath", plain: "ClientID TenantID"},
	"prometheus/storage/remote/googleiam.Config":               {read: "CredentialsFile"},

	"prometheus/discovery/aws.EC2SDConfig":         {plain: "Endpoint Region AccessKey Profile RoleARN ExternalID"},
	"prometheus/discovery/aws.ECSSDConfig":         {plain: "Endpoint Region AccessKey Profile RoleARN ExternalID Clusters"},
	"prometheus/discovery/aws.ElasticacheSDConfig": {plain: "Endpoint Region AccessKey Profile RoleARN ExternalID Clusters"},
	"prometheus/discovery/aws.Filter":              {plain: "Name Values"},
	"prometheus/discovery/aws.LightsailSDConfig":   {plain: "Endpoint Region AccessKey Profile RoleARN ExternalID"},
	"prometheus/discovery/aws.MSKSDConfig":         {plain: "Endpoint Region AccessKey Profile RoleARN ExternalID Clusters"},
	"prometheus/discovery/aws.RDSSDConfig":         {plain: "Endpoint Region AccessKey Profile RoleARN ExternalID Clusters"},
	"prometheus/discovery/aws.SDConfig":            {plain: "Endpoint Region AccessKey Profile RoleARN ExternalID Clusters"},
	"prometheus/discovery/azure.SDConfig":          {plain: "Environment SubscriptionID TenantID ClientID AuthenticationMethod ResourceGroup"},
	"prometheus/discovery/consul.SDConfig": {
		sock:  "Server",
		plain: "PathPrefix Datacenter Namespace Partition TagSeparator Scheme Username Services ServiceTags NodeMeta Filter HealthFilter",
	},
	"prometheus/discovery/dns.SDConfig":                  {plain: "Names Type"},
	"prometheus/discovery/eureka.SDConfig":               {plain: "Server"},
	"prometheus/discovery/file.SDConfig":                 {glob: "Files"},
	"prometheus/discovery/gce.SDConfig":                  {plain: "Project Zone Filter TagSeparator"},
	"prometheus/discovery/hetzner.SDConfig":              {plain: "LabelSelector hcloudEndpoint robotEndpoint"},
	"prometheus/discovery/http.SDConfig":                 {plain: "URL"},
	"prometheus/discovery/ionos.SDConfig":                {plain: "DatacenterID ionosEndpoint"},
	"prometheus/discovery/kubernetes.NamespaceDiscovery": {plain: "Names"},
	"prometheus/discovery/kubernetes.SDConfig":           {read: "KubeConfig"},
	"prometheus/discovery/kubernetes.SelectorConfig":     {plain: "Label Field"},
	"prometheus/discovery/linode.SDConfig":               {plain: "TagSeparator Region"},
	"prometheus/discovery/marathon.SDConfig":             {read: "AuthTokenFile", plain: "Servers"},
	"prometheus/discovery/moby.DockerSDConfig":           {sock: "Host", plain: "HostNetworkingHost"},
	"prometheus/discovery/moby.DockerSwarmSDConfig":      {sock: "Host", plain: "Role"},
	"prometheus/discovery/moby.Filter":                   {plain: "Name Values"},
	"prometheus/discovery/nomad.SDConfig":                {sock: "Server", plain: "Namespace Region TagSeparator"},
	"prometheus/discovery/oci.SDConfig":                  {read: "KeyFile KeyPassphraseFile", plain: "Auth Tenancy User Fingerprint Region Compartments"},
	"prometheus/discovery/openstack.SDConfig":            {plain: "IdentityEndpoint Username UserID ProjectName ProjectID DomainName DomainID ApplicationCredentialName ApplicationCredentialID Region Availability"},
	"prometheus/discovery/outscale.SDConfig":             {read: "SecretKeyFile", plain: "Endpoint Region AccessKey"},
	"prometheus/discovery/ovhcloud.SDConfig":             {plain: "Endpoint ApplicationKey Service"},
	"prometheus/discovery/puppetdb.SDConfig":             {plain: "URL Query"},
	"prometheus/discovery/scaleway.SDConfig":             {read: "SecretKeyFile", plain: "Project APIURL Zone AccessKey NameFilter TagsFilter"},
	"prometheus/discovery/stackit.SDConfig":              {read: "ServiceAccountKeyPath PrivateKeyPath CredentialsFilePath", plain: "Project Region Endpoint tokenURL"},
	"prometheus/discovery/targetgroup.Group":             {plain: "Source"},
	"prometheus/discovery/triton.SDConfig":               {plain: "Account Role DNSSuffix Endpoint Groups"},
	"prometheus/discovery/uyuni.SDConfig":                {plain: "Server Username Entitlement Separator"},
	"prometheus/discovery/xds.SDConfig":                  {plain: "Server ClientID"},
	"prometheus/discovery/zookeeper.NerveSDConfig":       {plain: "Servers Paths"}, // paths in ZooKeeper
	"prometheus/discovery/zookeeper.ServersetSDConfig":   {plain: "Servers Paths"}, // paths in ZooKeeper
}

// plainTypes are types of text that is never a path, with what it is instead.
var plainTypes = map[string]string{
	"common/config.Secret":                          "a secret itself",
	"common/model.LabelName":                        "a label name",
	"common/model.LabelValue":                       "a label value",
	"prometheus/config.AlertmanagerAPIVersion":      "one of a few words",
	"prometheus/config.LogLevel":                    "one of a few words",
	"prometheus/config.ScrapeProtocol":              "one of a few words",
	"prometheus/config.TracingClientType":           "one of a few words",
	"prometheus/discovery/aws.Role":                 "one of a few words",
	"prometheus/discovery/digitalocean.Role":        "one of a few words",
	"prometheus/discovery/hetzner.Role":             "one of a few words",
	"prometheus/discovery/kubernetes.Role":          "one of a few words",
	"prometheus/discovery/openstack.Role":           "one of a few words",
	"prometheus/discovery/scaleway.role":            "one of a few words",
	"prometheus/model/relabel.Action":               "one of a few words",
	"otlptranslator.TranslationStrategyOption":      "one of a few words",
	"client_golang/exp/api/remote.WriteMessageType": "one of a few words",
}

// opaqueTypes are structs that are not looked into, with what they are.
var opaqueTypes = map[string]string{
	"net/url.URL":                     "a URL: Prometheus asks those by HTTP, which knows no files",
	"prometheus/model/relabel.Regexp": "a regular expression",
	"prometheus/model/labels.Labels":  "labels",
	"net/http.Client":                 "made by code, not read from a document",
	"time.Location":                   "made by code, not read from a document",
}

// kindOf tells what the text in a field is; ok: the table knows it.
func kindOf(typ, field string) (kind PathKind, ok bool) {
	row := pathFields[typ]
	for _, list := range []struct {
		words string
		kind  PathKind
	}{{row.read, Read}, {row.glob, Glob}, {row.write, Write}, {row.sock, socket}, {row.plain, ""}} {
		if containsWord(list.words, field) {
			return list.kind, true
		}
	}
	return "", false
}

func containsWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}
