// Package manifest reads what a deployment consists of: the functions and
// triggers of s.yaml (Serverless Devs 3, component fc3) and the queues and
// roles of template.yml (ROS). A key that the local cloud does not act on is
// refused, so that nothing written there can silently mean nothing here.
package manifest
