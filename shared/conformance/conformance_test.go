package conformance_test

import (
	"flag"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/mns"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/world"
)

var (
	cloudFlag   = flag.String("cloud", "local", "which cloud to ask: local, or aliyun, an account by the environment's credentials")
	writeFlag   = flag.Bool("write", false, "with -cloud aliyun: ask what needs things to be made, too")
	confirmFlag = flag.String("confirm", "", "with -write: the account's id, to say that the plan is understood")
)

func setSwitch(s *engine.Switches, name string) {
	reflect.ValueOf(s).Elem().FieldByName(name).SetBool(true)
}

// localTarget starts a calm local cloud with quick changes of state.
func localTarget(t *testing.T, switches engine.Switches) *target {
	t.Helper()
	w := world.Default()
	o := w.Options(engine.Options{Transition: 500 * time.Millisecond, NoRates: true, Guest: dataplane.Guests{}})
	o.Switches = switches
	e := engine.New(o)
	require.NoError(t, w.Apply(e))
	regions := [2]string{w.VPCs[0].Region, w.VPCs[1].Region}
	asleep, err := e.AddInstance(engine.Instance{VSwitchID: w.VPCs[0].VSwitches[0].ID, SecurityGroupIDs: []string{w.VPCs[0].SecurityGroups[0].ID}})
	require.NoError(t, err)
	e.Begin()
	root := e.AddUser("", "", "")
	api, queues := httptest.NewServer(openapi.New(openapi.Options{Engine: e})), httptest.NewServer(mns.New(mns.Options{Engine: e}))
	t.Cleanup(api.Close)
	t.Cleanup(queues.Close)
	return &target{
		name: "local", url: api.URL, account: e.AccountID(), regions: regions, key: key{id: root.AccessKeyID, secret: root.Secret},
		mns:      fmt.Sprintf("%s/%s.mns.%s.aliyuncs.com", strings.Replace(queues.URL, "127.0.0.1", "localhost", 1), e.AccountID(), regions[0]),
		instance: w.VPCs[0].Instances[0].ID, offline: asleep.ID,
		moment: 10 * time.Millisecond, patience: 2 * time.Second,
	}
}

// converse asks the facts one after the other, then takes everything away.
func converse(t *testing.T, target *target, write bool, asked []fact, heard func(fact, string, error)) {
	t.Helper()
	s := newSession(target, write, time.Now().Add(20*time.Minute))
	for _, f := range asked {
		seen, err := s.ask(f)
		heard(f, seen, err)
	}
	require.Empty(t, s.clean(), "%s: these are left", target.name)
}

func TestTheLocalCloudSaysWhatTheProjectReliesOn(t *testing.T) {
	if *cloudFlag != "local" {
		t.Skip("another cloud is asked")
	}
	t.Parallel()
	converse(t, localTarget(t, engine.Switches{}), true, facts(), func(f fact, seen string, err error) {
		t.Run(f.says, func(t *testing.T) {
			require.NoError(t, err)
			require.Equal(t, f.local, seen)
		})
	})
}

func TestEachSwitchOfTheLocalCloudIsSettledByAFact(t *testing.T) {
	if *cloudFlag != "local" {
		t.Skip("another cloud is asked")
	}
	t.Parallel()
	asked := map[string]bool{}
	for _, f := range facts() {
		if f.with == "" {
			continue
		}
		asked[f.with] = true
		t.Run(f.with+": "+f.says, func(t *testing.T) {
			t.Parallel()
			var on engine.Switches
			setSwitch(&on, f.with)
			converse(t, localTarget(t, on), true, []fact{f}, func(f fact, seen string, err error) {
				require.NoError(t, err)
				require.NotEqual(t, f.local, f.other)
				require.Equal(t, f.other, seen)
			})
		})
	}
	for _, s := range reflect.VisibleFields(reflect.TypeFor[engine.Switches]()) {
		require.True(t, asked[s.Name], "no fact would settle %s", s.Name)
	}
}

// A stranger is another local cloud, which says other than the calm one in some
// ways that are known.
func TestADifferenceIsTold(t *testing.T) {
	if *cloudFlag != "local" {
		t.Skip("another cloud is asked")
	}
	t.Parallel()
	stranger := localTarget(t, engine.Switches{RouteStatusCreated: true, UnknownAccessKeyIs400: true, TagRouterInterfaceRefused: true})
	stranger.instance, stranger.offline = "", ""
	var out strings.Builder
	require.Empty(t, compare(t, stranger, true, &out))
	text := out.String()
	require.Contains(t, text, "a route that is done is Available")
	for _, line := range []string{"a route that is done is Available|Available|Created|yes|switch RouteStatusCreated", "5 questions were not asked"} {
		require.Contains(t, squeezed(text), line)
	}
	require.Equal(t, 3, strings.Count(squeezed(text), "|switch "), text)

	out.Reset()
	require.Empty(t, compare(t, stranger, false, &out), "nothing is made without being told")
	require.Equal(t, 1, strings.Count(squeezed(out.String()), "|switch "), out.String())
}

