package intake

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// Taken is what became of a request that was taken.
type Taken struct {
	Record   interconnect.Record // as it is now
	Changed  bool                // a new generation was recorded
	Warnings []interconnect.Warning

	Difference []interconnect.Difference // to what was desired before, if that changed

	anew    bool // the connection was recorded anew: a twin may have been at the same moment
	started bool // nothing is left to be told: it has ended
}

// Asker is who stands behind what is asked.
type Asker struct {
	Token    string // the name of the token that came with it, or of the function that asks
	Approver string // who approved it, where that is not the token's holder
}

// behalf names who asks: always who is known for certain, and whom that one
// names.
func (a Asker) behalf(of string) string {
	if of == "" {
		return a.Token
	}
	return a.Token + " for " + of
}

// Ask takes a request for a connection: it checks it against the cloud,
// records what it resolves to, and sends the first message. by says who asks.
//
// The same request again changes nothing and sends the message again, unless
// its generation has ended. After a failure it is a new attempt. The error is a
// *Refusal.
func (in *Intake) Ask(ctx context.Context, r *interconnect.Request, by Asker) (*Taken, error) {
	planner := in.planner()
	seen, err := planner.look(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := planner.guard(seen, by); err != nil {
		return nil, err
	}
	return in.take(ctx, seen, by)
}

// take records what was looked at and passed the guard, and tells the first
// step.
func (in *Intake) take(ctx context.Context, seen *prospect, by Asker) (*Taken, error) {
	t, err := in.record(ctx, seen, by)
	if err != nil {
		return nil, err
	}
	var records []interconnect.Record
	if t.anew {
		records = in.readBack(ctx)
	}
	return t, in.start(ctx, t, records)
}

// record records what was looked at, with what it changes.
func (in *Intake) record(ctx context.Context, seen *prospect, by Asker) (*Taken, error) {
	t, err := in.want(ctx, seen, by)
	if err == nil && t.Changed && seen.record != nil && seen.record.Live() {
		t.Difference = interconnect.Differences(requestOf(seen.record.Wanted.Connection, seen.record.Wanted.Window), requestOf(seen.connection, seen.window))
	}
	return t, err
}

// place finds the record that a request is about, and gives a request without
// an id the id of its pair's connection. One pair has one live connection, and
// one id one pair.
func place(r *interconnect.Request, records []interconnect.Record) (*interconnect.Record, *Refusal) {
	var ofPair, ofID *interconnect.Record
	for i := range records {
		rec := &records[i]
		if r.ID != "" && rec.ID == r.ID {
			ofID = rec
		}
		if !removed(rec) && rec.Wanted.Connection.Pair() == r.Pair() && holds(rec, ofPair, r.ID) {
			ofPair = rec
		}
	}
	if r.ID == "" {
		r.ID = interconnect.DefaultID(r)
		if ofPair != nil {
			r.ID = ofPair.ID
		}
		if at := slices.IndexFunc(records, func(rec interconnect.Record) bool { return rec.ID == r.ID }); at >= 0 {
			ofID = &records[at]
		}
	}
	switch {
	case ofID != nil && !removed(ofID) && ofID.Wanted.Connection.Pair() != r.Pair():
		return nil, refuseID(ofID)
	case ofPair != nil && ofPair.ID != r.ID:
		return nil, refuse(http.StatusConflict, interconnect.FieldProblem{Field: "/id", Sentence: fmt.Sprintf(
			"These two VPCs have the connection %s already; change that one, or disconnect it and wait until it is Disconnected.", ofPair.ID)})
	}
	return ofID, nil
}

// newest reads the record of a connection once more, right before it is
// written: others may have changed it while the cloud was asked, or the list
// was read late.
func (p *Planner) newest(ctx context.Context, listed *interconnect.Record, c *interconnect.Connection) (*interconnect.Record, *Refusal) {
	record, err := p.read(ctx, c.ID)
	switch {
	case err != nil:
		return nil, refuseError(err)
	case generation(record) < generation(listed):
		return listed, nil
	case record != nil && !removed(record) && record.Wanted.Connection.Pair() != c.Pair():
		return nil, refuseID(record)
	}
	return record, nil
}

// refuseID says that an id is another pair's.
func refuseID(record *interconnect.Record) *Refusal {
	c := record.Wanted.Connection
	return refuse(http.StatusConflict, interconnect.FieldProblem{Field: "/id", Sentence: fmt.Sprintf(
		"%s is the connection of %s and %s; choose another id, or disconnect it first.", record.ID, c.Initiator.VpcID, c.Acceptor.VpcID)})
}

// holds tells whether of two records of a pair a is rather the pair's
// connection than b: what is wanted before what is going, then the one asked
// for.
func holds(a, b *interconnect.Record, id string) bool {
	switch {
	case b == nil:
		return true
	case a.Live() != b.Live():
		return a.Live()
	}
	return a.ID == id
}

// removed tells whether nothing of a connection is wanted or left.
func removed(r *interconnect.Record) bool { return !r.Live() && interconnect.Ended(r) }

// turned tells whether c has the sides of what is recorded the other way
// round. A connection keeps its initiator: its interfaces have their roles.
func turned(record *interconnect.Record, c *interconnect.Connection) bool {
	if record == nil || removed(record) {
		return false
	}
	was, is := record.Wanted.Connection.Initiator, c.Initiator
	return was.VpcID != is.VpcID || was.RegionID != is.RegionID
}

// start tells the first step of what was recorded, or leaves that to the sweep
// if its window is yet to begin. Of two connections that were asked for at one
// moment for one pair the later gives way, by the records as read since.
func (in *Intake) start(ctx context.Context, t *Taken, records []interconnect.Record) error {
	if t.anew {
		if err := in.yieldToTwin(ctx, t, records); err != nil {
			return err
		}
	}
	if !t.started {
		in.send(ctx, t)
	}
	return nil
}

// want records c for its window, unless that is recorded already.
func (in *Intake) want(ctx context.Context, seen *prospect, by Asker) (*Taken, error) {
	record, c, window, warnings := seen.record, seen.connection, seen.window, seen.warnings
	now := in.now()
	if record != nil && interconnect.SameWanted(record, c) && record.Wanted.Same(window, now) && !failed(record) {
		return &Taken{Record: *record, Warnings: warnings, started: interconnect.Ended(record)}, nil
	}
	if now.Before(window.NotBefore) && record != nil && !interconnect.Ended(record) && !interconnect.Held(record, now) {
		// It would be left as it is, half made or half removed, until then.
		return nil, refuse(http.StatusConflict, interconnect.FieldProblem{Field: "/notBefore", Sentence: fmt.Sprintf(
			"A change of %s is under way, and would stop halfway until then; ask again when it has ended.", c.ID)})
	}
	w := interconnect.NextWanted(record, c)
	w.By, w.ApprovedBy, w.At, w.Window = by.behalf(seen.asked.RequestedBy), seen.approvedBy, now, window
	w.Overtook = interconnect.Overtakes(record, now)
	if p := interconnect.RefuseRecord(w); p != nil {
		return nil, refuse(http.StatusUnprocessableEntity, *p)
	}
	if record != nil && record.Wanted.Disconnect {
		// What was Connected before a disconnect is nothing to roll back to.
		forget := func() (struct{}, error) { return struct{}{}, in.Records.PutConnected(ctx, c.ID, nil) }
		if _, err := again(ctx, in.planner(), forget); err != nil {
			return nil, refuseError(err)
		}
	}
	t, err := in.put(ctx, record, c.ID, w)
	if err != nil {
		return nil, err
	}
	t.Warnings = append(warnings, t.Warnings...)
	t.anew = record == nil || removed(record)
	return t, nil
}

// failed tells whether a generation has ended without its connection.
func failed(r *interconnect.Record) bool {
	return interconnect.Ended(r) && interconnect.Overall(r, r.UpdatedAt) == interconnect.StateFailed
}

// put writes a generation. The store has no conditional update: of two who
// write at once the later wins, and the gap since the record was read is as small
// as can be. Who finds by its number that it has replaced a generation that it has
// not seen writes once more, so that what that one may have made is looked for.
func (in *Intake) put(ctx context.Context, seen *interconnect.Record, id string, w interconnect.Wanted) (*Taken, error) {
	g, err := in.write(ctx, id, &w)
	if err != nil {
		return nil, refuseError(err)
	}
	if w.Ends != 0 && g != w.Ends+1 {
		in.log().Info("not ended, as it was asked for at the same time", "connection", id, "generation", g, "seen", w.Ends, "by", w.By)
		return in.standing(ctx, id)
	}
	var warnings []interconnect.Warning
	if g > generation(seen)+1 {
		in.log().Warn("another request was recorded at the same time", "connection", id, "generation", g, "seen", generation(seen))
		warnings = append(warnings, interconnect.Warning{Sentence: "Another request for this connection was recorded at the same time, and this one replaced it."})
		if thorough := overtaking(w); !w.Disconnect && !reflect.DeepEqual(thorough, w) && interconnect.RefuseRecord(thorough) == nil {
			w = thorough
			if g, err = in.write(ctx, id, &w); err != nil {
				return nil, refuseError(err)
			}
		}
	}
	t := &Taken{Changed: true, Record: interconnect.Record{ID: id, Generation: g, Wanted: w, UpdatedAt: w.At}, Warnings: warnings}
	if seen != nil {
		t.Record.LastConnected, t.Record.Steps = seen.LastConnected, seen.Steps
	}
	in.announceRecorded(ctx, seen, &t.Record)
	in.log().Info("recorded", "connection", id, "generation", g, "disconnect", w.Disconnect, "by", w.By, "approvedBy", w.ApprovedBy)
	return t, nil
}

// standing is what is wanted, where something was to end that is not wanted any
// more: it has become the newest generation.
func (in *Intake) standing(ctx context.Context, id string) (*Taken, error) {
	r, err := in.read(ctx, id)
	if err == nil && r == nil {
		err = &interconnect.CloudError{Class: interconnect.Gone, Action: "GetParameters", Message: "the record of " + id + " is gone"}
	}
	if err != nil {
		return nil, refuseError(err)
	}
	return &Taken{Record: *r}, nil
}

// write writes the request entry, of the time at which it is written. A try that
// failed may have been carried out: then its generation is the one, and nobody
// else's was replaced.
func (in *Intake) write(ctx context.Context, id string, w *interconnect.Wanted) (int, error) {
	failed := false
	return again(ctx, in.planner(), func() (int, error) {
		if failed {
			if r, err := in.Records.Get(ctx, id); err == nil && r != nil && r.Wanted.At.Equal(w.At) && reflect.DeepEqual(r.Wanted.Connection, w.Connection) && r.Wanted.Disconnect == w.Disconnect && r.Wanted.By == w.By {
				return r.Generation, nil
			}
		}
		w.At = in.now()
		g, err := in.Records.PutRequest(ctx, id, *w)
		failed = err != nil
		return g, err
	})
}

// overtaking is what is recorded in place of a generation that nobody has seen.
func overtaking(w interconnect.Wanted) interconnect.Wanted {
	w.Overtook = true
	if len(w.Former) == 0 {
		w.Former = interconnect.PlacesOf(w.Connection)
	}
	return w
}

// announceRecorded tells on the outcomes what was recorded. If that fails, the
// steps tell what follows.
func (in *Intake) announceRecorded(ctx context.Context, seen, r *interconnect.Record) {
	was, now := interconnect.State(""), in.now()
	if seen != nil {
		was = interconnect.Overall(seen, now)
	}
	if err := in.Queues.Send(ctx, chain.OutcomesQueue, chain.RecordedNotice(in.Prefix, r, was, now), 0); err != nil {
		in.log().Warn("outcome not announced", "connection", r.ID, "generation", r.Generation, "error", err.Error())
	}
}

func generation(r *interconnect.Record) int {
	if r == nil {
		return 0
	}
	return r.Generation
}

// readBack reads the records again after connections were recorded anew. If
// that fails twins stay, which costs nothing: steps of both find and use the
// same things, and leave alone what the other needs.
func (in *Intake) readBack(ctx context.Context) []interconnect.Record {
	records, err := in.Records.List(ctx)
	if err != nil {
		in.log().Warn("records could not be read back", "error", err.Error())
	}
	return records
}

// yieldToTwin has the later of two connections give way that were asked for at
// the same moment for one pair. Whose record was written last sees both, whichever
// was asked for first, and withdraws the later.
func (in *Intake) yieldToTwin(ctx context.Context, t *Taken, records []interconnect.Record) error {
	own := &t.Record
	for i := range records {
		other := &records[i]
		if other.ID == own.ID || !other.Live() || other.Wanted.Connection.Pair() != own.Wanted.Connection.Pair() {
			continue
		}
		stays, goes := own, other
		if earlier(other, own) {
			stays, goes = other, own
		}
		w := interconnect.Wanted{Connection: goes.Wanted.Connection, Disconnect: true, Former: goes.Wanted.Former, By: goes.Wanted.By, Ends: goes.Generation}
		withdrawn, err := in.put(ctx, goes, goes.ID, w)
		if err != nil {
			return err
		}
		in.send(ctx, withdrawn)
		if withdrawn.Record.Live() { // somebody has asked for it anew at this moment
			continue
		}
		in.log().Info("withdrawn", "connection", goes.ID, "why", "the pair got the connection "+stays.ID+" at the same moment")
		if goes == own {
			return refuse(http.StatusConflict, interconnect.FieldProblem{Field: "/id", Sentence: fmt.Sprintf(
				"These two VPCs got the connection %s at the same moment; change that one, or disconnect it first.", stays.ID)})
		}
	}
	return nil
}

// earlier orders connections by when they were asked for, then by id.
func earlier(a, b *interconnect.Record) bool {
	if !a.Wanted.At.Equal(b.Wanted.At) {
		return a.Wanted.At.Before(b.Wanted.At)
	}
	return a.ID < b.ID
}

// Disconnect takes the wish that a connection be gone. Again it changes
// nothing and sends the message again, unless that has ended. The error is a
// *Refusal, of status 404 if there is no such connection.
func (in *Intake) Disconnect(ctx context.Context, id string, by Asker) (*Taken, error) {
	record, err := in.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !record.Live() {
		t := &Taken{Record: *record}
		if !interconnect.Ended(record) {
			in.send(ctx, t)
		}
		return t, nil
	}
	if err := in.planner().mayRemove(record, by); err != nil {
		return nil, err
	}
	return in.disconnectRecord(ctx, record, by.Token, 0)
}

// disconnectRecord records that a live connection is to go, and sends the first
// message. ends is the generation that is to go, where nobody asks for it: then it
// stays if it is asked for anew at the same moment.
func (in *Intake) disconnectRecord(ctx context.Context, record *interconnect.Record, by string, ends int) (*Taken, error) {
	w := interconnect.NextDisconnect(record)
	w.By, w.At, w.Ends = by, in.now(), ends
	if interconnect.RefuseRecord(w) != nil {
		// A disconnect is never refused for its length. What it leaves out is
		// still found by the connection's own tables and groups.
		w.Former = record.Wanted.Former
	}
	t, err := in.put(ctx, record, record.ID, w)
	if err != nil {
		return nil, err
	}
	in.send(ctx, t)
	return t, nil
}

// read reads a record, nil if there is none.
func (in *Intake) read(ctx context.Context, id string) (*interconnect.Record, error) {
	return in.planner().read(ctx, id)
}

// get reads a record that has to be there.
func (in *Intake) get(ctx context.Context, id string) (*interconnect.Record, error) {
	missing := &Refusal{Status: http.StatusNotFound, Detail: "There is no such connection; GET /connections lists those there are. One that was asked for a moment ago may take some seconds to be seen."}
	if !interconnect.ValidID(id) {
		return nil, missing
	}
	record, err := in.read(ctx, id)
	if err != nil {
		return nil, refuseError(err)
	}
	if record == nil {
		return nil, missing
	}
	return record, nil
}

// send sends the newest generation's first message, unless it has to wait for
// its window. A message that cannot be sent costs time only: the sweep will
// send it.
func (in *Intake) send(ctx context.Context, t *Taken) {
	if interconnect.Held(&t.Record, in.now()) {
		return
	}
	queue, m := chain.FirstMessage(&t.Record, in.trace())
	if err := in.tell(ctx, queue, m); err != nil {
		in.log().Error("the first message could not be sent", "connection", t.Record.ID, "generation", t.Record.Generation, "queue", queue, "error", err.Error())
		t.Warnings = append(t.Warnings, interconnect.Warning{Sentence: "The first step could not be told at once; the sweep will tell it within minutes."})
		return
	}
	in.log().Info("sent", "connection", t.Record.ID, "generation", t.Record.Generation, "queue", queue, "action", m.Action, "trace", m.Trace)
}
