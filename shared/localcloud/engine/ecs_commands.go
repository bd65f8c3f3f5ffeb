package engine

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// invocation is one run of a Cloud Assistant command on some instances.
type invocation struct {
	id, commandID, region       string
	name, description           string
	kind                        string // RunShellScript, ...
	content                     string // decoded
	timeout                     time.Duration
	username, terminationMode   string
	resourceGroupID, repeatMode string
	keep                        bool
	created                     time.Time
	tags                        []Tag
	targets                     []target
}

// target is what becomes of a command on one instance.
type target struct {
	instanceID          string
	status              string
	errorCode           string
	output              string
	dropped             int // bytes of output beyond what is kept
	exitCode            int
	runs                int
	started, finished   time.Time
	stopped, lastUpdate time.Time
}

// The states of a command on an instance.
const (
	commandPending    = "Pending"
	commandRunning    = "Running"
	commandStopping   = "Stopping"
	commandSuccess    = "Success"
	commandFailed     = "Failed" // it exited with a code other than 0
	commandError      = "Error"
	commandTimeout    = "Timeout"
	commandAborted    = "Aborted" // it could not be delivered
	commandCancelled  = "Cancelled"
	commandTerminated = "Terminated"
)

const (
	// deliveryTime is from a RunCommand to the script's start in a calm cloud:
	// an assumption, no figure is published.
	deliveryTime = 400 * time.Millisecond
	// deliveryLimit is how long a command may take to reach the agent.
	deliveryLimit = time.Minute
	// stoppingTime is what StopInvocation takes to end a script.
	stoppingTime = time.Second

	maxOutput       = 24 << 10
	maxContent      = 24 << 10 // of the command's content after Base64
	maxKeptContent  = 18 << 10 // the same, with KeepCommand
	leastTimeout    = 10       // seconds
	commandsKept    = 30 * 24 * time.Hour
	defaultUsername = "root"
)

// errorTexts are the sentences that come with a failed command's error code.
var errorTexts = map[string]string{
	"InstanceReleased":     "the instance was released while the task was under way",
	"InstanceNotRunning":   "the instance was not running while the task was under way",
	"AccountNotExists":     "the account does not exist in the instance",
	"ClientNotRunning":     "the aliyun service is not running in the instance",
	"DeliveryTimeout":      "the command could not be delivered in time",
	"ExecutionTimeout":     "the command did not end within its timeout",
	"ExecutionException":   "the command could not be carried out: this cloud's guests run shell scripts only",
	"ExecutionInterrupted": "the command was interrupted",
	"ExitCodeNonzero":      "the command exited with a code other than zero",
}

// commandTypes says which operating system each type of command is for.
var commandTypes = map[string]string{"RunShellScript": "linux", "RunBatScript": "windows", "RunPowerShellScript": "windows"}

type runCommandParams struct {
	RegionId            string `api:",required"`
	ClientToken         string
	CommandContent      string `api:",required"`
	ContainerId         string `ecs:"refused"`
	ContainerName       string `ecs:"refused"`
	ContentEncoding     string
	Description         string
	EnableParameter     bool     `ecs:"refused"`
	Frequency           string   `ecs:"refused"`
	InstanceId          []string `api:",max=100"`
	KeepCommand         bool
	Launcher            string `ecs:"refused"`
	Name                string
	OssOutputDelivery   string `ecs:"refused"`
	Parameters          string `ecs:"refused"`
	RepeatMode          string
	ResourceGroupId     string
	ResourceTag         []Tag `api:",max=10"`
	Tag                 []Tag `api:",max=20"`
	TerminationMode     string
	Timed               bool `ecs:"refused"`
	Timeout             *int
	Type                string `api:",required"`
	Username            string
	WindowsPasswordName string `ecs:"refused"`
	WorkingDir          string `ecs:"refused"`
}

type runCommandAnswer struct {
	Answer
	CommandId string
	InvokeId  string
}

