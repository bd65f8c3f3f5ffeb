package alicloud_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/interconnect"
)

func TestAQueueTellsHowManyMessagesItHolds(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	q, err := f.cloud().Queue(t.Context(), "vi-dead-letters")
	require.NoError(t, err)
	require.Equal(t, &alicloud.Queue{
		Name: "vi-dead-letters", Active: 3, Inactive: 2, Delayed: 1, Retention: 7 * 24 * time.Hour, Visibility: 30 * time.Second,
	}, q)
	require.Equal(t, "vi-dead-letters", f.last().Get("QueueName"))
	require.Equal(t, "2022-01-19", f.last().Get("Version"))
}

// The product's codes are numbers, in errors too, on which the SDK panics.
func TestAQueuesRefusalIsAnErrorWhateverItsShape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		class  interconnect.Class
	}{
		"a word for a code":                 {404, `{"RequestId":"r-9","Code":"QueueNotExist","Message":"The queue you specify does not exist."}`, interconnect.Gone},
		"a number for a code":               {404, `{"RequestId":"r-9","Code":404,"Status":"QueueNotExist","Message":"gone","Success":false}`, interconnect.Permanent},
		"a number for a server's code":      {500, `{"RequestId":"r-9","Code":500,"Message":"oops","Success":false}`, interconnect.Transient},
		"a refusal that comes as a success": {200, `{"RequestId":"r-9","Code":404,"Status":"QueueNotExist","Message":"gone","Success":false}`, interconnect.Gone},
		"another queue":                     {200, `{"RequestId":"r-9","Code":200,"Success":true,"Data":{"QueueName":"vi-routes"}}`, interconnect.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFake(t).on("GetQueueAttributes", says(c.status, c.body)).cloud().Queue(t.Context(), "vi-dead-letters")
			var e *interconnect.CloudError
			require.True(t, errors.As(err, &e), "%v", err)
			require.Equal(t, c.class, e.Class)
			require.Equal(t, "r-9", e.RequestID)
		})
	}
}

func TestTheControlPlaneOfQueuesHasAnEndpointInEachRegion(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := alicloud.New(invocation(), alicloud.Options{Transport: f})
	_, err := c.Queue(t.Context(), "vi-dead-letters")
	require.NoError(t, err)
	require.Equal(t, "mns-open.cn-qingdao.aliyuncs.com", f.received()[0].host)
}

func TestARegionsListingsNameNoVPC(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for _, name := range []string{"RegionRouterInterfaces", "RegionPeeringConnections", "RegionRouteTables", "RegionSecurityGroups"} {
		require.NoError(t, drives[name](t.Context(), f.cloud()), name)
		for key := range f.last() {
			require.False(t, key == "VpcId" || strings.HasPrefix(key, "Filter"), "%s sends %s", name, key)
		}
	}
	_, err := f.cloud().RouteTables(t.Context(), region, "")
	require.Error(t, err, "a VPC that is forgotten is not the whole region")
	_, err = f.cloud().SecurityGroups(t.Context(), region, "")
	require.Error(t, err)
}
