package mns_test

import (
	"errors"
	"testing"

	mnssdk "github.com/aliyun/aliyun-mns-go-sdk"
	gogap "github.com/gogap/errors"
	"github.com/stretchr/testify/require"
)

// What the SDK's errors are made by is our own: go.mod replaces it.
func TestTheSDKsErrorsSayWhatTheirTextsSay(t *testing.T) {
	t.Parallel()
	resp := mnssdk.ErrorResponse{Code: "QueueNotExist", Message: "The queue does not exist.", RequestId: "r-1", HostId: "h-1"}
	for name, c := range map[string]struct {
		template gogap.ErrCodeTemplate
		params   []gogap.Params
		want     string
	}{
		"fields of a struct": {mnssdk.ERR_MNS_QUEUE_NOT_EXIST, []gogap.Params{{"resp": resp, "resource": "queues/q"}},
			"ali_mns response status error,code: QueueNotExist, message: The queue does not exist., resource: queues/q request id: r-1, host id: h-1, Id: MNS#122"},
		"an error":             {mnssdk.ERR_SEND_REQUEST_FAILED, []gogap.Params{{"err": errors.New("refused")}}, "send request failed, refused, Id: MNS#5"},
		"parameters apart":     {mnssdk.ERR_DECODE_BODY_FAILED, []gogap.Params{{"err": "odd"}, {"body": "{{.err}}"}}, `decode body failed, odd, body: "{{.err}}", Id: MNS#9`},
		"none, where none are": {mnssdk.ERR_MNS_BATCH_OP_FAIL, nil, "mns queue batch operation fail, Id: MNS#136"},
		"none given":           {mnssdk.ERR_SIGN_MESSAGE_FAILED, []gogap.Params{{"err": nil}}, "sign message failed, <no value>, Id: MNS#1"},
		"no such field":        {gogap.TN("X", 1, "{{.resp.Nothing}} {{.resp.Code.More}} {{.open"), []gogap.Params{{"resp": &resp}}, "<no value> <no value> {{.open, Id: X#1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.template.New(c.params...)
			require.Equal(t, c.want, err.Error())
			require.True(t, c.template.IsEqual(err))
			other := gogap.TN("Y", 1, "")
			require.False(t, other.IsEqual(err))
		})
	}
}
