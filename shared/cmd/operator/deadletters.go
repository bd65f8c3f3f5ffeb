package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/mns"
)

// shown is how many messages one look returns (MNS, BatchPeekMessage).
const shown = 16

func deadLettersCommand(open opener) *cobra.Command {
	parent := &cobra.Command{
		Use:   "dead-letters",
		Short: "List, explain and redrive messages that could not be handled",
		Long: `List, explain and redrive the messages of the dead-letter queue. There are three
kinds: what a function could not understand, what EventBridge could not push to
a function, and what was received from its queue again and again.
` + environmentHelp,
	}
	run := func(do func(ctx context.Context, l *letterBox, out io.Writer, ids []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, ids []string) error {
			d, err := open()
			if err != nil {
				return err
			}
			queues, err := d.queues(cmd.Context())
			if err != nil {
				return err
			}
			return do(cmd.Context(), &letterBox{deployment: d, client: queues, known: map[string]*interconnect.Record{}}, cmd.OutOrStdout(), ids)
		}
	}
	var all bool
	redrive := &cobra.Command{
		Use:   "redrive {--all | ID...}",
		Short: "Send messages that are sound and still needed to the queue they came from",
		Long: `Send messages to the queue they came from. Each is validated again, and held
against its connection's record; one that is not sound, or that nobody needs any
more, stays where it is until it expires. Its time and its attempts start anew. A
message is deleted from the dead letters only once it was sent.

To be received, messages have to be hidden: those that stay are not to be seen
for half a minute.
` + environmentHelp,
		RunE: run(func(ctx context.Context, l *letterBox, out io.Writer, ids []string) error {
			if all == (len(ids) > 0) {
				return errors.New("name the messages to redrive, or give --all")
			}
			return l.redrive(ctx, out, ids)
		}),
	}
	redrive.Flags().BoolVar(&all, "all", false, "every message there is")
	parent.AddCommand(
		&cobra.Command{Use: "list", Short: "List them, and how many there are", Long: "List the dead letters, and how many there are. Reads only.\n" + environmentHelp, Args: cobra.NoArgs,
			RunE: run(func(ctx context.Context, l *letterBox, out io.Writer, _ []string) error { return l.list(ctx, out) })},
		&cobra.Command{Use: "explain [ID...]", Short: "Say of each what it is, why it is there, and what a redrive would do", Long: "Say of each dead letter what it is, why it is there, and what a redrive would do. Reads only.\n" + environmentHelp,
			RunE: run(func(ctx context.Context, l *letterBox, out io.Writer, ids []string) error {
				return l.explain(ctx, out, ids)
			})},
		redrive,
	)
	return parent
}

// letterBox is the dead-letter queue of a deployment.
type letterBox struct {
	*deployment
	client *mns.Client
	known  map[string]*interconnect.Record // by connection; nil for one that has none
}

// list shows the next messages in a line each.
func (l *letterBox) list(ctx context.Context, out io.Writer) error {
	q, err := l.cloud.Queue(ctx, l.prefix+"-"+chain.DeadLettersQueue)
	if err != nil {
		return fmt.Errorf("reading the queue's attributes: %w", err)
	}
	next, err := l.client.Peek(ctx, chain.DeadLettersQueue, shown)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "About %d dead letters, %d of them hidden for now; each lives %s.\n", q.Active+q.Inactive+q.Delayed, q.Inactive+q.Delayed, days(q.Retention))
	for _, m := range next {
		for _, letter := range chain.ReadLetters(l.prefix, m.Body) {
			fate, err := l.fate(ctx, &letter)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s  %s  %-15s  %s: %s\n", m.ID, m.Enqueued.Format(time.RFC3339), orUnknown(letter.Queue), content(&letter), fate.line)
		}
	}
	if q.Active > len(next) && len(next) > 0 {
		fmt.Fprintf(out, "These are the next %d; the others are to be seen when these are gone.\n", len(next))
	}
	return nil
}

// explain shows messages with all that is known of them.
func (l *letterBox) explain(ctx context.Context, out io.Writer, ids []string) error {
	next, err := l.client.Peek(ctx, chain.DeadLettersQueue, shown)
	if err != nil {
		return err
	}
	missing := slices.Clone(ids)
	for _, m := range next {
		if len(ids) > 0 && !slices.Contains(ids, m.ID) {
			continue
		}
		missing = slices.DeleteFunc(missing, func(id string) bool { return id == m.ID })
		fmt.Fprintf(out, "%s, there since %s, received %d times\n", m.ID, m.Enqueued.Format(time.RFC3339), m.DequeueCount)
		for _, letter := range chain.ReadLetters(l.prefix, m.Body) {
			if err := l.tell(ctx, out, &letter); err != nil {
				return err
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s: not among the next %d messages", strings.Join(missing, ", "), shown)
	}
	if len(next) == 0 {
		fmt.Fprintln(out, "There are no dead letters to be seen.")
	}
	return nil
}

func (l *letterBox) tell(ctx context.Context, out io.Writer, letter *chain.Letter) error {
	fate, err := l.fate(ctx, letter)
	if err != nil {
		return err
	}
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(out, "  %-8s %s\n", name, value)
		}
	}
	line("from", orUnknown(letter.Queue))
	line("function", letter.Function)
	line("message", letter.MessageID)
	line("why", printable(letter.Reason))
	line("is", content(letter))
	if m := letter.Message; m != nil {
		line("trace", m.Trace)
	}
	line("redrive", fate.line)
	line("body", body(letter.Body))
	return nil
}

