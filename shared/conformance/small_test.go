package conformance_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	ali_mns "github.com/aliyun/aliyun-mns-go-sdk"
)

var background = context.Background()

// parameter returns a parameter of the session's own, with the value one.
func (s *session) parameter() string {
	return s.once("parameter", func() string {
		s.spend("parameter", 1)
		name := "/" + s.name + "/entry"
		s.must(s.read("Oos", "CreateParameter", "Name", name, "Type", "String", "Value", "one"), "CreateParameter")
		s.later("parameter "+name, func() reply { return s.read("Oos", "DeleteParameter", "Name", name) })
		return name
	})
}

func version(r reply) string {
	if !r.ok() {
		return r.String()
	}
	return "version " + r.at("Parameter.ParameterVersion")
}

var parameterFacts = []fact{
	{says: "a parameter that exists is not made again", writes: true, local: "409 EntityAlreadyExists.Parameter", with: "ParameterErrorsAre400", other: "400 EntityAlreadyExists.Parameter",
		ask: func(s *session) string {
			return s.read("Oos", "CreateParameter", "Name", s.parameter(), "Type", "String", "Value", "two").String()
		}},
	{says: "an update makes the next version", writes: true, local: "version 2",
		ask: func(s *session) string {
			return version(s.read("Oos", "UpdateParameter", "Name", s.parameter(), "Value", "two"))
		}},
	{says: "an update to the same value makes a version too", writes: true, local: "1 more",
		ask: func(s *session) string {
			first := s.must(s.read("Oos", "UpdateParameter", "Name", s.parameter(), "Value", "same"), "UpdateParameter")
			second := s.must(s.read("Oos", "UpdateParameter", "Name", s.parameter(), "Value", "same"), "UpdateParameter")
			var a, b int
			fmt.Sscan(first.at("Parameter.ParameterVersion"), &a)
			fmt.Sscan(second.at("Parameter.ParameterVersion"), &b)
			return fmt.Sprintf("%d more", b-a)
		}},
	{says: "a version keeps its value when a newer one is made", writes: true, local: "the former value",
		ask: func(s *session) string {
			name := s.parameter()
			former := s.must(s.read("Oos", "UpdateParameter", "Name", name, "Value", "former"), "UpdateParameter").at("Parameter.ParameterVersion")
			s.must(s.read("Oos", "UpdateParameter", "Name", name, "Value", "newer"), "UpdateParameter")
			return s.await(func() string {
				r := s.read("Oos", "GetParameter", "Name", name, "ParameterVersion", former)
				if r.ok() && r.at("Parameter.Value") == "former" {
					return "the former value"
				}
				return r.String()
			}, "the former value")
		}},
	{says: "a value has up to 4,096 characters", writes: true, local: "200, then a 400",
		ask: func(s *session) string {
			fits := s.read("Oos", "UpdateParameter", "Name", s.parameter(), "Value", strings.Repeat("x", 4096))
			not := s.read("Oos", "UpdateParameter", "Name", s.parameter(), "Value", strings.Repeat("x", 4097))
			return fmt.Sprintf("%d, then a %d", fits.status, not.status)
		}},
	{says: "a path lists what is below it, values included", writes: true, local: "the value",
		ask: func(s *session) string {
			name := s.parameter()
			s.must(s.read("Oos", "UpdateParameter", "Name", name, "Value", "here"), "UpdateParameter")
			return s.await(func() string {
				for _, p := range s.read("Oos", "GetParametersByPath", "Path", "/"+s.name, "Recursive", "true").list("Parameters") {
					if p.at("Name") == name && p.at("Value") == "here" {
						return "the value"
					}
				}
				return "no value"
			}, "the value")
		}},
	{says: "a name has up to 180 characters", writes: true, local: "400", with: "LongParameterNames", other: "200",
		ask: func(s *session) string {
			s.spend("parameter", 1)
			name := "/" + s.name + "/"
			name += strings.Repeat("n", 181-len(name))
			r := s.read("Oos", "CreateParameter", "Name", name, "Type", "String", "Value", "x")
			if r.ok() {
				s.later("parameter "+name, func() reply { return s.read("Oos", "DeleteParameter", "Name", name) })
			}
			return fmt.Sprint(r.status)
		}},
	{says: "what there is not is not deleted", writes: true, local: "404 EntityNotExists.Parameter", with: "ParameterErrorsAre400", other: "400 EntityNotExists.Parameter",
		ask: func(s *session) string {
			return s.read("Oos", "DeleteParameter", "Name", "/"+s.name+"/none").String()
		}},
}

