package desk

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ServiceNowOptions set a ServiceNow up.
type ServiceNowOptions struct {
	Account  Person // our own
	Password string
	Table    string // of the tickets, e.g. sc_req_item

	EmptyIs404  bool // a list that nothing fits is answered with 404
	NoVariables bool // the Table interface does not know fields variables.<name>
}

// ServiceNow is a stand-in for one: one table of tickets with its journal, its
// approvals and its audit, and a business rule that calls whenever a ticket is
// written. It is an http.Handler.
type ServiceNow struct {
	o      ServiceNowOptions
	out    *sender
	mu     sync.Mutex
	rows   map[string][]record // by table
	people map[string]Person
	next   int
	down   bool
	url    string
	secret string
}

// record is a row; a field's display value, where it is another, is kept under
// the field's name with a ! behind.
type record map[string]string

// NewServiceNow returns one without tickets.
func NewServiceNow(o ServiceNowOptions) *ServiceNow {
	return &ServiceNow{o: o, rows: map[string][]record{}, people: map[string]Person{o.Account.ID: o.Account},
		out: newSender(20*time.Second, nil, nil)} // RESTMessageV2 repeats nothing
}

// Rule has the business rule call a URL with a shared secret.
func (s *ServiceNow) Rule(url, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url, s.secret = url, secret
}

// Down has it answer 503 to everything.
func (s *ServiceNow) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Close stops calls.
func (s *ServiceNow) Close() { s.out.close() }

// Deliveries lists all calls.
func (s *ServiceNow) Deliveries() []Delivery { return s.out.deliveries() }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// insert adds a row with the fields that every row has.
func (s *ServiceNow) insert(table string, by Person, r record) record {
	s.next++
	now := stamp(time.Now())
	r["sys_id"] = fmt.Sprintf("%032x", s.next)
	r["sys_created_by"], r["sys_updated_by"], r["sys_created_on"], r["sys_updated_on"], r["sys_mod_count"] = by.ID, by.ID, now, now, "0"
	s.rows[table] = append(s.rows[table], r)
	return r
}

// Create orders a catalog item: variables are the form's. It returns the
// number of the requested item.
func (s *ServiceNow) Create(by Person, item string, variables map[string]string) (number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[by.ID] = by
	r := record{"state": "1", "state!": "Open", "approval": "requested", "approval!": "Requested", "cat_item": "f00d", "cat_item!": item,
		"opened_by.user_name": by.ID, "opened_by.name": by.Name}
	for name, v := range variables {
		r["variables."+name] = v
	}
	r = s.insert(s.o.Table, by, r)
	r["number"] = fmt.Sprintf("RITM%07d", s.next)
	s.call(r, by, "insert")
	return r["number"]
}

func (s *ServiceNow) byNumber(number string) record {
	for _, r := range s.rows[s.o.Table] {
		if r["number"] == number {
			return r
		}
	}
	panic("there is no " + number)
}

// Edit changes fields of a ticket; a form's variables are variables.<name>.
func (s *ServiceNow) Edit(by Person, number string, fields map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[by.ID] = by
	s.write(s.byNumber(number), by, fields)
}

// Approve is what an approver's button does.
func (s *ServiceNow) Approve(by Person, number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[by.ID] = by
	r := s.byNumber(number)
	s.insert("sysapproval_approver", by, record{"sysapproval": r["sys_id"], "state": "approved", "approver.user_name": by.ID, "approver.name": by.Name})
	s.write(r, by, map[string]string{"approval": "approved", "approval!": "Approved"})
}

// journals are the fields that are written only, and listed apart.
var journals = []string{"work_notes", "comments"}

// write changes a ticket: audit, journal, business rule.
func (s *ServiceNow) write(r record, by Person, fields map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v := fields[name]
		if slices.Contains(journals, name) {
			s.insert("sys_journal_field", by, record{"element_id": r["sys_id"], "element": name, "name": s.o.Table, "value": v})
			continue
		}
		if r[name] != v && !strings.HasSuffix(name, "!") {
			s.insert("sys_audit", by, record{"documentkey": r["sys_id"], "tablename": s.o.Table, "fieldname": name, "oldvalue": r[name], "newvalue": v, "user": by.ID})
		}
		r[name] = v
	}
	n, _ := strconv.Atoi(r["sys_mod_count"])
	r["sys_updated_by"], r["sys_updated_on"], r["sys_mod_count"] = by.ID, stamp(time.Now()), strconv.Itoa(n+1)
	s.call(r, by, "update")
}

// Value is a ticket's field.
func (s *ServiceNow) Value(number, field string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byNumber(number)[field]
}