// commandContent decodes a command's content and checks its length.
func commandContent(p *runCommandParams) (string, *Error) {
	content, encoded := p.CommandContent, len(p.CommandContent)
	switch strings.ToLower(p.ContentEncoding) {
	case "", "plaintext":
		encoded = base64.StdEncoding.EncodedLen(len(content))
	case "base64":
		b, err := base64.StdEncoding.DecodeString(content)
		if err != nil {
			return "", &Error{403, "CmdContent.DecodeError", "The CommandContent can not be base64 decoded."}
		}
		content = string(b)
	default:
		return "", &Error{400, "InvalidParameter", `The parameter "ContentEncoding" must be PlainText or Base64.`}
	}
	if encoded > maxContent || p.KeepCommand && encoded > maxKeptContent {
		return "", &Error{403, "CmdContent.ExceedLimit", "The maximum length of a command is exceeded."}
	}
	return content, nil
}

// checkCommand is what is checked before instances are looked at.
func checkCommand(p *runCommandParams) *Error {
	modes := []string{"Once", "DryRun"}
	switch {
	case commandTypes[p.Type] == "":
		return &Error{403, "InvalidCmdType.NotFound", "The specified command type does not exist."}
	case utf8.RuneCountInString(p.Name) > 128:
		return &Error{403, "CmdName.ExceedLimit", "The length of the command name exceeds the upper limit."}
	case utf8.RuneCountInString(p.Description) > 512:
		return &Error{403, "CmdDesc.ExceedLimit", "The length of the command description exceeds the upper limit."}
	case len(p.Username) > 255:
		return &Error{403, "Username.ExceedLimit", "The length of the username exceeds the upper limit."}
	case slices.Contains([]string{"Period", "NextRebootOnly", "EveryReboot"}, p.RepeatMode):
		return unsupported("RunCommand's RepeatMode " + p.RepeatMode)
	case p.RepeatMode != "" && !slices.Contains(modes, p.RepeatMode):
		return &Error{404, "InvalidRepeatMode.NotFound", "The specified repeat mode does not exist."}
	case p.TerminationMode != "" && p.TerminationMode != "Process" && p.TerminationMode != "ProcessTree":
		return &Error{404, "InvalidTerminationMode.NotFound", "The specified parameter TerminationMode does not exist."}
	case p.Timeout != nil && *p.Timeout < leastTimeout:
		return &Error{400, "InvalidParameter.Timeout", "The specified parameter Timeout is not valid: at least 10 seconds."}
	case len(p.InstanceId) > 0 && len(p.ResourceTag) > 0:
		return &Error{400, "InvalidResourceTag.ConflictWithInstanceIds", "The specified param ResourceTag conflicts with InstanceId."}
	case len(p.InstanceId) == 0 && len(p.ResourceTag) == 0:
		return &Error{400, "MissingParam.InstanceId", "The parameter instanceId is missing or empty."}
	}
	return nil
}

// commandTargets returns the instances that a command is for. One that cannot
// take it fails the call for all.
func (e *Engine) commandTargets(t *tx, p *runCommandParams) ([]Instance, *Error) {
	if len(p.ResourceTag) > 0 {
		found := e.instances.list(latest, func(i Instance) bool { return i.RegionID == t.region && tagged(i.Tags, p.ResourceTag) })
		for _, i := range found {
			p.InstanceId = append(p.InstanceId, i.ID)
		}
		if len(found) == 0 {
			return nil, &Error{400, "InvalidResourceTag.InstanceNotFound", "InstanceIds are not found by the specified ResourceTag."}
		}
	}
	var out []Instance
	for _, id := range p.InstanceId {
		i, ok := e.instances.get(latest, id)
		if !ok || i.RegionID != t.region {
			return nil, &Error{404, "InvalidInstance.NotFound", "The specified instance does not exist."}
		}
		offline := !i.Guest.AgentOnline && (e.opt.Switches.OfflineAgentRefusesCommand || p.RepeatMode == "DryRun")
		if i.Status != InstanceRunning || i.Guest.OS != commandTypes[p.Type] || offline {
			return nil, &Error{403, "InvalidInstance.NotMatch", "The specified instance type does not match the command."}
		}
		if !slices.ContainsFunc(out, func(o Instance) bool { return o.ID == id }) {
			out = append(out, i)
		}
	}
	return out, nil
}

