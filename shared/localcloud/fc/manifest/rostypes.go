package manifest

import "fmt"

// rosType is what is known of a resource type: of its properties those that
// this project uses or may come to use. Sources: facts F's, which are ROS's own
// resource documents and the ROS CDK packages generated from them
// (ros-cdk-sls 1.11, ros-cdk-cms 1.15, ros-cdk-ram 1.12).
type rosType struct {
	required   []string
	properties shape
	attributes []string // the first is what Ref gives
}

// shape is what a value may hold: nil a text, a number or a boolean; else a
// mapping with these keys. A list may stand for one value of the same shape.
type shape map[string]shape

// leaves makes a shape of keys without shapes of their own.
func leaves(keys ...string) shape {
	s := shape{}
	for _, k := range keys {
		s[k] = nil
	}
	return s
}

// with adds keys that have shapes.
func (s shape) with(more shape) shape {
	for k, v := range more {
		s[k] = v
	}
	return s
}

// RAM documents: https://help.aliyun.com/document_detail/93738.html.
var (
	trustDocument = leaves("Version").with(shape{"Statement": leaves("Effect", "Action").with(shape{"Principal": leaves("Service", "RAM")})})
	policy        = leaves("Version").with(shape{"Statement": leaves("Effect", "Action", "NotAction", "Resource").with(shape{
		"Condition": {"Bool": leaves("acs:SecureTransport")},
	})})
	threshold = leaves("Statistics", "ComparisonOperator", "Threshold", "Times")
)

var rosTypes = map[string]rosType{
	"ALIYUN::MNS::Queue": {
		required: []string{"QueueName"},
		properties: leaves("QueueName", "DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "VisibilityTimeout", "PollingWaitSeconds").
			with(shape{"DlqPolicy": leaves("Enabled", "DeadLetterTargetQueue", "MaxReceiveCount")}),
		attributes: []string{"QueueName", "QueueUrl", "ARN.WithSlash"},
	},
	"ALIYUN::RAM::Role": {
		required: []string{"RoleName", "AssumeRolePolicyDocument"},
		properties: leaves("RoleName", "Description", "MaxSessionDuration").with(shape{
			"AssumeRolePolicyDocument": trustDocument,
			"Policies":                 leaves("PolicyName").with(shape{"PolicyDocument": policy}),
		}),
		attributes: []string{"RoleName", "Arn"},
	},
	"ALIYUN::SLS::Project": {required: []string{"Name"}, properties: leaves("Name", "Description"), attributes: []string{"Name"}},
	"ALIYUN::SLS::Logstore": {
		required:   []string{"ProjectName", "LogstoreName"},
		properties: leaves("ProjectName", "LogstoreName", "TTL", "ShardCount", "AutoSplit", "MaxSplitShard", "AppendMeta", "EnableTracking"),
		attributes: []string{"LogstoreName"},
	},
	"ALIYUN::SLS::Index": {
		required: []string{"ProjectName", "LogstoreName", "FullTextIndex"},
		properties: leaves("ProjectName", "LogstoreName").with(shape{
			"FullTextIndex": leaves("Enable", "CaseSensitive", "Delimiter", "IncludeChinese"),
			"KeyIndices": leaves("Name", "Type", "Alias", "Delimiter", "CaseSensitive", "IncludeChinese", "EnableAnalytics").
				with(shape{"JsonKeyIndices": leaves("Name", "Type", "Alias", "EnableAnalytics")}),
		}),
	},
	"ALIYUN::SLS::Alert": {
		required: []string{"Project", "Detail"},
		properties: leaves("Project").with(shape{"Detail": leaves("Name", "DisplayName", "Description", "Type", "State").with(shape{
			"Schedule": leaves("Type", "Interval", "CronExpression", "Delay", "RunImmediately", "Hour", "DayOfWeek"),
			"Configuration": leaves("Version", "Type", "Dashboard", "Threshold", "NoDataFire", "NoDataSeverity", "SendResolved", "AutoAnnotation", "MuteUntil").with(shape{
				"QueryList":              leaves("Project", "Store", "StoreType", "Region", "Query", "TimeSpanType", "Start", "End", "RoleArn", "PowerSqlMode", "DashboardId", "ChartTitle"),
				"GroupConfiguration":     leaves("Type", "Fields"),
				"SeverityConfigurations": leaves("Severity").with(shape{"EvalCondition": leaves("Condition", "CountCondition")}),
				"PolicyConfiguration":    leaves("UseDefault", "AlertPolicyId", "ActionPolicyId", "RepeatInterval"),
				"Labels":                 leaves("Key", "Value"),
				"Annotations":            leaves("Key", "Value"),
			}),
		})}),
		attributes: []string{"Name"},
	},
	"ALIYUN::CMS::ResourceMetricRule": {
		required: []string{"RuleName", "Namespace", "MetricName", "Resources", "ContactGroups"},
		properties: leaves("RuleName", "RuleId", "Namespace", "MetricName", "ContactGroups", "Period", "Interval", "SilenceTime", "EmailSubject", "Webhook", "NoDataPolicy", "EffectiveInterval", "NoEffectiveInterval").with(shape{
			"Resources":   leaves("userId", "region", "queue", "functionName"),
			"Escalations": {"Critical": threshold, "Warn": threshold, "Info": threshold},
		}),
		attributes: []string{"RuleName", "RuleId"},
	},
}

// fits refuses a key that a shape does not have, wherever it is in v.
func (t *template) fits(at string, v any, s shape, of string) error {
	switch v := v.(type) {
	case []any:
		for i := range v {
			if err := t.fits(fmt.Sprintf("%s[%d]", at, i), v[i], s, of); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			inner, ok := s[k]
			if !ok {
				return t.f.Errorf(at+"."+k, "%s has no such property, or it is not implemented", of)
			}
			if err := t.fits(at+"."+k, v[k], inner, of); err != nil {
				return err
			}
		}
	default:
		if s != nil && v != nil {
			if _, text := v.(string); !text || of != "a description" {
				return t.f.Errorf(at, "a mapping is needed")
			}
		}
	}
	return nil
}