// Notes lists a ticket's work notes as their reader sees them.
func (s *ServiceNow) Notes(number string) []Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.byNumber(number)["sys_id"]
	var out []Note
	for _, r := range s.rows["sys_journal_field"] {
		if r["element_id"] == id {
			at, _ := time.Parse("2006-01-02 15:04:05", r["sys_created_on"])
			by := s.people[r["sys_created_by"]]
			out = append(out, Note{by, at, r["value"]})
		}
	}
	return out
}

// call is the business rule's: what the sample script sends.
func (s *ServiceNow) call(r record, by Person, operation string) {
	if s.url == "" {
		return
	}
	body, err := json.Marshal(map[string]string{
		"table": s.o.Table, "sys_id": r["sys_id"], "number": r["number"], "operation": operation,
		"sys_mod_count": r["sys_mod_count"], "updated_by": by.ID,
	})
	if err != nil {
		panic(err) // texts cannot fail
	}
	secret := s.secret
	s.out.send(s.url, operation, body, func(int) http.Header {
		return http.Header{"Content-Type": {"application/json"}, "User-Agent": {"ServiceNow/1.0"},
			"X-Shared-Secret": {secret}, "X-Timestamp": {strconv.FormatInt(time.Now().Unix(), 10)}}
	})
}

// ServeHTTP answers the Table interface: lists, and PATCH of a ticket.
func (s *ServiceNow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(status int, words string) {
		answer(w, status, map[string]any{"error": map[string]string{"message": words, "detail": ""}, "status": "failure"})
	}
	user, password, ok := r.BasicAuth()
	rest, isTable := strings.CutPrefix(r.URL.Path, "/api/now/table/")
	table, id, _ := strings.Cut(rest, "/")
	switch {
	case s.down:
		fail(http.StatusServiceUnavailable, "maintenance")
	case !ok || user != s.o.Account.ID || password != s.o.Password:
		fail(http.StatusUnauthorized, "User Not Authenticated")
	case !isTable || !slices.Contains([]string{s.o.Table, "sysapproval_approver", "sys_journal_field", "sys_audit"}, table):
		fail(http.StatusBadRequest, "Invalid table "+table)
	case r.Method == http.MethodGet && id == "":
		list, err := s.find(table, r.URL.Query().Get("sysparm_query"))
		if err != nil || r.URL.Query().Get("sysparm_display_value") != "all" {
			fail(http.StatusBadRequest, fmt.Sprintf("this is not built: %s %v", r.URL.RawQuery, err))
			return
		}
		if len(list) == 0 && s.o.EmptyIs404 {
			fail(http.StatusNotFound, "No Record found")
			return
		}
		result := []any{}
		for _, row := range list {
			out := map[string]any{}
			for _, f := range strings.Split(r.URL.Query().Get("sysparm_fields"), ",") {
				shown := row[f]
				if d, ok := row[f+"!"]; ok {
					shown = d
				}
				if _, there := row[f]; there && (!s.o.NoVariables || !strings.HasPrefix(f, "variables.")) {
					out[f] = map[string]string{"value": row[f], "display_value": shown}
				}
			}
			result = append(result, out)
		}
		answer(w, http.StatusOK, map[string]any{"result": result})
	case r.Method == http.MethodPatch && table == s.o.Table && id != "":
		s.patch(w, r, id, fail)
	default:
		fail(http.StatusMethodNotAllowed, "this is not built")
	}
}

func (s *ServiceNow) patch(w http.ResponseWriter, r *http.Request, id string, fail func(int, string)) {
	in, err := readObject(r)
	if err != nil {
		fail(http.StatusBadRequest, err.Error())
		return
	}
	fields := map[string]string{}
	for k, v := range in {
		fields[k] = fmt.Sprint(v)
	}
	for _, row := range s.rows[s.o.Table] {
		if row["sys_id"] == id {
			s.write(row, s.o.Account, fields)
			answer(w, http.StatusOK, map[string]any{"result": map[string]string{"sys_id": id}})
			return
		}
	}
	fail(http.StatusNotFound, "No Record found")
}

// find knows of queries: equality, ^ for and, ORDERBY at the end.
func (s *ServiceNow) find(table, query string) ([]record, error) {
	want := map[string]string{}
	for _, term := range strings.Split(query, "^") {
		field, value, ok := strings.Cut(term, "=")
		switch {
		case strings.HasPrefix(term, "ORDERBY"): // rows are kept in the order in which they were made
		case !ok || strings.ContainsAny(field, "!<>@ "):
			return nil, fmt.Errorf("the term %q", term)
		default:
			want[field] = value
		}
	}
	var out []record
	for _, r := range s.rows[table] {
		fits := true
		for f, v := range want {
			fits = fits && r[f] == v
		}
		if fits {
			out = append(out, r)
		}
	}
	return out, nil
}
