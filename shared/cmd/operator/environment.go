package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/mns"
	"vpcinterconnect/shared/records"
	"vpcinterconnect/shared/trigger"
)

// environmentHelp ends the help of commands that reach a deployment.
const environmentHelp = `
Which deployment, and as whom, is told by the environment:

  ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET
                     a key of yours; ALIBABA_CLOUD_SECURITY_TOKEN if it is an STS one
  REGION             where the deployment is (default cn-hangzhou)
  PREFIX             its name (default vi)
  OPENAPI_ENDPOINT, MNS_ENDPOINT
                     another cloud than Alibaba's: what "localcloud up" prints
`

// deployment is how commands reach one: with what they are given, as the
// functions do with theirs.
type deployment struct {
	prefix  string
	region  string
	cloud   *alicloud.Cloud
	records *records.Records
	queues  func(ctx context.Context) (*mns.Client, error)

	now   func() time.Time
	pause func(ctx context.Context, d time.Duration) error
}

// opener opens the deployment that a command is about.
type opener func() (*deployment, error)

// fromEnvironment opens the deployment that the environment names. way carries
// the requests; nil: the network.
func fromEnvironment(env func(string) string, way http.RoundTripper) opener {
	return func() (*deployment, error) {
		value := func(name, otherwise string) string {
			if v := strings.TrimSpace(env(name)); v != "" {
				return v
			}
			return otherwise
		}
		inv := trigger.Invocation{
			Region: value("REGION", "cn-hangzhou"),
			Credentials: trigger.Credentials{
				AccessKeyID: value("ALIBABA_CLOUD_ACCESS_KEY_ID", ""), AccessKeySecret: value("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""),
				SecurityToken: value("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
			},
		}
		openapi, queues := value("OPENAPI_ENDPOINT", ""), value("MNS_ENDPOINT", "")
		switch {
		case inv.Credentials.AccessKeyID == "" || inv.Credentials.AccessKeySecret == "":
			return nil, errors.New("set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET to a key of yours")
		case openapi == "" && queues != "" && !atAlibaba(queues), openapi != "" && queues == "":
			// Half of each cloud: a key would go to where it does not belong.
			return nil, errors.New("set both OPENAPI_ENDPOINT and MNS_ENDPOINT, or neither")
		}
		cloud := alicloud.New(inv, alicloud.Options{Endpoint: openapi, Transport: way})
		d := &deployment{
			prefix: value("PREFIX", "vi"), region: inv.Region, cloud: cloud,
			now: func() time.Time { return time.Now().UTC() }, pause: pause,
		}
		d.records = records.New(cloud, d.prefix)
		d.queues = func(ctx context.Context) (*mns.Client, error) {
			if queues == "" {
				account, err := cloud.AccountID(ctx)
				if err != nil {
					return nil, fmt.Errorf("finding out the account: %w", err)
				}
				queues = fmt.Sprintf("https://%s.mns.%s.aliyuncs.com", account, inv.Region)
			}
			return mns.New(inv, mns.Options{Endpoint: queues, Prefix: d.prefix, Transport: way})
		}
		return d, nil
	}
}

// atAlibaba tells whether an endpoint is the real cloud's.
func atAlibaba(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && strings.HasSuffix(u.Hostname(), ".aliyuncs.com")
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