func squeezed(table string) string {
	var lines []string
	for line := range strings.Lines(table) {
		var cells []string
		for cell := range strings.SplitSeq(line, "  ") {
			if cell = strings.TrimSpace(cell); cell != "" {
				cells = append(cells, cell)
			}
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return strings.Join(lines, "\n")
}

// compare asks a cloud, writes down what differs from the local cloud's
// readings, and returns with what the project would not work.
func compare(t *testing.T, target *target, write bool, out io.Writer) []string {
	t.Helper()
	var broken, unasked []string
	same := 0
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "fact\tthe local cloud\t%s\tthe project works\tto have the local cloud say so\n", target.name)
	converse(t, target, write, facts(), func(f fact, seen string, err error) {
		switch {
		case err != nil:
			unasked = append(unasked, f.says+": "+err.Error())
		case seen == f.local:
			same++
		default:
			works, how := "yes", "a change of its code"
			if !f.works(seen) {
				works = "NOT KNOWN"
				broken = append(broken, f.says+": "+seen)
			}
			if f.with != "" && seen == f.other {
				how = "switch " + f.with
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", f.says, f.local, seen, works, how)
		}
	})
	require.NoError(t, table.Flush())
	fmt.Fprintf(out, "%d facts are as the local cloud has them.\n%d questions were not asked:\n", same, len(unasked))
	for _, u := range unasked {
		fmt.Fprintln(out, "  "+u)
	}
	return broken
}

// TestAnAccount asks the account of the environment's credentials.
func TestAnAccount(t *testing.T) {
	if *cloudFlag != "aliyun" {
		t.Skip("only with -cloud aliyun")
	}
	account := aliyun(t)
	if *writeFlag && *confirmFlag != account.account {
		plan(os.Stdout, account)
		t.Fatal("nothing was asked yet")
	}
	require.Empty(t, compare(t, account, *writeFlag, os.Stdout), "with these readings the project has not been tried")
}

// plan says what the writing part makes.
func plan(out io.Writer, account *target) {
	fmt.Fprintf(out, "This is what will be made in account %s, in %s and %s, each with a name that begins with %s-,\nin at most 20 minutes, and deleted at the end whatever happened:\n\n",
		account.account, account.regions[0], account.regions[1], ourPrefix)
	table := tabwriter.NewWriter(out, 2, 0, 2, ' ', 0)
	for _, b := range budget {
		fmt.Fprintf(table, "  at most %d\t%s\t%s\n", b.most, b.what, b.cost)
	}
	table.Flush()
	fmt.Fprintf(out, "\nIf this is stopped half-way, look for that name in the two regions. To go on: CONFIRM=%s\n", account.account)
}

// aliyun is the account of the environment's credentials.
func aliyun(t *testing.T) *target {
	t.Helper()
	env := func(name string) string {
		v := os.Getenv(name)
		require.NotEmpty(t, v, "%s is not set", name)
		return v
	}
	a := &target{
		name: "aliyun", key: key{env("ALIBABA_CLOUD_ACCESS_KEY_ID"), env("ALIBABA_CLOUD_ACCESS_KEY_SECRET"), os.Getenv("ALIBABA_CLOUD_SECURITY_TOKEN")},
		regions: [2]string{"cn-qingdao", "cn-beijing"}, instance: os.Getenv("CONFORMANCE_INSTANCE"), moment: 2 * time.Second, patience: 3 * time.Minute,
	}
	if two := strings.Fields(os.Getenv("CONFORMANCE_REGIONS")); len(two) == 2 {
		a.regions = [2]string(two)
	}
	var who reply
	_, err := guarded(func() string {
		who = a.call(request{product: "Sts", region: a.regions[0], action: "GetCallerIdentity"})
		return ""
	})
	require.NoError(t, err)
	require.True(t, who.ok(), "the credentials are refused: %s", who)
	a.account = who.at("AccountId")
	a.mns = fmt.Sprintf("https://%s.mns.%s.aliyuncs.com", a.account, a.regions[0])
	return a
}

func TestThePlanNamesAllThatIsMadeAndHowToGoOn(t *testing.T) {
	t.Parallel()
	account := localTarget(t, engine.Switches{})
	var out strings.Builder
	plan(&out, account)
	for _, b := range budget {
		require.Contains(t, out.String(), b.what)
	}
	require.Contains(t, out.String(), "CONFIRM="+account.account)

	s := newSession(account, true, time.Now().Add(time.Minute))
	_, err := s.ask(fact{writes: true, ask: func(s *session) string { s.spend("queue", 4); return "" }})
	require.ErrorContains(t, err, "the plan has 3")
	s.end = time.Now()
	_, err = s.ask(facts()[0])
	require.ErrorContains(t, err, "the time is up")
}
