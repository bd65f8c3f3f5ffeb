package alicloud

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"

	"vpcinterconnect/shared/interconnect"
)

// How many instances the APIs take in one call, or give on one page.
const (
	instancePage = 100
	agentBatch   = 50
)

// Instances returns the ECS instances in a VPC.
func (c *Reader) Instances(ctx context.Context, region, vpcID string) ([]interconnect.Instance, error) {
	return c.instances(ctx, region, func(req *ecs.DescribeInstancesRequest) { req.VpcId = vpcID })
}

// InstancesByID returns those of the instances that exist.
func (c *Reader) InstancesByID(ctx context.Context, region string, ids []string) ([]interconnect.Instance, error) {
	var all []interconnect.Instance
	for chunk := range slices.Chunk(ids, instancePage) {
		list, err := json.Marshal(chunk)
		if err != nil {
			return nil, err
		}
		found, err := c.instances(ctx, region, func(req *ecs.DescribeInstancesRequest) { req.InstanceIds = string(list) })
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (c *Reader) instances(ctx context.Context, region string, which func(*ecs.DescribeInstancesRequest)) ([]interconnect.Instance, error) {
	return byToken("DescribeInstances", func(token string) ([]interconnect.Instance, string, error) {
		req, resp := ecs.CreateDescribeInstancesRequest(), ecs.CreateDescribeInstancesResponse()
		which(req)
		req.MaxResults, req.NextToken = requests.NewInteger(instancePage), token
		if err := c.read(ctx, region, req, resp); err != nil {
			return nil, "", err
		}
		items, err := each(resp.Instances.Instance, toInstance)
		if err != nil {
			return nil, "", c.malformed(req, resp, err)
		}
		return items, resp.NextToken, nil
	})
}

func toInstance(i *ecs.Instance) (interconnect.Instance, error) {
	out := interconnect.Instance{
		ID:               i.InstanceId,
		VpcID:            i.VpcAttributes.VpcId,
		VSwitchID:        i.VpcAttributes.VSwitchId,
		Running:          i.Status == "Running",
		OSType:           strings.ToLower(i.OSType),
		SecurityGroupIDs: i.SecurityGroupIds.SecurityGroupId,
	}
	if err := need("InstanceId", i.InstanceId, "Status", i.Status); err != nil {
		return out, err
	}
	// An instance that is being made may not have its address yet.
	if ips := i.VpcAttributes.PrivateIpAddress.IpAddress; len(ips) > 0 {
		ip, err := netip.ParseAddr(ips[0])
		if err != nil {
			return out, fmt.Errorf("%.60q is not an address", ips[0])
		}
		out.PrivateIP = ip
	}
	return out, nil
}

// AgentsOnline tells of each instance whether Cloud Assistant runs on it.
func (c *Assistant) AgentsOnline(ctx context.Context, region string, instanceIDs []string) (map[string]bool, error) {
	online := make(map[string]bool, len(instanceIDs))
	for _, id := range instanceIDs {
		online[id] = false
	}
	for chunk := range slices.Chunk(instanceIDs, agentBatch) {
		found, err := byToken("DescribeCloudAssistantStatus", func(token string) ([]ecs.InstanceCloudAssistantStatus, string, error) {
			req, resp := ecs.CreateDescribeCloudAssistantStatusRequest(), ecs.CreateDescribeCloudAssistantStatusResponse()
			req.InstanceId = &chunk
			req.MaxResults, req.NextToken = requests.NewInteger(agentBatch), token
			if err := c.read(ctx, region, req, resp); err != nil {
				return nil, "", err
			}
			return resp.InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus, resp.NextToken, nil
		})
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			online[s.InstanceId] = strings.EqualFold(s.CloudAssistantStatus, "true")
		}
	}
	return online, nil
}

// RunCommand runs a shell script on an instance and returns the invocation's
// id. Done but reported failed: the same token returns the same invocation,
// and the command's name finds it in Invocations.
func (c *Assistant) RunCommand(ctx context.Context, region string, cmd interconnect.Command) (string, error) {
	req, resp := ecs.CreateRunCommandRequest(), ecs.CreateRunCommandResponse()
	req.Type = "RunShellScript"
	req.CommandContent, req.ContentEncoding = base64.StdEncoding.EncodeToString([]byte(cmd.Script)), "Base64"
	req.InstanceId = &[]string{cmd.InstanceID}
	req.Name = cmd.Name
	req.ClientToken = cmd.Token
	if cmd.TimeoutSeconds > 0 {
		req.Timeout = requests.NewInteger(cmd.TimeoutSeconds)
	}
	if err := c.write(ctx, region, req, resp); err != nil {
		return "", err
	}
	if err := need("InvokeId", resp.InvokeId); err != nil {
		return "", c.malformed(req, resp, err)
	}
	return resp.InvokeId, nil
}

// invocationPage is the largest page of DescribeInvocations.
const invocationPage = 50

// Invocations returns the latest command runs on an instance, newest first: at
// least the last fifty, where there are as many. The cloud keeps up to ten
// thousand. In which order it lists them is not documented, so both its first
// and its last two pages are looked at.
func (c *Assistant) Invocations(ctx context.Context, region, instanceID string) ([]interconnect.Invocation, error) {
	all, total, err := c.invocations(ctx, region, instanceID, 1)
	if err != nil {
		return nil, err
	}
	last := (total + invocationPage - 1) / invocationPage
	for page := max(2, last-1); page <= last; page++ {
		more, _, err := c.invocations(ctx, region, instanceID, page)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	slices.SortStableFunc(all, func(a, b interconnect.Invocation) int { return b.CreatedAt.Compare(a.CreatedAt) })
	// A run that started in between may have moved another onto the next page.
	return slices.CompactFunc(all, func(a, b interconnect.Invocation) bool { return a.ID == b.ID }), nil
}

func (c *Assistant) invocations(ctx context.Context, region, instanceID string, page int) ([]interconnect.Invocation, int, error) {
	req, resp := ecs.CreateDescribeInvocationsRequest(), ecs.CreateDescribeInvocationsResponse()
	req.InstanceId = instanceID
	req.IncludeOutput = requests.NewBoolean(true)
	req.ContentEncoding = "Base64"
	req.PageNumber, req.PageSize = requests.NewInteger(page), requests.NewInteger(invocationPage)
	if err := c.read(ctx, region, req, resp); err != nil {
		return nil, 0, err
	}
	var out []interconnect.Invocation
	for i := range resp.Invocations.Invocation {
		inv, err := toInvocation(instanceID, &resp.Invocations.Invocation[i])
		if err != nil {
			return nil, 0, c.malformed(req, resp, err)
		}
		out = append(out, inv)
	}
	return out, int(resp.TotalCount), nil
}

// running are the statuses of a run that has not ended.
var running = []string{"Pending", "Scheduled", "Running", "Stopping"}

func toInvocation(instanceID string, v *ecs.Invocation) (interconnect.Invocation, error) {
	out := interconnect.Invocation{
		ID:          v.InvokeId,
		CommandName: v.CommandName,
		InstanceID:  instanceID,
		Script:      decodeOutput(v.CommandContent),
		Status:      v.InvocationStatus,
	}
	created := v.CreationTime
	for i := range v.InvokeInstances.InvokeInstance {
		on := &v.InvokeInstances.InvokeInstance[i]
		if on.InstanceId != instanceID {
			continue
		}
		out.Status = on.InvocationStatus
		out.ExitCode = int(on.ExitCode)
		out.Output = decodeOutput(on.Output)
		out.ErrorCode, out.ErrorInfo = on.ErrorCode, on.ErrorInfo
		if created == "" {
			created = on.CreationTime
		}
	}
	if err := need("InvokeId", out.ID, "InvocationStatus", out.Status); err != nil {
		return out, err
	}
	out.Finished = !slices.Contains(running, out.Status)
	var err error
	var at time.Time
	at, err = parseTime(created)
	out.CreatedAt = at
	return out, err
}

// decodeOutput undoes base64, of outputs and of the scripts that made them. What
// is not base64 came as plain text, whatever was asked for: no ping is run by, or
// prints, a text that is base64 by chance, for it has blanks.
func decodeOutput(s string) string {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil || !utf8.Valid(b) {
		return strings.ToValidUTF8(s, "?")
	}
	return string(b)
}
