package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"vpcinterconnect/shared/localcloud/ram"
	"vpcinterconnect/shared/localcloud/yamlfile"
)

// Base is what template.yml makes, as far as the local cloud has it: queues
// and roles. Log projects and the like are read, checked, and come to nothing.
type Base struct {
	Queues []Queue
	Roles  []Role
}

// Queue is an MNS queue. Numbers are seconds and bytes; nil means the
// service's default.
type Queue struct {
	Name              string
	DelaySeconds      *int
	MaximumSize       *int
	Retention         *int
	VisibilityTimeout *int
	PollingWait       *int
	DeadLetters       string // queue name; "" for none
	MaxReceiveCount   int
}

// Role is a RAM role with its inline policies.
type Role struct {
	Name     string
	Trust    json.RawMessage // AssumeRolePolicyDocument
	Policies []Policy
}

// Policy is an inline policy of a role.
type Policy struct {
	Name     string
	Document json.RawMessage
}

// Pseudo is what the template's pseudo parameters stand for, and the values of
// parameters that are not to have their defaults.
type Pseudo struct {
	Region     string
	AccountID  string
	StackName  string
	Parameters map[string]string
}

type rosFile struct {
	Version     string                  `yaml:"ROSTemplateFormatVersion"`
	Description any                     `yaml:"Description"`
	Parameters  map[string]rosParameter `yaml:"Parameters"`
	Resources   map[string]rosResource  `yaml:"Resources"`
	Outputs     map[string]rosOutput    `yaml:"Outputs"`
}

type rosParameter struct {
	Type           string `yaml:"Type"`
	Default        any    `yaml:"Default"`
	Description    any    `yaml:"Description"`
	Label          any    `yaml:"Label"`
	AllowedPattern string `yaml:"AllowedPattern"`
}

type rosResource struct {
	Type       string         `yaml:"Type"`
	DependsOn  any            `yaml:"DependsOn"`
	Properties map[string]any `yaml:"Properties"`
}

type rosOutput struct {
	Description any `yaml:"Description"`
	Value       any `yaml:"Value"`
}

// Template reads template.yml.
func Template(name string, data []byte, p Pseudo) (*Base, error) {
	f, err := yamlfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	var file rosFile
	if err := f.Decode(&file); err != nil {
		return nil, err
	}
	if file.Version != "2015-09-01" {
		return nil, f.Errorf("ROSTemplateFormatVersion", "only 2015-09-01 is known, this is %q", file.Version)
	}
	t := &template{f: f, file: file, pseudo: p, busy: map[string]bool{}}
	if err := t.fits("Description", file.Description, shape{"en": nil, "zh-cn": nil}, "a description"); err != nil {
		return nil, err
	}
	if err := t.parameters(); err != nil {
		return nil, err
	}
	base := &Base{}
	for _, id := range sortedKeys(file.Resources) {
		if err := t.resource(id, base); err != nil {
			return nil, err
		}
	}
	for _, id := range sortedKeys(file.Outputs) {
		v, err := t.evaluate("Outputs."+id+".Value", file.Outputs[id].Value)
		if err == nil {
			err = t.fits("Outputs."+id+".Value", v, nil, "an output")
		}
		if err != nil {
			return nil, err
		}
	}
	return base, checkQueues(f, base)
}

// template is one being read.
type template struct {
	f      *yamlfile.File
	file   rosFile
	pseudo Pseudo
	params map[string]any
	busy   map[string]bool
}

func (t *template) parameters() error {
	t.params = map[string]any{
		"ALIYUN::Region": t.pseudo.Region, "ALIYUN::TenantId": t.pseudo.AccountID, "ALIYUN::AccountId": t.pseudo.AccountID,
		"ALIYUN::StackName": t.pseudo.StackName, "ALIYUN::StackId": t.pseudo.StackName,
	}
	for id, p := range t.file.Parameters {
		at := "Parameters." + id
		value := p.Default
		if v, ok := t.pseudo.Parameters[id]; ok {
			value = v
		}
		if value == nil {
			return t.f.Errorf(at, "has no default and no value")
		}
		if p.AllowedPattern != "" {
			re, err := regexp.Compile("^(?:" + p.AllowedPattern + ")$")
			if err != nil {
				return t.f.Errorf(at+".AllowedPattern", "%s", err)
			}
			if !re.MatchString(fmt.Sprint(value)) {
				return t.f.Errorf(at, "%q does not match %s", value, p.AllowedPattern)
			}
		}
		t.params[id] = value
	}
	for id := range t.pseudo.Parameters {
		if _, ok := t.file.Parameters[id]; !ok {
			return t.f.Errorf("Parameters", "there is no parameter %s", id)
		}
	}
	return nil
}