func (e *Engine) apiRunCommand(t *tx, p *runCommandParams) (*runCommandAnswer, error) {
	if err := checkCommand(p); err != nil {
		return nil, err
	}
	content, err := commandContent(p)
	if err != nil {
		return nil, err
	}
	if err := checkTags(p.Tag); err != nil {
		return nil, err
	}
	on, err := e.commandTargets(t, p)
	if err != nil {
		return nil, err
	}
	if p.RepeatMode == "DryRun" {
		return &runCommandAnswer{}, nil
	}
	v := invocation{
		id: "t-" + e.newID("x")[2:], commandID: "c-" + e.newID("x")[2:], region: t.region, name: p.Name, description: p.Description,
		kind: p.Type, content: content, timeout: time.Duration(deref(p.Timeout, 60)) * time.Second,
		username: p.Username, terminationMode: orDefault(p.TerminationMode, "Process"), repeatMode: "Once",
		resourceGroupID: p.ResourceGroupId, keep: p.KeepCommand, created: t.now, tags: p.Tag,
	}
	for _, i := range on {
		v.targets = append(v.targets, target{instanceID: i.ID, status: commandPending, lastUpdate: t.now})
	}
	e.invocations.put(t.now, v.id, v)
	for _, i := range on {
		e.after(deliveryTime, func() { e.deliver(v.id, i.ID) })
	}
	return &runCommandAnswer{CommandId: v.commandID, InvokeId: v.id}, nil
}

// target returns an invocation and its target on an instance.
func (e *Engine) target(invokeID, instanceID string) (invocation, target, bool) {
	v, ok := e.invocations.get(latest, invokeID)
	n := slices.IndexFunc(v.targets, func(t target) bool { return t.instanceID == instanceID })
	if !ok || n < 0 {
		return v, target{}, false
	}
	return v, v.targets[n], true
}

// moveTarget changes a target that is in one of some states.
func (e *Engine) moveTarget(invokeID, instanceID string, from []string, f func(*target)) {
	e.invocations.update(e.now, invokeID, func(v *invocation) {
		v.targets = slices.Clone(v.targets)
		for n := range v.targets {
			if t := &v.targets[n]; t.instanceID == instanceID && slices.Contains(from, t.status) {
				f(t)
				t.lastUpdate = e.now
			}
		}
	})
}

// end puts a target into a final state, and kills what runs for it.
func (e *Engine) end(invokeID, instanceID string, from []string, status, code string) {
	if stop := e.stops[[2]string{invokeID, instanceID}]; stop != nil {
		stop()
		delete(e.stops, [2]string{invokeID, instanceID})
	}
	e.moveTarget(invokeID, instanceID, from, func(t *target) {
		t.status, t.errorCode, t.finished = status, code, e.now
	})
}

// deliver hands a command to the agent, which starts it.
func (e *Engine) deliver(invokeID, instanceID string) {
	v, t, ok := e.target(invokeID, instanceID)
	if !ok || t.status != commandPending {
		return
	}
	pending := []string{commandPending}
	i, there := e.instances.get(latest, instanceID)
	switch {
	case !there:
		e.end(invokeID, instanceID, pending, commandAborted, "InstanceReleased")
	case i.Status != InstanceRunning || i.Guest.AgentHangs:
		e.after(max(deliveryLimit-e.now.Sub(v.created), 0), func() {
			e.end(invokeID, instanceID, pending, commandAborted, "DeliveryTimeout")
		})
	case !i.Guest.AgentOnline || e.opt.Guest == nil:
		e.end(invokeID, instanceID, pending, commandAborted, "ClientNotRunning")
	case v.kind != "RunShellScript":
		e.end(invokeID, instanceID, pending, commandError, "ExecutionException")
	case v.username != "" && v.username != defaultUsername:
		e.end(invokeID, instanceID, pending, commandError, "AccountNotExists")
	default:
		e.start(v, i)
	}
}

