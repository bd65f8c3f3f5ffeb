package shared_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/fc/manifest"
)

// template.yml and s.yaml are two halves of one deployment, and the code's
// table is the third: names, queues, roles and environments have to agree.

const (
	testAccount = "1234567890123456"
	testRegion  = "cn-hangzhou"
	testPrefix  = "vi"
)

func deployment(t *testing.T) ([]manifest.Function, *manifest.Base) {
	t.Helper()
	functions, err := os.ReadFile("../s.yaml")
	require.NoError(t, err)
	fs, err := manifest.Functions("s.yaml", functions, func(string) (string, bool) { return "", false })
	require.NoError(t, err)
	template, err := os.ReadFile("../template.yml")
	require.NoError(t, err)
	base, err := manifest.Template("template.yml", template, manifest.Pseudo{Region: testRegion, AccountID: testAccount, StackName: "test"})
	require.NoError(t, err)
	return fs, base
}

func queueNamed(b *manifest.Base, name string) *manifest.Queue {
	for i := range b.Queues {
		if b.Queues[i].Name == name {
			return &b.Queues[i]
		}
	}
	return nil
}

func TestTheTemplateMakesExactlyTheTablesQueues(t *testing.T) {
	t.Parallel()
	_, base := deployment(t)
	var made, wanted []string
	for _, q := range base.Queues {
		made = append(made, q.Name)
	}
	for _, q := range chain.QueueNames() {
		wanted = append(wanted, testPrefix+"-"+q)
	}
	require.ElementsMatch(t, wanted, made)
}

func TestEveryStageHasAFunctionOnItsQueue(t *testing.T) {
	t.Parallel()
	functions, base := deployment(t)
	for _, stage := range chain.Stages(interconnect.Connect) {
		name := testPrefix + "-" + stage.Queue
		var readers []manifest.Function
		for _, f := range functions {
			if slices.ContainsFunc(f.Queues, func(q manifest.QueueTrigger) bool { return q.Queue == name }) {
				readers = append(readers, f)
			}
		}
		require.Len(t, readers, 1, "functions on %s", name)
		f, trigger := readers[0], readers[0].Queues[0]
		require.Equal(t, strings.ReplaceAll(string(stage.Step), "-", ""), f.ID)

		require.True(t, trigger.Enabled && trigger.Streaming && trigger.Tolerant && !trigger.Async && !trigger.Base64Decode && !trigger.Exponential, "%s: %+v", name, trigger)
		require.Equal(t, 16, trigger.Batch, "what one receive takes: they are handled side by side, and what was handed on before another failed is dropped when it comes again")
		require.Zero(t, trigger.Window, "nobody waits for a batch to fill")
		require.Equal(t, testPrefix+"-"+chain.DeadLettersQueue, trigger.DeadLetters)

		queue := queueNamed(base, name)
		require.NotNil(t, queue)
		require.Equal(t, testPrefix+"-"+chain.DeadLettersQueue, queue.DeadLetters)
		// A push and its three repeats, each as long as the function may take,
		// with pauses of at most 20 s.
		need := 4*f.Timeout + 3*20*time.Second
		require.GreaterOrEqual(t, time.Duration(*queue.VisibilityTimeout)*time.Second, need, "visibility of %s", name)
	}
}

func TestEveryFunctionHasItsRoleItsCodeAndItsEnvironment(t *testing.T) {
	t.Parallel()
	functions, base := deployment(t)
	roles := map[string]bool{}
	for _, r := range base.Roles {
		roles[r.Name] = true
	}
	var used []string
	for _, f := range functions {
		require.Equal(t, testPrefix+"-"+f.ID, f.Name)
		require.Equal(t, "go1", f.Runtime)
		require.Equal(t, "main", f.Handler)
		require.Contains(t, []string{"./.build/" + f.ID, ".build/" + f.ID}, f.Code)
		require.DirExists(t, "../functions/"+f.ID)
		require.Equal(t, fmt.Sprintf("acs:ram::%s:role/%s", testAccount, f.Name), f.Role)
		require.True(t, roles[f.Name], "template.yml makes no role %s", f.Name)
		used = append(used, f.Name)
		require.Equal(t, testPrefix, f.Environment["PREFIX"])
		require.Equal(t, fmt.Sprintf("https://%s.mns.%s.aliyuncs.com", testAccount, testRegion), f.Environment["MNS_ENDPOINT"])
	}
	for name := range roles {
		require.Contains(t, used, name, "a role that no function has")
	}
}

func TestTheMakefileBuildsTheFunctionsOfTheManifest(t *testing.T) {
	t.Parallel()
	functions, _ := deployment(t)
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	list := regexp.MustCompile(`(?m)^FUNCTIONS\s*:=\s*(.*)$`).FindSubmatch(makefile)
	require.NotNil(t, list)
	var ids []string
	for _, f := range functions {
		ids = append(ids, f.ID)
	}
	require.ElementsMatch(t, ids, strings.Fields(string(list[1])))
}

func TestEventbridgeTriggersStandLast(t *testing.T) {
	t.Parallel()
	// The fc3 component skips the triggers behind an unchanged eventbridge one.
	content, err := os.ReadFile("../s.yaml")
	require.NoError(t, err)
	last := ""
	for _, line := range strings.Split(string(content), "\n") {
		switch {
		case strings.Contains(line, "component: fc3"):
			last = ""
		case strings.Contains(line, "triggerType: "):
			kind := strings.TrimSpace(strings.SplitN(line, ":", 2)[1])
			require.False(t, last == "eventbridge" && kind != "eventbridge", "a %s trigger behind an eventbridge one", kind)
			last = kind
		}
	}
}
