package tickets_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/trigger"
)

func TestATicketIsPlannedApprovedMadeAndProven(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	require.Equal(t, []string{"plan"}, o.said())
	require.Contains(t, o.last(), "once the ticket is approved")
	require.Empty(t, o.asked)

	o.approve("bob")
	o.touch()
	require.Equal(t, []string{"1111"}, o.asked)
	require.Equal(t, intake.Asker{Token: "jira", Approver: "jira:bob"}, o.askers[0])
	require.Equal(t, "jira for Ann b Lee b", o.record.Wanted.By, "the record takes plain names only")
	require.Contains(t, o.last(), "approved by BOB")
	for _, s := range []interconnect.Step{interconnect.Peering, interconnect.Routes, interconnect.SecurityGroups} {
		o.tell(chain.TypeStepDone, step(s))
	}
	o.tell(chain.TypeStepDone, verdict(o, interconnect.VerdictConnected))
	require.Equal(t, []string{"plan", "accepted", "step", "step", "step", "verdict"}, o.said())
	require.Contains(t, o.last(), "Connected")
	require.Contains(t, o.last(), "i-a (10.1.0.1) to 10.2.0.1")
	require.Contains(t, o.last(), "i-b (10.2.0.1) to 10.1.0.1")
	require.Equal(t, 1, o.finished)
}

func TestTheSameDeliveryChangesNothingMoreHoweverOftenAndInWhateverOrderItComes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for range 5 {
		o.touch()
	}
	o.approve("bob")
	events := [][]byte{}
	for n := range 5 {
		events = append(events, touchedEvent(n))
	}
	// Two approvals at once, deliveries repeated, all side by side.
	var wg sync.WaitGroup
	for _, e := range append(events, events...) {
		wg.Go(func() {
			_ = o.worker().Handle(context.Background(), []trigger.QueueMessage{{Body: e}})
		})
	}
	wg.Wait()
	o.again()
	outcomes := []func(){
		func() { o.tell(chain.TypeStepDone, verdict(o, interconnect.VerdictConnected)) },
		func() { o.tell(chain.TypeStepDone, step(interconnect.Routes)) },
		func() { o.tell(chain.TypeStepDone, step(interconnect.Peering)) },
	}
	for range 3 {
		for _, f := range outcomes {
			f()
		}
	}
	o.again()
	require.Equal(t, 1, o.record.Generation, "one connection")
	seen := map[string]bool{}
	for _, n := range o.notes {
		require.False(t, seen[n.Marker.String()], "%s is there twice", n.Marker)
		seen[n.Marker.String()] = true
	}
	require.Len(t, seen, 5, "%v", o.said())
}

func TestWhatMovedSinceThePlanIsToldAndApprovedAnew(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.approve("bob")
	o.plan = planned("2222")
	o.touch()
	require.Empty(t, o.asked)
	require.Equal(t, []string{"plan", "plan"}, o.said())
	require.Contains(t, o.last(), "10.66.0.0/16 is new")
	require.Contains(t, o.last(), "approve it once more")
	o.touch() // the old approval counts no more, even if the world moves back
	o.plan = planned("1111")
	o.touch()
	require.Empty(t, o.asked)
	require.Len(t, o.notes, 2)

	o.plan = planned("2222")
	o.approve("bob")
	o.touch()
	require.Equal(t, []string{"2222"}, o.asked)
	require.Equal(t, []string{"plan", "plan", "accepted"}, o.said())
}

func TestAPlanThatNobodyCouldHaveReadIsNotApproved(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.approve("bob")
	o.touch()
	o.touch()
	require.Equal(t, []string{"plan"}, o.said())
	require.Contains(t, o.last(), "approved before this plan was here")
	require.Empty(t, o.asked)
	o.approve("bob")
	o.touch()
	require.Equal(t, []string{"1111"}, o.asked)
}

func TestAnApprovalThatCrossedThePlanIsToldThatItDoesNotCount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.ticket.Approval = &tickets.Decision{By: tickets.Person{ID: "bob"}, At: o.notes[0].At} // at the very moment
	o.touch()
	o.touch()
	require.Empty(t, o.asked)
	require.Equal(t, []string{"plan", "problem"}, o.said())
	require.Contains(t, o.last(), "approve it once more")
	o.approve("bob")
	o.touch()
	require.Equal(t, []string{"1111"}, o.asked)
}

