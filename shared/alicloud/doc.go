// Package alicloud calls Alibaba Cloud's OpenAPI for one invocation of a
// function: each method is one API, takes the region it is for, and speaks the
// domain's types.
//
// It is the only package that imports alibaba-cloud-sdk-go, and it uses little
// of it: the services' request and response structs, the signature, and
// sdk.Client.DoAction. The services' own client types bring tens of megabytes
// into a binary and are not used. What the SDK does badly is handled here,
// once: see Cloud.do and carrier.
package alicloud
