// Package examples has one runnable program for each way of using kycmark:
//
//	go run ./examples/mark          mark one picture and read it back
//	go run ./examples/pipeline      take an upload in, hand two recipients a copy each
//	go run ./examples/whose F DIR   mark the upload F, issue to a vendor, say whose copies DIR has
//	bash examples/cluster/run       the demo on two PostgreSQL servers, an S3 server and four workers
package examples
