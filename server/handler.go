package server

import "net/http"

// PrivateHandler is the private listener's handler, for a program that asks its
// own API in process. It guards nothing but what the listener's handler does.
func (s *Server) PrivateHandler() http.Handler { return s.private.http.Handler }
