package manifest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpcinterconnect/shared/localcloud/yamlfile"
)

// The structs below are s.yaml's keys as far as the local cloud acts on them
// or may leave them be (facts A6, D1, E1).
type serverlessFile struct {
	Edition   string              `yaml:"edition"`
	Name      string              `yaml:"name"`
	Access    string              `yaml:"access"`
	Vars      map[string]any      `yaml:"vars"`
	Resources map[string]resource `yaml:"resources"`
}

type resource struct {
	Component string         `yaml:"component"`
	Actions   map[string]any `yaml:"actions"` // run by the deployer around a deploy: none here
	Props     props          `yaml:"props"`
}

type props struct {
	Region               string            `yaml:"region"`
	FunctionName         string            `yaml:"functionName"`
	Description          string            `yaml:"description"`
	Runtime              string            `yaml:"runtime"`
	Handler              string            `yaml:"handler"`
	Code                 string            `yaml:"code"`
	CPU                  float64           `yaml:"cpu"`
	MemorySize           int               `yaml:"memorySize"`
	DiskSize             int               `yaml:"diskSize"`
	Timeout              int               `yaml:"timeout"`
	Role                 string            `yaml:"role"`
	InternetAccess       *bool             `yaml:"internetAccess"`
	EnvironmentVariables map[string]string `yaml:"environmentVariables"`
	LogConfig            *logConfig        `yaml:"logConfig"`
	ConcurrencyConfig    *struct {
		ReservedConcurrency int `yaml:"reservedConcurrency"`
	} `yaml:"concurrencyConfig"`
	AsyncInvokeConfig *asyncInvokeConfig `yaml:"asyncInvokeConfig"`
	Tags              []tag              `yaml:"tags"`
	Triggers          []triggerNode      `yaml:"triggers"`
}

type tag struct {
	Key   string `yaml:"key"`
	Value string `yaml:"value"`
}

// logConfig names a Logstore; what functions print goes to the local cloud's
// own log whatever it says.
type logConfig struct {
	Project               string `yaml:"project"`
	Logstore              string `yaml:"logstore"`
	EnableRequestMetrics  bool   `yaml:"enableRequestMetrics"`
	EnableInstanceMetrics bool   `yaml:"enableInstanceMetrics"`
	LogBeginRule          string `yaml:"logBeginRule"`
}

type asyncInvokeConfig struct {
	MaxAsyncEventAgeInSeconds *int `yaml:"maxAsyncEventAgeInSeconds"`
	MaxAsyncRetryAttempts     *int `yaml:"maxAsyncRetryAttempts"`
	DestinationConfig         struct {
		OnFailure *destination `yaml:"onFailure"`
		OnSuccess *destination `yaml:"onSuccess"`
	} `yaml:"destinationConfig"`
}

type destination struct {
	Destination string `yaml:"destination"`
}

type triggerNode struct {
	TriggerName   string        `yaml:"triggerName"`
	TriggerType   string        `yaml:"triggerType"`
	Description   string        `yaml:"description"`
	Qualifier     string        `yaml:"qualifier"`
	TriggerConfig triggerConfig `yaml:"triggerConfig"`
}

// triggerConfig holds every type's keys; keysOf says which belong to which.
type triggerConfig struct {
	AuthType           *string  `yaml:"authType"`
	DisableURLInternet *bool    `yaml:"disableURLInternet"`
	Methods            []string `yaml:"methods"`

	CronExpression *string `yaml:"cronExpression"`
	Enable         *bool   `yaml:"enable"`
	Payload        *string `yaml:"payload"`

	TriggerEnable          *bool        `yaml:"triggerEnable"`
	AsyncInvocationType    *bool        `yaml:"asyncInvocationType"`
	EventRuleFilterPattern *string      `yaml:"eventRuleFilterPattern"`
	EventSinkConfig        *eventSink   `yaml:"eventSinkConfig"`
	EventSourceConfig      *eventSource `yaml:"eventSourceConfig"`
	RunOptions             *runOptions  `yaml:"runOptions"`
}

