package tickets_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/trigger"
)

func TestClosingATicketDisconnectsWhatItMade(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.ticket.Closing = &tickets.Decision{}
	o.touch()
	require.Empty(t, o.notes, "nothing was made")
	o.ticket.Closing = nil
	o.touch()
	o.approve("bob")
	o.touch()
	o.ticket.Closing = &tickets.Decision{By: tickets.Person{ID: "ann"}, At: o.now()}
	o.touch()
	o.touch()
	require.Len(t, o.removed, 1)
	o.tell(chain.TypeStepDone, chain.Change{Generation: 2, Action: interconnect.Prune, Step: interconnect.Verification})
	require.Equal(t, []string{"plan", "accepted", "accepted", "disconnected"}, o.said())

	// Opened again, another approval makes it again.
	o.ticket.Closing = nil
	o.touch()
	require.Len(t, o.asked, 1)
	o.approve("bob")
	o.touch()
	require.Len(t, o.asked, 2)
	require.Equal(t, 3, o.record.Generation)
}

func TestATicketOfTheSameNameAsSomebodysConnectionDoesNotTouchIt(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.record = &interconnect.Record{ID: id, Generation: 1, Wanted: interconnect.Wanted{By: "api", Connection: &interconnect.Connection{ID: id}}}
	o.tell(chain.TypeStepDone, step(interconnect.Peering))
	require.Empty(t, o.notes)
	o.ticket.Closing = &tickets.Decision{}
	o.touch()
	require.Empty(t, o.removed)
}

func TestAFailureIsToldWithItsStepAndItsMend(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.approve("bob")
	o.touch()
	o.tell(chain.TypeStepFailed, chain.Change{Generation: 1, Action: interconnect.Connect, Step: interconnect.Routes, Progress: interconnect.Failed, Next: interconnect.Prune,
		Problem: &interconnect.Problem{Sentence: "The route collides. Name another block.", RequestID: "req-1"}})
	require.Equal(t, []string{"plan", "accepted", "failed"}, o.said())
	require.Contains(t, o.last(), "Failed at setting routes. The route collides. Name another block. (The cloud's request id: req-1.)")
	require.Contains(t, o.last(), "taken back")
	o.tell(chain.TypeStepDone, chain.Change{Generation: 1, Action: interconnect.Prune, Target: interconnect.TargetConnected, Step: interconnect.Verification})
	require.Equal(t, []string{"plan", "accepted", "failed", "rolled-back"}, o.said())
	require.Len(t, o.asked, 1)
	o.touch()
	require.Len(t, o.asked, 1, "the same approval is not another attempt")
	o.approve("bob")
	o.touch()
	require.Len(t, o.asked, 2)
}

func TestAFailingCheckIsToldOnceAndItsHealingOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.approve("bob")
	o.touch()
	check := func(kind string, outcome interconnect.VerdictOutcome, swings *interconnect.Swings) chain.Change {
		o.clock.pass(5 * time.Minute)
		c := verdict(o, outcome)
		c.Action, c.Swings = interconnect.Verify, swings
		if outcome.Fails() {
			c.Verdict.Stop = &interconnect.Stop{Layer: "security group", Side: interconnect.Acceptor, Resource: "sg-b", Mend: "Let ICMP in."}
		}
		o.tell(kind, c)
		return c
	}
	o.tell(chain.TypeStepDone, verdict(o, interconnect.VerdictConnected))
	broken := check(chain.TypeVerdict, interconnect.VerdictBlocked, nil)
	require.Contains(t, o.last(), "Broken (blocked)")
	require.Contains(t, o.last(), "security group, on the acceptor's side, sg-b")
	require.Contains(t, o.last(), "To mend it: Let ICMP in.")
	n := len(o.notes)
	check(chain.TypeVerdict, interconnect.VerdictBlocked, nil) // it stops elsewhere now
	require.Len(t, o.notes, n)
	check(chain.TypeVerdict, interconnect.VerdictConnected, nil)
	require.Contains(t, o.last(), "Healed")
	o.tell(chain.TypeVerdict, broken) // late, and a repeat
	require.Len(t, o.notes, n+1)

	since := &interconnect.Swings{Changes: 4, Since: o.now()}
	check(chain.TypeFlapping, interconnect.VerdictBlocked, since)
	check(chain.TypeFlapping, interconnect.VerdictBlocked, since)
	require.Contains(t, o.last(), "Flapping")
	check(chain.TypeSteady, interconnect.VerdictBlocked, since)
	require.Equal(t, []string{"verdict", "flapping", "verdict", "steady"}, o.said()[n:])
}

