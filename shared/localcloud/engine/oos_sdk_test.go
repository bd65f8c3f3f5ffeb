package engine_test

import (
	"testing"
	"time"

	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	mnsopen "github.com/aliyun/alibaba-cloud-sdk-go/services/mns-open"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/oos"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/openapi"
)

func TestTheOfficialSDKReadsAndWritesParametersQueuesAndIdentities(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	wire := openapi.InProcess(openapi.New(openapi.Options{Engine: e}))
	e.AddRole(engine.RoleSpec{Name: "r"})
	key, err := e.RoleCredentials("r", "session", time.Hour)
	require.NoError(t, err)

	store, err := oos.NewClientWithStsToken(home, key.AccessKeyID, key.Secret, key.Token)
	require.NoError(t, err)
	store.SetTransport(wire)
	create := oos.CreateCreateParameterRequest()
	create.Domain, create.Scheme = "cloud.local", "http"
	create.Name, create.Type, create.Value = "/vi/a/request", "String", `{"id":"a"}`
	created, err := store.CreateParameter(create)
	require.NoError(t, err)
	require.Equal(t, 1, created.Parameter.ParameterVersion)
	update := oos.CreateUpdateParameterRequest()
	update.Domain, update.Scheme = "cloud.local", "http"
	update.Name, update.Value = create.Name, `{"id":"a","b":1}`
	updated, err := store.UpdateParameter(update)
	require.NoError(t, err)
	require.Equal(t, 2, updated.Parameter.ParameterVersion)
	list := oos.CreateGetParametersByPathRequest()
	list.Domain, list.Scheme = "cloud.local", "http"
	list.Path, list.Recursive = "/vi", "true"
	listed, err := store.GetParametersByPath(list)
	require.NoError(t, err)
	require.Equal(t, update.Value, listed.Parameters[0].Value)
	get := oos.CreateGetParameterRequest()
	get.Domain, get.Scheme, get.Name = "cloud.local", "http", "none"
	_, err = store.GetParameter(get)
	var refused *sdkerrors.ServerError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "EntityNotExists.Parameter", refused.ErrorCode())
	require.Equal(t, 404, refused.HttpStatus())

	who, err := sts.NewClientWithStsToken(home, key.AccessKeyID, key.Secret, key.Token)
	require.NoError(t, err)
	who.SetTransport(wire)
	ask := sts.CreateGetCallerIdentityRequest()
	ask.Domain, ask.Scheme = "cloud.local", "http"
	identity, err := who.GetCallerIdentity(ask)
	require.NoError(t, err)
	require.Equal(t, "AssumedRoleUser", identity.IdentityType)

	queues, err := mnsopen.NewClientWithStsToken(home, key.AccessKeyID, key.Secret, key.Token)
	require.NoError(t, err)
	queues.SetTransport(wire)
	wanted := mnsopen.CreateCreateQueueRequest()
	wanted.Domain, wanted.Scheme, wanted.QueueName = "cloud.local", "http", "vi-peering"
	made, err := queues.CreateQueue(wanted)
	require.NoError(t, err)
	require.EqualValues(t, 200, made.Code)
	all := mnsopen.CreateListQueueRequest()
	all.Domain, all.Scheme = "cloud.local", "http"
	found, err := queues.ListQueue(all)
	require.NoError(t, err)
	require.Equal(t, "vi-peering", found.Data.PageData[0].QueueName)
}