func TestATicketThatIsChangedAfterItsPlanIsPlannedAnew(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.touch()
	o.ticket.Fields = fields("acceptor.vpcId", "vpc-3")
	o.plan = planned("3333")
	o.touch()
	require.Equal(t, []string{"plan", "plan"}, o.said())
	require.NotEqual(t, o.notes[0].Marker, o.notes[1].Marker)
}

func TestOnlyOurOwnMarkersCount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	// The desk gives our account's comments only; those of another deployment,
	// or of another ticket's connection that were copied here, are told apart.
	for _, m := range []tickets.Marker{
		{Prefix: "prod", ConnectionID: id, Kind: tickets.KindPlan, Details: []string{"x", "9999"}},
		{Prefix: "vi", ConnectionID: "jira-net-2", Kind: tickets.KindPlan, Details: []string{"x", "9999"}},
	} {
		o.notes = append(o.notes, tickets.Said{Marker: m, At: o.now()})
	}
	o.texts = []string{"", ""}
	o.approve("bob")
	o.touch()
	require.Empty(t, o.asked)
	require.Contains(t, o.last(), "approved before")
}

func TestWhatIsMissingIsSaidOnceWhereItsReporterCanMendIt(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	delete(o.ticket.Fields, "acceptor.vpcId")
	o.touch()
	o.touch()
	require.Equal(t, []string{"problem"}, o.said())
	require.Contains(t, o.last(), "The acceptor.vpcId (acceptor.vpcId): It is empty; give the acceptor's VPC's id")
	o.ticket.Fields = fields()
	o.touch()
	require.Equal(t, []string{"problem", "plan"}, o.said())
}

func TestThePolicyDecidesWhatNeedsApproval(t *testing.T) {
	t.Parallel()
	finding := func(e policy.Effect, s string) []policy.Finding {
		return []policy.Finding{{Rule: "r", Effect: e, Sentence: s}}
	}
	t.Run("what a rule allows is made at once", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t)
		o.plan.Policy = &policy.Verdict{Decision: policy.Allowed, Findings: finding(policy.Allow, "The rule r allows it.")}
		o.touch()
		o.touch()
		require.Equal(t, []string{"1111"}, o.asked)
		require.Equal(t, intake.Asker{Token: "jira"}, o.askers[0])
		require.Equal(t, []string{"plan", "accepted"}, o.said())
		require.Contains(t, o.texts[0], "made at once: The rule r allows it.")
	})
	t.Run("what a rule wants approved waits, and says by whom", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t)
		o.plan.Would, o.plan.Status = "refuse", 403
		o.plan.Policy = &policy.Verdict{Decision: policy.NeedsApproval, Findings: finding(policy.Approve, "The rule r wants it approved.")}
		o.touch()
		require.Empty(t, o.asked)
		require.Contains(t, o.last(), "The rule r wants it approved.")
	})
	t.Run("what somebody approved who may not is refused in words, once for each approval", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t)
		o.touch()
		o.refusal = &intake.Refusal{Status: 403, Detail: "no", Findings: finding(policy.Approve, "The rule r wants it approved: one of jira:carol.")}
		o.approve("bob")
		o.touch()
		o.touch()
		require.Equal(t, []string{"plan", "problem"}, o.said())
		require.Contains(t, o.last(), "approved by BOB, but cannot be carried out")
		require.Contains(t, o.last(), "one of jira:carol")
		o.approve("bob")
		o.touch()
		require.Equal(t, []string{"plan", "problem", "problem"}, o.said())
		o.refusal = nil
		o.approve("carol")
		o.touch()
		require.Equal(t, "jira:carol", o.askers[0].Approver)
	})
	t.Run("what is forbidden is not planned", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t)
		o.plan.Would = "refuse"
		o.plan.Policy = &policy.Verdict{Decision: policy.Refused, Findings: finding(policy.Forbid, "The rule r forbids it.")}
		o.touch()
		require.Equal(t, []string{"problem"}, o.said())
		require.Contains(t, o.last(), "The rule r forbids it.")
	})
}

func TestAConflictNamesTheTicketsField(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.plan.Would, o.plan.Policy = "refuse", nil
	o.plan.Conflicts = []interconnect.FieldProblem{{Field: "/acceptor/vpcId", Sentence: "There is no such VPC."}}
	o.touch()
	require.Equal(t, []string{"problem"}, o.said())
	require.Contains(t, o.last(), "The acceptor.vpcId (acceptor.vpcId): There is no such VPC.")
}
