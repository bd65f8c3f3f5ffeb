package chain_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// one reads a body that holds one letter.
func one(t *testing.T, body []byte) chain.Letter {
	t.Helper()
	letters := chain.ReadLetters("vi", body)
	require.Len(t, letters, 1)
	return letters[0]
}

// tired returns a message whose time was over long ago.
func tired() chain.Message {
	return message(interconnect.Connect, func(m *chain.Message) {
		m.Attempts, m.Waits, m.Hops, m.StartedAt = 3, 5, 60, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		m.GiveUpAt = m.StartedAt.Add(time.Minute)
	})
}

func TestALetterOfEachKindIsReadAndGoesBackWhereItCameFrom(t *testing.T) {
	t.Parallel()
	raw := string(tired().Body())
	cloudEvent := map[string]any{
		"id": "e-1", "specversion": "1.0", "type": "mns:Queue:SendMessage", "subject": "acs:mns:cn-qingdao:1234567890123456:queues/vi-routes",
		"data": map[string]any{"messageId": "m-1", "messageBody": raw},
	}
	encode := func(v any) []byte { b, _ := json.Marshal(v); return b }
	letter := func(change func(*chain.DeadLetter)) []byte {
		d := chain.DeadLetter{Queue: "routes", Reason: "schema version 2 is not 1", Body: raw, Size: len(raw), MessageID: "m-1", Function: "vi-routes"}
		change(&d)
		return encode(d)
	}
	for name, c := range map[string]struct {
		body  []byte
		by    chain.Burier
		queue string
		to    string
	}{
		"a function's":                     {letter(func(*chain.DeadLetter) {}), chain.ByFunction, "routes", "routes"},
		"a function's, with bytes":         {letter(func(d *chain.DeadLetter) { d.Body, d.Bytes = "", []byte(raw) }), chain.ByFunction, "routes", "routes"},
		"a function's, with the full name": {letter(func(d *chain.DeadLetter) { d.Queue = "vi-routes" }), chain.ByFunction, "routes", "routes"},
		"a stream's, one event":            {encode(cloudEvent), chain.ByStream, "routes", "routes"},
		"a stream's, a list":               {encode([]any{cloudEvent}), chain.ByStream, "routes", "routes"},
		"a stream's, a list of texts":      {encode([]any{string(encode(cloudEvent))}), chain.ByStream, "routes", "routes"},
		"a stream's, data only":            {encode([]any{cloudEvent["data"]}), chain.ByStream, "", "peering"},
		"a queue's":                        {[]byte(raw), chain.ByQueue, "", "peering"},
		"a queue's, sent by the console":   {[]byte(base64.StdEncoding.EncodeToString([]byte(raw))), chain.ByQueue, "", "peering"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := one(t, c.body)
			require.Equal(t, c.by, l.By)
			require.Equal(t, c.queue, l.Queue)
			require.NotEmpty(t, l.Reason)
			require.Empty(t, l.Flaw)
			require.Equal(t, tired(), *l.Message)
			require.Equal(t, c.to, l.To)
			again, err := chain.ParseMessage(l.Again)
			require.NoError(t, err)
			require.Contains(t, again.Trace, "trace.redriven-")
			require.Equal(t, message(interconnect.Connect, func(m *chain.Message) { m.Trace, m.Woken = again.Trace, true }), again,
				"what its time was over for starts anew")
		})
	}
}

func TestALetterThatMustNotGoBackSaysWhy(t *testing.T) {
	t.Parallel()
	raw := string(message(interconnect.Verify).Body())
	letter := func(queue, body string, size int) []byte {
		b, _ := json.Marshal(chain.DeadLetter{Queue: queue, Reason: "no", Body: body, Size: size})
		return b
	}
	for name, c := range map[string]struct {
		body []byte
		by   chain.Burier
		flaw string
	}{
		"it is cut":                      {letter("verification", raw[:20], len(raw)), chain.ByFunction, "only 20 were kept"},
		"it is of another schema":        {letter("routes", strings.Replace(raw, `"schema":1`, `"schema":9`, 1), len(raw)), chain.ByFunction, "schema version 9"},
		"its action has no such queue":   {letter("routes", raw, len(raw)), chain.ByFunction, "no step that reads"},
		"it came from nowhere of ours":   {letter("other-queue", raw, len(raw)), chain.ByFunction, "no step that reads"},
		"it is nothing known":            {[]byte(`{"hello": "world"}`), chain.ByStranger, "cannot be understood"},
		"it is no JSON":                  {[]byte("\x00\xff"), chain.ByStranger, "cannot be understood"},
		"it is an event of another kind": {[]byte(`{"triggerTime":"2026-01-01T00:00:00Z","triggerName":"sweep","payload":""}`), chain.ByStranger, "cannot be understood"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := one(t, c.body)
			require.Equal(t, c.by, l.By)
			require.Contains(t, l.Flaw, c.flaw)
			require.Empty(t, l.To)
			require.Empty(t, l.Again)
		})
	}
}

