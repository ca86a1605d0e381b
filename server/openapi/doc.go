// Package openapi is the description of the private API: OpenAPI 3.0, one YAML
// file a subject, put together into one document.
//
// Who adds a route describes it in the file of its subject, or in a new one;
// every *.yaml here belongs to the document. Tests of package server hold the
// document against the routes that are registered, both ways, and every answer
// that any of them gets against the schemas. Objects are closed
// (additionalProperties: false), so that a field nobody described shows.
package openapi