func (t *template) resource(id string, base *Base) error {
	r := t.file.Resources[id]
	at := "Resources." + id
	kind, ok := rosTypes[r.Type]
	if !ok {
		return t.f.Errorf(at+".Type", "%q is not implemented; %s are", r.Type, strings.Join(sortedKeys(rosTypes), ", "))
	}
	for _, on := range listOf(r.DependsOn) {
		if _, ok := t.file.Resources[fmt.Sprint(on)]; !ok {
			return t.f.Errorf(at+".DependsOn", "there is no resource %v", on)
		}
	}
	for _, k := range kind.required {
		if _, ok := r.Properties[k]; !ok {
			return t.f.Errorf(at+".Properties."+k, "is needed")
		}
	}
	v, err := t.evaluate(at+".Properties", any(r.Properties))
	if err != nil {
		return err
	}
	if err := t.fits(at+".Properties", v, kind.properties, r.Type); err != nil {
		return err
	}
	properties, _ := v.(map[string]any)
	switch r.Type {
	case "ALIYUN::MNS::Queue":
		return t.queue(at+".Properties", properties, base)
	case "ALIYUN::RAM::Role":
		return t.role(at+".Properties", properties, base)
	}
	return nil
}

func (t *template) queue(at string, p map[string]any, base *Base) error {
	q := Queue{}
	var ok bool
	if q.Name, ok = p["QueueName"].(string); !ok || q.Name == "" {
		return t.f.Errorf(at+".QueueName", "is to be a text")
	}
	for _, n := range []struct {
		key       string
		low, high int
		to        **int
	}{
		{"DelaySeconds", 0, 604800, &q.DelaySeconds}, {"MaximumMessageSize", 1024, 65536, &q.MaximumSize},
		{"MessageRetentionPeriod", 60, 604800, &q.Retention}, {"VisibilityTimeout", 1, 43200, &q.VisibilityTimeout},
		{"PollingWaitSeconds", 0, 30, &q.PollingWait},
	} {
		v, there := p[n.key]
		if !there {
			continue
		}
		i, ok := integer(v)
		if !ok || i < n.low || i > n.high {
			return t.f.Errorf(at+"."+n.key, "%d to %d are allowed", n.low, n.high)
		}
		*n.to = &i
	}
	if v, there := p["DlqPolicy"]; there {
		if err := t.deadLetters(at+".DlqPolicy", v, &q); err != nil {
			return err
		}
	}
	base.Queues = append(base.Queues, q)
	return nil
}

func (t *template) deadLetters(at string, v any, q *Queue) error {
	m, ok := v.(map[string]any)
	if !ok {
		return t.f.Errorf(at, "is to be a mapping")
	}
	if on, ok := m["Enabled"].(bool); !ok || !on {
		return nil
	}
	target, _ := m["DeadLetterTargetQueue"].(string)
	if name, ok := queueOf(target); ok { // name or ARN: UNCONFIRMED which (facts F)
		target = name
	}
	count, ok := integer(m["MaxReceiveCount"])
	switch {
	case target == "" || target == q.Name:
		return t.f.Errorf(at+".DeadLetterTargetQueue", "another queue is needed")
	case !ok || count < 1:
		return t.f.Errorf(at+".MaxReceiveCount", "at least 1 is needed")
	}
	q.DeadLetters, q.MaxReceiveCount = target, count
	return nil
}

// checkQueues holds names apart and dead letters' targets to what is there.
func checkQueues(f *yamlfile.File, base *Base) error {
	names := map[string]bool{}
	for _, q := range base.Queues {
		if names[q.Name] {
			return f.Errorf("Resources", "two queues are named %s", q.Name)
		}
		names[q.Name] = true
	}
	for _, q := range base.Queues {
		if q.DeadLetters != "" && !names[q.DeadLetters] {
			return f.Errorf("Resources", "queue %s names a dead-letter queue %s that is not there", q.Name, q.DeadLetters)
		}
	}
	return nil
}

func (t *template) role(at string, p map[string]any, base *Base) error {
	r := Role{}
	var ok bool
	if r.Name, ok = p["RoleName"].(string); !ok || r.Name == "" {
		return t.f.Errorf(at+".RoleName", "is to be a text")
	}
	var err error
	if r.Trust, err = json.Marshal(p["AssumeRolePolicyDocument"]); err != nil {
		return t.f.Errorf(at+".AssumeRolePolicyDocument", "%s", err)
	}
	for i, v := range listOf(p["Policies"]) {
		m, _ := v.(map[string]any)
		name, _ := m["PolicyName"].(string)
		doc, there := m["PolicyDocument"]
		if name == "" || !there || len(m) != 2 {
			return t.f.Errorf(fmt.Sprintf("%s.Policies[%d]", at, i), "PolicyName and PolicyDocument are needed, and nothing else")
		}
		text, err := json.Marshal(doc)
		if err == nil {
			_, err = ram.Parse(string(text))
		}
		if err != nil {
			return t.f.Errorf(fmt.Sprintf("%s.Policies[%d].PolicyDocument", at, i), "%s", err)
		}
		r.Policies = append(r.Policies, Policy{Name: name, Document: text})
	}
	base.Roles = append(base.Roles, r)
	return nil
}

func integer(v any) (int, bool) {
	switch n := v.(type) {
	case uint64:
		return int(n), n < 1<<31
	case int64:
		return int(n), n > -1<<31 && n < 1<<31
	}
	return 0, false
}

func listOf(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}
