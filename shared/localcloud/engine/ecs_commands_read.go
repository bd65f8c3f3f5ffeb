package engine

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// unfinished are the states that a command leaves again.
var unfinished = []string{commandPending, commandRunning, commandStopping}

// overall is an invocation's state over all of its instances.
func (v invocation) overall() string {
	count := map[string]int{}
	for _, t := range v.targets {
		count[t.status]++
	}
	n := len(v.targets)
	stopped := count[commandCancelled] + count[commandTerminated]
	switch {
	case count[commandStopping] > 0:
		return commandStopping
	case count[commandPending] == n:
		return commandPending
	case count[commandPending]+count[commandRunning] > 0:
		return commandRunning
	case stopped > 0:
		return "Stopped"
	case count[commandSuccess] == n:
		return commandSuccess
	case count[commandSuccess] > 0:
		return "PartialFailed"
	}
	return commandFailed
}

// older gives a state as the fields from before 2020 say it: there, to have
// ended is Finished, whatever the exit code.
func older(status string) string {
	switch status {
	case commandPending, commandRunning:
		return "Running"
	case commandSuccess, commandFailed:
		return "Finished"
	case commandCancelled, commandTerminated, "Stopped":
		return "Stopped"
	case commandStopping, "PartialFailed":
		return status
	}
	return "Failed"
}

// olderOverall is overall in the older words: it is Failed only if no instance
// got as far as an exit code.
func (v invocation) olderOverall() string {
	status := v.overall()
	if status != commandFailed && status != "PartialFailed" {
		return older(status)
	}
	ended := 0
	for _, t := range v.targets {
		if older(t.status) == "Finished" {
			ended++
		}
	}
	switch ended {
	case len(v.targets):
		return "Finished"
	case 0:
		return "Failed"
	}
	return "PartialFailed"
}

// invocationAnswer is how both reads answer an invocation; each fills in its
// own part. The fields of file transfers stay empty.
type invocationAnswer struct {
	InvokeId, CommandId, CommandName, Name, CommandDescription, Description string
	CommandType, CommandContent, Content, ContentType                       string
	InvocationStatus, InvokeStatus, RepeatMode, Frequency, Username         string
	Parameters, WorkingDir, TerminationMode, Launcher, ContainerId          string
	ContainerName, CreationTime, NextToken                                  string
	FileGroup, FileMode, FileOwner, Overwrite, TargetDir                    string
	Timeout                                                                 int64
	PageNumber, PageSize, TotalCount                                        int64
	VmCount                                                                 int
	Timed                                                                   bool
	Tags                                                                    ecsTags
	InvokeInstances                                                         struct{ InvokeInstance []invokeInstance }
	InvocationResults                                                       struct{ InvocationResult []invocationResult }
}

type invokeInstance struct {
	InstanceId, InvocationStatus, InstanceInvokeStatus string
	ErrorCode, ErrorInfo, Output                       string
	CreationTime, StartTime, FinishTime                string
	StopTime, UpdateTime                               string
	ExitCode                                           int64
	Repeats, Dropped                                   int
	Timed                                              bool
}

type invocationResult struct {
	InvokeId, CommandId, InstanceId, InvocationStatus string
	InvokeRecordStatus, ErrorCode, ErrorInfo, Output  string
	StartTime, FinishedTime, StopTime                 string
	Username, ContainerId, ContainerName              string
	TerminationMode, Launcher                         string
	ExitCode                                          int64
	Repeats, Dropped                                  int
	Tags                                              ecsTags
}

// encoder returns how a read writes content and output: Base64 unless told
// otherwise.
func encoder(encoding string) (func(string) string, *Error) {
	switch strings.ToLower(encoding) {
	case "", "base64":
		return func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }, nil
	case "plaintext":
		return func(s string) string { return s }, nil
	}
	return nil, &Error{400, "InvalidParameter", `The parameter "ContentEncoding" must be PlainText or Base64.`}
}

type describeInvocationsParams struct {
	ecsPaging
	RegionId        string `api:",required"`
	CommandId       string
	CommandName     string
	CommandType     string
	ContentEncoding string
	IncludeOutput   bool
	InstanceId      string
	InvokeId        string
	InvokeStatus    string
	RepeatMode      string
	ResourceGroupId string
	Tag             []Tag `api:",max=20"`
	Timed           bool
}

type describeInvocationsAnswer struct {
	Answer
	PageSize    int
	PageNumber  int
	TotalCount  int
	NextToken   string
	Invocations struct{ Invocation []invocationAnswer }
}

// invocationsSeen returns the invocations of a region that are still kept,
// newest first.
func (e *Engine) invocationsSeen(t *tx, f func(invocation) bool) []invocation {
	all := e.invocations.list(t.seen, func(v invocation) bool {
		return v.region == t.region && t.now.Sub(v.created) < commandsKept && f(v)
	})
	slices.Reverse(all)
	return all
}