func TestAnOutcomeGoesBackToTheOutcomes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
	body := s.queues.on(chain.OutcomesQueue)[0].body
	l := one(t, body)
	require.Equal(t, chain.ByQueue, l.By)
	require.Equal(t, chain.OutcomesQueue, l.To)
	require.Equal(t, body, l.Again)
	wrong, _ := json.Marshal(chain.DeadLetter{Queue: "routes", Reason: "no", Body: string(body), Size: len(body)})
	require.Contains(t, one(t, wrong).Flaw, "does not belong")
}

func TestWhatAFunctionBuriedCanBeReadAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	good := string(message(interconnect.Connect).Body())
	require.NoError(t, s.deliver(interconnect.Peering, strings.Replace(good, `"schema":1`, `"schema":2`, 1)))
	l := one(t, s.queues.on(chain.DeadLettersQueue)[0].body)
	require.Equal(t, chain.ByFunction, l.By)
	require.Equal(t, "peering", l.Queue)
	require.Equal(t, "vi-peering", l.Function)
	require.Contains(t, l.Flaw, "schema version 2", "it still cannot be understood")
}

func TestWhetherTheRecordHasAUseForAMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(s *stage, r *interconnect.Record)
		action interconnect.Action
		says   string
	}{
		"it waits for it":       {func(*stage, *interconnect.Record) {}, interconnect.Connect, ""},
		"a newer one is there":  {func(_ *stage, r *interconnect.Record) { r.Generation = 2 }, interconnect.Connect, "moved on, to generation 2"},
		"nothing is desired":    {func(_ *stage, r *interconnect.Record) { r.Wanted.Disconnect = true }, interconnect.Verify, "nothing is desired"},
		"its window is to come": {func(s *stage, r *interconnect.Record) { r.Wanted.NotBefore = s.now.Add(time.Hour) }, interconnect.Connect, "until then"},
		"its generation has ended": {func(s *stage, r *interconnect.Record) {
			r.Steps[interconnect.Verification] = interconnect.StepStatus{Generation: 1, Action: interconnect.Connect, Progress: interconnect.Done}
		}, interconnect.Connect, "has ended"},
		"a check is always welcome": {func(s *stage, r *interconnect.Record) {
			r.Steps[interconnect.Verification] = interconnect.StepStatus{Generation: 1, Action: interconnect.Connect, Progress: interconnect.Done}
		}, interconnect.Verify, ""},
		"it is older than a message": {func(_ *stage, r *interconnect.Record) { r.Generation = 0 }, interconnect.Connect, "made anew"},
	} {
		s := newStage(t)
		s.records.put("a", 1, func(r *interconnect.Record) { c.change(s, r) })
		rec := s.records.all["a"]
		got := chain.NotNeeded(&rec, message(c.action), s.now)
		if c.says == "" {
			require.Empty(t, got, name)
		} else {
			require.Contains(t, got, c.says, name)
		}
	}
	require.NotEmpty(t, chain.NotNeeded(nil, message(interconnect.Connect), time.Time{}))
}

func FuzzReadLetters(f *testing.F) {
	raw := tired().Body()
	f.Add(raw)
	f.Add(event(string(raw)))
	letter, _ := json.Marshal(chain.DeadLetter{Queue: "routes", Reason: "no", Body: string(raw), Size: len(raw)})
	f.Add(letter)
	f.Add([]byte(`[{"data":{"messageBody":"x"}},"y",null]`))
	f.Add([]byte(`{"specversion":"1.0","id":"a/1/1","type":"vpcinterconnect.step.done","data":{"connectionId":"a"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		letters := chain.ReadLetters("vi", body)
		require.NotEmpty(t, letters, "nothing gets lost")
		for _, l := range letters {
			require.NotEmpty(t, l.Reason+string(l.By))
			require.NotEqual(t, l.To == "", l.Flaw == "", "it goes back, or there is a reason why not")
			require.Equal(t, l.To == "", len(l.Again) == 0)
			if l.To != "" && l.To != chain.OutcomesQueue {
				m, err := chain.ParseMessage(l.Again)
				require.NoError(t, err)
				require.True(t, m.GiveUpAt.IsZero() && m.Hops == 0 && m.Attempts == 0)
			}
		}
	})
}