// present tells which keys are there, by type of trigger.
func (c *triggerConfig) present() map[string][]string {
	all := map[string]map[string]bool{
		"http": {
			"authType": c.AuthType != nil, "disableURLInternet": c.DisableURLInternet != nil, "methods": c.Methods != nil,
		},
		"timer": {
			"cronExpression": c.CronExpression != nil, "enable": c.Enable != nil, "payload": c.Payload != nil,
		},
		"eventbridge": {
			"triggerEnable": c.TriggerEnable != nil, "asyncInvocationType": c.AsyncInvocationType != nil,
			"eventRuleFilterPattern": c.EventRuleFilterPattern != nil, "eventSinkConfig": c.EventSinkConfig != nil,
			"eventSourceConfig": c.EventSourceConfig != nil, "runOptions": c.RunOptions != nil,
		},
	}
	out := map[string][]string{}
	for kind, keys := range all {
		out[kind] = nil
		for k, there := range keys {
			if there {
				out[kind] = append(out[kind], k)
			}
		}
		slices.Sort(out[kind])
	}
	return out
}

type eventSink struct {
	DeliveryOption struct {
		Mode        string `yaml:"mode"`
		EventSchema string `yaml:"eventSchema"`
	} `yaml:"deliveryOption"`
}

type eventSource struct {
	EventSourceType       string `yaml:"eventSourceType"`
	EventSourceParameters struct {
		SourceMNSParameters struct {
			RegionId       string `yaml:"RegionId"`
			QueueName      string `yaml:"QueueName"`
			IsBase64Decode *bool  `yaml:"IsBase64Decode"`
		} `yaml:"sourceMNSParameters"`
	} `yaml:"eventSourceParameters"`
}

type runOptions struct {
	Mode            string `yaml:"mode"`
	ErrorsTolerance string `yaml:"errorsTolerance"`
	RetryStrategy   struct {
		PushRetryStrategy string `yaml:"PushRetryStrategy"`
	} `yaml:"retryStrategy"`
	BatchWindow struct {
		CountBasedWindow int `yaml:"CountBasedWindow"`
		TimeBasedWindow  int `yaml:"TimeBasedWindow"` // seconds
	} `yaml:"batchWindow"`
	DeadLetterQueue *struct {
		Arn string `yaml:"Arn"`
	} `yaml:"deadLetterQueue"`
}

// Functions reads s.yaml. env looks up what ${env('X')} asks for.
func Functions(name string, data []byte, env func(string) (string, bool)) ([]Function, error) {
	f, err := yamlfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	if err := expandVariables(f, env); err != nil {
		return nil, err
	}
	var file serverlessFile
	if err := f.Decode(&file); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(file.Edition, "3.") {
		return nil, f.Errorf("edition", "only edition 3 is known, this is %q", file.Edition)
	}
	if len(file.Resources) == 0 {
		return nil, f.Errorf("resources", "there is none")
	}
	var out []Function
	names := map[string]string{}
	for _, id := range sortedKeys(file.Resources) {
		at := "resources." + id
		fn, err := function(f, at, file.Resources[id])
		if err != nil {
			return nil, err
		}
		if other := names[fn.Name]; other != "" {
			return nil, f.Errorf(at+".props.functionName", "%q is resource %s's name already", fn.Name, other)
		}
		names[fn.Name] = id
		fn.ID = id
		out = append(out, *fn)
	}
	return out, nil
}