// fate is what a redrive would do with a letter.
type fate struct {
	line   string
	sound  bool // it can be sent again
	needed bool
}

func (l *letterBox) fate(ctx context.Context, letter *chain.Letter) (fate, error) {
	if letter.Flaw != "" {
		return fate{line: "it stays: " + printable(letter.Flaw)}, nil
	}
	if letter.Message != nil {
		r, err := l.record(ctx, letter.Message.ConnectionID)
		if err != nil {
			return fate{}, err
		}
		if why := chain.NotNeeded(r, *letter.Message, l.now()); why != "" {
			return fate{line: "it stays, not needed: " + why, sound: true}, nil
		}
	}
	return fate{line: "it goes to " + letter.To, sound: true, needed: true}, nil
}

// record reads a connection's record, once.
func (l *letterBox) record(ctx context.Context, id string) (*interconnect.Record, error) {
	if r, ok := l.known[id]; ok {
		return r, nil
	}
	r, err := l.records.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the record of %s: %w", id, err)
	}
	l.known[id] = r
	return r, nil
}

// redrive receives the messages one after the other, and sends again what is
// named (no ids: everything) and can be.
//
// Died after a message was sent: it is still there, and is sent again next time,
// which changes nothing more.
func (l *letterBox) redrive(ctx context.Context, out io.Writer, ids []string) error {
	missing := slices.Clone(ids)
	seen := map[string]bool{}
	sent, stayed := 0, 0
	for len(ids) == 0 || len(missing) > 0 {
		m, err := l.client.Receive(ctx, chain.DeadLettersQueue, 0)
		if err != nil {
			return err
		}
		if m == nil || seen[m.ID] { // the queue's end; or what stays is to be seen again
			break
		}
		seen[m.ID] = true
		if len(ids) > 0 && !slices.Contains(ids, m.ID) {
			continue
		}
		missing = slices.DeleteFunc(missing, func(id string) bool { return id == m.ID })
		gone, err := l.redriveOne(ctx, out, m)
		if err != nil {
			return err
		}
		if gone {
			sent++
		} else {
			stayed++
		}
	}
	fmt.Fprintf(out, "%d sent again, %d stay.\n", sent, stayed)
	if len(missing) > 0 {
		return fmt.Errorf("%s: not to be received; a message that was received lately is hidden for half a minute", strings.Join(missing, ", "))
	}
	return nil
}

// redriveOne sends again what a message holds, and then deletes it. If it holds
// several, and one of them is not sound, all of them stay.
func (l *letterBox) redriveOne(ctx context.Context, out io.Writer, m *mns.Message) (gone bool, err error) {
	letters := chain.ReadLetters(l.prefix, m.Body)
	needed := false
	for i := range letters {
		f, err := l.fate(ctx, &letters[i])
		if err != nil {
			return false, err
		}
		fmt.Fprintf(out, "%s  %s: %s\n", m.ID, content(&letters[i]), f.line)
		if !f.sound {
			return false, nil
		}
		needed = needed || f.needed
	}
	if !needed {
		return false, nil
	}
	for _, letter := range letters {
		if err := l.client.Send(ctx, letter.To, letter.Again, 0); err != nil {
			return false, fmt.Errorf("%s was not sent, and stays: %w", m.ID, err)
		}
	}
	if err := l.client.Delete(ctx, chain.DeadLettersQueue, m.Handle); err != nil {
		return false, fmt.Errorf("%s was sent, but could not be deleted; sending it again does no harm: %w", m.ID, err)
	}
	return true, nil
}

// content names what a letter holds.
func content(letter *chain.Letter) string {
	if m := letter.Message; m != nil {
		return fmt.Sprintf("%s of %s, generation %d", m.Action, m.ConnectionID, m.Generation)
	}
	if letter.To == chain.OutcomesQueue {
		return "an outcome"
	}
	return fmt.Sprintf("%d bytes that nobody understands", len(letter.Body))
}

func orUnknown(queue string) string {
	if queue == "" {
		return "(not told)"
	}
	return printable(queue)
}

func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}

// body shows a message's body: JSON as such, everything else escaped, since a
// stranger's bytes do not belong on a terminal.
func body(b []byte) string {
	var compact bytes.Buffer
	if json.Compact(&compact, b) == nil {
		return printable(compact.String())
	}
	return fmt.Sprintf("%q", b)
}

// printable escapes what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError {
			return '\uFFFD'
		}
		return r
	}, s)
}