// receive takes the next message through the project's client.
func (s *session) receive(wait time.Duration) (handle, body string) {
	m, err := s.messages().Receive(background, s.queue(), wait)
	switch {
	case err != nil:
		s.skip("ReceiveMessage: %s", mnsCode(err))
	case m == nil:
		return "", ""
	}
	return m.Handle, string(m.Body)
}

var queueFacts = []fact{
	{says: "a message arrives as it was sent", writes: true, local: `{"a": "<ü>"}`,
		ask: func(s *session) string {
			if err := s.messages().Send(background, s.queue(), []byte(`{"a": "<ü>"}`), 0); err != nil {
				return mnsCode(err)
			}
			handle, body := s.receive(10 * time.Second)
			if err := s.messages().Delete(background, s.queue(), handle); err != nil {
				return mnsCode(err)
			}
			return body
		}},
	{says: "a message that was deleted is no error to delete, for the project's client", writes: true, local: "ok",
		ask: func(s *session) string {
			if err := s.messages().Send(background, s.queue(), []byte("x"), 0); err != nil {
				return mnsCode(err)
			}
			handle, _ := s.receive(10 * time.Second)
			_ = s.messages().Delete(background, s.queue(), handle)
			return mnsCode(s.messages().Delete(background, s.queue(), handle))
		}},
	{says: "a delayed message is not seen before its time", writes: true, local: "not at once, then here",
		ask: func(s *session) string {
			if err := s.messages().Send(background, s.queue(), []byte("late"), 2*time.Second); err != nil {
				return mnsCode(err)
			}
			if _, body := s.receive(0); body != "" {
				return "at once"
			}
			if handle, body := s.receive(10 * time.Second); body == "late" {
				_ = s.messages().Delete(background, s.queue(), handle)
				return "not at once, then here"
			}
			return "never"
		}},
	{says: "a message of priority 0 is taken", writes: true, local: "ok", with: "PriorityZeroRefused", other: "InvalidArgument",
		ask: func(s *session) string {
			s.queue()
			_, err := ali_mns.NewMNSQueue(s.name+"-q", s.officialMNS()).SendMessage(ali_mns.MessageSendRequest{MessageBody: "x"})
			return mnsCode(err)
		}},
	{says: "a queue's times are milliseconds", writes: true, local: "milliseconds", with: "QueueTimesInSeconds", other: "seconds",
		ask: func(s *session) string {
			s.queue()
			a, err := s.queues().GetQueueAttributes(s.name + "-q")
			switch {
			case err != nil:
				return mnsCode(err)
			case a.CreateTime > 1e11:
				return "milliseconds"
			}
			return "seconds"
		}},
	{says: "a queue tells how many messages it has", writes: true, local: "it does", with: "MessageCountsWithdrawn", other: "0",
		ask: func(s *session) string {
			if err := s.messages().Send(background, s.queue(), []byte("x"), 0); err != nil {
				return mnsCode(err)
			}
			return s.await(func() string {
				a, err := s.queues().GetQueueAttributes(s.name + "-q")
				switch {
				case err != nil:
					return mnsCode(err)
				case a.ActiveMessages == 0:
					return "0"
				}
				return "it does"
			}, "it does")
		}},
	{says: "the name of a deleted queue can be used again at once", writes: true, local: "ok", with: "QueueNameCoolsDown", other: "QueueDeletedRecently",
		ask: func(s *session) string {
			s.spend("queue", 2)
			name := s.name + "-again"
			if err := s.queues().CreateSimpleQueue(name); err != nil {
				return mnsCode(err)
			}
			s.undo = append(s.undo, undoing{"queue " + name, func() error { return s.queues().DeleteQueue(name) }})
			if err := s.queues().DeleteQueue(name); err != nil {
				return mnsCode(err)
			}
			return mnsCode(s.queues().CreateSimpleQueue(name))
		}},
}