func TestWhenTheTicketSystemIsDownTheConnectionGoesOnAndAllIsToldAfterwardsOldestFirst(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.approve("bob")
	o.touch()
	require.NotNil(t, o.record)
	o.down = &tickets.Unreachable{Err: errors.New("503 maintenance")}
	began := o.now()
	tell := func(kind string, c chain.Change) {
		o.clock.pass(10 * time.Second)
		if c.Verdict != nil {
			c.Verdict.At = o.now()
		}
		o.tell(kind, c)
		was := o.record.Steps[c.Step] // statuses are written after
		now := interconnect.StepStatus{Generation: 1, Action: interconnect.Connect, Progress: interconnect.Done, Since: o.now(), UpdatedAt: o.now()}
		if c.Verdict != nil {
			now.Verdicts = append([]interconnect.Verdict{*c.Verdict}, was.Verdicts...)
		}
		o.record.Steps[c.Step] = now
	}
	for _, s := range []interconnect.Step{interconnect.Peering, interconnect.Routes, interconnect.SecurityGroups} {
		tell(chain.TypeStepDone, step(s))
	}
	tell(chain.TypeStepDone, verdict(o, interconnect.VerdictConnected))
	broken := verdict(o, interconnect.VerdictBlocked)
	broken.Action = interconnect.Verify
	tell(chain.TypeVerdict, broken)
	require.Len(t, o.notes, 2)
	require.Len(t, o.queued, 5, "all is kept")

	// What is queued comes back at its time; the system is up after ten minutes.
	for n := 0; o.now().Sub(began) < 10*time.Minute; n++ {
		require.Less(t, n, 200)
		list := o.queued
		o.queued = nil
		require.NotEmpty(t, list)
		o.clock.pass(list[len(list)-1].delay)
		for i := range list {
			require.LessOrEqual(t, list[i].delay, time.Minute, "it is told soon after")
			o.handle(list[len(list)-1-i].body) // the newest first
		}
	}
	o.down = nil
	list := o.queued
	o.queued = nil
	for i := range list {
		o.handle(list[len(list)-1-i].body)
	}
	o.again()
	var told []string
	for _, n := range o.notes {
		told = append(told, string(n.Marker.Kind))
		if n.Marker.Kind == tickets.KindStep || n.Marker.Kind == tickets.KindVerdict {
			told[len(told)-1] = n.Marker.Details[1]
		}
	}
	require.Equal(t, []string{"plan", "accepted", "peering", "routes", "security-groups", "connected", "blocked"}, told)
}

func TestWhatARecordShowsIsToldInOneGoOldestFirstEvenIfEveryEventWasLost(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.approve("bob")
	o.touch()
	at := o.now()
	for n, s := range interconnect.Steps {
		st := interconnect.StepStatus{Generation: 1, Action: interconnect.Connect, Progress: interconnect.Done, Since: at.Add(time.Duration(n) * time.Second), UpdatedAt: at, Resources: []string{"res-" + string(s)}}
		if s == interconnect.Routes { // it was run once more, after all
			st.Since = at.Add(time.Minute)
		}
		if s == interconnect.Verification {
			st.Verdicts = []interconnect.Verdict{{At: at.Add(4 * time.Second), Outcome: interconnect.VerdictConnected}}
		}
		o.record.Steps[s] = st
	}
	swept, err := o.worker().Sweep(context.Background())
	require.NoError(t, err)
	require.Equal(t, []string{id}, swept)
	o.again()
	var got []string
	for _, n := range o.notes[2:] {
		got = append(got, strings.Join(append([]string{string(n.Marker.Kind)}, n.Marker.Details[1:]...), " ")[:10])
	}
	require.Equal(t, []string{"step peeri", "step route", "step secur", "verdict co"}, got)
	require.Contains(t, o.texts[2], "res-peering")

	o.clock.pass(time.Hour)
	swept, err = o.worker().Sweep(context.Background())
	require.NoError(t, err)
	require.Empty(t, swept, "old news has been told")
}

func TestADeathBetweenAskingAndTellingCostsNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.approve("bob")
	// Reading works, writing does not: it goes down right after it was asked.
	flaky := o.worker()
	flaky.Counters[tickets.Jira].Desk = mute{o}
	require.NoError(t, flaky.Handle(context.Background(), []trigger.QueueMessage{{Body: touchedEvent(1)}}))
	require.Equal(t, []string{"1111"}, o.asked)
	require.Len(t, o.notes, 1)
	require.Equal(t, 2*time.Second, o.queued[0].delay)
	o.again()
	require.Equal(t, []string{"plan", "accepted"}, o.said())
	require.Equal(t, 1, o.record.Generation)
}

// mute is a desk that takes no comments.
type mute struct{ *office }

func (mute) Say(context.Context, *tickets.Ticket, tickets.Comment) error {
	return &tickets.Unreachable{Err: errors.New("503"), After: time.Second}
}

func TestWhatIntakeCannotDoForNowIsTriedAgainAndToldOnlyIfItStays(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.approve("bob")
	o.refusal = &intake.Refusal{Status: 503, Detail: "The cloud is busy."}
	o.touch()
	for range 4 {
		list := o.queued
		o.queued = nil
		require.Len(t, list, 1)
		o.handle(list[0].body)
	}
	require.Equal(t, []string{"plan"}, o.said())
	for range 3 {
		list := o.queued
		o.queued = nil
		o.handle(list[0].body)
	}
	require.Equal(t, []string{"plan", "problem"}, o.said())
	require.Contains(t, o.last(), "The cloud is busy.")
	o.refusal = nil
	o.again()
	require.Equal(t, []string{"plan", "problem", "accepted"}, o.said())
}

func TestAWishOfTheTicketSystemToWaitIsFollowed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.down = &tickets.Unreachable{Err: errors.New("429"), After: 40 * time.Second}
	o.touch()
	require.Equal(t, 40*time.Second, o.queued[0].delay)
}

func TestAnEventIsGivenUpInTheEnd(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.down = errors.New("401 the token has expired")
	o.touch()
	n := 0
	for len(o.queued) > 0 {
		list := o.queued
		o.queued = nil
		o.handle(list[0].body)
		n++
	}
	require.Equal(t, 299, n)
	require.Empty(t, o.notes)
}

func TestWhatCannotBeHandedBackFailsTheInvocation(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.down, o.queueErr = errors.New("down"), errors.New("the queue is down, too")
	require.ErrorContains(t, o.worker().Handle(context.Background(), []trigger.QueueMessage{{Body: touchedEvent(1)}}), "the queue is down, too")
}

func TestARecordThatReadsOldIsWaitedForButNotForEver(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.approve("bob")
	o.touch()
	ahead := step(interconnect.Peering)
	ahead.Generation = 2
	o.tell(chain.TypeStepDone, ahead)
	require.Len(t, o.notes, 2)
	require.Len(t, o.queued, 1)
	o.record.Generation = 2
	o.again()
	require.Equal(t, []string{"plan", "accepted", "accepted", "step"}, o.said())
}

func TestAHeldLeaseIsWaitedForEverLonger(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, ok, err := o.worker().Leases.Take(context.Background(), id, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	var delays []time.Duration
	o.touch()
	for range 8 {
		if len(o.queued) == 0 {
			break
		}
		q := o.queued[0]
		o.queued = nil
		delays = append(delays, q.delay)
		o.clock.pass(q.delay)
		o.handle(q.body)
	}
	require.Equal(t, []string{"plan"}, o.said())
	require.Equal(t, []time.Duration{2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}, delays)
}

func TestWhatIsNoneOfTheTicketsIsLeftAlone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.handle([]byte(`{"specversion":"1.0","id":"orders/1/1","type":"vpcinterconnect.step.done","data":{"connectionId":"orders","generation":1}}`))
	o.handle([]byte(`{"specversion":"1.0","id":"x","type":"vpcinterconnect.ticket.touched","data":{"connectionId":"snow-ritm1","ticket":"RITM1"}}`)) // not configured
	o.ticket = nil
	o.touch()
	require.Empty(t, o.queued)
	require.Empty(t, o.notes)
	require.Zero(t, o.store.count())
}