func (v invocation) isOn(instanceID string) bool {
	return slices.ContainsFunc(v.targets, func(t target) bool { return t.instanceID == instanceID })
}

func (e *Engine) apiDescribeInvocations(t *tx, p *describeInvocationsParams) (*describeInvocationsAnswer, error) {
	encode, err := encoder(p.ContentEncoding)
	if err != nil {
		return nil, err
	}
	if p.IncludeOutput && p.InvokeId == "" && p.InstanceId == "" {
		return nil, &Error{400, "MissingParameter", `With "IncludeOutput" either "InvokeId" or "InstanceId" must be specified.`}
	}
	if p.Timed {
		return nil, unsupported("DescribeInvocations's parameter Timed: there are no scheduled commands")
	}
	all := e.invocationsSeen(t, func(v invocation) bool {
		return (p.InvokeId == "" || v.id == p.InvokeId) &&
			(p.CommandId == "" || v.commandID == p.CommandId) &&
			(p.CommandName == "" || v.name == p.CommandName) &&
			(p.CommandType == "" || v.kind == p.CommandType) &&
			(p.InstanceId == "" || v.isOn(p.InstanceId)) &&
			(p.InvokeStatus == "" || v.overall() == p.InvokeStatus || v.olderOverall() == p.InvokeStatus) &&
			(p.RepeatMode == "" || v.repeatMode == p.RepeatMode) &&
			(p.ResourceGroupId == "" || v.resourceGroupID == p.ResourceGroupId) &&
			tagged(v.tags, p.Tag)
	})
	cut, perr := paginate(all, p.ecsPaging, 10, 50)
	if perr != nil {
		return nil, perr
	}
	a := &describeInvocationsAnswer{PageSize: cut.size, PageNumber: cut.number, TotalCount: cut.total, NextToken: cut.next}
	a.Invocations.Invocation = []invocationAnswer{}
	for _, v := range cut.items {
		a.Invocations.Invocation = append(a.Invocations.Invocation, v.answer(encode, p.IncludeOutput))
	}
	return a, nil
}

func (v invocation) answer(encode func(string) string, withOutput bool) invocationAnswer {
	a := invocationAnswer{
		InvokeId: v.id, CommandId: v.commandID, CommandName: v.name, CommandDescription: v.description,
		CommandType: v.kind, CommandContent: encode(v.content), InvocationStatus: v.overall(), InvokeStatus: v.olderOverall(),
		RepeatMode: v.repeatMode, Username: v.username, Parameters: "{}", TerminationMode: v.terminationMode,
		CreationTime: fmtTime(v.created), Timeout: int64(v.timeout.Seconds()), VmCount: len(v.targets), Tags: answerTags(v.tags),
	}
	a.InvocationResults.InvocationResult = []invocationResult{}
	for _, t := range v.targets {
		i := invokeInstance{
			InstanceId: t.instanceID, InvocationStatus: t.status, InstanceInvokeStatus: older(t.status),
			ErrorCode: t.errorCode, ErrorInfo: errorTexts[t.errorCode], CreationTime: fmtTime(v.created),
			StartTime: fmtTime(t.started), FinishTime: fmtTime(t.finished), StopTime: fmtTime(t.stopped),
			UpdateTime: fmtTime(t.lastUpdate), ExitCode: int64(t.exitCode), Repeats: t.runs, Dropped: t.dropped,
		}
		if withOutput {
			i.Output = encode(t.output)
		}
		a.InvokeInstances.InvokeInstance = append(a.InvokeInstances.InvokeInstance, i)
	}
	return a
}

type describeResultsParams struct {
	ecsPaging
	RegionId           string `api:",required"`
	CommandId          string
	ContentEncoding    string
	IncludeHistory     bool
	InstanceId         string
	InvokeId           string
	InvokeRecordStatus string
	ResourceGroupId    string
	Tag                []Tag `api:",max=20"`
}

type describeResultsAnswer struct {
	Answer
	Invocation invocationAnswer
}

