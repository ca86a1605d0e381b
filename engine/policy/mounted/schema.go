package mounted

// Schema is the JSON schema of a mounted document, for editors and for `opa
// check`: the same fields that references are checked against. It is nil for a
// name that no document has.
func Schema(root string) map[string]any {
	doc, ok := Documents[root]
	if !ok {
		return nil
	}
	below := func(each *Shape) map[string]any {
		return map[string]any{"type": "object", "additionalProperties": each.schema()}
	}
	out := map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": root, "type": "object",
		"description": "What policies see at data." + root + ". Read it by key; the whole is refused.",
	}
	if doc.Collections == nil {
		out["additionalProperties"] = below(doc.Each)
		return out
	}
	collections := map[string]any{}
	for name, each := range doc.Collections {
		collections[name] = below(each)
	}
	out["properties"], out["additionalProperties"] = collections, false
	return out
}

// schema is that of a part; a nil shape is anything.
func (s *Shape) schema() any {
	switch {
	case s == nil:
		return true
	case s.Leaf && len(s.types) == 1:
		return map[string]any{"type": s.types[0]}
	case s.Leaf && len(s.types) > 1:
		return map[string]any{"type": s.types}
	case s.Leaf:
		return map[string]any{"type": "string"}
	case s.List:
		return map[string]any{"type": "array", "items": s.Each.schema()}
	case s.Each != nil:
		return map[string]any{"type": "object", "additionalProperties": s.Each.schema()}
	}
	properties := map[string]any{}
	for name, field := range s.Fields {
		properties[name] = field.schema()
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}
