package fc

import (
	"encoding/json"
	"time"

	"vpcinterconnect/shared/localcloud/fc/manifest"
)

// runTimer invokes asynchronously at each tick, whether or not the last one is
// still being handled (facts C).
func (p *Platform) runTimer(f *function, t manifest.TimerTrigger) {
	schedule, err := manifest.Schedule(t.Cron)
	if err != nil {
		p.observe(Event{Kind: EventDiscarded, Function: f.ID, Error: "timer " + t.Name + ": " + err.Error()})
		return
	}
	for at := p.now(); ; {
		next := schedule.Next(at)
		if next.IsZero() || !p.pause(next.Sub(p.now())) {
			return
		}
		at = next
		event, err := json.Marshal(map[string]string{
			"triggerTime": next.UTC().Format(time.RFC3339), "triggerName": t.Name, "payload": t.Payload,
		})
		if err == nil {
			err = p.InvokeAsync(f.ID, event)
		}
		if err != nil {
			p.observe(Event{Kind: EventDiscarded, Function: f.ID, Error: "timer " + t.Name + ": " + err.Error()})
		}
	}
}