func (e *Engine) apiDescribeInvocationResults(t *tx, p *describeResultsParams) (*describeResultsAnswer, error) {
	encode, err := encoder(p.ContentEncoding)
	if err != nil {
		return nil, err
	}
	all := []invocationResult{}
	for _, v := range e.invocationsSeen(t, func(v invocation) bool {
		return (p.InvokeId == "" || v.id == p.InvokeId) && (p.CommandId == "" || v.commandID == p.CommandId) &&
			(p.ResourceGroupId == "" || v.resourceGroupID == p.ResourceGroupId) && tagged(v.tags, p.Tag)
	}) {
		for _, x := range v.targets {
			wanted := p.InvokeRecordStatus == "" || p.InvokeRecordStatus == older(x.status) || p.InvokeRecordStatus == x.status
			if wanted && (p.InstanceId == "" || x.instanceID == p.InstanceId) {
				all = append(all, v.result(x, encode))
			}
		}
	}
	cut, perr := paginate(all, p.ecsPaging, 10, 50)
	if perr != nil {
		return nil, perr
	}
	a := &describeResultsAnswer{}
	a.Invocation = invocationAnswer{
		NextToken: cut.next, PageNumber: int64(cut.number), PageSize: int64(cut.size), TotalCount: int64(cut.total), Tags: answerTags(nil),
	}
	a.Invocation.InvokeInstances.InvokeInstance = []invokeInstance{}
	a.Invocation.InvocationResults.InvocationResult = cut.items
	return a, nil
}

func (v invocation) result(t target, encode func(string) string) invocationResult {
	return invocationResult{
		InvokeId: v.id, CommandId: v.commandID, InstanceId: t.instanceID, InvocationStatus: t.status,
		InvokeRecordStatus: older(t.status), ErrorCode: t.errorCode, ErrorInfo: errorTexts[t.errorCode], Output: encode(t.output),
		StartTime: fmtTime(t.started), FinishedTime: fmtTime(t.finished), StopTime: fmtTime(t.stopped), Username: v.username,
		TerminationMode: v.terminationMode, ExitCode: int64(t.exitCode), Repeats: t.runs, Dropped: t.dropped, Tags: answerTags(v.tags),
	}
}

type describeAgentsParams struct {
	ecsPaging
	RegionId   string   `api:",required"`
	InstanceId []string `api:",max=100"`
	OSType     string
}

type describeAgentsAnswer struct {
	Answer
	PageSize                        int
	PageNumber                      int
	TotalCount                      int
	NextToken                       string
	InstanceCloudAssistantStatusSet struct{ InstanceCloudAssistantStatus []agentAnswer }
}

type agentAnswer struct {
	InstanceId            string
	CloudAssistantStatus  string // "true" or "false"
	CloudAssistantVersion string
	LastHeartbeatTime     string
	LastInvokedTime       string
	OSType                string
	ActiveTaskCount       int64
	InvocationCount       int64
	SupportSessionManager bool
}

func (e *Engine) apiDescribeCloudAssistantStatus(t *tx, p *describeAgentsParams) (*describeAgentsAnswer, error) {
	for _, id := range p.InstanceId {
		if i, ok := e.instances.get(t.seen, id); !ok || i.RegionID != t.region {
			return nil, &Error{404, "InvalidInstance.NotFound", "The specified instance does not exist."}
		}
	}
	all := e.instances.list(t.seen, func(i Instance) bool {
		return i.RegionID == t.region && (len(p.InstanceId) == 0 || slices.Contains(p.InstanceId, i.ID)) &&
			(p.OSType == "" || strings.EqualFold(p.OSType, i.Guest.OS))
	})
	if len(p.InstanceId) > 0 { // paging is of no effect then
		p.ecsPaging = ecsPaging{PageNumber: 1, PageSize: 100}
	}
	most := 50
	if len(p.InstanceId) > 0 {
		most = 100
	}
	cut, err := paginate(all, p.ecsPaging, 10, most)
	if err != nil {
		return nil, err
	}
	a := &describeAgentsAnswer{PageSize: cut.size, PageNumber: cut.number, TotalCount: cut.total, NextToken: cut.next}
	a.InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus = []agentAnswer{}
	for _, i := range cut.items {
		a.InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus = append(a.InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus, e.answerAgent(t, i))
	}
	return a, nil
}

func (e *Engine) answerAgent(t *tx, i Instance) agentAnswer {
	online := i.Status == InstanceRunning && i.Guest.AgentOnline
	a := agentAnswer{InstanceId: i.ID, CloudAssistantStatus: strconv.FormatBool(online), OSType: i.Guest.OS}
	if i.Guest.AgentOnline {
		a.CloudAssistantVersion, a.SupportSessionManager = "2.2.4.961", true
	}
	if online {
		a.LastHeartbeatTime = fmtTime(t.now)
	}
	for _, v := range e.invocations.list(t.seen, func(v invocation) bool { return v.isOn(i.ID) }) {
		for _, x := range v.targets {
			if x.instanceID != i.ID {
				continue
			}
			if slices.Contains(unfinished, x.status) {
				a.ActiveTaskCount++
			}
			if !x.started.IsZero() {
				a.InvocationCount++
				a.LastInvokedTime = fmtTime(x.started)
			}
		}
	}
	return a
}