func TestWhatNobodyUnderstandsIsBuried(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no JSON": "hello", "no event": `{"a": 1}`, "another project's": `{"specversion":"1.0","id":"x","type":"order.created","data":{}}`,
		"no connection": `{"specversion":"1.0","id":"x","type":"vpcinterconnect.step.done","data":{"connectionId":"No"}}`,
		"no text":       "\xff\xfe", "much": strings.Repeat("x", 50_000),
	} {
		o := newOffice(t)
		o.handle([]byte(body))
		require.Len(t, o.queued, 1, name)
		require.Equal(t, chain.DeadLettersQueue, o.queued[0].queue, name)
		letters := chain.ReadLetters("vi", o.queued[0].body)
		require.Len(t, letters, 1, name)
		require.Equal(t, chain.ByFunction, letters[0].By, name)
		require.Equal(t, chain.TicketsQueue, letters[0].Queue, name)
	}
}

func TestABuriedTouchIsRedrivenToItsQueue(t *testing.T) {
	t.Parallel()
	event, err := json.Marshal([]any{map[string]any{"subject": "acs:mns:x:1:queues/vi-tickets", "data": map[string]string{"messageId": "1", "messageBody": string(touchedEvent(1))}}})
	require.NoError(t, err)
	letters := chain.ReadLetters("vi", event)
	require.Len(t, letters, 1)
	require.Empty(t, letters[0].Flaw)
	require.Equal(t, chain.TicketsQueue, letters[0].To)
}

func TestAProvenTicketThatCannotBeFinishedSaysSo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.finish = "The issue could not be moved to Done; do that by hand."
	o.touch()
	o.approve("bob")
	o.touch()
	o.tell(chain.TypeStepDone, verdict(o, interconnect.VerdictConnected))
	require.Contains(t, o.last(), "could not be moved to Done")
}

func TestATicketThatCannotBeReadIsToldEachEventAsItComes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	handle := func(body string) {
		t.Helper()
		w := o.worker()
		w.Counters[tickets.Jira].Desk, w.Counters[tickets.Jira].Blind = forgetful{o}, true
		require.NoError(t, w.Handle(context.Background(), []trigger.QueueMessage{{Body: []byte(body)}}))
	}
	handle(string(touchedEvent(1)))
	require.Equal(t, []string{"plan"}, o.said())
	o.ticket.Approval = &tickets.Decision{By: tickets.Person{ID: "bob"}, PlanHash: "1111"}
	handle(string(touchedEvent(2)))
	require.Equal(t, []string{"1111"}, o.asked)
	require.Equal(t, []string{"plan", "accepted"}, o.said())
	o.ticket.Approval.PlanHash = "0000" // of an older plan
	handle(string(touchedEvent(3)))
	require.Equal(t, []string{"plan", "accepted", "accepted", "plan"}, o.said(), "what was sent before has the same id")
	require.Equal(t, o.notes[1].Marker, o.notes[2].Marker)
	require.Contains(t, o.last(), "was not carried out")

	o.ticket.Approval = nil
	o.record.Steps[interconnect.Peering] = interconnect.StepStatus{Generation: 1, Action: interconnect.Connect, Progress: interconnect.Done}
	handle(`{"specversion":"1.0","id":"jira-net-1/1/3","type":"vpcinterconnect.step.done","time":"2026-11-20T12:00:00Z","data":{"connectionId":"jira-net-1","generation":1,"action":"connect","step":"routes","progress":"done","next":"connect"}}`)
	require.Equal(t, []string{"plan", "accepted", "accepted", "plan", "step"}, o.said(), "what the record has besides was told before")
	swept, err := func() ([]string, error) {
		w := o.worker()
		w.Counters[tickets.Jira].Blind = true
		return w.Sweep(context.Background())
	}()
	require.NoError(t, err)
	require.Empty(t, swept, "nobody knows what it lacks")
}

// forgetful is a desk whose comments cannot be read back.
type forgetful struct{ *office }

func (forgetful) Said(context.Context, *tickets.Ticket) ([]tickets.Said, error) { return nil, nil }