func function(f *yamlfile.File, at string, r resource) (*Function, error) {
	p := r.Props
	at += ".props"
	needed := []struct{ key, value string }{
		{"region", p.Region}, {"functionName", p.FunctionName}, {"runtime", p.Runtime},
		{"handler", p.Handler}, {"code", p.Code}, {"role", p.Role},
	}
	if r.Component != "fc3" {
		return nil, f.Errorf(strings.TrimSuffix(at, "props")+"component", "only fc3 is known, this is %q", r.Component)
	}
	for _, n := range needed {
		if n.value == "" {
			return nil, f.Errorf(at+"."+n.key, "is needed")
		}
	}
	fn := &Function{
		Name: p.FunctionName, Region: p.Region, Runtime: p.Runtime, Handler: p.Handler, Code: path.Clean(p.Code),
		Timeout: time.Duration(orDefault(p.Timeout, 3)) * time.Second, MemoryMB: orDefault(p.MemorySize, 512),
		DiskMB: orDefault(p.DiskSize, 512), CPU: p.CPU, Role: p.Role, Environment: p.EnvironmentVariables,
		Async: Async{Retries: 3, MaxAge: 24 * time.Hour},
	}
	if fn.CPU == 0 {
		fn.CPU = 0.35
	}
	limits := []struct {
		key string
		bad bool
		why string
	}{
		{"runtime", p.Runtime != "go1", "only go1 is known here"},
		{"functionName", len(p.FunctionName) > 64, "at most 64 characters are allowed"},
		{"timeout", fn.Timeout < time.Second || fn.Timeout > 24*time.Hour, "1 to 86400 seconds are allowed"},
		{"memorySize", fn.MemoryMB < 128 || fn.MemoryMB > 32768 || fn.MemoryMB%64 != 0, "128 to 32768 MB in steps of 64 are allowed"},
		{"diskSize", fn.DiskMB != 512 && fn.DiskMB != 10240, "512 or 10240 MB are allowed"},
		{"cpu", fn.CPU*1024 < float64(fn.MemoryMB)/4 || fn.CPU*1024 > float64(fn.MemoryMB), "one vCPU to 1 to 4 GB of memory is allowed"},
		{"role", !roleARN.MatchString(p.Role), "the form is acs:ram::<account>:role/<name>, the name in lower case"},
	}
	for _, l := range limits {
		if l.bad {
			return nil, f.Errorf(at+"."+l.key, "%s", l.why)
		}
	}
	if err := environment(f, at+".environmentVariables", p.EnvironmentVariables); err != nil {
		return nil, err
	}
	if c := p.ConcurrencyConfig; c != nil {
		if c.ReservedConcurrency < 1 {
			return nil, f.Errorf(at+".concurrencyConfig.reservedConcurrency", "at least 1 is needed")
		}
		fn.Instances = c.ReservedConcurrency
	}
	if err := async(f, at+".asyncInvokeConfig", p.AsyncInvokeConfig, &fn.Async); err != nil {
		return nil, err
	}
	for i, t := range p.Triggers {
		if err := addTrigger(f, fmt.Sprintf("%s.triggers[%d]", at, i), t, fn); err != nil {
			return nil, err
		}
	}
	return fn, nil
}

// fc3 lower-cases the ARN of a role before it uses it (facts E1).
var roleARN = regexp.MustCompile(`^acs:ram::[0-9]+:role/[a-z0-9._-]+$`)

var variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func environment(f *yamlfile.File, at string, vars map[string]string) error {
	size := 0
	for _, k := range sortedKeys(vars) {
		switch {
		case !variableName.MatchString(k):
			return f.Errorf(at+"."+k, "letters, digits and _ are allowed, a letter first")
		case strings.HasPrefix(k, "FC_"):
			return f.Errorf(at+"."+k, "FC_ is Function Compute's own prefix")
		}
		size += len(k) + len(vars[k])
	}
	if size > 4096 {
		return f.Errorf(at, "%d bytes of variables are more than 4 KB", size)
	}
	return nil
}

func async(f *yamlfile.File, at string, c *asyncInvokeConfig, out *Async) error {
	if c == nil {
		return nil
	}
	if n := c.MaxAsyncRetryAttempts; n != nil {
		if *n < 0 || *n > 8 {
			return f.Errorf(at+".maxAsyncRetryAttempts", "0 to 8 are allowed")
		}
		out.Retries = *n
	}
	if n := c.MaxAsyncEventAgeInSeconds; n != nil {
		if *n < 1 || *n > 604800 {
			return f.Errorf(at+".maxAsyncEventAgeInSeconds", "1 to 604800 are allowed")
		}
		out.MaxAge = time.Duration(*n) * time.Second
	}
	for _, d := range []struct {
		key  string
		from *destination
		to   *string
	}{{"onFailure", c.DestinationConfig.OnFailure, &out.OnFailure}, {"onSuccess", c.DestinationConfig.OnSuccess, &out.OnSuccess}} {
		if d.from == nil {
			continue
		}
		q, ok := queueOf(d.from.Destination)
		if !ok {
			return f.Errorf(at+".destinationConfig."+d.key+".destination", "only a queue is known here: acs:mns:<region>:<account>:/queues/<name>/messages")
		}
		*d.to = q
	}
	return nil
}

var queueARN = regexp.MustCompile(`^acs:mns:[a-z0-9-]+:[0-9]+:/queues/([A-Za-z0-9-]{1,120})(?:/messages)?$`)

// queueOf returns the queue that an ARN names.
func queueOf(arn string) (string, bool) {
	m := queueARN.FindStringSubmatch(arn)
	if m == nil {
		return "", false
	}
	return m[1], true
}