// start runs the script against the world as it is now; what came of it shows
// when the time that it took has passed.
func (e *Engine) start(v invocation, i Instance) {
	e.moveTarget(v.id, i.ID, []string{commandPending}, func(t *target) {
		t.status, t.started, t.runs = commandRunning, e.now, 1
	})
	s := Script{Topology: e.topology(), InstanceID: i.ID, Content: v.content, Timeout: v.timeout, Start: e.now}
	if live, ok := e.opt.Guest.(LiveGuest); ok {
		e.stops[[2]string{v.id, i.ID}] = live.Start(s, func(done Execution) {
			e.Do(func(time.Time) { e.ended(v, i.ID, done) })
		})
		return
	}
	done := e.opt.Guest.Run(s)
	e.after(min(done.Took, v.timeout), func() { e.ended(v, i.ID, done) })
}

// ended records how a script ended, unless it has been stopped meanwhile.
func (e *Engine) ended(v invocation, instanceID string, done Execution) {
	delete(e.stops, [2]string{v.id, instanceID})
	status, code := commandSuccess, ""
	switch {
	case done.Took >= v.timeout:
		status, code = commandTimeout, "ExecutionTimeout"
	case done.ExitCode != 0:
		status, code = commandFailed, "ExitCodeNonzero"
	}
	e.moveTarget(v.id, instanceID, []string{commandRunning}, func(t *target) {
		t.status, t.errorCode, t.finished, t.exitCode = status, code, e.now, done.ExitCode
		t.output = done.Output[:min(len(done.Output), maxOutput)]
		t.dropped = len(done.Output) - len(t.output)
	})
}

// interrupt ends what runs on an instance that goes away. What is not delivered
// yet finds that out by itself.
func (e *Engine) interrupt(instanceID, code string) {
	for _, v := range e.invocations.list(latest, nil) {
		e.end(v.id, instanceID, []string{commandRunning, commandStopping}, commandError, code)
	}
}

type stopInvocationParams struct {
	RegionId   string   `api:",required"`
	InvokeId   string   `api:",required"`
	InstanceId []string `api:",max=100"`
}

// apiStopInvocation cancels a command where it has not started, and kills it
// where it runs; where it has ended nothing happens.
func (e *Engine) apiStopInvocation(t *tx, p *stopInvocationParams) (*Answer, error) {
	v, ok := e.invocations.get(latest, p.InvokeId)
	if !ok || v.region != t.region {
		return nil, &Error{404, "InvalidInvokeId.NotFound", "The specified invoke ID does not exist."}
	}
	for _, id := range p.InstanceId {
		if !slices.ContainsFunc(v.targets, func(t target) bool { return t.instanceID == id }) {
			return nil, &Error{404, "InvalidInstance.NotFound", "The specified instance does not exist."}
		}
	}
	for _, one := range v.targets {
		if len(p.InstanceId) > 0 && !slices.Contains(p.InstanceId, one.instanceID) {
			continue
		}
		e.moveTarget(v.id, one.instanceID, []string{commandPending, commandRunning}, func(t *target) {
			t.stopped = e.now
			if t.status == commandPending {
				t.status, t.finished = commandCancelled, e.now
				return
			}
			t.status = commandStopping
			e.after(stoppingTime, func() {
				e.end(v.id, one.instanceID, []string{commandStopping}, commandTerminated, "ExecutionInterrupted")
			})
		})
	}
	return &Answer{}, nil
}

func ecsCommandActions() []Action {
	return []Action{
		ecsRead("DescribeCloudAssistantStatus", (*Engine).apiDescribeCloudAssistantStatus),
		ecsWrite("RunCommand", (*Engine).apiRunCommand),
		ecsWrite("StopInvocation", (*Engine).apiStopInvocation),
		ecsRead("DescribeInvocations", (*Engine).apiDescribeInvocations),
		ecsRead("DescribeInvocationResults", (*Engine).apiDescribeInvocationResults),
	}
}
