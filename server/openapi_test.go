package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/gin-gonic/gin"

	"switchboard/server/openapi"
)

// described is the API's description, with a router over its paths.
var described = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := openapi.Document()
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

var describedRoutes = sync.OnceValues(func() (routers.Router, error) {
	doc, err := described()
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// asDescribed holds an answer against the description: every answer that any
// test of this package gets from the private listener comes by here.
func asDescribed(t *testing.T, method, target, body string, a answer) {
	t.Helper()
	router, err := describedRoutes()
	if err != nil {
		t.Fatalf("the description: %v", err)
	}
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	route, parameters, err := router.FindRoute(req)
	if err != nil {
		return // no route of the API; TestEveryRouteIsDescribed holds the list
	}
	if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || a.status == http.StatusMethodNotAllowed {
		return // said before the route is reached
	}
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true,
			SkipSettingDefaults: true}}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: a.status, Header: a.header, Options: input.Options}
	out.SetBodyBytes([]byte(a.body))
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		t.Errorf("%s %s does not answer as it is described: %v", method, target, err)
	}
	// What is taken must be described as something that may be sent.
	if a.status < http.StatusMultipleChoices && json.Valid([]byte(body)) && route.Operation.RequestBody != nil {
		req.Header.Set("Content-Type", "application/json")
		if err := openapi3filter.ValidateRequestBody(context.Background(), input, route.Operation.RequestBody.Value); err != nil {
			t.Errorf("%s %s takes what is not described: %v", method, target, err)
		}
	}
}

func init() {
	for _, kind := range []string{"application/x-ndjson", "application/yaml"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
}

var ginParameter = regexp.MustCompile(`:([a-z_]+)`)

// Every route is described, and nothing is described that is no route.
func TestEveryRouteIsDescribed(t *testing.T) {
	w := begin(t, nil)
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	var routes, inDocument []string
	for _, r := range w.server.PrivateHandler().(*gin.Engine).Routes() {
		if strings.HasPrefix(r.Path, "/api/") || r.Path == "/metrics" {
			routes = append(routes, r.Method+" "+ginParameter.ReplaceAllString(r.Path, "{$1}"))
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			inDocument = append(inDocument, method+" "+path)
			if operation.Summary == "" || len(operation.Tags) != 1 || doc.Tags.Get(operation.Tags[0]) == nil {
				t.Errorf("%s %s lacks a summary, or a tag that is known", method, path)
			}
		}
	}
	for _, r := range routes {
		if !slices.Contains(inDocument, r) {
			t.Errorf("%s is not described in server/openapi", r)
		}
	}
	for _, r := range inDocument {
		if !slices.Contains(routes, r) {
			t.Errorf("%s is described and is no route", r)
		}
	}
}

func TestTheDescriptionIsServed(t *testing.T) {
	w := begin(t, nil)
	a := w.send("GET", w.private+"/api/openapi.yaml", "").is200()
	if a.header.Get("Content-Type") != "application/yaml" || !strings.HasPrefix(a.body, "openapi: 3.0") {
		t.Errorf("%s %.40s", a.header.Get("Content-Type"), a.body)
	}
	if strings.Contains(a.body, "<<") || strings.Contains(a.body, "*") && regexp.MustCompile(`: \*[a-z]`).MatchString(a.body) {
		t.Error("the document has anchors, which few programs read")
	}
	w.send("GET", w.private+"/api/openapi.yaml?x=1", "").isProblem(400, "")
}

// The parameters that are described are those that are taken.
func TestParametersAreDescribed(t *testing.T) {
	w := begin(t, nil)
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		get := item.Get
		if get == nil || strings.Contains(path, "{") || path == "/metrics" || path == "/api/v1/events" {
			continue
		}
		a := w.send("GET", w.private+path+"?no_such_parameter=1", "").isProblem(400, "no_such_parameter")
		var p struct{ Detail string }
		if err := json.Unmarshal([]byte(a.body), &p); err != nil {
			t.Fatal(err)
		}
		for _, ref := range get.Parameters {
			if ref.Value.In == "query" && !strings.Contains(p.Detail, "There are: ") {
				continue
			} else if ref.Value.In == "query" && !strings.Contains(p.Detail, ref.Value.Name) {
				t.Errorf("%s does not take %s: %s", path, ref.Value.Name, p.Detail)
			}
		}
		if names, ok := strings.CutPrefix(p.Detail[strings.Index(p.Detail, ".")+1:], " There are: "); ok {
			for name := range strings.SplitSeq(strings.TrimSuffix(names, "."), ", ") {
				if get.Parameters.GetByInAndName("query", name) == nil {
					t.Errorf("%s takes %s, which is not described", path, name)
				}
			}
		}
	}
}
